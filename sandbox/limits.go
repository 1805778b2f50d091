package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// Limits are set on every command by its runner, between fork and exec, and
// not on the runner: one that ran out of processor time or descriptors itself
// would be the end of all commands. The number of processes is a property of
// the user, or of a control group for root, whom RLIMIT_NPROC does not bind.

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

// pidsDirs are the control groups below which this process might make one of
// its own that counts processes: cgroup v2 where the controller is handed
// down (cgroups(7) "subtree_control"), and the pids hierarchy of v1.
func pidsDirs(table string) []string {
	const root = "/sys/fs/cgroup"
	var dirs []string
	for line := range strings.Lines(table) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0":
			for _, at := range []string{root, root + "/unified"} {
				own := filepath.Join(at, f[2])
				for _, dir := range []string{own, filepath.Dir(own)} {
					text, err := os.ReadFile(dir + "/cgroup.subtree_control")
					if err == nil && below(dir, at) && strings.Contains(" "+strings.TrimSpace(string(text))+" ", " pids ") {
						dirs = append(dirs, dir)
					}
				}
			}
		case f[1] == "pids":
			dirs = append(dirs, filepath.Join(root, "pids", f[2]))
		}
	}
	return dirs
}

// pidsGroup finds the directory in which a group can be made, or "".
func pidsGroup() string {
	table, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for _, dir := range pidsDirs(string(table)) {
		if unix.Access(dir, unix.W_OK) == nil && unix.Access(dir+"/cgroup.procs", unix.W_OK) == nil {
			return dir
		}
	}
	return ""
}

// groupPrefix begins the names of our groups; the keeper's number follows.
const groupPrefix = "fsh-"

// reapGroups removes the groups of sessions that were killed. One that is in
// use cannot be removed.
func reapGroups(proc int, dir string) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range list {
		number, ok := strings.CutPrefix(e.Name(), groupPrefix)
		pid, _, _ := strings.Cut(number, ".")
		if n, err := strconv.Atoi(pid); !ok || err != nil || n == os.Getpid() || lives(proc, pid) {
			continue
		}
		_ = unix.Rmdir(filepath.Join(dir, e.Name()))
	}
}

// lives tells whether a process runs; one that has ended and is not yet
// reaped does not.
func lives(proc int, pid string) bool {
	state := statusOfProcess(proc, pid, "State")
	return state != "" && state[0] != 'Z' && state[0] != 'X'
}

// errNoGroup: for root, the limit needs a control group.
var errNoGroup = errors.New("limits.processes cannot be enforced for root without a control group")

// joinGroup has a child, on its way to become a runner, enter a group that
// counts processes; what is returned is to be closed when it runs. In the
// hierarchies of v1 a thread that moves itself does not wait for the others of
// the system, which takes milliseconds (cgroup_procs_write_start).
func (k *keeper) joinGroup(p *childProgram, pl *Plan, view uint32) (done func(), err error) {
	g, err := k.newGroup(pl, view)
	if g == nil || err != nil {
		return func() {}, err
	}
	var fd int
	for _, name := range []string{"/tasks", "/cgroup.procs"} {
		if fd, err = unix.Open(g.dir+name, unix.O_WRONLY|unix.O_CLOEXEC, 0); err == nil {
			break
		}
	}
	if err != nil {
		return func() {}, groupError(err)
	}
	at, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstSafeFD)
	unix.Close(fd)
	if err != nil {
		return func() {}, groupError(err)
	}
	if os.Geteuid() == 0 {
		p.add("limits", unix.SYS_WRITE, uintptr(at), p.str("0"), 1)
	} else {
		p.try("limits", unix.SYS_WRITE, uintptr(at), p.str("0"), 1)
	}
	return func() { unix.Close(at) }, nil
}

const groupHint = "mount cgroup2 with the pids controller and run fsh where it is delegated (systemd-run --scope -p Delegate=yes), or remove the limit"

// groupError is an error for root only: RLIMIT_NPROC holds for other users.
func groupError(err error) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return &SetupError{Layer: "limits", Err: fmt.Errorf("%w: %w", errNoGroup, err), Hint: groupHint}
}

// newGroup makes a group for the processes of a view, nil if it needs none.
func (k *keeper) newGroup(pl *Plan, view uint32) (*pidGroup, error) {
	limit := uint64(0)
	for _, l := range pl.Limits {
		if l.Resource == rlimitNproc {
			limit = l.Max
		}
	}
	if limit == 0 || pl.Group == "" && os.Geteuid() != 0 {
		return nil, nil
	}
	if pl.Group == "" {
		return nil, &SetupError{Layer: "limits", Err: errNoGroup, Hint: groupHint}
	}
	g := &pidGroup{dir: filepath.Join(pl.Group, fmt.Sprintf("%s%d.%d", groupPrefix, os.Getpid(), view)), view: view}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, groupError(err)
	}
	k.mu.Lock()
	k.groups = append(k.groups, g)
	k.mu.Unlock()
	const runnerThreads = 8
	err := os.WriteFile(g.dir+"/pids.max", []byte(strconv.FormatUint(limit+runnerThreads, 10)), 0)
	if err != nil {
		return nil, groupError(err)
	}
	go k.watchGroup(g)
	return g, nil
}

// pidGroup is a control group of the session.
type pidGroup struct {
	dir  string
	view uint32
	mu   sync.Mutex
	told string
}

// watchGroup looks now and then whether forks were refused: the hierarchy of
// v1 notifies nobody.
func (k *keeper) watchGroup(g *pidGroup) {
	for range time.Tick(time.Second) {
		if !k.checkGroup(g) {
			return
		}
	}
}

// checkGroup tells the shell when forks were refused since the last look.
func (k *keeper) checkGroup(g *pidGroup) bool {
	text, err := os.ReadFile(g.dir + "/pids.events")
	if err != nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := strings.TrimSpace(string(text)); now != g.told && now != "max 0" {
		g.told = now
		k.tell(opLimit, g.view, limitNote{View: g.view, Key: "limits.processes"}, nil)
	}
	return true
}

// leaveGroups removes the groups once everything inside is dead.
func (k *keeper) leaveGroups() {
	for _, g := range k.groups {
		k.checkGroup(g)
		_ = unix.Rmdir(g.dir)
		reapGroups(k.base.hostProc, filepath.Dir(g.dir)) // what was still dying when we began
	}
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
