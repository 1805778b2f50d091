package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// GoneError says that a runner has died, or misbehaved and was dropped; its
// commands are lost. It is ESRCH to errors.Is.
type GoneError struct{ Cause error }

func (e *GoneError) Error() string        { return "the sandbox's runner has ended: " + e.Cause.Error() }
func (e *GoneError) Unwrap() error        { return e.Cause }
func (e *GoneError) Is(target error) bool { return target == syscall.ESRCH }

// runnerConn is the shell's end of one runner.
//
// There is no reading goroutine: a switch between goroutines would cost more
// than the round trip. Whoever waits first reads the socket (leads), hands
// others what is theirs, and passes the lead on when its own answer came.
type runnerConn struct {
	pid    int // the runner's own number, inside
	sock   int
	events int

	wmu sync.Mutex // senders; before mu
	enc encoder

	mu      sync.Mutex
	lastID  uint32
	calls   map[uint32]*call
	waiters []*waiter
	leading bool
	err     error // set once; the sockets are shut down then
	// host knows more about the runner; nil: nobody does.
	host *runnerHost
	// replaced says that the end of the connection is a program's success.
	replaced atomic.Bool

	watch runnerWatch

	in      *frameReader // the leader's
	f       frame        // the leader's
	yielded time.Time    // the leader's, see awaitFrame
	null    nullFiles
	once    sync.Once     // the event reader is started
	seen    atomic.Uint32 // events that were delivered
}

// call is a request, or a started process, that expects frames. The
// connection's mu covers it.
type call struct {
	id      uint32
	process bool
	wantFD  bool
	waits   bool // for what others do: see mayWait

	// Of a process.
	pid     int
	ended   bool // no more frames will come
	changes []change
	failed  syscall.Errno

	// Of a request.
	replied bool
	errno   syscall.Errno
	payload []byte
	fd      int
	small   [statSize + 16]byte // most payloads, without an allocation
}

// change is one change of state of a process.
type change struct {
	status syscall.WaitStatus
	events uint32 // of the runner before an end
	rusage syscall.Rusage
}

// want says what a waiter waits for.
type want uint8

const (
	wantReply want = iota
	wantPid
	wantChange
)

func (c *call) has(w want) bool {
	switch w {
	case wantReply:
		return c.replied
	case wantPid:
		return c.pid != 0 || c.ended
	default:
		return len(c.changes) > 0 || c.ended
	}
}

type waiter struct{ wake chan struct{} }

// clientFiles is how many descriptors the shell is ready to be sent at once.
const clientFiles = 4

// newRunnerConn takes over the two sockets of a runner that has just been
// started and waits for its first word.
func newRunnerConn(sock, events int) (*runnerConn, error) {
	rc := &runnerConn{
		sock: sock, events: events, calls: map[uint32]*call{}, watch: runnerWatch{patience: runnerPatience},
		in: newFrameReader(sock, inlinePayload+headerSize, clientFiles),
	}
	err := rc.in.next(&rc.f)
	if err == nil && (rc.f.op != opHello || rc.f.arg <= 0 || len(rc.f.fds) > 0) {
		rc.f.closeFiles()
		err = fmt.Errorf("%w: no hello", errProtocol)
	}
	if err != nil {
		rc.in.close()
		syscall.Close(sock)
		syscall.Close(events)
		return nil, &GoneError{unexpected(err)}
	}
	rc.pid = int(rc.f.arg)
	return rc, nil
}

// dead is true when the runner is of no use any more.
func (rc *runnerConn) dead() bool {
	rc.mu.Lock()
	err := rc.err
	rc.mu.Unlock()
	if err != nil {
		rc.judge(err)
	}
	return err != nil
}

// judge decides, without mu, what the end of a runner means. Nobody hears of
// an end before that: if it is the shell's own, nothing may happen after it.
func (rc *runnerConn) judge(err error) {
	var gone *GoneError
	if rc.host == nil || rc.replaced.Load() || errors.As(err, &gone) && gone.Cause == syscall.ECANCELED {
		return
	}
	rc.host.kill() // one that gave up its socket may live
	if end, ok := rc.host.endedSoon(); ok && end.Meant && end.Status.Signal() == syscall.SIGKILL {
		dieKilled()
	}
}

// lost is rc.err for a caller that holds mu, and lets go of it.
func (rc *runnerConn) lost() error {
	err := rc.err
	rc.mu.Unlock()
	rc.judge(err)
	return err
}

// close ends the runner: it exits when its socket does.
func (rc *runnerConn) close() {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.fail(syscall.ECANCELED)
}

// fail makes the connection unusable, with mu held. Shutting down wakes the
// leader and the event reader, of which the latter closes the descriptors.
func (rc *runnerConn) fail(err error) {
	if rc.err == nil {
		rc.err = &GoneError{err}
		_ = syscall.Shutdown(rc.sock, syscall.SHUT_RDWR)
		_ = syscall.Shutdown(rc.events, syscall.SHUT_RDWR)
	}
	for _, w := range rc.waiters {
		w.signal()
	}
	rc.waiters = nil
}

func (w *waiter) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// send encodes and sends a request with fill, and registers c, unless nil, to
// receive what comes back.
func (rc *runnerConn) send(o op, c *call, fill func(*encoder)) error {
	rc.wmu.Lock()
	defer rc.wmu.Unlock()
	rc.enc.reset()
	fill(&rc.enc)
	if rc.enc.err != nil {
		return rc.enc.err
	}
	if len(rc.enc.b) > maxPayload {
		return syscall.E2BIG
	}
	var id uint32
	rc.mu.Lock()
	if rc.err != nil {
		return rc.lost()
	}
	if c != nil {
		c.fd, c.waits = -1, c.mayWait(o)
		id = rc.register(c)
		rc.watch.begins(rc)
	}
	rc.mu.Unlock()
	err := sendFrame(rc.sock, header{id: id, op: o}, &rc.enc)
	if cap(rc.enc.b) > 1<<20 {
		rc.enc.b = nil
	}
	if err != nil {
		return rc.sendFailed(c, err)
	}
	return nil
}

func (rc *runnerConn) register(c *call) uint32 {
	rc.lastID++
	for rc.lastID == 0 || rc.calls[rc.lastID] != nil {
		rc.lastID++
	}
	c.id = rc.lastID
	rc.calls[c.id] = c
	return c.id
}

// sendFailed takes a request back. Errors of making it leave the connection
// whole; those of the socket end it.
func (rc *runnerConn) sendFailed(c *call, err error) error {
	rc.mu.Lock()
	if c != nil {
		delete(rc.calls, c.id)
	}
	switch err {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.E2BIG, syscall.ETOOMANYREFS, syscall.EBADF:
		rc.mu.Unlock()
		return err
	}
	rc.fail(err)
	return rc.lost()
}

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
	if c == nil || len(f.fds) > 0 && !(c.wantFD && f.op == opReply && f.arg == 0 && len(f.fds) == 1) {
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
	case c.process && f.op == opFailed && f.arg > 0:
		c.failed, c.ended = syscall.Errno(f.arg), true
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

// request is send and await for what has one reply.
func (rc *runnerConn) request(o op, c *call, fill func(*encoder)) error {
	if err := rc.send(o, c, fill); err != nil {
		return err
	}
	if err := rc.await(c, wantReply); err != nil {
		return err
	}
	rc.mu.Unlock()
	if c.errno != 0 {
		return c.errno
	}
	return nil
}

// readEvents passes signals to deliver until the runner is gone, then reads
// what it still had to say and gives the sockets back.
func (rc *runnerConn) readEvents(deliver func(event)) {
	var b [eventSize]byte
	for rc.readEvent(b[:]) == nil {
		ne := binary.NativeEndian
		ev := event{id: ne.Uint32(b[:]), sig: syscall.Signal(ne.Uint32(b[4:])), sender: int(int32(ne.Uint32(b[8:])))}
		if ev.sig < 1 || ev.sig > 64 {
			break
		}
		deliver(ev)
		rc.seen.Add(1)
	}
	none := &call{}
	rc.mu.Lock()
	for rc.err == nil {
		if !rc.leading {
			rc.lead(none, wantReply)
			continue
		}
		w := &waiter{wake: make(chan struct{}, 1)}
		rc.waiters = append(rc.waiters, w)
		rc.mu.Unlock()
		<-w.wake
		rc.mu.Lock()
	}
	for rc.leading { // it sees the shutdown
		w := &waiter{wake: make(chan struct{}, 1)}
		rc.waiters = append(rc.waiters, w)
		rc.mu.Unlock()
		<-w.wake
		rc.mu.Lock()
	}
	rc.mu.Unlock()
	rc.wmu.Lock() // no sender uses the number any more
	defer rc.wmu.Unlock()
	rc.in.close()
	rc.null.close()
	syscall.Close(rc.sock)
	syscall.Close(rc.events)
}

// eventsLimit bounds how long an end waits for the events before it; a runner
// may claim what it likes.
const eventsLimit = 500 * time.Millisecond

// awaitEvents returns when the events that came before an end are delivered.
func (rc *runnerConn) awaitEvents(n uint32) {
	for start := time.Now(); int32(n-rc.seen.Load()) > 0 && time.Since(start) < eventsLimit; {
		time.Sleep(20 * time.Microsecond)
	}
}

func (rc *runnerConn) readEvent(b []byte) error {
	for got := 0; got < len(b); {
		n, err := readRetry(rc.events, b[got:])
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		got += n
	}
	return nil
}
