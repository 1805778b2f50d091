package sandbox

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// await waits until the call has what is wanted, reading the socket itself if
// nobody else does. It returns with mu held unless there is an error.
func (rc *runnerConn) await(c *call, w want) error {
	rc.mu.Lock()
	var me *waiter
	for !c.has(w) {
		switch {
		case rc.err != nil:
			return rc.lost()
		case !rc.leading:
			rc.lead(c, w)
		default:
			if me == nil {
				me = &waiter{wake: make(chan struct{}, 1)}
			}
			rc.waiters = append(rc.waiters, me)
			rc.mu.Unlock()
			<-me.wake
			rc.mu.Lock()
		}
	}
	return nil
}

// lead reads frames, with mu released meanwhile, until the call has what is
// wanted, or forever if it is nil. All waiters are woken afterwards: one of
// them leads, the others find their answer or wait again.
func (rc *runnerConn) lead(c *call, w want) {
	rc.leading = true
	for rc.err == nil && (c == nil || !c.has(w)) {
		rc.mu.Unlock()
		rc.awaitFrame()
		err := rc.in.next(&rc.f)
		rc.mu.Lock()
		if err == nil {
			err = rc.dispatch(&rc.f)
		}
		if err != nil {
			rc.fail(unexpected(err))
		}
	}
	rc.leading = false
	for _, other := range rc.waiters {
		other.signal()
	}
	rc.waiters = rc.waiters[:0]
}

// yieldEvery is less than the 10 ms after which the Go scheduler takes a
// goroutine for a busy one.
const yieldEvery = 8 * time.Millisecond

// awaitFrame returns when there is something to read, or an end. In recvmsg
// the shell would also be woken when the runner takes a request from its end
// of the socket, as that makes room to write: two switches per command.
//
// A goroutine that does nothing but short system calls is never rescheduled.
// After 10 ms the scheduler's monitor would take its processor away in each of
// them, and look every 20 µs for the next one while a command runs.
func (rc *runnerConn) awaitFrame() {
	if now := time.Now(); now.Sub(rc.yielded) > yieldEvery {
		rc.yielded = now
		runtime.Gosched()
	}
	if !rc.in.buffered() {
		fds := [1]unix.PollFd{{Fd: int32(rc.sock), Events: unix.POLLIN}}
		_, _ = poll(fds[:]) // an error or an interruption: reading tells
	}
}

// dispatch gives a frame to whom it belongs. Everything that the runner did
// not have to say is an error.
func (rc *runnerConn) dispatch(f *frame) error {
	c := rc.calls[f.id]
	if c == nil || (f.lost || len(f.fds) > 0) && !(c.wantFD && f.op == opReply && f.arg == 0 && (f.lost || len(f.fds) == 1)) {
		f.closeFiles()
		return fmt.Errorf("%w: frame for request %d", errProtocol, f.id)
	}
	var err error
	switch {
	case !c.process && f.op == opReply:
		err = c.reply(f)
		delete(rc.calls, f.id)
	case c.process && f.op == opStarted && f.arg > 0 && c.pid == 0:
		c.pid = int(f.arg)
		if c.ended = c.standIn; c.ended {
			delete(rc.calls, f.id)
		}
	case c.process && f.op == opFailed && f.arg > 0:
		c.failed, c.ended = syscall.Errno(f.arg), true
		delete(rc.calls, f.id)
	case c.process && f.op == opOrphaned:
		c.orphan, c.ended = true, true
		delete(rc.calls, f.id)
	case c.process && (f.op == opChanged || f.op == opEnded):
		err = c.changed(f)
		if c.ended {
			delete(rc.calls, f.id)
		}
	default:
		return fmt.Errorf("%w: operation %d", errProtocol, f.op)
	}
	if err == nil && len(rc.waiters) > 0 {
		rc.wakeFollowers()
	}
	return err
}

// wakeFollowers lets those who wait look at what came while the leader goes
// on. There are rarely more than a few.
func (rc *runnerConn) wakeFollowers() {
	for _, w := range rc.waiters {
		w.signal()
	}
	rc.waiters = rc.waiters[:0]
}

// maxErrno is the kernel's MAX_ERRNO.
const maxErrno = 4095

func (c *call) reply(f *frame) error {
	if f.lost {
		f.arg = int32(syscall.EMFILE)
	}
	if f.arg < 0 || f.arg > maxErrno || c.wantFD && f.arg == 0 && len(f.fds) != 1 {
		f.closeFiles()
		return fmt.Errorf("%w: reply", errProtocol)
	}
	c.replied, c.errno = true, syscall.Errno(f.arg)
	if len(f.fds) == 1 {
		c.fd = f.fds[0]
	}
	c.payload = append(c.small[:0], f.payload...)
	return nil
}

// changed takes over a change of state. Of stops and continues that nobody
// has looked at only the last one counts.
func (c *call) changed(f *frame) error {
	if len(f.payload) != 8+rusageSize {
		return fmt.Errorf("%w: status", errProtocol)
	}
	pid := int32(binary.NativeEndian.Uint32(f.payload))
	status := syscall.WaitStatus(binary.NativeEndian.Uint32(f.payload[4:]))
	final := status.Exited() || status.Signaled()
	if pid <= 0 || c.pid != 0 && c.pid != int(pid) || final != (f.op == opEnded) {
		return fmt.Errorf("%w: status", errProtocol)
	}
	c.pid, c.ended = int(pid), final
	n := len(c.changes)
	if n > 0 && !c.changes[n-1].final() && !final {
		n--
	}
	c.changes = append(c.changes[:n], change{status: status, events: uint32(f.arg)})
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&c.changes[n].rusage)), rusageSize), f.payload[8:])
	return nil
}

func (ch *change) final() bool { return ch.status.Exited() || ch.status.Signaled() }
