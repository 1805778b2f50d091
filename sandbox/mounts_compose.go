package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A private_write path that does not exist gives nothing to mount on, and no
// directory is made in the user's tree for that. The nearest directory that
// does exist is shown as a composite instead: a memory file system in which
// everything that the directory has is mounted under its name, with the absent
// names beside. Nothing in it can be written anyway. What changes in the
// directory from outside is carried over by the view's watcher.
//
// In a writable tree there is no composite, since what is made there has to
// be on the host: there the private directory is mounted when a command makes
// the path (keeper_private.go).

// composite is a directory shown that way.
type composite struct {
	dir string
	// need are the absent paths, own the names in dir that lead to them.
	need []string
	own  map[string]bool
	// under is the directory itself, at what covers it, and tree the same for
	// changes: the one in the view is read-only.
	under, at, tree int
}

// maxComposed bounds the mounts of one composite. A directory with more
// entries is left as it is, with a word to the user.
const maxComposed = 4000

// collectAbsent finds a place for the private directories that have none.
func (v *view) collectAbsent() {
	for _, c := range v.absent {
		dir := v.host.existing(c.path)
		switch {
		case !v.shows(dir):
			// A place is made in the fresh one.
		case v.inPrivate(dir):
			continue // writable, and nobody else's
		case v.writable(dir):
			v.late = append(v.late, c)
			continue
		case dir == "/":
			continue // programs are told of another place (homelessEnviron)
		default:
			v.compose(dir, c.path)
		}
		v.clones = append(v.clones, c)
		v.private = append(v.private, c.path)
	}
}

// shows tells whether a directory of the host is in the view.
func (v *view) shows(dir string) bool {
	hidden := v.hiddenBy(dir + "/x")
	return hidden == "" || slices.ContainsFunc(v.clones, func(c clone) bool {
		return below(dir, c.path) && below(c.path, hidden) && !c.private
	})
}

func (v *view) inPrivate(dir string) bool {
	return slices.ContainsFunc(v.private, func(p string) bool { return below(dir, p) })
}

// compose notes that dir needs a composite for path.
func (v *view) compose(dir, path string) {
	i := slices.IndexFunc(v.composites, func(c *composite) bool { return c.dir == dir })
	if i < 0 {
		i = len(v.composites)
		v.composites = append(v.composites, &composite{dir: dir, own: map[string]bool{}, under: -1, at: -1, tree: -1})
	}
	c := v.composites[i]
	name, _, _ := strings.Cut(strings.TrimPrefix(path, dir+"/"), "/")
	c.need, c.own[name] = append(c.need, path), true
}

// existing is the nearest directory above path that exists.
func (r *resolver) existing(path string) string {
	for d := filepath.Dir(path); ; d = filepath.Dir(d) {
		if at := r.look(d); at.found && at.dir {
			return at.path
		}
	}
}

// placeComposites covers the directories before a path, outermost first; it
// takes them from the front of todo.
func (v *view) placeComposites(todo *[]*composite, before string) error {
	for len(*todo) > 0 && (before == "" || (*todo)[0].dir < before) {
		c := (*todo)[0]
		*todo = (*todo)[1:]
		switch err := c.place(); {
		case err == errUncomposed:
			v.giveUp(c)
		case err != nil:
			return fmt.Errorf("compose %s: %w", c.dir, err)
		}
	}
	return nil
}

// compositesOf gives those of one kind, outermost first.
func (v *view) compositesOf(want func(string) bool) []*composite {
	slices.SortFunc(v.composites, func(a, b *composite) int { return strings.Compare(a.dir, b.dir) })
	var list []*composite
	for _, c := range v.composites {
		if want(c.dir + "/x") {
			list = append(list, c)
		}
	}
	return list
}

// errUncomposed says that a directory cannot be listed, or has too much in it.
var errUncomposed = fmt.Errorf("no place for private directories")

// giveUp does without private directories: nothing can be written there.
func (v *view) giveUp(c *composite) {
	for _, path := range c.need {
		v.private = slices.DeleteFunc(v.private, func(p string) bool { return p == path })
		for i := range v.clones {
			if k := &v.clones[i]; k.path == path && k.fd >= 0 {
				unix.Close(k.fd)
				k.fd = -1
			}
		}
	}
	v.composites = slices.DeleteFunc(v.composites, func(o *composite) bool { return o == c })
	v.unkept = append(v.unkept, c.dir)
}

func (c *composite) place() error {
	under, err := unix.Open(c.dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return errUncomposed
	}
	list := os.NewFile(uintptr(under), c.dir)
	defer list.Close()
	entries, err := list.ReadDir(maxComposed + 1)
	if len(entries) > maxComposed || err != nil && len(entries) > 0 {
		return errUncomposed
	}
	if c.under, err = unix.Openat(under, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if err := c.cover(); err != nil {
		return err
	}
	for _, e := range entries {
		if !c.own[e.Name()] {
			_ = c.bring(e.Name(), e.Type()) // what cannot be shown is left out
		}
	}
	for _, path := range c.need {
		dir := ""
		for name := range strings.SplitSeq(strings.TrimPrefix(path, c.dir+"/"), "/") {
			dir = filepath.Join(dir, name)
			if err := unix.Mkdirat(c.tree, dir, 0o700); err != nil && err != unix.EEXIST {
				return err
			}
		}
	}
	return nil
}

// cover puts the empty file system in place, with the looks of the directory.
func (c *composite) cover() error {
	var st unix.Stat_t
	if err := unix.Fstat(c.under, &st); err != nil {
		return err
	}
	fd, err := memoryFS(fmt.Sprintf("%o", st.Mode&0o7777), 1<<20)
	if err != nil {
		return err
	}
	if err := place(fd, c.dir); err != nil {
		return err
	}
	if c.tree, err = copyTree(c.dir, 0); err != nil {
		return err
	}
	if err := setAttr(unix.AT_FDCWD, c.dir, unix.MOUNT_ATTR_RDONLY, 0, false); err != nil {
		return err
	}
	// Owners that the session does not know look like nobody's in any case.
	_ = unix.Fchownat(c.tree, "", int(st.Uid), int(st.Gid), unix.AT_EMPTY_PATH)
	c.at, err = unix.Open(c.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return err
}

// bring shows an entry of the directory.
func (c *composite) bring(name string, kind fs.FileMode) error {
	switch {
	case kind&fs.ModeSymlink != 0:
		text, errno := readLink(c.under, name)
		if errno != 0 {
			return errno
		}
		return unix.Symlinkat(text, c.tree, name)
	default:
		if err := c.makeEntry(name, kind); err != nil {
			return err
		}
	}
	err := c.mount(name, 0)
	if err != nil {
		c.remove(name)
	}
	return err
}

// mount puts an entry of the directory on its name.
func (c *composite) mount(name string, flags int) error {
	fd, err := unix.OpenTree(c.under, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.MoveMount(fd, "", c.at, name, unix.MOVE_MOUNT_F_EMPTY_PATH|flags)
}

// mountBeneath is MOVE_MOUNT_BENEATH (Linux 6.5).
const mountBeneath = 0x200

// replace exchanges the entry that is mounted for the present one, with no
// moment in between.
func (c *composite) replace(name string) bool {
	if c.mount(name, mountBeneath) != nil { // nothing is mounted, or it is of another kind
		return false
	}
	return unix.Unmount(filepath.Join(c.dir, name), unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil
}

// makeEntry makes what an entry is mounted on; without that it gives nothing.
func (c *composite) makeEntry(name string, kind fs.FileMode) error {
	if kind.IsDir() {
		return unix.Mkdirat(c.tree, name, 0)
	}
	return unix.Mknodat(c.tree, name, unix.S_IFREG, 0)
}

func (c *composite) remove(name string) {
	if unix.Unlinkat(c.tree, name, 0) == unix.EISDIR {
		_ = unix.Unlinkat(c.tree, name, unix.AT_REMOVEDIR)
	}
}

// follow carries over what became of a name outside. It runs on the view's
// own thread. A secret is covered and never brought; where something of the
// view is mounted deeper, the old entry stays.
func (v *view) follow(c *composite, name string) {
	path := filepath.Join(c.dir, name)
	if c.own[name] || v.holdsBelow(path) {
		return
	}
	var st unix.Stat_t
	there := unix.Fstatat(c.under, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
	hide := slices.IndexFunc(v.masks, func(m mask) bool { return m.path == path && m.hide })
	if on, err := isMount(path); hide >= 0 && there && err == nil && on {
		return // covered, whatever it is now
	}
	kind := fileKind(st.Mode)
	if there && hide < 0 && kind&fs.ModeSymlink == 0 && c.replace(name) {
		return
	}
	for unix.Unmount(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) == nil {
	}
	c.remove(name)
	if !there {
		return
	}
	if hide < 0 {
		_ = c.bring(name, kind)
		return
	}
	if c.makeEntry(name, kind) == nil && v.apply(&v.masks[hide]) != nil {
		c.remove(name)
	}
}

func fileKind(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	}
	return 0
}

// holdsBelow tells whether the view has mounts strictly below a path.
func (v *view) holdsBelow(path string) bool {
	inside := func(p string) bool { return p != path && below(p, path) }
	return slices.ContainsFunc(v.clones, func(c clone) bool { return inside(c.path) }) ||
		slices.ContainsFunc(v.masks, func(m mask) bool { return !m.absent && inside(m.path) })
}

// followAll is follow for every name whose entry is of another time.
func (v *view) followAll(c *composite) {
	names := map[string]bool{}
	for _, dir := range []int{c.under, c.tree} {
		fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		f := os.NewFile(uintptr(fd), "")
		list, _ := f.Readdirnames(-1)
		f.Close()
		for _, n := range list {
			names[n] = !names[n] // left are those that only one has
		}
	}
	for n, one := range names {
		if one && !c.own[n] {
			v.follow(c, n)
		}
	}
}
