package sandbox

import (
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// statSize is the size of struct stat, which travels as it is.
const statSize = int(unsafe.Sizeof(syscall.Stat_t{}))

func statBytes(st *syscall.Stat_t) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(st)), statSize)
}

// dirFD is the descriptor of a directory handle; 0 is the runner's own
// directory, for absolute paths.
func (r *runner) dirFD(handle uint32) (int, bool) {
	if handle == 0 {
		return unix.AT_FDCWD, true
	}
	fd, ok := r.dirs[handle]
	return fd, ok
}

func (r *runner) closeDir(handle uint32) {
	if fd, ok := r.dirs[handle]; ok {
		syscall.Close(fd)
		delete(r.dirs, handle)
	}
}

// at takes directory, a number and a path off a request.
func (r *runner) at(d *decoder) (dir int, arg uint32, path string, errno syscall.Errno) {
	dir, ok := r.dirFD(d.u32())
	arg = d.u32()
	path = d.str()
	switch {
	case !d.done():
		return 0, 0, "", syscall.EPROTO
	case !ok:
		return 0, 0, "", syscall.EBADF
	}
	return dir, arg, path, 0
}

func (r *runner) stat(d *decoder) syscall.Errno {
	dir, nofollow, path, errno := r.at(d)
	if errno != 0 {
		return errno
	}
	var st syscall.Stat_t
	if err := fstatat(dir, path, &st, nofollow != 0); err != nil {
		return errnoOf(err)
	}
	r.reply.b = append(r.reply.b, statBytes(&st)...)
	return 0
}

func fstatat(dir int, path string, st *syscall.Stat_t, nofollow bool) error {
	flags := 0
	if nofollow {
		flags = unix.AT_SYMLINK_NOFOLLOW
	}
	// The two packages declare the same kernel structure.
	return unix.Fstatat(dir, path, (*unix.Stat_t)(unsafe.Pointer(st)), flags)
}

func (r *runner) statAll(d *decoder) syscall.Errno {
	dir, ok := r.dirFD(d.u32())
	if !ok {
		return syscall.EBADF
	}
	n := d.count(1)
	if n > maxStats {
		return syscall.EPROTO
	}
	for range n {
		var st syscall.Stat_t
		err := fstatat(dir, d.str(), &st, false)
		r.reply.u32(uint32(errnoOf(err)))
		r.reply.b = append(r.reply.b, statBytes(&st)...)
	}
	if !d.done() {
		return syscall.EPROTO
	}
	return 0
}

// maxStats is how many answers fit in one reply.
const maxStats = 512

func (r *runner) access(d *decoder) syscall.Errno {
	dir, mode, path, errno := r.at(d)
	if errno != 0 {
		return errno
	}
	err := unix.Faccessat2(dir, path, mode, unix.AT_EACCESS)
	if err == syscall.ENOSYS || err == syscall.EPERM && mode == 0 {
		// Before Linux 5.8; x/sys then looks at the mode bits.
		err = unix.Faccessat(dir, path, mode, unix.AT_EACCESS)
	}
	return errnoOf(err)
}

func (r *runner) readlink(d *decoder) syscall.Errno {
	dir, _, path, errno := r.at(d)
	if errno != 0 {
		return errno
	}
	var buf [unix.PathMax]byte
	n, err := unix.Readlinkat(dir, path, buf[:])
	if err != nil {
		return errnoOf(err)
	}
	r.reply.b = append(r.reply.b, buf[:n]...)
	return 0
}

func (r *runner) mkfifo(d *decoder) syscall.Errno {
	dir, mode, path, errno := r.at(d)
	if errno != 0 {
		return errno
	}
	return errnoOf(unix.Mknodat(dir, path, syscall.S_IFIFO|mode&07777, 0))
}

// openDir opens a directory that a command could enter.
func (r *runner) openDir(d *decoder) syscall.Errno {
	dir, _, path, errno := r.at(d)
	if errno != 0 {
		return errno
	}
	fd, err := unix.Openat(dir, path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return errnoOf(err)
	}
	// O_PATH asks for no right to the directory itself; fchdir will.
	if err := unix.Faccessat(fd, ".", unix.X_OK, unix.AT_EACCESS); err != nil {
		syscall.Close(fd)
		return errnoOf(err)
	}
	name, err := dirName(fd)
	if err != nil {
		syscall.Close(fd)
		return errnoOf(err)
	}
	r.lastDir++
	for r.lastDir == 0 || r.dirs[r.lastDir] != 0 {
		r.lastDir++
	}
	r.dirs[r.lastDir] = fd
	r.reply.u32(r.lastDir)
	r.reply.b = append(r.reply.b, name...)
	return 0
}

func (r *runner) getcwd(d *decoder) syscall.Errno {
	fd, ok := r.dirFD(d.u32())
	if !ok || fd < 0 {
		return syscall.EBADF
	}
	name, err := dirName(fd)
	if err != nil {
		return errnoOf(err)
	}
	r.reply.b = append(r.reply.b, name...)
	return 0
}

// dirName is getcwd(2) for a descriptor: ENOENT for a directory that was
// removed, or that cannot be reached from the root.
func dirName(fd int) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", err
	}
	if st.Nlink == 0 {
		return "", syscall.ENOENT
	}
	var buf [unix.PathMax]byte
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf[:])
	if err != nil {
		return "", err
	}
	name := string(buf[:n])
	if !strings.HasPrefix(name, "/") {
		return "", syscall.ENOENT
	}
	return name, nil
}
