package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// hurry makes a connection impatient.
func hurry(rc *runnerConn) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.watch.patience = patience{tick: 10 * time.Millisecond, busy: 8, inKernel: 8, rest: 50 * time.Millisecond}
}

// within fails the test when f hangs.
func within(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("hangs")
	}
}

// A runner that does not answer is an error for who waits for it, whatever that
// is, and another one takes its place.
func TestHungRunner(t *testing.T) {
	var st syscall.Stat_t
	big := strings.Repeat("x", inlinePayload-1<<10)
	tests := map[string]func(s *system, l *bareLauncher) error{
		"stat": func(s *system, _ *bareLauncher) error { return s.Stat(nil, "/", false, &st) },
		"open": func(s *system, _ *bareLauncher) error {
			_, err := s.Open(&interp.OpenRequest{Path: "/etc/passwd"})
			return err
		},
		"directory": func(s *system, _ *bareLauncher) error {
			_, err := s.OpenDir(nil, "/")
			return err
		},
		"command": func(s *system, _ *bareLauncher) error {
			p, err := s.Start(shCommand(":", 2))
			if err == nil {
				_, _, err = p.Wait()
			}
			return err
		},
		// It does not even take the request, which another one gets.
		"large commands": func(s *system, l *bareLauncher) error {
			p, err := s.Start(shCommand(":", 2))
			for old := l.conns["/"]; err == nil && l.conns["/"] == old; {
				_, err = s.Start(shCommand(": "+big, 2))
			}
			if err == nil {
				_, _, err = p.Wait()
			}
			return err
		},
	}
	for name, ask := range tests {
		t.Run(name, func(t *testing.T) {
			s, l := newTestSystem(t, systemHooks{})
			must(t, s.Stat(nil, "/", false, &st))
			hurry(l.conns["/"])
			must(t, unix.Kill(l.pids[0], unix.SIGSTOP))
			within(t, func() {
				err := ask(s, l)
				var gone *GoneError
				if !errors.As(err, &gone) || !strings.Contains(err.Error(), "did not answer for") {
					t.Errorf("%v", err)
				}
				must(t, unix.Kill(l.pids[0], unix.SIGKILL)) // the keeper's to do
				if out, _ := output(t, s, nil, "echo new"); out != "new" {
					t.Errorf("a new one: %q", out)
				}
			})
		})
	}
}

// What may wait is not a hang: programs, also while nobody listens to the
// runner, opens of fifos, a shell that was stopped itself.
func TestPatientWithRunner(t *testing.T) {
	s, l := newTestSystem(t, systemHooks{})
	var st syscall.Stat_t
	must(t, s.Stat(nil, "/", false, &st))
	rc := l.conns["/"]
	hurry(rc)
	fifo := filepath.Join(t.TempDir(), "fifo")
	must(t, unix.Mkfifo(fifo, 0o600))
	opened := make(chan error)
	go func() {
		fd, err := s.Open(&interp.OpenRequest{Path: fifo, Cancel: make(chan struct{})})
		syscall.Close(fd)
		opened <- err
	}()
	p, err := s.Start(shCommand("sleep 0.5", 2))
	must(t, err)
	within(t, func() {
		for range 10 { // much longer than a runner may be late
			pause := make(chan struct{})
			time.AfterFunc(30*time.Millisecond, func() { close(pause) })
			<-pause
			must(t, s.Stat(nil, "/", false, &st))
		}
		if ws, _, err := p.Wait(); err != nil || ws != 0 {
			t.Errorf("command: %v %v", ws, err)
		}
		fd, err := unix.Open(fifo, unix.O_WRONLY, 0)
		must(t, err)
		defer unix.Close(fd)
		if err := <-opened; err != nil {
			t.Errorf("fifo: %v", err)
		}
	})
	if l.conns["/"] != rc || rc.dead() {
		t.Error("the runner was replaced")
	}
	// Nothing is waited for any more, so nothing is looked at.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		rc.mu.Lock()
		pace := rc.watch.pace
		rc.mu.Unlock()
		if pace == paceOff {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("pace %d", pace)
		}
	}
}

// TestAttackStoppedChildren: a command that stops whatever is new stops children
// of the runner before they are programs, and stand-ins before they can speak. It
// gets stopped programs; the shell goes on.
func TestAttackStoppedChildren(t *testing.T) {
	p := testPolicy(t.TempDir())
	s := newTestSession(t, p)
	sys := s.System()
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	must(t, err)
	defer null.Close()
	command := func(argv ...string) *interp.Command {
		c := shCommand("", int(null.Fd()))
		c.Paths, c.Argv, c.Report = []string{argv[0]}, argv, interp.ReportStart|interp.ReportStops
		return c
	}
	storm := command(Marker + "/fsh")
	storm.Argv = []string{probeName, "stop-new"}
	first, err := sys.Start(storm)
	if err != nil {
		required(t, err)
	}
	_, err = first.Pid()
	must(t, err)
	within(t, func() {
		stopped := 0
		for range 100 {
			for _, start := range []func() (interp.Process, error){
				func() (interp.Process, error) { return sys.Start(command("/bin/sleep", "0.02")) },
				func() (interp.Process, error) { return sys.StandIn(command("/bin/true")) },
			} {
				p, err := start()
				must(t, err)
				pid, err := p.Pid()
				must(t, err)
				if st, ok := p.(interp.StandIn); ok {
					if err := st.Catch([]syscall.Signal{syscall.SIGUSR1}, nil); err != nil && err != syscall.ESRCH {
						t.Error(err)
					}
					_ = st.End(0)
				}
				_ = sys.Kill(pid, syscall.SIGCONT)
				if ws, _, err := p.Wait(); err == nil && (ws.Stopped() || ws.Continued()) {
					stopped++
				}
			}
		}
		var st syscall.Stat_t
		must(t, sys.Stat(nil, "/etc", false, &st))
		if stopped == 0 {
			t.Log("nothing was stopped in time")
		}
	})
}

func init() {
	// Stops every process that gets one of the next numbers.
	probes["stop-new"] = func([]string) error {
		for last := os.Getpid(); ; {
			for pid := last + 1; pid < last+6; pid++ {
				if unix.Kill(pid, unix.SIGSTOP) == nil {
					last = pid
				}
			}
		}
	}
}

// deadServer mounts a file system whose server never answers.
func deadServer(dir string) error {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Mount("dead", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Geteuid(), os.Getegid()))
}

// TestDeadServer: names on a file system that does not answer are errors, for
// the shell too, and what has nothing to do with it works. The keeper kills the
// runner, whose wait no other signal would end.
func TestDeadServer(t *testing.T) {
	dir := os.Getenv("FSH_TEST_DEAD_SERVER")
	if dir == "" {
		t.Setenv("FSH_TEST_DEAD_SERVER", outside(t))
		cmd := exec.Command("/proc/self/exe", "-test.run", "^TestDeadServer$", "-test.v")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
		if os.Geteuid() != 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  unix.CLONE_NEWNS | unix.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
				AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
			}
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if strings.Contains(string(out), "--- SKIP") {
			t.Skipf("%s", out)
		}
		return
	}
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	if err := deadServer(dir); err != nil {
		t.Skip("FUSE: ", err) // /dev/fuse is root's on some machines, or absent
	}
	s := newTestSession(t, testPolicy("/"))
	sys := s.System()
	var st syscall.Stat_t
	if err := sys.Stat(nil, "/etc", false, &st); err != nil {
		required(t, err)
	}
	rc := s.fleet.first
	hurry(rc)
	background, err := sys.Start(shCommand("sleep 1000", 2))
	must(t, err)
	within(t, func() {
		if err := sys.Stat(nil, dir+"/x", false, &st); err == nil || !strings.Contains(err.Error(), "did not answer for") {
			t.Errorf("stat: %v", err)
		}
		if end, ok := rc.host.ended(); !ok || end.Status.Signal() != syscall.SIGKILL || end.Meant {
			t.Errorf("the runner ended with %v %v", end, ok)
		}
		if _, _, err := background.Wait(); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("its command: %v", err)
		}
		must(t, sys.Stat(nil, "/etc", false, &st))
	})
}
