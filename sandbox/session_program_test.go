package sandbox

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

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
	long := dir + "/w:w:::/tmp:/usr/bin:" + dir + "/absent:/bin"
	for program, want := range map[string]string{"/bin/sh": "/usr/bin:/bin", "/bin/bash": long} {
		if out, _ := sessionOutput(t, s, []string{"PATH=" + long}, program, "-c", `echo "$PATH"`); out != want {
			t.Errorf("PATH of %s: %q, want %q", program, out, want)
		}
	}
	if out, _ := sessionOutput(t, s, []string{"PATH=" + dir + "/w"}, "/bin/sh", "-c", "env"); strings.Contains(out, "PATH=") {
		t.Errorf("an empty PATH: %q", out)
	}
	if out, _ := sessionOutput(t, s, env, dir+"/w/sh", "-c", script); strings.Contains(out, "written") {
		t.Errorf("another file of its name: %q", out)
	}
	if out, _ := sessionOutput(t, s, env, "/usr/bin/env"); !strings.Contains(out, "LD_X=1") {
		t.Errorf("another program: %q", out)
	}
}

// A path that the session cannot write may lead through one that it can, and
// end anywhere.
func TestProgramBehindLinks(t *testing.T) {
	dir := outside(t)
	own := testPolicy(dir)
	own.Filesystem.AllowWrite = paths(dir)
	own.Environment.Pass = []policy.EnvRule{{Pattern: "*"}}
	p := testPolicy(dir)
	must(t, os.Symlink("w", dir+"/tree")) // the rule's own path is a link
	p.Filesystem.AllowWrite = paths(dir + "/tree")
	p.Programs = []policy.Program{{Name: "sh", Policy: own},
		{Name: dir + "/n/tool", Policy: own},
		{Name: dir + "/w/led/dash", Files: []string{dir + "/w/led/dash", "/usr/bin/dash"}, Policy: own}}
	write(t, dir+"/w/f", "x")
	for at, text := range map[string]string{
		"/a/sh": "/bin/sh", "/b/sh": "../a/sh", "/c/sh": "../w/link", "/w/link": "/bin/sh", "/d": "w/dir", "/w/dir": "/usr/bin",
		"/e/sh": dir + "/w/copy", "/g": "a", "/w/led": "/usr/bin",
		"/n/tool": "/bin/sh", "/w/up": "p/q", "/w/a/sh": "/bin/sh",
	} {
		must(t, os.MkdirAll(filepath.Dir(dir+at), 0o755))
		must(t, os.Symlink(text, dir+at))
	}
	must(t, os.MkdirAll(dir+"/w/p/q", 0o755))
	s := newTestSession(t, p)
	if out, _ := sessionOutput(t, s, nil, "/bin/cp", "/bin/sh", dir+"/w/copy"); out != "" {
		t.Fatal(out)
	}
	for file, wide := range map[string]bool{
		"/bin/sh": true, dir + "/a/sh": true, dir + "/b/sh": true, dir + "/g/sh": true, dir + "/a/../b/sh": true,
		"a/sh": true, "./a/../b/sh": true, "n/tool": true, "./n/tool": true, dir + "/n/tool": true,
		"w/up/../../a/sh": false, dir + "/w/up/../../a/sh": false, "w/a/sh": false,
		dir + "/c/sh": false, dir + "/d/sh": false, dir + "/e/sh": false, dir + "/w/link": false, "/usr/bin/dash": false,
	} {
		if file == "/usr/bin/dash" && unix.Access(file, unix.X_OK) != nil {
			continue
		}
		for range 2 {
			out, _ := sessionOutput(t, s, nil, file, "-c", "echo x > "+dir+"/file && echo written")
			if got := strings.Contains(out, "written"); got != wide {
				t.Errorf("%s: wide %v, want %v: %q", file, got, wide, out)
			}
		}
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
