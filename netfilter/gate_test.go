package netfilter

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

// helloFor is a real ClientHello for a server name ("" for none).
func helloFor(t testing.TB, name string) []byte {
	t.Helper()
	a, b := net.Pipe()
	go func() {
		c := tls.Client(a, &tls.Config{ServerName: name, InsecureSkipVerify: name == ""})
		c.Handshake()
	}()
	defer a.Close()
	defer b.Close()
	head := make([]byte, recordHeaderBytes)
	if _, err := io.ReadFull(b, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(b, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// split cuts one handshake record into records of n bytes.
func split(record []byte, n int) []byte {
	var out []byte
	for body := record[recordHeaderBytes:]; len(body) > 0; {
		k := min(n, len(body))
		out = append(out, recordHandshake, 3, 1, byte(k>>8), byte(k))
		out = append(out, body[:k]...)
		body = body[k:]
	}
	return out
}

// withExtension appends an extension to a ClientHello and mends the lengths.
func withExtension(record []byte, kind uint16, data []byte) []byte {
	w := wire{b: record[recordHeaderBytes+4:]}
	w.skip(34)
	w.vector(1)
	w.vector(2)
	w.vector(1)
	at := len(record) - len(w.b)
	out := append([]byte{}, record...)
	out = append(out, byte(kind>>8), byte(kind), byte(len(data)>>8), byte(len(data)))
	out = append(out, data...)
	added := 4 + len(data)
	grow := func(i, n int) {
		v := 0
		for _, c := range out[i : i+n] {
			v = v<<8 | int(c)
		}
		v += added
		for k := n - 1; k >= 0; k-- {
			out[i+k] = byte(v)
			v >>= 8
		}
	}
	grow(3, 2)
	grow(6, 3)
	grow(at, 2)
	return out
}

func sni(name string) []byte {
	n := len(name)
	return append([]byte{byte((n + 3) >> 8), byte(n + 3), 0, byte(n >> 8), byte(n)}, name...)
}

// What a client may say first on a connection to good.test, byte by byte and
// at once.
func TestGate(t *testing.T) {
	hello := helloFor(t, "good.test")
	const req = "GET / HTTP/1.1\r\nHost: good.test\r\n\r\n"
	for _, tt := range []struct {
		name string
		port uint16
		send string
		deny string // "" passes
	}{
		{"hello", 443, string(hello) + "more", ""},
		{"hello in small records", 443, string(split(hello, 7)), ""},
		{"hello on any port", 8443, string(hello), ""},
		{"hello for another name", 443, string(helloFor(t, "evil.test")), "SNI evil.test does not match"},
		{"hello for another name on any port", 25, string(helloFor(t, "evil.test")), "does not match"},
		{"fragmented hello for another name", 443, string(split(helloFor(t, "evil.test"), 3)), "does not match"},
		{"hello in wide letters", 443, string(withSNI(t, "\uff47ood.test")), "is not ASCII"},
		{"hello with its upper case", 443, string(withSNI(t, "GOOD.Test")), ""},
		{"host in wide letters", 80, "GET / HTTP/1.1\r\nHost: \uff47ood.test\r\n\r\n", "is not ASCII"},
		{"host that is no UTF-8", 80, "GET / HTTP/1.1\r\nHost: good\xff.test\r\n\r\n", "is not ASCII"},
		{"host in upper case", 80, "GET / HTTP/1.1\r\nHost: GOOD.Test\r\n\r\n", ""},
		{"hello without a name", 443, string(helloFor(t, "")), "names no server"},
		{"hello without a name on another port", 5432, string(helloFor(t, "")), ""},
		{"two names", 443, string(withExtension(hello, extServerName, sni("evil.test"))), "repeated extension"},
		{"ECH", 443, string(withExtension(hello, extECH, []byte{0, 0, 1})), "ECH"},
		{"hello in records of a byte", 443, string(split(hello, 1)), ""},
		{"hello in very many records", 443, string(split(withExtension(hello, 21, make([]byte, 8<<10)), 1)), "too long in its records"},
		{"hello of impossible size", 443, "\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00", "too long"},
		{"another handshake message", 443, "\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", "not a ClientHello"},
		{"garbage after a record header", 443, "\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03\x00\x00", "malformed"},
		{"empty record", 443, "\x16\x03\x01\x00\x00", "impossible size"},
		{"application data between records", 443, string(split(hello, 7)[:12]) + "\x17\x03\x03\x00\x01x", "not a handshake record"},
		{"plain HTTP on 443", 443, req, "plain HTTP"},
		{"SSLv2 on 443", 443, "\x80\x2e\x01\x00\x02\x00\x15", "is not TLS"},
		{"binary on 443", 443, "\x00\x01\x02", "is not TLS"},
		{"ssh on 443", 443, "SSH-2.0-OpenSSH_9.6\r\n", ""},
		{"ssh on any port", 2222, "SSH-2.0-x with a comment\r\n\x00\x00", ""},
		{"ssh with one that is no version", 80, "SSH-2.0-x for HTTP/\r\n\x00\x00", ""},
		{"request like an ssh greeting", 80, "SSH-X / HTTP/1.1\r\nHost: good.test\r\n\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"request like an ssh greeting of a version", 443, "SSH-2.0-x / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "plain HTTP"},
		{"ssh greeting and a bare CR", 80, "SSH-2.0-x\rGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "bare CR"},
		{"binary on 80", 80, "\x00\x01\x02", "is not HTTP"},
		{"binary elsewhere", 9999, "\x00\x01\x02", ""},
		{"text elsewhere", 9999, "hello world", ""},
		{"smtp", 25, "EHLO x\r\nMAIL FROM:<a@evil.test>\r\n", ""},
		{"redis", 6379, "PING\r\n", ""},
		{"postgres", 5432, "\x00\x00\x00\x08\x04\xd2\x16\x2f", ""},

		{"request", 80, req, ""},
		{"request with port", 80, "GET / HTTP/1.1\r\nHost: GOOD.test.:80\r\n\r\n", ""},
		{"request on any port", 8080, "GET / HTTP/1.1\r\nHost: good.test:8080\r\n\r\n", ""},
		{"keep-alive", 80, req + req + req, ""},
		{"bare LF by hand", 80, "GET / HTTP/1.0\nHost: good.test\n\n", ""},
		{"HTTP/1.0 without Host", 80, "GET / HTTP/1.0\r\n\r\n", ""},
		{"body", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5\r\n\r\nhello" + req, ""},
		{"chunks", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: 1\r\n\r\n" + req, ""},
		{"absolute target", 80, "GET http://good.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n", ""},
		{"leading empty lines", 80, "\r\n\r\n" + req, ""},

		{"another Host", 80, "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "Host evil.test does not match"},
		{"another Host on any port", 8080, "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"another Host after empty lines", 8080, "\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"another Host after many empty lines", 8080, strings.Repeat("\r\n", 20) + "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"another Host after a blank", 8080, " GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "request line"},
		{"blank that is no space", 8080, "GET\v/\vHTTP/1.1\r\nHost: evil.test\r\n\r\n", "request line"},
		{"blank of Latin-1", 8080, "GET /\xa0HTTP/1.1\r\nHost: evil.test\r\n\r\n", "request line"},
		{"odd target", 8080, "GET x HTTP/1.1\r\nHost: evil.test\r\n\r\n", "target"},
		{"a word too many", 8080, "GET / HTTP/1.1 x\r\nHost: evil.test\r\n\r\n", "request line"},
		{"long method", 8080, strings.Repeat("X", 40) + " / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"empty lines elsewhere", 9999, strings.Repeat("\r\n", 20) + "x\r\n", ""},
		{"text about HTTP elsewhere", 9999, "see http://x.test/ and xHTTP/1.1\n", ""},
		{"own method", 8080, "frob / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"address as Host", 80, "GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", "does not match"},
		{"another port in Host", 80, "GET / HTTP/1.1\r\nHost: good.test:81\r\n\r\n", "another port"},
		{"user in Host", 80, "GET / HTTP/1.1\r\nHost: good.test@evil.test\r\n\r\n", "contains"},
		{"no Host", 80, "GET / HTTP/1.1\r\n\r\n", "without Host"},
		{"two Hosts", 80, "GET / HTTP/1.1\r\nHost: good.test\r\nHost: evil.test\r\n\r\n", "two Host"},
		{"Host in another case", 80, "GET / HTTP/1.1\r\nhost: good.test\r\nHOST: evil.test\r\n\r\n", "two Host"},
		{"absolute target elsewhere", 80, "GET http://evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n", "does not match"},
		{"absolute target with user", 80, "GET http://good.test@evil.test/ HTTP/1.1\r\nHost: good.test\r\n\r\n", "contains"},
		{"CONNECT", 80, "CONNECT evil.test:443 HTTP/1.1\r\nHost: good.test\r\n\r\n", "CONNECT"},
		{"second request elsewhere", 80, req + "GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "evil.test does not match"},
		{"request behind a body", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"request behind chunks", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
		{"length and chunks", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "both"},
		{"two lengths", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", "ambiguous"},
		{"signed length", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: +5\r\n\r\n", "ambiguous"},
		{"odd encoding", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: xchunked\r\n\r\n", "ambiguous"},
		{"odd chunk size", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", "chunk size"},
		{"bare LF in a chunk", 80, "POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello", "chunk size"},
		{"folded header", 80, "GET / HTTP/1.1\r\nHost: good.test\r\nX: a\r\n Host: evil.test\r\n\r\n", "malformed"},
		{"space before colon", 80, "GET / HTTP/1.1\r\nHost: good.test\r\nHost : evil.test\r\n\r\n", "malformed"},
		{"bare CR", 80, "GET / HTTP/1.1\r\nHost: good.test\rX\r\n\r\n", "bare CR"},
		{"mixed line ends", 80, "GET / HTTP/1.1\r\nX: a\nHost: good.test\r\n\r\n", "bare"},
		{"NUL", 80, "GET / HTTP/1.1\r\nHost: good.test\r\nX: \x00\r\n\r\n", "NUL"},
		{"three spaces", 80, "GET  /  HTTP/1.1\r\nHost: good.test\r\n\r\n", "request line"},
		{"HTTP/2 preface", 80, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"},
		{"HTTP/2 preface elsewhere", 8080, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"},
		{"HTTP/0.9", 80, "GET /\r\n", "is not HTTP"},
		{"huge head", 80, "GET / HTTP/1.1\r\n" + strings.Repeat("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 3000), "too long"},
		{"endless line", 80, "GET /" + strings.Repeat("x", maxHead+10), "too long"},
		{"h2c upgrade, then HTTP/2", 80, "GET / HTTP/1.1\r\nHost: good.test\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n", "HTTP/2"},
		{"upgrade that no one accepted", 80, "GET / HTTP/1.1\r\nHost: good.test\r\nUpgrade: websocket\r\n\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", "does not match"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, piece := range []int{1, 3, len(tt.send)} {
				g := newGate(Target{Host{name: "good.test"}, tt.port}, compile(t, network{allow: []string{"good.test:*"}}))
				passed, err := feedAll(g, tt.send, piece)
				var ge *gateError
				switch {
				case tt.deny == "" && (err != nil || passed != tt.send):
					t.Fatalf("pieces of %d: passed %q, %v", piece, passed, err)
				case tt.deny != "" && (!errors.As(err, &ge) || !strings.Contains(ge.text, tt.deny)):
					t.Fatalf("pieces of %d: error %v, want %q", piece, err, tt.deny)
				case tt.deny != "" && strings.Contains(passed, "evil"):
					t.Fatalf("pieces of %d: %q got through", piece, passed)
				}
			}
		})
	}
}

func feedAll(g *gate, text string, piece int) (string, error) {
	var passed strings.Builder
	for b := []byte(text); len(b) > 0; {
		n := min(piece, len(b))
		p, err := g.feed(b[:n])
		passed.Write(p)
		if err != nil {
			return passed.String(), err
		}
		b = b[n:]
	}
	if !g.open {
		p, err := g.end()
		passed.Write(p)
		return passed.String(), err
	}
	return passed.String(), nil
}

// Protocols in which the client waits for an answer to an unfinished line must
// not be held up.
func TestGateHoldsNothingBack(t *testing.T) {
	for _, send := range []string{"hello", "hello world", "AUTH x", "{\"a\"", "\x16\x02", "login: ", "JDWP-Handshake", "GET /x", "* OK\xc3 ", "\x00\r", "a\x00HTTP/1.1"} {
		g := newGate(Target{Host{name: "good.test"}, 9999}, compile(t, network{}))
		passed, err := g.feed([]byte(send))
		if err != nil || string(passed) != send {
			t.Errorf("%q: passed %q, %v", send, passed, err)
		}
	}
}

// After a 101 the connection is the program's own; after anything else the
// requests are still checked.
func TestGateUpgrade(t *testing.T) {
	const req = "GET / HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	for answer, open := range map[string]bool{"HTTP/1.1 101 Switching\r\n": true, "HTTP/1.1 200 OK\r\n": false, "junk": false} {
		g := newGate(Target{Host{name: "good.test"}, 80}, compile(t, network{}))
		if _, err := g.feed([]byte(req)); err != nil {
			t.Fatal(err)
		}
		for i := range answer {
			if g.fromServer([]byte(answer[i : i+1])) {
				break
			}
		}
		_, err := g.feed([]byte("\x81\x00\n\r\nHost: x\r\n\r\n"))
		if (err == nil) != open {
			t.Errorf("%q: %v", answer, err)
		}
	}
	g := newGate(Target{Host{name: "good.test"}, 80}, compile(t, network{}))
	if _, err := g.feed([]byte("GET / HTTP/1.1\r\nHost: good.test\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if !g.fromServer([]byte("HTTP/1.1 101 Switching\r\n")) || g.switched.Load() == upgradeYes {
		t.Error("a 101 that nobody asked for opened the gate")
	}
}

// A connection to an allowed address shows no name to compare with, but may
// not show a denied one.
func TestGateForAddresses(t *testing.T) {
	r := compile(t, network{allow: []string{"*"}, deny: []string{"evil.test"}})
	for name, allow := range map[string]bool{"evil.test": false, "any.test": true} {
		for _, send := range []string{string(helloFor(t, name)), "GET / HTTP/1.1\r\nHost: " + name + "\r\n\r\n"} {
			h, _ := ParseHost("203.0.113.1")
			_, err := feedAll(newGate(Target{h, 443}, r), send, 5)
			if (err == nil) != allow {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := feedAll(newGate(Target{Host{addr: netip.MustParseAddr("203.0.113.1")}, 3128}, r), "CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n", 5); err == nil {
		t.Error("CONNECT to an address")
	}
	// What hides its names cannot be compared with denied ones, and need not be
	// where there are none.
	h, _ := ParseHost("203.0.113.1")
	for port, allow := range map[uint16]bool{443: false, 50051: true} {
		_, err := feedAll(newGate(Target{h, port}, r), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", 5)
		if (err == nil) != allow || err != nil && !strings.Contains(err.Error(), "HTTP/2") {
			t.Errorf("HTTP/2 without TLS to port %d: %v", port, err)
		}
	}
}

// withSNI is a ClientHello for a name that crypto/tls would not send.
func withSNI(t testing.TB, name string) []byte {
	t.Helper()
	return withExtension(helloFor(t, ""), extServerName, sni(name))
}

// ReadFrom and WriteTo of a connection carry everything, however it arrives.
func TestGatedCopies(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test"}})
	a, b := net.Pipe()
	up := d.wrap(reached{conn: a}, Decision{Allow: true, Target: Target{Host{name: "good.test"}, 80}}, client{}, true, nil)
	text := strings.Repeat("POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5\r\n\r\nhello", 100)
	go func() {
		up.ReadFrom(iotest.HalfReader(strings.NewReader(text)))
		up.Close()
	}()
	got, err := io.ReadAll(b)
	if err != nil || string(got) != text {
		t.Errorf("%d of %d bytes, %v", len(got), len(text), err)
	}
}

func FuzzClientHello(f *testing.F) {
	f.Add(helloFor(f, "good.test"))
	f.Add(split(helloFor(f, "good.test"), 50))
	f.Add([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		hello, done, err := parseClientHello(b)
		if err != nil && (done || hello.name != "" && done) {
			t.Error("done with an error")
		}
		if !done {
			return
		}
		// A decided prefix stays decided, the same way.
		again, done, err := parseClientHello(append(append([]byte{}, b...), 0))
		if !done || err != nil || again != hello {
			t.Errorf("one more byte: %+v, %v, %v", again, done, err)
		}
	})
}

// FuzzRequests: what passes never depends on how it arrives, and every passed
// byte is the client's.
func FuzzRequests(f *testing.F) {
	f.Add("GET / HTTP/1.1\r\nHost: good.test\r\n\r\n", 3)
	f.Add("POST / HTTP/1.1\r\nHost: good.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 7)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		if piece < 1 || len(text) > 4096 {
			return
		}
		r := compile(t, network{allow: []string{"good.test:*"}})
		whole, errWhole := feedAll(newGate(Target{Host{name: "good.test"}, 80}, r), text, max(1, len(text)))
		parts, errParts := feedAll(newGate(Target{Host{name: "good.test"}, 80}, r), text, piece)
		if (errWhole == nil) != (errParts == nil) || errWhole == nil && whole != parts {
			t.Errorf("at once %q %v, in pieces %q %v", whole, errWhole, parts, errParts)
		}
		if !strings.HasPrefix(text, parts) {
			t.Errorf("passed %q", parts)
		}
	})
}
