package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// segment is a sequence of characters to be matched one by one.
type segment struct {
	lit   string // when elems is nil
	elems []elem
}

// elem matches exactly one character: a set, any one, or c.
type elem struct {
	set *set
	any bool
	c   rune // folded if the pattern ignores case; -1-b is the byte b
}

// next decodes the character at s[i:]. Bytes that are not valid UTF-8, and all
// bytes from 0x80 without the flag UTF8, are given as -1-byte, so that they
// never equal a real character.
func next(s string, i int, f Flags) (rune, int) {
	c := s[i]
	if c < utf8.RuneSelf {
		return rune(c), 1
	}
	if f&UTF8 == 0 {
		return -1 - rune(c), 1
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && n == 1 {
		return -1 - rune(c), 1
	}
	return r, n
}

// prev decodes the character that ends before s[i]. Going forward and going
// backward give the same boundaries: a valid encoding starts with a byte that
// cannot continue another one.
func prev(s string, i int, f Flags) (rune, int) {
	c := s[i-1]
	if c < utf8.RuneSelf {
		return rune(c), 1
	}
	if f&UTF8 == 0 {
		return -1 - rune(c), 1
	}
	r, n := utf8.DecodeLastRuneInString(s[:i])
	if r == utf8.RuneError && n == 1 {
		return -1 - rune(c), 1
	}
	return r, n
}

// fold maps a character to the least one that differs from it only by case.
func fold(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	if r < utf8.RuneSelf {
		return r
	}
	return unicode.ToLower(r)
}

func (e *elem) matches(r rune, f Flags) bool {
	switch {
	case e.any:
		return true
	case e.set != nil:
		return e.set.has(r, f)
	case f&NoCase != 0:
		return fold(r) == e.c
	}
	return r == e.c
}

// matchAt matches at s[i:] and returns the end.
func (g *segment) matchAt(s string, i int, f Flags) (int, bool) {
	if g.elems == nil {
		return i + len(g.lit), strings.HasPrefix(s[i:], g.lit)
	}
	for k := range g.elems {
		if i >= len(s) {
			return 0, false
		}
		r, n := next(s, i, f)
		if !g.elems[k].matches(r, f) {
			return 0, false
		}
		i += n
	}
	return i, true
}

// matchBack matches before s[i] and returns the start.
func (g *segment) matchBack(s string, i int, f Flags) (int, bool) {
	if g.elems == nil {
		return i - len(g.lit), strings.HasSuffix(s[:i], g.lit)
	}
	for k := len(g.elems) - 1; k >= 0; k-- {
		if i <= 0 {
			return 0, false
		}
		r, n := prev(s, i, f)
		if !g.elems[k].matches(r, f) {
			return 0, false
		}
		i -= n
	}
	return i, true
}

// first returns the leftmost match at or after from, -1, -1 if none.
func (g *segment) first(s string, from int, f Flags) (start, end int) {
	if g.elems == nil {
		i := strings.Index(s[from:], g.lit)
		if i < 0 {
			return -1, -1
		}
		return from + i, from + i + len(g.lit)
	}
	for i := from; i < len(s); {
		if end, ok := g.matchAt(s, i, f); ok {
			return i, end
		}
		_, n := next(s, i, f)
		i += n
	}
	return -1, -1
}

// last returns the rightmost match that starts at or after from.
func (g *segment) last(s string, from int, f Flags) (start, end int) {
	if g.elems == nil {
		i := strings.LastIndex(s[from:], g.lit)
		if i < 0 {
			return -1, -1
		}
		return from + i, from + i + len(g.lit)
	}
	for i := len(s); i > from; {
		if start, ok := g.matchBack(s, i, f); ok {
			if start < from {
				return -1, -1
			}
			return start, i
		}
		_, n := prev(s, i, f)
		i -= n
	}
	return -1, -1
}
