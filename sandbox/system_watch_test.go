package sandbox

import (
	"errors"
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
