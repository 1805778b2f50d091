package sandbox

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What attacks on processes and privileges need besides the probes of files.

func init() {
	for name, call := range map[string]func([]string) error{
		"readlink": func(a []string) error {
			_, err := os.Readlink(a[0])
			return err
		},
		"signal": func(a []string) error { return unix.Kill(signed(a[0]), syscall.Signal(number(a[1]))) },
		"pidfd-signal": func(a []string) error {
			return withPidfd(a[0], func(fd int) error { return unix.PidfdSendSignal(fd, 0, nil, 0) })
		},
		"pidfd-getfd": func(a []string) error {
			return withPidfd(a[0], func(fd int) error {
				_, err := unix.PidfdGetfd(fd, 0, 0)
				return err
			})
		},
		"sigqueue": func(a []string) error {
			info := [32]int32{2: -1} // si_code SI_QUEUE
			return errnoOrNil(syscall.RawSyscall(unix.SYS_RT_SIGQUEUEINFO, number(a[0]), 10, uintptr(unsafe.Pointer(&info))))
		},
		"all-caps": func([]string) error {
			hdr := unix.CapUserHeader{Version: capabilityVersion3}
			data := [2]unix.CapUserData{{Effective: ^uint32(0), Permitted: ^uint32(0)}, {Effective: 1, Permitted: 1}}
			return unix.Capset(&hdr, &data[0])
		},
		"prlimit": func(a []string) error {
			return unix.Prlimit(signed(a[0]), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: 3}, nil)
		},
		// A line of the process's own status.
		"status": func(a []string) error { return errors.New(statusOf("/proc/self/status", a[0])) },
		"ids":    func([]string) error { return errors.New(strconv.Itoa(os.Geteuid()) + " " + strconv.Itoa(os.Getegid())) },
		"real-time-limit": func(a []string) error {
			n := uint64(number(a[0]))
			return unix.Setrlimit(rlimitRTTime, &unix.Rlimit{Cur: n, Max: n})
		},
		"limit-processes": func(a []string) error {
			n := uint64(number(a[0]))
			return unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: n, Max: n})
		},
		"chroot": func(a []string) error { return unix.Chroot(a[0]) },
		"mount":  func(a []string) error { return unix.Mount(a[0], a[1], a[2], 0, "") },
		"chown":  func(a []string) error { return unix.Lchown(a[0], signed(a[1]), signed(a[2])) },
		"utimes": func(a []string) error { return unix.Utimes(a[0], make([]unix.Timeval, 2)) },
		"own-fchmod": func(a []string) error {
			fd, err := unix.Open(a[0], unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Fchmod(fd, uint32(number(a[1])))
		},
		"own-setxattr": func(a []string) error { return unix.Setxattr(a[0], "user.x", []byte("x"), 0) },
		"own-truncate": func(a []string) error { return unix.Truncate(a[0], 0) },
		"own-inside":   func([]string) error { return errors.New(strconv.FormatBool(Inside())) },
		"own-append": func(a []string) error {
			return fdErr(unix.Open(a[0], unix.O_WRONLY|unix.O_APPEND, 0))
		},
		"unix-dgram": func(a []string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: a[0]})
		},
	} {
		if probes[name] != nil {
			panic("two probes called " + name)
		}
		probes[name] = call
	}
}

func signed(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err) // a test is written wrong
	}
	return n
}

func errnoOrNil(_, _ uintptr, errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

func withPidfd(pid string, f func(int) error) error {
	fd, err := unix.PidfdOpen(signed(pid), 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

// statusOf is a field of proc_pid_status(5).
func statusOf(file, field string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "absent"
}
