package netfilter

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

func TestEntries(t *testing.T) {
	for _, tt := range []struct {
		entry    string
		yes, no  []string
		isBroken bool
	}{
		{entry: "x.test", yes: []string{"x.test:80", "X.TEST.:443"}, no: []string{"x.test:22", "a.x.test:80", "ax.test:80", "x.test.evil:80"}},
		{entry: "x.test:22", yes: []string{"x.test:22"}, no: []string{"x.test:80"}},
		{entry: "x.test:8000-8100", yes: []string{"x.test:8000", "x.test:8100"}, no: []string{"x.test:7999", "x.test:8101"}},
		{entry: "x.test:*", yes: []string{"x.test:1", "x.test:65535"}, no: []string{"y.test:1"}},
		{entry: "*.x.test", yes: []string{"a.x.test:80", "b.a.x.test:443"}, no: []string{"x.test:80", "ax.test:80"}},
		{entry: "**.x.test:1", yes: []string{"x.test:1", "a.x.test:1"}, no: []string{"ax.test:1", "x.test:80"}},
		{entry: "*", yes: []string{"x.test:80", "203.0.113.1:443"}, no: []string{"x.test:22", "10.0.0.1:80", "169.254.169.254:80", "[::1]:80", "[64:ff9b::7f00:1]:80"}},
		{entry: "*:22", yes: []string{"x.test:22"}, no: []string{"x.test:80"}},
		{entry: "bücher.test", yes: []string{"xn--bcher-kva.test:80"}, no: []string{"bucher.test:80"}},
		{entry: "10.1.0.0/16:5432", yes: []string{"10.1.2.3:5432"}, no: []string{"10.2.0.1:5432", "10.1.2.3:80"}},
		{entry: "127.0.0.1:9", yes: []string{"127.0.0.1:9", "2130706433:9", "[::ffff:127.0.0.1]:9"}, no: []string{"127.0.0.2:9", "localhost:9"}},
		{entry: "::1", yes: []string{"[::1]:80"}, no: []string{"127.0.0.1:80"}},
		{entry: "[::1]:9", yes: []string{"[::1]:9"}, no: []string{"[::1]:80"}},
		{entry: "fd00::/8:7", yes: []string{"[fd12::1]:7"}, no: []string{"[fd12::1]:443"}},
		{entry: "0.0.0.0/0:*", yes: []string{"203.0.113.1:9"}, no: []string{"10.0.0.1:9", "127.0.0.1:9", "169.254.169.254:80", "x.test:80"}},
		{entry: "169.254.0.0/16", yes: []string{"169.254.1.1:80"}, no: []string{"169.254.169.254:80"}},
		{entry: "169.254.169.254", yes: []string{"169.254.169.254:80"}},
		{entry: "fd00::/8", yes: []string{"[fd12::1]:443"}, no: []string{"[fe00::1]:443"}},
		{entry: "[fd00::/8]:1", yes: []string{"[fd12::1]:1"}},
		{entry: "[fd00::]/8:1", yes: []string{"[fd12::1]:1"}},
		{entry: "", isBroken: true},
		{entry: "a*.test", isBroken: true},
		{entry: "a.*.test", isBroken: true},
		{entry: "*.", isBroken: true},
		{entry: "*.10.0.0.1", isBroken: true},
		{entry: "***.x.test", isBroken: true},
		{entry: "https://x.test", isBroken: true},
		{entry: "x.test/path", isBroken: true},
		{entry: "x.test:", isBroken: true},
		{entry: "x.test:0", isBroken: true},
		{entry: "x.test:9-8", isBroken: true},
		{entry: "x.test:65536", isBroken: true},
		{entry: "x.test:http", isBroken: true},
		{entry: "10.0.0.1/8", isBroken: true},
		{entry: "10.0.0.0/33", isBroken: true},
		{entry: "::ffff:10.0.0.0/104", isBroken: true},
		{entry: "localhost", isBroken: true},
		{entry: "a.localhost:80", isBroken: true},
		{entry: "x.test\x00", isBroken: true},
		{entry: "x .test", isBroken: true},
	} {
		t.Run(tt.entry, func(t *testing.T) {
			r, err := Compile(network{allow: []string{tt.entry}}.policy())
			var ee *EntryError
			if tt.isBroken {
				if !errors.As(err, &ee) || ee.Rule.Origin.Line != 1 {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, target := range tt.yes {
				if d := decide(t, r, target); !d.Allow || d.Rule.Value != tt.entry {
					t.Errorf("%s denied: %+v", target, d)
				}
			}
			for _, target := range tt.no {
				if d := decide(t, r, target); d.Allow {
					t.Errorf("%s allowed", target)
				} else if d.Rule.Key == "" || d.Rule.Text == "" && d.Rule.Value == "" {
					t.Errorf("%s denied without a reason: %+v", target, d)
				}
			}
			// The same entry denies what it allowed, whatever allows it.
			deny := compile(t, network{allow: []string{"*:*", "0.0.0.0/0:*", "::/0:*", tt.entry}, deny: []string{tt.entry}})
			for _, target := range tt.yes {
				if d := decide(t, deny, target); d.Allow || d.Rule.Key != keyDeny {
					t.Errorf("%s is not denied: %+v", target, d)
				}
			}
		})
	}
}

func decide(t *testing.T, r *Rules, target string) Decision {
	t.Helper()
	tg, err := ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	return r.Decide(tg)
}

// Absent, empty and zero mean deny.
func TestNothingAllowsNothing(t *testing.T) {
	r := compile(t, network{})
	for _, target := range []string{"x.test:80", "203.0.113.1:443", "localhost:80", "127.0.0.1:80", "[::1]:80", "0:80"} {
		if d := decide(t, r, target); d.Allow {
			t.Errorf("%s allowed", target)
		}
	}
	empty, err := Compile(policy.Network{})
	if err != nil || empty.Decide(Target{Host{name: "x.test"}, 80}).Allow {
		t.Errorf("zero policy: %v", err)
	}
	all := compile(t, network{allow: []string{"*:*"}})
	for _, target := range []Target{{}, {Host{}, 80}, {Host{name: "x.test"}, 0}} {
		if all.Decide(target).Allow {
			t.Errorf("%v allowed", target)
		}
	}
	if _, err := Compile(policy.Network{LocalOutbound: policy.LocalOutbound{Mode: "yes"}}); err == nil {
		t.Error("unknown mode accepted")
	}
}

func TestCheckAddr(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("203.0.113.77")}
	n := network{allow: []string{"x.test", "pinned.test", "*.wild.test", "192.168.7.0/24:443"}, deny: []string{"203.0.113.0/28"},
		hosts: map[string]string{"pinned.test": "127.0.0.1"}}
	for _, tt := range []struct {
		target, addr string
		allow        bool
	}{
		{"x.test:80", "203.0.113.99", true},
		{"x.test:80", "2001:4860::1", true},
		{"x.test:80", "198.18.0.5", true}, // a VPN's fake addresses on the host
		{"x.test:80", "127.0.0.1", false},
		{"x.test:80", "127.8.8.8", false},
		{"x.test:80", "0.0.0.0", false},
		{"x.test:80", "10.0.0.1", false},
		{"x.test:80", "172.16.0.1", false},
		{"x.test:80", "172.32.0.1", true},
		{"x.test:80", "192.168.1.1", false},
		{"x.test:443", "192.168.7.1", true},
		{"x.test:80", "192.168.7.1", false},
		{"x.test:80", "169.254.169.254", false},
		{"x.test:80", "169.254.1.1", false},
		{"x.test:80", "168.63.129.16", false},
		{"x.test:80", "100.64.0.1", false},
		{"x.test:80", "100.100.100.200", false},
		{"x.test:80", "224.0.0.1", false},
		{"x.test:80", "255.255.255.255", false},
		{"x.test:80", "::1", false},
		{"x.test:80", "::", false},
		{"x.test:80", "::ffff:127.0.0.1", false},
		{"x.test:80", "::127.0.0.1", false},
		{"x.test:80", "64:ff9b::7f00:1", false},
		{"x.test:80", "64:ff9b:1::a00:1", false},
		{"x.test:80", "2002:7f00:1::", false},
		{"x.test:80", "2001:0:1::", false},
		{"x.test:80", "fe80::1", false},
		{"x.test:80", "fe80::1%lo", false},
		{"x.test:80", "fd00:ec2::254", false},
		{"x.test:80", "fc00::1", false},
		{"x.test:80", "ff02::1", false},
		{"x.test:80", "100::1", false},
		{"x.test:80", "203.0.113.77", false}, // this machine
		{"x.test:80", "203.0.113.5", false},  // denied range
		{"pinned.test:80", "127.0.0.1", true},
		{"pinned.test:80", "127.0.0.2", false},
		{"x.test:80", "127.0.0.1", false}, // another name's pin
		{"a.wild.test:80", "10.0.0.1", false},
	} {
		r := compile(t, n)
		d := r.CheckAddr(decide(t, r, tt.target), netip.MustParseAddr(tt.addr), own)
		if d.Allow != tt.allow {
			t.Errorf("%s at %s: %+v", tt.target, tt.addr, d)
		}
		if !d.Allow && d.Rule.Text == "" && d.Rule.Value == "" {
			t.Errorf("%s at %s: no reason", tt.target, tt.addr)
		}
	}
}

func TestLocalOutbound(t *testing.T) {
	r := compile(t, network{local: []int{6379}})
	for target, allow := range map[string]bool{
		"localhost:6379": true, "db.localhost:6379": true, "127.0.0.1:6379": true, "[::1]:6379": true,
		"0.0.0.0:6379": true, "[::]:6379": true, "127.0.0.2:6379": false, "127.0.0.53:6379": false,
		"localhost:22": false, "127.0.0.1:22": false, "10.0.0.1:6379": false,
	} {
		if d := decide(t, r, target); d.Allow != allow || d.Local == (target[0] == '1' && target[1] == '0') {
			t.Errorf("%s: %+v", target, d)
		}
	}
	denied := compile(t, network{local: []int{6379}, deny: []string{"127.0.0.0/8:*"}})
	if d := decide(t, denied, "127.0.0.1:6379"); d.Allow {
		t.Error("a denied address is reachable as a local service")
	}
	all, err := Compile(policy.Network{LocalOutbound: policy.LocalOutbound{Mode: "all"}})
	if err != nil || !decide(t, all, "localhost:22").Allow || decide(t, all, "x.test:22").Allow {
		t.Errorf("mode all: %v", err)
	}
	for addr, allow := range map[string]bool{"127.0.0.1": true, "::1": true, "127.0.0.2": false} {
		d := decide(t, all, net.JoinHostPort(addr, "22"))
		if got := all.CheckAddr(d, netip.MustParseAddr(addr), nil); got.Allow != allow {
			t.Errorf("mode all, %s: %+v", addr, got)
		}
	}
	named := compile(t, network{local: []int{6379}, allow: []string{"127.0.0.2:6379"}})
	if d := decide(t, named, "127.0.0.2:6379"); !d.Allow || !named.CheckAddr(d, netip.MustParseAddr("127.0.0.2"), nil).Allow {
		t.Errorf("an address that an entry names: %+v", d)
	}
}

func TestDecideName(t *testing.T) {
	r := compile(t, network{
		allow: []string{"x.test:22", "*.w.test", "half.test:1-100"},
		deny:  []string{"no.w.test:*", "part.w.test:80", "gone.w.test:443", "gone.w.test:80", "half.test:1-50"}})
	for name, allow := range map[string]bool{
		"x.test": true, "a.w.test": true, "w.test": false, "y.test": false, "no.w.test": false,
		"part.w.test": true, "gone.w.test": false, "half.test": true,
	} {
		h, _ := ParseHost(name)
		if d := r.DecideName(h); d.Allow != allow {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if r.DecideName(AddrHost(netip.MustParseAddr("1.2.3.4"))).Allow {
		t.Error("an address is a name")
	}
}

func TestHint(t *testing.T) {
	r := compile(t, network{allow: []string{"x.test:22"}, deny: []string{"bad.test"}})
	for target, hint := range map[string]string{
		"y.test:80": "--allow-net=y.test:80", "[2001:db8::1]:80": "--allow-net=[2001:db8::1]:80", "bad.test:80": "",
	} {
		if d := decide(t, r, target); d.Hint != hint {
			t.Errorf("%s: hint %q", target, d.Hint)
		}
	}
	if d := decide(t, r, "x.test:23"); !strings.Contains(d.Rule.Text, "does not include port 23") || d.Rule.Origin.Line != 1 {
		t.Errorf("port: %+v", d.Rule)
	}
}

// The guard refuses no address that Decide allows, lets none pass that it
// denies, and fake addresses pass on the ports of any name.
func TestReach(t *testing.T) {
	lists := []network{
		{}, {allow: []string{"*"}}, {allow: []string{"*:*"}, deny: []string{"203.0.113.0/24:*"}},
		{allow: []string{"203.0.113.9:7", "[2001:db8::/32]:1-100", "10.0.0.0/8:*", "x.test:22", "*.y.test"}},
		{allow: []string{"0.0.0.0/0:*", "::/0:*"}}, {allow: []string{"169.254.0.0/16:80", "fc00::/7"}},
		{allow: []string{"169.254.169.254", "198.18.0.0/15:*", "a.test:1-5", "b.test:4-9"}, deny: []string{"10.0.0.1"}},
		{allow: []string{"*:*", "x.test"}, deny: []string{"*:443"}},
	}
	addrs := []string{"203.0.113.9", "203.0.113.10", "192.0.2.1", "10.0.0.1", "10.255.0.1", "169.254.169.254", "169.254.1.1",
		"100.64.0.1", "224.0.0.1", "255.255.255.255", "8.8.8.8", "2001:db8::5", "2600::1", "fd00:ec2::254", "fd01::1",
		"fe80::1", "64:ff9b::a00:1", "2002:7f00:1::", "::2", "ff02::1"}
	for _, n := range lists {
		r := compile(t, n)
		reach := r.Reach()
		for _, text := range addrs {
			addr := netip.MustParseAddr(text)
			for _, port := range []uint16{1, 7, 22, 79, 80, 443, 5000, 65535} {
				if got, want := passes(reach, addr, port), r.Decide(Target{AddrHost(addr), port}).Allow; got != want {
					t.Errorf("%v: %s:%d passes: %v, allowed: %v", n, addr, port, got, want)
				}
			}
		}
	}
	r := compile(t, lists[6]).Reach()
	for _, fake := range []netip.Addr{fake4(3), fake6(3)} {
		for port, want := range map[uint16]bool{1: true, 9: true, 10: false, 80: false, 443: false} {
			if got := passes(r, fake, port); got != want {
				t.Errorf("%s:%d passes: %v", fake, port, got)
			}
		}
	}
	if passes(compile(t, lists[7]).Reach(), fake4(1), 443) || !passes(compile(t, lists[7]).Reach(), fake6(1), 80) {
		t.Error("a denied port passes, or an allowed one does not")
	}
}

// passes is what the guard does with a list.
func passes(list []Reach, addr netip.Addr, port uint16) bool {
	for _, r := range list {
		in := r.Prefix.Contains(addr) && r.Lo <= port && port <= r.Hi
		for _, x := range r.Except {
			in = in && !x.Contains(addr)
		}
		if in {
			return !r.Refuse
		}
	}
	return false
}

// FuzzRules: an accepted entry never allows through "deny", and the decision
// of an entry agrees with itself on the canonical form of the host.
func FuzzRules(f *testing.F) {
	for _, s := range []string{"x.test", "*.x.test:1-9", "10.0.0.0/8", "[::1]:80", "**.a:*", "*"} {
		f.Add(s, "a.x.test")
	}
	f.Fuzz(func(t *testing.T, entry, host string) {
		if CheckEntry(entry) != nil {
			return
		}
		r, err := Compile(network{allow: []string{entry}}.policy())
		if err != nil {
			t.Fatalf("CheckEntry accepts %q, Compile does not: %v", entry, err)
		}
		deny := compile(t, network{allow: []string{"*:*", "0.0.0.0/0:*", "::/0:*"}, deny: []string{entry}})
		h, err := ParseHost(host)
		if err != nil {
			return
		}
		for _, port := range []uint16{1, 22, 80, 443, 65535} {
			if d := r.Decide(Target{h, port}); d.Allow {
				if deny.Decide(Target{h, port}).Allow {
					t.Errorf("%q allows %s:%d and does not deny it", entry, h, port)
				}
				if h.Name() != "" && !r.DecideName(h).Allow {
					t.Errorf("%q allows %s:%d but its name does not resolve", entry, h, port)
				}
			}
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	var allow []string
	for i := range 200 {
		allow = append(allow, fmt.Sprintf("host%d.test", i))
	}
	r, err := Compile(network{allow: allow}.policy())
	if err != nil {
		b.Fatal(err)
	}
	t := Target{Host{name: "host199.test"}, 443}
	for b.Loop() {
		r.Decide(t)
	}
}
