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
		if p.char != 0 || p.num > 0 {
			return "", nil
		}
		if !set && sh.lookupVar(p.name) == nil {
			return "", nil
		}
		return sh.declarationText(p.name, &arrayIndex{}), nil
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
	return "", &nameError{"${" + p.display() + "@" + string(p.letter) + "}", "bad substitution"}
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
		if p.char != 0 {
			quoted := make([]string, len(vals))
			for i, v := range vals {
				quoted[i] = quoteValue(v)
			}
			return []string{"set -- " + strings.Join(quoted, " ")}, nil
		}
		// bash expands "${a[@]@A}" to the separate words of a command.
		if v := sh.lookupVar(p.name); !v.is(attrSet) && len(vals) == 0 {
			if v.attributes() == "" {
				return nil, nil
			}
			return []string{"declare -" + v.attributes() + " " + p.name}, nil
		}
		return strings.SplitN(sh.declarationText(p.name, nil), " ", 3), nil
	case 'a':
		if v := sh.lookupVar(p.name); !v.is(attrSet) && v.attributes() != "" {
			return []string{v.attributes()}, nil
		}
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

// declarationText is a command that makes the variable again.
func (sh *shell) declarationText(name string, index *arrayIndex) string {
	v := sh.lookupVar(name)
	if v.is(attrIndexed|attrAssoc) && index == nil && v.is(attrSet) {
		return strings.TrimSuffix(declareLine(name, v), "\n")
	}
	s, ok := v.scalar()
	if flags := v.attributes(); flags != "" && !ok {
		return "declare -" + flags + " " + name
	} else if flags != "" {
		return "declare -" + flags + " " + name + "=" + quoteValue(s)
	}
	return name + "=" + quoteValue(s)
}

// quoteValue quotes a string for reuse, always: '…', or $'…' when there are
// characters that a terminal would not show.
func quoteValue(s string) string {
	if unprintable(s) {
		return quoteDollar(s)
	}
	return quoteSingle(s)
}
