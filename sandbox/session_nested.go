package sandbox

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// A shell that runs inside a session (a script with an fsh shebang, a text
// file without one) cannot make namespaces and need not: everything it could
// do is confined already. Its runner is an ordinary child that enters a
// Landlock domain of its own, so the policy's lists of what may be read and
// written narrow once more. Denials inside of allowed trees, and the network,
// are the outer session's; a denial on the command line, which the outer
// session cannot know of, is refused rather than ignored.

// nestedError is a rule that cannot be had inside of a session.
func nestedError(p *policy.Policy) error {
	for _, list := range [][]policy.Path{p.Filesystem.DenyRead, p.Filesystem.DenyWrite} {
		for _, r := range list {
			if r.Rule.Origin.Layer == "flag" {
				return &SetupError{Layer: "mounts", Err: fmt.Errorf("%s %s cannot be added inside of a session", r.Rule.Key, r.Pattern),
					Hint: "give it to the outer fsh"}
			}
		}
	}
	for _, h := range p.Network.DeniedDomains {
		if h.Rule.Origin.Layer == "flag" {
			return &SetupError{Layer: "network", Err: fmt.Errorf("%s %s cannot be added inside of a session", h.Rule.Key, h.Entry),
				Hint: "give it to the outer fsh"}
		}
	}
	return nil
}

// nestedGrants are the rules of a plan that Landlock can express.
func nestedGrants(pl *Plan) []grant {
	gs := []grant{
		{path: "/proc", rights: rightsRead | rightsWrite},
		{path: ownProgram(), rights: rightsRead, must: true},
	}
	for _, r := range pl.Read {
		gs = append(gs, grant{path: r, rights: rightsRead})
	}
	for _, s := range pl.Steps {
		switch {
		case s.Glob:
		case s.Op == OpWrite, s.Op == OpPrivate, s.Op == OpFresh:
			gs = append(gs, grant{path: s.Path, rights: rightsRead | rightsChange})
		case s.Op == OpDevices:
			gs = append(gs, grant{path: s.Path, rights: rightsRead | rightsWrite | rightsDevice})
		}
	}
	return gs
}

// tellNested says that what the command line allows can only be what the outer
// session allows as well; with a monitor, that there is an outer session.
func (s *Session) tellNested(p *policy.Policy) {
	asked := ""
	note := func(r policy.Rule) {
		if r.Origin.Layer == "flag" && asked == "" {
			asked = r.Key + " " + r.Value + ": "
		}
	}
	for _, list := range [][]policy.Path{p.Filesystem.AllowRead, p.Filesystem.AllowWrite} {
		for _, r := range list {
			note(r.Rule)
		}
	}
	for _, h := range p.Network.AllowedDomains {
		note(h.Rule)
	}
	if asked != "" || s.cfg.Monitor {
		s.emit(events.Event{Kind: events.Warning, Message: asked + "inside of a session, whose rules hold: this one can only narrow them"})
	}
}

// ownProgram is the path at which a runner inside of a session is started.
func ownProgram() string {
	if insideMounts() {
		return Marker + "/fsh"
	}
	return "/proc/self/exe"
}

// startNested starts a runner inside the session that this shell runs in.
func (s *Session) startNested(p *policy.Policy) (*startedRunner, error) {
	if err := nestedError(p); err != nil {
		return nil, err
	}
	s.tellNested(p)
	plan := NewPlan(p, Facts{UID: -1, Dir: s.cfg.Dir})
	ruleset, err := landlockRuleset(nestedGrants(plan), plan.Listen)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ruleset)
	ends, theirs, err := runnerSockets()
	if err != nil {
		return nil, err
	}
	defer closeAll(theirs)
	pid, err := forkNested(plan, ruleset, theirs)
	if err != nil {
		closeAll(ends)
		return nil, &SetupError{Layer: "runner", Err: err}
	}
	gone := make(chan ending, 1)
	go func() {
		var ws syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(pid, &ws, 0, nil); err != syscall.EINTR {
				break
			}
		}
		gone <- ending{Status: ws}
		close(gone)
	}()
	return &startedRunner{sock: ends[0], events: ends[1], pid: pid, gone: gone}, nil
}

func forkNested(plan *Plan, ruleset int, theirs []int) (pid int, err error) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(null)
	files := append([]int{null, null, null}, theirs...)
	files = append(files, ruleset)
	for i, fd := range files {
		if files[i], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstSafeFD); err != nil {
			return 0, err
		}
		defer unix.Close(files[i])
	}
	c := &childProgram{}
	last := len(files) - 1
	c.files(files[:last])
	c.openFiles()
	c.landlock(files[last])
	c.exec(ownProgram(), append([]string{nameRunner}, limitArgs(plan.Limits, 0)...), blockedSignals())
	return c.start(0)
}

// runnerSockets makes the two sockets of a runner: our ends and its own.
func runnerSockets() (ours, theirs []int, err error) {
	for range 2 {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, nil, err
		}
		ours, theirs = append(ours, pair[0]), append(theirs, pair[1])
	}
	return ours, theirs, nil
}
