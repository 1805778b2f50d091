package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp"
)

// standInFor starts a stand-in that is the parent of programs.
func standInFor(t *testing.T, s interp.System, report interp.Report) (st interp.Parent, pid int) {
	t.Helper()
	si, err := s.StandIn(&interp.Command{Group: -1, Terminal: -1, Report: report})
	must(t, err)
	pid, err = si.Pid()
	must(t, err)
	return si.(interp.Parent), pid
}

// outputOf is what a child of a stand-in writes, and how it ends.
func outputOf(t *testing.T, st interp.Parent, text string, edit func(*interp.Command)) (string, syscall.WaitStatus, error) {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	c := shCommand(text, int(w.Fd()))
	if edit != nil {
		edit(c)
	}
	p, err := st.Start(c)
	w.Close()
	must(t, err)
	out, err := io.ReadAll(r)
	must(t, err)
	ws, _, err := p.Wait()
	return strings.TrimSpace(string(out)), ws, err
}

// TestParentStarts: programs of a stand-in are its children, and else as those of
// the runner.
func TestParentStarts(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	dir := t.TempDir()
	d, err := s.OpenDir(nil, dir)
	must(t, err)
	for _, report := range []interp.Report{0, interp.ReportStart} {
		st, pid := standInFor(t, s, report)
		if pid == s.Pid() {
			t.Error("it has the runner's number")
		}
		in := func(c *interp.Command) { c.Dir, c.Umask = d, 0o27 }
		out, ws, err := outputOf(t, st, `echo $PPID $(pwd) $(umask); ulimit -n 50; exit 3`, in)
		if want := fmt.Sprint(pid, " ", dir, " 0027"); out != want || ws.ExitStatus() != 3 || err != nil {
			t.Errorf("%q %#x %v, want %q", out, ws, err, want)
		}
		nowhere := func(c *interp.Command) { c.Paths = []string{"/nonexistent/sh"} }
		if _, _, err := outputOf(t, st, "", nowhere); err != syscall.ENOENT {
			t.Errorf("no program: %v", err)
		}
		if _, ws, err := outputOf(t, st, `kill -KILL $$`, nil); ws.Signal() != syscall.SIGKILL || err != nil {
			t.Errorf("killed: %#x %v", ws, err)
		}
		must(t, st.End(0))
		if err := s.Kill(pid, 0); err != syscall.ESRCH {
			t.Errorf("after its end: %v", err)
		}
		if ws, _, err := st.Wait(); ws != 0 || err != nil {
			t.Errorf("its end: %#x %v", ws, err)
		}
		if _, err := st.Start(shCommand("", 2)); err != nil {
			t.Errorf("a program of one that is gone: %v", err)
		}
	}
}

// TestParentIsSignalled: what a child sends its parent comes before its end, or
// instead of it.
func TestParentIsSignalled(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	st, pid := standInFor(t, s, interp.ReportStart|interp.ReportStops)
	must(t, st.Catch([]syscall.Signal{syscall.SIGUSR1, syscall.SIGCHLD}, []syscall.Signal{syscall.SIGINT}))
	var got atomic.Int32
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		for sig := range st.Signals() {
			if sig == syscall.SIGUSR2 {
				return
			}
			if sig != 0 {
				got.Add(1)
			}
		}
	}()
	for range 20 {
		n := got.Load()
		if _, ws, err := outputOf(t, st, `kill -INT $PPID; kill -USR1 $PPID`, nil); ws != 0 || err != nil {
			t.Fatal(ws, err)
		}
		if got := got.Load(); got != n+1 {
			t.Fatalf("%v signals, want %d", got, n+1)
		}
	}
	must(t, st.Catch([]syscall.Signal{syscall.SIGUSR2}, nil))
	must(t, s.Kill(pid, syscall.SIGUSR2))
	<-taken
	out, _, err := outputOf(t, st, `kill -STOP $PPID; kill -CONT $PPID; echo on`, nil)
	if out != "on" || err != nil {
		t.Errorf("stopped and continued: %q %v", out, err)
	}
	out, _, err = outputOf(t, st, `trap 'echo no' EXIT; kill -TERM $PPID; while kill -0 $PPID 2>/dev/null; do :; done; echo orphan; trap - EXIT`, nil)
	if out != "orphan" || !errors.Is(err, interp.ErrParentGone) {
		t.Errorf("killed: %q %v", out, err)
	}
	for {
		ws, _, err := st.Wait()
		must(t, err)
		if ws.Signaled() {
			if ws.Signal() != syscall.SIGTERM {
				t.Errorf("died of %v", ws.Signal())
			}
			break
		}
	}
}

// TestParentOfMany: a stand-in starts one program after the other, and more at a
// time than it has room for, and nothing grows.
func TestParentOfMany(t *testing.T) {
	s, l := newTestSystem(t, systemHooks{})
	st, _ := standInFor(t, s, interp.ReportStart)
	proc := fmt.Sprintf("/proc/%d/", l.pids[0])
	round := func(programs, standIns int) {
		var all []interp.Process
		for i := range programs {
			c := shCommand("", 2)
			c.Paths = []string{"/bin/true"}
			if i%10 == 0 {
				c.Paths = []string{"/nonexistent"}
			}
			p, err := st.Start(c)
			must(t, err)
			all = append(all, p)
			if len(all) < 3*standInChildren && i < programs-1 {
				continue
			}
			for _, p := range all {
				if ws, _, err := p.Wait(); ws != 0 || err != nil && err != syscall.ENOENT {
					t.Fatal(ws, err)
				}
			}
			all = all[:0]
		}
		for range standIns {
			other, _ := standInFor(t, s, 0)
			must(t, other.End(0))
		}
		s.awaitEnding()
	}
	sizes := func() [3]int {
		n := [3]int{count(t, "/proc/self/fd"), count(t, proc+"task"), 0}
		if os.Geteuid() == 0 {
			n[2] = count(t, proc+"fd")
		}
		return n
	}
	round(3*standInChildren, 50)
	before := sizes()
	round(1000, 500)
	after := sizes()
	for i := range after {
		if after[i] > before[i]+4 {
			t.Errorf("after: %v, before: %v (fds; threads and fds of the runner)", after, before)
			break
		}
	}
}

// TestAttackStandIn: a stand-in has the restrictions of a command, and what it
// shares with its runner is closed to commands.
func TestAttackStandIn(t *testing.T) {
	s := newTestSession(t, testPolicy(t.TempDir()))
	sys := s.System()
	if sys.Pid() == 0 {
		required(t, errors.New("no runner"))
	}
	st, _ := standInFor(t, sys, interp.ReportStart)
	const facts = `grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/%s/status`
	parent, _, err := outputOf(t, st, fmt.Sprintf(facts, "$PPID"), nil)
	must(t, err)
	own, _, err := outputOf(t, st, fmt.Sprintf(facts, "self"), nil)
	must(t, err)
	if parent != own || !strings.Contains(own, "NoNewPrivs:\t1") || !strings.Contains(own, "CapEff:\t0000000000000000") {
		t.Errorf("stand-in:\n%s\ncommand:\n%s", parent, own)
	}
	for _, file := range []string{"mem", "environ", "maps"} {
		out, _, err := outputOf(t, st, "head -c1 /proc/$PPID/"+file+" >/dev/null", nil)
		if err != nil || !strings.HasSuffix(out, "Permission denied") {
			t.Errorf("%s: %q %v", file, out, err)
		}
	}
	if out, ws, err := outputOf(t, st, "head -c1 /proc/self/environ >/dev/null", nil); out != "" || ws != 0 || err != nil {
		t.Errorf("a command's own: %q %#x %v", out, ws, err)
	}
}
