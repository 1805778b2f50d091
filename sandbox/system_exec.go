package sandbox

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/interp"
)

// Exec runs a program in the shell's place. Where nothing else needs the
// runner whose number is $$, the runner itself becomes the program: number,
// children and group are as after exec in any shell. Else (jobs of the shell
// itself, another policy) the program has a number of its own. The shell waits
// either way, stops when the program stops, hands on the signals that arrive
// outside, and ends as the program ended.

// outsideSignals are those that Exec passes on. What the terminal sends
// reaches the whole group, program included; HUP and CONT do no harm twice.
var outsideSignals = []os.Signal{
	syscall.SIGHUP, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGCONT,
	syscall.SIGWINCH, syscall.SIGPIPE, syscall.SIGIO, syscall.SIGPWR, syscall.SIGVTALRM, syscall.SIGXCPU,
	syscall.SIGXFSZ, syscall.SIGURG,
}

// The real-time signals that can be passed on: the C library and the Go runtime
// have the three below (runtimeSignals), the shell one of its own above.
const (
	firstRealTime = 35
	lastRealTime  = 63
)

// forwarded are the signals to pass on: without a terminal whose keys it could
// be, SIGINT and SIGQUIT as well.
func forwarded() []os.Signal {
	sigs := append([]os.Signal(nil), outsideSignals...)
	for sig := syscall.Signal(firstRealTime); sig <= lastRealTime; sig++ {
		sigs = append(sigs, sig)
	}
	if !inForeground() {
		sigs = append(sigs, syscall.SIGINT, syscall.SIGQUIT)
	}
	return sigs
}

// inForeground tells whether keys of a terminal reach this process.
func inForeground() bool {
	tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer unix.Close(tty)
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// Exec implements interp.System.
func (s *system) Exec(c *interp.Command) (syscall.WaitStatus, error) {
	outside := make(chan os.Signal, signalRoom)
	sigs := forwarded()
	signal.Notify(outside, sigs...)
	defer signal.Stop(outside)
	if ws, err, done := s.execInPlace(c, outside); done {
		return ws, err
	}
	return s.execBeside(c, outside)
}

// place is where a program can take the number $$; nil if it cannot.
func (s *system) place(c *interp.Command) (rc *runnerConn, fill func(*encoder), err error) {
	own, pol, err := s.rulesFor(c)
	if err != nil {
		return nil, nil, err
	}
	rc, handle, err := own.placeFor(pol)
	if err != nil {
		return nil, nil, err
	}
	s.awaitEnding()
	s.mu.Lock()
	first := rc.pid == s.pid && len(s.standIn) == 0
	s.mu.Unlock()
	if !first || !rc.host.controls() {
		return nil, nil, nil
	}
	encode := s.encodeFor(c, pol, 0)
	return rc, func(e *encoder) { e.u32(0); encode(e, handle); runtime.KeepAlive(own) }, nil
}

func (s *system) execInPlace(c *interp.Command, outside <-chan os.Signal) (ws syscall.WaitStatus, err error, done bool) {
	if !c.Alone {
		return 0, nil, false
	}
	rc, fill, err := s.place(c)
	if err != nil || rc == nil {
		return 0, err, err != nil
	}
	if s.hooks.start != nil {
		if err := s.hooks.start(c); err != nil {
			return 0, err, true
		}
	}
	p := &process{sys: s, rc: rc, call: call{process: true}, cmd: c, began: time.Now()}
	if err := p.become(fill); err != nil {
		p.over(commandEnd{err: err})
		return 0, err, true
	}
	stop := make(chan struct{})
	defer close(stop)
	go forward(outside, stop, func(sig syscall.Signal) { _, _ = rc.host.ask(runnerRequest{Signal: int(sig)}) })
	end, known := rc.host.ended()
	if !known {
		return 0, rc.err, true
	}
	p.over(commandEnd{pid: rc.pid, status: end.Status})
	return end.Status, nil, true
}

// become has the runner execute the program. Success is the end of the
// connection.
func (p *process) become(fill func(*encoder)) error {
	yes, no := true, false
	if _, err := p.rc.host.ask(runnerRequest{Replaced: &yes}); err != nil {
		return err
	}
	p.rc.replaced.Store(true)
	err := p.rc.send(opExec, &p.call, fill)
	if err == nil {
		if err = p.rc.await(&p.call, wantPid); err != nil {
			return nil
		}
		err = syscall.EPROTO
		if p.call.failed != 0 {
			err = p.call.failed
		}
		p.rc.mu.Unlock()
		p.explain(p.call.failed)
	}
	p.rc.replaced.Store(false)
	_, _ = p.rc.host.ask(runnerRequest{Replaced: &no})
	return err
}

// execBeside runs the program as a command with a number of its own.
func (s *system) execBeside(c *interp.Command, outside <-chan os.Signal) (syscall.WaitStatus, error) {
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
	stop := make(chan struct{})
	defer close(stop)
	go forward(outside, stop, func(sig syscall.Signal) { _ = s.Kill(pid, sig) }) // it may have ended
	for {
		ws, _, err := p.Wait()
		if err != nil || !ws.Stopped() && !ws.Continued() {
			return ws, err
		}
		if ws.Stopped() {
			// Whoever continues the shell means the program.
			stopSelf()
			_ = s.Kill(pid, syscall.SIGCONT)
		}
	}
}

func forward(signals <-chan os.Signal, stop <-chan struct{}, send func(syscall.Signal)) {
	for {
		select {
		case sig := <-signals:
			if n, ok := sig.(syscall.Signal); ok {
				send(n)
			}
		case <-stop:
			return
		}
	}
}
