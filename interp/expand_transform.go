package interp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// transform is ${x@letter} of one value.
func (p *paramPart) transform(sh *shell, s string, set bool) (string, error) {
	switch p.letter {
	case 'a':
		if p.char != 0 || p.num > 0 {
			return "", nil
		}
		return attrLetters(sh.lookupVar(p.name)), nil
	case 'A':
		if !set || p.char != 0 || p.num > 0 {
			return "", nil
		}
		return sh.declarationText(p.name, p.index), nil
	}
	if !set {
		return "", nil
	}
	return p.transformValue(sh, s)
}

func (p *paramPart) transformValue(sh *shell, s string) (string, error) {
	multibyte := !isASCII(s) && sh.multibyte()
	switch p.letter {
	case 'U':
		return mapCase(s, unicode.ToUpper, nil, true, multibyte), nil
	case 'u':
		return mapCase(s, unicode.ToUpper, nil, false, multibyte), nil
	case 'L':
		return mapCase(s, unicode.ToLower, nil, true, multibyte), nil
	case 'E':
		return dollarQuoted(s), nil
	case 'Q', 'K', 'k':
		return quoteValue(s), nil
	}
	// @P, prompts, belongs to interactive shells.
	return "", &nameError{"${" + p.display() + "@" + string(p.letter) + "}", "bad substitution"}
}

func (p *paramPart) transformList(sh *shell, vals []string) ([]string, error) {
	switch p.letter {
	case 'A':
		if p.char != 0 {
			quoted := make([]string, len(vals))
			for i, v := range vals {
				quoted[i] = quoteValue(v)
			}
			return []string{"set -- " + strings.Join(quoted, " ")}, nil
		}
		return []string{sh.declarationText(p.name, nil)}, nil
	case 'K', 'k':
		return p.pairs(sh, vals), nil
	}
	out := make([]string, len(vals))
	for i, v := range vals {
		var err error
		if p.letter == 'a' {
			out[i] = attrLetters(sh.lookupVar(p.name))
		} else if out[i], err = p.transformValue(sh, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pairs is @K, one string of quoted pairs, and @k, separate words.
func (p *paramPart) pairs(sh *shell, vals []string) []string {
	if p.char != 0 {
		quoted := make([]string, len(vals))
		for i, v := range vals {
			quoted[i] = quoteValue(v)
		}
		return quoted
	}
	keys := p.keys(sh)
	words := make([]string, 0, 2*len(vals))
	for i, v := range vals {
		if p.letter == 'K' {
			v = doubleQuote(v)
		}
		words = append(words, keys[i], v)
	}
	if p.letter == 'K' {
		return []string{strings.Join(words, " ")}
	}
	return words
}

// attrLetters are the attributes as declare writes them.
func attrLetters(v *variable) string {
	var b []byte
	for _, a := range [...]struct {
		bit    attr
		letter byte
	}{
		{attrIndexed, 'a'}, {attrAssoc, 'A'}, {attrInteger, 'i'}, {attrLower, 'l'}, {attrNameref, 'n'},
		{attrReadonly, 'r'}, {attrTrace, 't'}, {attrUpper, 'u'}, {attrExport, 'x'},
	} {
		if v.is(a.bit) {
			b = append(b, a.letter)
		}
	}
	return string(b)
}

// declarationText is a command that makes the variable again.
func (sh *shell) declarationText(name string, index *arrayIndex) string {
	v := sh.lookupVar(name)
	flags := attrLetters(v)
	if v.is(attrIndexed|attrAssoc) && index == nil && v.is(attrSet) {
		var b strings.Builder
		r := paramRef{name: name}
		keys := r.keys(sh)
		for i, s := range r.elements(sh) {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString("[" + keys[i] + "]=" + doubleQuote(s))
		}
		return "declare -" + flags + " " + name + "=(" + b.String() + ")"
	}
	s, _ := v.scalar()
	if flags == "" {
		return name + "=" + quoteValue(s)
	}
	return "declare -" + flags + " " + name + "=" + quoteValue(s)
}

func doubleQuote(s string) string {
	if hasControl(s) {
		return quoteValue(s)
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("\"\\$`", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}

func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return !utf8.ValidString(s)
}

// quoteValue quotes a string for reuse, always: '…', or $'…' when there are
// characters that a terminal would not show.
func quoteValue(s string) string {
	if !hasControl(s) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	b := []byte("$'")
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b = append(b, '\\', c)
		case strings.IndexByte("\a\b\t\n\v\f\r", c) >= 0:
			b = append(b, '\\', "abtnvfr"[c-'\a'])
		case c == 0x1b:
			b = append(b, '\\', 'E')
		case c < ' ' || c == 0x7f || r == utf8.RuneError && n == 1:
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(append(b, '\''))
}
