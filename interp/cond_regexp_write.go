package interp

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRepeat is RE_DUP_MAX of glibc.
const maxRepeat = 32767

// regexpWriter rewrites a POSIX extended expression, as glibc's regcomp(3)
// reads it, for package regexp. There a bracket expression has escapes, a
// second repetition (a+?) means something else, and a brace that begins no
// interval is no error.
type regexpWriter struct {
	b        []byte
	atom     int   // where what can be repeated begins, -1: nothing can
	repeated bool  // it has a repetition already
	groups   []int // where those that are open begin
}

func goRegexp(s string) (string, error) {
	w := regexpWriter{atom: -1}
	for i := 0; i < len(s); {
		n, err := w.next(s[i:])
		if err != nil {
			return "", err
		}
		i += n
	}
	return string(w.b), nil
}

// next writes what s begins with, and returns how much that is.
func (w *regexpWriter) next(s string) (int, error) {
	switch s[0] {
	case '(':
		w.groups = append(w.groups, len(w.b))
		w.other("(")
	case ')':
		w.closeGroup()
	case '|', '^', '$':
		w.other(s[:1])
	case '*', '+', '?':
		return 1, w.repeat(s[:1])
	case '{':
		op, n := interval(s)
		if n == 0 {
			return 0, errNoRegexp
		}
		return n, w.repeat(op)
	case '[':
		n := bracketLen(s)
		w.one(goBracket(s[:n]))
		return n, nil
	case '\\':
		if len(s) > 1 {
			return w.escaped(s[1:])
		}
		w.one(s)
	default:
		_, n := utf8.DecodeRuneInString(s)
		w.one(s[:n])
		return n, nil
	}
	return 1, nil
}

// one writes an expression that can be repeated, other one that cannot.
func (w *regexpWriter) one(text string) {
	w.atom, w.repeated = len(w.b), false
	w.b = append(w.b, text...)
}

func (w *regexpWriter) other(text string) {
	w.atom = -1
	w.b = append(w.b, text...)
}

// closeGroup ends a group; without one a parenthesis stands for itself.
func (w *regexpWriter) closeGroup() {
	n := len(w.groups) - 1
	if n < 0 {
		w.one(`\)`)
		return
	}
	w.b = append(w.b, ')')
	w.atom, w.repeated = w.groups[n], false
	w.groups = w.groups[:n]
}

func (w *regexpWriter) repeat(op string) error {
	if w.atom < 0 {
		return errNoRegexp
	}
	if w.repeated {
		inner := string(w.b[w.atom:])
		w.b = append(w.b[:w.atom], "(?:"+inner+")"...)
	}
	w.b = append(w.b, op...)
	w.repeated = true
	return nil
}

// escaped writes what a backslash and s are, and returns the length of both.
func (w *regexpWriter) escaped(s string) (int, error) {
	switch c := s[0]; c {
	case 'w', 'W', 's', 'S': // GNU extensions
		w.one(`\` + s[:1])
	case 'b', 'B':
		w.other(`\` + s[:1])
	case '<', '>':
		w.other(`\b`)
	case '`':
		w.other(`\A`)
	case '\'':
		w.other(`\z`)
	default:
		_, n := utf8.DecodeRuneInString(s)
		w.one(regexp.QuoteMeta(s[:n]))
		return 1 + n, nil
	}
	return 2, nil
}

// interval takes {m,n} apart, of which either number can be missing with a
// comma. n is 0 for what is none.
func interval(s string) (op string, n int) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return "", 0
	}
	low, high, comma := strings.Cut(s[1:end], ",")
	if !isDigits(low) && (low != "" || !comma) || high != "" && !isDigits(high) {
		return "", 0
	}
	from, _ := strconv.Atoi("0" + low)
	to, _ := strconv.Atoi("0" + high)
	switch {
	case !comma:
		to = from
	case high == "":
		to = max(from, to)
	}
	if from > to || to > maxRepeat {
		return "", 0
	}
	op = "{" + strconv.Itoa(from)
	if comma {
		op += ","
	}
	if comma && high != "" {
		op += strconv.Itoa(to)
	}
	return op + "}", end + 1
}
