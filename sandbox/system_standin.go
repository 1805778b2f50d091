package sandbox

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp"
)

// standInProcess is a process that stands for a job run in the shell.
type standInProcess struct {
	*process
	signals chan syscall.Signal
	// given counts the signals, dealt those that were taken and dealt with.
	given, dealt atomic.Uint32

	mu      sync.Mutex
	over    bool // it was told to end, and nobody cares when it does
	changes []syscall.WaitStatus
	err     error // the runner is gone
	changed chan struct{}
}

var _ interp.Parent = (*standInProcess)(nil)

// CheapStandIns: one is a clone of the runner.
func (s *system) CheapStandIns() bool { return true }

func (s *system) StandIn(c *interp.Command) (interp.StandIn, error) {
	own := *c
	own.Files = nil
	si := &standInProcess{signals: make(chan syscall.Signal, signalRoom), changed: make(chan struct{}, 1)}
	s.births.Lock()
	defer s.births.Unlock()
	p, err := s.launch(opStandIn, &own, uint32(c.Report), nil)
	if err != nil {
		return nil, err
	}
	si.process = p
	s.mu.Lock()
	s.standIn[standInKey{p.rc, p.call.id}] = si
	s.mu.Unlock()
	return si, nil
}

// deliverTo hands on what is said to, or of, a stand-in. One that is not known
// yet is being started.
func (s *system) deliverTo(key standInKey, ev event) {
	s.mu.Lock()
	p := s.standIn[key]
	s.mu.Unlock()
	if p == nil {
		s.births.Lock()
		s.mu.Lock()
		p = s.standIn[key]
		s.mu.Unlock()
		s.births.Unlock()
	}
	switch status := syscall.WaitStatus(uint32(ev.sender)); {
	case p == nil:
	case ev.sig != 0:
		notify(p.signals, ev.sig)
		p.given.Add(1)
	case status.Exited() || status.Signaled():
		key.rc.mu.Lock()
		delete(key.rc.calls, key.id)
		key.rc.mu.Unlock()
		s.mu.Lock()
		delete(s.standIn, key)
		s.mu.Unlock()
		p.change(status)
	case status.Stopped() || status.Continued():
		p.change(status)
	}
}

// unannounced tells that nobody waits for it to start: its number is told when it
// is asked for.
func (p *standInProcess) unannounced() bool { return p.cmd.Report&interp.ReportStart == 0 }

func (p *standInProcess) Pid() (int, error) {
	if !p.unannounced() {
		return p.process.Pid()
	}
	var c call
	if err := p.rc.request(opWho, &c, func(e *encoder) { e.u32(p.call.id) }); err != nil {
		return 0, err
	}
	d := decoder{b: c.payload}
	pid := int(int32(d.u32()))
	if !d.done() || pid <= 0 {
		return 0, syscall.EIO
	}
	return pid, nil
}

// endingLimit bounds how long the end of stand-ins that were told to is awaited.
const endingLimit = 100 * time.Millisecond

// awaitEnding returns when the stand-ins that were told to end have done so.
func (s *system) awaitEnding() {
	for start := time.Now(); s.anyEnding() && time.Since(start) < endingLimit; {
		time.Sleep(20 * time.Microsecond)
	}
}

func (s *system) anyEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.standIn {
		p.mu.Lock()
		over := p.over
		p.mu.Unlock()
		if over {
			return true
		}
	}
	return false
}

// change adds a change of state. Of stops and continues that nobody has looked at
// only the last one counts.
func (p *standInProcess) change(status syscall.WaitStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.changes)
	if n > 0 && (status.Stopped() || status.Continued()) {
		n--
	}
	p.changes = append(p.changes[:n], status)
	p.ring()
}

func (p *standInProcess) lost(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
	p.ring()
}

func (p *standInProcess) ring() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *standInProcess) Wait() (syscall.WaitStatus, *syscall.Rusage, error) {
	for {
		p.mu.Lock()
		switch {
		case len(p.changes) > 0:
			status := p.changes[0]
			p.changes = p.changes[1:]
			if len(p.changes) > 0 {
				p.ring()
			}
			p.mu.Unlock()
			return status, &syscall.Rusage{}, nil
		case p.err != nil:
			p.mu.Unlock()
			return 0, nil, p.err
		}
		p.mu.Unlock()
		<-p.changed
	}
}

// Start has the stand-in start a program, unless that belongs to another runner.
func (p *standInProcess) Start(c *interp.Command) (interp.Process, error) {
	if p.sys.hooks.start != nil {
		if err := p.sys.hooks.start(c); err != nil {
			return refused{err}, nil
		}
	}
	return p.sys.launch(opStart, c, uint32(c.Report), p)
}

// dealtLimit bounds how long the end of a program waits for the shell to deal
// with the signals that came before it.
const dealtLimit = 100 * time.Millisecond

// awaitDealt returns when the signals given so far have been dealt with: who takes
// one has done so with those before.
func (p *standInProcess) awaitDealt() {
	given := p.given.Load()
	if given == p.dealt.Load() || !notify(p.signals, 0) {
		return
	}
	for start := time.Now(); len(p.signals) > 0 && time.Since(start) < dealtLimit; {
		time.Sleep(20 * time.Microsecond)
	}
	p.dealt.Store(given)
}

func (p *standInProcess) Signals() <-chan syscall.Signal { return p.signals }

func (p *standInProcess) Catch(caught, ignored []syscall.Signal) error {
	var c call
	return p.rc.request(opCatch, &c, func(e *encoder) {
		e.u32(p.call.id)
		e.u64(sigSet(caught))
		e.u64(sigSet(ignored))
	})
}

func (p *standInProcess) End(status int) error {
	err := p.rc.send(opEnd, nil, func(e *encoder) {
		e.u32(p.call.id)
		e.u32(uint32(status & 0xff))
	})
	if err == nil && p.unannounced() {
		p.mu.Lock()
		p.over = true
		p.mu.Unlock()
		p.change(syscall.WaitStatus(status & 0xff << 8))
	}
	return err
}
