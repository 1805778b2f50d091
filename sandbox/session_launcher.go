package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// fleet is the set of a session's runners, one for each set of rules.
type fleet struct {
	mu sync.Mutex // also serialises starts
	// first and its policy are the runner that nearly all scripts get by with:
	// without another policy there is nothing to compare.
	first       *runnerConn
	firstPolicy *policy.Policy
	// known spares the digest of policies that were seen before.
	known  map[*policy.Policy]string
	conns  map[string]*runnerConn
	once   sync.Once
	system *system

	programs programs
}

// System is the session as the interpreter's door to the operating system.
func (s *Session) System() interp.System {
	s.fleet.once.Do(func() {
		// The only error is a relative directory, which New refuses.
		s.fleet.system, _ = newSystem(s, s.cfg.Dir, s.hooks())
	})
	return s.fleet.system
}

// policyFor is the policy that applies in a directory.
func (s *Session) policyFor(dir string) (*policy.Policy, error) {
	if s.cfg.PolicyFor == nil {
		return s.policy(), nil
	}
	return s.cfg.PolicyFor(dir)
}

// policy is the effective policy at the start, or what has replaced it.
func (s *Session) policy() *policy.Policy {
	if p := s.changed.Load(); p != nil {
		return p
	}
	return s.cfg.Policy
}

// ChangePolicy replaces the policy that denials are explained by. What commands
// get is for Config.PolicyFor to say: a directory has the policy of when it was
// opened.
func (s *Session) ChangePolicy(p *policy.Policy) { s.changed.Store(p) }

// rulesKey is equal for policies that allow the same. Where they were made
// for does not count: paths are absolute.
func (f *fleet) rulesKey(p *policy.Policy) string {
	if key, ok := f.known[p]; ok {
		return key
	}
	q := *p
	q.Dir = ""
	key := q.Digest()
	if f.known == nil || len(f.known) > 256 {
		f.known = map[*policy.Policy]string{}
	}
	f.known[p] = key
	return key
}

// runner is the runner of a policy, a new one when there is none or it died.
func (s *Session) runner(p *policy.Policy) (*runnerConn, error) {
	f := &s.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.firstPolicy == nil || f.firstPolicy == p {
		if f.first != nil && !f.first.dead() {
			return f.first, nil
		}
		rc, err := s.connectRunner(p)
		if err == nil {
			f.first, f.firstPolicy = rc, p
		}
		return rc, err
	}
	key := f.rulesKey(p)
	if key == f.rulesKey(f.firstPolicy) && !f.first.dead() {
		return f.first, nil
	}
	if rc := f.conns[key]; rc != nil && !rc.dead() {
		return rc, nil
	}
	rc, err := s.connectRunner(p)
	if err != nil {
		return nil, err
	}
	if f.conns == nil {
		f.conns = map[string]*runnerConn{}
	}
	f.conns[key] = rc
	return rc, nil
}

// runnerStarts is how often a runner is started that a signal ends at once.
const runnerStarts = 20

func (s *Session) connectRunner(p *policy.Policy) (*runnerConn, error) {
	for try := 1; ; try++ {
		r, err := s.startRunner(p)
		if err != nil {
			return nil, err
		}
		rc, err := newRunnerConn(r.sock, r.events)
		if err == nil {
			rc.host = s.hostOf(r)
			return rc, nil
		}
		end := <-r.gone // nothing is said of one that ended with everything
		if try == runnerStarts || !end.early() {
			return nil, &SetupError{Layer: "runner", Err: fmt.Errorf("%w%s", err, end)}
		}
	}
}

// early tells whether a runner that had said nothing was ended by a signal
// that it would have handled: for its first moments the Go runtime lets some
// in (blockedSignals). What a terminal sends has reached the shell as well.
func (e ending) early() bool {
	if !e.Status.Signaled() {
		return e.Status.ExitStatus() == 2 // the runtime's end on SIGQUIT and SIGABRT
	}
	return slices.Contains(unblockedAtStart, e.Status.Signal())
}

// closeRunners ends the conversations with all runners.
func (s *Session) closeRunners() {
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	if s.fleet.first != nil {
		s.fleet.first.close()
	}
	for _, rc := range s.fleet.conns {
		rc.close()
	}
}

// hooks connect the system to policy and events.
func (s *Session) hooks() systemHooks {
	h := systemHooks{ppid: s.parentNumber, start: s.commandStarts, program: s.programPolicy, environ: s.programEnv, paths: s.ownPaths, unusable: s.cfg.Unusable}
	if s.cfg.Sink != nil {
		h.exit, h.explain, h.gone = s.commandEnded, s.explain, s.runnerDied
	}
	return h
}

// policyOf is the policy of the directory that a command starts in.
func (s *Session) policyOf(d interp.Dir) *policy.Policy {
	if own, ok := d.(*dir); ok && own != nil && own.policy != nil {
		return own.policy
	}
	return s.policy()
}

// commandStarts applies the guardrails: rules about names, which the kernel
// does not enforce.
func (s *Session) commandStarts(c *interp.Command) error {
	p := s.policyOf(c.Dir)
	if rule, denied := p.DeniedCommand(c.Argv); denied {
		s.emit(commandDenial(p, rule, events.Event{File: c.Where.File, Line: c.Where.Line, Argv: c.Argv}))
		return syscall.EACCES
	}
	return nil
}

// commandDenial completes the event of a command that a rule forbids.
func commandDenial(p *policy.Policy, rule policy.Rule, e events.Event) events.Event {
	e.Kind, e.Denied, e.Action, e.Errno, e.Rule = events.Exec, true, "exec", "EACCES", &rule
	e.Target = strings.Join(e.Argv, " ")
	e.Hint = p.HintFor("exec", e.Target, rule)
	return e
}

func (s *Session) commandEnded(c *interp.Command, end commandEnd) {
	s.reportLimit(c, end)
	if end.err == nil {
		s.explainGit(c, end.status)
	}
	e := events.Event{
		Kind: events.Exit, File: c.Where.File, Line: c.Where.Line, Argv: c.Argv, Pid: end.pid,
		Duration: time.Since(end.began).Seconds(),
	}
	if len(c.Argv) > 0 {
		e.Program = c.Argv[0]
	}
	if end.err != nil {
		e.Errno = errnoName(end.err)
	} else {
		status := end.status.ExitStatus()
		if end.status.Signaled() {
			status = 128 + int(end.status.Signal())
		}
		e.Status = &status
	}
	s.emit(e)
}

// explain reports a refusal that one of the policy's rules is behind. What
// the policy allows failed for a reason of its own.
func (s *Session) explain(action, abs string, errno syscall.Errno, w interp.Where) {
	asked := action
	switch action {
	case "enter", "stat", "exec":
		asked = "read"
	}
	p := s.policy()
	allowed, rule := p.Why(asked, abs)
	if allowed {
		return
	}
	hinted := asked
	if asked == "write" && errors.Is(unix.Lstat(abs, &unix.Stat_t{}), unix.ENOENT) {
		hinted = "create" // what does not exist cannot be granted
	}
	s.emit(events.Event{
		Kind: events.Open, Denied: true, File: w.File, Line: w.Line, Program: w.Name,
		Action: asked, Target: abs, Errno: errnoName(errno), Rule: &rule, Hint: p.Hint(hinted, abs),
	})
}

// denied reports what a supervisor saw a program being refused.
func (s *Session) denied(n deniedNote) {
	s.mu.Lock()
	p := s.rules[n.View]
	s.mu.Unlock()
	if p == nil {
		return
	}
	if e, ok := socketDenial(p, n); ok {
		s.emit(e)
		return
	}
	action := n.Action
	if action == "exec" {
		if rule, denied := p.DeniedCommand(n.Argv, n.Path); denied {
			s.emit(commandDenial(p, rule, events.Event{Argv: n.Argv, Program: n.Program, Pid: n.Pid}))
		}
		return
	}
	_, rule := p.Why(action, n.Path)
	if n.Name {
		if r, ok := p.ProtectedName(n.Path); ok {
			rule = r
		}
	}
	s.emit(events.Event{
		Kind: events.Open, Denied: true, Program: n.Program, Pid: n.Pid,
		Action: action, Target: n.Path, Errno: n.Errno, Rule: &rule, Hint: p.Hint(action, n.Path),
	})
}

// runnerDied reports a runner's own end; the next command gets a new one.
func (s *Session) runnerDied(rc *runnerConn) {
	what := ""
	var hung *hungError
	if errors.As(rc.err, &hung) {
		what = fmt.Sprintf("did not answer for %v and was ended", hung.after)
	} else {
		end, _ := rc.host.endedSoon()
		what = "died" + end.String()
	}
	s.emit(events.Event{Kind: events.Warning, Message: "the process that starts commands " + what + "; a new one is started"})
}

func (s *Session) emit(e events.Event) {
	if s.cfg.Sink == nil {
		return
	}
	e.Time = time.Now()
	s.cfg.Sink.Emit(e)
}
