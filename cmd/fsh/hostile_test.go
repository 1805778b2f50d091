package main_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHostileSetUp: whatever is wrong around fsh, it either works or ends
// with 125 and says what is wrong. It never hangs and never runs unconfined.
func TestHostileSetUp(t *testing.T) {
	dir := home(t)
	odd := filepath.Join(dir, "odd")
	for _, d := range []string{odd + "/dir", dir + "/gone", dir + "/readonly"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(syscall.Mkfifo(odd+"/fifo", 0o644), os.Symlink("loop", odd+"/loop"), os.Chmod(dir+"/readonly", 0o500),
		os.WriteFile(odd+"/empty", nil, 0o644), os.WriteFile(odd+"/garbage", []byte("\x00\xff"), 0o644)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", odd+"/sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const works = "cat /etc/hostname >/dev/null && cat .ssh/id_ed25519; echo works"
	tests := []struct {
		name   string
		args   []string
		home   string // "-": none
		limit  string // of open files
		status int
		says   string // in standard error
	}{
		{"all is well", nil, dir, "", 0, "Permission denied"},
		{"no HOME", nil, "-", "", 0, ""},
		{"relative HOME", nil, "relative", "", 0, ""},
		{"HOME is absent", nil, dir + "/absent/home", "", 0, "caches are not kept"},
		{"HOME is a file", nil, odd + "/empty", "", 0, ""},
		{"HOME cannot be written", nil, dir + "/readonly", "", 0, ""},
		{"policy is a fifo", []string{"--policy=odd/fifo"}, dir, "", 125, "not a regular file"},
		{"policy is a socket", []string{"--policy=odd/sock"}, dir, "", 125, "odd/sock"},
		{"policy is a loop", []string{"--policy=odd/loop"}, dir, "", 125, "too many levels"},
		{"policy is a directory", []string{"--policy=odd/dir"}, dir, "", 125, "is a directory"},
		{"policy is absent", []string{"--policy=odd/absent"}, dir, "", 125, "no such file"},
		{"policy is garbage", []string{"--policy=odd/garbage"}, dir, "", 125, "garbage:1:1"},
		{"rule about a fifo", []string{"--deny-read=odd/fifo", "--allow-write=odd"}, dir, "", 0, ""},
		{"write to a fifo allowed", []string{"--allow-write=odd/fifo"}, dir, "", 0, ""},
		{"rule about a loop", []string{"--deny-read=odd/loop", "--allow-write=odd"}, dir, "", 0, ""},
		{"write to a loop allowed", []string{"--allow-write=odd/loop"}, dir, "", 125, "odd/loop"},
		{"rule about a socket", []string{"--deny-read=odd/sock", "--allow-write=odd"}, dir, "", 0, ""},
		{"8 open files", nil, dir, "8", 125, "too many open files"},
		{"16 open files", nil, dir, "16", 125, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			argv := append(append([]string{fshBinary(t)}, test.args...), "-c", works)
			if test.limit != "" {
				argv = append([]string{"/bin/sh", "-c", `ulimit -n ` + test.limit + `; exec "$@"`, "sh"}, argv...)
			}
			env := []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
			if test.home != "-" {
				env = append(env, "HOME="+test.home)
			}
			status, stdout, stderr := runIn(t, dir, env, argv)
			if status != test.status || !strings.Contains(stderr, test.says) || (status == 0) != strings.HasSuffix(stdout, "works\n") {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
			if test.home == dir && strings.Contains(stdout, "t0psecret") {
				t.Errorf("unconfined: %q", stdout)
			}
			if status == 125 && !strings.HasPrefix(stderr, "fsh: ") {
				t.Errorf("no reason: %q", stderr)
			}
		})
	}
	if _, err := os.Lstat(dir + "/absent"); err == nil {
		t.Error("a home was made")
	}
	t.Run("no working directory", func(t *testing.T) {
		status, _, stderr := runIn(t, dir+"/gone", []string{"HOME=" + dir, "PATH=/usr/bin:/bin"},
			[]string{"/bin/sh", "-c", `rmdir ../gone; exec "$0" -c 'echo x'`, fshBinary(t)})
		if status != 125 || !strings.Contains(stderr, "working directory") {
			t.Errorf("status %d, stderr %q", status, stderr)
		}
	})
}

func runIn(t *testing.T, dir string, env, argv []string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errout.String()
}
