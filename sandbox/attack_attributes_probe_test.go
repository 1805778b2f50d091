package sandbox

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Probes that change attributes, of descriptors by their number or of paths.

func init() {
	for name, call := range map[string]func(fd int) error{
		"fd-chmod":       func(fd int) error { return unix.Fchmod(fd, 0o600) },
		"fd-own":         func(fd int) error { return unix.Fchown(fd, os.Getuid(), os.Getgid()) },
		"fd-times":       func(fd int) error { return sysError(unix.SYS_UTIMENSAT, uintptr(fd), 0, 0, 0) },
		"fd-xattr":       func(fd int) error { return unix.Fsetxattr(fd, "user.fsh", []byte("x"), 0) },
		"fd-no-xattr":    func(fd int) error { return unix.Fremovexattr(fd, "user.fsh") },
		"fd-flags":       func(fd int) error { return setInodeFlags(fd, unix.FS_IOC_SETFLAGS) },
		"fd-version":     func(fd int) error { return setInodeFlags(fd, setVersion) },
		"fd-verity":      func(fd int) error { return setInodeFlags(fd, unix.FS_IOC_ENABLE_VERITY) },
		"fd-empty-chmod": func(fd int) error { return emptyPath(unix.SYS_FCHMODAT2, fd, 0o600, unix.AT_EMPTY_PATH, 0) },
		"fd-empty-own": func(fd int) error {
			return emptyPath(unix.SYS_FCHOWNAT, fd, uintptr(os.Getuid()), uintptr(os.Getgid()), unix.AT_EMPTY_PATH)
		},
	} {
		probes[name] = func(a []string) error { return call(int(number(a[0]))) }
	}
	for name, call := range map[string]func(path string) error{
		"lchmod":   func(path string) error { return unix.Fchmodat(unix.AT_FDCWD, path, 0o600, unix.AT_SYMLINK_NOFOLLOW) },
		"lown":     func(path string) error { return unix.Lchown(path, os.Getuid(), os.Getgid()) },
		"lutimens": func(path string) error { return unix.UtimesNanoAt(unix.AT_FDCWD, path, nil, unix.AT_SYMLINK_NOFOLLOW) },
		"held-chmod": func(path string) error {
			return onFile(path, unix.O_PATH, func(fd int) error { return unix.Fchmod(fd, 0o600) })
		},
		"bad-flags": func(path string) error {
			return withPath(path, func(p uintptr) syscall.Errno {
				_, _, errno := unix.Syscall6(unix.SYS_FCHMODAT2, ^uintptr(99), p, 0o600, 0x80000, 0, 0)
				return errno
			})
		},
	} {
		probes[name] = func(a []string) error { return call(a[0]) }
	}
	probes["bad-chmod"] = func([]string) error { return sysError(unix.SYS_FCHMODAT, ^uintptr(99), 16, 0o600, 0) } // AT_FDCWD
	probes["fd-pipe"] = func([]string) error {
		var p [2]int
		if err := unix.Pipe(p[:]); err != nil {
			return err
		}
		return unix.Fchmod(p[0], 0o600)
	}
	probes["race-chmod"] = raceChmod
	probes["fd-cut"] = func(a []string) error { return unix.Ftruncate(int(number(a[0])), int64(number(a[1]))) }
	probes["fd-punch"] = func(a []string) error {
		return unix.Fallocate(int(number(a[0])), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 2)
	}
	probes["fd-flags-set"] = func(a []string) error {
		_, err := unix.FcntlInt(uintptr(number(a[0])), unix.F_SETFL, int(number(a[1])))
		return err
	}
	probes["fd-append"] = func(a []string) error {
		_, err := unix.Pwrite(int(number(a[0])), []byte("x"), 0) // O_APPEND: at the end (pwrite(2))
		return err
	}
	probes["fd-no-append"] = func(a []string) error {
		_, err := unix.Pwritev2(int(number(a[0])), [][]byte{[]byte("y")}, 0, unix.RWF_NOAPPEND)
		return err
	}
	probes["aio-setup"] = func([]string) error {
		var context uintptr
		return sysError(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&context)), 0, 0)
	}
	probes["request"] = func(a []string) error {
		return onFile(a[0], unix.O_RDONLY, func(fd int) error {
			var buf [256]byte
			return sysError(unix.SYS_IOCTL, uintptr(fd), uintptr(number(a[1])), uintptr(unsafe.Pointer(&buf)), 0)
		})
	}
	probes["fd-cut-held"] = func(a []string) error {
		return onFile(a[0], unix.O_PATH, func(fd int) error { return unix.Ftruncate(fd, 0) })
	}
	probes["fd-own-cut"] = func(a []string) error {
		fd, err := unix.Open(a[0], unix.O_CREAT|unix.O_RDWR|unix.O_APPEND|unix.O_CLOEXEC, 0o644)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, call := range []func() error{
			func() error { _, err := unix.Write(fd, []byte("abc")); return err },
			func() error { _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, 0); return err },
			func() error { return unix.Ftruncate(fd, 1) },
			func() error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, 8) },
		} {
			if err := call(); err != nil {
				return err
			}
		}
		return nil
	}
	probes["race-chmod-link"] = raceChmodLink
}

func sysError(nr, a, b, c, d uintptr) error {
	if _, _, errno := unix.Syscall6(nr, a, b, c, d, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func emptyPath(nr uintptr, fd int, args ...uintptr) error {
	var nul byte
	_, _, errno := unix.Syscall6(nr, uintptr(fd), uintptr(unsafe.Pointer(&nul)), args[0], args[1], args[2], 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// setVersion is FS_IOC_SETVERSION, linux/fs.h.
const setVersion = 0x40087602

func setInodeFlags(fd int, request uint) error {
	get := map[uint]uint{unix.FS_IOC_SETFLAGS: unix.FS_IOC_GETFLAGS, setVersion: 0x80087601}[request] // FS_IOC_GETVERSION
	var value uint64
	if get != 0 {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(get), uintptr(unsafe.Pointer(&value))); errno != 0 {
			return errno
		}
	}
	return sysError(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&value)), 0)
}

// raceChmod has one number be a file of the session's own and one from outside
// by turns, while it changes the mode. It must not hit the latter; which it did is
// seen by the mode.
func raceChmod(a []string) error {
	lent, path := int(number(a[0])), a[1]
	own, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	const at = 50
	return raced(lent, func() {
		_ = unix.Dup3(own, at, 0)
		_ = unix.Dup3(lent, at, 0)
	}, func() error { return unix.Fchmod(at, 0o601) })
}

// raceChmodLink does so with a path in memory.
func raceChmodLink(a []string) error {
	lent, path := int(number(a[0])), a[1]
	buf := make([]byte, 256)
	own, other := append([]byte(path), 0), append([]byte("/proc/self/fd/"+strconv.Itoa(lent)), 0)
	copy(buf, own)
	return raced(lent, func() {
		copy(buf, other)
		copy(buf, own)
	}, func() error {
		return sysError(unix.SYS_FCHMODAT, ^uintptr(99), uintptr(unsafe.Pointer(&buf[0])), 0o601, 0)
	})
}

func raced(lent int, flip func(), try func() error) error {
	var over atomic.Bool
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(done)
		for !over.Load() {
			flip()
		}
	}()
	defer func() { over.Store(true); <-done }()
	for range 3000 {
		_ = try()
		var st unix.Stat_t
		if err := unix.Fstat(lent, &st); err != nil || st.Mode&0o777 == 0o601 {
			return nil // through
		}
	}
	return syscall.EACCES
}
