package history

import "strings"

// modify applies the modifiers that follow a reference.
func (x *expansion) modify(text string) (string, error) {
	start := x.i
	for x.i+1 < len(x.line) && x.line[x.i] == ':' {
		x.i++
		every, words := false, false
		for x.i < len(x.line) && strings.IndexByte("gaG", x.line[x.i]) >= 0 {
			every = every || x.line[x.i] != 'G'
			words = words || x.line[x.i] == 'G'
			x.i++
		}
		if x.i == len(x.line) {
			return "", &Error{"", "unrecognized history modifier"}
		}
		c := x.line[x.i]
		x.i++
		switch c {
		case 's':
			if !x.readSubstitution() {
				return "", &Error{x.line[start:x.i], "no previous substitution"}
			}
			fallthrough
		case '&':
			changed, ok := x.substitute(text, every, words)
			if !ok {
				return "", &Error{x.line[start:x.i], "substitution failed"}
			}
			text = changed
		case 'p':
			x.done = Printed
		case 'q':
			text = quoteSingle(text)
		case 'x':
			text = quoteFields(text)
		default:
			short, ok := shorten(text, c)
			if !ok {
				return "", &Error{string(c), "unrecognized history modifier"}
			}
			text = short
		}
	}
	return text, nil
}

// shorten is :h, :t, :r and :e.
func shorten(text string, how byte) (string, bool) {
	slash, dot := strings.LastIndexByte(text, '/'), strings.LastIndexByte(text, '.')
	switch {
	case how == 'h' && slash >= 0:
		return text[:slash], true
	case how == 't' && slash >= 0:
		return text[slash+1:], true
	case how == 'r' && dot >= 0:
		return text[:dot], true
	case how == 'e' && dot >= 0:
		return text[dot:], true
	}
	return text, strings.IndexByte("htre", how) >= 0
}

// readSubstitution reads /old/new/ behind :s, whatever the delimiter is.
func (x *expansion) readSubstitution() bool {
	if x.i >= len(x.line) {
		return false
	}
	delimiter := x.line[x.i]
	x.i++
	old := x.readPart(delimiter, false)
	if old == "" {
		if old = x.sought; old == "" {
			old = x.old
		}
	}
	if old == "" {
		return false
	}
	x.old = old
	x.new = x.readPart(delimiter, true)
	return true
}

// readPart reads up to the delimiter. In the replacement & is what is replaced.
func (x *expansion) readPart(delimiter byte, replacement bool) string {
	var b strings.Builder
	for x.i < len(x.line) {
		c := x.line[x.i]
		x.i++
		switch {
		case c == delimiter:
			return b.String()
		case c == '\\' && x.i < len(x.line) && (x.line[x.i] == delimiter || replacement && x.line[x.i] == '&'):
			b.WriteByte(x.line[x.i])
			x.i++
		case c == '&' && replacement:
			b.WriteString(x.old)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// substitute replaces old by new: once, in every place, or once in every word.
func (x *expansion) substitute(text string, every, words bool) (string, bool) {
	if x.old == "" || !strings.Contains(text, x.old) {
		return "", false
	}
	if !words {
		n := 1
		if every {
			n = -1
		}
		return strings.Replace(text, x.old, x.new, n), true
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if strings.IndexByte(blanks, text[i]) >= 0 {
			b.WriteByte(text[i])
			i++
			continue
		}
		end := max(operatorEnd(text, i), wordEnd(text, i), i+1)
		b.WriteString(strings.Replace(text[i:end], x.old, x.new, 1))
		i = end
	}
	return b.String(), true
}

func quoteSingle(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// quoteFields quotes what is between blanks.
func quoteFields(s string) string {
	var b strings.Builder
	for s != "" {
		if strings.IndexByte(blanks, s[0]) >= 0 {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		n := strings.IndexAny(s, blanks)
		if n < 0 {
			n = len(s)
		}
		b.WriteString(quoteSingle(s[:n]))
		s = s[n:]
	}
	return b.String()
}
