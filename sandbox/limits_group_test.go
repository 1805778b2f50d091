package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A directory with the files of a control group stands for the kernel's: that the
// memory controller of v2 is handed down is rare on the machines that run tests.

func TestControllerDirs(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/cgroup.subtree_control", "cpu memory pids\n")
	write(t, root+"/user/cgroup.subtree_control", "memory pids")
	write(t, root+"/user/scope/cgroup.subtree_control", "")
	write(t, root+"/user/prefix/cgroup.subtree_control", "memory_recursiveprot pidsx\n")
	write(t, root+"/unified/a/cgroup.subtree_control", "memory")
	for _, c := range []struct {
		table, controller string
		want              []string
	}{
		{"0::/user/scope\n", "memory", []string{root + "/user"}},
		{"0::/user/scope\n", "pids", []string{root + "/user"}},
		{"0::/user/scope\n", "io", nil},
		{"0::/user\n", "memory", []string{root + "/user", root}}, // root may, a user not: who may write decides
		{"0::/user/prefix\n", "memory", []string{root + "/user"}},
		{"0::/a/b\n", "memory", []string{root + "/unified/a"}},
		{"0::/\n", "memory", []string{root}},
		{"0::/../user/scope\n", "memory", nil}, // of another namespace: cgroup_namespaces(7)
		{"8:pids:/x\n4:memory:/y\n0::/b/c\n", "pids", []string{root + "/pids/x"}},
		{"8:pids:/x\n4:memory:/y\n0::/b/c\n", "memory", nil}, // v1 counts otherwise
		{"garbage\n::\n\n", "memory", nil},
		{"", "pids", nil},
	} {
		if got := controllerDirs(root, c.table, c.controller); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q %s: %q, want %q", c.table, c.controller, got, c.want)
		}
	}
}

func fakeGroup(t *testing.T, files ...string) *controlGroup {
	t.Helper()
	g := &controlGroup{dir: t.TempDir(), limits: groupLimits, told: map[string]string{}, others: map[string]bool{}}
	for _, name := range files {
		write(t, filepath.Join(g.dir, name), "")
	}
	return g
}

func TestGroupLimitsAreWritten(t *testing.T) {
	pl := &Plan{
		Group: "/g", MemoryGroup: "/g",
		Limits: []planLimit{{Name: "memory", Resource: rlimitData, Max: 1 << 30}, {Name: "processes", Resource: rlimitNproc, Max: 100}},
	}
	g := fakeGroup(t, "pids.max", "memory.max", "memory.swap.max", "memory.oom.group", "cgroup.procs")
	must(t, g.set(pl))
	for file, want := range map[string]string{"pids.max": "108", "memory.max": "1107296256", "memory.swap.max": "0", "memory.oom.group": "0"} {
		if text, err := os.ReadFile(filepath.Join(g.dir, file)); string(text) != want || err != nil {
			t.Errorf("%s: %q %v, want %q", file, text, err, want)
		}
	}
	// A kernel without swap accounting has no such file; one without the limit
	// does not have the controller.
	must(t, fakeGroup(t, "pids.max", "memory.max").set(pl))
	if err := fakeGroup(t, "pids.max").set(pl); !errors.Is(err, unix.ENOENT) {
		t.Errorf("without memory.max: %v", err)
	}
	if list, _ := os.ReadDir(g.dir); len(list) != 5 {
		t.Errorf("files were made: %v", list)
	}
	fd, err := g.entrance()
	must(t, err)
	unix.Close(fd)
	if fd < firstSafeFD {
		t.Errorf("entrance at %d", fd)
	}
	if _, err := fakeGroup(t).entrance(); err == nil {
		t.Error("an entrance to nothing")
	}
}

// A group beside the one that fsh runs in has the limits of that one, too: the
// smaller of two holds. One below it has them from the kernel.
func TestGroupInheritsLimits(t *testing.T) {
	root := t.TempDir()
	for file, value := range map[string]string{"cgroup.procs": "", "memory.max": "1000000\n", "memory.high": "max\n", "cpu.max": "50000 100000\n",
		"pids.max": "max\n", "memory.swap.max": "0\n", "cpuset.mems": "\n"} {
		write(t, filepath.Join(root, "slice/own", file), value)
	}
	own := ownGroup(root, "3:pids:/x\n0::/slice/own\n")
	if own != root+"/slice/own" {
		t.Fatalf("own: %q", own)
	}
	for _, table := range []string{"", "0::/slice/other\n", "0::/../slice/own\n", "1:pids:/slice/own\n"} {
		if got := ownGroup(root, table); got != "" {
			t.Errorf("%q: %q", table, got)
		}
	}
	pl := &Plan{Limits: []planLimit{{Resource: rlimitData, Max: 1 << 30}, {Resource: rlimitNproc, Max: 100}}}
	const none = "-"
	for _, c := range []struct{ at, memory, high, cpu, pids, blamed string }{
		{"slice/fsh-1.1", "1000000", none, "50000 100000", "108", "limits.processes"}, // the smaller limit is not the policy's
		{"slice/own/fsh-1.1", "1107296256", none, none, "108", "limits.processes limits.memory"},
	} {
		g := &controlGroup{dir: filepath.Join(root, c.at), limits: groupLimits, told: map[string]string{}, others: map[string]bool{}}
		for _, file := range append([]string{"memory.oom.group"}, inheritedLimits...) {
			write(t, filepath.Join(g.dir, file), none)
		}
		must(t, os.Remove(g.dir+"/cpuset.cpus")) // a controller that is not handed down
		must(t, g.inherit(own))
		must(t, g.set(pl))
		for file, want := range map[string]string{"memory.max": c.memory, "memory.high": c.high, "cpu.max": c.cpu, "pids.max": c.pids, "cpuset.mems": none} {
			if text, _ := os.ReadFile(filepath.Join(g.dir, file)); string(text) != want {
				t.Errorf("%s/%s: %q, want %q", c.at, file, text, want)
			}
		}
		write(t, g.dir+"/pids.events", "max 1\n")
		write(t, g.dir+"/memory.events", "oom_kill 1\n")
		if keys, ok := g.exceeded(); strings.Join(keys, " ") != c.blamed || !ok {
			t.Errorf("%s: blamed are %q, %v", c.at, keys, ok)
		}
	}
}

func TestGroupsOfAPlan(t *testing.T) {
	limits := []planLimit{{Name: "memory", Resource: rlimitData, Max: 1}, {Name: "processes", Resource: rlimitNproc, Max: 1}}
	for _, c := range []struct {
		pl   Plan
		want string
	}{
		{Plan{}, ""},
		{Plan{Group: "/g", MemoryGroup: "/g"}, ""}, // no limits
		{Plan{Limits: limits}, ""},
		{Plan{Limits: limits, Group: "/g", MemoryGroup: "/g"}, "/g: limits.processes limits.memory;"},
		{Plan{Limits: limits, MemoryGroup: "/m"}, "/m: limits.memory;"},
		{Plan{Limits: limits[:1], Group: "/g", MemoryGroup: "/m"}, "/m: limits.memory;"},
		{Plan{Limits: limits[1:], Group: "/g", MemoryGroup: "/m"}, "/g: limits.processes;"},
	} {
		got := ""
		for dir, list := range c.pl.groups() {
			var keys []string
			for _, l := range list {
				keys = append(keys, l.key)
			}
			got += dir + ": " + strings.Join(keys, " ") + ";"
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.pl, got, c.want)
		}
	}
	two := Plan{Limits: limits, Group: "/g", MemoryGroup: "/m"}
	if n := len(two.groups()); n != 2 {
		t.Errorf("%d groups", n)
	}
}

// What the kernel refused is told once, by the key; what it did not is not.
func TestGroupIsExceeded(t *testing.T) {
	g := fakeGroup(t)
	events := func(pids, memory string) {
		write(t, g.dir+"/pids.events", pids)
		write(t, g.dir+"/memory.events", memory)
	}
	for _, c := range []struct{ pids, memory, want string }{
		{"max 0\n", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n", ""},
		{"max 0\n", "low 0\nhigh 3\nmax 99\noom 2\noom_kill 0\n", ""}, // memory was reclaimed
		{"max 0\n", "max 99\noom 2\noom_kill 1\n", "limits.memory"},
		{"max 0\n", "max 99\noom 2\noom_kill 1\n", ""},
		{"max 7\n", "oom_kill 2\n", "limits.processes limits.memory"},
		{"max 8\n", "oom_kill 2\n", "limits.processes"},
		{"", "garbage", ""},
	} {
		events(c.pids, c.memory)
		keys, ok := g.exceeded()
		if got := strings.Join(keys, " "); got != c.want || !ok {
			t.Errorf("%q %q: %q %v, want %q", c.pids, c.memory, got, ok, c.want)
		}
	}
	must(t, os.Remove(g.dir+"/pids.events")) // the group is gone
	if _, ok := g.exceeded(); ok {
		t.Error("a group that is gone is watched")
	}
}

// Groups of sessions that were killed go; those in use, and what is not ours, stay.
func TestGroupsAreReaped(t *testing.T) {
	dir := t.TempDir()
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(proc)
	for _, name := range []string{"fsh-4194305.1", "fsh-1.1", "fsh-x", "other"} { // above pid_max; init
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	reapGroups(proc, dir)
	var left []string
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != "fsh-1.1 fsh-x other" {
		t.Errorf("left: %s", got)
	}
}

// What fsh doctor says of a group that cannot be had names what is in the way.
func TestNoMemoryGroup(t *testing.T) {
	root := t.TempDir()
	for _, c := range []struct {
		file, text string
		root       bool
		why, do    string
	}{
		{"memory.max", "", false, "no cgroup v2 with the memory controller", "systemd.unified_cgroup_hierarchy=1"},
		{"cgroup.controllers", "cpu pids memoryx", false, "no cgroup v2 with the memory controller", "systemd.unified_cgroup_hierarchy=1"},
		{"unified/cgroup.controllers", "cpu memory\n", false, "not handed down", "systemd-run --user --scope"},
		{"cgroup.controllers", "memory pids\n", true, "not handed down", "systemd-run --scope"},
	} {
		write(t, filepath.Join(root, c.file), c.text)
		why, remedy := noMemoryGroup(root, c.root)
		if !strings.Contains(why, c.why) || !strings.Contains(remedy[0], c.do) {
			t.Errorf("%s %q: %q, %q", c.file, c.text, why, remedy)
		}
	}
	// It is tried: a directory that only looks like one is none, and stays as it is.
	if err := tryGroup(root); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a group where none can be: %v", err)
	}
	if left, _ := filepath.Glob(root + "/" + groupPrefix + "*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
