package policy

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxPath = 4096 // PATH_MAX, path_resolution(7)

// resolver turns an entry as written into an absolute pattern.
type resolver struct {
	base   string // what relative entries are below
	home   string
	getenv func(string) string
}

// mistake is an error about an entry, before its place is known.
type mistake struct {
	msg, hint string
	// unset: the entry names an environment variable that is not set. For an
	// entry that allows, that is nothing to allow rather than a mistake.
	unset bool
}

// path resolves ~, $VAR and relative forms. Globs stay globs; a literal entry
// loses its backslashes.
func (r resolver) path(entry string) (Path, *mistake) {
	if i := strings.IndexFunc(entry, func(c rune) bool { return unicode.IsControl(c) }); i >= 0 {
		return Path{}, &mistake{msg: "a path with a control character", hint: "name the directory above it"}
	}
	text, m := r.expand(entry)
	if m != nil {
		return Path{}, m
	}
	if len(text) > maxPath {
		return Path{}, &mistake{msg: "a path longer than 4096 bytes"}
	}
	if m := checkGlob(text); m != nil {
		return Path{}, m
	}
	p := Path{Pattern: text, Glob: hasMeta(text)}
	if !filepath.IsAbs(text) {
		p.Pattern = quoteGlob(r.base) + "/" + text
	}
	if !filepath.IsAbs(p.Pattern) {
		return Path{}, &mistake{msg: "a relative path, and the directory is not known", hint: "write an absolute path"}
	}
	if p.Glob && strings.Contains("/"+text+"/", "/../") {
		return Path{}, &mistake{msg: "a pattern with '..'", hint: "write the directory it means"}
	}
	p.Pattern = filepath.Clean(p.Pattern)
	if p.Glob {
		p.Pattern = caretClasses(p.Pattern)
	} else {
		p.Pattern = unquoteGlob(p.Pattern)
	}
	return p, nil
}

// expand replaces a leading ~ and $VAR, ${VAR} anywhere. What it puts in is
// literal, whatever characters it has.
func (r resolver) expand(entry string) (text string, m *mistake) {
	if entry == "" {
		return "", &mistake{msg: "an empty path", hint: `"." is the current directory`}
	}
	var b strings.Builder
	if strings.HasPrefix(entry, "~") {
		name, rest, _ := strings.Cut(entry[1:], "/")
		if name != "" {
			return "", &mistake{msg: "a home directory of another user: ~" + name, hint: "write its path, or ./~" + name + " for a file of this name"}
		}
		if !filepath.IsAbs(r.home) {
			return "", &mistake{msg: "'~', and HOME is not an absolute path", hint: "set HOME"}
		}
		b.WriteString(quoteGlob(r.home) + "/")
		entry = rest
	}
	for {
		before, after, found := strings.Cut(entry, "$")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, rest := variableName(after)
		if name == "" {
			return "", &mistake{msg: "'$' without the name of a variable", hint: `use "[$]" for the character`}
		}
		value := ""
		if r.getenv != nil {
			value = r.getenv(name)
		}
		if value == "" {
			return "", &mistake{msg: "$" + name + " is not set", unset: true}
		}
		if b.Len() == 0 && !filepath.IsAbs(value) {
			return "", &mistake{msg: "$" + name + " is not an absolute path", unset: true}
		}
		b.WriteString(quoteGlob(value))
		entry = rest
	}
}

func variableName(s string) (name, rest string) {
	if strings.HasPrefix(s, "{") {
		name, rest, ok := strings.Cut(s[1:], "}")
		if !ok || !isName(name) {
			return "", ""
		}
		return name, rest
	}
	end := 0
	for end < len(s) && isName(s[:end+1]) {
		end++
	}
	return s[:end], s[end:]
}

// isName tells a name of a shell variable (POSIX XBD 3.216).
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}

// caretClasses writes [!a] as [^a], which is all that filepath.Match knows.
func caretClasses(s string) string {
	b := []byte(s)
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\':
			i++
		case b[i] == '[' && i+1 < len(b) && b[i+1] == '!':
			b[i+1] = '^'
		}
	}
	return string(b)
}

const globMeta = `*?[\`

// hasMeta tells whether a pattern has a wildcard that no backslash hides.
func hasMeta(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

func quoteGlob(s string) string {
	if !strings.ContainsAny(s, globMeta) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(globMeta, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unquoteGlob(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// checkGlob tells what is wrong with the form of a pattern.
func checkGlob(s string) *mistake {
	for part := range strings.SplitSeq(s, "/") {
		if strings.Contains(part, "**") && part != "**" {
			return &mistake{msg: "'**' beside other characters", hint: "'**' stands for whole directories: **/name"}
		}
		for i := 0; i < len(part); i++ {
			switch part[i] {
			case '\\':
				if i++; i == len(part) {
					return &mistake{msg: "a backslash at the end", hint: `write \\ for the character`}
				}
			case '{', '}':
				return &mistake{msg: "braces in a path", hint: `write one entry each, or \{ for the character`}
			case '[':
				end, m := checkBracket(part, i)
				if m != nil {
					return m
				}
				i = end
			}
		}
	}
	return nil
}

// checkBracket allows what every reader of patterns understands the same way.
func checkBracket(s string, i int) (end int, m *mistake) {
	if end = bracketEnd(s, i); end < 0 {
		return 0, &mistake{msg: "'[' without ']'", hint: `write \[ for the character`}
	}
	set := strings.TrimLeft(s[i+1:end], "!^")
	plain := set != "" && !strings.ContainsAny(set, `[]\!^`) && !strings.HasPrefix(set, "-") && !strings.HasSuffix(set, "-")
	for _, c := range set {
		plain = plain && c > ' ' && c < 0x7f
	}
	if !plain {
		return 0, &mistake{msg: "a character class that is not plain: " + s[i:end+1], hint: "letters, digits and ranges, such as [a-z_]"}
	}
	return end, nil
}

// bracketEnd is where the bracket expression that starts at i ends; -1 if
// nowhere. A ']' that is first, or first after '!', is one of its members.
func bracketEnd(s string, i int) int {
	j := i + 1
	if j < len(s) && (s[j] == '!' || s[j] == '^') {
		j++
	}
	for first := j; j < len(s); j++ {
		if s[j] == ']' && j > first {
			return j
		}
	}
	return -1
}

// Matches tells whether the rule names this absolute, clean path itself.
func (p Path) Matches(path string) bool {
	if p.excepts(path) {
		return false
	}
	if !p.Glob {
		return p.Pattern == path
	}
	return matchPath(split(p.Pattern), split(path), false)
}

// Covers tells whether the rule names this absolute, clean path or a
// directory above it.
func (p Path) Covers(path string) bool {
	if p.excepts(path) {
		return false
	}
	if !p.Glob {
		return within(path, p.Pattern)
	}
	return matchPath(split(p.Pattern), split(path), true)
}

func (p Path) excepts(path string) bool {
	for _, e := range p.Except {
		if within(path, e) {
			return true
		}
	}
	return false
}

// within tells whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir) && path[len(dir)] == '/'
}

func split(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// matchPath matches components; with prefix, the path may go on below what
// the pattern matches. Its time is patterns × components: only the last '**'
// is ever tried again.
func matchPath(pattern, path []string, prefix bool) bool {
	i, j := 0, 0
	star, mark := -1, 0
	for {
		switch {
		case i == len(pattern) && (prefix || j == len(path)):
			return true
		case i < len(pattern) && pattern[i] == "**":
			star, mark = i, j
			i++
			continue
		case i < len(pattern) && j < len(path) && matchName(pattern[i], path[j]):
			i++
			j++
			continue
		}
		if star < 0 || mark >= len(path) {
			return false
		}
		mark++
		i, j = star+1, mark
	}
}

// matchName matches one component. A leading '.' is not special: a rule
// means hidden files too.
func matchName(pattern, name string) bool {
	i, j := 0, 0
	star, mark := -1, 0
	for j < len(name) {
		if i < len(pattern) {
			if pattern[i] == '*' {
				star, mark = i, j
				i++
				continue
			}
			if n, k, ok := matchOne(pattern[i:], name[j:]); ok {
				i += n
				j += k
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		i, j = star+1, mark
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

// matchOne matches the first element of a pattern, of n bytes, to the first k
// bytes of a name.
func matchOne(pattern, name string) (n, k int, ok bool) {
	switch pattern[0] {
	case '?':
		_, k := utf8.DecodeRuneInString(name)
		return 1, k, true
	case '\\':
		if len(pattern) > 1 {
			return 2, 1, pattern[1] == name[0]
		}
	case '[':
		if end := bracketEnd(pattern, 0); end > 0 {
			_, k := utf8.DecodeRuneInString(name)
			return end + 1, k, inBracket(pattern[1:end], name[0])
		}
	}
	return 1, 1, pattern[0] == name[0]
}

// inBracket: members are ASCII, so that the first byte of any other character
// is none of them.
func inBracket(set string, c byte) bool {
	negated := set[0] == '!' || set[0] == '^'
	if negated {
		set = set[1:]
	}
	found := false
	for i := 0; i < len(set); i++ {
		low, high := set[i], set[i]
		if i+2 < len(set) && set[i+1] == '-' {
			high = set[i+2]
			i += 2
		}
		found = found || low <= c && c <= high
	}
	return found != negated
}

// coversPath tells whether everything that inner can name is covered by
// outer. It answers no when that is not certain.
func coversPath(outer, inner Path) bool {
	if len(outer.Except) > 0 {
		return false
	}
	if outer.Glob && outer.Pattern == inner.Pattern {
		return true
	}
	if !inner.Glob {
		return outer.Covers(inner.Pattern)
	}
	// The fixed part above the first wildcard.
	parts := split(inner.Pattern)
	n := fixedParts(parts)
	return outer.Covers("/" + unquoteGlob(strings.Join(parts[:n], "/")))
}
