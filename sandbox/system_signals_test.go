package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/interp"
)

func TestStops(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	p, err := s.Start(&interp.Command{Paths: []string{"/bin/sleep"}, Argv: []string{"sleep", "100"}, Group: 0, Terminal: -1,
		Report: interp.ReportStart | interp.ReportStops})
	must(t, err)
	pid, err := p.Pid()
	must(t, err)
	for _, c := range []struct {
		pid  int
		sig  syscall.Signal
		want func(syscall.WaitStatus) bool
	}{
		{pid, syscall.SIGSTOP, syscall.WaitStatus.Stopped},
		{-pid, syscall.SIGCONT, syscall.WaitStatus.Continued},
		{-pid, syscall.SIGTERM, syscall.WaitStatus.Signaled},
	} {
		must(t, s.Kill(c.pid, c.sig))
		ws, _, err := p.Wait()
		if err != nil || !c.want(ws) {
			t.Errorf("after %v: %#x %v", c.sig, ws, err)
		}
	}
	if err := s.Kill(-pid, 0); err != syscall.ESRCH {
		t.Errorf("group is left: %v", err)
	}
}

// The second program of a pipeline may come when the first one and its group
// have gone.
func TestVanishedGroup(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	leader, err := s.Start(&interp.Command{Paths: []string{"/bin/true"}, Argv: []string{"true"}, Group: 0, Terminal: -1, Report: interp.ReportStart})
	must(t, err)
	group, err := leader.Pid()
	must(t, err)
	_, _, err = leader.Wait()
	must(t, err)
	var members []interp.Process
	for range 2 {
		p, err := s.Start(&interp.Command{Paths: []string{"/bin/sleep"}, Argv: []string{"sleep", "100"}, Group: group, Terminal: -1, Report: interp.ReportStart})
		must(t, err)
		_, err = p.Pid()
		must(t, err)
		members = append(members, p)
	}
	must(t, s.Kill(-group, syscall.SIGTERM))
	for _, p := range members {
		if ws, _, err := p.Wait(); err != nil || ws.Signal() != syscall.SIGTERM {
			t.Errorf("%v %v", ws, err)
		}
	}
}

// Signals to $$ reach the shell, whoever sends them and while commands are
// being started; the runner survives.
func TestSignalsToShell(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	pid := s.Pid()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGPIPE} {
		must(t, s.Kill(pid, sig))
		if got := <-s.Signals(); got != sig {
			t.Errorf("Kill: %v, want %v", got, sig)
		}
		p, err := s.Start(shCommand(fmt.Sprintf("kill -%d $PPID", sig), 2))
		must(t, err)
		for range 5 { // forks with the signal about to arrive
			q, err := s.Start(shCommand(":", 2))
			must(t, err)
			_, _, err = q.Wait()
			must(t, err)
		}
		_, _, err = p.Wait()
		must(t, err)
		if got := <-s.Signals(); got != sig {
			t.Errorf("command: %v, want %v", got, sig)
		}
	}
}

// A signal to a command that has not executed yet is the command's: it dies of
// it, and the handlers it still shares with the runner tell the shell nothing.
func TestSignalsToCommandsBeingStarted(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	storm := shCommand("trap '' USR1; while :; do kill -USR1 0; done", 2)
	storm.Group, storm.Report = 0, interp.ReportStart
	leader, err := s.Start(storm)
	must(t, err)
	group, err := leader.Pid()
	must(t, err)
	killed := 0
	for i := 0; i < 300 || killed == 0 && i < 10000; i++ {
		c := shCommand(":", 2)
		c.Group = group
		p, err := s.Start(c)
		must(t, err)
		ws, _, err := p.Wait()
		switch {
		case err != nil:
			t.Fatal(err)
		case ws.Signaled() && ws.Signal() == syscall.SIGUSR1:
			killed++
		case ws != 0:
			t.Fatalf("status %#x", ws)
		}
	}
	if killed == 0 {
		t.Error("no signal arrived")
	}
	must(t, s.Kill(-group, syscall.SIGKILL))
	if ws, _, err := leader.Wait(); err != nil || ws.Signal() != syscall.SIGKILL {
		t.Errorf("%#x %v", ws, err)
	}
	select {
	case sig := <-s.Signals():
		t.Errorf("the shell was told of %v", sig)
	default:
	}
}

// No signal at any moment of a fork harms runner or command.
func TestSignalStorm(t *testing.T) {
	s, l := newTestSystem(t, systemHooks{})
	s.Pid()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-s.Signals():
			default:
				sigs := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGTSTP, syscall.SIGPIPE}
				_ = syscall.Kill(l.pids[0], sigs[i%len(sigs)])
			}
		}
	}()
	for range 300 {
		// Real-time signals queue, in a space that all processes of the user
		// share: a few at a time.
		_ = syscall.Kill(l.pids[0], 40)
		_ = syscall.Kill(l.pids[0], kickSignal)
		p, err := s.Start(&interp.Command{Paths: []string{"/nonexistent", "/bin/true"}, Argv: []string{"true"}, Group: -1, Terminal: -1})
		must(t, err)
		if ws, _, err := p.Wait(); ws != 0 || err != nil {
			t.Fatalf("%#x %v", ws, err)
		}
		var st syscall.Stat_t
		must(t, s.Stat(nil, "/", false, &st))
	}
	close(stop)
	<-stopped
	if len(l.pids) != 1 {
		t.Error("the runner was replaced")
	}
}

// Exec ends as the program does, and the program gets what is sent to the
// shell, by its number outside or inside.
func TestExec(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	if _, err := s.Exec(&interp.Command{Paths: []string{"/nonexistent"}, Argv: []string{"x"}, Group: -1, Terminal: -1}); err != syscall.ENOENT {
		t.Errorf("%v", err)
	}
	if ws, err := s.Exec(shCommand("exit 3", 2)); err != nil || ws.ExitStatus() != 3 {
		t.Errorf("%#x %v", ws, err)
	}
	for name, send := range map[string]func() error{
		"outside": func() error { return syscall.Kill(os.Getpid(), syscall.SIGUSR1) },
		"inside":  func() error { return syscall.Kill(s.Pid(), syscall.SIGUSR1) },
	} {
		r, w, err := os.Pipe()
		must(t, err)
		sent := make(chan error, 1)
		go func() {
			var b [1]byte
			_, _ = r.Read(b[:])
			for s.execPid.Load() == 0 {
				runtime.Gosched()
			}
			sent <- send()
		}()
		ws, err := s.Exec(shCommand("trap 'exit 9' USR1; echo; while :; do sleep 0.01; done", int(w.Fd())))
		if err != nil || ws.ExitStatus() != 9 {
			t.Errorf("%s: %#x %v", name, ws, err)
		}
		must(t, <-sent)
		r.Close()
		w.Close()
	}
}

func TestStandIn(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	start := func() (interp.StandIn, int) {
		si, err := s.StandIn(&interp.Command{Group: 0, Terminal: -1, Report: interp.ReportStops, Ignored: []syscall.Signal{syscall.SIGQUIT}})
		must(t, err)
		pid, err := si.Pid()
		must(t, err)
		return si, pid
	}
	si, pid := start()
	must(t, si.Catch([]syscall.Signal{syscall.SIGUSR1, syscall.SIGTERM}, []syscall.Signal{syscall.SIGINT}))
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1} {
		must(t, s.Kill(-pid, sig))
		if sig != syscall.SIGINT {
			if got := <-si.Signals(); got != sig {
				t.Errorf("reported: %v, want %v", got, sig)
			}
		}
	}
	must(t, s.Kill(pid, syscall.SIGTSTP))
	if ws, _, err := si.Wait(); err != nil || !ws.Stopped() {
		t.Errorf("stop: %#x %v", ws, err)
	}
	must(t, s.Kill(pid, syscall.SIGCONT))
	if ws, _, err := si.Wait(); err != nil || !ws.Continued() {
		t.Errorf("continue: %#x %v", ws, err)
	}
	must(t, si.End(5))
	if ws, _, err := si.Wait(); err != nil || ws.ExitStatus() != 5 {
		t.Errorf("end: %#x %v", ws, err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGUSR1, syscall.SIGHUP, syscall.SIGINT, syscall.SIGKILL} {
		si, pid := start()
		must(t, s.Kill(pid, syscall.SIGQUIT)) // ignored from the start
		must(t, s.Kill(pid, sig))
		if ws, _, err := si.Wait(); err != nil || ws.Signal() != sig {
			t.Errorf("%v: %#x %v", sig, ws, err)
		}
		if err := si.Catch(nil, nil); err != syscall.ESRCH {
			t.Errorf("catch when dead: %v", err)
		}
	}
}

func TestRunnerDies(t *testing.T) {
	s, l := newTestSystem(t, systemHooks{})
	dir := t.TempDir()
	d, err := s.OpenDir(nil, dir)
	must(t, err)
	p, err := s.Start(&interp.Command{Paths: []string{"/bin/sleep"}, Argv: []string{"sleep", "2"}, Group: -1, Terminal: -1})
	must(t, err)
	must(t, syscall.Kill(l.pids[0], syscall.SIGKILL))
	var gone *GoneError
	if _, _, err := p.Wait(); !errors.As(err, &gone) || !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("Wait: %v", err)
	}
	out, _ := output(t, s, func(c *interp.Command) { c.Dir = d }, "pwd")
	if out != dir || len(l.pids) != 2 {
		t.Errorf("%q, %d runners", out, len(l.pids))
	}
}

// A runner that dies while nothing is asked of it is noticed by its next user.
func TestIdleRunnerDies(t *testing.T) {
	dead := make(chan struct{})
	s, l := newTestSystem(t, systemHooks{gone: func(*runnerConn) { close(dead) }})
	s.Pid()
	must(t, syscall.Kill(l.pids[0], syscall.SIGKILL))
	<-dead
	if out, _ := output(t, s, nil, "echo again"); out != "again" {
		t.Error(out)
	}
}

// Commands that nobody waits for do not block anybody else.
func TestUnwaitedCommands(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	var all []interp.Process
	for range 600 {
		p, err := s.Start(&interp.Command{Paths: []string{"/bin/true"}, Argv: []string{"true"}, Group: -1, Terminal: -1})
		must(t, err)
		all = append(all, p)
	}
	for _, p := range all {
		if ws, _, err := p.Wait(); ws != 0 || err != nil {
			t.Fatal(ws, err)
		}
	}
}

func count(t testing.TB, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	must(t, err)
	return len(list)
}

func TestNothingGrows(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 commands")
	}
	s, l := newTestSystem(t, systemHooks{})
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	must(t, err)
	defer null.Close()
	run := func(n int) {
		for i := range n {
			c := shCommand("", int(null.Fd()))
			c.Paths = []string{"/bin/true"}
			if i%10 == 0 {
				c.Paths = []string{"/nonexistent"}
			}
			p, err := s.Start(c)
			must(t, err)
			if _, _, err = p.Wait(); err != nil && err != syscall.ENOENT {
				t.Fatal(err)
			}
			if i%10 == 1 {
				d, err := s.OpenDir(nil, "/tmp")
				must(t, err)
				_, err = d.Getcwd()
				must(t, err)
			}
		}
		runtime.GC()
		runtime.GC()
		time.Sleep(time.Millisecond) // cleanups have a goroutine of their own
		_, err := s.OpenDir(nil, "/")
		must(t, err)
	}
	sizes := func() [4]int {
		proc := fmt.Sprintf("/proc/%d/", l.pids[0])
		n := [4]int{count(t, "/proc/self/fd"), count(t, "/proc/self/task"), 0, count(t, proc+"task")}
		if os.Geteuid() == 0 { // to others, a runner does not show its descriptors
			n[2] = count(t, proc+"fd")
		}
		return n
	}
	run(500)
	before := sizes()
	n := 10_000
	run(n)
	after := sizes()
	for i := range after {
		if after[i] > before[i]+4 {
			t.Errorf("after %d commands: %v, before: %v (fds, threads; fds, threads of the runner)", n, after, before)
			break
		}
	}
}
