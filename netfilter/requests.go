package netfilter

import (
	"bytes"
	"strconv"
	"strings"
)

// requestHead is what the gate wants to know of an HTTP/1 request.
type requestHead struct {
	method  string
	hosts   []string // Host, and the authority of an absolute target
	http10  bool
	http2   bool // the HTTP/2 preface
	upgrade bool
	first   bool
}

// requestScanner follows the framing of a client's HTTP/1 requests so that
// every request on a connection is checked, not only the first, without
// changing a byte. Whatever two servers may frame differently is refused:
// there is no honest client that sends it, and request smuggling needs it.
type requestScanner struct {
	check func(requestHead) error
	state scanState
	buf   []byte // an unfinished head or chunk line
	left  int64  // body or chunk bytes still to pass
	count int
}

type scanState int

const (
	inHead scanState = iota
	inBody
	inChunkSize
	inChunk
	inChunkEnd
	inTrailer
)

const (
	maxHead      = 64 << 10
	maxChunkLine = 4 << 10
)

func newRequestScanner(check func(requestHead) error) *requestScanner {
	return &requestScanner{check: check}
}

// held are bytes that came but have not passed.
func (s *requestScanner) held() []byte { return s.buf }

// feed returns the bytes that may pass. Heads pass whole, after their check.
func (s *requestScanner) feed(p []byte) (pass []byte, err error) {
	for len(p) > 0 {
		switch s.state {
		case inBody, inChunk:
			n := min(s.left, int64(len(p)))
			pass, p, s.left = append(pass, p[:n]...), p[n:], s.left-n
			if s.left == 0 {
				s.next()
			}
		default:
			i := bytes.IndexByte(p, '\n')
			if i < 0 {
				s.buf = append(s.buf, p...)
				return pass, s.checkSize()
			}
			s.buf = append(s.buf, p[:i+1]...)
			p = p[i+1:]
			if err := s.checkSize(); err != nil {
				return nil, err
			}
			done, err := s.line()
			if err != nil {
				return nil, err
			}
			if done {
				pass = append(pass, s.buf...)
				s.buf = s.buf[:0]
			}
		}
	}
	return pass, nil
}

func (s *requestScanner) checkSize() error {
	limit := maxChunkLine
	if s.state == inHead || s.state == inTrailer {
		limit = maxHead
	}
	if len(s.buf) > limit {
		return refusef("an HTTP request head or chunk line that is too long")
	}
	return nil
}

// next leaves a finished body or chunk.
func (s *requestScanner) next() {
	if s.state == inChunk {
		s.state = inChunkEnd
		return
	}
	s.state = inHead
}

// line is called when buf ends in a newline; it reports whether buf may pass.
func (s *requestScanner) line() (bool, error) {
	switch s.state {
	case inHead:
		return s.headLine()
	case inChunkSize:
		return true, s.chunkSize()
	case inChunkEnd:
		s.state = inChunkSize
		if string(s.buf) != "\r\n" {
			return false, refusef("a malformed HTTP chunk")
		}
		return true, nil
	default: // inTrailer
		if !endsHead(s.buf) && string(s.buf) != "\r\n" {
			return false, nil
		}
		s.state = inHead
		return true, checkLines(s.buf)
	}
}

func endsHead(b []byte) bool {
	return bytes.HasSuffix(b, []byte("\r\n\r\n")) || bytes.HasSuffix(b, []byte("\n\n"))
}

func (s *requestScanner) headLine() (bool, error) {
	if len(bytes.Trim(s.buf, "\r\n")) == 0 { // empty lines before a request
		return false, nil
	}
	if !endsHead(s.buf) {
		return false, nil
	}
	head, framing, err := parseHead(s.buf)
	if err != nil {
		return false, err
	}
	head.first = s.count == 0
	if err := s.check(head); err != nil {
		return false, err
	}
	s.count++
	switch {
	case framing.chunked:
		s.state = inChunkSize
	case framing.length > 0:
		s.state, s.left = inBody, framing.length
	}
	return true, nil
}

// chunkSize reads one size line with optional extensions (RFC 9112, 7.1).
func (s *requestScanner) chunkSize() error {
	line, ok := bytes.CutSuffix(s.buf, []byte("\r\n"))
	if !ok || bytes.ContainsAny(line, "\r\x00") {
		return refusef("a malformed HTTP chunk size")
	}
	digits, _, _ := strings.Cut(string(line), ";")
	digits = strings.TrimRight(digits, " \t")
	n, err := strconv.ParseUint(digits, 16, 62)
	if err != nil || strings.ContainsAny(digits, "+-_") {
		return refusef("a malformed HTTP chunk size")
	}
	if n == 0 {
		s.state = inTrailer
		return nil
	}
	s.state, s.left = inChunk, int64(n)
	return nil
}

type framing struct {
	length  int64
	chunked bool
}

// checkLines refuses heads whose line ends are ambiguous: either every line
// ends in CRLF or every line in LF, and no other CR or NUL is in them.
func checkLines(head []byte) error {
	lf, crlf, cr := bytes.Count(head, []byte("\n")), bytes.Count(head, []byte("\r\n")), bytes.Count(head, []byte("\r"))
	if bytes.IndexByte(head, 0) >= 0 || cr != crlf || crlf != 0 && crlf != lf {
		return refusef("an HTTP request with a bare CR, a bare LF or a NUL")
	}
	return nil
}

func parseHead(raw []byte) (h requestHead, f framing, err error) {
	raw = bytes.TrimLeft(raw, "\r\n")
	if err := checkLines(raw); err != nil {
		return h, f, err
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimRight(string(raw), "\r\n"), "\r\n", "\n"), "\n")
	words := strings.Split(lines[0], " ")
	if len(words) != 3 || words[0] == "" || words[1] == "" {
		return h, f, refusef("a malformed HTTP request line")
	}
	h.method = words[0]
	switch words[2] {
	case "HTTP/1.1":
	case "HTTP/1.0":
		h.http10 = true
	case "HTTP/2.0":
		h.http2 = true
		return h, f, nil
	default:
		return h, f, refusef("an HTTP request of an unknown version")
	}
	if err := h.target(words[1]); err != nil {
		return h, f, err
	}
	err = h.fields(lines[1:], &f)
	if err == nil && !bytes.Contains(raw, []byte("\r\n")) && (f.chunked || f.length > 0) {
		err = refusef("an HTTP request with a body and bare LF line ends")
	}
	return h, f, err
}

// target adds the authority of an absolute target, which servers prefer to
// Host (RFC 9112, 3.2.2).
func (h *requestHead) target(t string) error {
	if strings.HasPrefix(t, "/") || t == "*" || h.method == "CONNECT" {
		return nil
	}
	_, rest, ok := strings.Cut(t, "://")
	if !ok {
		return refusef("a malformed HTTP request target")
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	h.hosts = append(h.hosts, rest)
	return nil
}

func (h *requestHead) fields(lines []string, f *framing) error {
	var hasLength, hasHost bool
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.IndexFunc(name, func(r rune) bool { return r > 0x7f || !isToken(byte(r)) }) >= 0 {
			return refusef("a malformed HTTP header line")
		}
		value = strings.Trim(value, " \t")
		switch strings.ToLower(name) {
		case "host":
			if hasHost {
				return refusef("an HTTP request with two Host headers")
			}
			hasHost = true
			h.hosts = append(h.hosts, value)
		case "content-length":
			n, err := strconv.ParseUint(value, 10, 62)
			if hasLength || err != nil || !isDigits(value) {
				return refusef("an HTTP request with an ambiguous Content-Length")
			}
			hasLength, f.length = true, int64(n)
		case "transfer-encoding":
			if f.chunked || !strings.EqualFold(value, "chunked") || h.http10 {
				return refusef("an HTTP request with an ambiguous Transfer-Encoding")
			}
			f.chunked = true
		case "upgrade":
			h.upgrade = mayUpgrade(value)
		}
	}
	if f.chunked && hasLength {
		return refusef("an HTTP request with both Content-Length and Transfer-Encoding")
	}
	return nil
}

// mayUpgrade: after a switch nothing is checked, so a switch to HTTP/2 or TLS,
// which could name other hosts, does not count as one and is refused later.
func mayUpgrade(protocols string) bool {
	p := strings.ToLower(protocols)
	return !strings.Contains(p, "h2") && !strings.Contains(p, "http") && !strings.Contains(p, "tls")
}

// splitHostPort cuts ":port" off a Host header. What is left of "a:b:c" keeps
// its colons and is then no host.
func splitHostPort(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") {
		return s, ""
	}
	return s[:i], s[i+1:]
}
