package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// home makes a home directory with secrets and start-up files.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		".bashrc": "rc\n", ".profile": "profile\n", ".netrc": "t0psecret=netrc\n",
		".ssh/id_ed25519": "t0psecret key\n", ".aws/credentials": "t0psecret aws\n", "public": "public\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// put writes a file and the directories above it.
func put(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// fsh runs the binary under test with the home directory and arguments.
func fsh(t *testing.T, home string, args ...string) outcome {
	t.Helper()
	return fshPath(t, home, "/usr/local/bin", args...)
}

// fshPath is fsh with a directory first in PATH.
func fshPath(t *testing.T, home, first string, args ...string) outcome {
	t.Helper()
	cmd := exec.Command(fshBinary(t), args...)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "PATH=" + first + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	return outcomeOf(t, cmd)
}

// outcomeOf runs a command to its end.
func outcomeOf(t *testing.T, cmd *exec.Cmd) outcome {
	t.Helper()
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	got := outcome{status: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		got.signal = ws.Signal()
	}
	return got
}

// TestBuiltinsAreConfined: what the shell does itself fails the same way as
// what an external command does, with the kernel's errno, and the honest twin
// works.
func TestBuiltinsAreConfined(t *testing.T) {
	const readOnly, denied = "Read-only file system", "Permission denied"
	tests := []struct {
		name     string
		builtin  string // in the shell
		external string // the same by a command
		says     string // in both standard errors; empty: silent
		twin     string // must succeed and print "ok"
	}{
		{"redirection to a start-up file", `echo x >~/.bashrc`, `dd if=/dev/null of="$HOME/.bashrc" bs=1 count=0`, readOnly,
			`echo x >/tmp/f && rm /tmp/f && echo ok`},
		{"append on a descriptor", `exec 3>>~/.profile`, `tee -a "$HOME/.profile" </dev/null`, readOnly,
			`exec 3>>/tmp/g && echo ok`},
		{"input redirection from a key", `cat <~/.ssh/id_ed25519`, `cat "$HOME/.ssh/id_ed25519"`, denied,
			`read -r x <~/public && [ "$x" = public ] && echo ok`},
		{"dot of a secret", `. ~/.netrc`, `cat "$HOME/.netrc"`, denied,
			`echo 'v=ok' >/tmp/s && . /tmp/s && echo $v`},
		{"test -r of a secret", `[ -r ~/.aws/credentials ]`, `/usr/bin/test -r "$HOME/.aws/credentials"`, "",
			`[ -r ~/public ] && echo ok`},
		{"glob in a secret directory", `ls ~/.ssh/*`, `ls "$HOME/.ssh/"`, denied,
			`ls ~/pub* >/dev/null && echo ok`},
		{"noclobber create", `set -C; echo x >~/new`, `touch "$HOME/new"`, readOnly, `set -C; echo x >/tmp/n && echo ok`},
		{"read-write open", `: 3<>~/.bashrc`, `sh -c ': 3<>"$HOME/.bashrc"'`, readOnly, `: 3<>/tmp/rw && echo ok`},
		{"cd into a secret directory", `cd ~/.ssh`, `env -C "$HOME/.ssh" true`, denied, `cd ~ && echo ok`},
		{"shadow", `read -r x </etc/shadow`, `cat /etc/shadow`, denied, `read -r x </etc/passwd && echo ok`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			before := tree(t, dir)
			for how, script := range map[string]string{"builtin": test.builtin, "external": test.external} {
				got := fsh(t, dir, "-c", script)
				if got.status == 0 {
					t.Errorf("%s: %q succeeded", how, script)
				}
				if !strings.Contains(got.stderr, test.says) {
					t.Errorf("%s: %q: stderr %q does not say %q", how, script, got.stderr, test.says)
				}
				if strings.Contains(got.stdout+got.stderr, "t0psecret") {
					t.Errorf("%s: %q leaked: %q", how, script, got.stdout+got.stderr)
				}
			}
			if got := fsh(t, dir, "-c", test.twin); got.status != 0 || got.stdout != "ok\n" {
				t.Errorf("twin %q: %+v", test.twin, got)
			}
			if after := tree(t, dir); after != before {
				t.Errorf("home changed:\n%s\nwas:\n%s", after, before)
			}
		})
	}
}

// tree is a listing of a directory with contents.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if info.IsDir() && path == filepath.Join(dir, ".local") {
			return filepath.SkipDir // fsh's own state
		}
		fmt.Fprintf(&b, "%s %s", path, info.Mode())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", text)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestNetwork: clients reach an allowed name and nothing else, whether they
// know of proxies or not.
func TestNetwork(t *testing.T) {
	require(t, "curl")
	require(t, "nc")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "served %s%s\n", strings.Split(r.Host, ":")[0], r.URL.Path)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	port := l.Addr().(*net.TCPAddr).Port

	dir := home(t)
	rules := filepath.Join(dir, "policy.toml")
	text := fmt.Sprintf("version = 1\n[network]\nallow_local_binding = true\nallowed_domains = [\"allowed.test:%d\"]\nhosts = { \"allowed.test\" = \"127.0.0.1\", \"denied.test\" = \"127.0.0.1\" }\n", port)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	p := fmt.Sprint(port)
	tests := []struct {
		name, script string
		fails        bool
		stdout, says string
	}{
		{name: "proxy, allowed", script: `curl -sS http://allowed.test:` + p + `/x`, stdout: "served allowed.test/x\n"},
		{name: "direct, allowed", script: direct + `curl -sS http://allowed.test:` + p + `/x`, stdout: "served allowed.test/x\n"},
		{name: "proxy, denied name", script: `curl -sS -f http://denied.test:` + p + `/x`, fails: true, says: "403"},
		{name: "direct, denied name", script: direct + `curl -sS http://denied.test:` + p + `/x`, fails: true, says: "Could not resolve host"},
		{name: "proxy, denied port", script: `curl -sS -f http://allowed.test:1/x`, fails: true, says: "403"},
		{name: "direct, denied port", script: direct + `curl -sS http://allowed.test:1/x`, fails: true},
		{name: "raw address, nc", script: `nc -w 2 192.0.2.1 80 </dev/null`, fails: true},
		{name: "raw address, nc, IPv6", script: `nc -w 2 2001:db8::1 80 </dev/null`, fails: true},
		{name: "allowed name, no rule's port, nc", script: `nc -w 2 allowed.test 1 </dev/null`, fails: true},
		{name: "raw address", script: `bash -c 'exec 3<>/dev/tcp/192.0.2.1/80 && cat <&3'`, fails: true, says: "onnection refused"},
		{name: "host loopback", script: direct + `curl -sS http://127.0.0.1:` + p + `/x`, fails: true, says: "onnect"},
		{name: "proxy to the host loopback", script: `curl -sS -f --noproxy '' -x http://127.0.0.1:3128 http://127.0.0.1:` + p + `/x`, fails: true},
		{name: "denied name resolves to nothing at once", script: `getent hosts denied.test`, fails: true},
		{name: "socks, allowed", script: direct + `curl -sS -x socks5h://127.0.0.1:1080 http://allowed.test:` + p + `/y`, stdout: "served allowed.test/y\n"},
		{name: "socks, denied", script: direct + `curl -sS -x socks5h://127.0.0.1:1080 http://denied.test:` + p + `/y`, fails: true},
		{name: "inside the sandbox", script: direct + `echo hi >/tmp/m; { nc -l 127.0.0.1 4567 </tmp/m >/dev/null & }; until nc -d -w 1 127.0.0.1 4567 2>/dev/null; do :; done; kill $! 2>/dev/null; :`, stdout: "hi\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			got := fsh(t, dir, "--policy="+rules, "-c", test.script)
			if (got.status != 0) != test.fails || got.stdout != test.stdout || !strings.Contains(got.stderr, test.says) {
				t.Errorf("%q: %+v", test.script, got)
			}
			if d := time.Since(start); test.fails && d > 10*time.Second {
				t.Errorf("%q: the denial took %v", test.script, d)
			}
		})
	}
}
