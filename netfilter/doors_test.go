package netfilter

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

func TestMain(m *testing.M) {
	if os.Args[0] == ProxyName {
		os.Exit(ProxyMain(ProxyControl))
	}
	if code, child := runTransparentChild(); child {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// network builds policy.Network from short texts.
type network struct {
	allow, deny []string
	hosts       map[string]string
	local       []int
	allLocal    bool
}

func (n network) policy() policy.Network {
	p := policy.Network{LocalOutbound: policy.LocalOutbound{Mode: "none"}}
	rule := func(key, value string, line int) policy.Rule {
		return policy.Rule{Key: key, Value: value, Origin: policy.Origin{Layer: "user", File: "test.toml", Line: line}}
	}
	for i, e := range n.allow {
		p.AllowedDomains = append(p.AllowedDomains, policy.HostRule{Entry: e, Rule: rule(keyAllow, e, i+1)})
	}
	for i, e := range n.deny {
		p.DeniedDomains = append(p.DeniedDomains, policy.HostRule{Entry: e, Rule: rule(keyDeny, e, 100+i)})
	}
	for name, addr := range n.hosts {
		p.Hosts = append(p.Hosts, policy.HostAddr{Name: name, Addr: addr, Rule: rule(keyHosts, name, 200)})
	}
	if n.local != nil {
		p.LocalOutbound = policy.LocalOutbound{Mode: "ports", Ports: n.local, Rule: rule(keyLocal, "", 300)}
	}
	if n.allLocal {
		p.LocalOutbound = policy.LocalOutbound{Mode: "all", Rule: rule(keyLocal, "true", 300)}
	}
	return p
}

func compile(t testing.TB, n network) *Rules {
	t.Helper()
	r, err := Compile(n.policy())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// doors is a Server on ordinary loopback listeners. Its dialler connects every
// address and port that is in forward to another one, so that names with real
// ports and public addresses lead to servers of the test, and nowhere else.
type doors struct {
	*Server
	t                               *testing.T
	httpAddr, socksAddr, dns, trans string
	cancel                          context.CancelFunc

	mu      sync.Mutex
	events  []events.Event
	grew    chan struct{}
	asked   []string          // names given to the resolver
	dialled []string          // addresses given to the dialler
	forward map[string]string // "1.2.3.4:80" → where the test's server is
	names   map[string][]string
	dst     map[string]netip.AddrPort // client address → original destination
}

func tcpListener(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func startDoors(t *testing.T, n network, tune ...func(*Config)) *doors {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &doors{t: t, grew: make(chan struct{}, 1), forward: map[string]string{}, names: map[string][]string{}, dst: map[string]netip.AddrPort{}}
	l := Listeners{HTTP: tcpListener(t), SOCKS: tcpListener(t), DNS: udp, DNSTCP: tcpListener(t), Transparent: []net.Listener{tcpListener(t)}}
	d.httpAddr, d.socksAddr, d.dns, d.trans = l.HTTP.Addr().String(), l.SOCKS.Addr().String(), udp.LocalAddr().String(), l.Transparent[0].Addr().String()
	cfg := Config{Rules: compile(t, n), Listeners: l, Emit: d.emit, Dial: d.dialTest, Resolve: d.resolveTest, OriginalDst: d.originalDst,
		OwnAddrs: func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("203.0.113.77")} }}
	for _, f := range tune {
		f(&cfg)
	}
	if d.Server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	done := make(chan error, 1)
	go func() { done <- d.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return d
}

func (d *doors) emit(e events.Event) {
	d.mu.Lock()
	d.events = append(d.events, e)
	d.mu.Unlock()
	select {
	case d.grew <- struct{}{}:
	default:
	}
}

func (d *doors) dialTest(ctx context.Context, network, addr string) (net.Conn, error) {
	d.mu.Lock()
	d.dialled = append(d.dialled, addr)
	to, ok := d.forward[addr]
	d.mu.Unlock()
	if !ok {
		to = addr
		if !strings.HasPrefix(addr, "127.") && !strings.HasPrefix(addr, "[::1]") {
			return nil, fmt.Errorf("test: no server at %s", addr)
		}
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

func (d *doors) resolveTest(_ context.Context, name string) ([]netip.Addr, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, name)
	var out []netip.Addr
	for _, a := range d.names[name] {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

func (d *doors) originalDst(c net.Conn) (netip.AddrPort, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dst[c.RemoteAddr().String()], nil
}

// site makes a name public: it resolves to addr, and addr:port is server.
func (d *doors) site(name, addr string, port int, server string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[name] = []string{addr}
	d.forward[net.JoinHostPort(addr, fmt.Sprint(port))] = server
}

// wait returns the first event that match accepts.
func (d *doors) wait(match func(events.Event) bool) events.Event {
	d.t.Helper()
	limit := time.After(10 * time.Second)
	for {
		d.mu.Lock()
		for _, e := range d.events {
			if match(e) {
				d.mu.Unlock()
				return e
			}
		}
		d.mu.Unlock()
		select {
		case <-d.grew:
		case <-limit:
			d.mu.Lock()
			defer d.mu.Unlock()
			d.t.Fatalf("no such event among %+v", d.events)
		}
	}
}

func (d *doors) waitDenied(target string) events.Event {
	d.t.Helper()
	return d.wait(func(e events.Event) bool { return e.Denied && e.Target == target })
}

// through connects to dst by way of the transparent door.
func (d *doors) through(dst string) net.Conn {
	d.t.Helper()
	c, err := d.dialThrough(dst)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// refused: the reset may come before or after connect returns.
func (d *doors) refused(dst string) {
	d.t.Helper()
	c, err := d.dialThrough(dst)
	if err != nil {
		return
	}
	if got, err := io.ReadAll(c); err == nil || len(got) > 0 {
		d.t.Errorf("%s: read %q and %v instead of a reset", dst, got, err)
	}
}

func (d *doors) dialThrough(dst string) (net.Conn, error) {
	d.t.Helper()
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	// The door asks for the destination as soon as it accepts, so the address
	// of the client has to be known before: bind first.
	l, err := net.ListenTCP("tcp", local)
	if err != nil {
		d.t.Fatal(err)
	}
	local = l.Addr().(*net.TCPAddr)
	l.Close()
	d.mu.Lock()
	d.dst[local.String()] = netip.MustParseAddrPort(dst)
	d.mu.Unlock()
	c, err := (&net.Dialer{LocalAddr: local}).Dial("tcp", d.trans)
	if err != nil {
		return nil, err
	}
	d.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c, nil
}

// fake is the address that the DNS door gives for a name.
func (d *doors) fake(name string) netip.Addr {
	n, ok := d.Server.names.assign(name, nil)
	if !ok {
		d.t.Fatal("table full")
	}
	return fake4(n)
}

func (d *doors) throughName(name string, port int) net.Conn {
	d.t.Helper()
	return d.through(netip.AddrPortFrom(d.fake(name), uint16(port)).String())
}

func (d *doors) httpClient() *http.Client {
	u, _ := url.Parse("http://" + d.httpAddr)
	tr := &http.Transport{Proxy: http.ProxyURL(u)}
	d.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// origin is a web server that says what it was asked.
func origin(t testing.TB) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "host=%s path=%s body=%s", r.Host, r.URL.Path, body)
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// echo is a server that sends back what it gets until the client's end.
func echo(t testing.TB) string {
	l := tcpListener(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func get(t testing.TB, c *http.Client, url string) (int, string, http.Header) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func TestHTTPDoorAbsolute(t *testing.T) {
	web := origin(t)
	d := startDoors(t, network{allow: []string{"ok.test", "pinned.test:*"}, deny: []string{"no.ok.test"},
		hosts: map[string]string{"pinned.test": "127.0.0.1"}})
	d.site("ok.test", "203.0.113.1", 80, web)
	c := d.httpClient()
	if code, body, _ := get(t, c, "http://ok.test/a"); code != 200 || body != "host=ok.test path=/a body=" {
		t.Errorf("allowed: %d %q", code, body)
	}
	_, port, _ := net.SplitHostPort(web)
	if code, body, _ := get(t, c, "http://pinned.test:"+port+"/b"); code != 200 || !strings.Contains(body, "path=/b") {
		t.Errorf("pinned: %d %q", code, body)
	}
	code, body, header := get(t, c, "http://bad.test/")
	if code != 403 || !strings.Contains(body, "--allow-net=bad.test:80") || header.Get(deniedHeader) == "" {
		t.Errorf("denied: %d %q %v", code, body, header)
	}
	e := d.waitDenied("bad.test:80")
	if e.Hint != "--allow-net=bad.test:80" || e.Kind != events.Connect || e.Rule == nil || e.Rule.Text == "" {
		t.Errorf("event %+v", e)
	}
	if code, _, _ := get(t, c, "http://ok.test:81/"); code != 403 {
		t.Errorf("port outside the rule: %d", code)
	}
	for _, asked := range d.asked {
		if asked != "ok.test" {
			t.Errorf("resolved %q", asked)
		}
	}
}

func TestHTTPDoorConnect(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "host=%s len=%d", r.Host, len(body))
	}))
	defer web.Close()
	d := startDoors(t, network{allow: []string{"example.com"}})
	d.site("example.com", "203.0.113.1", 443, web.Listener.Addr().String())
	c := d.httpClient()
	c.Transport.(*http.Transport).TLSClientConfig = web.Client().Transport.(*http.Transport).TLSClientConfig
	resp, err := c.Post("https://example.com/", "text/plain", bytes.NewReader(make([]byte, 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(body) != "host=example.com len=1048576" {
		t.Errorf("got %q", body)
	}
	c.CloseIdleConnections()
	e := d.wait(func(e events.Event) bool { return !e.Denied && e.Target == "example.com:443" })
	if e.BytesOut < 1<<20 || e.BytesIn < 100 {
		t.Errorf("bytes in %d out %d", e.BytesIn, e.BytesOut)
	}
	if _, err := c.Get("https://other.test/"); err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("denied CONNECT: %v", err)
	}
}

func TestSOCKSDoor(t *testing.T) {
	d := startDoors(t, network{allow: []string{"ok.test:7", "203.0.113.9:7"}})
	server := echo(t)
	d.site("ok.test", "203.0.113.1", 7, server)
	d.forward["203.0.113.9:7"] = server
	for _, tt := range []struct {
		name  string
		req   []byte
		reply byte
	}{
		{"name", socksRequest(1, "ok.test", 7), 0},
		{"address", append([]byte{5, 1, 0, 1, 203, 0, 113, 9}, 0, 7), 0},
		{"denied name", socksRequest(1, "bad.test", 7), 2},
		{"denied port", socksRequest(1, "ok.test", 8), 2},
		{"denied address", append([]byte{5, 1, 0, 1, 203, 0, 113, 10}, 0, 7), 2},
		{"metadata", append([]byte{5, 1, 0, 1, 169, 254, 169, 254}, 0, 80), 2},
		{"bind", socksRequest(2, "ok.test", 7), 2},
		{"udp associate", socksRequest(3, "ok.test", 7), 2},
		{"NUL in name", socksRequest(1, "bad.test\x00.ok.test", 7), 2},
		{"empty name", socksRequest(1, "", 7), 2},
		{"mapped address", append(append([]byte{5, 1, 0, 4}, netip.MustParseAddr("::ffff:203.0.113.9").AsSlice()...), 0, 7), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := net.Dial("tcp", d.socksAddr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(10 * time.Second))
			c.Write([]byte{5, 1, 0})
			var method [2]byte
			io.ReadFull(c, method[:])
			c.Write(tt.req)
			var reply [10]byte
			if _, err := io.ReadFull(c, reply[:]); err != nil || reply[1] != tt.reply {
				t.Fatalf("reply %v, %v; want status %d", reply, err, tt.reply)
			}
			if tt.reply == 0 {
				roundTrip(t, c)
			}
		})
	}
}

func socksRequest(cmd byte, name string, port uint16) []byte {
	b := append([]byte{5, cmd, 0, 3, byte(len(name))}, name...)
	return append(b, byte(port>>8), byte(port))
}

// roundTrip sends through an echo server and half-closes.
func roundTrip(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte("\x01ping")); err != nil {
		t.Fatal(err)
	}
	if err := closeWrite(c); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "\x01ping" {
		t.Fatalf("echo %q, %v", got, err)
	}
}

func TestTransparentDoor(t *testing.T) {
	d := startDoors(t, network{allow: []string{"ok.test:7", "203.0.113.9:7", "smtp.test:25", "web.test"}, local: []int{6379}})
	server := echo(t)
	d.site("ok.test", "203.0.113.1", 7, server)
	d.forward["203.0.113.9:7"] = server
	d.forward["127.0.0.1:6379"] = server
	t.Run("name", func(t *testing.T) { roundTrip(t, d.throughName("ok.test", 7)) })
	t.Run("v6 fake", func(t *testing.T) {
		n, _ := d.Server.names.assign("ok.test", nil)
		roundTrip(t, d.through(netip.AddrPortFrom(fake6(n), 7).String()))
	})
	t.Run("address", func(t *testing.T) { roundTrip(t, d.through("203.0.113.9:7")) })
	t.Run("local port", func(t *testing.T) { roundTrip(t, d.through("127.0.0.1:6379")) })
	for _, dst := range []string{"203.0.113.10:7", "203.0.113.9:8", "127.0.0.1:22", "[::1]:22", "169.254.169.254:80", "198.18.77.1:7", "[100::]:7", "[100::1:0:0:1]:7"} {
		t.Run("denied "+dst, func(t *testing.T) {
			d.refused(dst)
			d.waitDenied(dst)
		})
	}
	t.Run("denied port of a name", func(t *testing.T) {
		d.refused(netip.AddrPortFrom(d.fake("ok.test"), 8).String())
		if e := d.waitDenied("ok.test:8"); !strings.Contains(e.Rule.Text, "port 8") {
			t.Errorf("rule %+v", e.Rule)
		}
	})
	t.Run("server speaks first", func(t *testing.T) {
		l := tcpListener(t)
		go func() {
			c, err := l.Accept()
			if err == nil {
				io.WriteString(c, "220 ready\r\n")
				io.Copy(c, c)
				c.Close()
			}
		}()
		d.site("smtp.test", "203.0.113.25", 25, l.Addr().String())
		c := d.throughName("smtp.test", 25)
		buf := make([]byte, 11)
		if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "220 ready\r\n" {
			t.Fatalf("greeting %q, %v", buf, err)
		}
		io.WriteString(c, "EHLO x\r\n")
		if _, err := io.ReadFull(c, buf[:8]); err != nil || string(buf[:8]) != "EHLO x\r\n" {
			t.Fatalf("answer %q, %v", buf[:8], err)
		}
	})
	t.Run("web", func(t *testing.T) {
		d.site("web.test", "203.0.113.80", 80, origin(t))
		c := d.throughName("web.test", 80)
		io.WriteString(c, "GET /1 HTTP/1.1\r\nHost: web.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: WEB.test.\r\nConnection: close\r\n\r\n")
		got, err := io.ReadAll(c)
		if err != nil || strings.Count(string(got), "200 OK") != 2 {
			t.Errorf("%q, %v", got, err)
		}
	})
}
