package sandbox

import (
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// process is a started command.
type process struct {
	sys  *system
	rc   *runnerConn
	call call
	cmd  *interp.Command
	// parent is the stand-in that was asked, nil for the runner.
	parent *standInProcess

	began time.Time
}

// commandEnd is how a command ended; err is set if it never ran. pid may be 0.
type commandEnd struct {
	pid    int
	began  time.Time
	status syscall.WaitStatus
	rusage *syscall.Rusage
	err    error
}

// Start sends a command to the runner of its directory.
func (s *system) Start(c *interp.Command) (interp.Process, error) {
	return s.startProcess(opStart, c, uint32(c.Report))
}

// refused is a command that a rule forbade: it failed to execute.
type refused struct{ err error }

func (r refused) Pid() (int, error)                                  { return 0, r.err }
func (r refused) Wait() (syscall.WaitStatus, *syscall.Rusage, error) { return 0, nil, r.err }

func (s *system) startProcess(o op, c *interp.Command, report uint32) (interp.Process, error) {
	if s.hooks.start != nil {
		if err := s.hooks.start(c); err != nil {
			return refused{err}, nil
		}
	}
	return s.launch(o, c, report, nil)
}

// launch has a program started, by a stand-in if there is a parent.
func (s *system) launch(o op, c *interp.Command, report uint32, parent *standInProcess) (*process, error) {
	own, pol, err := s.rulesFor(c)
	if err != nil {
		return nil, err
	}
	p := &process{sys: s, cmd: c, parent: parent, call: call{process: true, standIn: o == opStandIn}, began: time.Now()}
	encode := s.encodeFor(c, pol, report)
	p.rc, err = s.beginIn(own, pol, o, &p.call, func(rc *runnerConn, e *encoder, handle uint32) {
		var by uint32
		if parent != nil && parent.rc == rc {
			by = parent.call.id
		}
		e.u32(by)
		encode(e, handle)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// rulesFor is the directory of a command, and the policy that it runs under.
func (s *system) rulesFor(c *interp.Command) (own *dir, pol *policy.Policy, err error) {
	if own, err = s.dirOf(c.Dir); err != nil {
		return nil, nil, err
	}
	pol = own.policy
	if s.hooks.program != nil {
		pol, err = s.hooks.program(c, pol)
	}
	return own, pol, err
}

func (s *system) encodeFor(c *interp.Command, pol *policy.Policy, report uint32) func(*encoder, uint32) {
	env := c.Env
	if s.hooks.environ != nil {
		env = s.hooks.environ(pol, env)
	}
	if s.hooks.paths != nil {
		if paths := s.hooks.paths(c.Paths); len(paths) > 0 {
			own := *c
			own.Paths = paths
			c = &own
		}
	}
	return func(e *encoder, handle uint32) { encodeCommand(e, handle, c, env, report) }
}

// encodeCommand is the counterpart of runner.planStart.
func encodeCommand(e *encoder, handle uint32, c *interp.Command, env []string, report uint32) {
	e.u32(handle)
	e.u32(c.Umask)
	e.u32(uint32(int32(c.Group)))
	for _, f := range c.Files {
		e.fds = append(e.fds, f.FD)
	}
	if c.Terminal >= 0 {
		e.u32(uint32(len(e.fds)))
		e.fds = append(e.fds, c.Terminal)
	} else {
		e.u32(^uint32(0))
	}
	var ignored uint64
	for _, sig := range c.Ignored {
		if sig >= 1 && sig <= 64 {
			ignored |= sigBit(sig)
		}
	}
	e.u64(ignored)
	e.u32(report)
	e.u32(uint32(len(c.Limits)))
	for _, l := range c.Limits {
		e.u32(uint32(l.Resource))
		e.u64(l.Cur)
		e.u64(l.Max)
	}
	e.u32(uint32(len(c.Files)))
	for _, f := range c.Files {
		e.u32(uint32(f.Child))
	}
	e.strs(c.Paths)
	e.strs(c.Argv)
	e.strs(env)
}

func (p *process) Pid() (int, error) {
	if err := p.rc.await(&p.call, wantPid); err != nil {
		return 0, err
	}
	defer p.rc.mu.Unlock()
	switch {
	case p.call.failed != 0:
		return 0, p.call.failed
	case p.call.pid == 0:
		return 0, interp.ErrParentGone
	}
	return p.call.pid, nil
}

func (p *process) Wait() (syscall.WaitStatus, *syscall.Rusage, error) {
	if err := p.rc.await(&p.call, wantChange); err != nil {
		p.over(commandEnd{err: err})
		return 0, nil, err
	}
	c := &p.call
	if c.orphan {
		p.rc.mu.Unlock()
		p.over(commandEnd{err: interp.ErrParentGone})
		return 0, nil, interp.ErrParentGone
	}
	if c.failed != 0 || len(c.changes) == 0 {
		failed := c.failed
		p.rc.mu.Unlock()
		if failed == 0 {
			return 0, nil, syscall.ECHILD
		}
		p.explain(failed)
		p.over(commandEnd{err: failed})
		return 0, nil, failed
	}
	ch, pid := c.changes[0], c.pid
	c.changes = c.changes[:copy(c.changes, c.changes[1:])]
	p.rc.mu.Unlock()
	if ch.final() {
		if int32(ch.events-p.rc.seen.Load()) > 0 {
			p.rc.awaitEvents(ch.events)
		}
		if p.parent != nil {
			p.parent.awaitDealt()
		}
		p.sys.addTimes(&ch.rusage)
		p.over(commandEnd{pid: pid, status: ch.status, rusage: &ch.rusage})
	}
	return ch.status, &ch.rusage, nil
}

func (p *process) over(end commandEnd) {
	if p.sys.hooks.exit != nil {
		end.began = p.began
		p.sys.hooks.exit(p.cmd, end)
	}
}

func (p *process) explain(errno syscall.Errno) {
	if n := len(p.cmd.Paths); n > 0 {
		p.sys.explain("exec", p.cmd.Dir, p.cmd.Paths[n-1], errno, true, p.cmd.Where)
	}
}

var _ interp.System = (*system)(nil)

func sigSet(sigs []syscall.Signal) (set uint64) {
	for _, sig := range sigs {
		if sig >= 1 && sig <= 64 {
			set |= sigBit(sig)
		}
	}
	return set
}
