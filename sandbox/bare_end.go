package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// relation is where a process is among others: fields of proc_pid_stat(5).
type relation struct {
	parent, group, session int
	zombie                 bool // it has ended, and waits for being waited for
}

// relations are those of all processes that /proc shows, each read at one time.
func (k *keeper) relations() map[int]relation {
	names, err := readNames(k.base.hostProc, ".")
	if err != nil {
		return nil
	}
	all := make(map[int]relation, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		stat := fileOfProcess(k.base.hostProc, name, "stat")
		number := func(field int) int {
			n, err := strconv.Atoi(statField(stat, field))
			if err != nil {
				return -1
			}
			return n
		}
		zombie := statField(stat, statState) == "Z"
		if r := (relation{number(statParent), number(statGroup), number(statSession), zombie}); r.parent >= 0 {
			all[pid] = r
		}
	}
	return all
}

// descendants are all processes below this one that /proc shows, parents first: a
// runner that is stopped before its children does not see that they were.
func (k *keeper) descendants() []int { return ofKeeper(k.relations()) }

func ofKeeper(all map[int]relation) []int {
	depth := map[int]int{}
	var list []int
	for pid := range all {
		at := pid
		for n := 0; at > 1 && n < len(all); n++ {
			if at = all[at].parent; at == os.Getpid() {
				list, depth[pid] = append(list, pid), n
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b int) int { return depth[a] - depth[b] })
	return list
}

// endings bounds the rounds of tearDownBare.
const endings = 1000

// tearDownBare ends every descendant: children that die leave theirs to the keeper.
func (k *keeper) tearDownBare() {
	for range endings {
		all := k.relations()
		list := ofKeeper(all)
		k.endGroups(all, list)
		for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
			for _, pid := range list {
				if !all[pid].zombie {
					_ = syscall.Kill(pid, sig)
				}
			}
		}
		for _, pid := range list { // those that were not found may be alive
			for {
				if _, err := syscall.Wait4(pid, nil, 0, nil); err != syscall.EINTR {
					break // ECHILD: a child of one that was
				}
			}
		}
		if len(list) == 0 {
			break
		}
	}
	k.leaveGroups()
	for _, dir := range k.temps {
		_ = removeTree(dir)
		_ = os.Remove(filepath.Dir(dir)) // if it was the last
	}
}

// endGroups is for processes that fork and end, and are rarely found alive. What
// they leave until they are waited for says in what group they are, and that is
// ended at once, kill(2). It has none of the user's in it where its session is not
// the shell's, which is the keeper's: so it began inside.
func (k *keeper) endGroups(all map[int]relation, list []int) {
	session, err := unix.Getsid(0)
	if err != nil {
		return
	}
	ended := map[int]bool{}
	for _, pid := range list {
		r := all[pid]
		if r.group > 1 && r.session > 1 && r.session != session && !ended[r.group] {
			ended[r.group] = true
			_ = syscall.Kill(-r.group, syscall.SIGKILL)
		}
	}
}
