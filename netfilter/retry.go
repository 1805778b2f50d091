package netfilter

import "bytes"

// A TLS 1.3 server may answer a ClientHello with HelloRetryRequest, and gets
// another one, whose SNI is what counts for it (RFC 8446, 4.1.2: the two have to
// be alike; OpenSSL does not look). So behind the first the gate stays until the
// server has answered, and looks at the second. Who says a second one before has
// another name in mind: a client has no handshake message to send until then.

// Record types and handshake messages of RFC 8446, 5.1 and 4.
const (
	recordChangeCipher = 20
	recordAlert        = 21
	helloServer        = 2
)

// retryRandom is the random of a HelloRetryRequest (RFC 8446, 4.1.3).
var retryRandom = []byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// What is known of the server's answer to the first ClientHello.
const (
	retryNone    int32 = iota // there was no ClientHello
	retryAwaited              // there was
	retryAsked                // the answer is HelloRetryRequest
	retryOver                 // it is another one, or the server spoke before its client
)

// secondHello follows the records behind the first ClientHello.
type secondHello struct {
	head []byte // an unfinished record header, which has passed
	left int    // of a record that passes
	buf  []byte // the second ClientHello, held
}

// beginRetry is called when the first ClientHello may pass, which ends at end.
func (g *gate) beginRetry(end int) ([]byte, error) {
	if !g.retry.CompareAndSwap(retryNone, retryAwaited) {
		return g.release(), nil
	}
	first, rest := g.buf[:end:end], g.buf[end:]
	g.buf, g.second = nil, &secondHello{}
	more, err := g.feedSecond(rest)
	return append(first, more...), err
}

// feedSecond takes what comes behind the first ClientHello.
func (g *gate) feedSecond(p []byte) (pass []byte, err error) {
	s := g.second
	for len(p) > 0 {
		switch {
		case g.retry.Load() == retryOver && len(s.buf) == 0:
			g.open = true
			return append(pass, p...), nil
		case s.left > 0:
			n := min(s.left, len(p))
			pass, p, s.left = append(pass, p[:n]...), p[n:], s.left-n
		case len(s.buf) > 0 || len(s.head) == 0 && p[0] == recordHandshake:
			if g.retry.Load() != retryAsked {
				return pass, refusef("a TLS handshake message before the server's answer")
			}
			s.buf = append(s.buf, p...)
			held, err := g.checkSecond()
			return append(pass, held...), err
		default:
			pass, s.head, p = append(pass, p[0]), append(s.head, p[0]), p[1:]
			if len(s.head) == recordHeaderBytes {
				s.left, s.head = int(s.head[3])<<8|int(s.head[4]), nil
			}
		}
	}
	return pass, nil
}

func (g *gate) checkSecond() ([]byte, error) {
	_, done, err := g.readHello(g.second.buf, "second TLS ClientHello")
	if err != nil || !done {
		return nil, err
	}
	g.open = true
	return g.second.buf, nil
}

// answered is shown what the server says behind the first ClientHello; it returns
// true when it does not want to see more. An endless answer is none.
func (g *gate) answered(p []byte) bool {
	g.answer = append(g.answer, p...)
	asked, known := isRetryRequest(g.answer)
	switch {
	case !known:
		return len(g.answer) > maxHello
	case asked:
		g.retry.Store(retryAsked)
	default:
		g.retry.Store(retryOver)
	}
	g.answer = nil
	return true
}

// isRetryRequest looks for a HelloRetryRequest at the start of what a server
// says, behind alerts, which may be warnings. known is false while it cannot be
// told.
func isRetryRequest(b []byte) (asked, known bool) {
	var msg []byte
	for len(b) > 0 {
		if b[0] != recordHandshake && b[0] != recordAlert && b[0] != recordChangeCipher {
			return false, true
		}
		if len(b) < recordHeaderBytes {
			return false, false
		}
		n := int(b[3])<<8 | int(b[4])
		if n == 0 || n > maxRecord {
			return false, true
		}
		rest := b[recordHeaderBytes:]
		part := rest[:min(n, len(rest))]
		if b[0] == recordHandshake {
			msg = append(msg, part...)
		}
		// Type, length and version come before the random.
		const at = 1 + 3 + 2
		if len(msg) > 0 && msg[0] != helloServer {
			return false, true
		}
		if len(msg) >= at+len(retryRandom) {
			return bytes.Equal(msg[at:at+len(retryRandom)], retryRandom), true
		}
		b = rest[len(part):]
	}
	return false, false
}
