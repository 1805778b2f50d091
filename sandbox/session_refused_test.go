package sandbox

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// required tells whether a missing kernel feature is a failure.
func required(t *testing.T, err error) {
	t.Helper()
	var se *SetupError
	if errors.As(err, &se) && os.Getenv("FSH_REQUIRE") != "all" {
		switch se.Layer {
		case "user namespace", "Landlock", "seccomp", "proc", "network":
			t.Skip(err)
		}
	}
	t.Fatal(err)
}

// A keeper that is run by hand sets nothing up: neither without a socket nor,
// as root may, in the namespaces of whoever runs it. Each has a mount namespace
// of its own here, so that a failure of the test harms nobody.
func TestDeathOfAKeeperByHand(t *testing.T) {
	for _, test := range []struct {
		name   string
		flags  uintptr
		socket bool
	}{
		{"no socket", unix.CLONE_NEWNS | unix.CLONE_NEWUSER, false},
		{"the same user namespace", unix.CLONE_NEWNS, true},
	} {
		if os.Geteuid() != 0 {
			test.flags |= unix.CLONE_NEWUSER
			if test.socket {
				test.flags = 0 // it could mount nothing
			}
		}
		ours, theirs := socketFiles(t)
		cmd := exec.Command("/proc/self/exe")
		cmd.Args = []string{nameKeeper}
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: test.flags}
		if test.socket {
			cmd.ExtraFiles = []*os.File{theirs}
		}
		if err := cmd.Start(); err != nil {
			required(t, usernsError(err))
		}
		theirs.Close()
		if err := unix.Shutdown(int(ours.Fd()), unix.SHUT_WR); err != nil {
			t.Fatal(err)
		}
		said, _ := io.ReadAll(ours)
		_ = cmd.Wait()
		if len(said) != 0 || cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("%s: %v, says %q", test.name, cmd.ProcessState, said)
		}
	}
}

func socketFiles(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

// A keeper that dies takes everything inside along; the session stays dead.
func TestDeathOfTheKeeper(t *testing.T) {
	dir := t.TempDir()
	p := testPolicy(dir)
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rr.send([]string{"/bin/sleep", "1000"}, w)
	w.Close()
	if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil || err.Error() != "EOF" {
		t.Errorf("a command lives: %v", err)
	}
	<-s.ended
	var se *SetupError
	if _, err := s.startRunner(p); !errors.As(err, &se) || se.Layer != "keeper" {
		t.Errorf("got %v", err)
	}
	if _, ok := <-rr.r.gone; ok {
		t.Error("the runner's end was told by nobody")
	}
}

// A runner that dies is told of, and another one can be had.
func TestDeathOfARunner(t *testing.T) {
	dir := t.TempDir()
	p := testPolicy(dir)
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	rr.send([]string{"/bin/sh", "-c", "kill -KILL $PPID"}, os.Stderr)
	if end, ok := <-rr.r.gone; !ok || end.Status.Signal() != syscall.SIGKILL || !end.Meant {
		t.Errorf("status %+v %v", end, ok)
	}
	again := newRawRunner(t, s, p)
	if out, status := again.sh("echo ok"); out != "ok" || status != 0 {
		t.Errorf("%q %d", out, status)
	}
	// Its supervisor is gone, too: it would run until the session's end.
	deadline := time.Now().Add(20 * time.Second)
	for listeners(t, s.pid) != 1 {
		if time.Now().After(deadline) {
			t.Fatal("the supervisor of the runner that died is still there")
		}
		time.Sleep(time.Millisecond)
	}
}

// listeners counts the keeper's seccomp listeners.
func listeners(t *testing.T, keeper int) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/" + strconv.Itoa(keeper) + "/fd/*")
	if err != nil || len(fds) == 0 {
		t.Fatalf("the keeper's descriptors: %v %v", fds, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == "anon_inode:seccomp notify" {
			n++
		}
	}
	return n
}
