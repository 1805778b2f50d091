package interp

import (
	"strings"
	"unicode"
)

// transform is ${x@letter} of one value.
func (p *paramPart) transform(sh *shell, s string, set bool) (string, error) {
	switch p.letter {
	case 'a':
		if p.char != 0 || p.num > 0 {
			return "", nil
		}
		return sh.lookupVar(p.name).attributes(), nil
	case 'A':
		v := sh.lookupVar(p.name)
		if p.char != 0 || p.num > 0 || !set && v.attributes() == "" {
			return "", nil
		}
		return v.assignmentText(p.name, s, set), nil
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
	case '~':
		return mapCase(s, toggleCase, nil, p.long, multibyte), nil
	case 'E':
		return dollarQuoted(s), nil
	case 'P':
		return sh.prompt(s), nil
	case 'Q', 'K', 'k':
		return quoteValue(s), nil
	}
	return "", &badTransformError{"${" + p.display() + "@" + string(p.letter) + "}"}
}

func toggleCase(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	return unicode.ToUpper(r)
}

func (p *paramPart) transformList(sh *shell, vals []string) ([]string, error) {
	switch p.letter {
	case 'A':
		return p.declaration(sh, vals), nil
	case 'a':
		v := sh.lookupVar(p.name)
		if p.char != 0 || v.is(attrIndexed|attrAssoc) && v.is(attrSet) {
			break
		} else if v.attributes() == "" {
			return nil, nil
		}
		return []string{v.attributes()}, nil
	case 'K', 'k':
		return p.pairs(sh, vals), nil
	}
	out := make([]string, len(vals))
	for i, v := range vals {
		var err error
		if p.letter == 'a' {
			out[i] = sh.lookupVar(p.name).attributes()
		} else if out[i], err = p.transformValue(sh, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// declaration is @A: one word for parameters and a variable that is no array,
// otherwise the separate words of a command.
func (p *paramPart) declaration(sh *shell, vals []string) []string {
	v := sh.lookupVar(p.name)
	switch {
	case p.char != 0 && len(vals) == 0:
		return nil
	case p.char != 0:
		return append([]string{"set", "--"}, quoteEach(vals)...)
	case !v.is(attrSet) && len(vals) == 0 && v.attributes() == "":
		return nil
	case v.is(attrIndexed|attrAssoc) && v.is(attrSet):
		return strings.SplitN(strings.TrimSuffix(declareLine(p.name, v), "\n"), " ", 3)
	}
	s, set := v.scalar()
	return []string{v.assignmentText(p.name, s, set)}
}

func quoteEach(vals []string) []string {
	quoted := make([]string, len(vals))
	for i, v := range vals {
		quoted[i] = quoteValue(v)
	}
	return quoted
}

// pairs is @K, one string of quoted pairs, and @k, separate words.
func (p *paramPart) pairs(sh *shell, vals []string) []string {
	if p.char != 0 || !sh.lookupVar(p.name).is(attrIndexed|attrAssoc) {
		return quoteEach(vals)
	}
	keys := p.keys(sh)
	words := make([]string, 0, 2*len(vals))
	for i, v := range vals {
		k := keys[i]
		if p.letter == 'K' {
			k, v = quoteKey(k), quoteDouble(v)
		}
		words = append(words, k, v)
	}
	if p.letter == 'K' {
		text := strings.Join(words, " ")
		if sh.lookupVar(p.name).is(attrAssoc) && text != "" {
			text += " "
		}
		return []string{text}
	}
	return words
}

// attributes are the letters of a variable's attributes, as in declare -p.
func (v *variable) attributes() string {
	var b []byte
	for _, l := range attrLetters {
		if v.is(l.bit) {
			b = append(b, l.letter)
		}
	}
	return string(b)
}

// assignmentText is a command that gives the value to a variable with the same
// attributes.
func (v *variable) assignmentText(name, value string, set bool) string {
	text := name
	if flags := v.attributes(); flags != "" {
		text = "declare -" + flags + " " + name
	}
	if set {
		text += "=" + quoteValue(value)
	}
	return text
}

// quoteValue quotes a string for reuse, always: '…', or $'…' when there are
// characters that a terminal would not show.
func quoteValue(s string) string {
	if unprintable(s) {
		return quoteDollar(s)
	}
	return quoteSingle(s)
}
