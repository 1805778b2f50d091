package interp

import (
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// attention is what other goroutines want of a shell. pending is read before
// every command.
type attention struct {
	pending atomic.Uint32 // attnSignal, attnCancel
	signals atomic.Uint64 // bit n: signal n waits for its trap
	cancel  atomic.Int32  // signal the shell shall die of
	idle    atomic.Bool   // it waits at the prompt, and set -b is on
	wake    wakeFD
	bell    chan struct{} // for those who wait for a channel

	mu   sync.Mutex
	stop chan struct{} // closed while pending is set; nil until asked for
}

const (
	attnSignal = 1 << iota
	attnCancel
	attnStop // the job is stopped: wait at its gate
	attnJobs // a job has changed, and the user wants to know at once
)

func newAttention() *attention { return &attention{bell: make(chan struct{}, 1)} }

func (a *attention) ring() {
	a.mu.Lock()
	if a.stop != nil {
		select {
		case <-a.stop:
		default:
			close(a.stop)
		}
	}
	a.mu.Unlock()
	a.wake.ring()
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

// raise marks a signal for its trap and interrupts a blocking builtin.
func (a *attention) raise(sig syscall.Signal) {
	a.signals.Or(1 << uint(sig))
	a.pending.Or(attnSignal)
	a.ring()
}

// jobChanged makes a prompt show what happened to a job.
func (a *attention) jobChanged() {
	if a.idle.Load() {
		a.pending.Or(attnJobs)
		a.ring()
	}
}

// die asks the shell to end as if killed by sig.
func (a *attention) die(sig syscall.Signal) {
	a.cancel.CompareAndSwap(0, int32(sig))
	a.pending.Or(attnCancel)
	a.ring()
}

// interrupted is closed when, or as soon as, the shell is wanted.
func (a *attention) interrupted() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	wanted := a.pending.Load() != 0
	if a.stop != nil && !wanted {
		select {
		case <-a.stop: // from a request that was dealt with
			a.stop = nil
		default:
		}
	}
	if a.stop == nil {
		a.stop = make(chan struct{})
		if wanted {
			close(a.stop)
		}
	}
	return a.stop
}

// take returns the signals raised since the last call.
func (a *attention) take() uint64 {
	a.pending.And(^uint32(attnSignal))
	a.wake.quiet(a)
	return a.signals.Swap(0)
}

// wakeup is a descriptor that becomes readable when pending is set. It must
// be taken before pending is looked at.
func (a *attention) wakeup() int { return a.wake.get(a) }

// wakeFD is an eventfd(2) that exists once somebody waited for it.
type wakeFD struct {
	mu     sync.Mutex
	fd     int // 0: none yet
	closed bool
}

func (w *wakeFD) get(a *attention) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd == 0 && !w.closed {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return -1 // poll ignores it; the wait cannot be interrupted
		}
		w.fd = fd
		if a.pending.Load() != 0 {
			w.signal()
		}
	}
	if w.closed {
		return -1
	}
	return w.fd
}

func (w *wakeFD) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd != 0 && !w.closed {
		w.signal()
	}
}

func (w *wakeFD) signal() { unix.Write(w.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// quiet empties the eventfd unless something is still pending.
func (w *wakeFD) quiet(a *attention) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd == 0 || w.closed || a.pending.Load() != 0 {
		return
	}
	var b [8]byte
	unix.Read(w.fd, b[:])
}

func (w *wakeFD) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd != 0 && !w.closed {
		unix.Close(w.fd)
	}
	w.closed = true
}
