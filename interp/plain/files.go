package plain

import (
	"runtime"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// dir is an open directory; the finalizer closes it.
type dir struct{ fd int }

func newDir(fd int) *dir {
	d := &dir{fd}
	runtime.SetFinalizer(d, func(d *dir) { unix.Close(d.fd) })
	return d
}

// Getcwd asks the kernel for the path of the open directory. A removed one
// has a mark at its end (proc(5)), which a real path may have as well.
func (d *dir) Getcwd() (string, error) {
	defer runtime.KeepAlive(d)
	path, err := readlinkat(unix.AT_FDCWD, procPath(d.fd))
	if err != nil {
		return "", err
	}
	var here, there unix.Stat_t
	if err := unix.Fstat(d.fd, &here); err != nil {
		return "", err
	}
	if err := unix.Stat(path, &there); err != nil || here.Ino != there.Ino || here.Dev != there.Dev {
		return "", syscall.ENOENT
	}
	return path, nil
}

func procPath(fd int) string { return "/proc/self/fd/" + itoa(fd) }

func itoa(n int) string {
	if n == 0 {
		return "0"
	}
	var b [20]byte
	i := len(b)
	for ; n > 0; n /= 10 {
		i--
		b[i] = byte('0' + n%10)
	}
	return string(b[i:])
}

// at is the descriptor of a Dir, AT_FDCWD for none.
func at(d interp.Dir) int {
	if d, ok := d.(*dir); ok && d != nil {
		return d.fd
	}
	return unix.AT_FDCWD
}

func (s *System) StartDir() (interp.Dir, error) {
	fd, err := unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return newDir(fd), nil
}

func (s *System) StartPath(inherited string) (string, error) {
	var a, b unix.Stat_t
	if inherited != "" && unix.Stat(inherited, &a) == nil && unix.Stat(".", &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino {
		return inherited, nil
	}
	return unix.Getwd()
}

func (s *System) OpenDir(d interp.Dir, path string) (interp.Dir, error) {
	defer runtime.KeepAlive(d)
	fd, err := unix.Openat(at(d), path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Faccessat(fd, ".", unix.X_OK, unix.AT_EACCESS); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return newDir(fd), nil
}

// Open is openat(2). An open that blocks, of a fifo without a peer, keeps a
// thread until it succeeds; Cancel only stops waiting for it.
func (s *System) Open(r *interp.OpenRequest) (int, error) {
	defer runtime.KeepAlive(r.Dir)
	if r.Cancel == nil || !s.mayBlock(r) {
		return s.open(r)
	}
	type result struct {
		fd  int
		err error
	}
	done := make(chan result, 1)
	go func() {
		fd, err := s.open(r)
		done <- result{fd, err}
	}()
	select {
	case res := <-done:
		return res.fd, res.err
	case <-r.Cancel:
		go func() {
			if res := <-done; res.err == nil {
				unix.Close(res.fd)
			}
		}()
		return -1, syscall.EINTR
	}
}

// mayBlock reports whether there is a fifo or a device to be opened. What it
// becomes in between can block, too, but not for long on purpose.
func (s *System) mayBlock(r *interp.OpenRequest) bool {
	var st syscall.Stat_t
	if s.Stat(r.Dir, r.Path, false, &st) != nil {
		return false
	}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFIFO, syscall.S_IFCHR:
		return st.Rdev != nullDevice
	}
	return false
}

// nullDevice is /dev/null, which scripts open all the time (null(4): 1, 3).
const nullDevice = 1<<8 | 3

func (s *System) open(r *interp.OpenRequest) (int, error) {
	flags := r.Flags | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_LARGEFILE
	mode := r.Mode
	if flags&unix.O_CREAT != 0 {
		mode &^= r.Umask
		undo := s.noUmask()
		defer undo()
	}
	for {
		fd, err := unix.Openat(at(r.Dir), r.Path, flags, mode)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// noUmask makes sure that the process's umask takes nothing away. Creating
// opens do not block but on fifos, which exist already.
func (s *System) noUmask() (undo func()) {
	s.umask.Lock()
	if s.current != 0 {
		unix.Umask(0)
		s.current = 0
	}
	s.umask.Unlock()
	return func() {}
}

func (s *System) Stat(d interp.Dir, path string, nofollow bool, st *syscall.Stat_t) error {
	defer runtime.KeepAlive(d)
	flags := 0
	if nofollow {
		flags = unix.AT_SYMLINK_NOFOLLOW
	}
	var u unix.Stat_t
	if err := unix.Fstatat(at(d), path, &u, flags); err != nil {
		return err
	}
	*st = stat(&u)
	return nil
}

func stat(u *unix.Stat_t) syscall.Stat_t {
	return syscall.Stat_t{
		Dev: u.Dev, Ino: u.Ino, Nlink: u.Nlink, Mode: u.Mode, Uid: u.Uid, Gid: u.Gid,
		Rdev: u.Rdev, Size: u.Size, Blksize: u.Blksize, Blocks: u.Blocks,
		Atim: syscall.Timespec(u.Atim), Mtim: syscall.Timespec(u.Mtim), Ctim: syscall.Timespec(u.Ctim),
	}
}

// ReadDirs leaves it to the caller: nothing is saved by doing it here.
func (s *System) ReadDirs(_ interp.Dir, paths []string) [][]byte {
	return make([][]byte, len(paths))
}

func (s *System) StatAll(d interp.Dir, paths []string) ([]syscall.Stat_t, []error) {
	sts, errs := make([]syscall.Stat_t, len(paths)), make([]error, len(paths))
	for i, p := range paths {
		errs[i] = s.Stat(d, p, false, &sts[i])
	}
	return sts, errs
}

func (s *System) Access(d interp.Dir, path string, mode uint32) error {
	defer runtime.KeepAlive(d)
	return unix.Faccessat(at(d), path, mode, unix.AT_EACCESS)
}

func (s *System) Readlink(d interp.Dir, path string) (string, error) {
	defer runtime.KeepAlive(d)
	return readlinkat(at(d), path)
}

func readlinkat(fd int, path string) (string, error) {
	for size := 256; ; size *= 2 {
		b := make([]byte, size)
		n, err := unix.Readlinkat(fd, path, b)
		if err != nil {
			return "", err
		}
		if n < size {
			return string(b[:n]), nil
		}
	}
}

func (s *System) Mkfifo(d interp.Dir, path string, mode, umask uint32) error {
	defer runtime.KeepAlive(d)
	s.noUmask()
	return unix.Mknodat(at(d), path, unix.S_IFIFO|mode&^umask, 0)
}
