//go:build linux

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

const doctorText = `Tries every layer of the sandbox by using it, and says which work here, why not,
and what to do about it. Nothing is changed.

  --json
  --apparmor   print an AppArmor profile that lets this program make user
               namespaces, to be installed as it says

Exit status: 0 when every layer works (but for "without", which no policy needs),
1 when some do not but the default policy can be enforced, 125 when it cannot.
`

//go:embed apparmor.profile
var apparmorProfile string

// usualPlaces is what the profile that is shipped is for.
const usualPlaces = "/usr/{,local/}bin/fsh"

func doctorMain(c *call, args []string) int {
	if c.at != nil {
		return c.fails(1, &usageError{"doctor: not in a session: this shell has given up the rights that the tests need", "run it in a shell outside"})
	}
	f := c.flags()
	asJSON, apparmor := f.Bool("json", false, ""), f.Bool("apparmor", false, "")
	operands, status, done := c.parse(f, args)
	switch {
	case done:
		return status
	case len(operands) > 0:
		return c.misused("no operand expected")
	case *apparmor:
		fmt.Fprint(c.out, profileFor(exePath()))
		return 0
	case sandbox.Inside():
		fmt.Fprintln(c.out, "inside of a session: the sandbox is the outer one's")
		return 0
	}
	dir, err := os.Getwd()
	if err != nil {
		return c.fails(exitSetup, err)
	}
	rules, _, err := policy.Load(policy.Options{Dir: dir, Home: os.Getenv("HOME"), ConfigHome: os.Getenv("XDG_CONFIG_HOME")})
	if err != nil {
		return c.fails(exitSetup, err)
	}
	reports, fallback := sandbox.Layers(rules, dir)
	status = doctorStatus(reports, fallback)
	if *asJSON {
		return c.doctorJSON(reports, status)
	}
	c.doctorText(reports, status)
	return status
}

func exePath() string {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return ""
	}
	return path
}

// profileFor is the profile with the path that this program has.
func profileFor(exe string) string {
	if exe == "" || exe == "/usr/bin/fsh" || exe == "/usr/local/bin/fsh" || strings.ContainsAny(exe, "\"\n") {
		return apparmorProfile
	}
	quoted := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`, "}", `\}`, "]", `\]`, "@", `\@`).Replace(exe)
	return strings.Replace(apparmorProfile, usualPlaces, `"`+quoted+`"`, 1)
}

func doctorStatus(reports []sandbox.LayerReport, fallback bool) int {
	status := 0
	for _, r := range reports {
		if !r.Works && !r.Optional {
			status = 1
		}
	}
	if !fallback {
		return exitSetup
	}
	return status
}

// verdicts are what an exit status means.
var verdicts = map[int]string{
	0:         "every layer that a policy can need works",
	1:         "the default policy holds; policies that need a missing layer are refused, or weakened with --allow-weaker",
	exitSetup: "no sandbox can be made here",
}

// weakerHere is what events and prompts of sessions will be marked with.
func weakerHere(reports []sandbox.LayerReport, status int) []string {
	weaker := []string{}
	for _, r := range reports {
		if !r.Works && (r.Layer == "user namespace" || r.Layer == "proc") && status == 1 {
			return append(weaker, sandbox.WeakerNamespaces)
		}
	}
	return weaker
}

func (c *call) doctorJSON(reports []sandbox.LayerReport, status int) int {
	text, err := json.MarshalIndent(map[string]any{"layers": reports, "status": status, "verdict": verdicts[status], "weaker": weakerHere(reports, status)}, "", "  ")
	if err != nil {
		return c.fails(exitSetup, err)
	}
	fmt.Fprintln(c.out, string(text))
	return status
}

func (c *call) doctorText(reports []sandbox.LayerReport, status int) {
	for _, r := range reports {
		state := "works"
		switch {
		case r.Unknown:
			state = "unknown"
		case !r.Works && r.Optional:
			state = "without"
		case !r.Works:
			state = "MISSING"
		}
		fmt.Fprintf(c.out, "%-15s %-8s %s\n", r.Layer, state, r.Gives)
		indent := strings.Repeat(" ", 25)
		if r.Note != "" {
			fmt.Fprintf(c.out, "%s%s\n", indent, r.Note)
		}
		if r.Why != "" && !r.Unknown {
			fmt.Fprintf(c.out, "%swhy: %s\n", indent, r.Why)
		}
		for _, remedy := range r.Remedy {
			fmt.Fprintf(c.out, "%sdo:  %s\n", indent, remedy)
		}
	}
	fmt.Fprintf(c.out, "\n%s\n", verdicts[status])
	if weaker := weakerHere(reports, status); len(weaker) > 0 {
		fmt.Fprintf(c.out, "prompts and events say: without %s\n", strings.Join(weaker, ", "))
	}
}
