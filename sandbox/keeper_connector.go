package sandbox

import (
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A connection may take as long as the other side likes, and the supervisor
// has more to answer. So connections are made by threads of their own, as many
// as wait at a time, each in the Landlock domain of the processes that it
// connects for (keeper_domain.go). They have hostProc for a working directory,
// from where an address leads to what the keeper holds (connectName).
//
// The other side sees the user and group of the process (SO_PEERCRED), and the
// number of the keeper.

// connection is a connect(2) that was looked at.
type connection struct {
	sock int
	addr []byte
	// within is the abstract name that it leads to, if any.
	within *abstractName
	// since is when it was first tried, and first what came of that.
	since time.Time
	first error
}

// connectors are the threads of a supervisor that have nothing to do, by domain.
type connectors struct {
	mu    sync.Mutex
	idle  map[*domain][]*domain
	count int
	ended bool
	// queue and tried are for them, keeper_queue.go.
	queue, tried []*connectJob
}

// maxConnectors bounds the threads.
const maxConnectors = 64

// connectBy has a connector do something, and answer the request.
func (r *request) connectBy(deed func(r *request) error) verdict {
	d, errno := r.s.domainOf(r.n.pid)
	if errno != 0 {
		return failed(errno)
	}
	own := *r
	r.fds, r.sent = nil, true
	end := func(v verdict) {
		own.close()
		own.s.answer(own.n.id, v)
	}
	job := &connectJob{domain: d, refuse: func(errno unix.Errno) { end(failed(errno)) }}
	job.do = func(worker *domain) {
		var err error = unix.EACCES
		if back, ok := own.becomePeer(); ok {
			err = deed(&own)
			back()
		}
		if err == errLater {
			own.s.again(job, d, worker)
			return
		}
		end(outcome(err))
		own.s.spare(d, worker)
	}
	if errno = r.s.begin(job); errno != 0 {
		r.fds, r.sent = own.fds, false
		return failed(errno)
	}
	return verdict{}
}

// connector is a thread for the processes of a domain, for c.mu's holder. EAGAIN
// says that all are at work.
func (s *supervisor) connector(d *domain) (*domain, unix.Errno) {
	c := &s.connecting
	if list := c.idle[d]; len(list) > 1 {
		c.idle[d] = list[:len(list)-1]
		return list[len(list)-1], 0
	} else if len(list) == 1 {
		delete(c.idle, d)
		return list[0], 0
	}
	if c.count >= maxConnectors && !c.dismiss() {
		return nil, unix.EAGAIN
	}
	worker := &domain{work: make(chan func(), 1), mask: -1, at: s.t.k.base.hostProc}
	if d != nil {
		worker.rulesets = d.rulesets
	}
	entered := make(chan error)
	go worker.run(s, entered)
	if err := <-entered; err != nil {
		return nil, errnoOf(err)
	}
	c.count++
	return worker, 0
}

// dismiss lets a thread of any domain go that has nothing to do, for c.mu's holder.
func (c *connectors) dismiss() bool {
	for d, list := range c.idle {
		last := len(list) - 1
		close(list[last].work)
		if c.count--; last == 0 {
			delete(c.idle, d)
		} else {
			c.idle[d] = list[:last]
		}
		return true
	}
	return false
}

// spare takes a connector back.
func (s *supervisor) spare(d, worker *domain) {
	c := &s.connecting
	c.mu.Lock()
	var failed *connectJob
	var errno unix.Errno
	switch {
	case c.ended:
		close(worker.work)
	case len(c.queue)+len(c.tried) > 0:
		failed, errno = s.next(d, worker)
	default:
		if c.idle == nil {
			c.idle = map[*domain][]*domain{}
		}
		c.idle[d] = append(c.idle[d], worker)
	}
	c.mu.Unlock()
	if failed != nil {
		failed.refuse(errno)
	}
}

// endConnectors lets the threads go; those that are waiting go when they are
// done.
func (s *supervisor) endConnectors() {
	c := &s.connecting
	c.mu.Lock()
	c.ended = true
	for _, list := range c.idle {
		for _, worker := range list {
			close(worker.work)
		}
	}
	queue := append(c.queue, c.tried...)
	c.idle, c.queue, c.tried = nil, nil, nil
	c.mu.Unlock()
	for _, job := range queue {
		if job.limit != nil {
			job.limit.Stop()
		}
		job.refuse(unix.EAGAIN) // nobody waits for that any more
	}
}

// connectNow makes the connection, if the name still leads where it may.
func (r *request) connectNow(c *connection) error {
	names := &r.s.t.k.abstract
	if c.within == nil {
		return r.connectPatiently(c)
	}
	if errno := names.reach(*c.within, r.s.t.id); errno != 0 {
		return errno
	}
	err := r.connectPatiently(c)
	if errno := names.reach(*c.within, r.s.t.id); err == nil && errno != 0 {
		_ = unix.Shutdown(c.sock, unix.SHUT_RDWR) // it was bound anew meanwhile
		return errno
	}
	return err
}

// connectStep is how long a connection waits until it is asked whether the process
// still does, and whether others want the thread.
const connectStep = 100 * time.Millisecond

// connectPatiently waits as the process would: not at all, as long as its
// SO_SNDTIMEO says, or for ever. That option is what lets a thread look after
// the process, whose death nothing else would tell it of.
func (r *request) connectPatiently(c *connection) error {
	flags, err := unix.FcntlInt(uintptr(c.sock), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	own, err := unix.GetsockoptTimeval(c.sock, unix.SOL_SOCKET, unix.SO_SNDTIMEO)
	if flags&unix.O_NONBLOCK != 0 || err != nil {
		return connectRaw(c.sock, c.addr)
	}
	if c.since.IsZero() {
		c.since = time.Now()
	}
	defer unix.SetsockoptTimeval(c.sock, unix.SOL_SOCKET, unix.SO_SNDTIMEO, own)
	for {
		step := connectStep
		if limit := time.Duration(own.Nano()); limit > 0 {
			left := limit - time.Since(c.since)
			if left <= 0 && c.first != nil {
				return c.first
			}
			step = max(min(step, left), time.Microsecond) // 0 is for ever
		}
		wait := unix.NsecToTimeval(int64(step))
		if err := unix.SetsockoptTimeval(c.sock, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait); err != nil {
			return err
		}
		if done, err := c.outcome(connectRaw(c.sock, c.addr)); done {
			return err
		}
		if !r.valid() {
			return unix.EINTR
		}
		if r.s.crowded() {
			return errLater
		}
	}
}

// outcome tells whether an attempt is the last.
func (c *connection) outcome(err error) (done bool, _ error) {
	if c.first == nil {
		c.first = err
	}
	switch err {
	case unix.EAGAIN, unix.EINPROGRESS, unix.EALREADY:
		return false, nil
	case unix.EINTR: // a signal of the runtime's
		return false, nil
	case unix.EISCONN:
		if c.first == unix.EINPROGRESS || c.first == unix.EINTR {
			return true, nil // between two looks
		}
	}
	return true, err
}

func connectRaw(sock int, addr []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(sock), uintptr(unsafe.Pointer(unsafe.SliceData(addr))), uintptr(len(addr)))
	return errnoOrNothing(errno)
}

// listener is not used once the supervisor has ended: its number may be another
// file's.
func (s *supervisor) listener(use func(fd int) error) error {
	c := &s.connecting
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return unix.EBADF
	}
	return use(s.listen)
}

// valid tells whether the process that asked waits still.
func (r *request) valid() bool {
	return r.s.listener(func(fd int) error {
		return notifyIoctl(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&r.n.id))
	}) == nil
}

func (s *supervisor) answer(id uint64, v verdict) {
	v.id = id
	_ = s.listener(func(fd int) error {
		return notifyIoctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&v))
	})
}
