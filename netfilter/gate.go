package netfilter

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/fsh-sh/fsh/policy"
)

// gate reads what a client says first on a connection to an allowed target and
// lets it pass only if it names that target: the SNI of a TLS ClientHello, the
// Host of every HTTP request. Without that, one allowed name on a shared
// server would open all its neighbours (domain fronting). Nothing is decrypted
// and nothing is changed; other protocols pass on ports other than 80 and 443.
type gate struct {
	target Target
	rules  *Rules
	// open: everything else passes unread. Written by the client's side only.
	open bool
	buf  []byte // bytes that may not pass yet
	sent int    // how many of the first bytes have passed all the same
	http *requestScanner

	// switched is the server's answer to an Upgrade in the first request.
	switched atomic.Int32
	answer   []byte // start of the server's first bytes, reader's side only

	second *secondHello // what is behind a ClientHello, client's side only
	retry  atomic.Int32 // the server's answer to it
}

const (
	upgradeNone    int32 = iota // the first request asked for nothing
	upgradeAsked                // it asked; the server has not answered
	upgradeYes                  // 101
	upgradeRefused              // anything else
)

// gateError is a denial by the gate.
type gateError struct {
	text, hint string
	rule       *policy.Rule
}

func (e *gateError) Error() string { return e.text }

func refusef(format string, args ...any) error {
	return &gateError{text: fmt.Sprintf(format, args...)}
}

func newGate(t Target, r *Rules) *gate { return &gate{target: t, rules: r} }

// named: an allowed name is what has to be shown. For an address that a rule
// allows there is no name to compare with; then only denied names are refused.
func (g *gate) named() bool { return g.target.Host.Name() != "" }

// feed takes bytes from the client and returns those that may pass.
func (g *gate) feed(p []byte) ([]byte, error) {
	if g.open {
		return p, nil
	}
	if g.http != nil {
		return g.feedHTTP(p)
	}
	if g.second != nil {
		return g.feedSecond(p)
	}
	g.buf = append(g.buf, p...)
	switch sniff(g.buf) {
	case needMore:
		return g.early(), nil
	case isTLS:
		return g.feedTLS()
	case isHTTP:
		if g.named() && g.target.Port == 443 {
			return nil, refusef("plain HTTP on port 443")
		}
		if bytes.HasPrefix(g.buf, http2Preface) && !g.named() && !g.rules.deniesNames(g.target.Port) {
			return g.release(), nil // there is no name to compare with
		}
		g.http = newRequestScanner(g.checkRequest)
		p, g.buf = g.buf, nil
		return g.feedHTTP(p)
	case isSSH:
		return g.release(), nil
	case mayBeHTTP:
		if !g.mustShow() {
			return g.early(), nil
		}
	}
	return g.other()
}

// http2Preface is the first line of RFC 9113, 3.4.
var http2Preface = []byte("PRI * HTTP/2.0\r\n")

// mustShow: on these ports only a protocol that shows the name is spoken.
func (g *gate) mustShow() bool {
	return g.named() && (g.target.Port == 80 || g.target.Port == 443)
}

// early lets the beginning of what may become a request line pass on ports
// where another protocol may be spoken: its client may be waiting for an answer
// to just that ("JDWP-Handshake"). A request has no effect before its head is
// complete, and the head is checked before its last byte passes.
func (g *gate) early() []byte {
	if g.mustShow() || g.buf[0] == recordHandshake {
		return nil
	}
	p := g.buf[g.sent:]
	g.sent = len(g.buf)
	return p
}

// unsent removes the bytes that early has passed.
func (g *gate) unsent(p []byte) []byte {
	n := min(g.sent, len(p))
	g.sent -= n
	return p[n:]
}

// end is called when the client will send nothing more.
func (g *gate) end() ([]byte, error) {
	if g.http != nil {
		return nil, nil // an unfinished request has no effect
	}
	if len(g.buf) == 0 {
		return nil, nil
	}
	if sniff(g.buf) == isTLS {
		return nil, nil // an unfinished ClientHello has no effect, either
	}
	return g.other()
}

// other is a protocol that shows no name. SSH on 443 has passed before: no TLS
// or HTTP server takes an SSH greeting for a request.
func (g *gate) other() ([]byte, error) {
	if g.mustShow() {
		want := map[uint16]string{443: "TLS", 80: "HTTP"}[g.target.Port]
		return nil, refusef("what was sent to %s is not %s, so the name it is meant for cannot be checked", g.target, want)
	}
	return g.release(), nil
}

func (g *gate) release() []byte {
	p := g.unsent(g.buf)
	g.open, g.buf = true, nil
	return p
}

func (g *gate) feedTLS() ([]byte, error) {
	hello, done, err := g.readHello(g.buf, "TLS ClientHello")
	if err != nil || !done {
		return nil, err
	}
	return g.beginRetry(hello.end)
}

// readHello takes a ClientHello apart, and refuses it if it may not pass. It is not
// done while more bytes are needed.
func (g *gate) readHello(b []byte, which string) (hello clientHello, done bool, err error) {
	hello, done, err = parseClientHello(b)
	if err != nil {
		return hello, false, refusef("the %s cannot be parsed: %v", which, err)
	}
	if !done {
		return hello, false, nil
	}
	return hello, true, g.checkHello(hello)
}

func (g *gate) checkHello(h clientHello) error {
	if h.name == "" {
		if g.named() && g.target.Port == 443 {
			return refusef("the TLS ClientHello names no server (SNI), so %s cannot be checked", g.target.Host)
		}
		return nil
	}
	if err := g.checkShown("SNI", h.name); err != nil {
		return err
	}
	if h.encrypted && g.named() {
		// A real and a dummy ECH extension look the same by design (RFC 9849),
		// so the real name cannot be known. Our DNS door gives out no ECH keys.
		return refusef("the TLS ClientHello hides its name (ECH), so %s cannot be checked", g.target.Host)
	}
	return nil
}

// checkShown compares a name that the client shows with the target.
func (g *gate) checkShown(what, shown string) error {
	// RFC 6066, 3, and RFC 9110, 7.2: A-labels. A server that does not map others
	// takes them for no name of its own, and answers for whichever it likes.
	if strings.IndexFunc(shown, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		return refusef("%s %q is not ASCII", what, clip(shown))
	}
	h, err := ParseHost(shown)
	if err != nil {
		return refusef("%s: %v", what, err)
	}
	if g.named() {
		if h != g.target.Host {
			return &gateError{text: fmt.Sprintf("%s %s does not match the connection's host %s", what, h, g.target.Host),
				hint: hint(Target{h, g.target.Port})}
		}
		return nil
	}
	if rule, denied := g.rules.DeniedName(Target{h, g.target.Port}); denied {
		return &gateError{rule: &rule}
	}
	return nil
}

func (g *gate) feedHTTP(p []byte) ([]byte, error) {
	if g.switched.Load() == upgradeYes {
		held := append(g.http.held(), p...)
		g.open = true
		return held, nil
	}
	pass, err := g.http.feed(p)
	return g.unsent(pass), err
}

// checkRequest judges one request head.
func (g *gate) checkRequest(r requestHead) error {
	if r.method == "CONNECT" {
		return refusef("CONNECT inside a connection to %s", g.target)
	}
	if r.http2 {
		return refusef("HTTP/2 without TLS hides the host names")
	}
	for _, shown := range r.hosts {
		host, port := splitHostPort(shown)
		if port != "" {
			if n, ok := parsePort(port); !ok || n != g.target.Port {
				return refusef("HTTP Host %q has another port than the connection (%d)", clip(shown), g.target.Port)
			}
		}
		if err := g.checkShown("HTTP Host", host); err != nil {
			return err
		}
	}
	if len(r.hosts) == 0 && !r.http10 && g.named() {
		return refusef("an HTTP/1.1 request without Host")
	}
	if r.first && r.upgrade {
		g.switched.CompareAndSwap(upgradeNone, upgradeAsked)
	}
	return nil
}

// fromServer shows the gate what the server says; it returns true when the
// gate does not want to see more. Only the answer to an Upgrade or a ClientHello
// matters.
func (g *gate) fromServer(p []byte) bool {
	if !g.retry.CompareAndSwap(retryNone, retryOver) && g.retry.Load() == retryAwaited {
		return g.answered(p)
	}
	if g.switched.Load() != upgradeAsked {
		return true
	}
	const status = "HTTP/1.1 101"
	g.answer = append(g.answer, p[:min(len(p), len(status)-len(g.answer))]...)
	if len(g.answer) < len(status) && bytes.HasPrefix([]byte(status), g.answer) {
		return false
	}
	if string(g.answer) == status {
		g.switched.Store(upgradeYes)
	} else {
		g.switched.Store(upgradeRefused)
	}
	return true
}
