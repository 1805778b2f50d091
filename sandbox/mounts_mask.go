package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// mask is a step that covers a path.
type mask struct {
	path string // resolved
	hide bool
	// absent says that there was nothing to cover; it may come to be.
	absent bool
	// except are paths strictly below that stay as they are, because a
	// trusted rule names them.
	except []string
	rule   string
}

// collectMask notes what a rule covers. Sealing what is read-only anyway
// needs no mount.
func (v *view) collectMask(s Step) error {
	paths, err := v.paths(&s)
	if err != nil {
		return err
	}
	for _, p := range paths {
		if slices.ContainsFunc(s.Except, func(e string) bool { return below(p, e) }) {
			continue
		}
		at := v.host.look(p)
		m := mask{path: at.path, hide: s.Op == OpHide, absent: !at.found, rule: s.Rule}
		for _, e := range s.Except {
			if inner := v.host.look(e); inner.found && at.dir && inner.path != m.path && below(inner.path, m.path) {
				m.except = append(m.except, inner.path)
			}
		}
		v.addMask(m)
		// A rule about a name is also about the link of that name, or the
		// link could be replaced in a writable directory.
		name := filepath.Join(v.host.look(filepath.Dir(p)).path, filepath.Base(p))
		if name != at.path {
			v.addMask(mask{path: name, rule: s.Rule})
		}
	}
	return nil
}

func (v *view) addMask(m mask) {
	kernel := below(m.path, "/proc") || below(m.path, "/sys")
	if m.hide || kernel || v.writable(m.path) {
		v.masks = append(v.masks, m)
		return
	}
	// What a rule above a writable tree seals is that tree.
	for _, tree := range slices.Concat(v.open, v.private) {
		if below(tree, m.path) && !slices.ContainsFunc(m.except, func(e string) bool { return below(tree, e) }) {
			v.masks = append(v.masks, mask{path: tree, rule: m.rule})
		}
	}
}

// collectProtected finds a name below every writable tree, and on the way
// from the tree down to the directories the session is about.
func (v *view) collectProtected(s Step) error {
	for _, c := range v.clones {
		// A pattern may have granted the name itself.
		if c.write && !c.private && strings.Contains(c.path+"/", "/"+s.Path+"/") &&
			!slices.ContainsFunc(s.Except, func(e string) bool { return below(c.path, e) }) {
			v.addMask(mask{path: c.path, rule: s.Rule})
		}
	}
	for _, dir := range v.protectedDirs() {
		step := s
		step.Op, step.Path = OpSeal, filepath.Join(dir, s.Path)
		if _, err := os.Lstat(step.Path); err != nil {
			continue
		}
		if err := v.collectMask(step); err != nil {
			return err
		}
	}
	return nil
}

// protectedDirs are the directories in which protected names are looked for.
func (v *view) protectedDirs() []string {
	if v.protected != nil {
		return v.protected
	}
	dirs := []string{}
	names := v.protectedFirst()
	if slices.Contains(v.open, "/") {
		// Everything is writable: look where the session is about.
		for _, k := range v.clones {
			if k.write || !k.dir {
				continue
			}
			for d := k.path; d != "/"; d = filepath.Dir(d) {
				dirs = append(dirs, d)
			}
			dirs = append(dirs, repositories(k.path, names)...)
		}
	}
	for _, c := range v.clones {
		if !c.write || !c.dir || c.private || slices.Contains(privatePlaces, c.path) {
			continue
		}
		dirs = append(dirs, c.path)
		for _, k := range v.clones {
			if k.write || !k.dir {
				continue
			}
			for d := k.path; d != c.path && below(d, c.path); d = filepath.Dir(d) {
				dirs = append(dirs, d)
			}
		}
		dirs = append(dirs, repositories(c.path, names)...)
	}
	slices.Sort(dirs)
	v.protected = slices.Compact(dirs)
	return v.protected
}

// protectedFirst are the first components of the protected names.
func (v *view) protectedFirst() map[string]bool {
	first := map[string]bool{}
	for _, s := range v.plan.Steps {
		if s.Op == OpProtect {
			name, _, _ := strings.Cut(s.Path, "/")
			first[name] = true
		}
	}
	return first
}

// pin makes every directory between a writable tree and a masked path a
// mount point, or the directory could be renamed, mask and all, and a new one
// made in its place.
func (v *view) pin() error {
	var pins []string
	for _, m := range v.masks {
		if m.absent {
			continue
		}
		for d := filepath.Dir(m.path); d != "/" && v.writable(d); d = filepath.Dir(d) {
			pins = append(pins, d)
		}
	}
	slices.Sort(pins)
	for _, d := range slices.Compact(pins) {
		if on, err := isMount(d); err != nil || on {
			continue // absent here, or a mount already
		}
		if err := cover(d, 0); err != nil {
			return fmt.Errorf("pin %s: %w", d, err)
		}
	}
	return nil
}

// apply puts one mask in place. What is not in the view needs none.
func (v *view) apply(m *mask) error {
	st, err := os.Lstat(m.path)
	m.absent = err != nil
	if err != nil {
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EACCES) {
			return nil
		}
		return err
	}
	switch {
	case !m.hide:
		err = v.sealBut(m)
	case !st.IsDir():
		err = v.fromDepot(depotNoFile, m.path)
	case len(m.except) == 0:
		err = v.fromDepot(depotNoDir, m.path)
	default:
		err = v.hideBut(m)
	}
	if errors.Is(err, syscall.ENOENT) { // somebody outside removed it just now
		m.absent, err = true, nil
	}
	return err
}

// sealBut makes a path read-only, but for the exceptions that are writable.
func (v *view) sealBut(m *mask) error {
	if err := cover(m.path, guarded|unix.MOUNT_ATTR_RDONLY); err != nil {
		return err
	}
	for _, e := range m.except {
		if !v.writable(e) {
			continue
		}
		if err := v.fromHost(e, guarded, e); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	return nil
}

// hideBut covers a directory with one that can be passed through but not
// listed, and puts the exceptions into it.
func (v *view) hideBut(m *mask) error {
	tree, err := memoryFS("755", 1<<20)
	if err != nil {
		return err
	}
	if err := place(tree, m.path); err != nil {
		return err
	}
	for _, e := range m.except {
		st, err := os.Stat(e) // in a tree placed before, perhaps
		if err == nil && st != nil {
			continue
		}
		if err := v.placeException(e); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	for _, e := range m.except {
		for d := filepath.Dir(e); below(d, m.path); d = filepath.Dir(d) {
			if err := os.Chmod(d, 0o111); err != nil && !errors.Is(err, syscall.EROFS) {
				return err
			}
		}
	}
	return setAttr(unix.AT_FDCWD, m.path, unix.MOUNT_ATTR_RDONLY, 0, false)
}

func (v *view) placeException(path string) error {
	var st unix.Stat_t
	if err := v.onBase(func() error { return unix.Lstat(path, &st) }); err != nil {
		return nil // gone meanwhile
	}
	if err := makeTarget(path, st.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return err
	}
	set := uint64(guarded | unix.MOUNT_ATTR_RDONLY)
	if v.writable(path) {
		set = guarded
	}
	return v.fromHost(path, set, path)
}

// fromHost places a copy of a tree of the host.
func (v *view) fromHost(path string, set uint64, target string) error {
	var tree int
	err := v.onBase(func() error {
		var err error
		tree, err = copyTree(path, set)
		return err
	})
	if err != nil {
		return err
	}
	return place(tree, target)
}

// remask puts back the masks that somebody outside replaced the target of,
// and those whose target has come to be. It runs on the view's own thread.
func (v *view) remask(concerns func(path string) bool) (restored []string, err error) {
	for i := range v.masks {
		m := &v.masks[i]
		if !concerns(m.path) {
			continue
		}
		on, statErr := isMount(m.path)
		m.absent = statErr != nil
		if on || statErr != nil {
			continue
		}
		if pinErr := v.pin(); pinErr != nil {
			err = errors.Join(err, pinErr)
		}
		if applyErr := v.apply(m); applyErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", m.path, applyErr))
			continue
		}
		restored = append(restored, m.path)
	}
	return restored, err
}
