//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

// promptSession is the policy of an interactive session, which changes while it
// lasts: by cd, by edits of project files, by trust, and by what the user allows
// and denies at the prompt. Before every prompt it is made anew if need be; the
// commands of one line run under what held when it was typed, narrowed by cd.
type promptSession struct {
	in      *invocation
	session *sandbox.Session
	inner   *cdPolicies
	outer   []string      // the environment that fsh was started with
	file    string        // of --policy, absolute
	typed   []policy.Flag // by fsh allow and fsh deny
	// holds is the effective policy; seen is what it was made from.
	holds *policy.Policy
	seen  string
	// passed is the policy by which the shell got its variables.
	passed *policy.Policy
	// denials are those of the line that was typed last.
	denials *promptDenials
}

func newPromptSession(in *invocation, s *sandbox.Session, denials *promptDenials, inner *cdPolicies, rules *policy.Policy) *promptSession {
	p := &promptSession{in: in, session: s, inner: inner, outer: os.Environ(), file: inner.opts.PolicyFile, holds: rules, passed: rules, denials: denials}
	p.seen = p.stamp(rules.Dir)
	return p
}

// stamp changes with everything that the policy of a directory is made from.
func (p *promptSession) stamp(dir string) string {
	files, _ := projectStamp(dir)
	store, _ := lookup(p.outer, "XDG_STATE_HOME")
	home, _ := lookup(p.outer, "HOME")
	return dir + "\x00" + files + "\x00" + policy.NewTrustStore(home, store).Stamp()
}

// lend gives a subcommand the policy of the session, and what its own options
// add to that.
func (p *promptSession) lend(in *invocation) {
	in.policyFile = cmp.Or(in.policyFile, p.file)
	in.rules = slices.Concat(p.in.rules, p.typed, in.rules)
}

// options are those of the session in a directory.
func (p *promptSession) options(dir string) policy.Options {
	o := &options{}
	in := &invocation{options: o, env: p.outer, sink: p.in.sink}
	p.lend(in)
	return in.policyOptions(dir)
}

// refresh makes the policy of a directory and puts it into effect. It tells
// what has changed, and whether anything has.
func (p *promptSession) refresh(dir string, tell io.Writer) (changed bool, err error) {
	opts := p.options(dir)
	holds, warnings, err := policy.Load(opts)
	text := events.NewText(tell, events.TextOptions{})
	for _, w := range warnings {
		text.Emit(w) // again, when it has been away: the sink says it once
	}
	text.Close()
	if err != nil {
		return false, err
	}
	runs := holds
	// What is said about hosts at the prompt holds in the networks that there
	// are, so that servers and their clients stay together.
	opts.Flags = slices.DeleteFunc(opts.Flags, func(f policy.Flag) bool { return f.Session && strings.HasSuffix(f.Kind, "-net") })
	if len(opts.Flags) < len(p.in.rules)+len(p.typed) {
		if runs, _, err = policy.Load(opts); err != nil {
			return false, err
		}
	}
	changes := policy.Difference(p.holds, holds)
	if len(changes) > 0 {
		fmt.Fprintf(tell, "fsh: rights in %s:\n%s", events.Printable(dir), describeChanges(changes))
	}
	p.inner.begin(runs, opts)
	p.holds = holds
	p.session.ChangePolicy(holds)
	return true, p.session.ChangeNetwork(saidOfHosts(holds))
}

// saidOfHosts adds what was said at the prompt to the rules of a network.
func saidOfHosts(holds *policy.Policy) func(policy.Network) policy.Network {
	said := func(list []policy.HostRule) []policy.HostRule {
		return slices.DeleteFunc(slices.Clone(list), func(h policy.HostRule) bool { return !h.Rule.FromSession() })
	}
	allowed, denied := said(holds.Network.AllowedDomains), said(holds.Network.DeniedDomains)
	return func(n policy.Network) policy.Network {
		n.AllowedDomains = slices.Concat(n.AllowedDomains, allowed)
		n.DeniedDomains = slices.Concat(n.DeniedDomains, denied)
		return n
	}
}

// own is the command `fsh` at the prompt.
func (p *promptSession) own() *interp.Own {
	return &interp.Own{
		Name:   "fsh",
		Takes:  func(args []string) bool { return findSubcommand("fsh", args, nil) != nil },
		Run:    p.run,
		Prompt: p.beforePrompt,
	}
}

// beforePrompt looks whether the policy is still that of the directory.
func (p *promptSession) beforePrompt(status int, where func() (string, error)) bool {
	p.denials.show(status)
	dir, err := where()
	if err != nil {
		return false // a directory that is gone has no other rules
	}
	dir = cmp.Or(dir, p.in.startDir)
	stamp := p.stamp(dir)
	if stamp == p.seen {
		return false
	}
	p.seen = stamp
	changed, err := p.refresh(dir, os.Stderr)
	if err != nil {
		p.in.sink.Emit(events.Event{Kind: events.Warning, Message: err.Error() + ": the rights from before hold", Hint: hintOf(err)})
	}
	return changed
}

// promptCall is a subcommand that was typed at a session's prompt.
type promptCall struct {
	session *promptSession
	call    *interp.OwnCall
	dir     string
}

// run is the builtin. The process changes to the shell's directory as long as
// the subcommand runs: nothing else of it uses its own.
func (p *promptSession) run(oc *interp.OwnCall) int {
	dir, err := oc.Dir()
	dir = cmp.Or(dir, p.in.startDir)
	path, _ := lookup(oc.Env, "PATH")
	c := &call{
		sub: findSubcommand("fsh", oc.Args, nil), env: append(without(p.outer, "PATH"), "PATH="+path),
		in: os.Stdin, out: oc.Out, errout: oc.Err, at: &promptCall{p, oc, dir},
	}
	if err == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		return c.fails(1, &usageError{c.sub.name + ": this directory is inside of the session only", "cd to another one first"})
	}
	defer os.Chdir(p.in.startDir)
	if slices.Contains(changing, c.sub.name) && !oc.Direct {
		return c.fails(1, &usageError{c.sub.name + ": only by itself, at the prompt", "type it on a line of its own"})
	}
	status := c.sub.run(c, oc.Args[1:])
	if status == 0 && slices.Contains(changing, c.sub.name) {
		p.seen = p.stamp(dir)
		if oc.Changed, err = p.refresh(dir, oc.Err); err != nil {
			return c.fails(1, err)
		}
		p.passOn(oc)
	}
	return status
}

// changing are the subcommands that change what holds.
var changing = []string{"allow", "deny", "trust", "untrust"}

// passOn gives the shell the variables that may pass now, and takes away those
// that may not any more, unless it has changed them itself.
func (p *promptSession) passOn(oc *interp.OwnCall) {
	was := insideEnv(p.outer, p.passed)
	now := insideEnv(p.outer, p.holds)
	p.passed = p.holds
	for _, kv := range now {
		name, value, _ := strings.Cut(kv, "=")
		if old, had := lookup(was, name); !had || old != value {
			oc.Export(name, value)
		}
	}
	for _, kv := range was {
		name, value, _ := strings.Cut(kv, "=")
		if _, has := lookup(now, name); !has {
			if held, ok := lookup(oc.Env, name); ok && held == value {
				oc.Unset(name)
			}
		}
	}
}

const allowText = `For the rest of the session, and for this one alone. Commands that run already
keep the files they may use; connections that are denied now end.

  fsh allow net example.com:443     fsh allow write ../shared
  fsh deny net example.com          fsh allow           what was said so far
`

// allowMain is fsh allow and fsh deny.
func allowMain(c *call, args []string) int {
	operands, status, done := c.parse(c.flags(), args)
	switch {
	case done:
		return status
	case c.at == nil:
		return c.fails(exitUsage, &usageError{c.sub.name + ": only at the prompt of a session", "--" + c.sub.name + "-KIND=TARGET is for one run"})
	case len(operands) == 0:
		for _, f := range c.at.session.typed {
			fmt.Fprintln(c.out, events.Printable(f.String()))
		}
		return 0
	case !slices.Contains(ruleKinds, c.sub.name+"-"+operands[0]):
		return c.misused("unknown kind %s", operands[0])
	case len(operands) == 1:
		return c.misused("what?")
	}
	targets := operands[1:]
	if operands[0] == "exec" {
		targets = []string{strings.Join(targets, " ")}
	}
	return c.at.say(c, operands[0], targets)
}

// say adds flags, in place of those that say the opposite.
func (pc *promptCall) say(c *call, kind string, targets []string) int {
	p := pc.session
	opposite := map[string]string{"allow": "deny", "deny": "allow"}[c.sub.name]
	before := slices.Clone(p.typed)
	for _, target := range targets {
		if (kind == "read" || kind == "write") && !strings.ContainsAny(target[:min(1, len(target))], "/~$") {
			target = filepath.Join(pc.dir, target)
		}
		same := func(f policy.Flag) bool {
			return f.Value == target && (f.Kind == opposite+"-"+kind || f.Kind == c.sub.name+"-"+kind)
		}
		p.typed = append(slices.DeleteFunc(p.typed, same), policy.Flag{Kind: c.sub.name + "-" + kind, Value: target, Session: true})
	}
	holds, _, err := policy.Load(p.options(pc.dir))
	if err != nil {
		p.typed = before
		return c.fails(1, err)
	}
	if len(policy.Difference(p.holds, holds)) == 0 {
		fmt.Fprintln(c.errout, "fsh: nothing has changed: other rules decide that")
	}
	return 0
}
