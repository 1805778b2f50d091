//go:build linux

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

const trustText = `A .fsh.toml, and the "#:" lines of a script, come with the code that they are
meant to confine: until you trust them they can only take rights away. fsh trust
shows what they would gain, and asks on the terminal. What you agree to is the
file as it is; with any edit it has to be trusted again.

  fsh trust [DIR|SCRIPT]   default: this directory's .fsh.toml
  fsh trust --list         what is trusted, and whether it still is as it was
`

const untrustText = `Takes back what fsh trust agreed to.

  fsh untrust [DIR|SCRIPT]   default: this directory's .fsh.toml
  fsh untrust --all
`

// trustStore is where the user's agreements are.
func trustStore(env []string) *policy.TrustStore {
	home, _ := lookup(env, "HOME")
	state, _ := lookup(env, "XDG_STATE_HOME")
	return policy.NewTrustStore(home, state)
}

// trustTarget is the file that an operand means.
func trustTarget(operand string) (string, error) {
	if operand == "" {
		operand = "."
	}
	if info, err := os.Stat(operand); err == nil && info.IsDir() {
		operand = filepath.Join(operand, ".fsh.toml")
	}
	file, err := policy.CanonicalFile(operand)
	if err != nil {
		return "", &policy.Error{File: operand, Msg: "cannot read it: " + unwrapped(err), Err: err}
	}
	return file, nil
}

func trustMain(c *call, args []string) int {
	f := c.flags()
	list, asJSON := f.Bool("list", false, ""), f.Bool("json", false, "")
	operands, status, done := c.parse(f, args)
	switch {
	case done:
		return status
	case len(operands) > 1 || *list && len(operands) > 0:
		return c.misused("one directory or script at a time")
	case *asJSON && !*list:
		return c.misused("--json goes with --list")
	case c.at == nil && sandbox.Inside():
		return c.fails(exitSetup, &usageError{"trust: not from inside of a sandbox", "run it in a terminal of your own"})
	case *list:
		return c.listTrust(*asJSON)
	}
	file, err := trustTarget(strings.Join(operands, ""))
	if err != nil {
		return c.fails(1, err)
	}
	request, err := c.request(file)
	if err != nil {
		return c.fails(exitSetup, err)
	}
	if len(request.Files) == 0 {
		return c.fails(1, &usageError{"trust: " + events.Printable(file) + " asks for nothing", "it needs to be a .fsh.toml, or a script with '#:' lines below its first"})
	}
	return c.askTrust(request)
}

// request finds out what a file would get.
func (c *call) request(file string) (*policy.Request, error) {
	p := &policyFlags{}
	at := file
	if filepath.Base(file) == ".fsh.toml" {
		if _, err := os.Lstat(file); err != nil {
			return nil, &policy.Error{File: file, Msg: "cannot read it: " + unwrapped(err), Hint: "fsh policy init writes one", Err: err}
		}
		at = filepath.Dir(file)
	}
	in, dir, err := c.invocation(p, at)
	if err != nil {
		return nil, err
	}
	o := in.policyOptions(dir)
	return policy.Ask(o, file)
}

// askTrust shows what is asked for and takes the answer from the terminal.
func (c *call) askTrust(r *policy.Request) int {
	tty, err := openTerminal()
	if err != nil {
		return c.fails(1, &usageError{"trust: " + err.Error(), "read it, and run fsh trust in a terminal"})
	}
	defer tty.Close()
	changes := r.Changes()
	text := describeRequest(r, changes)
	dangerous := slices.ContainsFunc(changes, func(ch policy.Change) bool { return ch.Danger != "" })
	quiet, err := c.quiet()
	if err != nil {
		return c.fails(1, err)
	}
	answer, err := tty.ask(text, dangerous)
	if err = errors.Join(quiet(), err); err != nil {
		return c.fails(1, fmt.Errorf("trust: %w", err))
	}
	if !answer {
		fmt.Fprintln(c.errout, "fsh: not trusted: nothing has changed")
		return 1
	}
	if err := trustStore(c.env).Agree(r); err != nil {
		return c.fails(1, err)
	}
	fmt.Fprintf(c.errout, "fsh: trusted: %s, until it is edited\n", events.Printable(r.File))
	return 0
}

// quiet keeps everything that the session runs from running until it is called
// again: nothing can write into a question, or read its answer.
func (c *call) quiet() (end func() error, err error) {
	if c.at == nil {
		return func() error { return nil }, nil
	}
	release := c.at.call.HoldJobs()
	thaw, err := c.at.session.session.Freeze()
	if err != nil {
		release()
		return nil, err
	}
	return func() error {
		defer release()
		return thaw()
	}, nil
}

// groupTitles are the groups of policy.Change in the order of their weight.
var groupTitles = []struct{ group, title string }{
	{"write", "files that it may write"}, {"privileges", "privileges"}, {"read", "files that it may read"}, {"network", "hosts"}, {"services", "services of this machine"},
	{"variables", "variables"}, {"commands", "commands"}, {"limits", "limits"},
}

// describeRequest lists rights, dangers and restrictions.
func describeRequest(r *policy.Request, changes []policy.Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s asks for:\n", events.Printable(r.File))
	if len(r.Files) > 1 {
		for _, f := range r.Files[1:] {
			fmt.Fprintf(&b, "  (extends %s)\n", events.Printable(f.Path))
		}
	}
	b.WriteString(describeChanges(changes))
	return b.String()
}

func describeChanges(changes []policy.Change) string {
	var b strings.Builder
	for _, gained := range []bool{true, false} {
		for _, t := range groupTitles {
			first := true
			for _, ch := range changes {
				if ch.Group != t.group || ch.Gained != gained {
					continue
				}
				if first {
					fmt.Fprintf(&b, "  %s:\n", t.title)
					first = false
				}
				describeChange(&b, ch)
			}
		}
	}
	if len(changes) == 0 {
		b.WriteString("  nothing that it does not have already\n")
	}
	return b.String()
}

func describeChange(b *strings.Builder, ch policy.Change) {
	program := ""
	if ch.Program != "" {
		program = " [only " + ch.Program + "]"
	}
	where := ch.Rule.Origin.File
	if ch.Rule.Origin.Line > 0 {
		where = fmt.Sprintf("%s:%d", where, ch.Rule.Origin.Line)
	}
	if where != "" {
		where = "   (" + where + ")"
	}
	line := fmt.Sprintf("%s%s%s", ch.Text, program, where)
	fmt.Fprintf(b, "    %s %s\n", map[bool]string{true: "+", false: "-"}[ch.Gained], events.Printable(line))
	if ch.Danger != "" {
		fmt.Fprintf(b, "      WARNING: %s\n", events.Printable(ch.Danger))
	}
}

// settle is how long keys are ignored after something is shown: nobody has
// read it faster, so they were meant for something else.
const settle = 500 * time.Millisecond

// trustState is one agreement and what became of the file.
type trustState struct {
	policy.Agreement
	State string `json:"state"` // "trusted", "edited", "gone"
}

func (c *call) listTrust(asJSON bool) int {
	list, err := trustStore(c.env).List()
	if err != nil {
		return c.fails(1, err)
	}
	states := []trustState{}
	for _, a := range list {
		s := trustState{a, "trusted"}
		if sum, err := policy.FileSum(a.Path); errors.Is(err, os.ErrNotExist) {
			s.State = "gone"
		} else if err != nil || hex.EncodeToString(sum) != a.SHA256 {
			s.State = "edited"
		}
		states = append(states, s)
	}
	if asJSON {
		return c.printJSON(states)
	}
	for _, s := range states {
		fmt.Fprintf(c.out, "%-8s %s  %s\n", s.State, s.Since.Local().Format("2006-01-02 15:04"), events.Printable(s.Path))
	}
	return 0
}

func untrustMain(c *call, args []string) int {
	f := c.flags()
	all := f.Bool("all", false, "")
	operands, status, done := c.parse(f, args)
	switch {
	case done:
		return status
	case len(operands) > 1 || *all && len(operands) > 0:
		return c.misused("one directory or script at a time")
	case sandbox.Inside():
		return c.fails(exitSetup, &usageError{"untrust: not from inside of a sandbox", "run it in a terminal of your own"})
	case *all:
		if err := trustStore(c.env).Change(func([]policy.Agreement) []policy.Agreement { return []policy.Agreement{} }); err != nil {
			return c.fails(1, err)
		}
		return 0
	}
	operand := strings.Join(operands, "")
	file, err := trustTarget(operand)
	if err != nil {
		return c.fails(1, err)
	}
	store := trustStore(c.env)
	found, err := store.Forget(file)
	if err == nil && !found {
		// The directory may be gone with its file.
		found, err = store.Forget(filepath.Join(file, ".fsh.toml"))
	}
	if err != nil {
		return c.fails(1, err)
	}
	if !found {
		return c.fails(1, &usageError{"untrust: " + events.Printable(file) + " is not trusted", "fsh trust --list"})
	}
	return 0
}
