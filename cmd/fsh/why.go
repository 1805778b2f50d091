//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/netfilter"
	"github.com/fsh-sh/fsh/policy"
)

const whyText = `Says whether the policy of this directory allows an action, which rule decides,
which other entries are about it, and the smallest change that would allow it.
TARGET is a path, a host with or without a port, a command with its arguments,
or the name of a variable. Nothing is read, run or connected.

  --policy=FILE --allow-KIND=… --deny-KIND=…   as for a run
  --program=NAME   under the [program] table of NAME
  --in=DIR|SCRIPT  as if started there, or as that script
  --json

Exit status: 0 allowed, 1 denied, 125 when the policy cannot be read.
`

var whyActions = []string{"read", "write", "create", "exec", "net", "env"}

func whyMain(c *call, args []string) int {
	f := c.flags()
	p := c.policyFlags(f)
	program, at := f.String("program", "", ""), f.String("in", "", "")
	if i := slices.Index(args, "exec"); i >= 0 && !slices.Contains(args[:i], "--") {
		// What follows is a command with options of its own.
		args = slices.Insert(slices.Clone(args), i+1, "--")
	}
	operands, status, done := c.parse(f, args)
	switch {
	case done:
		return status
	case len(operands) < 2:
		return c.misused("an action and a target expected")
	case !slices.Contains(whyActions, operands[0]):
		return c.fails(exitUsage, &usageError{"why: unknown action " + events.Printable(operands[0]),
			"actions are " + strings.Join(whyActions, ", ")})
	case len(operands) > 2 && operands[0] != "exec":
		return c.misused("one target at a time")
	}
	rules, err := c.load(p, *at)
	if err != nil {
		return c.fails(exitSetup, err)
	}
	if *program != "" {
		rules = rules.ForProgram(*program)
	}
	v, err := c.verdict(rules, operands[0], operands[1:])
	if err != nil {
		return c.fails(exitUsage, err)
	}
	if p.asJSON {
		if status := c.printJSON(v); status != 0 {
			return status
		}
	} else {
		c.printVerdict(v)
	}
	if !v.Allowed {
		return 1
	}
	return 0
}

// verdict is what the sandbox does about an action.
func (c *call) verdict(rules *policy.Policy, action string, words []string) (policy.Verdict, error) {
	switch action {
	case "net":
		return netVerdict(rules, words[0])
	case "exec":
		return c.execVerdict(rules, words), nil
	case "env":
		return rules.Explain(action, words[0]), nil
	}
	return c.fileVerdict(rules, action, words[0]), nil
}

// fileVerdict follows links as the kernel does: rules and target are about
// files, whatever they are called.
func (c *call) fileVerdict(rules *policy.Policy, action, target string) policy.Verdict {
	path := target
	if !filepath.IsAbs(path) {
		path = filepath.Join(rules.Dir, path)
	}
	real, links := walk(path)
	if _, err := os.Lstat(real); err != nil && action == "write" {
		action = "create"
	}
	if c.resolved == nil || c.unresolved != rules {
		c.unresolved, c.resolved = rules, rules.Resolved(realPath)
	}
	v := c.resolved.Explain(action, real)
	for _, link := range links {
		// Who cannot search a directory cannot follow a link in it.
		if above := c.resolved.Explain("search", filepath.Dir(link)); v.Allowed && !above.Allowed {
			v = above
			v.Action = action
		}
	}
	v.Target = filepath.Clean(path)
	if real != v.Target {
		v.Note = strings.TrimPrefix(v.Note+"; it leads to "+real, "; ")
	}
	return v
}

func netVerdict(rules *policy.Policy, target string) (policy.Verdict, error) {
	compiled, err := netfilter.Compile(rules.Network)
	if err != nil {
		return policy.Verdict{}, err
	}
	t, err := netfilter.ParseTarget(target)
	if err != nil {
		host, hostErr := netfilter.ParseHost(target)
		if hostErr != nil {
			return policy.Verdict{}, &usageError{"why: " + err.Error(), "write it like example.com:443"}
		}
		t = netfilter.Target{Host: host, Port: 443}
	}
	v := compiled.Explain(t)
	if !v.Allowed && v.Hint == "" {
		v.Hint = rules.HintFor("net", v.Target, v.Rule)
	}
	return v, nil
}

// execVerdict is about the command's name and, when it is found, its file.
func (c *call) execVerdict(rules *policy.Policy, words []string) policy.Verdict {
	target := strings.Join(words, " ")
	file := c.findProgram(rules, words[0])
	if file == "" {
		v := rules.Explain("exec", target)
		v.Note = words[0] + " is not in PATH"
		return v
	}
	real := realPath(file)
	if rule, denied := rules.DeniedCommand(words, file, real); denied {
		v := rules.Explain("exec", target)
		v.Allowed, v.Rule, v.Hint = false, rule, rules.HintFor("exec", target, rule)
		return v
	}
	v := c.fileVerdict(rules, "read", file)
	if v.Allowed {
		v = rules.Explain("exec", target)
	}
	v.Action, v.Target = "exec", target
	if own := rules.ForProgram(file); own != rules {
		v.Note = strings.TrimPrefix(v.Note+"; it runs with the rights of its [program] table", "; ")
	}
	return v
}

func (c *call) findProgram(rules *policy.Policy, name string) string {
	candidates := []string{name}
	if !strings.Contains(name, "/") {
		candidates = nil
		for _, dir := range filepath.SplitList(c.getenv("PATH")) {
			candidates = append(candidates, filepath.Join(dir, name))
		}
	}
	for _, file := range candidates {
		if !filepath.IsAbs(file) {
			file = filepath.Join(rules.Dir, file)
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

func (c *call) printVerdict(v policy.Verdict) {
	line := func(format string, args ...any) {
		fmt.Fprintln(c.out, events.Printable(fmt.Sprintf(format, args...)))
	}
	line("%s: %s %s", map[bool]string{true: "allowed", false: "denied"}[v.Allowed], v.Action, v.Target)
	line("rule: %s", v.Rule)
	for _, r := range v.Losing {
		line("also: %s", r)
	}
	if v.Hint != "" {
		line("hint: %s", v.Hint)
	}
	if v.Note != "" {
		line("note: %s", v.Note)
	}
}
