package sandbox

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// SIGKILL and SIGSTOP leave no trace of who sent them, and no handler can pass
// them on. Whether they were meant for the shell is therefore seen when they
// are sent: the calls are notified, looked at and let through.

// sendingCall is a call that sends a signal: the argument with its number, and
// the one that names the target.
type sendingCall struct {
	nr          uintptr
	sig, target int
	kind        targetKind
}

type targetKind uint8

const (
	targetProcess targetKind = iota // a process; 0, -1 and groups are everybody
	targetThread
	targetPidfd
)

var sendingCalls = []sendingCall{
	{unix.SYS_KILL, 1, 0, targetProcess},
	{unix.SYS_RT_SIGQUEUEINFO, 1, 0, targetProcess},
	{unix.SYS_TGKILL, 2, 0, targetProcess},
	{unix.SYS_RT_TGSIGQUEUEINFO, 2, 0, targetProcess},
	{unix.SYS_TKILL, 1, 0, targetThread},
	{unix.SYS_PIDFD_SEND_SIGNAL, 1, 0, targetPidfd},
}

// noteSignal tells the runner's watcher about such a signal to its number, and
// its caller whether the call was one that sends signals.
func (s *supervisor) noteSignal(n *notification) bool {
	for _, c := range sendingCalls {
		if int32(c.nr) != n.nr {
			continue
		}
		if s.hitsRunner(n, &c) {
			s.runner.aimed(unix.Signal(n.args[c.sig]))
		}
		return true
	}
	return false
}

func (s *supervisor) hitsRunner(n *notification, c *sendingCall) bool {
	target := int(int32(n.args[c.target]))
	switch c.kind {
	case targetProcess:
		inner, err := s.t.k.innerPid(s.runner.pid)
		return err == nil && target == inner
	case targetThread:
		return s.isThread(target)
	}
	return s.pidOfDescriptor(n.pid, target) == s.runner.pid
}

// isThread tells whether the runner has a thread of a number inside.
func (s *supervisor) isThread(inner int) bool {
	fd, err := unix.Openat(s.t.k.base.hostProc, strconv.Itoa(s.runner.pid)+"/task", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	tasks := os.NewFile(uintptr(fd), "task")
	defer tasks.Close()
	names, err := tasks.Readdirnames(0)
	if err != nil {
		return false
	}
	for _, name := range names {
		tid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if number, err := s.t.k.innerPid(tid); err == nil && number == inner {
			return true
		}
	}
	return false
}

// pidOfDescriptor is the process behind another process's pidfd (proc(5),
// fdinfo), or 0.
func (s *supervisor) pidOfDescriptor(owner uint32, fd int) int {
	for line := range strings.Lines(s.hostProc(owner, "fdinfo/"+strconv.Itoa(fd))) {
		if rest, ok := strings.CutPrefix(line, "Pid:"); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(rest))
			if err == nil {
				return pid
			}
		}
	}
	return 0
}
