package sandbox

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Nothing inside survives the shell, however it ends.
func TestDeathOfTheShell(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			dir := outside(t)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			cmd := exec.Command("/proc/self/exe", "-test.run", "^TestVictim$")
			cmd.Env = append(os.Environ(), "FSH_TEST_VICTIM="+dir)
			cmd.ExtraFiles = []*os.File{w}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			var pids [64]byte
			n, err := r.Read(pids[:]) // the victim's sandbox is up
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			// Every process inside holds the pipe: end of file means all are gone.
			if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
				t.Errorf("%q %v", rest, err)
			}
			waitGone(t, string(pids[:n]))
			if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// waitGone waits for the end of processes that are not children.
func waitGone(t *testing.T, pids string) {
	t.Helper()
	for _, f := range strings.Fields(pids) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
		for err == unix.EINTR {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
		}
		if n == 0 || err != nil {
			t.Errorf("process %d lives: %v", pid, err)
		}
		unix.Close(fd)
	}
}

// TestVictim is the shell that dies.
func TestVictim(t *testing.T) {
	dir := os.Getenv("FSH_TEST_VICTIM")
	if dir == "" {
		t.Skip("only as a subprocess")
	}
	p := testPolicy("/")
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	p.Filesystem.PrivateWrite = paths(dir + "/made")
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	if out, status := rr.sh("sleep 1000 & setsid sleep 1000 & exit 3"); status != 3 {
		t.Fatal(out, status)
	}
	pipe := os.NewFile(3, "pipe")
	rr.send([]string{"/bin/sleep", "1000"}, pipe)
	fmt.Fprint(pipe, s.pid)
	select {}
}
