package sandbox

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
)

// process is a started command.
type process struct {
	sys  *system
	rc   *runnerConn
	call call
	cmd  *interp.Command
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
	return s.launch(o, c, report)
}

func (s *system) launch(o op, c *interp.Command, report uint32) (*process, error) {
	own, err := s.dirOf(c.Dir)
	if err != nil {
		return nil, err
	}
	pol := own.policy
	if s.hooks.program != nil {
		if pol, err = s.hooks.program(c, pol); err != nil {
			return nil, err
		}
	}
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
	p := &process{sys: s, cmd: c, call: call{process: true}}
	p.rc, err = s.beginIn(own, pol, o, &p.call, func(e *encoder, handle uint32) {
		encodeCommand(e, handle, c, env, report)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
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
	if p.call.failed != 0 {
		return 0, p.call.failed
	}
	return p.call.pid, nil
}

func (p *process) Wait() (syscall.WaitStatus, *syscall.Rusage, error) {
	if err := p.rc.await(&p.call, wantChange); err != nil {
		p.over(0, 0, nil, err)
		return 0, nil, err
	}
	c := &p.call
	if c.failed != 0 || len(c.changes) == 0 {
		failed := c.failed
		p.rc.mu.Unlock()
		if failed == 0 {
			return 0, nil, syscall.ECHILD
		}
		p.explain(failed)
		p.over(0, 0, nil, failed)
		return 0, nil, failed
	}
	ch, pid := c.changes[0], c.pid
	c.changes = c.changes[:copy(c.changes, c.changes[1:])]
	p.rc.mu.Unlock()
	if ch.final() {
		p.sys.addTimes(&ch.rusage)
		p.over(pid, ch.status, &ch.rusage, nil)
	}
	return ch.status, &ch.rusage, nil
}

func (p *process) over(pid int, ws syscall.WaitStatus, ru *syscall.Rusage, err error) {
	if p.sys.hooks.exit != nil {
		p.sys.hooks.exit(p.cmd, pid, ws, ru, err)
	}
}

func (p *process) explain(errno syscall.Errno) {
	if n := len(p.cmd.Paths); n > 0 {
		p.sys.explain("exec", p.cmd.Dir, p.cmd.Paths[n-1], errno, true, p.cmd.Where)
	}
}

// standInProcess is a process that stands for a job run in the shell.
type standInProcess struct {
	*process
	signals chan syscall.Signal
}

func (s *system) StandIn(c *interp.Command) (interp.StandIn, error) {
	own := *c
	own.Files = nil
	p, err := s.launch(opStandIn, &own, uint32(c.Report|interp.ReportStart))
	if err != nil {
		return nil, err
	}
	si := &standInProcess{process: p, signals: make(chan syscall.Signal, signalRoom)}
	s.mu.Lock()
	s.standIn[standInKey{p.rc, p.call.id}] = si
	s.mu.Unlock()
	return si, nil
}

func (p *standInProcess) Signals() <-chan syscall.Signal { return p.signals }

func (p *standInProcess) Wait() (syscall.WaitStatus, *syscall.Rusage, error) {
	ws, ru, err := p.process.Wait()
	if err != nil || ws.Exited() || ws.Signaled() {
		p.sys.mu.Lock()
		delete(p.sys.standIn, standInKey{p.rc, p.call.id})
		p.sys.mu.Unlock()
	}
	return ws, ru, err
}

func (p *standInProcess) Catch(caught, ignored []syscall.Signal) error {
	var c call
	return p.rc.request(opCatch, &c, func(e *encoder) {
		e.u32(p.call.id)
		e.u64(sigSet(caught))
		e.u64(sigSet(ignored))
	})
}

func sigSet(sigs []syscall.Signal) (set uint64) {
	for _, sig := range sigs {
		if sig >= 1 && sig <= 64 {
			set |= sigBit(sig)
		}
	}
	return set
}

func (p *standInProcess) End(status int) error {
	return p.rc.send(opEnd, nil, func(e *encoder) {
		e.u32(p.call.id)
		e.u32(uint32(status & 0xff))
	})
}

// forwarded are the signals that Exec passes on to the program in the shell's
// place. Those of the terminal are not among them: it sends them to the whole
// group, program included.
var forwarded = []os.Signal{
	syscall.SIGHUP, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGCONT,
}

// Exec runs the program in the shell's place: the shell waits, stops when it
// stops, and hands on the signals that arrive at its own number, outside and
// inside. The program's number is a new one.
func (s *system) Exec(c *interp.Command) (syscall.WaitStatus, error) {
	outside := make(chan os.Signal, signalRoom)
	signal.Notify(outside, forwarded...)
	defer signal.Stop(outside)
	p, err := s.startProcess(opStart, c, uint32(interp.ReportStart|interp.ReportStops))
	if err != nil {
		return 0, err
	}
	pid, err := p.Pid()
	if err != nil {
		_, _, err = p.Wait()
		return 0, err
	}
	s.execPid.Store(int64(pid))
	defer s.execPid.Store(0)
	done := make(chan struct{})
	defer close(done)
	go s.forward(pid, outside, done)
	for {
		ws, _, err := p.Wait()
		if err != nil || !ws.Stopped() && !ws.Continued() {
			return ws, err
		}
		if ws.Stopped() {
			// Whoever continues the shell means the program.
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
			_ = s.Kill(pid, syscall.SIGCONT)
		}
	}
}

func (s *system) forward(pid int, signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case sig := <-signals:
			if n, ok := sig.(syscall.Signal); ok {
				_ = s.Kill(pid, n) // the program may have ended
			}
		case <-done:
			return
		}
	}
}

var (
	_ interp.System  = (*system)(nil)
	_ interp.StandIn = (*standInProcess)(nil)
)
