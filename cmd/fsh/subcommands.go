//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/completions"
	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// subcommand is what fsh does in place of running a script. Each has a file of
// its own that holds run.
type subcommand struct {
	name string
	args string // as help shows them
	use  string // one line
	text string // more, for "fsh help NAME"; may be empty
	run  func(c *call, args []string) int
}

// subcommands is the whole list: it is closed, so that no script is ever
// mistaken for one. It is a function because help lists it.
func subcommands() []subcommand {
	return []subcommand{
		{"allow", "read|write|net|exec|env TARGET...", "at the prompt: give rights to the rest of the session", allowText, allowMain},
		{"cache", "list|clear [DIR]", "show or remove what projects keep in private_write paths", cacheText, cacheMain},
		{"completion", "bash|zsh|fish", "print the completion script for a shell", "", completionMain},
		{"deny", "read|write|net|exec|env TARGET...", "at the prompt: take rights from the rest of the session", allowText, allowMain},
		{"doctor", "[--json|--apparmor]", "say which layers of the sandbox work here, and what to do", doctorText, doctorMain},
		{"help", "[SUBCOMMAND]", "explain fsh or one of these", "", helpMain},
		{"log", "FILE", "show events that --events wrote, as people read them", logText, logMain},
		{"policy", "show|check|diff|init|explain|import|schema", "show and write policies", policyText, policyMain},
		{"quarantine", "list|show ID|restore ID", "show or put back what was taken out of a tree", quarantineText, quarantineMain},
		{"trust", "[DIR|SCRIPT] | --list", "show what a project's policy asks for, and agree to it", trustText, trustMain},
		{"untrust", "[DIR|SCRIPT] | --all", "take an agreement back", untrustText, untrustMain},
		{"why", "read|write|create|exec|net|env TARGET", "say whether the policy allows something, and which rule decides", whyText, whyMain},
	}
}

// call is one run of a subcommand and all it knows of the world.
type call struct {
	sub    *subcommand
	env    []string
	in     *os.File
	out    io.Writer
	errout io.Writer
	// at is the session that it was called in, at whose prompt; nil: none.
	at *promptCall
	// resolved is a policy with links followed, and unresolved the same before.
	resolved, unresolved *policy.Policy
}

// findSubcommand is the one that a command line means, or nil: the very first
// argument, under the name fsh, never in POSIX mode. It wins over a file of
// that name, because a hostile directory must not be able to take over "fsh
// trust"; "fsh ./trust" and "fsh -- trust" run the file.
func findSubcommand(name string, args, env []string) *subcommand {
	_, posix := lookup(env, "POSIXLY_CORRECT")
	if len(args) == 0 || posix || filepath.Base(name) != "fsh" {
		return nil
	}
	all := subcommands()
	if i := slices.IndexFunc(all, func(s subcommand) bool { return s.name == args[0] }); i >= 0 {
		return &all[i]
	}
	return nil
}

// nearSubcommand is the one that a mistyped word was probably meant to be.
func nearSubcommand(word string) string {
	var names []string
	for _, s := range subcommands() {
		names = append(names, s.name)
	}
	return policy.Nearest(word, names)
}

// runSubcommand runs one and returns the exit status.
func runSubcommand(s *subcommand, args, env []string) int {
	c := &call{sub: s, env: env, in: os.Stdin, out: os.Stdout, errout: os.Stderr}
	if info, err := os.Stat(s.name); err == nil && info.Mode().IsRegular() {
		fmt.Fprintf(c.errout, "fsh: note: this is the subcommand; 'fsh ./%s' runs the file\n", s.name)
	}
	return s.run(c, args)
}

// flags is an empty set of options for the subcommand; see parse.
func (c *call) flags() *flag.FlagSet {
	f := flag.NewFlagSet(c.sub.name, flag.ContinueOnError)
	f.SetOutput(io.Discard) // parse reports
	f.Usage = func() {}
	return f
}

// parse reads options, which may stand between the operands, and returns the
// operands. If done, the subcommand ends with status at once.
func (c *call) parse(f *flag.FlagSet, args []string) (operands []string, status int, done bool) {
	for {
		err := f.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			c.help()
			return nil, 0, true
		case err != nil:
			return nil, c.misused("%s", err), true
		}
		rest := f.Args()
		// After "--" everything is an operand.
		if n := len(args) - len(rest); len(rest) == 0 || n > 0 && args[n-1] == "--" {
			return append(operands, rest...), 0, false
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
}

// operand is parse for a subcommand that takes at most one.
func (c *call) operand(f *flag.FlagSet, args []string, what string) (operand string, status int, done bool) {
	operands, status, done := c.parse(f, args)
	if !done && len(operands) > 1 {
		return "", c.misused("one %s at a time", what), true
	}
	return strings.Join(operands, ""), status, done
}

// misused reports a command line that makes no sense.
func (c *call) misused(format string, args ...any) int {
	return c.fails(exitUsage, &usageError{fmt.Sprintf("%s: %s", c.sub.name, events.Printable(fmt.Sprintf(format, args...))),
		strings.TrimSpace("fsh " + c.sub.name + " " + c.sub.args)})
}

// fails reports an error with its hint and returns the status.
func (c *call) fails(status int, err error) int {
	fmt.Fprintln(c.errout, "fsh:", err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintln(c.errout, "fsh: hint:", hint)
	}
	return status
}

// getenv is the variable's value, or empty.
func (c *call) getenv(name string) string {
	value, _ := lookup(c.env, name)
	return value
}

func (c *call) help() {
	fmt.Fprintf(c.out, "Usage: %s\n\n%s.\n", strings.TrimSpace("fsh "+c.sub.name+" "+c.sub.args), upperFirst(c.sub.use))
	if c.sub.text != "" {
		fmt.Fprintf(c.out, "\n%s", c.sub.text)
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func helpMain(c *call, args []string) int {
	args, status, done := c.parse(c.flags(), args)
	switch {
	case done:
		return status
	case len(args) > 1:
		return c.misused("one subcommand at most")
	case len(args) == 0:
		fmt.Fprint(c.out, usageText())
		return 0
	}
	all, names := subcommands(), []string{}
	for i := range all {
		if names = append(names, all[i].name); all[i].name == args[0] {
			c.sub = &all[i]
			c.help()
			return 0
		}
	}
	err := &usageError{"help: no subcommand " + events.Printable(args[0]), "there are: " + strings.Join(names, ", ")}
	if near := policy.Nearest(args[0], names); near != "" {
		err.hint = "did you mean 'fsh help " + near + "'?"
	}
	return c.fails(exitUsage, err)
}

// usageText is what --help prints.
func usageText() string {
	var b strings.Builder
	b.WriteString(usage + "\nSubcommands, as the very first argument ('fsh ./NAME' runs a script of that name):\n")
	for _, s := range subcommands() {
		fmt.Fprintf(&b, "  fsh %-46s %s\n", s.name+" "+s.args, s.use)
	}
	return b.String()
}

func completionMain(c *call, args []string) int {
	args, status, done := c.parse(c.flags(), args)
	if done {
		return status
	}
	if len(args) != 1 {
		return c.misused("name one shell")
	}
	text, ok := completions.Script(args[0])
	if !ok {
		return c.misused("no completion for %q", args[0])
	}
	fmt.Fprint(c.out, text)
	return 0
}
