package sandbox

import (
	"sync"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// nullDevice is what scripts redirect to most. It has no contents, no offset
// and no state (null(4)), so that a second open with the same flags is as good
// as a duplicate of the first; and the rules of a runner never change. What was
// refused is asked again.
const nullDevice = "/dev/null"

// nullFiles are the null devices that a runner has opened, by flags.
type nullFiles struct {
	mu   sync.Mutex
	fds  map[int]int
	gone bool
}

// duplicate returns a descriptor of its own, or false if there is none yet.
func (n *nullFiles) duplicate(flags int) (int, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fd, ok := n.fds[flags]
	if !ok {
		return -1, false
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	return own, err == nil
}

// keep remembers a duplicate of fd. Failure only means another open.
func (n *nullFiles) keep(flags, fd int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, known := n.fds[flags]; known || n.gone || len(n.fds) >= len(redirectionFlags) {
		return
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return
	}
	if n.fds == nil {
		n.fds = map[int]int{}
	}
	n.fds[flags] = own
}

func (n *nullFiles) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, fd := range n.fds {
		syscall.Close(fd)
	}
	n.fds, n.gone = nil, true
}

// redirectionFlags are those of >, >>, < and <>: with O_EXCL (noclobber) an
// open fails, and others are rare.
var redirectionFlags = [...]int{
	unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC,
	unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND,
	unix.O_RDONLY,
	unix.O_RDWR | unix.O_CREAT,
}

// nullFor is where a request for the null device may be answered from, or nil.
func (s *system) nullFor(q *interp.OpenRequest) *nullFiles {
	if q.Path != nullDevice {
		return nil
	}
	for _, flags := range redirectionFlags {
		if q.Flags != flags {
			continue
		}
		own, err := s.dirOf(q.Dir)
		if err != nil {
			return nil
		}
		rc, _, err := own.placeFor(own.policy)
		if err != nil || rc.dead() {
			return nil
		}
		return &rc.null
	}
	return nil
}
