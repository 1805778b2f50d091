package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// corporate is a proxy as companies have them: it alone knows the names, and
// its tunnels are not for port 80.
type corporate struct {
	mu   sync.Mutex
	seen []string
}

func (c *corporate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.seen = append(c.seen, r.Method+" "+r.Host)
	c.mu.Unlock()
	user, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
	switch {
	case user != "me" || password != "pass":
		w.WriteHeader(http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect && strings.HasSuffix(r.Host, ":80"):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodConnect:
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		io.Copy(conn, conn)
	default:
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "proxied %s %d\n", r.URL, n)
	}
}

// TestUpstreamProxy: where the user's environment names a proxy, connections
// of every kind go through it, but those that NO_PROXY or hosts exempt; what
// the rules deny never reaches it, and nobody inside learns its password.
func TestUpstreamProxy(t *testing.T) {
	require(t, "curl")
	require(t, "nc")
	c := &corporate{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: c}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	dir := home(t)
	_, port := site(t, dir, "")
	rules := writeRules(t, dir, fmt.Sprintf(`allowed_domains = ["corp.test", "corp.test:7", "pinned.test:%d", "127.0.0.1.test"]
hosts = { "pinned.test" = "127.0.0.1" }`, port))
	script := direct + fmt.Sprintf(`
curl -sS http://corp.test/transparent
head -c 3000000 /dev/zero | curl -sS --data-binary @- http://corp.test/upload
curl -sS -x http://127.0.0.1:3128 http://corp.test/by-proxy
curl -sS -x socks5h://127.0.0.1:1080 http://corp.test/by-socks
echo tunnel | nc -N -w 5 corp.test 7
curl -sS http://pinned.test:%d/direct
curl -sS -f http://denied.test/ 2>/dev/null || echo denied
curl -sS -f -x http://127.0.0.1:3128 http://denied.test/ 2>/dev/null || echo denied
env | grep -c pass`, port)
	cmd := exec.Command(fshBinary(t), rules, "-c", script)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	url := "http://me:pass@" + l.Addr().String()
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C",
		"http_proxy=" + url, "https_proxy=" + url, "NO_PROXY=elsewhere.test"}
	cmd.Run() // grep finds nothing
	want := `proxied http://corp.test/transparent 0
proxied http://corp.test/upload 3000000
proxied http://corp.test/by-proxy 0
proxied http://corp.test/by-socks 0
tunnel
served pinned.test/direct
denied
denied
0
`
	if stdout.String() != want {
		t.Errorf("%s%s", stdout.String(), stderr.String())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.seen {
		if !strings.HasSuffix(s, "corp.test") && !strings.HasSuffix(s, "corp.test:7") {
			t.Errorf("the proxy was asked %s", s)
		}
	}
}
