package netfilter

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestNameServers(t *testing.T) {
	got := nameServers("# x\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \nnameserver fe80::1%eth0\nnameserver bad\nsearch a.test\nnameserver")
	want := []string{"192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%eth0]:53"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A resolv.conf that the process may not read any more is asked for, once in a
// while; and everything else is left to the usual way.
func TestHostResolver(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		answerAddr(m, q.Question[0], netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("2001:db8::5"))
		w.WriteMsg(m)
	})}
	go srv.ActivateAndServe()
	defer srv.Shutdown()
	server := pc.LocalAddr().String()
	asked, plain := 0, 0
	readable := error(nil)
	h := newHostResolver(func(context.Context) (string, error) { asked++; return "nameserver 192.0.2.99\n", nil })
	h.readable = func() error { return readable }
	h.plain = func(context.Context, string) ([]netip.Addr, error) { plain++; return nil, nil }
	h.resolve(context.Background(), "x.test")
	if plain != 1 || asked != 0 {
		t.Errorf("readable: %d plain, asked %d times", plain, asked)
	}
	readable = &fs.PathError{Op: "open", Path: resolvConf, Err: fs.ErrPermission}
	if _, err := h.current(context.Background()); err != nil || !slices.Equal(h.servers, []string{"192.0.2.99:53"}) {
		t.Errorf("%v %v", h.servers, err)
	}
	h.servers = []string{server}
	for range 3 {
		addrs, err := h.resolve(context.Background(), "x.test")
		if err != nil || !slices.Contains(addrs, netip.MustParseAddr("203.0.113.5")) {
			t.Errorf("%v %v", addrs, err)
		}
	}
	if plain != 1 || asked != 1 {
		t.Errorf("replaced: %d plain, asked %d times", plain, asked)
	}
	h.at, h.text = h.at.Add(-2*keepServers), func(context.Context) (string, error) { return "", errors.New("gone") }
	h.resolve(context.Background(), "x.test")
	if plain != 2 {
		t.Error("without an answer the usual way is left")
	}
}
