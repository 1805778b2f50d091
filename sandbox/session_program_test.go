package sandbox

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// sessionOutput runs a command through the session's System.
func sessionOutput(t *testing.T, s *Session, env []string, argv ...string) (string, int) {
	t.Helper()
	sys := s.System()
	dir, err := sys.StartDir()
	if err != nil {
		required(t, err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := sys.Start(&interp.Command{
		Paths: []string{argv[0]}, Argv: argv, Env: env, Dir: dir, Umask: 0o22, Group: -1, Terminal: -1,
		Files: []interp.FileMap{{Child: 1, FD: int(w.Fd())}, {Child: 2, FD: int(w.Fd())}},
	})
	w.Close()
	if err != nil {
		required(t, err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	ws, _, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), ws.ExitStatus()
}

// A program's table is for its file, not for whoever takes its name.
func TestProgramPolicy(t *testing.T) {
	dir := outside(t)
	own := testPolicy(dir)
	own.Filesystem.AllowWrite = paths(dir)
	own.Environment.Pass = []policy.EnvRule{{Pattern: "*"}}
	own.Environment.Deny = []policy.EnvRule{{Pattern: "LD_*"}}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir + "/w")
	p.Programs = []policy.Program{{Name: "sh", Policy: own}}
	write(t, dir+"/w/f", "x")
	if err := os.Symlink("/bin/sh", dir+"/w/sh"); err != nil {
		t.Fatal(err)
	}
	s := newTestSession(t, p)
	env := []string{"PATH=/usr/bin:/bin", "LD_X=1"}
	script := "echo x > " + dir + "/file && echo written; echo $LD_X"
	if out, _ := sessionOutput(t, s, env, "/bin/sh", "-c", script); out != "written" {
		t.Errorf("the program itself: %q", out)
	}
	if out, _ := sessionOutput(t, s, env, dir+"/w/sh", "-c", script); strings.Contains(out, "written") {
		t.Errorf("another file of its name: %q", out)
	}
	if out, _ := sessionOutput(t, s, env, "/usr/bin/env"); !strings.Contains(out, "LD_X=1") {
		t.Errorf("another program: %q", out)
	}
}

// Rules about names refuse a command before it is asked for.
func TestCommandGuardrail(t *testing.T) {
	p := testPolicy(t.TempDir())
	p.Command.Deny = []policy.CommandRule{{Words: []string{"env", "-i"}}}
	sink := make(chanSink, 16)
	s, err := New(Config{Policy: p, Dir: p.Dir, Sink: sink})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sys := s.System()
	dir, err := sys.StartDir()
	if err != nil {
		required(t, err)
	}
	c := &interp.Command{Paths: []string{"/usr/bin/env"}, Argv: []string{"env", "-i", "x"}, Dir: dir, Group: -1, Terminal: -1}
	proc, err := sys.Start(c)
	if err == nil {
		_, _, err = proc.Wait()
	}
	if err == nil || errnoName(err) != "EACCES" {
		t.Errorf("got %v", err)
	}
	if e := <-sink; !e.Denied || e.Target != "env -i x" {
		t.Errorf("event %+v", e)
	}
}
