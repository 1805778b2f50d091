package interp

import (
	"strings"
	"unicode/utf8"
)

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
		return quoteBash(s)
	}
	return quoteSingle(s)
}

// quoteBash is how bash writes a word that has to be read again: only with
// quotes if it needs them.
func quoteBash(s string) string {
	switch {
	case s == "":
		return "''"
	case s == "'":
		return `\'`
	case unprintable(s):
		return quoteDollar(s)
	case hasShellMeta(s):
		return quoteSingle(s)
	}
	return s
}

// unprintable reports whether s has what a terminal would not show.
func unprintable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return !utf8.ValidString(s)
}

// hasShellMeta reports whether bash would read s as something else than a
// word that stands for itself.
func hasShellMeta(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\n', '\'', '"', '\\', '|', '&', ';', '(', ')', '<', '>', '!', '{', '}', '*', '[', ']', '?', '^', '$', '`':
			return true
		case '~':
			if i == 0 || s[i-1] == '=' || s[i-1] == ':' {
				return true
			}
		case '#':
			if i == 0 {
				return true
			}
		}
	}
	return false
}

// quoteTracedBash is quoteBash for -x, which leaves tabs and newlines alone.
func quoteTracedBash(s string) string {
	if s != "'" && hasShellMeta(s) {
		return quoteSingle(s)
	}
	return quoteBash(s)
}

// quoteTraced quotes a word for -x.
func (sh *shell) quoteTraced(s string) string {
	if sh.rt.bash {
		return quoteTracedBash(s)
	}
	return quoteWord(s)
}

// quoteDouble is how declare -p writes a value.
func quoteDouble(s string) string {
	if unprintable(s) {
		return quoteDollar(s)
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
	if s == "" || s == "@" || unprintable(s) || hasShellMeta(s) {
		return quoteDouble(s)
	}
	return s
}

func (sh *shell) joinTraced(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(sh.quoteTraced(w))
	}
	return b.String()
}
