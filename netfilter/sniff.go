package netfilter

import "bytes"

// protocol is what the first bytes look like.
type protocol int

const (
	needMore protocol = iota
	isTLS
	isHTTP
	isSSH
	isOther
	// mayBeHTTP: text that no honest client begins a request with. The end of
	// its line will tell.
	mayBeHTTP
)

// blanks before a request line are ignored by servers: empty lines (RFC 9112,
// 2.2), and by lenient ones more.
const blanks = "\r\n \t\v\f"

// sniff classifies the first bytes of a client. What some server could take for
// a request is HTTP, however malformed: the scanner refuses it.
func sniff(b []byte) protocol {
	line := bytes.TrimLeft(b, blanks)
	if len(line) == 0 {
		if len(b) > maxHead {
			return isOther
		}
		return needMore
	}
	if len(line) == len(b) && b[0] == recordHandshake {
		if len(b) < 2 {
			return needMore
		}
		if b[1] == 3 {
			return isTLS
		}
		return isOther
	}
	end := bytes.IndexByte(line, '\n')
	if end >= 0 && hasVersion(line[:end]) {
		return isHTTP
	}
	if bytes.HasPrefix(line, []byte("SSH-")) && len(line) == len(b) {
		if end < 0 && len(line) <= maxGreeting {
			return needMore // "SSH-X / HTTP/1.1" is a request, too
		}
		return isSSH
	}
	return sniffRequest(line, end >= 0)
}

// maxGreeting is the length of an SSH greeting (RFC 4253, 4.2).
const maxGreeting = 255

// hasVersion tells whether a line has HTTP/ and a digit as a word or behind
// something that a lenient server takes for a blank, such as a NUL or, in
// Latin-1, a no-break space.
func hasVersion(line []byte) bool {
	upper := bytes.ToUpper(line)
	for {
		i := bytes.Index(upper, []byte("HTTP/"))
		if i < 0 {
			return false
		}
		after := upper[i+len("HTTP/"):]
		if i > 0 && (upper[i-1] <= ' ' || upper[i-1] >= 0x7f) && len(after) > 0 && isDigits(string(after[:1])) {
			return true
		}
		upper = after
	}
}

// maxMethod is longer than any registered HTTP method (17: "UPDATEREDIRECTREF").
const maxMethod = 24

// sniffRequest looks at a line that has no version, or not yet.
func sniffRequest(line []byte, whole bool) protocol {
	if whole || line[0] <= ' ' || line[0] >= 0x7f {
		return isOther
	}
	if len(line) > maxHead {
		if looksLikeRequest(line) {
			return isHTTP // the scanner refuses it
		}
		return isOther
	}
	if looksLikeRequest(line) {
		return needMore
	}
	return mayBeHTTP
}

// looksLikeRequest tells whether a line is the beginning of a well-formed
// request line.
func looksLikeRequest(line []byte) bool {
	n := 0
	for n < len(line) && isToken(line[n]) {
		n++
	}
	if n == 0 || n > maxMethod {
		return false
	}
	if n == len(line) {
		return true
	}
	if line[n] != ' ' && line[n] != '\t' {
		return false
	}
	return bytes.EqualFold(line[:n], []byte("CONNECT")) || startsTarget(bytes.TrimLeft(line[n:], " \t"))
}

// startsTarget: a request target is a path, "*" or an absolute URL.
func startsTarget(t []byte) bool {
	if len(t) == 0 || t[0] == '/' || t[0] == '*' {
		return true
	}
	for _, scheme := range []string{"http://", "https://"} {
		n := min(len(t), len(scheme))
		if bytes.EqualFold(t[:n], []byte(scheme[:n])) {
			return true
		}
	}
	return false
}

// isToken is tchar of RFC 9110 section 5.6.2.
func isToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) >= 0
}
