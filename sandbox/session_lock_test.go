package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// lockedName is argv[0] of this test binary as a shell that drops its rights.
const lockedName = "fsh-test-locked"

// lockedCalls is what the locked shell tries, with what the kernel must say.
// EFAULT, EBADF and EINVAL would mean that the call got through.
var lockedCalls = []struct {
	name string
	want string
	call func() error
}{
	{"execve", "EPERM", func() error {
		return raw(unix.SYS_EXECVE, uintptr(unsafe.Pointer(unsafe.StringData("/bin/true\x00"))), 0, 0)
	}},
	{"execveat", "EPERM", func() error { return raw(unix.SYS_EXECVEAT, 0, 0, 0) }},
	{"fork and exec", "EPERM", func() error { return exec.Command("/bin/true").Run() }},
	{"clone of a process", "EPERM", func() error { return raw(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0) }},
	{"clone of a namespace", "EPERM", func() error { return raw(unix.SYS_CLONE, unix.CLONE_THREAD|unix.CLONE_NEWUSER, 0, 0) }},
	{"clone3", "ENOSYS", func() error { return raw(unix.SYS_CLONE3, 0, 0, 0) }},
	{"ptrace", "EPERM", func() error { return raw(unix.SYS_PTRACE, unix.PTRACE_ATTACH, uintptr(os.Getppid()), 0) }},
	{"process_vm_readv", "EPERM", func() error { return raw(unix.SYS_PROCESS_VM_READV, uintptr(os.Getpid()), 0, 0) }},
	{"process_vm_writev", "EPERM", func() error { return raw(unix.SYS_PROCESS_VM_WRITEV, uintptr(os.Getpid()), 0, 0) }},
	{"pidfd_open", "EPERM", func() error { return raw(unix.SYS_PIDFD_OPEN, uintptr(os.Getppid()), 0, 0) }},
	{"pidfd_getfd", "EPERM", func() error { return raw(unix.SYS_PIDFD_GETFD, 0, 0, 0) }},
	{"mount", "EPERM", func() error { return unix.Mount("none", "/mnt", "tmpfs", 0, "") }},
	{"umount", "EPERM", func() error { return unix.Unmount("/proc", 0) }},
	{"open_tree", "EPERM", func() error { return raw(unix.SYS_OPEN_TREE, 0, 0, 0) }},
	{"move_mount", "EPERM", func() error { return raw(unix.SYS_MOVE_MOUNT, 0, 0, 0) }},
	{"fsopen", "EPERM", func() error { return raw(unix.SYS_FSOPEN, 0, 0, 0) }},
	{"fsmount", "EPERM", func() error { return raw(unix.SYS_FSMOUNT, 0, 0, 0) }},
	{"mount_setattr", "EPERM", func() error { return raw(unix.SYS_MOUNT_SETATTR, 0, 0, 0) }},
	{"pivot_root", "EPERM", func() error { return raw(unix.SYS_PIVOT_ROOT, 0, 0, 0) }},
	{"chroot", "EPERM", func() error { return unix.Chroot("/") }},
	{"setns", "EPERM", func() error { return raw(unix.SYS_SETNS, 0, 0, 0) }},
	{"unshare", "EPERM", func() error { return unix.Unshare(unix.CLONE_FS) }},
	{"bpf", "EPERM", func() error { return raw(unix.SYS_BPF, 0, 0, 0) }},
	{"io_uring", "ENOSYS", func() error { return raw(unix.SYS_IO_URING_SETUP, 1, 0, 0) }},
	{"perf_event_open", "EPERM", func() error { return raw(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0) }},
	{"inet socket", "EPERM", func() error { return socketOf(unix.AF_INET, unix.SOCK_STREAM) }},
	{"inet6 socket", "EPERM", func() error { return socketOf(unix.AF_INET6, unix.SOCK_DGRAM) }},
	{"packet socket", "EPERM", func() error { return socketOf(unix.AF_PACKET, unix.SOCK_RAW) }},
	{"netlink socket", "EPERM", func() error { return socketOf(unix.AF_NETLINK, unix.SOCK_RAW) }},
	{"unix socket", "EPERM", func() error { return socketOf(unix.AF_UNIX, unix.SOCK_STREAM) }},
	{"signal to the parent", "EPERM", func() error { return unix.Kill(os.Getppid(), 0) }},
	{"signal to the group", "EPERM", func() error { return unix.Kill(0, 0) }},
	{"signal to all", "EPERM", func() error { return unix.Kill(-1, 0) }},
	{"tgkill of another", "EPERM", func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), 0) }},
	{"tkill", "EPERM", func() error { return raw(unix.SYS_TKILL, uintptr(os.Getppid()), 0, 0) }},
	{"sigqueue", "EPERM", func() error { return raw(unix.SYS_RT_SIGQUEUEINFO, uintptr(os.Getppid()), 0, 0) }},
	{"TIOCSTI", "EPERM", func() error { return raw(unix.SYS_IOCTL, 0, unix.TIOCSTI, 0) }},

	{"socketpair", "ok", func() error {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		closeAll(pair[:])
		return err
	}},
	{"pipe, tee", "ok", func() error {
		var a, b [2]int
		err := errors.Join(unix.Pipe(a[:]), unix.Pipe(b[:]))
		_, werr := unix.Write(a[1], []byte("x"))
		_, terr := unix.Tee(a[0], b[1], 1, 0)
		closeAll(append(a[:], b[:]...))
		return errors.Join(err, werr, terr)
	}},
	{"preadv2", "ok", func() error {
		f, err := os.Open("/proc/self/exe")
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = unix.Preadv2(int(f.Fd()), [][]byte{make([]byte, 8)}, 0, unix.RWF_NOWAIT)
		if err == unix.EAGAIN || err == unix.EOPNOTSUPP {
			err = nil // the file is not in memory
		}
		return err
	}},
	{"signal to itself", "ok", func() error {
		got := make(chan os.Signal, 1)
		signal.Notify(got, syscall.SIGUSR1)
		defer signal.Stop(got)
		if err := unix.Kill(os.Getpid(), unix.SIGUSR1); err != nil {
			return err
		}
		<-got
		return nil
	}},
	{"terminal call", "ENOTTY", func() error { return raw(unix.SYS_IOCTL, 0, unix.TIOCSPGRP, 0) }},
	{"new threads", "ok", func() error {
		done := make(chan error)
		for range 16 {
			go func() {
				runtime.LockOSThread() // ends with its goroutine
				done <- nil
			}()
			if err := <-done; err != nil {
				return err
			}
		}
		return nil
	}},
}

func raw(nr, a, b, c uintptr) error {
	if _, _, errno := unix.RawSyscall6(nr, a, b, c, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func socketOf(domain, kind int) error { return fdErr(unix.Socket(domain, kind, 0)) }

// lockedMain is a shell of its own: what its lock forbids would end the tests.
func lockedMain() int {
	// Threads of before the lock, which must be under it as well.
	turn, answer := make(chan int), make(chan string)
	for range 3 {
		go func() {
			runtime.LockOSThread()
			for i := range turn {
				answer <- errnoOr(lockedCalls[i].call())
			}
		}()
	}
	dir := os.Getenv("HOME")
	p := testPolicy(dir)
	p.Environment.Pass = []policy.EnvRule{{Pattern: "*"}}
	s, err := New(Config{Policy: p, Dir: dir, DropRights: true})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if out := lockedRun(s, nil); out != "ran" {
		fmt.Println("before:", out)
		return 1
	}
	for i, c := range lockedCalls {
		here := errnoOr(c.call())
		turn <- i
		if there := <-answer; here != c.want || there != c.want {
			fmt.Printf("%s: %s, on another thread %s, want %s\n", c.name, here, there, c.want)
		}
	}
	// Commands, and a new runner, are the keeper's business.
	other := *p
	other.Filesystem.AllowWrite = paths(dir)
	for _, rules := range []*policy.Policy{p, &other} {
		if out := lockedRun(s, rules); out != "ran" {
			fmt.Println("after:", out)
		}
	}
	s.Close()
	fmt.Println("done")
	signal.Reset(syscall.SIGTERM)
	_ = unix.Kill(os.Getpid(), unix.SIGTERM)
	select {}
}

func errnoOr(err error) string {
	var no syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &no):
		return unix.ErrnoName(no)
	}
	return err.Error()
}

func lockedRun(s *Session, rules *policy.Policy) string {
	sys := s.System()
	start, err := sys.(*system).firstDir()
	if err != nil {
		return err.Error()
	}
	defer runtime.KeepAlive(start)
	if rules != nil {
		d := *start
		d.policy = rules
		start = &d
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	proc, err := sys.Start(&interp.Command{
		Paths: []string{"/bin/echo"}, Argv: []string{"echo", "ran"}, Dir: start, Group: -1, Terminal: -1,
		Files: []interp.FileMap{{Child: 1, FD: int(w.Fd())}},
	})
	w.Close()
	if err != nil {
		return err.Error()
	}
	text, _ := io.ReadAll(r)
	if _, _, err := proc.Wait(); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// TestSystemCallsOfTheShell: once commands can run, no thread of the shell
// can execute, connect, mount or reach another process any more.
func TestSystemCallsOfTheShell(t *testing.T) {
	inside(t, testPolicy(outside(t))) // or skip
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{lockedName}
	cmd.Env = append(os.Environ(), "HOME="+outside(t))
	out, err := cmd.CombinedOutput()
	if string(out) != "done\n" {
		t.Errorf("%v\n%s", err, out)
	}
	ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() || ws.Signal() != syscall.SIGTERM {
		t.Errorf("the shell did not end by its own signal: %v", err)
	}
}
