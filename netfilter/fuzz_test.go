package netfilter

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// fenced is a Server that leads nowhere and notes every name that is looked up
// and every address that is dialled. Whatever a client says, only what its
// rules allow may be among them.
type fenced struct {
	*Server
	mu   sync.Mutex
	seen []string
}

// fenceRules allow two names and an address; what a lookup gives is public.
var fenceRules = network{allow: []string{"ok.test:7", "*.deep.test:*", "203.0.113.9:7"}, deny: []string{"no.deep.test:*"}}

func newFenced(t testing.TB) *fenced {
	s := &fenced{}
	note := func(what string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, what)
	}
	var err error
	s.Server, err = New(Config{Rules: compile(t, fenceRules), Emit: func(events.Event) {},
		Resolve: func(_ context.Context, name string) ([]netip.Addr, error) {
			note(name)
			return []netip.Addr{netip.MustParseAddr("203.0.113.77")}, nil
		},
		Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
			note(addr)
			return nil, errors.New("nowhere")
		},
		OwnAddrs: func() []netip.Addr { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check judges what was noted since the last check.
func (s *fenced) check(t *testing.T, input []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range s.seen {
		if ap, err := netip.ParseAddrPort(what); err == nil {
			named := ap.Addr() == netip.MustParseAddr("203.0.113.77") // of a name that was judged
			if !named && !s.rules.Load().Decide(Target{AddrHost(ap.Addr()), ap.Port()}).Allow {
				t.Errorf("%q: dialled %s", input, what)
			}
			continue
		}
		h, err := ParseHost(what)
		if err != nil || h.Name() != what || !s.rules.Load().DecideName(h).Allow {
			t.Errorf("%q: looked %q up", input, what)
		}
	}
	s.seen = nil
}

// speak lets a client say something and hang up when it has heard enough.
func speak(c net.Conn, input []byte) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(50 * time.Millisecond))
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.Discard, c)
	}()
	c.Write(input)
	select {
	case <-done:
	case <-time.After(2 * time.Millisecond):
	}
}

func FuzzSOCKS(f *testing.F) {
	hello := []byte{5, 1, 0}
	for _, request := range [][]byte{
		socksRequest(1, "ok.test", 7), socksRequest(1, "OK.test.", 7), socksRequest(2, "ok.test", 7), socksRequest(3, "ok.test", 7),
		socksRequest(1, "bad.test\x00.deep.test", 7), socksRequest(1, "a.deep.test", 443), socksRequest(1, "no.deep.test", 443),
		socksRequest(1, "203.0.113.9", 7), socksRequest(1, "0313.0.0x71.9", 7), socksRequest(1, "", 7),
		append([]byte{5, 1, 0, 1, 203, 0, 113, 9}, 0, 7), append([]byte{5, 1, 0, 1, 169, 254, 169, 254}, 0, 80),
		append(append([]byte{5, 1, 0, 4}, netip.MustParseAddr("::ffff:203.0.113.9").AsSlice()...), 0, 7),
	} {
		f.Add(append(append([]byte{}, hello...), request...))
	}
	f.Add([]byte{4, 1, 0, 80, 0, 0, 0, 1, 0})
	f.Add([]byte{5, 255})
	s := newFenced(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		client, server := net.Pipe()
		go speak(client, input)
		s.serveSOCKS(context.Background(), server)
		s.check(t, input)
	})
}

// pipes is a listener whose connections are made by hand.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// watched tells when the server is done with a connection.
type watched struct {
	net.Conn
	once sync.Once
	done chan struct{}
}

func (w *watched) Close() error {
	defer w.once.Do(func() { close(w.done) })
	return w.Conn.Close()
}

func FuzzHTTPDoor(f *testing.F) {
	for _, text := range []string{
		"CONNECT ok.test:7 HTTP/1.1\r\nHost: ok.test:7\r\n\r\n", "CONNECT bad.test:7 HTTP/1.1\r\nHost: ok.test:7\r\n\r\n",
		"CONNECT ok.test:8 HTTP/1.1\r\n\r\n", "CONNECT a.deep.test:443 HTTP/1.0\r\n\r\nearly",
		"CONNECT [::ffff:203.0.113.9]:7 HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT ok.test@bad.test:7 HTTP/1.1\r\nHost: x\r\n\r\n",
		"CONNECT //bad.test:7 HTTP/1.1\r\nHost: ok.test:7\r\n\r\n", "CONNECT ok.test:7#bad.test HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://ok.test:7/ HTTP/1.1\r\nHost: bad.test\r\n\r\n", "GET http://bad.test/ HTTP/1.1\r\nHost: ok.test:7\r\n\r\n",
		"GET http://no.deep.test/ HTTP/1.1\r\nHost: a.deep.test\r\n\r\n", "GET / HTTP/1.1\r\nHost: ok.test:7\r\n\r\n",
		"GET http://a.deep.test/ HTTP/1.1\r\nHost: a.deep.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST http://a.deep.test:80/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET http://bad.test/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://u:p@ok.test:7/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET ftp://ok.test:7/ HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	s := newFenced(f)
	in := make(pipes)
	ctx, cancel := context.WithCancel(context.Background())
	f.Cleanup(cancel)
	go s.serveHTTP(ctx, in)
	f.Fuzz(func(t *testing.T, input []byte) {
		client, server := net.Pipe()
		w := &watched{Conn: server, done: make(chan struct{})}
		in <- w
		speak(client, input)
		<-w.done
		s.check(t, input)
	})
}
