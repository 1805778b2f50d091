package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestProxyGone: when the proxy is killed, or hangs, nothing gets out by any
// way, clients fail instead of waiting, the session says so and goes on.
func TestProxyGone(t *testing.T) {
	require(t, "curl")
	require(t, "python3")
	for name, sig := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "stopped": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			rules, port := site(t, dir, "allow_local_outbound = true\n")
			url := fmt.Sprintf("http://allowed.test:%d/", port)
			script := `curl -sS ` + url + `; read -r x
for how in "" "--noproxy *" "-x socks5h://127.0.0.1:1080"; do curl -sS -m 50 $how ` + url + ` 2>/dev/null && echo LEAK; done
` + direct + `curl -sS -m 50 ` + url + ` && echo LEAK
getent hosts allowed.test && echo LEAK
` + tryPorts + fmt.Sprintf("127.0.0.1-%d 198.18.0.1-%d 192.0.2.1-80", port, port) + `
/bin/echo end`
			cmd := exec.Command(fshBinary(t), "--policy="+rules, "-c", script)
			var stderr bytes.Buffer
			cmd.Dir, cmd.Stderr = dir, &stderr
			cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
			in, _ := cmd.StdinPipe()
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() }).Stop()
			lines := bufio.NewReader(out)
			if line, err := lines.ReadString('\n'); line != "served allowed.test/\n" {
				t.Fatalf("%q %v", line, err)
			}
			if err := syscall.Kill(childNamed(t, cmd.Process.Pid, "fsh-proxy"), sig); err != nil {
				t.Fatal(err)
			}
			io.WriteString(in, "go\n")
			rest, err := io.ReadAll(lines)
			if err != nil {
				t.Fatal(err)
			}
			want := "127.0.0.1-P ECONNREFUSED\n198.18.0.1-P ECONNREFUSED\n192.0.2.1-80 ECONNREFUSED\nend\n"
			if string(rest) != want {
				t.Errorf("after the end of the proxy: %q, want %q", rest, want)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			if !strings.Contains(stderr.String(), "fsh: warning: the network proxy ") ||
				!strings.Contains(stderr.String(), "no network any more") {
				t.Errorf("no word of it: %s", stderr.String())
			}
		})
	}
}

// childNamed finds a child process by its argv[0].
func childNamed(t *testing.T, pid int, name string) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, child := range strings.Fields(string(text)) {
			line, _ := os.ReadFile("/proc/" + child + "/cmdline")
			if argv0, _, _ := strings.Cut(string(line), "\x00"); argv0 == name {
				n, _ := strconv.Atoi(child)
				return n
			}
		}
	}
	t.Fatalf("no child %s", name)
	return 0
}
