package interp

import "strings"

// quoteWord quotes a word for -x when it needs quotes.
func quoteWord(s string) string {
	if s == "" {
		return "''"
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("_-+=./:,@%^", c) >= 0 || c >= 0x80 {
			continue
		}
		return quoteSingle(s)
	}
	return s
}

// quoteSingle is 'it'\”s', the form every shell reads.
func quoteSingle(s string) string {
	if strings.IndexByte(s, '\'') < 0 {
		return "'" + s + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// quoteAlways is how set and export -p write a value: dash quotes all of
// them, bash those that need it.
func quoteAlways(s string, bash bool) string {
	if bash {
		if s == "" {
			return s
		}
		return quoteWordBash(s)
	}
	return quoteSingle(s)
}

func quoteWordBash(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return quoteDollar(s)
		}
	}
	return quoteWord(s)
}

// quoteDouble is how declare -p writes a value.
func quoteDouble(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return quoteDollar(s)
		}
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

// quoteKey writes the key of an associative array.
func quoteKey(s string) string {
	if w := quoteWord(s); w == s {
		return s
	}
	return quoteDouble(s)
}

func joinQuoted(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quoteWord(w))
	}
	return b.String()
}
