package netfilter

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// record is a TLS record.
func record(kind byte, body string) string {
	return string([]byte{kind, 3, 3, byte(len(body) >> 8), byte(len(body))}) + body
}

// serverHello is a ServerHello with a random.
func serverHello(random string) string {
	body := "\x03\x03" + random + "\x00\x13\x01\x00\x00\x00"
	return "\x02\x00\x00" + string([]byte{byte(len(body))}) + body
}

// Behind the first ClientHello: what the server says to it, and what the client
// then says.
func TestSecondHello(t *testing.T) {
	good, evil, nameless := string(helloFor(t, "good.test")), string(helloFor(t, "evil.test")), string(helloFor(t, ""))
	retry := record(recordHandshake, serverHello(string(retryRandom)))
	accept := record(recordHandshake, serverHello(strings.Repeat("r", 32)))
	warning := record(recordAlert, "\x01\x70")
	ccs, early := record(recordChangeCipher, "\x01"), record(23, "early")
	split := func(hello string) string { return string(split([]byte(hello), 9)) }
	// A finished message looks like anything, once it is encrypted.
	encrypted := record(recordHandshake, "\x01\x00\x00\x01x")
	for _, tt := range []struct {
		name, answer, send string
		deny               string
	}{
		{"the same again", retry, ccs + good, ""},
		{"the same again, in small records", retry, split(good), ""},
		{"behind a warning", warning + retry, good, ""},
		{"early data between", retry, early + ccs + good + "more", ""},
		{"accepted", accept, ccs + encrypted, ""},
		{"accepted, as before TLS 1.3", accept, encrypted + evil, ""},
		{"not TLS", "HTTP/1.1 400 Bad Request\r\n", "x", ""},
		{"early data", "", early + early, ""},
		{"early data, then an end", "", early[:3], ""},

		{"another name", retry, evil, "SNI evil.test does not match"},
		{"another name behind others", retry, early + ccs + evil, "does not match"},
		{"another name in small records", retry, split(evil), "does not match"},
		{"another name behind a warning", warning + retry, evil, "does not match"},
		{"another name in an answer of two records", record(recordHandshake, retry[5:20]) + record(recordHandshake, retry[20:]), evil, "does not match"},
		{"no name", retry, nameless, "names no server"},
		{"ECH", retry, string(withExtension([]byte(good), extECH, []byte{0, 0, 1})), "ECH"},
		{"another message", retry, record(recordHandshake, "\x02\x00\x00\x01x"), "not a ClientHello"},
		{"too early", "", evil, "before the server's answer"},
		{"too early, the same", "", good, "before the server's answer"},
		{"too early, behind early data", "", early + evil, "before the server's answer"},
		{"too early, behind half an answer", retry[:30], evil, "before the server's answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, piece := range []int{1, 7, 1 << 20} {
				g := newGate(Target{Host{name: "good.test"}, 443}, compile(t, network{allow: []string{"good.test"}}))
				if passed, err := feedAll(g, good, piece); err != nil || passed != good {
					t.Fatalf("pieces of %d: the first: %q, %v", piece, passed, err)
				}
				for i := range len(tt.answer) {
					if g.fromServer([]byte(tt.answer[i : i+1])) {
						break
					}
				}
				passed, err := feedAll(g, tt.send, piece)
				switch {
				case tt.deny == "" && (err != nil || passed != tt.send):
					t.Errorf("pieces of %d: passed %q, %v", piece, passed, err)
				case tt.deny != "" && (err == nil || !strings.Contains(err.Error(), tt.deny)):
					t.Errorf("pieces of %d: passed %q, %v, want %q", piece, passed, err, tt.deny)
				case strings.Contains(passed, "evil") && tt.deny != "":
					t.Errorf("pieces of %d: %q got through", piece, passed)
				}
			}
		})
	}
	for _, both := range []string{evil, good} {
		one := record(recordHandshake, good[5:]+both[5:])
		g := newGate(Target{Host{name: "good.test"}, 443}, compile(t, network{allow: []string{"good.test"}}))
		if passed, err := feedAll(g, one, len(one)); err == nil || passed != "" {
			t.Errorf("two in one record: passed %q, %v", passed, err)
		}
	}
}

// A server that speaks first is no TLS server, and what it said no answer to a
// ClientHello.
func TestHelloBehindGreeting(t *testing.T) {
	g := newGate(Target{Host{name: "good.test"}, 3306}, compile(t, network{allow: []string{"good.test:*"}}))
	if !g.fromServer([]byte("220 ready\r\n")) {
		t.Error("the gate wants to see more of a greeting")
	}
	hello := string(helloFor(t, "good.test"))
	if passed, err := feedAll(g, hello+hello, 5); err != nil || passed != hello+hello {
		t.Errorf("passed %q, %v", passed, err)
	}
}

// Real clients and servers, with and without a retry, of both versions.
func TestTLSThroughTheGate(t *testing.T) {
	d := startDoors(t, network{allow: []string{"example.com"}})
	for name, curve := range map[string]tls.CurveID{"at once": tls.X25519, "retried": tls.CurveP384} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
			srv.TLS = &tls.Config{CurvePreferences: []tls.CurveID{curve}, MaxVersion: version}
			srv.StartTLS()
			d.site("example.com", "203.0.113.1", 443, srv.Listener.Addr().String())
			trust := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			client := &http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: trust, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP384}},
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					return d.throughName("example.com", 443), nil
				},
			}}
			text := strings.Repeat("0123456789", 50_000)
			resp, err := client.Post("https://example.com/", "text/plain", strings.NewReader(text))
			if err != nil {
				t.Fatalf("%s, %x: %v", name, version, err)
			}
			if got, err := io.ReadAll(resp.Body); err != nil || string(got) != text || resp.TLS.Version != version {
				t.Errorf("%s, %x: %d bytes, %v, version %x", name, version, len(got), err, resp.TLS.Version)
			}
			resp.Body.Close()
			client.CloseIdleConnections()
			srv.Close()
		}
	}
}

func FuzzRetryRequest(f *testing.F) {
	f.Add([]byte(record(recordHandshake, serverHello(string(retryRandom)))))
	f.Add([]byte(record(recordAlert, "\x01\x70") + record(recordHandshake, serverHello(strings.Repeat("r", 32)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		asked, known := isRetryRequest(b)
		if !known {
			return
		}
		// What is known stays known, the same way.
		if again, known := isRetryRequest(append(append([]byte{}, b...), 0)); !known || again != asked {
			t.Errorf("one more byte: %v, %v", again, known)
		}
	})
}
