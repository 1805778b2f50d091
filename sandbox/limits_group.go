package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Control groups hold what setrlimit(2) cannot: the processes of root, and the
// memory of all commands of a policy together, where a group can be made for it.
// A command whose memory the kernel needs is killed; the runner is a member, too,
// but hardly ever the largest.

// groupLimit is a limit that a group can hold: Documentation/admin-guide/
// cgroup-v2.rst in the kernel's sources. RLIMIT_DATA counts for each process what
// memory.max counts for all, with files of memory (/tmp) and the page cache.
type groupLimit struct {
	key        string
	resource   int
	controller string
	file       string
	room       uint64 // for the runner
	// also are other files and what they get, where the kernel has them.
	also   map[string]string
	events string // the file and the line that counts refusals
	line   string
}

var groupLimits = []groupLimit{
	{key: "limits.processes", resource: rlimitNproc, controller: "pids", file: "pids.max", room: 8,
		events: "pids.events", line: "max"},
	// Without swap the limit is one of memory, not of speed. Who is killed is the
	// kernel's choice: with memory.oom.group it would be everybody.
	{key: "limits.memory", resource: rlimitData, controller: "memory", file: "memory.max", room: 32 << 20,
		also:   map[string]string{"memory.swap.max": "0", "memory.oom.group": "0"},
		events: "memory.events", line: "oom_kill"},
}

// groupRoot is where control groups are mounted.
const groupRoot = "/sys/fs/cgroup"

// controllerDirs are the control groups below which this process might make one
// of its own with a controller: cgroup v2 where it is handed down (cgroups(7)
// "subtree_control"), and the pids hierarchy of v1. table is /proc/self/cgroup.
func controllerDirs(root, table, controller string) []string {
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
					if err == nil && below(dir, at) && slices.Contains(strings.Fields(string(text)), controller) {
						dirs = append(dirs, dir)
					}
				}
			}
		case f[1] == "pids" && controller == "pids":
			dirs = append(dirs, filepath.Join(root, "pids", f[2]))
		}
	}
	return dirs
}

// groupDir finds the directory in which a group with a controller can be made, or
// "".
func groupDir(controller string) string {
	table, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for _, dir := range controllerDirs(groupRoot, string(table), controller) {
		if unix.Access(dir, unix.W_OK) == nil && unix.Access(dir+"/cgroup.procs", unix.W_OK) == nil {
			return dir
		}
	}
	return ""
}

func pidsGroup() string { return groupDir("pids") }

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

// joinGroups has a child, on its way to become a runner, enter the groups of its
// view; what is returned is to be closed when it runs. In the hierarchies of v1 a
// thread that moves itself does not wait for the others of the system, which takes
// milliseconds (cgroup_procs_write_start).
func (k *keeper) joinGroups(p *childProgram, pl *Plan, view uint32) (done func(), err error) {
	groups, err := k.newGroups(pl, view)
	if err != nil {
		return func() {}, err
	}
	var fds []int
	done = func() { closeAll(fds) }
	for _, g := range groups {
		at, err := g.entrance()
		if err != nil {
			if err = g.failed(err); err != nil {
				return done, err
			}
			continue
		}
		fds = append(fds, at)
		if g.must() {
			p.add("limits", unix.SYS_WRITE, uintptr(at), p.str("0"), 1)
		} else {
			p.try("limits", unix.SYS_WRITE, uintptr(at), p.str("0"), 1)
		}
	}
	return done, nil
}

// entrance is the file through which a process enters.
func (g *controlGroup) entrance() (int, error) {
	var err error
	for _, name := range []string{"/tasks", "/cgroup.procs"} {
		var fd int
		if fd, err = unix.Open(g.dir+name, unix.O_WRONLY|unix.O_CLOEXEC, 0); err == nil {
			at, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstSafeFD)
			unix.Close(fd)
			return at, err
		}
	}
	return -1, err
}

const groupHint = "mount cgroup2 with the pids controller and run fsh where it is delegated (systemd-run --scope -p Delegate=yes), or remove the limit"

// controlGroup is a control group of the session.
type controlGroup struct {
	dir    string
	view   uint32
	limits []groupLimit
	mu     sync.Mutex
	told   map[string]string // what was told of each key
	// others are the files with a limit that is not the policy's, but a smaller one
	// of the group beside.
	others map[string]bool
}

// must tells whether nothing else holds the limits of a group: of memory, and of
// an ordinary user's processes, there is a limit for each process.
func (g *controlGroup) must() bool {
	return os.Geteuid() == 0 && slices.ContainsFunc(g.limits, func(l groupLimit) bool { return l.resource == rlimitNproc })
}

// failed is the error of a group that could not be had, nil where it need not be.
func (g *controlGroup) failed(err error) error {
	if !g.must() {
		return nil
	}
	return &SetupError{Layer: "limits", Err: fmt.Errorf("%w: %w", errNoGroup, err), Hint: groupHint}
}

// newGroups makes the groups for the processes of a view.
func (k *keeper) newGroups(pl *Plan, view uint32) (groups []*controlGroup, err error) {
	if pl.limit(rlimitNproc) > 0 && pl.Group == "" && os.Geteuid() == 0 {
		return nil, &SetupError{Layer: "limits", Err: errNoGroup, Hint: groupHint}
	}
	own, unknown := k.ownGroup()
	for dir, limits := range pl.groups() {
		g := &controlGroup{
			dir: filepath.Join(dir, fmt.Sprintf("%s%d.%d", groupPrefix, os.Getpid(), view)), view: view,
			limits: limits, told: map[string]string{}, others: map[string]bool{},
		}
		err := unknown
		if err == nil {
			err = os.Mkdir(g.dir, 0o755)
		}
		if err == nil {
			k.mu.Lock()
			k.groups = append(k.groups, g)
			k.mu.Unlock()
			if err = g.inherit(own); err == nil {
				err = g.set(pl)
			}
		}
		if err != nil {
			if err = g.failed(err); err != nil {
				return nil, err
			}
			continue
		}
		groups = append(groups, g)
		go k.watchGroup(g)
	}
	return groups, nil
}

// limit is the value of a limit of setrlimit(2), 0 if there is none.
func (pl *Plan) limit(resource int) uint64 {
	for _, l := range pl.Limits {
		if l.Resource == resource {
			return l.Max
		}
	}
	return 0
}

// groups are the limits by the directory for their group: one group holds both
// where that can be.
func (pl *Plan) groups() map[string][]groupLimit {
	dirs := map[string]string{"pids": pl.Group, "memory": pl.MemoryGroup}
	m := map[string][]groupLimit{}
	for _, l := range groupLimits {
		if dir := dirs[l.controller]; dir != "" && pl.limit(l.resource) > 0 {
			m[dir] = append(m[dir], l)
		}
	}
	return m
}

// set writes the limits.
func (g *controlGroup) set(pl *Plan) error {
	for _, l := range g.limits {
		max := pl.limit(l.resource) + l.room
		if now := g.maxNow(l.file); now < max {
			g.others[l.file], max = true, now
		}
		if err := writeControl(g.dir, l.file, strconv.FormatUint(max, 10)); err != nil {
			return err
		}
		for file, value := range l.also {
			if err := writeControl(g.dir, file, value); err != nil && !errors.Is(err, unix.ENOENT) {
				return err
			}
		}
	}
	return nil
}

// writeControl writes a file of a group, which the kernel has made.
func writeControl(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// watchGroup looks now and then whether something was refused: the hierarchy of
// v1 notifies nobody.
func (k *keeper) watchGroup(g *controlGroup) {
	for range time.Tick(time.Second) {
		if !k.checkGroup(g) {
			return
		}
	}
}

// checkGroup tells the shell what was refused since the last look.
func (k *keeper) checkGroup(g *controlGroup) bool {
	keys, ok := g.exceeded()
	for _, key := range keys {
		k.tell(opLimit, g.view, limitNote{View: g.view, Key: key}, nil)
	}
	return ok
}

// exceeded are the limits that were reached since the last call.
func (g *controlGroup) exceeded() (keys []string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.limits {
		text, err := os.ReadFile(filepath.Join(g.dir, l.events))
		if err != nil {
			return keys, false
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) == 2 && f[0] == l.line && f[1] != "0" && f[1] != g.told[l.key] && !g.others[l.file] {
				g.told[l.key] = f[1]
				keys = append(keys, l.key)
			}
		}
	}
	return keys, true
}

// leaveGroups removes the groups once everything inside is dead.
func (k *keeper) leaveGroups() {
	for _, g := range k.groups {
		k.checkGroup(g)
		_ = unix.Rmdir(g.dir)
		reapGroups(k.base.hostProc, filepath.Dir(g.dir)) // what was still dying when we began
	}
}
