package sandbox

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// outbox sends frames without ever making its callers wait: the shell may not
// be reading (nobody waits for a background command), and R must go on with
// requests, or both sides would wait for each other.
type outbox struct {
	sock int

	mu    sync.Mutex
	queue []outFrame // what the socket did not take yet
	busy  bool       // flush is running
	err   error
}

type outFrame struct {
	b   []byte
	fds []int
}

// maxQueue frames are kept for a shell that does not read; more means that
// something is wrong with it.
const maxQueue = 1 << 16

// send sends or keeps one frame. Descriptors stay the caller's.
func (o *outbox) send(h header, e *encoder) error {
	if len(e.b)-headerSize > inlinePayload {
		return syscall.EMSGSIZE
	}
	h.size, h.files = uint32(len(e.b)-headerSize), uint16(len(e.fds))
	h.put(e.b)
	return o.put(e.b, e.fds)
}

func (o *outbox) put(b []byte, fds []int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	if len(o.queue) == 0 {
		n, err := o.try(b, fds)
		if err != nil {
			return err
		}
		if n == len(b) {
			return nil
		}
		if b = b[n:]; n > 0 {
			fds = nil
		}
	}
	return o.keep(b, fds)
}

func (o *outbox) try(b []byte, fds []int) (int, error) {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	for {
		n, err := sendmsg(o.sock, b, oob, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return n, err
	}
}

func (o *outbox) keep(b []byte, fds []int) error {
	if len(o.queue) >= maxQueue {
		return syscall.ENOBUFS
	}
	f := outFrame{b: append([]byte(nil), b...)}
	for _, fd := range fds {
		own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			closeAll(f.fds)
			return err
		}
		f.fds = append(f.fds, own)
	}
	o.queue = append(o.queue, f)
	if !o.busy {
		o.busy = true
		go o.flush()
	}
	return nil
}

// flush waits for the socket in the callers' place.
func (o *outbox) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && o.err == nil {
		f := o.queue[0]
		o.mu.Unlock()
		err := sendAll(o.sock, f.b, f.fds)
		closeAll(f.fds)
		o.mu.Lock()
		o.queue, o.err = o.queue[1:], err
	}
	o.queue, o.busy = nil, false
}

// eventWriter tells the shell about signals, on a socket of its own because
// nobody reads the other one while nothing is running.
type eventWriter struct {
	mu   sync.Mutex
	out  outbox
	sent atomic.Uint32 // events; the end of a process tells how many came before
}

// event says that a signal came to a stand-in, or with id 0 to the runner's
// own number, and which process sent it, 0 if that is not known. Without a
// signal, it is the stand-in's wait status that is in sender.
type event struct {
	id     uint32
	sig    syscall.Signal
	sender int
}

// eventSize is the size of an event in the stream: three numbers.
const eventSize = 12

func (w *eventWriter) signal(id uint32, sig syscall.Signal, sender int) {
	w.write(id, uint32(sig), sender)
}

// changed tells of a stand-in's wait status, where there would be a sender.
func (w *eventWriter) changed(id uint32, status syscall.WaitStatus) {
	w.write(id, 0, int(int32(status)))
}

func (w *eventWriter) write(id, sig uint32, sender int) {
	var b [eventSize]byte
	binary.NativeEndian.PutUint32(b[:], id)
	binary.NativeEndian.PutUint32(b[4:], sig)
	binary.NativeEndian.PutUint32(b[8:], uint32(sender))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent.Add(1)
	_ = w.out.put(b[:], nil) // no shell, nobody to tell
}
