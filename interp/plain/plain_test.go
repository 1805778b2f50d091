package plain_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/interp/plain"
)

func TestMain(m *testing.M) {
	plain.Hidden()
	os.Exit(m.Run())
}

func newSystem(t *testing.T) (*plain.System, interp.Dir) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := plain.New(self)
	start, err := s.StartDir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := s.OpenDir(start, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// command runs text in dash, or fails to.
func command(dir interp.Dir, text string) *interp.Command {
	return &interp.Command{
		Paths: []string{"/bin/sh"}, Argv: []string{"sh", "-c", text}, Env: []string{"PATH=/usr/bin:/bin"},
		Dir: dir, Umask: 0o22, Group: -1, Terminal: -1,
		Files: []interp.FileMap{{Child: 0, FD: 0}, {Child: 1, FD: 1}, {Child: 2, FD: 2}},
	}
}

func run(t *testing.T, s *plain.System, c *interp.Command) int {
	t.Helper()
	p, err := s.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	ws, _, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

func TestStart(t *testing.T) {
	s, dir := newSystem(t)
	for _, row := range []struct {
		name, text string
		change     func(*interp.Command)
		want       int
	}{
		{"status", "exit 7", nil, 7},
		{"signal", "kill -TERM $$", nil, 128 + 15},
		{"ignored", "kill -TERM $$; exit 3", func(c *interp.Command) { c.Ignored = []syscall.Signal{syscall.SIGTERM} }, 3},
		{"umask", `[ "$(umask)" = 0077 ]`, func(c *interp.Command) { c.Umask = 0o77 }, 0},
		{"other umask", `[ "$(umask)" = 0077 ]`, nil, 1},
		{"limit", `[ "$(ulimit -n)" = 40 ]`, func(c *interp.Command) {
			c.Limits = []interp.Limit{{Resource: syscall.RLIMIT_NOFILE, Cur: 40, Max: 40}}
		}, 0},
		{"high descriptor", "echo x >&9", func(c *interp.Command) {
			c.Files = append(c.Files, interp.FileMap{Child: 9, FD: 1})
		}, 0},
		{"no descriptor", "exec 2>&-; echo x >&9", nil, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := command(dir, row.text)
			if row.change != nil {
				row.change(c)
			}
			if got := run(t, s, c); got != row.want {
				t.Errorf("status %d, want %d", got, row.want)
			}
		})
	}
}

func TestStartErrors(t *testing.T) {
	s, dir := newSystem(t)
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte("echo\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		paths []string
		want  error
	}{
		{[]string{"/nonexistent/a"}, syscall.ENOENT},
		{[]string{"/"}, syscall.EACCES},
		{[]string{"/", "/nonexistent/a"}, syscall.EACCES},
		{[]string{path}, syscall.ENOEXEC},
		{[]string{"/nonexistent/a", "/bin/true"}, nil},
	} {
		for _, ignored := range [][]syscall.Signal{nil, {syscall.SIGTERM}} { // with the stub, too
			c := command(dir, "")
			c.Paths, c.Ignored = row.paths, ignored
			p, err := s.Start(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := p.Wait(); err != row.want {
				t.Errorf("%v, ignored %v: %v, want %v", row.paths, ignored, err, row.want)
			}
		}
	}
}

func TestOpenAppliesTheUmaskOfTheRequest(t *testing.T) {
	s, dir := newSystem(t)
	for _, umask := range []uint32{0, 0o22, 0o77} {
		fd, err := s.Open(&interp.OpenRequest{
			Dir: dir, Path: "f", Flags: syscall.O_WRONLY | syscall.O_CREAT | syscall.O_TRUNC, Mode: 0o666, Umask: umask,
		})
		if err != nil {
			t.Fatal(err)
		}
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil {
			t.Fatal(err)
		}
		syscall.Close(fd)
		if got := st.Mode & 0o777; got != 0o666&^umask {
			t.Errorf("umask %o: mode %o", umask, got)
		}
		cwd, err := dir.Getcwd()
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(cwd, "f"))
	}
}

func TestOpenCanBeCancelled(t *testing.T) {
	s, dir := newSystem(t)
	if err := s.Mkfifo(dir, "fifo", 0o600, 0); err != nil {
		t.Fatal(err)
	}
	cancel := make(chan struct{})
	close(cancel)
	if _, err := s.Open(&interp.OpenRequest{Dir: dir, Path: "fifo", Cancel: cancel}); err != syscall.EINTR {
		t.Errorf("got %v, want EINTR", err)
	}
	// A writer lets the open that is left behind succeed and be closed.
	fd, err := s.Open(&interp.OpenRequest{Dir: dir, Path: "fifo", Flags: syscall.O_RDWR})
	if err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
}

func TestStandIn(t *testing.T) {
	s, dir := newSystem(t)
	start := func() (interp.StandIn, int) {
		t.Helper()
		c := command(dir, "")
		c.Ignored = []syscall.Signal{syscall.SIGHUP}
		st, err := s.StandIn(c)
		if err != nil {
			t.Fatal(err)
		}
		pid, err := st.Pid()
		if err != nil {
			t.Fatal(err)
		}
		return st, pid
	}
	wait := func(st interp.StandIn) syscall.WaitStatus {
		t.Helper()
		ws, _, err := st.Wait()
		if err != nil {
			t.Fatal(err)
		}
		return ws
	}
	t.Run("ends with a status", func(t *testing.T) {
		st, pid := start()
		s.Kill(pid, syscall.SIGHUP) // ignored
		if err := st.End(5); err != nil {
			t.Fatal(err)
		}
		if ws := wait(st); ws.ExitStatus() != 5 {
			t.Errorf("got %v", ws)
		}
	})
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGKILL} {
		t.Run("dies of "+sig.String(), func(t *testing.T) {
			st, pid := start()
			s.Kill(pid, sig)
			if ws := wait(st); !ws.Signaled() || ws.Signal() != sig {
				t.Errorf("got %v", ws)
			}
			if _, open := <-st.Signals(); open {
				t.Error("a signal was reported")
			}
		})
	}
	t.Run("reports what it catches", func(t *testing.T) {
		st, pid := start()
		if err := st.Catch([]syscall.Signal{syscall.SIGUSR1}, nil); err != nil {
			t.Fatal(err)
		}
		// Orders are taken one after another: it reacts to this one last.
		s.Kill(pid, syscall.SIGSTOP)
		s.Kill(pid, syscall.SIGCONT)
		st.End(0)
		wait(st)
	})
}
