package interp

// escapes selects which backslash sequences are understood. The four users
// differ only in octal spelling, \c and the C extensions.
type escapes uint8

const (
	escOctal     escapes = 1 << iota // \ooo, one to three digits
	escZeroOctal                     // \0ooo, none to three digits after the 0
	escStop                          // \c ends all output
	escC                             // \e \E \xHH \uHHHH \UHHHHHHHH
	escQuotes                        // \" \' \?
	escE                             // \e

	echoEscapesSh   = escOctal | escZeroOctal | escStop | escE // XCU echo, dash's superset
	echoEscapesBash = escZeroOctal | escStop | escC            // echo -e
	formatEscapes   = escOctal | escC | escQuotes              // XCU 5 and C
	percentBEscapes = escOctal | escZeroOctal | escStop | escC // XCU printf, %b
)

// appendEscaped appends s with its backslash sequences decoded. stop tells
// that \c was met. Unknown sequences stay as they are, backslash included.
func appendEscaped(dst []byte, s string, set escapes) (out []byte, stop bool) {
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' || i+1 == len(s) {
			dst = append(dst, c)
			i++
			continue
		}
		if set&escStop != 0 && s[i+1] == 'c' {
			return dst, true
		}
		var n int
		dst, n = appendEscape(dst, s[i+1:], set)
		i += 1 + n
	}
	return dst, false
}

// appendEscape appends what the sequence after a backslash stands for and
// returns how many bytes of s it took: none, if it means nothing and the
// backslash stands for itself. s is not empty.
func appendEscape(dst []byte, s string, set escapes) ([]byte, int) {
	c := s[0]
	if i := simpleEscape(c, set); i >= 0 {
		return append(dst, byte(i)), 1
	}
	switch {
	case c == '0' && set&escZeroOctal != 0:
		v, n := digits(s[1:], 8, 3)
		return append(dst, byte(v)), 1 + n
	case c >= '0' && c <= '7' && set&escOctal != 0:
		v, n := digits(s, 8, 3)
		return append(dst, byte(v)), n
	case c == 'x' && set&escC != 0:
		if v, n := digits(s[1:], 16, 2); n > 0 {
			return append(dst, byte(v)), 1 + n
		}
	case c == 'u' && set&escC != 0:
		if v, n := digits(s[1:], 16, 4); n > 0 {
			return appendCode(dst, v), 1 + n
		}
	case c == 'U' && set&escC != 0:
		if v, n := digits(s[1:], 16, 8); n > 0 {
			return appendCode(dst, v), 1 + n
		}
	}
	return append(dst, '\\'), 0
}

// simpleEscape is the byte that \c stands for, -1 if it is none.
func simpleEscape(c byte, set escapes) int {
	switch c {
	case '\\':
		return '\\'
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	case 'e', 'E':
		if set&escC != 0 || c == 'e' && set&escE != 0 {
			return 0x1b
		}
	case '"', '\'', '?':
		if set&escQuotes != 0 {
			return int(c)
		}
	}
	return -1
}

// appendCode appends a code point. What Unicode does not have is written in
// UTF-8's original form (RFC 2279), up to 31 bits; beyond there is none.
func appendCode(dst []byte, v uint64) []byte {
	switch {
	case v < 0x80:
		return append(dst, byte(v))
	case v >= 1<<31:
		return dst
	}
	tail := 1 // bytes that follow the first
	for v >= 1<<(5*tail+6) {
		tail++
	}
	dst = append(dst, byte(0xff<<(7-tail))|byte(v>>(6*tail)))
	for tail--; tail >= 0; tail-- {
		dst = append(dst, 0x80|byte(v>>(6*tail))&0x3f)
	}
	return dst
}

// digits reads at most limit digits of the base at the start of s.
func digits(s string, base, limit int) (v uint64, n int) {
	for n < len(s) && n < limit {
		d := digitValue(s[n])
		if d >= base {
			break
		}
		v = v*uint64(base) + uint64(d)
		n++
	}
	return v, n
}

// digitValue is the value of a digit up to base 36, 99 for anything else.
func digitValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	}
	return 99
}
