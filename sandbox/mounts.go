package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The few mount operations that a view is built from. All use the mount API
// of Linux 5.2 and 5.12: a tree is held by a descriptor between being copied
// and being placed, so no path is looked up twice.

// guarded is set on every mount of a view: neither set-id bits nor device
// nodes that somebody managed to create have any effect.
const guarded = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// copyTree is a detached copy of the mounts at path and below it. The source
// must be in the mount namespace of the calling thread.
func copyTree(path string, set uint64) (fd int, err error) {
	return copyTreeAt(unix.AT_FDCWD, path, set)
}

func copyTreeAt(dir int, path string, set uint64) (fd int, err error) {
	fd, err = unix.OpenTree(dir, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|
		unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, err
	}
	if set != 0 {
		if err := setAttr(fd, "", set, 0, true); err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

func setAttr(dir int, path string, set, clear uint64, recursive bool) error {
	flags := uint(unix.AT_EMPTY_PATH | unix.AT_SYMLINK_NOFOLLOW)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return unix.MountSetattr(dir, path, flags, &unix.MountAttr{Attr_set: set, Attr_clr: clear})
}

// place puts a detached tree over path and closes it. A symbolic link at the
// end of path is covered, not followed.
func place(tree int, path string) error {
	defer unix.Close(tree)
	return unix.MoveMount(tree, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// cover puts a copy of path itself over path, with more attributes.
func cover(path string, set uint64) error {
	tree, err := copyTree(path, set)
	if err != nil {
		return err
	}
	return place(tree, path)
}

// memoryFS is a new memory file system, detached.
func memoryFS(mode string, size int64) (fd int, err error) {
	opts := [][2]string{{"source", "fsh"}, {"mode", mode}}
	if size > 0 {
		opts = append(opts, [2]string{"size", fmt.Sprint(size)})
	}
	return newFS("tmpfs", guarded, opts)
}

func newFS(kind string, attr int, opts [][2]string) (fd int, err error) {
	ctx, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(ctx)
	for _, o := range opts {
		if err := unix.FsconfigSetString(ctx, o[0], o[1]); err != nil {
			return -1, fmt.Errorf("%s %s=%s: %w", kind, o[0], o[1], err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return -1, err
	}
	return unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, attr)
}

// isMount tells whether path is the root of a mount: whether a mask that was
// put there still is. A mask goes when somebody outside replaces what it
// covers.
func isMount(path string) (bool, error) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, 0, &st)
	if err != nil {
		return false, err
	}
	return st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
}

// makeTarget makes an empty file or directory to place a tree on, in a fresh
// place only.
func makeTarget(path string, dir bool) error {
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
