package interp

import (
	"fmt"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// ignoredOnEntry finds the signals the Go runtime left ignored; it takes
// over all but these, and the caller may know more.
func ignoredOnEntry(known []syscall.Signal) map[syscall.Signal]bool {
	set := map[syscall.Signal]bool{}
	for _, sig := range known {
		set[sig] = true
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) {
			set[sig] = true
		}
	}
	// The runtime takes these over when asked to.
	for _, sig := range []syscall.Signal{syscall.SIGCONT, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU} {
		if getAction(sig).handler == sigIgn {
			set[sig] = true
		}
	}
	return set
}

// adoptFiles takes over descriptors. Directories and O_PATH descriptors are
// closed, for a command could walk out of its confinement through them, and
// sockets from which one can send to anybody.
func (sh *shell) adoptFiles(files map[int]int) error {
	if files == nil {
		files = inheritedFiles(sh.rt.sys)
	}
	for n, fd := range files {
		if n < 0 || n >= maxFD {
			return fmt.Errorf("descriptor %d is out of range", n)
		}
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) != nil {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_PATH != 0 || st.Mode&syscall.S_IFMT == syscall.S_IFDIR || isAimless(fd) {
			syscall.Close(fd)
			continue
		}
		unix.CloseOnExec(fd)
		sh.setFile(n, newFile(fd)).drop()
	}
	return nil
}

// isAimless tells whether a descriptor is a socket that is neither connected nor
// listens, or whose packets go wherever each of them says. Streams of the unix
// family are somebody's only once they are connected.
func isAimless(fd int) bool {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return false // no socket
	}
	if kind != unix.SOCK_STREAM && kind != unix.SOCK_SEQPACKET {
		return true
	}
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err == nil && family == unix.AF_UNIX {
		return false
	}
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err == nil && listens != 0 {
		return false
	}
	_, err = unix.Getpeername(fd)
	return err != nil
}

// inheritedLimit bounds the search for inherited descriptors.
const inheritedLimit = 1024

// inheritedFiles are the open descriptors without FD_CLOEXEC: what Go itself
// and the packages here open has it.
func inheritedFiles(System) map[int]int {
	files := map[int]int{}
	// A limit that was lowered later leaves those above it open, where no command
	// could be given them.
	last := uint64(inheritedLimit)
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		last = min(last, limit.Max)
	}
	// One poll(2) tells which are open.
	polled := make([]unix.PollFd, last)
	for fd := range polled {
		polled[fd].Fd = int32(fd)
	}
	_, _ = unix.Poll(polled, 0) // EINVAL above the soft limit: all may be open then
	for fd := range polled {
		if polled[fd].Revents&unix.POLLNVAL != 0 {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && (flags&unix.FD_CLOEXEC == 0 || fd < 3) {
			files[fd] = fd
		}
	}
	return files
}
