package sandbox

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// base is what all views of a session are made from. It belongs to the
// keeper's first mount namespace, which no command ever sees.
type base struct {
	// depot is a memory file system with a directory for each private place
	// of the session, so that all its views share them, and with the files
	// that masks are made of.
	depot int
	// hostProc is the host's /proc: the one at /proc shows the sandbox.
	hostProc int
	ns       int        // the first mount namespace
	mu       sync.Mutex // of memory and excludes
	exe      string     // host path of this program, "" when it has none any more
	excludes int        // files named depotExclude and a number
}

// Names in the depot.
const (
	depotNoDir = "none-dir" // an unreadable directory
	// depotNoFile is a socket without rights. To open it is EACCES, as for a
	// regular file, but what copies trees passes over it, where it would fail
	// at a file that it cannot read or at a device.
	depotNoFile  = "none-file"
	depotBinary  = "fsh" // a copy of this program, when its file cannot be bound
	depotResolv  = "resolv.conf"
	depotExclude = "exclude-"
	// depotMemory has a directory for each private place, and for private ones
	// of a session that keeps none.
	depotMemory = "memory"
)

// memory makes the file system of everything that a session keeps in memory,
// in directories of it: one, so that half of the machine's memory (tmpfs(5)) or
// the limit is all that they can take together.
func (b *base) memory(size int64, dir string, mode uint32) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch err := unix.Mkdirat(b.depot, depotMemory, 0o700); err {
	case nil:
		tree, err := memoryFS("755", size)
		if err != nil {
			return err
		}
		err = unix.MoveMount(tree, "", b.depot, depotMemory, unix.MOVE_MOUNT_F_EMPTY_PATH)
		unix.Close(tree)
		if err != nil {
			return err
		}
	case unix.EEXIST:
	default:
		return err
	}
	path := depotMemory + "/" + dir
	if err := unix.Mkdirat(b.depot, path, 0o700); err != nil {
		if err == unix.EEXIST {
			return nil
		}
		return err
	}
	return unix.Fchmodat(b.depot, path, mode, 0) // whatever the umask
}

// clone is a tree of the host that will have a place in the view.
type clone struct {
	path  string // resolved: where it will be
	at    int    // where it comes from: copyTreeAt
	from  string
	set   uint64
	fd    int // the copy; -1: not copied
	dir   bool
	write bool
	// socket says that it is one of the host's that is granted.
	socket bool
	// private says that the tree is not the host's.
	private bool
}

// view is one mount namespace under construction, and later the list of
// masks to keep in place.
type view struct {
	ns     int // its mount namespace
	plan   *Plan
	base   *base
	clones []clone
	masks  []mask
	fresh  []string // hidden places, resolved
	open   []string // writable trees of the host, resolved
	// private are the paths that lead to a directory of the project.
	private []string
	// absent are private directories whose path does not exist; late those
	// that are mounted when a command makes it.
	absent, late []clone
	composites   []*composite
	unkept       []string // directories without a place for private ones
	// host answers for the base namespace, until the view is left alone.
	host      *resolver
	mounts    []hostMount // of the base namespace
	protected []string
	reads     []string // what ReadGlobs mean
}

// build is done in the view's own mount namespace, a fresh copy of the base.
func (v *view) build(exe int) error {
	if err := v.sealAll(); err != nil {
		return fmt.Errorf("read-only /: %w", err)
	}
	if err := v.placeClones(func(p string) bool { return v.hiddenBy(p) == "" }); err != nil {
		return err
	}
	devices, err := v.deviceNodes()
	if err != nil {
		return err
	}
	for _, s := range v.plan.Steps {
		switch s.Op {
		case OpFresh:
			err = v.freshPlace(s)
		case OpDevices:
			err = makeDevices(s, devices)
		case OpRun:
			err = makeRun(exe)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", s.Op, s.Path, err)
		}
	}
	if err := v.placeClones(func(p string) bool { return v.hiddenBy(p) != "" }); err != nil {
		return err
	}
	for _, dir := range []string{"/run", "/dev"} { // not what is mounted below
		if err := setAttr(unix.AT_FDCWD, dir, unix.MOUNT_ATTR_RDONLY, 0, false); err != nil {
			return fmt.Errorf("read-only %s: %w", dir, err)
		}
	}
	if err := v.resolver(); err != nil {
		return fmt.Errorf("resolv.conf: %w", err)
	}
	if err := v.sshConfig(); err != nil {
		return fmt.Errorf("%s: %w", sshIncluded, err)
	}
	if err := v.pin(); err != nil {
		return err
	}
	// A mask covers what was put in place below it.
	slices.SortStableFunc(v.masks, func(a, b mask) int { return cmp.Compare(a.path, b.path) })
	for i := range v.masks {
		// A private place is made by this view: what was absent on the host may
		// be there now.
		if v.masks[i].absent && !slices.Contains(v.private, v.masks[i].path) {
			continue
		}
		if err := v.apply(&v.masks[i]); err != nil {
			return fmt.Errorf("mask %s (%s): %w", v.masks[i].path, v.masks[i].rule, err)
		}
	}
	return v.excludeHidden()
}

// sealAll makes everything read-only but /proc, which is the sandbox's own
// (its dangerous parts are masked).
func (v *view) sealAll() error {
	set := uint64(guarded | unix.MOUNT_ATTR_RDONLY)
	if slices.Contains(v.open, "/") {
		set = guarded
	}
	if err := setAttr(unix.AT_FDCWD, "/", set, 0, true); err != nil {
		return err
	}
	return setAttr(unix.AT_FDCWD, "/proc", unix.MOUNT_ATTR_NOEXEC, unix.MOUNT_ATTR_RDONLY, false)
}

// hiddenBy is the fresh place that path lies strictly below, or "".
func (v *view) hiddenBy(path string) string {
	best := ""
	for _, f := range v.fresh {
		if path != f && below(path, f) && len(f) > len(best) {
			best = f
		}
	}
	return best
}

// freshPlace shows the session's own directory; it is in the depot of the
// copied namespace as well, but only the base can open that.
func (v *view) freshPlace(s Step) error {
	target := v.host.look(s.Path).path
	if st, err := os.Stat(target); err != nil || !st.IsDir() {
		return nil // a machine without /dev/shm, say
	}
	var tree int
	err := v.onBase(func() error {
		var err error
		tree, err = v.base.place(s)
		return err
	})
	if err != nil {
		return err
	}
	return place(tree, target)
}

// place is a copy of a private place of the session. Memory file systems are
// made once per place, so the size limit holds for the whole session.
func (b *base) place(s Step) (fd int, err error) {
	name := strings.ReplaceAll(strings.TrimPrefix(s.Path, "/"), "/", "!")
	if err := b.memory(s.Size, name, 0o1777); err != nil {
		return -1, err
	}
	return copyTreeAt(b.depot, depotMemory+"/"+name, guarded)
}

// ownMounts is the calling thread's mount namespace.
func (b *base) ownMounts() (fd int, err error) {
	return unix.Openat(b.hostProc, "thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// onBase runs f on a thread that is still in the base namespaces, for callers
// on any thread.
func onBase(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return <-done
}

// onBase is the same for the view's own thread, which goes there and comes
// back: a hand-over to another one costs ten times as much. A thread that
// cannot come back must not do anything any more.
func (v *view) onBase(f func() error) error {
	if err := unix.Setns(v.base.ns, unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("enter the base namespace: %w", err)
	}
	err := f()
	if back := unix.Setns(v.ns, unix.CLONE_NEWNS); back != nil {
		fmt.Fprintf(os.Stderr, "fsh: keeper: leave the base namespace: %v\n", back)
		os.Exit(1)
	}
	return err
}

// resolver covers resolv.conf, where its link leads in the view.
func (v *view) resolver() error {
	for _, s := range v.plan.Steps {
		if s.Op != OpResolver {
			continue
		}
		target, err := filepath.EvalSymlinks(s.Path) // in the view: /run is empty
		if err != nil {
			return nil // no file: resolvers ask 127.0.0.1 by themselves (resolv.conf(5))
		}
		return v.fromDepot(depotResolv, target)
	}
	return nil
}

func (v *view) fromDepot(name, target string) error {
	var tree int
	err := v.onBase(func() error {
		var err error
		tree, err = copyTreeAt(v.base.depot, name, guarded|unix.MOUNT_ATTR_RDONLY)
		return err
	})
	if err != nil {
		return err
	}
	return place(tree, target)
}

// writable tells whether a directory of the view lies in a writable tree.
func (v *view) writable(path string) bool {
	in := func(o string) bool { return below(path, o) }
	return slices.ContainsFunc(v.open, in) || slices.ContainsFunc(v.private, in)
}

// grants are the view's rules for Landlock: what the mounts say, once more.
func (v *view) grants() []grant {
	var gs []grant
	for _, r := range slices.Concat(v.plan.Read, v.reads) {
		gs = append(gs, grant{path: r, rights: rightsRead})
	}
	for _, o := range append(slices.Clone(v.open), v.private...) {
		gs = append(gs, grant{path: o, rights: rightsRead | rightsChange})
	}
	for _, s := range v.plan.Steps {
		switch s.Op {
		case OpFresh:
			gs = append(gs, grant{path: s.Path, rights: rightsRead | rightsChange})
		case OpDevices:
			gs = append(gs, grant{path: s.Path, rights: rightsRead | rightsWrite | rightsDevice},
				grant{path: filepath.Join(s.Path, queuesDir), rights: rightsRead | rightsChange})
		case OpSocket:
			gs = append(gs, grant{path: s.Path, rights: rightsRead | rightsWrite | ll.AccessFSResolveUnix})
		}
	}
	return append(gs,
		grant{path: "/proc", rights: rightsRead | rightsWrite, must: true}, // /proc/self/comm and the like
		grant{path: Marker, rights: rightsRead, must: true})
}

// close gives up what a failed build left.
func (v *view) close() {
	for _, c := range v.clones {
		if c.fd >= 0 {
			unix.Close(c.fd)
		}
	}
}
