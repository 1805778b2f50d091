package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// memoryReport says whether limits.memory can be one of all commands together.
// Without that each process has the limit for itself, so nothing is refused.
func memoryReport() LayerReport {
	r := LayerReport{Layer: "memory group", Optional: true, Gives: "limits.memory for all commands together, not only for each process"}
	dir, err := groupDir("memory"), error(nil)
	if dir != "" {
		if err = tryGroup(dir); err == nil {
			r.Works, r.Note = true, "by a control group below "+dir
			return r
		}
	}
	r.Why, r.Remedy = noMemoryGroup(groupRoot, os.Geteuid() == 0)
	if err != nil {
		r.Why = err.Error()
	}
	return r
}

// tryGroup makes a group with a limit of memory, and removes it.
func tryGroup(dir string) error {
	g := filepath.Join(dir, fmt.Sprintf("%s%d.doctor", groupPrefix, os.Getpid()))
	if err := os.Mkdir(g, 0o755); err != nil {
		return err
	}
	defer os.Remove(g)
	return writeControl(g, "memory.max", "max")
}

// noMemoryGroup is why there is none, and what to do: either no hierarchy of
// version 2 has the controller (cgroups(7), "Cgroups v2 controllers"), or it is
// not handed down to this process.
func noMemoryGroup(root string, isRoot bool) (why string, remedy []string) {
	for _, at := range []string{root, root + "/unified"} {
		text, err := os.ReadFile(at + "/cgroup.controllers")
		if err == nil && slices.Contains(strings.Fields(string(text)), "memory") {
			run := "systemd-run --user --scope -p Delegate=yes -- fsh …"
			if isRoot {
				run = "systemd-run --scope -p Delegate=yes -- fsh …"
			}
			return "the memory controller of cgroup v2 is not handed down to a group that this process may write in",
				[]string{run, "in a container: a writable /sys/fs/cgroup of its own"}
		}
	}
	return "no cgroup v2 with the memory controller is mounted at " + root,
		[]string{"boot with systemd.unified_cgroup_hierarchy=1 and without cgroup_disable=memory"}
}
