package history

import "strings"

const (
	blanks     = " \t\n"
	metas      = "()<>;&|"
	beforeHash = blanks + ";&()|<>" // what a comment may follow
)

// Words splits a command as references to its words count them: as the shell
// reads it, with operators as words of their own and a substitution as one.
func Words(text string) (words []string) {
	for i := 0; ; {
		for i < len(text) && strings.IndexByte(blanks, text[i]) >= 0 {
			i++
		}
		if i == len(text) || text[i] == '#' {
			return words
		}
		end := operatorEnd(text, i)
		if end == i {
			end = wordEnd(text, i)
		}
		words = append(words, text[i:end])
		i = end
	}
}

// operatorEnd is where an operator that begins at i ends; i: there is none.
func operatorEnd(text string, i int) int {
	c := text[i]
	if c == '(' || c == ')' {
		return i + 1
	}
	if n := i + digitsLen(text[i:]); n > i {
		if n < len(text) && (text[n] == '<' || text[n] == '>') && !opensGroup(text, n) {
			return operatorEnd(text, n)
		}
		return i
	}
	if strings.IndexByte("<>;&|", c) < 0 || opensGroup(text, i) {
		return i
	}
	rest := text[i:]
	for _, op := range []string{"<<<", "<<-", "&>>", ";;&", "<<", ">>", "&&", "||", ";;", ";&", "&>", "|&", "<>", ">|"} {
		if strings.HasPrefix(rest, op) {
			return i + len(op)
		}
	}
	if (c == '<' || c == '>') && len(rest) > 1 && rest[1] == '&' {
		n := i + 2
		n += digitsLen(text[n:])
		if n < len(text) && text[n] == '-' {
			n++
		}
		return n
	}
	return i + 1
}

func digitsLen(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// opensGroup reports whether text[i:] begins with $(, <(, >( or an extended pattern.
func opensGroup(text string, i int) bool {
	return i+1 < len(text) && text[i+1] == '(' && strings.IndexByte("$<>?*+@!", text[i]) >= 0
}

// wordEnd is where the word that begins at i ends.
func wordEnd(text string, i int) int {
	for i < len(text) {
		c := text[i]
		switch {
		case c == '\\':
			i = min(i+2, len(text))
		case c == '\'' || c == '"' || c == '`':
			i = quoteEnd(text, i)
		case opensGroup(text, i):
			i = groupEnd(text, i+2)
		case strings.IndexByte(blanks+metas, c) >= 0:
			return i
		default:
			i++
		}
	}
	return i
}

// quoteEnd is where the quotation that begins at i ends.
func quoteEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i + 1
		case text[i] == '\\' && quote != '\'':
			i++
		}
	}
	return len(text)
}

// groupEnd is where the parentheses around i end.
func groupEnd(text string, i int) int {
	for depth := 1; i < len(text); {
		switch c := text[i]; c {
		case '\\':
			i++
		case '\'', '"', '`':
			i = quoteEnd(text, i)
			continue
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(text)
}
