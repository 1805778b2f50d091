package sandbox

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A probe is this test binary inside the sandbox: it makes system calls and
// prints the errno of each, which no shell command shows exactly.

const probeName = "fsh-test-probe"

func probeMain() int {
	runtime.LockOSThread() // what one call does to the thread is there for the next
	for _, arg := range os.Args[1:] {
		fmt.Println(probeOne(strings.Split(arg, ",")))
	}
	return 0
}

func probeOne(f []string) string {
	call, ok := probes[f[0]]
	if !ok {
		return "no such probe"
	}
	err := call(f[1:])
	var no syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &no):
		return unix.ErrnoName(no)
	default:
		return err.Error()
	}
}

func number(s string) uintptr {
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		panic(err) // a test is written wrong
	}
	return uintptr(n)
}

// fdErr closes what a probe opened.
func fdErr(fd int, err error) error {
	if err == nil {
		unix.Close(fd)
	}
	return err
}

var probes = map[string]func([]string) error{
	"read":   func(a []string) error { return fdErr(unix.Open(a[0], unix.O_RDONLY, 0)) },
	"write":  func(a []string) error { return fdErr(unix.Open(a[0], unix.O_WRONLY, 0)) },
	"create": func(a []string) error { return fdErr(unix.Open(a[0], unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0o644)) },
	"list": func(a []string) error {
		_, err := os.ReadDir(a[0])
		return err
	},
	"creat-mode": func(a []string) error {
		return fdErr(unix.Open(a[0], unix.O_CREAT|unix.O_WRONLY, uint32(number(a[1]))))
	},
	"open-mode-unused": func(a []string) error { return fdErr(unix.Open(a[0], unix.O_RDONLY, uint32(number(a[1])))) },
	"mkdir":            func(a []string) error { return unix.Mkdir(a[0], uint32(number(a[1]))) },
	"mknod":            func(a []string) error { return unix.Mknod(a[0], uint32(number(a[1])), int(unix.Mkdev(1, 3))) },
	"chmod":            func(a []string) error { return unix.Chmod(a[0], uint32(number(a[1]))) },
	"fchmodat2": func(a []string) error {
		return rawPath(unix.SYS_FCHMODAT2, a[0], number(a[1]))
	},
	"rename":  func(a []string) error { return unix.Rename(a[0], a[1]) },
	"link":    func(a []string) error { return unix.Link(a[0], a[1]) },
	"unlink":  func(a []string) error { return unix.Unlink(a[0]) },
	"rmdir":   func(a []string) error { return unix.Rmdir(a[0]) },
	"symlink": func(a []string) error { return unix.Symlink(a[0], a[1]) },
	"stat": func(a []string) error {
		var st unix.Stat_t
		return unix.Lstat(a[0], &st)
	},
	"socket": func(a []string) error {
		return fdErr(unix.Socket(int(number(a[0])), int(number(a[1])), int(number(a[2]))))
	},
	"unix": func(a []string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Connect(fd, &unix.SockaddrUnix{Name: a[0]})
	},
	"listen": func(a []string) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Bind(fd, &unix.SockaddrInet4{Port: int(number(a[0])), Addr: [4]byte{127, 0, 0, 1}})
	},
	"connect": func(a []string) error { return send(unix.SOCK_STREAM, a) }, // address, port[, source]
	"udp":     func(a []string) error { return send(unix.SOCK_DGRAM, a) },
	"kill": func(a []string) error {
		pid, err := strconv.Atoi(a[0])
		if err != nil {
			return err
		}
		return unix.Kill(pid, 0)
	},
	// A bare system call with up to six numbers.
	"sys": func(a []string) error {
		var n [7]uintptr
		for i, s := range a {
			n[i] = number(s)
		}
		_, _, errno := syscall.RawSyscall6(n[0], n[1], n[2], n[3], n[4], n[5], n[6])
		if errno != 0 {
			return errno
		}
		return nil
	},
}

// send connects, and sends a byte when that carries no connection.
func send(kind int, a []string) error {
	to := netip.MustParseAddr(a[0])
	family := unix.AF_INET6
	if to.Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	sockaddr := func(addr netip.Addr, port uintptr) unix.Sockaddr {
		if addr.Is4() {
			return &unix.SockaddrInet4{Addr: addr.As4(), Port: int(port)}
		}
		return &unix.SockaddrInet6{Addr: addr.As16(), Port: int(port)}
	}
	if len(a) > 2 {
		if err := unix.Bind(fd, sockaddr(netip.MustParseAddr(a[2]), 0)); err != nil {
			return err
		}
	}
	if kind == unix.SOCK_DGRAM {
		return unix.Sendto(fd, []byte("x"), 0, sockaddr(to, number(a[1])))
	}
	return unix.Connect(fd, sockaddr(to, number(a[1])))
}

func rawPath(nr uintptr, path string, mode uintptr) error {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	at := unix.AT_FDCWD
	_, _, errno := syscall.Syscall6(nr, uintptr(at), uintptr(unsafe.Pointer(p)), mode, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// probe runs one probe inside.
func (rr *rawRunner) probe(spec string) string {
	rr.t.Helper()
	out, status := rr.run(Marker+"/fsh", spec)
	if status != 0 {
		rr.t.Errorf("probe %s: status %d, %s", spec, status, out)
	}
	return out
}
