package main_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSandboxIsLazy: a script of builtins gets by without a sandbox, here one
// that cannot be had because the policy hides where it starts. The first thing
// that needs it ends fsh, and nothing after it runs.
func TestSandboxIsLazy(t *testing.T) {
	fsh, dir := fshBinary(t), filepath.Join(home(t), ".ssh")
	const hidden = "fsh: working directory: permission denied\n"
	for _, test := range []struct {
		script, out, errout string
		status              int
	}{
		{`:`, "", "", 0},
		{`x=$(echo b); f() { echo "$1"; }; f "$x"; echo "$PWD"`, "b\n" + dir + "\n", "", 0},
		{`echo a; /bin/true; echo b`, "a\n", hidden, 125},
		{`echo a; echo x >y; echo b`, "a\n", hidden, 125},
		{`echo a; cd /; echo b`, "a\n", hidden, 125},
		{`trap 'echo t' EXIT; echo *; echo b`, "", hidden, 125},
		{`echo $$; echo b`, "", hidden, 125},
		{`x=$(/bin/true) || echo b; echo c`, "", hidden, 125},
	} {
		cmd := exec.Command(fsh, "-c", test.script)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + filepath.Dir(dir), "PATH=/usr/bin:/bin", "PWD=" + dir}
		var out, errout bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errout
		err := cmd.Run()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if out.String() != test.out || errout.String() != test.errout || cmd.ProcessState.ExitCode() != test.status {
			t.Errorf("%q: %q %q %d, want %q %q %d", test.script,
				out.String(), errout.String(), cmd.ProcessState.ExitCode(), test.out, test.errout, test.status)
		}
	}
}
