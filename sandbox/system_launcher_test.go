package sandbox

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

// bareLauncher starts runners that nothing confines. A policy's Dir is its
// identity here.
type bareLauncher struct {
	t     testing.TB
	mu    sync.Mutex
	conns map[string]*runnerConn
	pids  []int
	// dirs lists directories that have a policy of their own.
	dirs []string
}

func (l *bareLauncher) policyFor(dir string) (*policy.Policy, error) {
	p := &policy.Policy{Dir: "/"}
	for _, d := range l.dirs {
		if dir == d || strings.HasPrefix(dir, d+"/") {
			p.Dir = d
		}
	}
	return p, nil
}

func (l *bareLauncher) runner(p *policy.Policy) (*runnerConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if rc := l.conns[p.Dir]; rc != nil && !rc.dead() {
		return rc, nil
	}
	rc, pid, err := startBareRunner(blockedSignals())
	if err != nil {
		return nil, err
	}
	l.conns[p.Dir] = rc
	l.pids = append(l.pids, pid)
	l.t.Cleanup(func() {
		rc.close()
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	})
	return rc, nil
}

func startBareRunner(mask uint64) (*runnerConn, int, error) {
	var fds [4]int
	for i := 0; i < 4; i += 2 {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, 0, err
		}
		fds[i], fds[i+1] = pair[0], pair[1]
	}
	runtime.LockOSThread()
	var old uint64
	rawMask(&mask, &old)
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"fsh-runner"}, &syscall.ProcAttr{
		Dir: "/", Files: []uintptr{0, 1, 2, uintptr(fds[1]), uintptr(fds[3])},
	})
	rawMask(&old, nil)
	runtime.UnlockOSThread()
	syscall.Close(fds[1])
	syscall.Close(fds[3])
	if err != nil {
		return nil, 0, err
	}
	rc, err := newRunnerConn(fds[0], fds[2])
	return rc, pid, err
}

func newTestSystem(t testing.TB, hooks systemHooks, dirs ...string) (*system, *bareLauncher) {
	t.Helper()
	l := &bareLauncher{t: t, conns: map[string]*runnerConn{}, dirs: dirs}
	s, err := newSystem(l, t.TempDir(), hooks)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

// shCommand is `sh -c text` with output to fd out.
func shCommand(text string, out int) *interp.Command {
	return &interp.Command{
		Paths: []string{"/bin/sh"}, Argv: []string{"sh", "-c", text}, Env: []string{"PATH=/usr/bin:/bin"},
		Files: []interp.FileMap{{Child: 1, FD: out}, {Child: 2, FD: out}},
		Umask: 022, Group: -1, Terminal: -1,
	}
}

// output runs a command and returns what it wrote, with its status.
func output(t testing.TB, s *system, edit func(*interp.Command), text string) (string, syscall.WaitStatus) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := shCommand(text, int(w.Fd()))
	if edit != nil {
		edit(c)
	}
	p, err := s.Start(c)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			break
		}
	}
	ws, _, err := p.Wait()
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return strings.TrimSuffix(b.String(), "\n"), ws
}
