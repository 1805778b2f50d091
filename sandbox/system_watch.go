package sandbox

import (
	"fmt"
	"syscall"
	"time"
)

// A runner answers most requests at once, or as soon as the kernel lets it. One
// that does not (a server of files that is gone, a command that stops children
// of the runner before they are programs, a fault of its own) must not hang the
// shell, which could not even be interrupted. So a timer looks now and then
// whether the request that is the next to be answered has been so for long. Then
// the keeper is asked to look at the runner, and in the end to kill it.
//
// What may wait, does: programs, opens of fifos, jobs. Whether the runner lives
// meanwhile is asked by a request that does nothing, once, and then rarely.
//
// Only full seconds in which the shell itself runs count, so that a shell, or a
// machine, that slept finds nothing late.

// patience is how often a connection looks, and for how many looks it waits.
type patience struct {
	tick time.Duration
	// busy is for a runner that does nothing or runs, inKernel for one that
	// waits in the kernel and cannot be interrupted: a slow disk or server.
	busy, inKernel int
	// rest is the time between looks when only programs are waited for.
	rest time.Duration
}

var runnerPatience = patience{tick: 250 * time.Millisecond, busy: 120, inKernel: 360, rest: 30 * time.Second}

// hungError is why a runner that did not answer was ended.
type hungError struct{ after time.Duration }

func (e *hungError) Error() string {
	return fmt.Sprintf("it did not answer for %v and was ended", e.after)
}

// pace says when the timer looks next.
type pace uint8

const (
	paceOff   pace = iota // nothing is waited for
	paceRest              // what may wait is waited for
	paceWatch             // every tick
)

// runnerWatch is what a connection's timer knows. The connection's mu covers it.
type runnerWatch struct {
	patience
	timer  *time.Timer
	pace   pace
	oldest uint32 // the request that was to be answered at the last look
	ping   *call  // the last question whether the runner lives
	sent   uint32 // the last request at the last look
	late   int    // looks without an answer
}

// begins has a new request watched, with mu held.
func (w *runnerWatch) begins(rc *runnerConn) {
	if w.pace == paceWatch {
		return
	}
	w.pace = paceWatch
	if w.timer == nil {
		w.timer = time.AfterFunc(w.tick, rc.look)
		return
	}
	w.timer.Reset(w.tick)
}

// mayWait tells whether a request is answered when it pleases others.
func (c *call) mayWait(o op) bool { return c.process || o == opOpen || o == opCatch }

// look is the timer's.
func (rc *runnerConn) look() {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	w := &rc.watch
	if rc.isLate() {
		rc.mu.Unlock()
		limit := w.limit(rc.host.state())
		rc.mu.Lock()
		switch {
		case limit == 0:
			w.late = 0
		case w.late >= limit:
			rc.fail(&hungError{time.Duration(w.late) * w.tick})
		}
	}
	switch {
	case rc.err != nil:
		w.pace = paceOff
	case w.sent != rc.lastID || w.late > 0 || rc.unanswered() != 0:
		w.pace = paceWatch
		w.timer.Reset(w.tick)
	case len(rc.calls) > 0:
		w.pace = paceRest
		w.timer.Reset(w.rest)
	default:
		w.pace = paceOff
	}
	w.sent = rc.lastID
}

// limit is how many looks a runner in a state (proc_pid_stat(5)) may be late; 0:
// any number.
func (p *patience) limit(state byte) int {
	switch state {
	case stateFrozen, 't': // the keeper's doing; a debugger's
		return 0
	case 'D':
		return p.inKernel
	}
	return p.busy
}

// isLate tells, with mu held, whether the runner owes an answer since the last
// look.
func (rc *runnerConn) isLate() bool {
	w := &rc.watch
	if rc.err != nil || rc.replaced.Load() {
		w.late = 0
		return false
	}
	oldest := rc.unanswered()
	stuck := false // a request that it does not even take
	if oldest == 0 && rc.lives() == errNotTaken {
		stuck = w.sent == rc.lastID
	}
	if stuck || oldest != 0 && oldest == w.oldest {
		w.late++
	} else {
		w.late = 0
	}
	w.oldest = oldest
	return w.late > 0
}

// unanswered is the oldest request that must be answered at once, or 0.
func (rc *runnerConn) unanswered() (oldest uint32) {
	for id, c := range rc.calls {
		if !c.waits && (oldest == 0 || int32(id-oldest) < 0) {
			oldest = id
		}
	}
	return oldest
}

const errNotTaken = syscall.EAGAIN

// lives asks, with mu held, whether the runner has got as far as the last
// request that may wait; when it had, it is asked again only after a rest.
func (rc *runnerConn) lives() error {
	w := &rc.watch
	asked := w.ping != nil && w.pace != paceRest
	for id := range rc.calls {
		asked = asked && int32(id-w.ping.id) < 0
	}
	if len(rc.calls) == 0 || asked {
		return nil
	}
	// A sender that waits has the encoder, and mu is asked for after wmu.
	if !rc.wmu.TryLock() {
		return errNotTaken
	}
	defer rc.wmu.Unlock()
	var b [headerSize]byte
	ping := &call{fd: -1}
	h := header{id: rc.register(ping), op: opPing}
	h.put(b[:])
	// Less than the least that a stream socket cuts into pieces.
	if _, err := sendmsg(rc.sock, b[:], nil, syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT); err != nil {
		delete(rc.calls, ping.id)
		return errNotTaken
	}
	w.ping = ping
	go func() { // perhaps nobody else reads
		if rc.await(ping, wantReply) == nil {
			rc.mu.Unlock()
		}
	}()
	return nil
}
