package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostService is a server of the host's loopback that says its name; both
// families on one port.
func hostService(t *testing.T, name string) int {
	t.Helper()
	for range 20 {
		l4, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l4.Addr().(*net.TCPAddr).Port
		l6, err := net.Listen("tcp6", fmt.Sprintf("[::1]:%d", port))
		if err != nil {
			l4.Close()
			continue
		}
		for _, l := range []net.Listener{l4, l6} {
			t.Cleanup(func() { l.Close() })
			go answer(l, name)
		}
		return port
	}
	t.Fatal("no port is free on both families")
	return 0
}

// answer says a server's name to each client.
func answer(l net.Listener, name string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, name+"\n")
		c.Close()
	}
}

// otherLoopback tries a port of the host's at other addresses of the loopback,
// with a server of the sandbox's own at one of them, and through the proxy.
func otherLoopback(port int) string {
	return strings.ReplaceAll(`
mkfifo /tmp/up; python3 -c '
import socket
l = socket.create_server(("127.0.0.2", PORT)); l.settimeout(20)
open("/tmp/up", "w").close()
c, _ = l.accept(); c.sendall(b"inside"); c.close()' & : </tmp/up
`+tryPorts+`127.0.0.1-PORT 127.0.0.2-PORT 127.0.0.3-PORT; wait
python3 -c '
import socket
s = socket.create_connection(("127.0.0.1", 3128))
s.sendall(b"CONNECT 127.0.0.3:PORT HTTP/1.1\r\nHost: x\r\n\r\n")
print(s.recv(100).split()[1].decode())'`, "PORT", fmt.Sprint(port))
}

func writeRules(t *testing.T, dir, network string) string {
	t.Helper()
	path := filepath.Join(dir, "policy.toml")
	if err := os.WriteFile(path, []byte("version = 1\n[network]\n"+network+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--policy=" + path
}

// tryPorts is a client that prints what each address said, or the errno.
const tryPorts = `python3 -c '
import errno, socket, sys
for a in sys.argv[1:]:
    host, port = a.rsplit("-", 1)
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    s.settimeout(10)
    try:
        s.connect((host, int(port)))
        text = s.recv(100).decode().strip()
    except OSError as e:
        text = errno.errorcode.get(e.errno, str(e))
    print(a if port == "80" else a.replace(port, "P"), text)
' `

// TestLocalOutbound: the host's loopback is closed, open, or open for some
// ports; the sandbox's own servers come first.
func TestLocalOutbound(t *testing.T) {
	require(t, "python3")
	a, b, c := hostService(t, "host a"), hostService(t, "host b"), hostService(t, "host c")
	for _, addr := range []string{"127.0.0.2", "127.0.0.3"} {
		other, err := net.Listen("tcp4", fmt.Sprintf("%s:%d", addr, c))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { other.Close() })
		go answer(other, "another service")
	}
	tests := []struct{ name, rules, script, want string }{
		{"false", "allow_local_outbound = false",
			tryPorts + fmt.Sprintf("127.0.0.1-%d ::1-%d", a, a), "127.0.0.1-P ECONNREFUSED\n::1-P ECONNREFUSED\n"},
		{"ports", fmt.Sprintf("allow_local_outbound = [%d]", a),
			tryPorts + fmt.Sprintf("127.0.0.1-%d ::1-%d; ", a, a) + tryPorts + fmt.Sprintf("127.0.0.1-%d ::1-%d", b, b),
			"127.0.0.1-P host a\n::1-P host a\n127.0.0.1-P ECONNREFUSED\n::1-P ECONNREFUSED\n"},
		{"true", "allow_local_outbound = true\nallow_local_binding = true",
			tryPorts + fmt.Sprintf("127.0.0.1-%d ::1-%d; ", a, b) + `
mkfifo /tmp/up; python3 -c '
import socket
l = socket.create_server(("127.0.0.1", PORT))
open("/tmp/up", "w").close()
c, _ = l.accept(); c.sendall(b"inside"); c.close()' & : </tmp/up
` + tryPorts + fmt.Sprintf("127.0.0.1-%d ::1-%d; wait", b, b),
			"127.0.0.1-P host a\n::1-P host b\n127.0.0.1-P inside\n::1-P host b\n"},
		{"other addresses, ports", fmt.Sprintf("allow_local_outbound = [%d]\nallow_local_binding = true", c),
			otherLoopback(c), "127.0.0.1-P host c\n127.0.0.2-P inside\n127.0.0.3-P ECONNREFUSED\n403\n"},
		{"other addresses, true", "allow_local_outbound = true\nallow_local_binding = true",
			otherLoopback(c), "127.0.0.1-P host c\n127.0.0.2-P inside\n127.0.0.3-P ECONNREFUSED\n403\n"},
		{"own servers", "allow_local_binding = true", `
mkfifo /tmp/up; python3 -c '
import socket
l = socket.create_server(("::", 4567), family=socket.AF_INET6, dualstack_ipv6=True)
open("/tmp/up", "w").close()
for i in range(4): c, _ = l.accept(); c.sendall(b"inside"); c.close()' & : </tmp/up
` + tryPorts + "127.0.0.1-4567 ::1-4567 198.19.255.254-4567 100::ffff:0:0:1-4567 198.19.255.254-4568; wait",
			"127.0.0.1-P inside\n::1-P inside\n198.19.255.254-P inside\n100::ffff:0:0:1-P inside\n198.19.255.254-P ECONNREFUSED\n"},
		{"no binding", "allow_local_binding = false", `python3 -c '
import errno, socket
for family, host in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "0.0.0.0"):
    for port in 4567, 0:
        try: socket.socket(family).bind((host, port)); print("bound")
        except OSError as e: print(errno.errorcode[e.errno])
try: socket.socket().listen()
except OSError as e: print(errno.errorcode[e.errno])
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("127.0.0.1", 0))
s = socket.socket(socket.AF_UNIX); s.bind("/tmp/own"); s.listen(); socket.socket(socket.AF_UNIX).connect("/tmp/own")
print("others")'`, strings.Repeat("EACCES\n", 7) + "others\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			script := strings.ReplaceAll(test.script, "PORT", fmt.Sprint(b))
			got := fsh(t, dir, writeRules(t, dir, test.rules), "-c", script)
			if got.status != 0 || got.stdout != test.want {
				t.Errorf("%+v, want %q", got, test.want)
			}
		})
	}
}

// TestOwnServersWithoutProxies: programs that know of the proxies reach the
// sandbox's own servers by every spelling of the loopback.
func TestOwnServersWithoutProxies(t *testing.T) {
	for _, tool := range []string{"python3", "curl", "wget"} {
		require(t, tool)
	}
	dir := home(t)
	got := fsh(t, dir, writeRules(t, dir, "allow_local_binding = true"), "-c", `
mkfifo /tmp/up; python3 -c '
import http.server, socket
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b"own\n")
    def log_message(self, *a): pass
class S(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self): self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); self.socket.bind(self.server_address)
s = S(("::", 4567), H)
open("/tmp/up", "w").close()
s.serve_forever()' & : </tmp/up
for host in localhost 127.0.0.1 127.0.0.2 '[::1]' x.localhost; do
	curl -sS http://$host:4567/ || echo no $host
	case $host in 127.0.0.2) ;; *) # a network in NO_PROXY is beyond wget and urllib
		[ "$host" = '[::1]' ] || wget -q -O - http://$host:4567/ || echo no $host
		python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode(), end="")' http://$host:4567/ || echo no $host
	esac
done; kill $!`)
	if want := strings.Repeat("own\n", 12); got.stdout != want {
		t.Errorf("%+v", got)
	}
}

// TestExposedPort: it is there before anything listens inside, leads to
// whatever family the server has, is on the loopback only, survives an early
// client, costs the shell no descriptors, and is gone with the session.
func TestExposedPort(t *testing.T) {
	require(t, "python3")
	dir := home(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	rules := writeRules(t, dir, fmt.Sprintf("allow_local_binding = true\nexpose_ports = [%d]", port))
	// A second policy with the same ports has a network of its own.
	script := fmt.Sprintf(`/bin/echo up; read -r x
mkdir /tmp/d; cd /tmp/d; /bin/echo again
python3 -c '
import socket
l = socket.create_server(("::1", %d), family=socket.AF_INET6)
print("listens", flush=True)
while True:
    c, _ = l.accept()
    text = c.recv(10)
    c.sendall(b"got " + text); c.close()
    if text == b"end": break
'`, port)
	cmd := exec.Command(fshBinary(t), rules, "-c", script)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop()
	lines := bufio.NewReader(out)
	expect := func(want string) {
		t.Helper()
		if line, err := lines.ReadString('\n'); line != want+"\n" {
			t.Fatalf("%q %v, want %s", line, err, want)
		}
	}
	say := func(text string) (string, error) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return "", err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, text)
		answer, err := io.ReadAll(c)
		return string(answer), err
	}
	expect("up")
	if _, err := say("early"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("nobody listens inside, and the client gets %v", err)
	}
	waiting := make(chan string, 1)
	go func() { // comes before the server, and waits for it
		answer, err := say("first")
		waiting <- fmt.Sprint(answer, " ", err)
	}()
	io.WriteString(in, "go\n")
	expect("again")
	expect("listens")
	if got := <-waiting; got != "got first <nil>" && !strings.Contains(got, "reset") {
		t.Errorf("the waiting client: %s", got)
	}
	before := descriptors(t, cmd.Process.Pid)
	for range 50 {
		if got, err := say("x"); got != "got x" || err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
	if after := descriptors(t, cmd.Process.Pid); after > before+2 {
		t.Errorf("descriptors of the shell: %d, then %d", before, after)
	}
	if host, err := nonLoopback(); err == nil {
		if c, err := net.DialTimeout("tcp", net.JoinHostPort(host, fmt.Sprint(port)), 2*time.Second); err == nil {
			c.Close()
			t.Errorf("reachable at %s", host)
		}
	}
	if got, err := say("end"); got != "got end" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	for _, addr := range []string{"127.0.0.1", "::1"} {
		if _, err := net.Dial("tcp", net.JoinHostPort(addr, fmt.Sprint(port))); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s after the end: %v", addr, err)
		}
	}
	// A port that is taken is an error that names it.
	l, err = net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := fsh(t, dir, rules, "-c", "true; /bin/true")
	if got.status != 125 || !strings.Contains(got.stderr, fmt.Sprintf("expose port %d", port)) || !strings.Contains(got.stderr, "in use") {
		t.Errorf("a taken port: %+v", got)
	}
}

// TestExposedAddress: a port is at the address that is given and at no other.
func TestExposedAddress(t *testing.T) {
	require(t, "python3")
	for _, test := range []struct{ rule, at, notAt string }{
		{`["127.0.0.2:PORT"]`, "127.0.0.2", "127.0.0.1 ::1"},
		{`["0.0.0.0:PORT"]`, "127.0.0.1 127.0.0.2 HOST", "::1"},
		{`["[::]:PORT"]`, "::1", "127.0.0.1 HOST"},
		{`[PORT, "127.0.0.3:PORT"]`, "127.0.0.1 ::1 127.0.0.3", "127.0.0.2 HOST"},
		{`[PORT, "0.0.0.0:PORT", "[::]:PORT"]`, "127.0.0.1 ::1 127.0.0.2 HOST", ""},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
			l.Close()
			rules := writeRules(t, dir, "allow_local_binding = true\nexpose_ports = "+strings.ReplaceAll(test.rule, "PORT", port))
			cmd := exec.Command(fshBinary(t), rules, "-c", `exec python3 -c '
import socket
l = socket.create_server(("127.0.0.1", `+port+`))
print("listens", flush=True)
while True:
    c, _ = l.accept(); c.sendall(b"inside"); c.close()'`)
			cmd.Dir, cmd.Stderr = dir, os.Stderr
			cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop()
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "listens\n" {
				t.Fatalf("%q %v", line, err)
			}
			host, err := nonLoopback()
			for _, list := range []struct {
				addrs string
				want  bool
			}{{test.at, true}, {test.notAt, false}} {
				for _, addr := range strings.Fields(list.addrs) {
					if addr == "HOST" {
						if addr = host; err != nil {
							continue
						}
					}
					c, err := net.DialTimeout("tcp", net.JoinHostPort(addr, port), 10*time.Second)
					if err != nil {
						if list.want || !errors.Is(err, syscall.ECONNREFUSED) {
							t.Errorf("%s: %v", addr, err)
						}
						continue
					}
					text, err := io.ReadAll(c)
					c.Close()
					if !list.want || string(text) != "inside" {
						t.Errorf("%s: %q %v", addr, text, err)
					}
				}
			}
		})
	}
	dir := home(t)
	got := fsh(t, dir, writeRules(t, dir, `expose_ports = ["192.0.2.1:4000"]`), "-c", "/bin/true")
	if got.status != 125 || !strings.Contains(got.stderr, "expose port 4000: listen tcp4 192.0.2.1:4000") {
		t.Errorf("an address of somebody else: %+v", got)
	}
}

func descriptors(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// nonLoopback is an address of this machine that is none of its loopback's.
func nonLoopback() (string, error) {
	addrs, err := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String(), nil
		}
	}
	return "", errors.Join(errors.New("none"), err)
}
