package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
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

// TestHelpersStartWithoutTheProxy: what the keeper and runners are run
// before the packages of the network filter are initialised. It takes most of
// what all others together take, in each of them.
func TestHelpersStartWithoutTheProxy(t *testing.T) {
	for _, test := range []struct {
		name string
		want bool
	}{
		{"fsh-runner", false},
		{"fsh-keeper", false},
		{"fsh", true}, // or the test proves nothing
	} {
		cmd := exec.Command(fshBinary(t), "-c", ":")
		cmd.Args[0] = test.name
		cmd.Env = []string{"GODEBUG=inittrace=1"}
		// Should a keeper set itself up all the same, it is not the machine's /proc
		// that it covers.
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
		}
		trace, _ := cmd.CombinedOutput() // without their sockets, helpers end
		if !bytes.Contains(trace, []byte("init os ")) {
			t.Fatalf("%s: no trace: %s", test.name, trace)
		}
		if got := bytes.Contains(trace, []byte("init github.com/elazarl/goproxy ")); got != test.want {
			t.Errorf("%s: the proxy's packages are initialised: %v\n%s", test.name, got, trace)
		}
	}
}
