package sandbox

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A group with processes cannot hand controllers down (cgroups(7), "no internal
// processes"), so ours are made beside the one that fsh runs in, and what somebody
// has limited that one to (MemoryMax=, CPUQuota=) would not hold for commands.

// inheritedLimits are files of a group that such limits are in.
var inheritedLimits = []string{"memory.max", "memory.high", "memory.swap.max", "pids.max", "cpu.max", "cpuset.cpus", "cpuset.mems"}

// ownGroup is the directory of the v2 group that the keeper is in, or "".
func (k *keeper) ownGroup() (string, error) {
	fd, err := unix.Openat(k.base.hostProc, "self/cgroup", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	table, err := readWhole(fd)
	if err != nil {
		return "", err
	}
	return ownGroup(groupRoot, table), nil
}

// ownGroup finds the group of a table like /proc/self/cgroup.
func ownGroup(root, table string) string {
	for line := range strings.Lines(table) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for _, at := range []string{root, root + "/unified"} {
			dir := filepath.Join(at, path)
			if _, err := os.Stat(dir + "/cgroup.procs"); err == nil && below(dir, at) {
				return dir
			}
		}
	}
	return ""
}

// inherit gives a group beside own the limits of that one.
func (g *controlGroup) inherit(own string) error {
	if own == "" || filepath.Dir(g.dir) != filepath.Dir(own) {
		return nil
	}
	for _, file := range inheritedLimits {
		text, err := os.ReadFile(filepath.Join(own, file))
		value := strings.TrimSpace(string(text))
		if err != nil || value == "" || strings.HasPrefix(value, "max") {
			continue
		}
		if err := writeControl(g.dir, file, value); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// maxNow is the limit that a group has, the largest number if it has none.
func (g *controlGroup) maxNow(file string) uint64 {
	text, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		return math.MaxUint64
	}
	max, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return math.MaxUint64
	}
	return max
}
