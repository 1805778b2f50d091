package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestPromptNarrowsConnections: what is denied at the prompt ends connections
// that there are, and no others; what is allowed again can be had again.
func TestPromptNarrowsConnections(t *testing.T) {
	t.Parallel()
	require(t, "python3")
	home, dir := publicProject(t, "version = 1\n")
	in := startInternet(t, home)
	put(t, filepath.Join(home, ".config/fsh/policy.toml"), "version = 1\n[network]\nallowed_domains = ['*.test:*']\n"+
		"hosts = { 'a.test' = '127.0.0.1', 'b.test' = '127.0.0.1' }\n", 0o644)
	put(t, filepath.Join(dir, "hold.py"), fmt.Sprintf(`
import errno, socket
def echo(s):
    s.sendall(b"x"); return s.recv(1)
a, b = (socket.create_connection((h, %d), 20) for h in ("a.test", "b.test"))
echo(a), echo(b)
open("/tmp/up", "w").close()
try: print("a", a.recv(1))
except OSError as e: print("a", errno.errorcode[e.errno])
print("b", echo(b))
try: echo(socket.create_connection(("a.test", %d), 20)); print("again")
except OSError as e: print("denied")
`, in.ports["ECHO"], in.ports["ECHO"]), 0o644)
	term := typing(t, home, dir)
	term.say("mkfifo /tmp/up; python3 hold.py >/tmp/out 2>&1 & : </tmp/up")
	if out := term.say("fsh deny net 'a.test:*'"); !strings.Contains(out, "- not connect to a.test:*") {
		t.Errorf("%q", out)
	}
	if out := term.say("wait; cat /tmp/out"); !strings.Contains(out, "a ECONNRESET\nb b'x'\ndenied\n") {
		t.Errorf("%q", out)
	}
	term.say("fsh allow net 'a.test:*'")
	if out := term.say(in.words("curl -sS --noproxy '*' http://a.test:{WEB}/ok", "")); out != "ok\n" {
		t.Errorf("%q", out)
	}
}
