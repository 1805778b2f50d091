package sandbox

import (
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rusageSize is the size of struct rusage, which travels as it is.
const rusageSize = int(unsafe.Sizeof(syscall.Rusage{}))

// awaitRequest returns when there is something to read from the shell, and
// reports changes of children until then.
func (r *runner) awaitRequest() error {
	if r.in.buffered() {
		return nil
	}
	fds := [3]unix.PollFd{
		{Fd: int32(r.in.sock), Events: unix.POLLIN}, {Fd: int32(r.changes), Events: unix.POLLIN},
		{Fd: int32(r.standIns.in), Events: unix.POLLIN},
	}
	for {
		// EINTR: the handler of SIGCHLD ran here, and has made it readable.
		n, errno := pollBriefly(fds[:])
		if n == 0 && errno == 0 {
			_, errno = poll(fds[:])
		}
		if errno != 0 && errno != syscall.EINTR {
			return errno
		}
		if errno != 0 || fds[1].Revents != 0 {
			var count [8]byte
			_, _ = unix.Read(r.changes, count[:]) // before looking: what comes later is told again
			r.reap()
		}
		if errno == 0 && fds[2].Revents != 0 {
			r.readReports()
		}
		if errno == 0 && fds[0].Revents != 0 {
			return nil
		}
	}
}

// poll waits without a limit of time. It is the bare call: the one of x/sys
// makes fds escape.
func poll(fds []unix.PollFd) (int, syscall.Errno) {
	n, _, errno := syscall.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), 0, 0, 0, 0)
	return int(n), errno
}

// briefly is longer than most commands take that are worth hurrying for.
const briefly = 5 * time.Millisecond

// pollBriefly waits without the Go scheduler's knowing: to it R computes, and
// is left alone. What it does about a system call that takes longer than 20 µs
// costs more than the call (see runnerProcs). It still interrupts R to stop the
// world, with a signal.
func pollBriefly(fds []unix.PollFd) (int, syscall.Errno) {
	limit := unix.NsecToTimespec(int64(briefly))
	n, _, errno := syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)),
		uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	return int(n), errno
}

// reap reports the children that have changed state.
func (r *runner) reap() {
	var (
		status syscall.WaitStatus
		ru     syscall.Rusage
	)
	for len(r.children) > 0 { // mostly there is one: a call less
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG|syscall.WUNTRACED|syscall.WCONTINUED, &ru)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
		r.changed(pid, status, &ru)
	}
}

// changed reports a change of state.
func (r *runner) changed(pid int, status syscall.WaitStatus, ru *syscall.Rusage) {
	c, known := r.children[pid]
	if !known {
		return
	}
	if !status.Stopped() && !status.Continued() {
		delete(r.children, pid)
	}
	if r.standIns.byID[c.id] != nil {
		r.standInChanged(c, status)
		return
	}
	r.tell(c, pid, status, ru)
}
