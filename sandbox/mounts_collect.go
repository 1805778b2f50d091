package sandbox

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// collect does everything that must happen in the base namespace: resolve
// what the rules mean on the host, and copy the trees that stay.
func (v *view) collect() error {
	v.mounts = hostMounts(v.base.hostProc)
	v.hideOtherProcs()
	for _, glob := range v.plan.ReadGlobs {
		found, err := v.host.expand(glob)
		if err != nil {
			return fmt.Errorf("allow_read %s: %w", glob, err)
		}
		v.reads = append(v.reads, found...)
	}
	for _, s := range v.plan.Steps {
		var err error
		switch s.Op {
		case OpWrite:
			err = v.collectTree(s, true)
		case OpKeep:
			err = v.collectTree(s, false)
		case OpPrivate:
			err = v.collectPrivate(s)
		case OpSocket:
			err = v.collectTree(s, false)
		case OpFresh:
			v.fresh = append(v.fresh, v.host.look(s.Path).path)
		case OpDevices, OpRun:
			v.fresh = append(v.fresh, s.Path)
		case OpSeal, OpHide:
			err = v.collectMask(s)
		case OpProtect:
			err = v.collectProtected(s)
		}
		if err != nil {
			return fmt.Errorf("%s %s (%s): %w", s.Op, s.Path, s.Rule, err)
		}
	}
	v.collectAbsent()
	if err := v.collectGit(); err != nil {
		return err
	}
	v.maskAliases()
	return v.copyClones()
}

func (v *view) paths(s *Step) ([]string, error) {
	if s.Glob {
		return v.host.expand(s.Path)
	}
	return []string{s.Path}, nil
}

func (v *view) collectTree(s Step, write bool) error {
	paths, err := v.paths(&s)
	if err != nil {
		return err
	}
	for _, p := range paths {
		at := v.host.look(p)
		if !at.found {
			if s.Must {
				return &SetupError{Layer: "policy", Err: fmt.Errorf("%s: %s: %w", s.Rule, s.Path, syscall.ENOENT),
					Hint: "create the path, or remove the entry"}
			}
			continue
		}
		if s.Op == OpSocket && !isSocket(at.path) {
			return &SetupError{Layer: "policy", Err: fmt.Errorf("%s: %s is not a socket", s.Rule, s.Path),
				Hint: "name the socket itself; a directory is granted with filesystem rules"}
		}
		if write {
			v.open = append(v.open, at.path)
			if at.path == "/" {
				continue
			}
		}
		set := uint64(guarded)
		if !write { // a socket can be connected to all the same
			set |= unix.MOUNT_ATTR_RDONLY
		}
		v.clones = append(v.clones, clone{path: at.path, at: unix.AT_FDCWD, from: at.path, set: set, fd: -1, dir: at.dir, write: write, socket: s.Op == OpSocket})
	}
	return nil
}

func isSocket(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFSOCK
}

// collectPrivate takes the directory of this project, or a part of the depot
// for a session that may not use it.
func (v *view) collectPrivate(s Step) error {
	at := v.host.look(s.Path)
	c := clone{path: at.path, at: unix.AT_FDCWD, from: s.From, set: guarded, fd: -1, dir: true, write: true, private: true}
	if c.from == "" {
		name := "private!" + privateName(s.Path)
		if err := v.base.memory(s.Size, name, 0o700); err != nil {
			return err
		}
		c.at, c.from = v.base.depot, depotMemory+"/"+name
	}
	if !at.dir {
		v.absent = append(v.absent, c)
		return nil
	}
	v.clones = append(v.clones, c)
	v.private = append(v.private, at.path)
	return nil
}
