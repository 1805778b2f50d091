package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Probes of the attacks on files: each is one way to make, change, move or
// read something, by exactly one system call where that matters.

func init() {
	for name, call := range attackProbes {
		probes[name] = call
	}
}

// probes runs many probes in one process and gives their answers.
func (rr *rawRunner) probes(specs ...string) []string {
	rr.t.Helper()
	out, status := rr.run(append([]string{Marker + "/fsh"}, specs...)...)
	answers := strings.Split(out, "\n")
	if status != 0 || len(answers) != len(specs) {
		rr.t.Fatalf("probes: status %d, %d answers to %d: %s", status, len(answers), len(specs), out)
	}
	return answers
}

func opening(flags int) func([]string) error {
	return func(a []string) error { return fdErr(unix.Open(a[0], flags|unix.O_CLOEXEC, 0o644)) }
}

func withPath(path string, f func(p uintptr) syscall.Errno) error {
	b, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	if errno := f(uintptr(unsafe.Pointer(b))); errno != 0 {
		return errno
	}
	runtime.KeepAlive(b)
	return nil
}

func onDir(dir string, f func(fd int) error) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

var attackProbes = map[string]func([]string) error{
	"append":   opening(unix.O_WRONLY | unix.O_APPEND),
	"rdwr":     opening(unix.O_RDWR),
	"trunc":    opening(unix.O_RDONLY | unix.O_TRUNC),
	"touch":    opening(unix.O_CREAT | unix.O_WRONLY),
	"touch-nf": opening(unix.O_CREAT | unix.O_WRONLY | unix.O_NOFOLLOW),
	"tmpfile":  opening(unix.O_TMPFILE | unix.O_RDWR),
	"path":     opening(unix.O_PATH),
	"exec":     func(a []string) error { return unix.Access(a[0], unix.X_OK) },
	"truncate": func(a []string) error { return unix.Truncate(a[0], 0) },
	"chdir":    func(a []string) error { return unix.Chdir(a[0]) },
	"mkfifo":   func(a []string) error { return unix.Mkfifo(a[0], 0o644) },
	"own":      func(a []string) error { return unix.Chown(a[0], os.Getuid(), os.Getgid()) },
	"utimens":  func(a []string) error { return unix.UtimesNanoAt(unix.AT_FDCWD, a[0], nil, 0) },
	"setxattr": func(a []string) error { return unix.Setxattr(a[0], "user.fsh", []byte("x"), 0) },
	"openat2":  func(a []string) error { return fdErr(unix.Openat2(unix.AT_FDCWD, a[0], &unix.OpenHow{})) },
	"swap": func(a []string) error {
		return unix.Renameat2(unix.AT_FDCWD, a[0], unix.AT_FDCWD, a[1], unix.RENAME_EXCHANGE)
	},
	"noreplace": func(a []string) error {
		return unix.Renameat2(unix.AT_FDCWD, a[0], unix.AT_FDCWD, a[1], unix.RENAME_NOREPLACE)
	},
	"whiteout": func(a []string) error {
		return unix.Renameat2(unix.AT_FDCWD, a[0], unix.AT_FDCWD, a[1], unix.RENAME_WHITEOUT)
	},
	"raw-creat": func(a []string) error {
		return withPath(a[0], func(p uintptr) syscall.Errno { return rawCreat(p, 0o644) })
	},
	"symlinkat": func(a []string) error {
		return onDir(a[1], func(fd int) error { return unix.Symlinkat(a[0], fd, a[2]) })
	},
	"openat": func(a []string) error {
		return onDir(a[0], func(fd int) error { return fdErr(unix.Openat(fd, a[1], unix.O_CREAT|unix.O_WRONLY, 0o644)) })
	},
	"mkdirat": func(a []string) error {
		return onDir(a[0], func(fd int) error { return unix.Mkdirat(fd, a[1], 0o755) })
	},
	// A directory reached by its number in /proc.
	"by-number": func(a []string) error {
		return onDir(a[0], func(fd int) error {
			return fdErr(unix.Open(fmt.Sprintf("%s/fd/%d/%s", a[1], fd, a[2]), unix.O_CREAT|unix.O_WRONLY, 0o644))
		})
	},
	// Read only first, then written by way of /proc.
	"reopen": func(a []string) error {
		fd, err := unix.Open(a[0], int(number(a[1])), 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return fdErr(unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_WRONLY, 0))
	},
	"fchmod": func(a []string) error {
		return onFile(a[0], unix.O_RDONLY, func(fd int) error { return unix.Fchmod(fd, 0o600) })
	},
	"ftruncate": func(a []string) error {
		return onFile(a[0], unix.O_RDONLY, func(fd int) error { return unix.Ftruncate(fd, 0) })
	},
	"fallocate": func(a []string) error {
		return onFile(a[0], unix.O_RDONLY, func(fd int) error { return unix.Fallocate(fd, 0, 0, 16) })
	},
	"copy-range": func(a []string) error {
		return onFile(a[1], unix.O_WRONLY, func(to int) error {
			return onFile(a[0], unix.O_RDONLY, func(from int) error {
				_, err := unix.CopyFileRange(from, nil, to, nil, 1, 0)
				return err
			})
		})
	},
	// A file without a name gets one.
	"name-tmp": func(a []string) error {
		return onFile(a[0], unix.O_TMPFILE|unix.O_RDWR, func(fd int) error {
			return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), unix.AT_FDCWD, a[1], unix.AT_SYMLINK_FOLLOW)
		})
	},
	"name-empty": func(a []string) error {
		return onFile(a[0], unix.O_TMPFILE|unix.O_RDWR, func(fd int) error {
			return unix.Linkat(fd, "", unix.AT_FDCWD, a[1], unix.AT_EMPTY_PATH)
		})
	},
	// A name for what is open.
	"link-fd": func(a []string) error {
		return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+a[0], unix.AT_FDCWD, a[1], unix.AT_SYMLINK_FOLLOW)
	},
	"link-open": func(a []string) error {
		return unix.Linkat(int(number(a[0])), "", unix.AT_FDCWD, a[1], unix.AT_EMPTY_PATH)
	},
	"bind": func(a []string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Bind(fd, &unix.SockaddrUnix{Name: a[0]})
	},
	// Whether a socket says of itself what it was bound to.
	"own-name": func(a []string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: a[0]}); err != nil {
			return err
		}
		own, err := unix.Getsockname(fd)
		if err == nil && own.(*unix.SockaddrUnix).Name != a[0] {
			err = unix.EADDRNOTAVAIL
		}
		return err
	},
	"queue": func(a []string) error {
		flags, err := strconv.ParseUint(a[1], 0, 32)
		if err != nil {
			return err
		}
		return openQueue(a[0], uintptr(flags))
	},
	// A server and its client.
	"serve": func(a []string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: a[0]}); err != nil {
			return err
		}
		if err := unix.Listen(fd, 1); err != nil {
			return err
		}
		return probes["unix"](a)
	},
	// Longer than the process's own limit, and not.
	"lengthen": func(a []string) error {
		var old unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
			return err
		}
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1000, Max: old.Max}); err != nil {
			return err
		}
		err := unix.Truncate(a[0], int64(signed(a[1])))
		_ = unix.Setrlimit(unix.RLIMIT_FSIZE, &old)
		return err
	},
	// Its opener is to be asked before others change a file, or open it.
	"lease":      onOpen(unix.F_SETLEASE, unix.F_RDLCK),
	"leased":     onOpen(unix.F_GETLEASE, 0),
	"delegation": onOpen(setDelegation, 0),
	"keep-hint":  onOpen(unix.F_SET_RW_HINT, 0),
	"inode-flags": func(a []string) error {
		return onFile(a[0], unix.O_RDONLY, func(fd int) error { return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, 0x10) })
	},
	"bind-mount": func(a []string) error { return unix.Mount(a[0], a[1], "", unix.MS_BIND, "") },
	// Another thread exchanges the path while the kernel reads it.
	"race-memory": func(a []string) error { return raceMemory(a[0], a[1]) },
	"race-link":   func(a []string) error { return raceLink(a[0], a[1], a[2]) },
	"flip":        func(a []string) error { return flip(a[0], a[1]) },
	"race-dirs":   func(a []string) error { return raceDirs(a[0], a[1], a[2]) },
	"stack":       func([]string) error { return stackDomain(rightsRead) },
	"stack-many":  func(a []string) error { return stackMany(a[0], int(number(a[1]))) },
	"stack-later": func([]string) error { return stackLater() },
	"stack-wide":  func([]string) error { return stackDomain(rightsRead | rightsChange) },
}

// onOpen is a request of fcntl(2) for a file that is open to be read.
func onOpen(request, arg int) func([]string) error {
	return func(a []string) error {
		return onFile(a[0], unix.O_RDONLY, func(fd int) error {
			_, err := unix.FcntlInt(uintptr(fd), request, arg)
			return err
		})
	}
}

// openQueue is mq_open(2), whose names have no slash.
func openQueue(name string, flags uintptr) error {
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(text)), flags, 0o600, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return unix.Close(int(fd))
}

func onFile(path string, flags int, f func(fd int) error) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

const raceRounds = 3000

// flip gives a directory one of two names in turn, for ever.
func flip(a, b string) error {
	for {
		for _, err := range []error{unix.Rename(a, b), unix.Rename(b, a)} {
			if err != nil && err != unix.EACCES && err != unix.ENOENT {
				return err
			}
		}
	}
}

// raceDirs makes a file in the first directory that must not be in the second
// while somebody renames them. It is nil when it came to be there.
func raceDirs(first, second, file string) error {
	for range raceRounds {
		fd, err := unix.Open(first+"/"+file, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
		if err != nil {
			continue
		}
		unix.Close(fd)
		if unix.Access(second+"/"+file, unix.F_OK) == nil {
			return nil
		}
		_ = unix.Unlink(first + "/" + file)
	}
	return unix.EACCES
}

// raceMemory opens harmless for creating while its text becomes wanted. It is
// nil when wanted came to be.
func raceMemory(harmless, wanted string) error {
	harmless = strings.Repeat("/", len(wanted)-len(harmless)) + harmless
	text := append([]byte(harmless), 0)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			copy(text, wanted)
			copy(text, harmless)
		}
	}()
	defer func() { stop.Store(true); <-done }()
	for range raceRounds {
		fd, _, errno := syscall.Syscall6(unix.SYS_OPENAT, ^uintptr(99), uintptr(unsafe.Pointer(&text[0])), unix.O_CREAT|unix.O_RDWR, 0o644, 0, 0)
		if errno == 0 {
			unix.Close(int(fd))
		}
		if unix.Lstat(wanted, &unix.Stat_t{}) == nil {
			return nil
		}
	}
	return unix.EACCES
}

// raceLink creates name in a directory that a link leads to, while the link
// is moved to wanted and back.
func raceLink(link, harmless, wanted string) error {
	name := wanted[strings.LastIndex(wanted, "/")+1:]
	dir := wanted[:strings.LastIndex(wanted, "/")]
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			for _, to := range []string{harmless, dir} {
				_ = unix.Symlink(to, link+".new")
				_ = unix.Rename(link+".new", link)
			}
		}
	}()
	defer func() { stop.Store(true); <-done }()
	for range raceRounds {
		if fd, err := unix.Open(link+"/"+name, unix.O_CREAT|unix.O_RDWR, 0o644); err == nil {
			unix.Close(fd)
		}
		if unix.Lstat(wanted, &unix.Stat_t{}) == nil {
			return nil
		}
	}
	return unix.EACCES
}
