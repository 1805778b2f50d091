package netfilter

import "errors"

// Magic numbers of RFC 8446 (records, handshakes), RFC 6066 (server_name) and
// RFC 9849 (encrypted_client_hello).
const (
	recordHandshake   = 22
	helloClient       = 1
	extServerName     = 0
	extECH            = 0xfe0d
	nameTypeHost      = 0
	maxRecord         = 1 << 14
	maxHello          = 16 << 10     // a post-quantum hello is about 2 KiB; this bounds what is read again as it comes
	maxHelloRecords   = 2 * maxHello // with the headers of all its records
	recordHeaderBytes = 5
)

type clientHello struct {
	name      string // SNI, "" if absent
	encrypted bool   // has an ECH extension, real or dummy
	end       int    // of its last record
}

var errHello = errors.New("malformed")

// parseClientHello reads the ClientHello at the start of a connection, which
// may be split over any number of records and reads. done is false while more
// bytes are needed.
func parseClientHello(b []byte) (hello clientHello, done bool, err error) {
	var msg []byte
	all := len(b)
	if all > maxHelloRecords {
		return hello, false, errors.New("too long in its records")
	}
	for len(b) > 0 {
		if b[0] != recordHandshake || len(b) > 1 && b[1] != 3 {
			return hello, false, errors.New("not a handshake record")
		}
		if len(b) < recordHeaderBytes {
			return hello, false, nil
		}
		n := int(b[3])<<8 | int(b[4])
		if n == 0 || n > maxRecord {
			return hello, false, errors.New("record of impossible size")
		}
		rest := b[recordHeaderBytes:]
		part := rest[:min(n, len(rest))]
		msg = append(msg, part...)
		if whole, size, err := helloSize(msg); err != nil {
			return hello, false, err
		} else if whole {
			if len(msg) > size || len(part) < n { // RFC 8446, 5.1: it would be another message
				return hello, false, errors.New("more in its record")
			}
			hello, err := parseHelloBody(msg[4:size])
			hello.end = all - len(rest) + n
			return hello, err == nil, err
		}
		b = rest[len(part):]
	}
	return hello, false, nil
}

// helloSize checks the handshake header; size includes it.
func helloSize(msg []byte) (whole bool, size int, err error) {
	if len(msg) > 0 && msg[0] != helloClient {
		return false, 0, errors.New("not a ClientHello")
	}
	if len(msg) < 4 {
		return false, 0, nil
	}
	size = 4 + int(msg[1])<<16 + int(msg[2])<<8 + int(msg[3])
	if size > maxHello {
		return false, 0, errors.New("too long")
	}
	return len(msg) >= size, size, nil
}

func parseHelloBody(body []byte) (hello clientHello, err error) {
	w := wire{b: body}
	w.skip(2 + 32) // version, random
	w.vector(1)    // session
	w.vector(2)    // cipher suites
	w.vector(1)    // compression
	if !w.bad && len(w.b) == 0 {
		return hello, nil // no extensions: TLS 1.0 style
	}
	extensions := wire{b: w.vector(2)}
	if w.bad || len(w.b) != 0 {
		return hello, errHello
	}
	seen := map[int]bool{}
	for len(extensions.b) > 0 {
		kind, data := extensions.number(2), extensions.vector(2)
		if extensions.bad {
			return hello, errHello
		}
		if seen[kind] { // RFC 8446 4.2; two server_name could be read two ways
			return hello, errors.New("repeated extension")
		}
		seen[kind] = true
		switch kind {
		case extServerName:
			if hello.name, err = parseServerName(data); err != nil {
				return hello, err
			}
		case extECH:
			hello.encrypted = true
		}
	}
	return hello, nil
}

func parseServerName(data []byte) (string, error) {
	outer := wire{b: data}
	list := wire{b: outer.vector(2)}
	kind, name := list.number(1), list.vector(2)
	if outer.bad || list.bad || len(outer.b) != 0 || len(list.b) != 0 {
		return "", errors.New("malformed server_name")
	}
	if kind != nameTypeHost || len(name) == 0 {
		return "", errors.New("server_name is not a host name")
	}
	return string(name), nil
}

// wire reads the presentation language of RFC 8446 section 3. After a read
// beyond the end it is bad and yields nothing.
type wire struct {
	b   []byte
	bad bool
}

func (w *wire) skip(n int) []byte {
	if w.bad || n > len(w.b) {
		w.bad, w.b = true, nil
		return nil
	}
	p := w.b[:n]
	w.b = w.b[n:]
	return p
}

func (w *wire) number(bytes int) (n int) {
	for _, c := range w.skip(bytes) {
		n = n<<8 | int(c)
	}
	return n
}

func (w *wire) vector(lengthBytes int) []byte { return w.skip(w.number(lengthBytes)) }
