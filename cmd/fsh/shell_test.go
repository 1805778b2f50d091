package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestShellDropsRights: all threads of the shell are under the filter while a
// command runs, exposed ports work all the same, and the plain shell, which
// starts its commands itself, is not restricted.
func TestShellDropsRights(t *testing.T) {
	require(t, "nc")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	dir := home(t)
	rules := filepath.Join(dir, "policy.toml")
	text := fmt.Sprintf("version = 1\n[network]\nallow_local_binding = true\nexpose_ports = [%d]\n", port)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`/bin/echo ready; echo hi | nc -l -N 127.0.0.1 %d >/dev/null; read -r x; cd /tmp; /bin/echo "$x"`, port)
	for _, test := range []struct {
		args   []string
		locked string
	}{
		{[]string{"--policy=" + rules}, "Seccomp:\t2\n"},
		{[]string{"--unsafe-no-sandbox"}, "Seccomp:\t0\n"},
	} {
		cmd := exec.Command(fshBinary(t), append(test.args, "-c", script)...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		defer timer.Stop()
		lines := bufio.NewReader(out)
		if line, err := lines.ReadString('\n'); line != "ready\n" {
			t.Fatalf("%v: %q %v", test.args, line, err)
		}
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", cmd.Process.Pid))
		if len(threads) < 2 {
			t.Errorf("%v: %d threads", test.args, len(threads))
		}
		for _, thread := range threads {
			status, err := os.ReadFile(thread)
			if err == nil && (!strings.Contains(string(status), test.locked) ||
				strings.Contains(string(status), "NoNewPrivs:\t1") != (test.locked == "Seccomp:\t2\n")) {
				t.Errorf("%v: %s:\n%s", test.args, thread, status)
			}
		}
		if got := dialUntil(t, port); got != "hi\n" {
			t.Errorf("%v: the port gave %q", test.args, got)
		}
		io.WriteString(in, "end\n")
		if line, err := lines.ReadString('\n'); line != "end\n" {
			t.Errorf("%v: %q %v", test.args, line, err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", test.args, err)
		}
	}
}

// dialUntil reads what a server that is about to start says.
func dialUntil(t *testing.T, port int) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err != nil {
			continue
		}
		c.SetDeadline(time.Now().Add(5 * time.Second))
		text, _ := io.ReadAll(c)
		c.Close()
		if len(text) > 0 {
			return string(text)
		}
	}
	return ""
}
