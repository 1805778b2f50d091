package sandbox_test

import (
	"fmt"
	"io"
	"os"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

// A program of one's own runs a command inside. It needs no helper programs:
// the processes of a session are this very program, started anew.
func ExampleNew() {
	home, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	rules, _, err := policy.Load(policy.Options{Dir: "/usr", Home: home, SystemFile: home + "/none.toml"})
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := sandbox.New(sandbox.Config{Policy: rules, Dir: "/usr"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	out, status, err := run(session.System(), "/bin/sh", "-c", "echo >/usr/x 2>/dev/null || echo cannot write; pwd")
	fmt.Print(out)
	fmt.Println("status", status, err)
	// Output:
	// cannot write
	// /usr
	// status 0 <nil>
}

// run starts a command with its output in a pipe and waits for it.
func run(sys interp.System, argv ...string) (string, int, error) {
	dir, err := sys.StartDir()
	if err != nil {
		return "", 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", 0, err
	}
	defer r.Close()
	p, err := sys.Start(&interp.Command{
		Paths: argv[:1], Argv: argv, Env: []string{"PATH=/usr/bin:/bin"}, Dir: dir, Umask: 0o22, Group: -1, Terminal: -1,
		Files: []interp.FileMap{{Child: 1, FD: int(w.Fd())}},
	})
	w.Close()
	if err != nil {
		return "", 0, err
	}
	out, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	ws, _, err := p.Wait()
	return string(out), ws.ExitStatus(), err
}
