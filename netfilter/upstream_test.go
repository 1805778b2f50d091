package netfilter

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// fussy is a proxy as many companies have it: CONNECT is for 443 and one port
// more, everything else has to come in absolute form.
type fussy struct {
	web     string // where its tunnels lead
	connect string // suffix of what may be tunnelled

	mu   sync.Mutex
	seen []string
}

func (f *fussy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.seen = append(f.seen, r.Method+" "+r.RequestURI)
	f.mu.Unlock()
	switch {
	case r.Header.Get("Proxy-Authorization") != "Basic dTpw":
		w.Header().Set("Proxy-Authenticate", `Basic realm="corporate"`)
		w.WriteHeader(http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect && !strings.HasSuffix(r.Host, f.connect):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodConnect:
		to, err := net.Dial("tcp", f.web)
		if err != nil {
			return
		}
		c, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		join(r.Context(), c, to)
	case strings.HasSuffix(r.URL.Path, "/broken"):
		w.WriteHeader(http.StatusBadGateway)
	case strings.HasSuffix(r.URL.Path, "/hang"):
		<-r.Context().Done()
	default:
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "proxied %s host=%s body=%d err=%v", r.RequestURI, r.Host, len(body), err)
	}
}

func (f *fussy) saw(text string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.seen, func(s string) bool { return strings.Contains(s, text) })
}

func behindFussy(t *testing.T, f *fussy, user string, n network) *doors {
	t.Helper()
	up := httptest.NewServer(f)
	t.Cleanup(up.CloseClientConnections)
	t.Cleanup(up.Close)
	upstream, err := ParseUpstream([]string{"http_proxy=http://" + user + "@" + up.Listener.Addr().String(), "https_proxy=http://" + user + "@" + up.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	return startDoors(t, n, func(c *Config) { c.Upstream = upstream })
}

// plainDoors are the ways in which plain HTTP reaches port 80 of good.test.
func plainDoors(d *doors) map[string]func() net.Conn {
	open := func(addr, hello string, answer int) net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			d.t.Fatal(err)
		}
		d.t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, hello)
		if _, err := io.ReadFull(c, make([]byte, answer)); err != nil {
			d.t.Fatal(err)
		}
		return c
	}
	return map[string]func() net.Conn{
		"transparent": func() net.Conn { return d.throughName("good.test", 80) },
		"connect": func() net.Conn {
			return open(d.httpAddr, "CONNECT good.test:80 HTTP/1.1\r\nHost: good.test:80\r\n\r\n", len("HTTP/1.1 200 Connection established\r\n\r\n"))
		},
		"socks": func() net.Conn {
			return open(d.socksAddr, "\x05\x01\x00"+string(socksRequest(1, "good.test", 80)), 2+10)
		},
	}
}

// Plain HTTP reaches such a proxy through every door, with all that HTTP has.
func TestUpstreamAbsoluteForm(t *testing.T) {
	f := &fussy{connect: ":443"}
	d := behindFussy(t, f, "u:p", network{allow: []string{"good.test"}})
	for door, open := range plainDoors(d) {
		c := open()
		br := bufio.NewReader(c)
		expect := func(request, status, text string) {
			t.Helper()
			io.WriteString(c, request)
			method, _, _ := strings.Cut(request, " ")
			resp, err := http.ReadResponse(br, &http.Request{Method: method})
			if err != nil {
				t.Fatalf("%s %q: %v", door, request, err)
			}
			body, err := io.ReadAll(resp.Body)
			if resp.Status != status || string(body) != text || err != nil || resp.Header.Get("Proxy-Authenticate") != "" {
				t.Errorf("%s %q: %s %q %v", door, request, resp.Status, body, err)
			}
		}
		const head = " HTTP/1.1\r\nHost: good.test\r\n"
		expect("GET /a?b=c"+head+"\r\n", "200 OK", "proxied http://good.test/a?b=c host=good.test body=0 err=<nil>")
		expect("HEAD /a"+head+"\r\n", "200 OK", "")
		expect("POST /p"+head+"Content-Length: 3\r\n\r\nxyz", "200 OK", "proxied http://good.test/p host=good.test body=3 err=<nil>")
		expect("PUT /c"+head+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "200 OK", "proxied http://good.test/c host=good.test body=6 err=<nil>")
		expect("POST /broken"+head+"Content-Length: 3\r\n\r\nxyz", "502 Bad Gateway", "")
		if c = open(); true {
			br = bufio.NewReader(c)
			io.WriteString(c, "POST /w"+head+"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
			if line, err := br.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
				t.Errorf("%s: %q %v instead of 100", door, line, err)
			}
			br.ReadString('\n')
			expect("xyz", "200 OK", "proxied http://good.test/w host=good.test body=3 err=<nil>")
		}
		c = open() // one that has no more to say
		io.WriteString(c, "GET /half HTTP/1.0\r\n\r\n")
		closeWrite(c)
		if got, err := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.0 200") || !strings.HasSuffix(string(got), "/half host=good.test body=0 err=<nil>") {
			t.Errorf("%s: %q %v", door, got, err)
		}
		c = open()
		io.WriteString(c, "GET /first"+head+"\r\nGET /second HTTP/1.1\r\nHost: other.test\r\n\r\n")
		if got, err := io.ReadAll(c); err == nil || strings.Contains(string(got), "second") {
			t.Errorf("%s: a second host: %q %v", door, got, err)
		}
		d.waitDenied("good.test:80")
	}
	if f.saw("CONNECT") || f.saw("other.test") || f.saw("second") {
		t.Errorf("the proxy saw %q", f.seen)
	}
	if d.asked != nil {
		t.Errorf("names were resolved here: %q", d.asked)
	}
}

// What the proxy refuses the client hears as what it is.
func TestUpstreamRefusals(t *testing.T) {
	f := &fussy{connect: ":443"}
	d := behindFussy(t, f, "u:wrong", network{allow: []string{"good.test", "good.test:22"}})
	status, body, header := get(t, d.httpClient(), "http://good.test/")
	if status != http.StatusBadGateway || !strings.Contains(body, "it answered 407 Proxy Authentication Required; its user name and password") || header.Get("Proxy-Authenticate") != "" {
		t.Errorf("absolute form: %d %q", status, body)
	}
	for door, open := range plainDoors(d) {
		c := open()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: good.test\r\n\r\n")
		if got, _ := io.ReadAll(c); !strings.HasPrefix(string(got), "HTTP/1.1 502 ") || !strings.Contains(string(got), "it answered 407") || strings.Contains(string(got), "wrong") {
			t.Errorf("%s: %q", door, got)
		}
	}
	if got := raw(t, d, "CONNECT good.test:443 HTTP/1.1\r\nHost: good.test\r\n\r\n"); got != http.StatusBadGateway {
		t.Errorf("CONNECT: %d", got)
	}
	d.refused(netip.AddrPortFrom(d.fake("good.test"), 443).String())
	e := d.wait(func(e events.Event) bool { return e.Target == "good.test:443" && e.Message != "" })
	if e.Denied || !strings.Contains(e.Message, "407") || strings.Contains(e.Message, "wrong") {
		t.Errorf("%+v", e)
	}
	right := behindFussy(t, f, "u:p", network{allow: []string{"good.test:22"}})
	if got := raw(t, right, "CONNECT good.test:22 HTTP/1.1\r\nHost: good.test\r\n\r\n"); got != http.StatusBadGateway {
		t.Errorf("a port that the proxy refuses: %d", got)
	}
	right.wait(func(e events.Event) bool { return strings.Contains(e.Message, "it answered 403 Forbidden") })
}

// A proxy that hangs holds up its own clients, until they or their rules go.
func TestUpstreamHangs(t *testing.T) {
	f := &fussy{connect: ":443"}
	d := behindFussy(t, f, "u:p", network{allow: []string{"good.test", "other.test"}})
	for door, open := range plainDoors(d) {
		c := open()
		io.WriteString(c, "GET /hang HTTP/1.1\r\nHost: good.test\r\n\r\n")
		for !f.saw("/hang") {
			time.Sleep(time.Millisecond)
		}
		d.SetRules(compile(t, network{allow: []string{"other.test"}}))
		if got, err := io.ReadAll(c); err == nil || len(got) > 0 {
			t.Errorf("%s: %q %v", door, got, err)
		}
		d.SetRules(compile(t, network{allow: []string{"good.test", "other.test"}}))
		f.mu.Lock()
		f.seen = nil
		f.mu.Unlock()
	}
}

// A change of protocol, and what is no HTTP, goes through CONNECT.
func TestUpstreamTunnels(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		io.Copy(c, rw)
	}))
	defer web.Close()
	f := &fussy{web: web.Listener.Addr().String(), connect: ":80"}
	d := behindFussy(t, f, "u:p", network{allow: []string{"good.test", "192.0.2.9:80"}})
	doors := plainDoors(d)
	doors["http"] = func() net.Conn {
		c, err := net.Dial("tcp", d.httpAddr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		return c
	}
	for door, open := range doors {
		c := open()
		target := map[bool]string{true: "http://good.test/", false: "/"}[door == "http"]
		io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		br := bufio.NewReader(c)
		if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
			t.Fatalf("%s: %v %v", door, resp, err)
		}
		io.WriteString(c, "frame")
		got := make([]byte, 5)
		if _, err := io.ReadFull(br, got); err != nil || string(got) != "frame" {
			t.Errorf("%s: %q %v", door, got, err)
		}
		c.Close()
	}
	f.web = echo(t)
	silent := d.through("192.0.2.9:80") // until the server has spoken, which an echo never does first
	time.AfterFunc(sniffTime+100*time.Millisecond, func() { io.WriteString(silent, "\x00\x01late") })
	early := d.through("192.0.2.9:80")
	io.WriteString(early, "\x00early")
	for want, c := range map[string]net.Conn{"\x00\x01late": silent, "\x00early": early} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	c := d.through("192.0.2.9:80")
	io.WriteString(c, "GET /x HTTP/1.1\r\nHost: whatever.test\r\nConnection: close\r\n\r\n")
	if got, err := io.ReadAll(c); !strings.Contains(string(got), "proxied http://192.0.2.9/x host=192.0.2.9") {
		t.Errorf("HTTP to an address: %q %v", got, err)
	}
}

// What the user's NO_PROXY exempts is dialled directly, the rest is not.
func TestNoProxy(t *testing.T) {
	up, err := ParseUpstream([]string{"HTTP_PROXY=http://[2001:db8::3]:3128", "https_proxy=proxy.test:8080",
		"no_proxy=exact.test, .below.test,*.star.test,port.test:8080,10.1.0.0/16,2001:db8:1::/48,192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	n := network{allow: []string{"*:*"}, hosts: map[string]string{"pinned.test": "192.0.2.1"}, local: []int{80}}
	rules := compile(t, n)
	for target, want := range map[string]string{
		"else.test:80": "http://[2001:db8::3]:3128", "else.test:443": "http://proxy.test:8080", "else.test:22": "http://proxy.test:8080",
		"exact.test:443": "", "sub.exact.test:443": "", "notexact.test:443": "http://proxy.test:8080", "a.below.test:80": "", "below.test:443": "http://proxy.test:8080",
		"a.star.test:443": "", "port.test:8080": "", "port.test:443": "http://proxy.test:8080", "10.1.2.3:443": "", "10.2.2.3:443": "http://proxy.test:8080",
		"[2001:db8:1::5]:443": "", "[2001:db8:2::5]:443": "http://proxy.test:8080", "192.0.2.7:80": "", "192.0.2.8:80": "http://[2001:db8::3]:3128",
		"pinned.test:443": "", "127.0.0.1:80": "", "localhost:80": "",
	} {
		tgt, err := ParseTarget(target)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if p := up.proxyFor(rules.Decide(tgt), rules); p != nil {
			got = p.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	for _, all := range []string{"*", "exact.test,*"} {
		up, err := ParseUpstream([]string{"HTTPS_PROXY=proxy.test:8080", "NO_PROXY=" + all})
		if err != nil {
			t.Fatal(err)
		}
		if p := up.proxyFor(Decision{Allow: true, Target: Target{Host{name: "x.test"}, 443}}, rules); p != nil {
			t.Errorf("NO_PROXY=%s: %s", all, p)
		}
	}
}

// The proxy's own name is resolved like any other, both families tried.
func TestUpstreamByName(t *testing.T) {
	up := httptest.NewServer(&fussy{connect: ":443"})
	defer up.Close()
	port := netip.MustParseAddrPort(up.Listener.Addr().String()).Port()
	upstream, err := ParseUpstream([]string{fmt.Sprintf("HTTP_PROXY=http://u:p@proxy.corp.test:%d", port)})
	if err != nil {
		t.Fatal(err)
	}
	d := startDoors(t, network{allow: []string{"good.test"}}, func(c *Config) { c.Upstream = upstream })
	d.names["proxy.corp.test"] = []string{"2001:db8::99", "10.0.0.1"}
	d.forward[fmt.Sprintf("10.0.0.1:%d", port)] = up.Listener.Addr().String()
	for range 2 {
		if status, body, _ := get(t, d.httpClient(), "http://good.test/x"); status != 200 || !strings.HasPrefix(body, "proxied http://good.test/x") {
			t.Errorf("%d %q", status, body)
		}
	}
}

func TestEnviron(t *testing.T) {
	env := Environ(3128, 1080)
	for _, want := range []string{"http_proxy=http://127.0.0.1:3128", "ALL_PROXY=http://127.0.0.1:3128", "ftp_proxy=socks5h://127.0.0.1:1080"} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s in %q", want, env)
		}
	}
	// What is set inside is good for our own kind of client, too.
	up, err := ParseUpstream(env)
	if err != nil {
		t.Fatal(err)
	}
	rules := compile(t, network{allow: []string{"*:*", "10.0.0.1:80"}})
	for target, direct := range map[string]bool{"127.0.0.1:8000": true, "127.0.0.2:8000": true, "[::1]:8000": true, "10.0.0.1:80": false, "x.test:80": false, "localhost.test:80": false} {
		tgt, _ := ParseTarget(target)
		if p := up.proxyFor(Decision{Allow: true, Target: tgt}, rules); (p == nil) != direct {
			t.Errorf("%s: %v", target, p)
		}
	}
}
