package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAddressesAcrossPolicies: an address that one program got for a name
// means that name, and no other, to a program with rules of its own, or
// nothing where its rules do not have the name.
func TestAddressesAcrossPolicies(t *testing.T) {
	for _, tool := range []string{"nc", "getent", "dig"} {
		require(t, tool)
	}
	dir := home(t)
	port := 0
	for i, name := range []string{"a", "b", "c"} {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.%d:%d", i+2, port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		port = l.Addr().(*net.TCPAddr).Port
		go answer(l, name)
	}
	put(t, filepath.Join(dir, "policy.toml"), `version = 1
[network]
allowed_domains = ["a.test:*"]
hosts = { "a.test" = "127.0.0.2", "b.test" = "127.0.0.3", "c.test" = "127.0.0.4" }
[program.nc]
network.allowed_domains = ["b.test:*"]
[program.dig]
network.allowed_domains = ["c.test:*"]
`, 0o600)
	got := fsh(t, dir, "--policy=policy.toml", "-c", fmt.Sprintf(`
nc -w 5 b.test %[1]d </dev/null
a=$(getent ahostsv4 a.test | sed 's/ .*//;q') c=$(dig +short c.test)
nc -w 5 "$a" %[1]d </dev/null; [ -z "$(nc -w 5 "$c" %[1]d </dev/null 2>&1)" ] && echo refused
[ "$(dig +short -x "$a")" = a.test. ] && echo named; dig +short -x $(printf 198.18.0.1) | grep -c b.test`, port))
	if got.stdout != "b\na\nrefused\nnamed\n0\n" {
		t.Errorf("%+v", got)
	}
}

// TestConnectionsOfAnotherPolicy: as many connections as one policy's commands can
// make leave the proxy descriptors for those of another.
func TestConnectionsOfAnotherPolicy(t *testing.T) {
	require(t, "curl")
	require(t, "python3")
	dir := home(t)
	rules, port := site(t, dir, "[program.curl]\nnetwork.denied_domains = [\"other.test\"]")
	held := (&internet{t: t, dir: dir, ports: map[string]int{}})
	held.serve("HOLD", func(c net.Conn) { io.WriteString(c, "x"); io.Copy(io.Discard, c) })
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	put(t, rules, strings.Replace(string(text), "allowed_domains = [", fmt.Sprintf("allowed_domains = [\"allowed.test:%d\", ", held.ports["HOLD"]), 1), 0o600)
	cmd := exec.Command("sh", "-c", `ulimit -n 1200; exec "$@"`, "sh", fshBinary(t), "--policy="+rules, "-c", fmt.Sprintf(`
mkfifo /tmp/up /tmp/down
python3 -c '
import socket
to = socket.getaddrinfo("allowed.test", %d)[0][4]
keep = []
for i in range(700):
    s = socket.socket(); s.settimeout(10); keep.append(s)
    try: s.connect(to); s.recv(1)
    except OSError: pass
open("/tmp/up", "w").close(); open("/tmp/down").close()' & : </tmp/up
curl -sS http://allowed.test:%d/x; : >/tmp/down; wait`, held.ports["HOLD"], port))
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	got := outcomeOf(t, cmd)
	if got.stdout != "served allowed.test/x\n" {
		t.Errorf("%+v", got)
	}
}
