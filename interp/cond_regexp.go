package interp

import (
	"regexp"
	"strings"
)

// maxRegexp bounds the text of a regular expression of [[ =~ ]].
const maxRegexp = 64 << 10

// matchRegexp is [[ s =~ word ]]: quoted parts of the word stand for
// themselves; the groups go to BASH_REMATCH. Go's engine is linear in time;
// back references, which POSIX leaves undefined in extended expressions, are
// an error.
func (sh *shell) matchRegexp(s string, w *word) (bool, error) {
	text, err := w.regexp(sh)
	if err != nil {
		return false, err
	}
	if len(text) > maxRegexp {
		return false, &condError{text: "the regular expression is too long"}
	}
	sh.traceCond(shownOperand(s) + " =~ " + text)
	re, err := sh.rt.regexps.compile(text, sh.shopts.on(shoptNocasematch))
	if err != nil && sh.bash() {
		return false, errNoRegexp
	} else if err != nil {
		return false, &condError{text: "invalid regular expression: " + text}
	}
	groups := re.FindStringSubmatch(s)
	if err := sh.setArray("BASH_REMATCH", groups); err != nil {
		return false, err
	}
	return groups != nil, nil
}

// errNoRegexp is that of an expression that is none: in bash a status of 2
// without a word.
var errNoRegexp = &condError{text: "invalid regular expression"}

// regexpCache keeps the expressions of loops. Subshells share it.
type regexpCache struct{ cache boundedCache[*regexp.Regexp] }

func (c *regexpCache) compile(text string, fold bool) (*regexp.Regexp, error) {
	key := text
	if fold {
		key = "i" + text
	} else {
		key = "c" + text
	}
	if re, ok := c.cache.get(key); ok {
		return re, nil
	}
	if inBracket(text) { // for regcomp(3) an error
		return nil, errNoRegexp
	}
	src, err := goRegexp(text)
	if err != nil {
		return nil, err
	}
	if fold {
		src = "(?i)" + src
	}
	re, err := regexp.Compile("(?s)" + src)
	if err != nil {
		return nil, err
	}
	re.Longest() // POSIX: leftmost-longest
	c.cache.put(key, re)
	return re, nil
}

// bracketLen is the length of the bracket expression at the start of s, 0 if
// it is not closed.
func bracketLen(s string) int {
	i := 1
	if i < len(s) && s[i] == '^' {
		i++
	}
	if i < len(s) && s[i] == ']' {
		i++
	}
	for ; i < len(s); i++ {
		switch {
		case s[i] == ']':
			return i + 1
		case s[i] == '[' && i+1 < len(s) && strings.IndexByte(":.=", s[i+1]) >= 0:
			end := strings.Index(s[i+2:], s[i+1:i+2]+"]")
			if end < 0 {
				return 0
			}
			i += end + 3
		}
	}
	return 0
}

// inBracket tells whether s ends inside of a bracket expression, where a
// backslash does not quote.
func inBracket(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			n := bracketLen(s[i:])
			if n == 0 {
				return true
			}
			i += n - 1
		}
	}
	return false
}

func goBracket(s string) string {
	var b strings.Builder
	b.WriteByte('[')
	i := 1
	if s[i] == '^' {
		b.WriteByte('^')
		i++
	}
	for ; i < len(s)-1; i++ {
		switch {
		case s[i] == '[' && strings.IndexByte(":.=", s[i+1]) >= 0:
			end := i + 2 + strings.Index(s[i+2:], s[i+1:i+2]+"]")
			if s[i+1] == ':' {
				b.WriteString(s[i : end+2])
			} else {
				b.WriteString(regexp.QuoteMeta(s[i+2 : end]))
			}
			i = end + 1
		case s[i] == '-':
			b.WriteByte('-')
		default:
			if strings.IndexByte(`\[]^&~`, s[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		}
	}
	b.WriteByte(']')
	return b.String()
}
