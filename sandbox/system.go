package sandbox

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// launcher starts runners; the keeper's client is one.
type launcher interface {
	// runner returns the runner of a policy: the same one for equal
	// policies as long as it is not dead(), and a new one after that. The
	// connection is made with newRunnerConn.
	runner(p *policy.Policy) (*runnerConn, error)
	// policyFor is the policy that applies in a directory.
	policyFor(dir string) (*policy.Policy, error)
}

// systemHooks connect a system to policy and events; nil ones do nothing.
type systemHooks struct {
	// ppid is the value of $PPID.
	ppid func() int
	// environ filters the environment of a command.
	environ func(p *policy.Policy, env []string) []string
	// paths are the candidates of a command as they are inside.
	paths func([]string) []string
	// program is the policy of a command, given the one of its directory.
	program func(c *interp.Command, dir *policy.Policy) (*policy.Policy, error)
	// start is called before a command is asked for; an error refuses it,
	// as the outcome of its execve.
	start func(c *interp.Command) error
	// exit is called when the end of a command is reported to the shell.
	exit func(c *interp.Command, end commandEnd)
	// explain is told about failures that a policy may have caused: EACCES,
	// EPERM, EROFS, and for ENOENT of what was to be opened or executed.
	// The action is "read", "write", "exec", "enter" or "stat".
	explain func(action, abs string, errno syscall.Errno, w interp.Where)
	// unusable is called when the start directory cannot be had, for want of
	// a sandbox or because the policy hides it.
	unusable func(err error)
	// gone is called when a runner has died by itself.
	gone func(rc *runnerConn)
}

// system implements interp.System: the shell's only door to the operating
// system leads into runners.
type system struct {
	launcher launcher
	hooks    systemHooks
	start    string // absolute path of the start directory

	mu      sync.Mutex
	pid     int // $$: the number of the first runner
	conns   []*runnerConn
	initial *dir
	standIn map[standInKey]*standInProcess
	births  sync.Mutex // of stand-ins; before mu

	signals  chan syscall.Signal
	sent     atomic.Uint64 // to signals
	execPid  atomic.Int64  // of the program that exec runs
	userTime atomic.Int64  // microseconds
	sysTime  atomic.Int64
}

type standInKey struct {
	rc *runnerConn
	id uint32
}

// signalRoom is more than there are signals; they coalesce beyond.
const signalRoom = 128

// newSystem returns a system whose start directory is an absolute path.
// Runners are started when first needed.
func newSystem(l launcher, start string, hooks systemHooks) (*system, error) {
	if !path.IsAbs(start) {
		return nil, fmt.Errorf("start directory %q is not an absolute path", start)
	}
	return &system{
		launcher: l, hooks: hooks, start: start,
		standIn: map[standInKey]*standInProcess{},
		signals: make(chan syscall.Signal, signalRoom),
	}, nil
}

// Pid is the number of the first runner, which commands have as their parent.
// It starts the runner; 0 if that fails.
func (s *system) Pid() int {
	if _, err := s.firstDir(); err != nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

func (s *system) Ppid() int {
	if s.hooks.ppid != nil {
		return s.hooks.ppid()
	}
	return syscall.Getppid()
}

func (s *system) Signals() <-chan syscall.Signal { return s.signals }

// runnerFor is the runner of a policy, listened to.
func (s *system) runnerFor(p *policy.Policy) (*runnerConn, error) {
	rc, err := s.launcher.runner(p)
	if err != nil {
		return nil, err
	}
	rc.once.Do(func() {
		s.mu.Lock()
		if s.pid == 0 {
			s.pid = rc.pid
		}
		s.conns = append(s.conns, rc)
		s.mu.Unlock()
		go s.listen(rc)
	})
	return rc, nil
}

// listen follows a runner to its end.
func (s *system) listen(rc *runnerConn) {
	rc.readEvents(func(ev event) { s.deliver(rc, ev) })
	s.births.Lock() // one that is being started hears of it, too
	s.mu.Lock()
	for i, other := range s.conns {
		if other == rc {
			s.conns = append(s.conns[:i:i], s.conns[i+1:]...)
			break
		}
	}
	for key, p := range s.standIn {
		if key.rc == rc {
			delete(s.standIn, key)
			p.lost(rc.err)
		}
	}
	s.mu.Unlock()
	s.births.Unlock()
	var gone *GoneError
	if !errors.As(rc.err, &gone) || gone.Cause == syscall.ECANCELED || rc.replaced.Load() {
		return
	}
	rc.judge(rc.err)
	if s.hooks.gone != nil {
		s.hooks.gone(rc)
	}
}

// deliver hands on a signal that was sent to $$ or to a stand-in.
func (s *system) deliver(rc *runnerConn, ev event) {
	if ev.id != 0 {
		s.deliverTo(standInKey{rc, ev.id}, ev)
		return
	}
	if s.echo(rc, ev.sender) {
		return
	}
	if pid := s.execPid.Load(); pid != 0 {
		_ = s.Kill(int(pid), ev.sig)
		return
	}
	s.signal(ev.sig)
}

// SignalsSent counts what was given to Signals.
func (s *system) SignalsSent() uint64 { return s.sent.Load() }

func (s *system) signal(sig syscall.Signal) {
	if notify(s.signals, sig) {
		s.sent.Add(1)
	}
}

// echo tells whether a signal is the shell's own kill of a whole group, which
// reaches runners in it: the first one stands for the shell, and what it
// sends itself counts once.
func (s *system) echo(rc *runnerConn, sender int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sender == rc.pid {
		return rc.pid != s.pid
	}
	return s.isRunner(sender)
}

// isRunner is asked with mu held.
func (s *system) isRunner(pid int) bool {
	for _, rc := range s.conns {
		if rc.pid == pid {
			return true
		}
	}
	return false
}

func notify(c chan syscall.Signal, sig syscall.Signal) bool {
	select {
	case c <- sig:
		return true
	default: // somebody sends faster than signals are handled
		return false
	}
}

// Close ends all runners.
func (s *system) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rc := range s.conns {
		rc.close()
	}
}

// Kill never calls kill(2) in the shell with a number from a script: the
// runner does, inside. A policy's commands can only be signalled by their own
// runner, so each is asked until one may.
func (s *system) Kill(pid int, sig syscall.Signal) error {
	if sig < 0 || sig > 64 {
		return syscall.EINVAL
	}
	s.Pid() // there is a runner now
	s.mu.Lock()
	conns := s.conns
	self := pid > 0 && (pid == s.pid || s.isRunner(pid))
	s.mu.Unlock()
	if self {
		return s.killSelf(sig)
	}
	result := error(syscall.ESRCH)
	for _, rc := range conns {
		err := s.killIn(rc, pid, sig)
		if err == nil && pid > 0 {
			return nil
		}
		if err == nil || err == syscall.EPERM && result != nil {
			result = err
		}
	}
	if result == nil && pid == 0 && (sig == syscall.SIGKILL || sig == syscall.SIGSTOP) {
		return s.killSelf(sig)
	}
	return result
}

// killSelf handles a signal to $$. What cannot be caught happens to the shell
// itself, by its own number outside.
func (s *system) killSelf(sig syscall.Signal) error {
	switch sig {
	case 0:
		return nil
	case syscall.SIGKILL:
		return syscall.Kill(syscall.Getpid(), sig)
	case syscall.SIGSTOP:
		stopSelf()
		return nil
	}
	if pid := s.execPid.Load(); pid != 0 {
		return s.Kill(int(pid), sig)
	}
	s.signal(sig)
	return nil
}

func (s *system) killIn(rc *runnerConn, pid int, sig syscall.Signal) error {
	var c call
	return rc.request(opKill, &c, func(e *encoder) {
		e.u32(uint32(int32(pid)))
		e.u32(uint32(sig))
	})
}

func (s *system) HomeOf(user string) (string, bool) {
	var c call
	_, err := s.do(nil, opHome, &c, func(e *encoder, _ uint32) { e.str(user) })
	if err != nil || !strings.HasPrefix(string(c.payload), "/") {
		return "", false
	}
	return string(c.payload), true
}

func (s *system) ChildTimes() (user, system syscall.Timeval) {
	return syscall.NsecToTimeval(s.userTime.Load() * 1000), syscall.NsecToTimeval(s.sysTime.Load() * 1000)
}

func (s *system) addTimes(ru *syscall.Rusage) {
	s.userTime.Add(ru.Utime.Sec*1e6 + ru.Utime.Usec)
	s.sysTime.Add(ru.Stime.Sec*1e6 + ru.Stime.Usec)
}

// explain passes on a failure that a policy may be behind.
func (s *system) explain(action string, d interp.Dir, name string, err error, missing bool, w interp.Where) {
	errno, ok := err.(syscall.Errno)
	if !ok || s.hooks.explain == nil {
		return
	}
	switch {
	case errno == syscall.EACCES, errno == syscall.EPERM, errno == syscall.EROFS:
	case errno == syscall.ENOENT && missing:
	default:
		return
	}
	if !path.IsAbs(name) {
		base := s.start
		if own, ok := d.(*dir); ok {
			base = own.path
		}
		name = path.Join(base, name)
	}
	s.hooks.explain(action, name, errno, w)
}
