package sandbox

import (
	"os"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// nestedRunner is a runner that this process is the parent of, as a shell inside
// of a session is. What a keeper does about others, the shell does itself.
type nestedRunner struct {
	pid   int
	mu    sync.Mutex
	pidfd int // -1 when it has ended, or there is none
}

// newNestedRunner is for a child that nobody has waited for yet, so that its
// number is no other's.
func newNestedRunner(pid int) *nestedRunner {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		fd = -1
	}
	return &nestedRunner{pid: pid, pidfd: fd}
}

// follow waits for the end of a runner, which is not to be stopped: the shell
// would wait for it, and could not be interrupted.
func (n *nestedRunner) follow() (ws syscall.WaitStatus) {
	for {
		_, err := syscall.Wait4(n.pid, &ws, syscall.WUNTRACED, nil)
		switch {
		case err == syscall.EINTR:
		case err == nil && ws.Stopped():
			n.signal(unix.SIGCONT)
		default:
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.pidfd >= 0 {
				unix.Close(n.pidfd)
			}
			n.pidfd = -1
			return ws
		}
	}
}

func (n *nestedRunner) kill() { n.signal(unix.SIGKILL) }

func (n *nestedRunner) signal(sig unix.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pidfd >= 0 {
		_ = unix.PidfdSendSignal(n.pidfd, sig, nil, 0)
	}
}

// state is what the runner does (proc_pid_stat(5)), 0 if that is not known.
func (n *nestedRunner) state() byte {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(n.pid) + "/stat")
	if field := statField(string(text), statState); err == nil && len(field) == 1 {
		return field[0]
	}
	return 0
}
