package sandbox

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// removeTree removes a directory and what commands left in it: ones that their
// owner may not enter or write, as those of Go's module cache, and trees that are
// deeper than paths are long and than there are descriptors. So what is in a
// directory is brought to the top, and none is entered below that.
func removeTree(dir string) error {
	top, err := openClosed(unix.AT_FDCWD, dir)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "remove", Path: dir, Err: err}
	}
	defer unix.Close(top)
	r := &treeRemoval{top: top}
	for {
		names, err := readNames(top, ".")
		if err != nil {
			return &os.PathError{Op: "remove", Path: dir, Err: err}
		}
		if len(names) == 0 {
			return os.Remove(dir)
		}
		var failed []error
		for _, name := range names {
			if err := r.remove(name); err != nil {
				failed = append(failed, err)
			}
		}
		if len(failed) == len(names) {
			return &os.PathError{Op: "remove", Path: dir, Err: failed[0]}
		}
	}
}

type treeRemoval struct{ top, moved int }

// remove removes one name at the top, and brings directories in it there.
func (r *treeRemoval) remove(name string) error {
	if unix.Unlinkat(r.top, name, 0) == nil {
		return nil
	}
	dir, err := openClosed(r.top, name)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	names, err := readNames(dir, ".")
	if err != nil {
		return err
	}
	for _, e := range names {
		if unix.Unlinkat(dir, e, 0) == nil {
			continue
		}
		if err := r.bring(dir, e); err != nil {
			return err
		}
	}
	return unix.Unlinkat(r.top, name, unix.AT_REMOVEDIR)
}

func (r *treeRemoval) bring(dir int, name string) error {
	fd, err := openClosed(dir, name) // it changes itself when it moves
	if err != nil {
		return err
	}
	unix.Close(fd)
	for {
		r.moved++
		err := unix.Renameat2(dir, name, r.top, strconv.Itoa(r.moved), unix.RENAME_NOREPLACE)
		if err != unix.EEXIST {
			return err
		}
	}
}

// openClosed opens a directory that its owner may have closed to themselves.
func openClosed(at int, name string) (int, error) {
	held, err := unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(held)
	own := "/proc/self/fd/" + strconv.Itoa(held)
	var st unix.Stat_t
	if unix.Fstat(held, &st) == nil && st.Mode&0o700 != 0o700 {
		_ = unix.Chmod(own, 0o700) // or it cannot be opened
	}
	return unix.Open(own, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}
