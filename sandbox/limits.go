package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// Limits are set on every command by its runner, between fork and exec, and
// not on the runner: one that ran out of processor time or descriptors itself
// would be the end of all commands. The number of processes is a property of
// the user, or of a control group for root, whom RLIMIT_NPROC does not bind.
// Memory is limited for each process, and where a control group can be made for
// all together: limits_group.go.

// cpuGrace is how many seconds after SIGXCPU a program that does not heed it
// is killed (setrlimit(2)).
const cpuGrace = 1

// values are the soft and hard limit. others is how many processes and
// threads of the sandbox itself are counted as well.
func (l planLimit) values(others uint64) unix.Rlimit {
	v := unix.Rlimit{Cur: l.Max, Max: l.Max}
	switch l.Resource {
	case rlimitCPU:
		v.Max += cpuGrace
	case rlimitNproc:
		v.Cur += others
		v.Max += others
	}
	return v
}

// limitPrefix begins the runner's arguments that are limits.
const limitPrefix = "limit="

// limitArgs tells a runner the limits of its commands.
func limitArgs(limits []planLimit, others uint64) []string {
	var args []string
	for _, l := range limits {
		v := l.values(others)
		args = append(args, fmt.Sprintf("%s%d:%d:%d", limitPrefix, l.Resource, v.Cur, v.Max))
	}
	return args
}

// parseLimits is what limitArgs wrote. A runner that does not understand its
// limits must not run.
func parseLimits(args []string) ([]forkLimit, error) {
	var out []forkLimit
	for _, a := range args {
		text, ok := strings.CutPrefix(a, limitPrefix)
		if !ok {
			continue
		}
		var l forkLimit
		if n, err := fmt.Sscanf(text, "%d:%d:%d", &l.resource, &l.value.Cur, &l.value.Max); err != nil || n != 3 {
			return nil, fmt.Errorf("limit %q: %w", a, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// ownProcesses counts what the kernel counts for RLIMIT_NPROC besides
// commands: threads of the keeper, init and the runner. The Go runtime starts
// some more later, hence the room.
func (k *keeper) ownProcesses() uint64 {
	const room = 16
	n := uint64(room)
	for _, pid := range []string{"self", strconv.Itoa(k.initPid)} {
		list, err := readNames(k.base.hostProc, pid+"/task")
		if err == nil {
			n += uint64(len(list))
		}
	}
	return n
}

func readNames(dir int, path string) ([]string, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	return f.Readdirnames(-1)
}

// limitNote tells the shell that a limit was reached.
type limitNote struct {
	View uint32 `json:"view"`
	Key  string `json:"key"`
}

// limited reports a limit that the keeper saw being reached.
func (s *Session) limited(n limitNote) {
	s.mu.Lock()
	p := s.rules[n.View]
	s.mu.Unlock()
	if p != nil {
		s.emit(limitEvent(p, n.Key, events.Event{}))
	}
}

// exceeded is the limit that the end of a command proves to have been
// reached, or "".
func exceeded(l *policy.Limits, ws syscall.WaitStatus, ru *syscall.Rusage, err error) string {
	used := func(limit, now int64) bool { return limit > 0 && now >= limit }
	switch {
	case err == syscall.EAGAIN && l.Processes > 0:
		return "limits.processes"
	case err == syscall.ENOMEM && l.Memory > 0:
		return "limits.memory"
	case err == syscall.EMFILE && l.OpenFiles > 0:
		return "limits.open_files"
	case err != nil || ru == nil:
		return ""
	}
	sig := ws.Signal()
	if !ws.Signaled() && ws.ExitStatus() > 128 {
		sig = syscall.Signal(ws.ExitStatus() - 128) // a shell tells of its child's end like this
	}
	switch {
	case sig == syscall.SIGXFSZ && l.FileSize > 0:
		return "limits.file_size"
	case sig == syscall.SIGXCPU && l.CPUTime > 0, sig == syscall.SIGKILL && used(l.CPUTime, ru.Utime.Sec+ru.Stime.Sec):
		return "limits.cpu_time"
	// A program that is refused memory ends as it likes; that it used half of
	// what it may is what the kernel tells.
	case ws != 0 && used(l.Memory/2, ru.Maxrss<<10):
		return "limits.memory"
	}
	return ""
}

// limitEvent completes the event of a limit that was reached.
func limitEvent(p *policy.Policy, key string, e events.Event) events.Event {
	e.Kind, e.Denied, e.Action, e.Target = events.Limit, true, "exceed", key
	e.Rule = &policy.Rule{Key: key}
	for _, r := range p.Settings {
		if r.Key == key {
			e.Rule = &r
		}
	}
	e.Hint = "raise " + key + " in the policy"
	return e
}

// reportLimit says that a command ended because of a limit.
func (s *Session) reportLimit(c *interp.Command, end commandEnd) {
	p := s.policyOf(c.Dir)
	if p.Limits == (policy.Limits{}) {
		return
	}
	key := exceeded(&p.Limits, end.status, end.rusage, end.err)
	if key == "" {
		return
	}
	e := events.Event{File: c.Where.File, Line: c.Where.Line, Argv: c.Argv, Pid: end.pid}
	if len(c.Argv) > 0 {
		e.Program = c.Argv[0]
	}
	s.emit(limitEvent(p, key, e))
}
