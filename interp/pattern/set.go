package pattern

import (
	"unicode"
	"unicode/utf8"
)

// set is a bracket expression.
type set struct {
	negate  bool
	ascii   [2]uint64 // characters below 0x80, classes included
	ranges  []span    // all others
	classes []func(rune) bool
}

// span is an inclusive range of characters, or of invalid bytes as next
// encodes them.
type span struct{ lo, hi rune }

func (t *set) has(r rune, f Flags) bool {
	if t.holds(r) {
		return !t.negate
	}
	if f&NoCase != 0 {
		for o := unicode.SimpleFold(r); r >= 0 && o != r; o = unicode.SimpleFold(o) {
			if t.holds(o) {
				return !t.negate
			}
		}
	}
	return t.negate
}

func (t *set) holds(r rune) bool {
	if r >= 0 && r < utf8.RuneSelf {
		return t.ascii[r>>6]>>(r&63)&1 != 0
	}
	for _, s := range t.ranges {
		if s.lo <= r && r <= s.hi {
			return true
		}
	}
	if r >= 0 {
		for _, is := range t.classes {
			if is(r) {
				return true
			}
		}
	}
	return false
}

// add puts the range from lo to hi into the set; an empty range adds nothing.
// Invalid bytes are ordered as bytes and only among themselves.
func (t *set) add(lo, hi rune) {
	if lo < 0 && hi < 0 {
		lo, hi = hi, lo
	}
	if lo < 0 && hi >= 0 {
		return
	}
	for r := max(lo, 0); r <= hi && r < utf8.RuneSelf; r++ {
		t.ascii[r>>6] |= 1 << (r & 63)
	}
	switch {
	case hi < 0 && lo < 0:
		if lo <= hi {
			t.ranges = append(t.ranges, span{lo, hi})
		}
	case lo >= 0 && hi < 0:
		// From an ASCII character to a byte ≥ 0x80 (no UTF8).
		if lo < utf8.RuneSelf {
			for r := lo; r < utf8.RuneSelf; r++ {
				t.ascii[r>>6] |= 1 << (r & 63)
			}
			t.ranges = append(t.ranges, span{hi, -1 - utf8.RuneSelf})
		}
	case hi >= utf8.RuneSelf && lo >= 0 && lo <= hi:
		t.ranges = append(t.ranges, span{max(lo, utf8.RuneSelf), hi})
	}
}

// addClass adds a character class by name; in the C locale (no UTF8) classes
// hold ASCII characters only.
func (t *set) addClass(name string, f Flags) bool {
	is, ok := classes[name]
	if !ok {
		return false
	}
	if f&NoCase != 0 && (name == "upper" || name == "lower") {
		is = unicode.IsLetter
	}
	for r := rune(0); r < utf8.RuneSelf; r++ {
		if is(r) {
			t.ascii[r>>6] |= 1 << (r & 63)
		}
	}
	if f&UTF8 != 0 {
		t.classes = append(t.classes, is)
	}
	return true
}

// classes are the character classes of XBD 7.3.1, and bash's word and ascii.
var classes = map[string]func(rune) bool{
	"alpha":  unicode.IsLetter,
	"digit":  func(r rune) bool { return '0' <= r && r <= '9' },
	"alnum":  func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
	"upper":  unicode.IsUpper,
	"lower":  unicode.IsLower,
	"space":  func(r rune) bool { return unicode.IsSpace(r) && r != 0x85 && r != 0xa0 },
	"blank":  func(r rune) bool { return r == ' ' || r == '\t' || r == 0x3000 },
	"punct":  isPunct,
	"print":  func(r rune) bool { return r == ' ' || unicode.IsGraphic(r) },
	"graph":  func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) },
	"cntrl":  unicode.IsControl,
	"xdigit": func(r rune) bool { return '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'f' && r < 0x80 },
	"word":   func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) },
	"ascii":  func(r rune) bool { return r < utf8.RuneSelf },
}

func isPunct(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}
	return unicode.IsPunct(r) || unicode.IsSymbol(r)
}

// collating are the multi-character names of XBD 6.1 that portable scripts
// use in [.name.]; other elements are single characters.
var collating = map[string]rune{
	"space": ' ', "tab": '\t', "newline": '\n', "hyphen": '-', "hyphen-minus": '-',
	"period": '.', "full-stop": '.', "slash": '/', "backslash": '\\', "comma": ',',
	"colon": ':', "semicolon": ';', "underscore": '_', "low-line": '_', "asterisk": '*',
	"question-mark": '?', "exclamation-mark": '!', "left-square-bracket": '[',
	"right-square-bracket": ']', "circumflex": '^', "dollar-sign": '$', "tilde": '~',
	"quotation-mark": '"', "apostrophe": '\'', "number-sign": '#', "plus-sign": '+',
	"equals-sign": '=', "percent-sign": '%', "ampersand": '&', "commercial-at": '@',
}
