package main_test

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
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
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				io.WriteString(c, name+"\n")
				c.Close()
			}
		}()
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
