package sandbox

import (
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// open is openat(2). R itself opens what cannot make it wait: regular files,
// directories, and devices known to be harmless. Everything else gets a
// thread. The file may be exchanged between the look and the open, therefore
// R opens with O_NONBLOCK and looks again.
func (r *runner) open(id uint32, d *decoder) error {
	handle, flags, mode, path := d.u32(), int(d.u32()), d.u32(), d.str()
	dir, ok := r.dirFD(handle)
	errno := syscall.EPROTO
	if !ok {
		errno = syscall.EBADF
	}
	if !ok || !d.done() {
		return r.out.send(header{id: id, op: opReply, arg: int32(errno)}, &r.reply)
	}
	flags |= unix.O_CLOEXEC | unix.O_NOCTTY
	fd, errno, blocks := openNow(dir, path, flags, mode)
	if blocks {
		if errno = r.openLater(id, dir, path, flags, mode); errno == 0 {
			return nil
		}
	}
	return r.sendOpened(id, fd, errno, &r.reply)
}

func (r *runner) sendOpened(id uint32, fd int, errno syscall.Errno, e *encoder) error {
	if errno == 0 {
		e.fds = append(e.fds, fd)
		defer syscall.Close(fd)
	}
	return r.out.send(header{id: id, op: opReply, arg: int32(errno)}, e)
}

// openNow opens without ever waiting, or says that it would have to.
func openNow(dir int, path string, flags int, mode uint32) (fd int, errno syscall.Errno, blocks bool) {
	if flags&unix.O_PATH != 0 || flags&unix.O_NONBLOCK != 0 {
		fd, err := unix.Openat(dir, path, flags, mode)
		return fd, errnoOf(err), false
	}
	var st syscall.Stat_t
	err := fstatat(dir, path, &st, flags&unix.O_NOFOLLOW != 0)
	if err == nil && !opensAtOnce(&st) {
		return -1, 0, true
	}
	if err != nil && (err != syscall.ENOENT || flags&unix.O_CREAT == 0) {
		// As openat would say; but it is openat that is asked, since a stat
		// needs other rights.
		if err == syscall.ENOENT {
			return -1, syscall.ENOENT, false
		}
	}
	fd, err = unix.Openat(dir, path, flags|unix.O_NONBLOCK, mode)
	switch err {
	case nil:
	case syscall.ENXIO, syscall.EAGAIN: // a fifo after all; a lease
		return -1, 0, true
	default:
		return -1, errnoOf(err), false
	}
	if err = syscall.Fstat(fd, &st); err == nil && opensAtOnce(&st) {
		if _, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags); err == nil {
			return fd, 0, false
		}
	}
	syscall.Close(fd)
	return -1, errnoOf(err), err == nil
}

// Major numbers of character devices whose open never waits: memory (null,
// zero, full, random), /dev/tty with its relatives, and pseudo terminals;
// Documentation/admin-guide/devices.txt.
const (
	majorMem    = 1
	majorTTY    = 5
	majorPTYs   = 136
	majorPTYEnd = 143
)

func opensAtOnce(st *syscall.Stat_t) bool {
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG, syscall.S_IFDIR, syscall.S_IFLNK:
		return true
	case syscall.S_IFCHR:
		m := unix.Major(st.Rdev)
		return m == majorMem || m == majorTTY || m >= majorPTYs && m <= majorPTYEnd
	}
	return false
}

// slowOpens are the opens that wait, each on a thread of its own.
type slowOpens struct {
	mu      sync.Mutex
	threads map[uint32]*slowOpen
}

type slowOpen struct {
	tid       int
	cancelled bool
}

// maxSlowOpens bounds the threads; a script with more has run amok.
const maxSlowOpens = 256

// init makes a signal that interrupts an open: it has a handler of the Go
// runtime, which does nothing for it, but without SA_RESTART.
func (s *slowOpens) init() {
	s.threads = map[uint32]*slowOpen{}
	act := runtimeAction()
	act.flags &^= saRestart
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, kickSignal, uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
}

const saRestart = 0x10000000 // SA_RESTART, sigaction(2)

func (r *runner) openLater(id uint32, dir int, path string, flags int, mode uint32) syscall.Errno {
	if dir >= 0 { // the handle may be closed meanwhile
		own, err := unix.FcntlInt(uintptr(dir), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return errnoOf(err)
		}
		dir = own
	}
	s := &r.opens
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.threads) >= maxSlowOpens {
		if dir >= 0 {
			syscall.Close(dir)
		}
		return syscall.EMFILE
	}
	o := &slowOpen{}
	s.threads[id] = o
	go r.openSlowly(o, id, dir, path, flags, mode)
	return 0
}

func (r *runner) openSlowly(o *slowOpen, id uint32, dir int, path string, flags int, mode uint32) {
	runtime.LockOSThread() // for good: the mask is this thread's
	s := &r.opens
	s.mu.Lock()
	o.tid = unix.Gettid()
	s.mu.Unlock()
	mask := blockedSignals() &^ sigBit(kickSignal)
	rawMask(&mask, nil) // all others have threads enough
	fd, err := -1, error(syscall.EINTR)
	for pause := time.Millisecond; err == syscall.EINTR && !s.isCancelled(o); {
		if flags&unix.O_ACCMODE == unix.O_RDONLY {
			fd, err = unix.Openat(dir, path, flags, mode)
			continue
		}
		// The keeper waits in its stead, which no signal would interrupt.
		if fd, err = unix.Openat(dir, path, flags|unix.O_NONBLOCK, mode); err == nil {
			_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
		} else if err == syscall.ENXIO && isFifo(dir, path, flags) { // without a reader
			err = syscall.EINTR
			time.Sleep(pause)
			pause = min(2*pause, 20*time.Millisecond)
		}
	}
	s.mu.Lock()
	delete(s.threads, id)
	s.mu.Unlock()
	if dir >= 0 {
		syscall.Close(dir)
	}
	var e encoder
	e.reset()
	_ = r.sendOpened(id, fd, errnoOf(err), &e) // R sees the end of the socket
}

// isFifo tells the ENXIO of a fifo, which gets a reader in time, from that of
// /dev/tty without a terminal and of sockets, which is the answer (open(2)).
func isFifo(dir int, path string, flags int) bool {
	var st syscall.Stat_t
	err := fstatat(dir, path, &st, flags&unix.O_NOFOLLOW != 0)
	return err == nil && st.Mode&syscall.S_IFMT == syscall.S_IFIFO
}

func (s *slowOpens) isCancelled(o *slowOpen) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return o.cancelled
}

// cancel interrupts an open, if it is still going on.
func (s *slowOpens) cancel(id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.threads[id]; o != nil && !o.cancelled {
		o.cancelled = true
		go s.kick(id, o)
	}
}

// kick repeats the signal until the thread has noticed: it may have been
// about to call openat when the first one came.
func (s *slowOpens) kick(id uint32, o *slowOpen) {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		s.mu.Lock()
		gone := s.threads[id] != o
		if !gone && o.tid != 0 {
			_ = unix.Tgkill(unix.Getpid(), o.tid, kickSignal)
		}
		s.mu.Unlock()
		if gone {
			return
		}
		time.Sleep(pause)
	}
}
