package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// withoutNamespaces is a command line for a machine that refuses user
// namespaces to the user.
func withoutNamespaces(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	require(t, "unshare")
	all := append([]string{"-U", "--map-current-user", "--keep-caps", "sh", "-c",
		`echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"`, "sh", fshBinary(t)}, args...)
	return exec.Command("unshare", all...)
}

// TestWithoutNamespaces: the default policy holds on a machine without user
// namespaces, what is weaker is said, and what cannot be had is refused.
func TestWithoutNamespaces(t *testing.T) {
	dir := home(t)
	run := func(args ...string) outcome {
		cmd := withoutNamespaces(t, args...)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "TMPDIR=/tmp"}
		return outcomeOf(t, cmd)
	}
	before := tree(t, dir)
	got := run("-c", `
echo x >"$TMPDIR/redirect" && cat "$TMPDIR/redirect"
f=$(mktemp) && printf '#!/bin/sh\necho ran\n' >"$f" && chmod +x "$f" && "$f"
printf 'echo nested $(cat ~/public)\n' >"$TMPDIR/plain" && chmod +x "$TMPDIR/plain" && "$TMPDIR/plain"
echo x >~/.bashrc || echo refused; cat ~/.ssh/id_ed25519 || echo refused; true </etc/shadow || echo refused
touch ~/new || echo refused; chmod 777 ~/public || echo refused
sh -c 'kill -9 -1' ; echo alive; sh -c 'kill -STOP $PPID'; echo alive; (exit 3); echo $?; exit 7`)
	want := "x\nran\nnested public\n" + strings.Repeat("refused\n", 5) + "alive\nalive\n3\n"
	if got.status != 7 || got.stdout != want {
		t.Errorf("%+v", got)
	}
	if strings.Count(got.stderr, "weaker sandbox") != 1 || strings.Contains(got.stderr+got.stdout, "t0psecret") {
		t.Errorf("stderr %q", got.stderr)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("home changed:\n%s\nwas:\n%s", after, before)
	}
	if left, _ := filepath.Glob(dir + "/.local/state/fsh/tmp/*"); len(left) > 0 {
		t.Errorf("left: %s", left)
	}
	binding := filepath.Join(dir, "binding.toml")
	if err := os.WriteFile(binding, []byte("version = 1\n[network]\nallow_local_binding = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, layer := range map[string]string{"--allow-write=.": "mounts", "--policy=" + binding: "net"} {
		got := run(flag, "-c", "echo ran; cat /dev/null; echo ran")
		if got.status != 125 || got.stdout != "" || !strings.Contains(got.stderr, "sandbox: "+layer) || !strings.Contains(got.stderr, "--allow-weaker="+layer) {
			t.Errorf("%s: %+v", flag, got)
		}
	}
	log := filepath.Join(dir, "events")
	got = run("--allow-write=.", "--allow-weaker=mounts", "--events="+log, "-c", "echo x >made; cat made; rm made")
	if got.status != 0 || got.stdout != "x\n" || !strings.Contains(got.stderr, "given up by --allow-weaker: mounts") {
		t.Errorf("weaker: %+v", got)
	}
	if text, err := os.ReadFile(log); err != nil || strings.Count(string(text), "\n") < 3 ||
		strings.Count(string(text), "\n") != strings.Count(string(text), `"weaker":["namespaces","mounts"]`) {
		t.Errorf("not every event says what is weaker: %v\n%s", err, text)
	}
	if got := run("--unsafe-no-sandbox", "--events="+log, "-c", "/bin/true"); got.status != 0 {
		t.Errorf("unsafe: %+v", got)
	}
	if got := run("doctor", "--json"); got.status != 1 || !strings.Contains(got.stdout, "\"weaker\": [\n    \"namespaces\"\n  ]") {
		t.Errorf("doctor: %+v", got)
	}
	if got := run("doctor"); got.status != 1 || !strings.Contains(got.stdout, "prompts and events say: without namespaces\n") {
		t.Errorf("doctor: %+v", got)
	}
	if got := run("--allow-weaker=walls", "-c", ":"); got.status != 2 || !strings.Contains(got.stderr, "no such layer") {
		t.Errorf("unknown layer: %+v", got)
	}
}

// TestNetworkWithoutNamespaces: rules about hosts hold for programs that use
// the proxies, and no other way leads out.
func TestNetworkWithoutNamespaces(t *testing.T) {
	require(t, "curl")
	require(t, "python3")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "served %s %d\n", r.URL.Path, n)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	dir := home(t)
	rules := filepath.Join(dir, "policy.toml")
	text := fmt.Sprintf("version = 1\n[network]\nallowed_domains = [\"allowed.test:%d\"]\nhosts = { \"allowed.test\" = \"127.0.0.1\", \"denied.test\" = \"127.0.0.1\" }\n", port)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("test:%d/x", port)
	script := `curl -sS http://allowed.` + at + `; curl -sS -x socks5h://127.0.0.1:1080 http://allowed.` + at + `
curl -sS -f http://denied.` + at + ` || echo refused; curl -sS -x socks5h://127.0.0.1:1080 http://denied.` + at + ` || echo refused
curl -sS --noproxy '*' http://127.0.0.1:` + fmt.Sprint(port) + `/ || echo refused; curl -sS --noproxy '*' --resolve allowed.test:` + fmt.Sprint(port) + `:127.0.0.1 http://allowed.` + at + ` || echo refused
python3 -c 'import socket; socket.socket().bind(("127.0.0.1", 4567))' 2>/dev/null || echo refused; python3 -c 'import socket; socket.create_connection(("2001:db8::1", 80))' 2>/dev/null || echo refused
bash -c 'echo > /dev/udp/127.0.0.1/53' || echo refused; head -c 3000000 /dev/zero | curl -sS --data-binary @- http://allowed.` + at + `
python3 -c 'import socket
for host in "::ffff:127.0.0.1", "::1":
    s = socket.socket(socket.AF_INET6)
    try: s.connect((host, 3128)); s.sendall(b"GET http://allowed.` + at + ` HTTP/1.0\r\n\r\n"); print(s.getpeername()[0], s.makefile().readlines()[-1], end="")
    except OSError: print(host, "refused")'
cat /dev/null; exit 4`
	cmd := withoutNamespaces(t, "-m", "--policy="+rules, "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	want := "served /x 0\nserved /x 0\n" + strings.Repeat("refused\n", 7) + "served /x 3000000\n::ffff:127.0.0.1 served /x 0\n::1 refused\n"
	got := outcomeOf(t, cmd)
	if got.status != 4 || got.stdout != want {
		t.Errorf("%+v", got)
	}
	for _, who := range []string{`curl\[\d+\] connect denied.test:` + fmt.Sprint(port), `curl\[\d+\] connect 127.0.0.1:` + fmt.Sprint(port),
		`python3\[\d+\] listen on 127.0.0.1:4567`, `python3\[\d+\] connect \[2001:db8::1\]:80`} {
		if !regexp.MustCompile("fsh: blocked: " + who + "\nfsh: rule: ").MatchString(got.stderr) {
			t.Errorf("no %s in\n%s", who, got.stderr)
		}
	}
}

// TestPromptTellsWhatIsWeaker: whatever PS1 is.
func TestPromptTellsWhatIsWeaker(t *testing.T) {
	term := openTerminal(t, withoutNamespaces(t, "-i").Args...)
	term.expect(`(?m)^\[without namespaces\] ps1> `)
	term.send("/bin/echo it; PS1='mine: '\n")
	term.expect(`(?m)^it\r\n`)
	term.expect(`\[without namespaces\] mine: `)
	unsafe := openTerminal(t, fshBinary(t), "--unsafe-no-sandbox")
	unsafe.expect(`\[without sandbox\] ps1> `)
	whole := openTerminal(t, fshBinary(t))
	whole.expect(`ps1> `)
	whole.send("/bin/echo a$((1+1)); PS1='mine: '\n")
	whole.expect(`a2\r\n`)
	whole.expect(`mine: `)
	if strings.Contains(whole.all.String(), "without") {
		t.Errorf("%q", whole.all.String())
	}
}
