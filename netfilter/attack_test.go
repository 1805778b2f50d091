package netfilter

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// raw sends text to the HTTP door and returns the first answer's status.
func raw(t *testing.T, d *doors, text string) int {
	t.Helper()
	c, err := net.Dial("tcp", d.httpAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, text)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// No request below may reach a server; each target says whether the resolver
// may have been asked at all.
func TestHTTPDoorAttacks(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test", "*.good.test:443"}, deny: []string{"no.good.test:*"}})
	d.names["good.test"] = []string{"203.0.113.1"}
	for name, text := range map[string]string{
		"NUL":                       "CONNECT evil.test\x00.good.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"CRLF":                      "CONNECT good.test:443\r\nX: HTTP/1.1\r\n\r\n",
		"user":                      "CONNECT good.test@evil.test:443 HTTP/1.1\r\n\r\n",
		"absolute user":             "GET http://good.test@evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
		"allowed user":              "GET http://u:p@good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
		"denied, trailing dot":      "CONNECT no.good.test.:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"denied, wide letters":      "CONNECT \xef\xbd\x8eo.good.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"denied, upper case":        "CONNECT NO.GOOD.TEST:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"suffix":                    "CONNECT evilgood.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"literal":                   "CONNECT 203.0.113.1:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"metadata":                  "GET http://169.254.169.254/latest/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"loopback":                  "GET http://127.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"decimal":                   "GET http://2130706433/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"octal":                     "GET http://0177.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"hexadecimal":               "CONNECT 0x7f.1:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"mapped":                    "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"zone":                      "CONNECT [fe80::1%25lo]:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"no port":                   "CONNECT good.test HTTP/1.1\r\nHost: x\r\n\r\n",
		"port of another rule":      "CONNECT good.test:22 HTTP/1.1\r\nHost: x\r\n\r\n",
		"https in absolute form":    "GET https://good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
		"ftp":                       "GET ftp://good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
		"relative":                  "GET / HTTP/1.1\r\nHost: good.test\r\n\r\n",
		"two lengths":               "POST http://good.test/ HTTP/1.1\r\nHost: good.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"chunked and something odd": "POST http://good.test/ HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n",
	} {
		if code := raw(t, d, text); code == 200 || code == 502 {
			t.Errorf("%s: %d", name, code)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) != 0 || len(d.dialled) != 0 {
		t.Errorf("resolved %v, dialled %v", d.asked, d.dialled)
	}
}

// A request line's host wins over the Host header, on every request of a
// connection.
func TestHTTPDoorForcesHost(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test"}})
	d.site("good.test", "203.0.113.1", 80, origin(t))
	c, err := net.Dial("tcp", d.httpAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "GET http://good.test/1 HTTP/1.1\r\nHost: evil.test\r\n\r\n"+
		"GET http://evil.test/2 HTTP/1.1\r\nHost: good.test\r\n\r\n"+
		"GET http://good.test/3 HTTP/1.1\r\nHost: evil.test\r\n\r\n")
	br := bufio.NewReader(c)
	for i, want := range []string{"host=good.test path=/1", "blocked", "host=good.test path=/3"} {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if !strings.Contains(string(body), want) {
			t.Errorf("%d: %q", i, body)
		}
	}
}

// A resolver that lies, in every way, through every door.
func TestRebinding(t *testing.T) {
	secret := origin(t)
	_, port, _ := net.SplitHostPort(secret)
	d := startDoors(t, network{allow: []string{"lie.test:*", "mix.test:*"}})
	d.names["lie.test"] = []string{"127.0.0.1"}
	if code, body, _ := get(t, d.httpClient(), "http://lie.test:"+port+"/"); code != 403 || !strings.Contains(body, "loopback") {
		t.Errorf("HTTP: %d %q", code, body)
	}
	if code := raw(t, d, "CONNECT lie.test:"+port+" HTTP/1.1\r\nHost: x\r\n\r\n"); code != 403 {
		t.Errorf("CONNECT: %d", code)
	}
	var n int
	fmt.Sscan(port, &n)
	d.refused(fmt.Sprintf("%s:%s", d.fake("lie.test"), port))
	e := d.waitDenied("lie.test:" + port)
	if !strings.Contains(e.Rule.Text, "127.0.0.1") || e.Hint != "--allow-net=127.0.0.1:"+port {
		t.Errorf("event %+v %+v", e, e.Rule)
	}
	c, err := net.Dial("tcp", d.socksAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Write(append([]byte{5, 1, 0}, socksRequest(1, "lie.test", uint16(n))...))
	reply := make([]byte, 12)
	if io.ReadFull(c, reply); reply[3] == 0 {
		t.Errorf("SOCKS: %v", reply)
	}
	for _, addr := range []string{"10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "203.0.113.77", "0.0.0.0"} {
		d.mu.Lock()
		d.names["lie.test"] = []string{addr}
		d.mu.Unlock()
		if code := raw(t, d, "CONNECT lie.test:"+port+" HTTP/1.1\r\nHost: x\r\n\r\n"); code != 403 {
			t.Errorf("%s: %d", addr, code)
		}
	}
	d.mu.Lock()
	if len(d.dialled) != 0 {
		t.Errorf("dialled %v", d.dialled)
	}
	// Of several answers only the good one is tried.
	d.names["mix.test"] = []string{"127.0.0.1", "203.0.113.1", "10.0.0.1"}
	d.forward["203.0.113.1:"+port] = secret
	d.mu.Unlock()
	if code, _, _ := get(t, d.httpClient(), "http://mix.test:"+port+"/"); code != 200 {
		t.Errorf("mixed: %d", code)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.dialled) != 1 || d.dialled[0] != "203.0.113.1:"+port {
		t.Errorf("dialled %v", d.dialled)
	}
}

// Fronting through each tunnel: the name in TLS or HTTP is another one.
func TestFronting(t *testing.T) {
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	d := startDoors(t, network{allow: []string{"good.test:443"}})
	d.site("good.test", "203.0.113.1", 443, web.Listener.Addr().String())
	tunnel := func(door string) net.Conn {
		switch door {
		case "transparent":
			return d.throughName("good.test", 443)
		case "connect":
			c, err := net.Dial("tcp", d.httpAddr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			c.SetDeadline(time.Now().Add(10 * time.Second))
			io.WriteString(c, "CONNECT good.test:443 HTTP/1.1\r\nHost: good.test:443\r\n\r\n")
			readHead(t, c)
			return c
		}
		c, err := net.Dial("tcp", d.socksAddr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write(append([]byte{5, 1, 0}, socksRequest(1, "good.test", 443)...))
		if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, door := range []string{"transparent", "connect", "socks"} {
		c := tunnel(door)
		c.Write(helloFor(t, "good.test"))
		if got, err := c.Read(make([]byte, 1)); got != 1 {
			t.Errorf("%s: honest: %v", door, err)
		}
		c.Close()
		c = tunnel(door)
		c.Write(split(helloFor(t, "evil.test"), 40))
		if got, _ := io.ReadAll(c); len(got) != 0 {
			t.Errorf("%s: fronting: server said %q", door, got)
		}
	}
	d.waitDenied("good.test:443")
	d.mu.Lock()
	defer d.mu.Unlock()
	denied := 0
	for _, e := range d.events {
		if e.Denied && e.Hint == "--allow-net=evil.test:443" {
			denied++
		}
	}
	if denied != 3 {
		t.Errorf("%d denials of 3", denied)
	}
}

func readHead(t *testing.T, c net.Conn) {
	t.Helper()
	var head []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, b[0]) {
		if _, err := c.Read(b); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(string(head), " 200 ") {
		t.Fatalf("answer %q", head)
	}
}

// A client may send its first bytes right behind CONNECT.
func TestConnectKeepsEarlyBytes(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test:7"}})
	d.site("good.test", "203.0.113.1", 7, echo(t))
	c, err := net.Dial("tcp", d.httpAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "CONNECT good.test:7 HTTP/1.1\r\nHost: good.test:7\r\n\r\n\x01early")
	readHead(t, c)
	closeWrite(c)
	if got, err := io.ReadAll(c); err != nil || string(got) != "\x01early" {
		t.Errorf("%q, %v", got, err)
	}
}

// The doors refuse to be their own targets.
func TestNoLoops(t *testing.T) {
	d := startDoors(t, network{allow: []string{"127.0.0.1:*", "self.test:*"}, hosts: map[string]string{"self.test": "127.0.0.1"}})
	for _, door := range []string{d.httpAddr, d.socksAddr, d.trans} {
		_, port, _ := net.SplitHostPort(door)
		for _, host := range []string{"127.0.0.1", "self.test"} {
			if code := raw(t, d, "CONNECT "+host+":"+port+" HTTP/1.1\r\nHost: x\r\n\r\n"); code != 403 {
				t.Errorf("%s:%s: %d", host, port, code)
			}
		}
	}
}

// New rules end the connections that they deny, and only those.
func TestNarrowing(t *testing.T) {
	d := startDoors(t, network{allow: []string{"a.test:7", "b.test:7"}})
	server := echo(t)
	d.site("a.test", "203.0.113.1", 7, server)
	d.site("b.test", "203.0.113.2", 7, server)
	a, b := d.throughName("a.test", 7), d.throughName("b.test", 7)
	for _, c := range []net.Conn{a, b} {
		c.Write([]byte{1})
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	d.SetRules(compile(t, network{allow: []string{"b.test:7"}}))
	if _, err := io.ReadAll(a); err == nil {
		t.Error("a connection outlived its rule")
	}
	d.waitDenied("a.test:7")
	roundTrip(t, b)
}

// WebSockets work through the proxy and transparently.
func TestUpgrade(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c, rw)
	}))
	defer srv.Close()
	d := startDoors(t, network{allow: []string{"good.test"}})
	d.site("good.test", "203.0.113.1", 80, srv.Listener.Addr().String())
	for _, door := range []string{"transparent", "http"} {
		target := "/"
		c := net.Conn(nil)
		if door == "http" {
			target = "http://good.test/"
			var err error
			if c, err = net.Dial("tcp", d.httpAddr); err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(10 * time.Second))
		} else {
			c = d.throughName("good.test", 80)
		}
		io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		br := bufio.NewReader(c)
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != 101 {
			t.Fatalf("%s: %v %v", door, resp, err)
		}
		c.Write([]byte{0x81, 2, 'h', 'i'})
		frame := make([]byte, 4)
		if _, err := io.ReadFull(br, frame); err != nil || string(frame) != "\x81\x02hi" {
			t.Errorf("%s: %q %v", door, frame, err)
		}
	}
}

// The user's own proxy is used, in absolute form for plain HTTP and by CONNECT
// for the rest, and only for what the rules allow.
func TestUpstream(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	web := origin(t)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
		mu.Unlock()
		if r.Method != http.MethodConnect {
			io.WriteString(w, "from upstream")
			return
		}
		to, err := net.Dial("tcp", web)
		if err != nil {
			return
		}
		defer to.Close()
		c, _, _ := w.(http.Hijacker).Hijack()
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(to, c)
		io.Copy(c, to)
	}))
	defer up.Close()
	env := []string{"http_proxy=http://u:p@" + up.Listener.Addr().String(), "HTTPS_PROXY=" + up.URL, "NO_PROXY=direct.test"}
	upstream, err := ParseUpstream(env)
	if err != nil {
		t.Fatal(err)
	}
	d := startDoors(t, network{allow: []string{"good.test:*", "direct.test", "pin.test"}, hosts: map[string]string{"pin.test": "127.0.0.1"}},
		func(c *Config) { c.Upstream = upstream })
	d.site("direct.test", "203.0.113.1", 80, web)
	d.forward["127.0.0.1:80"] = web
	c := d.httpClient()
	for url, want := range map[string]string{
		"http://good.test/x": "from upstream", "http://direct.test/x": "host=direct.test", "http://pin.test/x": "host=pin.test",
		"http://good.test:8080/x": "from upstream", "http://bad.test/": "blocked",
	} {
		if _, body, _ := get(t, c, url); !strings.Contains(body, want) {
			t.Errorf("%s: %q", url, body)
		}
	}
	conn := d.throughName("good.test", 8080)
	io.WriteString(conn, "GET /y HTTP/1.1\r\nHost: good.test:8080\r\nConnection: close\r\n\r\n")
	if got, _ := io.ReadAll(conn); !strings.Contains(string(got), "path=/y") {
		t.Errorf("tunnel: %q", got)
	}
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(seen, "\n")
	for _, want := range []string{"GET http://good.test/x Basic dTpw", "CONNECT good.test:8080 "} {
		if !strings.Contains(all, want) {
			t.Errorf("upstream saw\n%s\nnot %q", all, want)
		}
	}
	if strings.Contains(all, "bad.test") || strings.Contains(all, "pin.test") || strings.Contains(all, "direct.test") {
		t.Errorf("upstream saw\n%s", all)
	}
}

func TestParseUpstream(t *testing.T) {
	for env, broken := range map[string]bool{
		"": false, "HTTP_PROXY=proxy:3128": false, "HTTPS_PROXY=https://proxy": false, "ALL_PROXY=http://proxy": false,
		"HTTPS_PROXY=socks5://proxy": true, "all_proxy=socks5h://proxy:1": true, "HTTP_PROXY=http://": true, "HTTP_PROXY=http://a b": true,
	} {
		u, err := ParseUpstream([]string{env})
		if (err != nil) != broken || env == "" && u != nil {
			t.Errorf("%q: %v, %v", env, u, err)
		}
	}
}

// Many connections at once, and many one after the other, leave nothing.
func TestManyConnections(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test:7"}})
	d.site("good.test", "203.0.113.1", 7, echo(t))
	fake := d.fake("good.test")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 10 {
				c, err := d.dialThrough(fake.String() + ":7")
				if err != nil {
					continue // the port that was reserved may be taken by now
				}
				io.WriteString(c, "\x01ping")
				closeWrite(c)
				if got, err := io.ReadAll(c); err != nil || string(got) != "\x01ping" {
					t.Errorf("%q, %v", got, err)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	d.wait(func(events.Event) bool { return len(d.liveConns()) == 0 })
}
