package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// foundNote tells the shell of something that matters outside.
type foundNote struct {
	Path string `json:"path"`
	// What: "appeared", "moved" (to Where), or "repository" (Detail says what
	// git will do there).
	What   string `json:"what"`
	Where  string `json:"where,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// found deals with a protected name that came to be in a directory of the
// user's. It is masked already. It is taken away only when a process of the
// session has it open, since the user's own editor may have made it.
func (k *keeper) found(t *viewThread, path, rule string) {
	n := foundNote{Path: path, What: "appeared"}
	if store := t.v.plan.Quarantine; store != "" && k.holds(path) {
		// On the host, where nothing is mounted on it; the mask goes with it.
		if onBase(func() (err error) {
			n.Where, err = moveAway(store, path, "a process in the sandbox had it open; "+rule)
			return err
		}) == nil {
			n.What = "moved"
		}
	}
	k.tell(opFound, t.id, n, nil)
}

// holds tells whether a process of the session can write a file that nobody
// inside may open by its name to write: so one has made it. To have it open to
// read is no evidence: that may be the user's own, read between two looks.
func (k *keeper) holds(path string) bool {
	var want unix.Stat_t
	if onBase(func() error { return unix.Lstat(path, &want) }) != nil || want.Mode&unix.S_IFMT != unix.S_IFREG {
		return false
	}
	dir, err := unix.Openat(k.base.hostProc, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	f := os.NewFile(uintptr(dir), "proc")
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	session, err := k.namespaceOf("self", k.pidNS)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(names, func(pid string) bool {
		if _, err := strconv.Atoi(pid); err != nil {
			return false
		}
		ns, err := k.namespaceOf(pid, -1)
		return err == nil && ns == session && k.hasOpen(pid, &want)
	})
}

// namespaceOf is the number of a pid namespace.
func (k *keeper) namespaceOf(pid string, fd int) (uint64, error) {
	var st unix.Stat_t
	var err error
	if fd >= 0 {
		err = unix.Fstat(fd, &st)
	} else {
		err = unix.Fstatat(k.base.hostProc, pid+"/ns/pid", &st, 0)
	}
	return st.Ino, err
}

func (k *keeper) hasOpen(pid string, want *unix.Stat_t) bool {
	fd, err := unix.Openat(k.base.hostProc, pid+"/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	dir := os.NewFile(uintptr(fd), "fd")
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, n := range names {
		var st unix.Stat_t
		if unix.Fstatat(fd, n, &st, 0) == nil && st.Dev == want.Dev && st.Ino == want.Ino && k.writes(pid, n) {
			return true
		}
	}
	return false
}

// writes tells whether a descriptor is open to write, proc_pid_fdinfo(5).
func (k *keeper) writes(pid, fd string) bool {
	file, err := unix.Openat(k.base.hostProc, pid+"/fdinfo/"+fd, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(file)
	text, err := readWhole(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(value), 8, 32)
			return err == nil && flags&(unix.O_WRONLY|unix.O_RDWR) != 0 && flags&unix.O_PATH == 0
		}
	}
	return false
}

// maxHooks limits the reading of what a session has made: it may be hostile.
const maxHooks = 1000

// inspect looks at the repositories that the session has made and tells what
// git will run in them, outside, once the user goes there.
func (k *keeper) inspect() {
	k.made.mu.Lock()
	repos := make([]string, 0, len(k.made.repos))
	for dir := range k.made.repos {
		repos = append(repos, dir)
	}
	beyond := k.made.beyond
	k.made.mu.Unlock()
	slices.Sort(repos)
	for _, dir := range repos {
		if what := orders(dir); len(what) > 0 {
			k.tell(opFound, 0, foundNote{Path: dir, What: "repository", Detail: strings.Join(what, ", ")}, nil)
		}
	}
	if beyond != "" {
		k.tell(opFound, 0, foundNote{Path: beyond, What: "repository",
			Detail: "it is one too many to be looked at, and there may be others"}, nil)
	}
}

// orders lists what makes git run something in a repository.
func orders(dir string) []string {
	var what []string
	if st, err := os.Lstat(dir); err != nil {
		return nil
	} else if !st.IsDir() {
		return []string{"a link to another repository"}
	}
	entries, _ := os.ReadDir(filepath.Join(dir, "hooks"))
	for i, e := range entries {
		if i >= maxHooks {
			break
		}
		if info, err := e.Info(); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() && !strings.HasSuffix(e.Name(), ".sample") {
			what = append(what, "hooks/"+e.Name())
		}
	}
	for _, name := range []string{"config", "config.worktree"} {
		text, err := readConfig(filepath.Join(dir, name))
		switch {
		case err == unix.ENOENT:
		case err != nil:
			what = append(what, name+", which is no file that can be read")
		case len(text) > maxConfig:
			what = append(what, name+", which is too long to be looked at")
		}
		for _, o := range configOrders(text) {
			what = append(what, o.name)
		}
	}
	return what
}
