package sandbox

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
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
	standIn bool // a process whose changes are events
	wantFD  bool
	waits   bool // for what others do: see mayWait

	// Of a process.
	pid     int
	ended   bool // no more frames will come
	changes []change
	failed  syscall.Errno
	orphan  bool // its parent has died

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
	rc.in.mayLose = true
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
