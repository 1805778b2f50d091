package netfilter

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/miekg/dns"
)

func ask(t *testing.T, d *doors, network, name string, kind uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	c := &dns.Client{Net: network, Timeout: 10 * time.Second}
	r, _, err := c.Exchange(m, d.dns)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDNSDoor(t *testing.T) {
	d := startDoors(t, network{allow: []string{"ok.test:22", "*.wild.test"}, deny: []string{"no.wild.test"}})
	fake := ask(t, d, "udp", "ok.test.", dns.TypeA).Answer[0].(*dns.A).A
	addr, _ := netip.AddrFromSlice(fake)
	if h, ok := d.Server.names.lookup(addr.Unmap()); !ok || h.Name() != "ok.test" || !fakeRange4.Contains(addr.Unmap()) {
		t.Fatalf("fake address %v", fake)
	}
	reverse, _ := dns.ReverseAddr(fake.String())
	reverse6, _ := dns.ReverseAddr("100::1")
	for _, tt := range []struct {
		name  string
		kind  uint16
		rcode int
		text  string // of the single answer, "" for none
	}{
		{"OK.test.", dns.TypeA, dns.RcodeSuccess, fake.String()},
		{"ok.test.", dns.TypeAAAA, dns.RcodeSuccess, "100::1"},
		{"ok.test.", dns.TypeTXT, dns.RcodeSuccess, ""},
		{"ok.test.", dns.TypeHTTPS, dns.RcodeSuccess, ""},
		{"ok.test.", dns.TypeSVCB, dns.RcodeSuccess, ""},
		{"ok.test.", dns.TypeMX, dns.RcodeSuccess, ""},
		{"ok.test.", dns.TypeANY, dns.RcodeSuccess, ""},
		{"secret-data.wild.test.", dns.TypeTXT, dns.RcodeSuccess, ""},
		{"no.wild.test.", dns.TypeA, dns.RcodeRefused, ""},
		{"wild.test.", dns.TypeA, dns.RcodeRefused, ""},
		{"secret.bad.test.", dns.TypeA, dns.RcodeRefused, ""},
		{"secret.bad.test.", dns.TypeTXT, dns.RcodeRefused, ""},
		{"localhost.", dns.TypeA, dns.RcodeSuccess, "127.0.0.1"},
		{"x.localhost.", dns.TypeAAAA, dns.RcodeSuccess, "::1"},
		{"127.0.0.1.", dns.TypeA, dns.RcodeNameError, ""},
		{"a\\000.ok.test.", dns.TypeA, dns.RcodeNameError, ""},
		{"a\\.ok.test.", dns.TypeA, dns.RcodeNameError, ""},
		{".", dns.TypeA, dns.RcodeNameError, ""},
		{reverse, dns.TypePTR, dns.RcodeSuccess, "ok.test."},
		{reverse6, dns.TypePTR, dns.RcodeSuccess, "ok.test."},
		{"1.0.0.127.in-addr.arpa.", dns.TypePTR, dns.RcodeSuccess, "localhost."},
		{"8.8.8.8.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, ""},
		{"data.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, ""},
		{"99.99.19.198.in-addr.arpa.", dns.TypePTR, dns.RcodeNameError, ""},
	} {
		for _, network := range []string{"udp", "tcp"} {
			r := ask(t, &doors{dns: map[string]string{"udp": d.dns, "tcp": d.cfg.Listeners.DNSTCP.Addr().String()}[network]}, network, tt.name, tt.kind)
			text := ""
			if len(r.Answer) == 1 {
				text = dns.Field(r.Answer[0], 1)
			}
			if r.Rcode != tt.rcode || text != tt.text || len(r.Answer) > 1 {
				t.Errorf("%s %s over %s: %s %v", tt.name, dns.TypeToString[tt.kind], network, dns.RcodeToString[r.Rcode], r.Answer)
			}
		}
	}
	e := d.waitDenied("secret.bad.test")
	if e.Kind != events.Resolve || e.Hint != "--allow-net=secret.bad.test" {
		t.Errorf("event %+v", e)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) != 0 || len(d.dialled) != 0 {
		t.Errorf("DNS questions left the machine: %v %v", d.asked, d.dialled)
	}
	told := 0
	for _, e := range d.events {
		if e.Target == "secret.bad.test" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// musl waits for a time-out after REFUSED.
func TestDNSRefusalForMusl(t *testing.T) {
	d := startDoors(t, network{})
	m := new(dns.Msg)
	m.SetQuestion("bad.test.", dns.TypeA)
	m.AuthenticatedData = true
	r, err := dns.Exchange(m, d.dns)
	if err != nil || r.Rcode != dns.RcodeNameError {
		t.Errorf("%v, %v", r, err)
	}
}

// The cap gives SERVFAIL and an event; names that have an address keep it, and those
// that the rules themselves have get one all the same, as do another network's.
func TestDNSCap(t *testing.T) {
	rules := network{allow: []string{"*.wild.test", "named.test", "**.both.test"}, hosts: map[string]string{"pinned.wild.test": "203.0.113.1"}}
	d := startDoors(t, rules, func(c *Config) { c.MaxNames = 2 })
	first := ask(t, d, "udp", "a.wild.test.", dns.TypeA).Answer[0].String()
	ask(t, d, "udp", "b.wild.test.", dns.TypeA)
	if r := ask(t, d, "udp", "c.wild.test.", dns.TypeA); r.Rcode != dns.RcodeServerFailure {
		t.Errorf("third name: %v", r)
	}
	d.waitDenied("c.wild.test")
	if again := ask(t, d, "udp", "a.wild.test.", dns.TypeA).Answer[0].String(); again != first {
		t.Errorf("%s became %s", first, again)
	}
	for name, code := range map[string]int{
		"named.test.": dns.RcodeSuccess, "pinned.wild.test.": dns.RcodeSuccess, "both.test.": dns.RcodeSuccess,
		"x.both.test.": dns.RcodeServerFailure, "denied.test.": dns.RcodeRefused,
	} {
		if r := ask(t, d, "udp", name, dns.TypeA); r.Rcode != code {
			t.Errorf("%s: %v", name, r)
		}
	}
	other := startDoors(t, network{allow: []string{"*.wild.test"}}, func(c *Config) { c.MaxNames, c.names = 1, d.Server.names })
	if r := ask(t, other, "udp", "d.wild.test.", dns.TypeA); r.Rcode != dns.RcodeSuccess {
		t.Errorf("another network: %v", r)
	}
	if r := ask(t, other, "udp", "a.wild.test.", dns.TypeA); r.Rcode != dns.RcodeSuccess || r.Answer[0].String() != first {
		t.Errorf("a name of the first: %v", r)
	}
}

// Malformed packets get a refusal or silence, and the door lives on.
func TestDNSOddPackets(t *testing.T) {
	d := startDoors(t, network{allow: []string{"ok.test"}})
	response := new(dns.Msg)
	response.SetQuestion("ok.test.", dns.TypeA)
	response.Response = true
	answer, _ := response.Pack()
	update := new(dns.Msg)
	update.SetUpdate("ok.test.")
	up, _ := update.Pack()
	c, err := net.Dial("udp", d.dns)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, p := range [][]byte{{}, {0}, []byte("GET / HTTP/1.1\r\n\r\n"), answer, up, append(answer[:12:12], 0xc0, 0x0c)} {
		c.Write(p)
	}
	if r := ask(t, d, "udp", "ok.test.", dns.TypeA); r.Rcode != dns.RcodeSuccess {
		t.Errorf("afterwards: %v", r)
	}
	two := new(dns.Msg)
	two.Question = []dns.Question{{Name: "ok.test.", Qtype: dns.TypeA, Qclass: dns.ClassINET}, {Name: "bad.test.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
	if r, err := dns.Exchange(two, d.dns); err == nil && (r.Rcode == dns.RcodeSuccess || len(r.Answer) > 0) {
		t.Errorf("two questions: %v", r)
	}
	chaos := new(dns.Msg)
	chaos.SetQuestion("version.bind.", dns.TypeTXT)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	if r, err := dns.Exchange(chaos, d.dns); err != nil || r.Rcode != dns.RcodeRefused {
		t.Errorf("chaos: %v, %v", r, err)
	}
}

func TestNameTable(t *testing.T) {
	n := newNameTable()
	last := uint32(maxNumbers)
	if fake4(last+1) != netip.MustParseAddr("198.19.255.254") {
		t.Error("the sandbox's own address may have a name")
	}
	full := newNameTable()
	for i := range maxNumbers {
		if _, ok := full.assign(strconv.Itoa(i), nil); !ok {
			t.Fatalf("no number for %d", i)
		}
	}
	if _, ok := full.assign("one more", nil); ok {
		t.Error("more numbers than addresses")
	}
	if !fakeRange4.Contains(fake4(last)) || !fakeRange6.Contains(fake6(last)) {
		t.Error("the last address is outside its range")
	}
	for _, a := range []string{"198.18.0.0", "198.18.0.1", "198.19.255.255", "100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1", "10.0.0.1"} {
		if _, ok := n.lookup(netip.MustParseAddr(a)); ok {
			t.Errorf("%s has a name", a)
		}
	}
}

func FuzzDNS(f *testing.F) {
	for _, name := range []string{"ok.test.", "bad.test.", "1.0.0.127.in-addr.arpa.", "a\\000b.test."} {
		m := new(dns.Msg)
		m.SetQuestion(name, dns.TypeA)
		b, _ := m.Pack()
		f.Add(b)
	}
	r, err := Compile(network{allow: []string{"**.ok.test"}}.policy())
	if err != nil {
		f.Fatal(err)
	}
	s, err := New(Config{Rules: r, Emit: func(events.Event) {}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q := new(dns.Msg)
		if q.Unpack(b) != nil {
			return
		}
		m := s.answerDNS(q, client{})
		if _, err := m.Pack(); err != nil && len(q.Question) == 1 {
			t.Errorf("answer cannot be sent: %v", err)
		}
		for _, rr := range m.Answer {
			if a, ok := rr.(*dns.A); ok && !a.A.IsLoopback() {
				ip, _ := netip.AddrFromSlice(a.A.To4())
				if h, ok := s.names.lookup(ip); !ok || !r.DecideName(h).Allow {
					t.Errorf("address for a name that is not allowed: %v", rr)
				}
			}
		}
	})
}
