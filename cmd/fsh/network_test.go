package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/events"
)

// direct makes clients forget the proxies.
const direct = `unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy; `

// site starts a web server on the loopback, and a policy that lets it be
// reached as allowed.test.
func site(t *testing.T, dir, more string) (rules string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "served %s%s\n", strings.Split(r.Host, ":")[0], r.URL.Path)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	port = l.Addr().(*net.TCPAddr).Port
	rules = filepath.Join(dir, "policy.toml")
	text := fmt.Sprintf("version = 1\n[network]\nallowed_domains = [\"allowed.test:%d\"]\nhosts = { \"allowed.test\" = \"127.0.0.1\", \"denied.test\" = \"127.0.0.1\" }\n%s\n", port, more)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return rules, port
}

// TestNetworkEventsNameTheProcess: by its number inside, whichever door it
// came to, and "unknown process" rather than a guess.
func TestNetworkEventsNameTheProcess(t *testing.T) {
	require(t, "curl")
	require(t, "python3")
	dir := home(t)
	rules, port := site(t, dir, "")
	log := filepath.Join(dir, "events")
	// Each client is exec'd by a shell that has said its number.
	got := fsh(t, dir, "-m", "--policy="+rules, "--events="+log, "-c", strings.ReplaceAll(`
sh -c 'echo proxied $$; exec curl -s http://denied1.test/'
`+direct+`
sh -c 'echo resolved $$; exec curl -s http://denied2.test/'
sh -c 'echo address $$; exec curl -s http://192.0.2.1/'
sh -c 'echo port $$; exec curl -s http://allowed.test:1/'
sh -c 'echo socks $$; exec curl -s -x socks5h://127.0.0.1:1080 http://denied3.test/'
sh -c 'echo socket $$; exec python3 -c "import socket; socket.create_connection((\"2001:db8::7\", 99))"' 2>/dev/null
sh -c 'echo datagram $$; exec python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: s.sendto(b\"x\", (\"192.0.2.2\", 9))
except PermissionError: time.sleep(0.3)
"'
sh -c 'echo listener $$; exec python3 -c "import socket; socket.socket().bind((\"0.0.0.0\", 4567))"' 2>/dev/null
sh -c 'echo unbound $$; exec python3 -c "import socket; socket.socket().listen()"' 2>/dev/null
sh -c 'echo pinger $$; exec python3 -c "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)"' 2>/dev/null
sh -c 'echo raw $$; exec python3 -c "import socket; socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)"' 2>/dev/null
sh -c 'echo allowed $$; exec curl -s http://allowed.test:PORT/'
bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128; printf "GET http://gone.test/ HTTP/1.1\r\nHost: gone.test\r\n\r\n" >&3'
until grep -q gone.test events; do :; done # the session's end would end the proxy, too
:`, "PORT", fmt.Sprint(port)))
	if got.status != 0 {
		t.Fatalf("%+v", got)
	}
	pids := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+) ([0-9]+)$`).FindAllStringSubmatch(got.stdout, -1) {
		pids[m[1]] = m[2]
	}
	for name, want := range map[string]string{
		"proxied": "curl[PID] connect denied1.test:80", "resolved": "curl[PID] resolve denied2.test",
		"address": "curl[PID] connect 192.0.2.1:80", "port": "curl[PID] connect allowed.test:1",
		"socks": "curl[PID] connect denied3.test:80", "socket": "python3[PID] connect [2001:db8::7]:99",
		"datagram": "python3[PID] send udp to 192.0.2.2:9",
		"listener": "python3[PID] listen on 0.0.0.0:4567\nfsh: rule: allow_local_binding is not true (defaults)\nfsh: hint: allow_local_binding = true in [network]",
		"unbound":  "python3[PID] listen on a port", "pinger": "python3[PID] open an ICMP socket", "raw": "python3[PID] open a raw socket",
	} {
		if want = "fsh: blocked: " + strings.Replace(want, "PID", pids[name], 1) + "\n"; !strings.Contains(got.stderr, want) {
			t.Errorf("%s: no %q in\n%s", name, want, got.stderr)
		}
	}
	if !regexp.MustCompile(`blocked: (bash\[\d+\]|unknown process) connect gone.test:80`).MatchString(got.stderr) {
		t.Errorf("the quick client:\n%s", got.stderr)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range strings.Lines(string(text)) {
		var e events.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Kind == events.Connect && !e.Denied && e.Target == fmt.Sprintf("allowed.test:%d", port) {
			found = true
			if e.Program != "curl" || fmt.Sprint(e.Pid) != pids["allowed"] || e.BytesIn == 0 || e.BytesOut == 0 {
				t.Errorf("allowed: %+v, want pid %s", e, pids["allowed"])
			}
		}
		if e.Action == "listen on" && (!e.Denied || e.Kind != events.Connect || e.Errno != "EACCES" || e.Rule.Key != "network.allow_local_binding") {
			t.Errorf("listener: %+v", e)
		}
		if e.Target == "192.0.2.1:80" && e.Errno != "ECONNREFUSED" {
			t.Errorf("address: %+v", e)
		}
	}
	if !found {
		t.Errorf("no event of what was allowed:\n%s", text)
	}
}

// TestRefusedOnce: what the proxy answers and what fsh tells are not the same lines,
// which would look like two refusals.
func TestRefusedOnce(t *testing.T) {
	require(t, "curl")
	dir := home(t)
	rules, _ := site(t, dir, "")
	log := filepath.Join(dir, "events")
	got := fsh(t, dir, "-m", "--policy="+rules, "--events="+log, "-c", "curl -s http://denied.test:80/ 2>&1")
	if strings.Contains(got.stdout, "fsh: blocked") || !strings.Contains(got.stdout, "denied.test:80 was not asked") || !strings.Contains(got.stdout, "--allow-net=denied.test:80") {
		t.Errorf("the answer: %q", got.stdout)
	}
	if strings.Count(got.stderr, "denied.test:80\n") != 2 { // what, and the hint
		t.Errorf("told: %q", got.stderr)
	}
	text, err := os.ReadFile(log)
	if err != nil || strings.Count(string(text), `"denied":true`) != 1 {
		t.Errorf("%v\n%s", err, text)
	}
}
