package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// A shell that runs inside a session (a script with an fsh shebang, a text
// file without one) cannot make namespaces and need not: everything it could
// do is confined already. Its runner is an ordinary child, with the rights that
// the session grants. Where the script's header, a policy file or the command
// line says what may be read and written, the runner enters a Landlock domain
// of its own, so that they narrow once more. Denials inside of allowed trees,
// and the network, are the outer session's; one that the session does not have
// is refused rather than ignored.

// nestedError is a rule that cannot be had inside of a session. What a project
// file denies is an outer affair too: a warning has to do.
func (s *Session) nestedError(p *policy.Policy) error {
	check := func(r policy.Rule, layer, what string, holds func() bool) error {
		if r.Origin.Layer == "defaults" || holds() {
			return nil
		}
		err := &SetupError{Layer: layer, Err: fmt.Errorf("%s %s cannot be added inside of a session", r.Key, what),
			Hint: "give it to the outer fsh"}
		if r.Origin.Layer == "project" {
			s.emit(events.Event{Kind: events.Warning, Message: err.Err.Error(), Hint: err.Hint})
			return nil
		}
		return err
	}
	for _, r := range p.Filesystem.DenyRead {
		if err := check(r.Rule, "mounts", r.Pattern, func() bool { return holdsInside(r, readableInside) }); err != nil {
			return err
		}
	}
	for _, r := range p.Filesystem.DenyWrite {
		if err := check(r.Rule, "mounts", r.Pattern, func() bool { return holdsInside(r, writableInside) }); err != nil {
			return err
		}
	}
	for _, h := range p.Network.DeniedDomains {
		if err := check(h.Rule, "network", h.Entry, func() bool { return false }); err != nil {
			return err
		}
	}
	return nil
}

// holdsInside tells whether the session denies already what a rule denies. Of
// what does not exist that cannot be told.
func holdsInside(r policy.Path, can func(path string) bool) bool {
	found := []string{r.Pattern}
	if r.Glob {
		var err error
		if found, err = newResolver().expand(r.Pattern); err != nil {
			return false
		}
	}
	for _, path := range found {
		if can(path) {
			return false
		}
	}
	return len(found) > 0
}

func readableInside(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err != unix.EACCES
}

func writableInside(path string) bool {
	err := unix.Access(path, unix.W_OK)
	return err != unix.EROFS && err != unix.EACCES
}

// Inherits tells whether this process is in a session for sure, by what the
// kernel says of it and a session cannot be without, so that it may do without
// rules of its own. A marker alone is believed only to narrow.
func Inherits() bool {
	if !Inside() {
		return false
	}
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return false
	}
	status := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		status[key] = strings.TrimSpace(value)
	}
	if status["NoNewPrivs"] != "1" || status["Seccomp"] != "2" { // SECCOMP_MODE_FILTER
		return false
	}
	bound, err := strconv.ParseUint(status["CapBnd"], 16, 64)
	for _, c := range ownershipCaps {
		bound &^= 1 << c
	}
	return err == nil && bound == 0 || insideBare()
}

// narrows tells whether a plan asks for less than everything.
func narrows(pl *Plan) bool {
	all := func(s Step) bool { return s.Op == OpWrite && s.Path == "/" }
	return !pl.Listen || !slices.Contains(pl.Read, "/") || !slices.ContainsFunc(pl.Steps, all)
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
		case s.Op == OpWrite && s.Path == "/":
			gs = append(gs, grant{path: "/", rights: rightsChange}) // what may be read is said by others
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
func (s *Session) tellNested(p *policy.Policy, narrower bool) {
	how := "nothing is added"
	if narrower {
		how = "this one narrows them"
	}
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
	switch {
	case asked != "":
		s.emit(events.Event{Kind: events.Warning, Message: asked + "inside of a session, whose rules hold: this one can only narrow them"})
	case s.cfg.Monitor:
		s.emit(events.Event{Kind: events.Warning, Message: "inside of a session, whose rules hold: " + how})
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
	if err := s.nestedError(p); err != nil {
		return nil, err
	}
	plan := NewPlan(p, Facts{UID: -1, Dir: s.cfg.Dir})
	narrower := narrows(plan) || !Inherits()
	s.tellNested(p, narrower)
	ruleset := -1
	if narrower {
		var err error
		if ruleset, err = landlockRuleset(nestedGrants(plan), plan.Listen); err != nil {
			return nil, err
		}
		defer unix.Close(ruleset)
	}
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
	child := newNestedRunner(pid)
	go func() {
		gone <- ending{Status: child.follow()}
		close(gone)
	}()
	return &startedRunner{sock: ends[0], events: ends[1], pid: pid, gone: gone, child: child}, nil
}

func forkNested(plan *Plan, ruleset int, theirs []int) (pid int, err error) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(null)
	files := append([]int{null, null, null}, theirs...)
	if ruleset >= 0 {
		files = append(files, ruleset)
	}
	for i, fd := range files {
		if files[i], err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstSafeFD); err != nil {
			return 0, err
		}
		defer unix.Close(files[i])
	}
	c := &childProgram{}
	own := 3 + len(theirs)
	c.files(files[:own])
	c.openFiles()
	if ruleset >= 0 {
		c.landlock(files[own])
	}
	c.exec(ownProgram(), append([]string{nameRunner}, limitArgs(plan.Limits, 0)...), runnerEnv, blockedSignals())
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
