package sandbox

import (
	"os"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Opens of what is no file, in the stead of a process.

// ownTerminal is /dev/tty: the terminal of whoever opens it (tty(4)).
const ownTerminal = majorTTY << 8

// reopen opens what is held, by its own link: nothing is looked up again. It
// does not wait for a carrier.
func (r *request) reopen(held, flags int) (fd int, err error) {
	fd = -1
	wait := flags&unix.O_NONBLOCK == 0
	err = r.act(-1, func() (err error) {
		fd, err = unix.Openat(r.s.t.k.base.hostProc, "thread-self/fd/"+strconv.Itoa(held),
			flags&^(unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW)|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		return err
	})
	if err == nil && wait {
		err = unix.SetNonblock(fd, false)
	}
	return fd, err
}

// terminal holds the controlling terminal of the process: /dev/tty, which node
// is, when it is the keeper's, too, for its own node may be another user's, as
// after su(1); or else as a node of the view, for one made inside of it. Both may have
// the same number, but not the same session (credentials(7)).
func (r *request) terminal(node int) (fd int, errno unix.Errno) {
	rdev, session := r.s.terminalOf(r.n.pid)
	own, ownSession := r.s.terminalOf(uint32(os.Getpid()))
	switch {
	case rdev == 0:
		return -1, unix.ENXIO
	case rdev == own && session == ownSession:
		return node, 0
	}
	minor := strconv.Itoa(int(unix.Minor(rdev)))
	for _, path := range []string{"/dev/pts/" + minor, "/dev/console"} {
		fd, errno := r.keep(unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0))
		var st unix.Stat_t
		if errno == 0 && unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == rdev {
			return fd, 0
		}
	}
	return -1, unix.ENXIO
}

// terminalOf is the device of a process's terminal, or 0, and its session.
func (s *supervisor) terminalOf(pid uint32) (rdev uint64, session string) {
	stat := s.hostProc(pid, "stat")
	number, err := strconv.Atoi(statField(stat, statTerminal))
	if err != nil {
		return 0, ""
	}
	return uint64(uint32(number)), statField(stat, statSession)
}

// maxWaiting bounds the opens of fifos that wait, for all supervisors.
const maxWaiting = 256

var waiting atomic.Int32

// openFifo opens a fifo for writing once it has a reader. The rights to do so
// are the process's: the first try is made with them.
func (r *request) openFifo(path string, held, flags int) verdict {
	fd, err := r.reopen(held, flags|unix.O_NONBLOCK)
	if err != unix.ENXIO {
		if err == nil {
			err = unix.SetNonblock(fd, false)
		}
		return r.give(path, "write", fd, err, flags)
	}
	own, err := unix.FcntlInt(uintptr(held), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return failed(errnoOf(err))
	}
	if waiting.Add(1) > maxWaiting {
		waiting.Add(-1)
		unix.Close(own)
		return failed(unix.EMFILE)
	}
	later := &request{s: r.s, n: new(notification)}
	*later.n = *r.n
	go later.awaitReader(path, own, flags)
	r.sent = true
	return verdict{}
}

// awaitReader asks again and again: a reader that waits for a writer wakes
// nobody else.
func (r *request) awaitReader(path string, held, flags int) {
	defer waiting.Add(-1)
	defer unix.Close(held)
	defer r.close()
	link := "thread-self/fd/" + strconv.Itoa(held)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		time.Sleep(pause)
		if notifyIoctl(r.s.listen, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&r.n.id)) != nil {
			return // the process is gone
		}
		fd, err := unix.Openat(r.s.t.k.base.hostProc, link, unix.O_WRONLY|flags&unix.O_APPEND|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == unix.ENXIO {
			continue
		}
		if err == nil {
			err = unix.SetNonblock(fd, false)
		}
		v := failed(errnoOf(err))
		if err == nil { // an error is not reported: that is the supervisor's thread's to do
			v = r.give(path, "write", fd, nil, flags)
		}
		if !r.sent {
			v.id = r.n.id
			_ = notifyIoctl(r.s.listen, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&v))
		}
		return
	}
}
