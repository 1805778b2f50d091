package netfilter

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// A name whose first family leads nowhere is reached by the other, at once
// when it is refused and after a moment when it is silent, by every door.
func TestOneFamilyDead(t *testing.T) {
	for _, test := range []struct {
		name, dead, alive string
		silent            bool
	}{
		{"IPv6 silent", "2001:db8::dead", "203.0.113.1", true}, {"IPv6 refused", "2001:db8::dead", "203.0.113.1", false},
		{"IPv4 silent", "203.0.113.1", "2001:db8::a11e", true}, {"IPv4 refused", "203.0.113.1", "2001:db8::a11e", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			given := make(chan string, 16)
			d := startDoors(t, network{allow: []string{"two.test"}}, func(c *Config) {
				dial := c.Dial
				c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
					if !strings.Contains(addr, test.dead) {
						return dial(ctx, network, addr)
					}
					if test.silent {
						<-ctx.Done() // the winner ends the others
						given <- addr
						return nil, ctx.Err()
					}
					return nil, fmt.Errorf("refused")
				}
			})
			d.names["two.test"] = []string{test.dead, test.alive}
			d.forward[net.JoinHostPort(test.alive, "80")] = origin(t)
			for door, open := range map[string]func() net.Conn{"transparent": func() net.Conn { return d.throughName("two.test", 80) },
				"http": func() net.Conn {
					c, err := net.Dial("tcp", d.httpAddr)
					if err != nil {
						t.Fatal(err)
					}
					return c
				}} {
				c := open()
				c.SetDeadline(time.Now().Add(attemptTimeout / 2))
				io.WriteString(c, "GET http://two.test/x HTTP/1.1\r\nHost: two.test\r\nConnection: close\r\n\r\n")
				if got, err := io.ReadAll(c); !strings.Contains(string(got), "host=two.test path=") {
					t.Errorf("%s: %q %v", door, got, err)
				}
				if test.silent {
					<-given // no attempt outlives its connection
				}
			}
		})
	}
}

// tcpQuestion is a message as DNS over TCP has it.
func tcpQuestion(t *testing.T, id uint16, name string, kind uint16, tune ...func(*dns.Msg)) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	m.Id = id
	for _, f := range tune {
		f(m)
	}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(wire))), wire...)
}

// Resolvers are not all alike: questions in one write over TCP, both families
// from one socket at once, odd cases of letters, EDNS with its options.
func TestResolverHabits(t *testing.T) {
	d := startDoors(t, network{allow: []string{"*.ok.test"}})
	c, err := net.Dial("tcp", d.cfg.Listeners.DNSTCP.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	var all []byte
	const questions = 200
	for i := range uint16(questions) {
		name := fmt.Sprintf("n%d.ok.test.", i)
		if i%3 == 0 {
			name = fmt.Sprintf("n%d.bad.test.", i)
		}
		all = append(all, tcpQuestion(t, i, name, []uint16{dns.TypeA, dns.TypeAAAA}[i%2])...)
	}
	go func() {
		c.Write(all[:len(all)/2+1]) // in the middle of one
		c.Write(all[len(all)/2+1:])
	}()
	co := &dns.Conn{Conn: c}
	seen := map[uint16]bool{}
	for range questions {
		m, err := co.ReadMsg()
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]int{true: dns.RcodeRefused, false: dns.RcodeSuccess}[m.Id%3 == 0]
		if seen[m.Id] || m.Rcode != want || (want == dns.RcodeSuccess) != (len(m.Answer) == 1) {
			t.Errorf("%v", m)
		}
		seen[m.Id] = true
	}

	udp, err := net.Dial("udp", d.dns)
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	udp.SetDeadline(time.Now().Add(10 * time.Second))
	edns := func(m *dns.Msg) {
		m.SetEdns0(1232, true)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"},
			&dns.EDNS0_PADDING{Padding: make([]byte, 300)})
	}
	for _, q := range [][]byte{
		tcpQuestion(t, 1, "both.ok.test.", dns.TypeA), tcpQuestion(t, 2, "both.ok.test.", dns.TypeAAAA), // musl
		tcpQuestion(t, 3, "BoTh.oK.tESt.", dns.TypeA), tcpQuestion(t, 4, "both.ok.test.", dns.TypeA, edns),
	} {
		udp.Write(q[2:])
	}
	answers := map[uint16]*dns.Msg{}
	buf := make([]byte, 4096)
	for range 4 {
		n, err := udp.Read(buf)
		m := new(dns.Msg)
		if err != nil || m.Unpack(buf[:n]) != nil || len(m.Answer) != 1 {
			t.Fatalf("%v %v", m, err)
		}
		answers[m.Id] = m
	}
	a, odd := answers[1].Answer[0].(*dns.A), answers[3].Answer[0].(*dns.A)
	if _, ok := answers[2].Answer[0].(*dns.AAAA); !ok || !a.A.Equal(odd.A) || odd.Hdr.Name != "BoTh.oK.tESt." || answers[3].Question[0].Name != "BoTh.oK.tESt." {
		t.Errorf("%v", answers)
	}
	if opt := answers[4].IsEdns0(); opt == nil || answers[1].IsEdns0() != nil || len(opt.Option) != 0 {
		t.Errorf("EDNS: %v", answers)
	}
}

// Nothing but addresses comes back for an allowed parent, so there is no way
// to move data by names: neither out, as nothing is looked up, nor in.
func TestDNSTunnels(t *testing.T) {
	d := startDoors(t, network{allow: []string{"*.cdn.test"}})
	label := strings.Repeat("x", 63)
	for kind := range dns.TypeToString {
		if kind == dns.TypeA || kind == dns.TypeAAAA || kind == dns.TypeOPT || kind == dns.TypeNone || kind == dns.TypeAXFR || kind == dns.TypeIXFR {
			continue
		}
		name := label + "." + label + ".cdn.test."
		if r := ask(t, d, "udp", name, kind); len(r.Answer)+len(r.Ns) > 0 || r.Rcode != dns.RcodeSuccess {
			t.Errorf("%s: %v", dns.TypeToString[kind], r)
		}
	}
	for _, kind := range []uint16{dns.TypeAXFR, dns.TypeIXFR} {
		if r := ask(t, &doors{dns: d.cfg.Listeners.DNSTCP.Addr().String()}, "tcp", "cdn.test.", kind); len(r.Answer) > 0 {
			t.Errorf("transfer: %v", r)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) > 0 {
		t.Errorf("asked outside: %q", d.asked)
	}
}

// What no SOCKS5 client sends is no way in.
func TestSOCKSOddities(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test:7"}, local: []int{}})
	d.site("good.test", "203.0.113.1", 7, echo(t))
	say := func(text string) string {
		c, err := net.Dial("tcp", d.socksAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(c, text)
		closeWrite(c)
		got, _ := io.ReadAll(c)
		return string(got)
	}
	granted := func(reply string) bool { return len(reply) > 3 && reply[2] == 5 && reply[3] == 0 }
	if got := say("\x05\x01\x00" + string(socksRequest(1, "good.test", 7)) + "hello"); !granted(got) || !strings.HasSuffix(got, "hello") {
		t.Errorf("twin: %q", got)
	}
	for name, text := range map[string]string{
		"SOCKS4":                  "\x04\x01\x00\x07\xcb\x00\x71\x01user\x00",
		"SOCKS4a":                 "\x04\x01\x00\x07\x00\x00\x00\x01user\x00good.test\x00",
		"only passwords":          "\x05\x01\x02\x01\x01u\x01p" + string(socksRequest(1, "good.test", 7)),
		"no method":               "\x05\x00" + string(socksRequest(1, "good.test", 7)),
		"request without method":  string(socksRequest(1, "good.test", 7)),
		"domain that is loopback": "\x05\x01\x00" + string(socksRequest(1, "127.0.0.1", 7)), "domain localhost": "\x05\x01\x00" + string(socksRequest(1, "localhost", 7)),
		"domain in hex": "\x05\x01\x00" + string(socksRequest(1, "0x7f.1", 7)), "domain mapped": "\x05\x01\x00" + string(socksRequest(1, "[::ffff:127.0.0.1]", 7)),
		"domain with a port": "\x05\x01\x00" + string(socksRequest(1, "good.test:7", 8)), "empty domain": "\x05\x01\x00\x05\x01\x00\x03\x00\x00\x07",
		"port 0": "\x05\x01\x00" + string(socksRequest(1, "good.test", 0)), "unknown command": "\x05\x01\x00" + string(socksRequest(9, "good.test", 7)),
		"unknown address": "\x05\x01\x00\x05\x01\x00\x09good.test\x00\x07", "two requests": "\x05\x01\x00" + string(socksRequest(1, "evil.test", 7)) + string(socksRequest(1, "good.test", 7)),
	} {
		if got := say(text); granted(got) {
			t.Errorf("%s: %q", name, got)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.dialled) != 1 {
		t.Errorf("dialled %q", d.dialled)
	}
}

// A switch to HTTP/2 without TLS would let a client name other hosts behind
// it; that to WebSocket is honest.
func TestNoSwitchToHTTP2(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			io.WriteString(w, "stayed")
			return
		}
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n")
		io.Copy(c, c)
	}))
	defer srv.Close()
	d := startDoors(t, network{allow: []string{"good.test"}})
	d.site("good.test", "203.0.113.1", 80, srv.Listener.Addr().String())
	for upgrade, want := range map[string]int{"h2c": 200, "H2C": 200, "websocket, h2c": 200, "TLS/1.2": 200, "HTTP/2.0": 200, "websocket": 101} {
		c, err := net.Dial("tcp", d.httpAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(c, "GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: "+upgrade+"\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: %v %v, want %d", upgrade, resp, err, want)
		}
	}
}

// Bytes are counted for the host they went to, whichever door they took.
func TestBytesPerHost(t *testing.T) {
	d := startDoors(t, network{allow: []string{"a.test:7", "b.test:7", "c.test:7"}})
	server := echo(t)
	for i, name := range []string{"a.test", "b.test", "c.test"} {
		d.site(name, fmt.Sprintf("203.0.113.%d", i+1), 7, server)
	}
	open := func(addr, hello string, answer int) net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(c, hello)
		if _, err := io.ReadFull(c, make([]byte, answer)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, c := range map[string]net.Conn{"a.test": d.throughName("a.test", 7),
		"b.test": open(d.httpAddr, "CONNECT b.test:7 HTTP/1.1\r\nHost: b.test:7\r\n\r\n", len("HTTP/1.1 200 Connection established\r\n\r\n")),
		"c.test": open(d.socksAddr, "\x05\x01\x00"+string(socksRequest(1, "c.test", 7)), 12)} {
		const size = 300_001
		go func() {
			c.Write(make([]byte, size))
			closeWrite(c)
		}()
		if n, err := io.Copy(io.Discard, c); n != size || err != nil {
			t.Fatalf("%s: %d %v", name, n, err)
		}
		c.Close()
		e := d.wait(func(e events.Event) bool { return e.Target == name+":7" && !e.Denied })
		if e.BytesIn != size || e.BytesOut != size || e.Duration <= 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// A program that resolves names itself and then asks a proxy for the address
// means the name. An address that stands for none is nobody's.
func TestProxiesByAddress(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test:7", "good.test:80", "*"}, deny: []string{"evil.test:*"}})
	d.site("good.test", "203.0.113.1", 7, echo(t))
	d.site("good.test", "203.0.113.1", 80, origin(t))
	known := d.fake("good.test").String()
	for addr, granted := range map[string]bool{known: true, "198.18.99.99": false, "100::77": false} {
		c, err := net.Dial("tcp", d.socksAddr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(10 * time.Second))
		c.Write(append([]byte{5, 1, 0}, socksRequest(1, addr, 7)...))
		reply := make([]byte, 4)
		if _, err := io.ReadFull(c, reply); err != nil || (reply[3] == 0) != granted {
			t.Errorf("SOCKS to %s: %q %v", addr, reply, err)
		}
		resp, err := d.httpClient().Get("http://" + (Target{mustHost(t, addr), 80}).String() + "/x")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || (resp.StatusCode == 200) != granted || granted && string(body) != "host=good.test path=/x body=" {
			t.Errorf("HTTP to %s: %d %q %v", addr, resp.StatusCode, body, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, at := range d.dialled {
		if !strings.HasPrefix(at, "203.0.113.1:") {
			t.Errorf("dialled %s", at)
		}
	}
}

func mustHost(t *testing.T, text string) Host {
	t.Helper()
	h, err := ParseHost(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Addresses of this machine are not only those of its interfaces.
func TestAddressesThatLeadHere(t *testing.T) {
	for addr, here := range map[string]bool{"127.0.0.9": true, "::1": true, "192.0.2.1": false, "2001:db8::1": false} {
		if got := leadsHere(netip.MustParseAddr(addr)); got != here {
			t.Errorf("%s leads here: %v", addr, got)
		}
	}
	routed := netip.MustParseAddr("203.0.113.1")
	d := startDoors(t, network{allow: []string{"good.test", "mine.test"}},
		func(c *Config) { c.IsOwn = func(a netip.Addr) bool { return a == routed } })
	server := origin(t)
	d.site("mine.test", routed.String(), 80, server)
	d.site("good.test", "203.0.113.2", 80, server)
	for host, want := range map[string]int{"mine.test": 403, "good.test": 200} {
		if code := raw(t, d, "GET http://"+host+"/ HTTP/1.1\r\nHost: x\r\n\r\n"); code != want {
			t.Errorf("%s: %d, want %d", host, code, want)
		}
	}
}

// TestLeadsHereWithoutDescriptors: an address that cannot be asked about because a
// program has used up the proxy's descriptors is not taken for somebody else's.
func TestLeadsHereWithoutDescriptors(t *testing.T) {
	far := netip.MustParseAddr("198.51.100.7")
	if leadsHere(far) || !leadsHere(netip.MustParseAddr("127.0.0.1")) {
		t.Fatal("routes are not known")
	}
	var all unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &all); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &all)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: all.Max}); err != nil {
		t.Fatal(err)
	}
	if !leadsHere(far) {
		t.Error("taken for somebody else's")
	}
}
