package interp

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fsh-sh/fsh/interp/pattern"
)

// charCount is the length of s in characters of the locale. A byte that is
// part of no character counts as one.
func (sh *shell) charCount(s string) int {
	if isASCII(s) || !sh.multibyte() {
		return len(s)
	}
	return utf8.RuneCountInString(s)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// charOffset is the byte offset of character n.
func charOffset(s string, n int, multibyte bool) int {
	if !multibyte {
		return min(n, len(s))
	}
	i := 0
	for ; n > 0 && i < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}

// perElement applies # % / ^ , which in lists work on each element.
func (p *paramPart) perElement(sh *shell, s string) (string, error) {
	if p.op == opReplace {
		return p.replace(sh, s)
	}
	if p.word == nil && p.op != opCase {
		return s, nil
	}
	switch p.op {
	case opPrefix, opSuffix:
		return p.remove(sh, s)
	}
	return p.changeCase(sh, s)
}

// remove is # ## % %%.
func (p *paramPart) remove(sh *shell, s string) (string, error) {
	pat, err := p.word.patternIgnoring(sh, pattern.NoCase)
	if err != nil {
		return "", err
	}
	if p.op == opPrefix {
		if n := pat.Prefix(s, p.long); n > 0 {
			s = s[n:]
		}
	} else if i := pat.Suffix(s, p.long); i >= 0 {
		s = s[:i]
	}
	return s, nil
}

// replace is ${x/pattern/with}.
func (p *paramPart) replace(sh *shell, s string) (string, error) {
	pat, err := p.word.pattern(sh)
	if err != nil {
		return "", err
	}
	if lit, ok := pat.Literal(); ok && lit == "" && p.anchor == 0 {
		return s, nil
	}
	r, err := p.replacement(sh)
	if err != nil {
		return "", err
	}
	switch p.anchor {
	case '#':
		if n := pat.Prefix(s, true); n >= 0 {
			return r.with(s[:n]) + s[n:], nil
		}
		return s, nil
	case '%':
		if i := pat.Suffix(s, true); i >= 0 {
			return s[:i] + r.with(s[i:]), nil
		}
		return s, nil
	}
	start, end := pat.Find(s, 0)
	if start < 0 {
		return s, nil
	}
	if !p.long {
		return s[:start] + r.with(s[start:end]) + s[end:], nil
	}
	multibyte := sh.multibyte()
	var b []byte
	at := 0
	for start >= 0 {
		b = append(b, s[at:start]...)
		b = append(b, r.with(s[start:end])...)
		at = end
		if start == end { // an empty match: one character goes on
			at = end + charOffset(s[end:], 1, multibyte)
			b = append(b, s[end:at]...)
		}
		if at >= len(s) {
			break
		}
		start, end = pat.Find(s, at)
	}
	return string(append(b, s[at:]...)), nil
}

// replacement is a replacement string. In what is not quoted, & stands for the
// match, and a backslash quotes it or another backslash (bash 5.2).
type replacement struct {
	text   string
	quoted []span
	active bool // there is something to replace
}

func (p *paramPart) replacement(sh *shell) (replacement, error) {
	if p.with == nil {
		return replacement{}, nil
	}
	if p.with.constant && (!sh.bash() || strings.IndexByte(p.with.text, '&') < 0) {
		return replacement{text: p.with.text}, nil
	}
	e := sh.takeExpander(toReplace)
	err := e.run(p.with.parts)
	var r replacement
	if err == nil {
		r.active = e.amp && sh.bash() && sh.acceptedShopt("patsub_replacement")
		r.quoted = append(r.quoted, e.spans...)
		r.text = e.take()
	}
	e.release()
	return r, err
}

func (r *replacement) with(match string) string {
	if !r.active {
		return r.text
	}
	var b []byte
	at := 0
	for _, q := range r.quoted {
		b = appendReplaced(b, r.text[at:q.from], match)
		b = append(b, r.text[q.from:q.to]...)
		at = q.to
	}
	return string(appendReplaced(b, r.text[at:], match))
}

// appendReplaced appends unquoted text with the match in place of &.
func appendReplaced(dst []byte, s, match string) []byte {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '&':
			dst = append(dst, match...)
			continue
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '&' || s[i+1] == '\\'):
			i++
		}
		dst = append(dst, s[i])
	}
	return dst
}

// changeCase is ^ ^^ , ,,.
func (p *paramPart) changeCase(sh *shell, s string) (string, error) {
	var pat *pattern.Pattern
	if p.word != nil {
		var err error
		if pat, err = p.word.pattern(sh); err != nil {
			return "", err
		}
	}
	to := unicode.ToUpper
	if p.lower {
		to = unicode.ToLower
	}
	return mapCase(s, to, pat, p.long, !isASCII(s) && sh.multibyte()), nil
}

func mapCase(s string, to func(rune) rune, pat *pattern.Pattern, all, multibyte bool) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if multibyte {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		char := s[i : i+n]
		i += n
		switch {
		case r == utf8.RuneError && n == 1, !multibyte && r >= utf8.RuneSelf, pat != nil && !pat.Match(char):
			b = append(b, char...)
		default:
			b = utf8.AppendRune(b, to(r))
		}
		if !all {
			return string(append(b, s[i:]...))
		}
	}
	return string(b)
}

// bounds evaluates offset and length against n characters or elements; -1, -1
// if the offset is outside of them.
func (p *paramPart) bounds(sh *shell, n int, list bool) (from, to int, err error) {
	off, err := p.offset.eval(sh)
	if err != nil {
		return 0, 0, err
	}
	if off < 0 {
		off += int64(n)
	}
	count := int64(n)
	if p.length != nil {
		if count, err = p.length.eval(sh); err != nil {
			return 0, 0, err
		}
	}
	if off < 0 || off > int64(n) {
		return -1, -1, nil
	}
	end := int64(n)
	switch {
	case p.length == nil:
	case count >= 0:
		if count < end-off {
			end = off + count
		}
	case list || end+count < off:
		return 0, 0, &nameError{itoa(count), "substring expression < 0"}
	default:
		end += count
	}
	return int(off), int(end), nil
}

func (p *paramPart) sliceText(sh *shell, s string) (string, error) {
	s, _, err := p.within(sh, s)
	return s, err
}

// within is the slice of a string, and whether it begins within the string.
func (p *paramPart) within(sh *shell, s string) (string, bool, error) {
	multibyte := !isASCII(s) && sh.multibyte()
	n := len(s)
	if multibyte {
		n = utf8.RuneCountInString(s)
	}
	from, to, err := p.bounds(sh, n, false)
	if err != nil || from >= to {
		return "", from >= 0, err
	}
	start := charOffset(s, from, multibyte)
	return s[start : start+charOffset(s[start:], to-from, multibyte)], true, nil
}

// sliceList is ${@:o:l}, in which $0 is element 0, and ${a[@]:o:l}.
func (p *paramPart) sliceList(sh *shell, vals []string) ([]string, error) {
	if p.char != 0 {
		from, to, err := p.bounds(sh, len(vals)+1, true)
		if err != nil || from >= to {
			return nil, err
		}
		if from == 0 {
			return append([]string{sh.name}, vals[:to-1]...), nil
		}
		return vals[from-1 : to-1], nil
	}
	v := sh.lookupVar(p.name)
	switch {
	case !v.is(attrIndexed|attrAssoc) && len(vals) == 1: // not an array of one
		s, ok, err := p.within(sh, vals[0])
		if !ok {
			return nil, err
		}
		return []string{s}, err
	case len(vals) == 0:
		return nil, nil
	case v.is(attrAssoc):
		return p.sliceMembers(sh, vals)
	}
	n := v.array.next() // offsets are indices, and there may be holes
	from, to, err := p.bounds(sh, n, true)
	if err != nil || from >= to {
		return nil, err
	}
	count := to - from
	if to == n {
		count = n
	}
	from = sort.SearchInts(v.array.keys, from)
	return vals[from:min(from+count, len(vals))], nil
}

// sliceMembers is ${m[@]:o:l} of an associative array. bash counts its members
// from 1, and takes 0 for 1.
func (p *paramPart) sliceMembers(sh *shell, vals []string) ([]string, error) {
	n := len(vals) + 1
	from, to, err := p.bounds(sh, n, true)
	if err != nil || from >= to {
		return nil, err
	}
	if from == 0 {
		from, to = 1, min(to+1, n)
	}
	return vals[from-1 : to-1], nil
}

// namesWithPrefix is ${!prefix*}: sorted names of set variables.
func (sh *shell) namesWithPrefix(prefix string) []string {
	var names []string
	sh.vars.each(func(name string, v *variable) {
		if v.is(attrSet) && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	})
	sort.Strings(names)
	return names
}
