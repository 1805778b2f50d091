package interp

import (
	"sync"
	"syscall"
	"time"
)

// gate is where a subshell waits while the process that stands for it is stopped.
// What the subshell has started has processes of its own, and goes on.
type gate struct {
	mu     sync.Mutex
	closed chan struct{} // not nil: stopped; closed when it goes on
}

// way is nil when the gate is open, or closed when it will be.
func (g *gate) way() <-chan struct{} {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// shut stops the shell that attn belongs to.
func (g *gate) shut(attn *attention) {
	g.mu.Lock()
	if g.closed == nil {
		g.closed = make(chan struct{})
	}
	g.mu.Unlock()
	attn.pending.Or(attnStop)
	attn.ring()
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

// shutGate is the gate that a shell has to wait at, its own or its job's.
func (sh *shell) shutGate() <-chan struct{} {
	if way := sh.gate.way(); way != nil || sh.group == nil {
		return way
	}
	sh.group.mu.Lock()
	defer sh.group.mu.Unlock()
	return sh.group.gate
}

// hold keeps a shell at the gate while it is stopped, and tells whether it was.
func (sh *shell) hold() (held bool) {
	// The flag is taken down first: a stop that comes now sets it again.
	for sh.attn.pending.And(^uint32(attnStop))&attnStop != 0 {
		if gate := sh.rt.heldBy(); gate != nil && sh.parent != nil {
			sh.attn.pending.Or(attnStop)
			<-gate
			sh.attn.wake.quiet(sh.attn)
			continue
		}
		way := sh.shutGate()
		if way == nil || sh.attn.pending.Load()&attnCancel != 0 {
			sh.attn.wake.quiet(sh.attn)
			break
		}
		held = true
		sh.attn.pending.Or(attnStop)
		sh.rt.work.rest()
		select {
		case <-way:
		case <-sh.attn.bell:
		}
		sh.rt.work.resume()
	}
	if held && sh.attn.pending.Load()&attnCancel == 0 {
		sh.awaitContinue()
	}
	return held
}

// awaitContinue lets the SIGCONT that opened the gate arrive by way of the leader,
// so that its trap runs before the next command.
func (sh *shell) awaitContinue() {
	if sh.traps.disposition(syscall.SIGCONT) != trapCommand {
		return
	}
	late := time.After(ownSignalDelay)
	for sh.attn.signals.Load()&(1<<uint(syscall.SIGCONT)) == 0 {
		select {
		case <-sh.attn.bell:
		case <-late:
			return
		}
	}
}

// awaitFate waits, after a signal has killed a program, whether it was for all of
// the job: a process that has it can be told from one that has not only by its end.
func (g *jobGroup) awaitFate(sh *shell, sig syscall.Signal) {
	if g.leader == nil || sig == syscall.SIGPIPE || !sigEnds(sig) || sh.traps.disposition(sig) != trapDefault {
		return
	}
	late := time.After(ownSignalDelay)
	for sh.attn.pending.Load()&(attnCancel|attnStop) == 0 {
		select {
		case <-sh.attn.bell:
		case <-late:
			return
		}
	}
}
