package interp

import (
	"strings"
	"unicode/utf8"

	"github.com/fsh-sh/fsh/interp/pattern"
)

// expandMode says what an expansion makes.
type expandMode uint8

const (
	toFields  expandMode = iota // fields, path names
	toString                    // one string, quotes removed
	toPattern                   // one string, quoted characters escaped
	toRegex                     // the same for regular expressions
	toReplace                   // one string, the unquoted & remembered
	toShown                     // a pattern as -x shows it: a backslash before what is quoted
)

// expander builds the fields of one word.
type expander struct {
	sh     *shell
	mode   expandMode
	fields []string

	// The field being built is one if buf is empty, else buf. Most fields
	// consist of one string that need not be copied.
	one   string
	buf   []byte
	spans []span // quoted parts of the field
	open  bool   // there is a field, though it may be empty
	meta  bool   // it has unquoted pattern characters
	white bool   // IFS white space ended the last field: see split

	noArgs bool  // a "$@" without parameters was met
	amp    bool  // toReplace: there is a & or a backslash that is not quoted
	failed error // of pathname expansion
}

// span is a part of a field, from and to are offsets.
type span struct{ from, to int }

// takeExpander returns an expander for one word; the shell keeps an idle one.
func (sh *shell) takeExpander(m expandMode) *expander {
	e := sh.idle
	if e == nil {
		e = &expander{sh: sh}
	}
	sh.idle = nil
	e.mode = m
	return e
}

// maxIdle bounds the buffer that is kept for the next word.
const maxIdle = 64 << 10

func (e *expander) release() {
	if cap(e.buf) > maxIdle {
		e.buf = nil
	}
	*e = expander{sh: e.sh, buf: e.buf[:0], spans: e.spans[:0]}
	e.sh.idle = e
}

func (e *expander) run(ps []part) error {
	for _, p := range ps {
		if err := p.expand(e); err != nil {
			return err
		}
	}
	return nil
}

func (e *expander) len() int { return len(e.one) + len(e.buf) }

func (e *expander) add(s string) {
	if len(e.buf) == 0 {
		if e.one == "" {
			e.one = s
			return
		}
		e.buf = append(e.buf, e.one...)
		e.one = ""
	}
	e.buf = append(e.buf, s...)
}

// take returns the text built so far and starts anew.
func (e *expander) take() string {
	s := e.one
	if len(e.buf) > 0 {
		s = string(e.buf)
	}
	e.one, e.buf = "", e.buf[:0]
	return s
}

// quoted appends text that is neither split nor special.
func (e *expander) quoted(s string) {
	switch e.mode {
	case toReplace:
		if n := e.len(); s != "" {
			e.spans = append(e.spans, span{n, n + len(s)})
		}
	case toFields:
		if n := e.len(); s != "" {
			if k := len(e.spans); k > 0 && e.spans[k-1].to == n {
				e.spans[k-1].to += len(s)
			} else {
				e.spans = append(e.spans, span{n, n + len(s)})
			}
		}
		e.open, e.white = true, false
	case toPattern:
		if needsQuote(s) {
			s = string(pattern.Quote(nil, s))
		}
	case toShown:
		for at, n := 0, 0; at < len(s); at += n {
			_, n = utf8.DecodeRuneInString(s[at:])
			e.add("\\" + s[at:at+n])
		}
		return
	case toRegex:
		if !inBracket(e.one) && !inBracket(string(e.buf)) {
			s = quoteRegex(s)
		}
	}
	e.add(s)
}

func needsQuote(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			if c != '/' && c != '_' && c != ' ' {
				return true
			}
		}
	}
	return false
}

// literal appends unquoted text of the script, which is not split.
func (e *expander) literal(s string, meta bool) {
	if e.mode == toFields {
		e.meta = e.meta || meta
		e.open, e.white = true, false
	}
	e.raw(s)
}

// raw appends text whose special characters are active.
func (e *expander) raw(s string) {
	if e.mode == toReplace && strings.ContainsAny(s, `&\`) {
		e.amp = true
	}
	e.add(s)
}

// split appends the result of an unquoted expansion (XCU 2.6.5). White space
// of IFS at the ends vanishes; every other character of IFS, with the white
// space around it, ends a field, which may be empty.
func (e *expander) split(s string) {
	if e.mode != toFields {
		e.raw(s)
		return
	}
	if e.sh.ifs.high && e.sh.multibyte() {
		e.splitChars(s)
		return
	}
	class := &e.sh.ifs.class
	for i := 0; i < len(s); {
		switch class[s[i]] {
		case ifsWhite:
			if e.open {
				e.endField()
				e.white = true
			}
			i++
			continue
		case ifsOther:
			if e.open || !e.white {
				e.endField()
			}
			e.white = false
			i++
			continue
		}
		j := i
		for ; j < len(s) && class[s[j]] == ifsNone; j++ {
			switch s[j] {
			case '*', '?', '[', '(':
				e.meta = true
			}
		}
		e.add(s[i:j])
		e.open, e.white = true, false
		i = j
	}
}

// splitChars is split for an IFS with characters of several bytes.
func (e *expander) splitChars(s string) {
	ifs := &e.sh.ifs
	for i := 0; i < len(s); {
		_, n := utf8.DecodeRuneInString(s[i:])
		char := s[i : i+n]
		i += n
		switch {
		case n == 1 && ifs.class[char[0]] == ifsWhite:
			if e.open {
				e.endField()
				e.white = true
			}
		case strings.Contains(ifs.chars, char):
			if e.open || !e.white {
				e.endField()
			}
			e.white = false
		default:
			e.meta = e.meta || hasMeta(char)
			e.add(char)
			e.open, e.white = true, false
		}
	}
}

// joiner is what "$*" joins with: the first character of IFS.
func (sh *shell) joiner() string {
	if sh.ifs.high && sh.ifs.first[0] >= utf8.RuneSelf && sh.multibyte() {
		_, n := utf8.DecodeRuneInString(sh.ifs.chars)
		return sh.ifs.chars[:n]
	}
	return sh.ifs.first
}

// breakField ends the field, if there is one, between two elements of a list.
func (e *expander) breakField() {
	if e.open {
		e.endField()
	}
	e.white = false
}

// endField finishes the field.
func (e *expander) endField() {
	meta := e.meta && !e.sh.opts.on(optNoglob)
	src := ""
	if meta {
		src = e.patternText()
		meta = pattern.HasMeta(src, e.sh.globFlags())
	}
	s := e.take()
	e.open, e.meta, e.spans = false, false, e.spans[:0]
	if meta {
		var err error
		if e.fields, err = e.sh.glob(e.fields, src, s); err != nil && e.failed == nil {
			e.failed = err
		}
		return
	}
	e.fields = append(e.fields, s)
}

// patternText is the field with its quoted parts escaped.
func (e *expander) patternText() string {
	text := e.one
	if len(e.buf) > 0 {
		text = string(e.buf)
	}
	var b []byte
	at := 0
	for _, q := range e.spans {
		b = append(b, text[at:q.from]...)
		b = pattern.Quote(b, text[q.from:q.to])
		at = q.to
	}
	return string(append(b, text[at:]...))
}

// finish ends the last field of the word.
func (e *expander) finish() error {
	if e.open {
		e.endField()
	}
	return e.failed
}

// mark makes sure that there is a field, because of quotes.
func (e *expander) mark() { e.open, e.white = true, false }

// list appends the elements of $@, $* and arrays.
func (e *expander) list(vals []string, star, quoted bool) {
	if e.mode != toFields || quoted && star {
		sep := " "
		if star {
			sep = e.sh.joiner()
		}
		for i, v := range vals {
			if i > 0 {
				e.piece(sep, quoted)
			}
			e.piece(v, quoted)
		}
		if quoted {
			e.mark()
		}
		return
	}
	if quoted && len(vals) == 0 {
		e.noArgs = true
		return
	}
	for i, v := range vals {
		if quoted {
			if i > 0 {
				e.endField()
			}
			e.quoted(v)
			continue
		}
		if i > 0 {
			e.separate()
		}
		e.split(v)
	}
}

// separate stands between the elements of an unquoted list. bash joins them
// with the first character of IFS and splits the result, which tells when
// that is no white space.
func (e *expander) separate() {
	if sep := e.sh.joiner(); sep != "" && e.sh.rt.bash {
		e.split(sep)
		return
	}
	e.breakField()
}

// joinBlank appends a list as one string, with blanks between.
func (e *expander) joinBlank(vals []string, quoted bool) {
	for i, v := range vals {
		if i > 0 {
			e.piece(" ", quoted)
		}
		e.piece(v, quoted)
	}
}

// wholeList appends elements that are not split; they are fields of their own
// if a blank separates fields.
func (e *expander) wholeList(vals []string) {
	for i, v := range vals {
		switch {
		case i == 0:
		case e.sh.ifs.class[' '] != ifsNone:
			e.breakField()
		default:
			e.quoted(" ")
		}
		e.quoted(v)
	}
}

func (e *expander) piece(s string, quoted bool) {
	if quoted {
		e.quoted(s)
	} else {
		e.split(s)
	}
}
