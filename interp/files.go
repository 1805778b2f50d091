package interp

import (
	"io"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// file is an open file behind a virtual descriptor, shared by the shells that
// inherited it. Its zero count closes it.
type file struct {
	refs atomic.Int32
	fd   int // of this process; -1 while a capture lives in memory alone
	cap  *capture
	kind atomic.Uint32 // fileUnknown, fileRegular, fileOther
}

const (
	fileUnknown = iota
	fileRegular
	fileOther
)

// newFile takes ownership of fd.
func newFile(fd int) *file {
	f := &file{fd: fd}
	f.refs.Store(1)
	return f
}

func (f *file) hold() *file {
	if f != nil {
		f.refs.Add(1)
	}
	return f
}

func (f *file) drop() {
	if f == nil || f.refs.Add(-1) != 0 {
		return
	}
	if f.cap != nil {
		f.cap.writersGone()
	}
	if f.fd >= 0 {
		syscall.Close(f.fd)
	}
}

// sysFD is the descriptor to give to a command. A capture gets a pipe now.
func (f *file) sysFD() (int, error) {
	if f.cap != nil {
		return f.cap.pipe(f)
	}
	return f.fd, nil
}

// regular reports whether reads cannot block and the offset can be moved.
func (f *file) regular() bool {
	k := f.kind.Load()
	if k == fileUnknown && f.cap == nil {
		var st syscall.Stat_t
		k = fileOther
		if syscall.Fstat(f.fd, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG {
			k = fileRegular
		}
		f.kind.Store(k)
	}
	return k == fileRegular
}

// fdFile is the open file at a virtual descriptor, or nil.
func (sh *shell) fdFile(n int) *file {
	if n < 0 || n >= len(sh.fds) {
		return nil
	}
	return sh.fds[n]
}

// maxFD bounds virtual descriptors; RLIMIT_NOFILE is usually lower than this.
const maxFD = 1 << 16

// setFile puts f (which the table then owns; nil closes) at descriptor n and
// returns what was there.
func (sh *shell) setFile(n int, f *file) (old *file) {
	for n >= len(sh.fds) {
		if f == nil {
			return nil
		}
		sh.fds = append(sh.fds, nil)
	}
	old = sh.fds[n]
	sh.fds[n] = f
	return old
}

// write writes all of b to a virtual descriptor. EPIPE ends the shell as
// SIGPIPE would, unless that is ignored.
func (sh *shell) write(n int, b []byte) error {
	f := sh.fdFile(n)
	if f == nil || sh.rt.over.Load() {
		return syscall.EBADF
	}
	if f.cap != nil {
		f.cap.mu.Lock()
		inMemory := f.fd < 0
		f.cap.mu.Unlock()
		if inMemory {
			if !f.cap.append(b) {
				return syscall.ENOMEM
			}
			return nil
		}
	}
	for len(b) > 0 {
		if sh.group != nil {
			if err := sh.group.ready(sh, f, true); err != nil {
				return err
			}
		}
		if err := sh.waitOut(f); err != nil {
			return err
		}
		some := b
		if len(sh.limits) > 0 {
			var err error
			if some, err = sh.withinLimit(f, b); err != nil {
				return err
			}
		}
		n, err := sh.rt.writeOut(f.fd, some)
		switch {
		case n > 0:
			b = b[n:]
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			if err := pollFD(f.fd, unix.POLLOUT, -1); err != nil {
				return err
			}
		case err == syscall.EPIPE:
			sh.brokenPipe()
			return err
		case err != nil:
			return err
		}
	}
	return nil
}

// withinLimit is the part of a write that ulimit -f allows. The limit is for
// commands and for this environment, not for the process.
func (sh *shell) withinLimit(f *file, b []byte) ([]byte, error) {
	limit := sh.limitOf(rlimitFsize).Cur
	if limit == limitInfinity || !f.regular() {
		return b, nil
	}
	var st syscall.Stat_t
	at, err := syscall.Seek(f.fd, 0, io.SeekCurrent)
	if flags, _ := unix.FcntlInt(uintptr(f.fd), unix.F_GETFL, 0); err == nil && flags&unix.O_APPEND != 0 {
		err = syscall.Fstat(f.fd, &st)
		at = st.Size
	}
	switch {
	case err != nil:
		return b, nil
	case uint64(at) >= limit:
		sh.suffer(syscall.SIGXFSZ)
		return nil, syscall.EFBIG
	}
	return b[:min(uint64(len(b)), limit-uint64(at))], nil
}

// brokenPipe is SIGPIPE: ignored, trapped, or the end.
func (sh *shell) brokenPipe() { sh.suffer(syscall.SIGPIPE) }

// suffer is what a signal does that a write of this shell causes.
func (sh *shell) suffer(sig syscall.Signal) {
	switch sh.traps.disposition(sig) {
	case trapIgnore:
	case trapCommand:
		sh.attn.raise(sig)
	default:
		sh.attn.die(sig)
	}
}

// readFD reads from a virtual descriptor. It returns EINTR when the shell has
// something more urgent to do: a trap, or its end.
func (sh *shell) readFD(n int, b []byte) (int, error) {
	f := sh.fdFile(n)
	if f == nil || f.cap != nil {
		return 0, syscall.EBADF
	}
	return sh.readFile(f, b)
}

func (sh *shell) readFile(f *file, b []byte) (int, error) {
	for {
		if sh.group != nil {
			if err := sh.group.ready(sh, f, false); err != nil {
				return 0, err
			}
		}
		err := sh.waitFD(f, unix.POLLIN)
		if err == syscall.EINTR && sh.attn.pending.Load() == attnStop {
			sh.hold()
			continue
		}
		if err != nil {
			return 0, err
		}
		n, err := syscall.Read(f.fd, b)
		switch {
		case n >= 0 && err == nil:
			return n, nil
		case err == syscall.EAGAIN:
			if err := pollFD(f.fd, unix.POLLIN, -1); err != nil {
				return 0, err
			}
		case err != syscall.EINTR:
			return 0, err
		}
	}
}

// writeOut is write(2). When a job has the terminal, and that has TOSTOP, the
// kernel would send SIGTTOU to the shell and restart the call for ever, as the
// signal is caught.
func (rt *runtime) writeOut(fd int, b []byte) (int, error) {
	if rt.away.Load() {
		defer blockSignal(syscall.SIGTTOU)()
	}
	return syscall.Write(fd, b)
}

// waitOut waits until a write to f would not block. Only the end of the shell
// interrupts it: traps run after the command.
func (sh *shell) waitOut(f *file) error {
	for {
		err := sh.waitFD(f, unix.POLLOUT)
		if err != syscall.EINTR || sh.attn.pending.Load()&attnCancel != 0 {
			return err
		}
		if sh.attn.pending.Load()&attnStop != 0 {
			sh.hold()
			continue
		}
		if err := pollFD(f.fd, unix.POLLOUT, interruptedPoll); err != nil {
			return err
		}
		if ready(f.fd, unix.POLLOUT) {
			return nil
		}
	}
}

// interruptedPoll is how often a write that waits while a trap is pending looks
// for the end of the shell, in milliseconds.
const interruptedPoll = 50

func ready(fd int, events int16) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	n, err := unix.Poll(fds, 0)
	return n != 0 || err != nil && err != unix.EINTR
}

// waitFD waits until an I/O on f would not block, or fails with EINTR when
// the shell is wanted. Regular files never block.
func (sh *shell) waitFD(f *file, events int16) error {
	if f.regular() {
		return nil
	}
	wake := sh.attn.wakeup()
	if sh.attn.pending.Load() != 0 {
		return syscall.EINTR
	}
	fds := []unix.PollFd{{Fd: int32(f.fd), Events: events}, {Fd: int32(wake), Events: unix.POLLIN}}
	for {
		sh.rt.work.rest()
		_, err := unix.Poll(fds, -1)
		sh.rt.work.resume()
		if sh.attn.pending.Load() != 0 {
			return syscall.EINTR
		}
		if err == unix.EINTR || err == nil && fds[0].Revents == 0 {
			continue
		}
		return err
	}
}

// pollFD waits for one descriptor alone, at most ms milliseconds (-1: ever).
func pollFD(fd int, events int16, ms int) error {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		_, err := unix.Poll(fds, ms)
		if err != unix.EINTR {
			return err
		}
	}
}

// copyFiles is the descriptor table as a command gets it.
func (sh *shell) copyFiles() ([]FileMap, error) {
	files := make([]FileMap, 0, 4)
	for n, f := range sh.fds {
		if f == nil || sh.ownsCoproc(n, f) {
			continue
		}
		fd, err := f.sysFD()
		if err != nil {
			return nil, err
		}
		files = append(files, FileMap{Child: n, FD: fd})
	}
	return files, nil
}
