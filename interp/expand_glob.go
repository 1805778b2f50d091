package interp

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/fsh-sh/fsh/interp/pattern"
)

// Pathname expansion (XCU 2.6.6, 2.14.3). Every directory is opened once
// through the System, whose rules thereby apply, and read in this process.

const (
	// maxGlobDepth bounds how deep ** descends.
	maxGlobDepth = 256
	// maxGlobNames bounds the result of one expansion, as the shell has to
	// hold all of it.
	maxGlobNames = 1 << 22
)

func (sh *shell) globFlags() (flags pattern.Flags) {
	if sh.shopts.on(shoptExtglob) {
		flags |= pattern.Extglob
	}
	if sh.shopts.on(shoptNocaseglob) {
		flags |= pattern.NoCase
	}
	return flags
}

// glob appends the path names that match the pattern src, sorted, or text,
// the field itself, when there are none.
func (sh *shell) glob(dst []string, src, text string) ([]string, error) {
	g := globber{sh: sh, flags: sh.globFlags()}
	if sh.multibyte() {
		g.flags |= pattern.UTF8
	}
	g.parts = g.components(src)
	ignore := ""
	if sh.rt.bash {
		ignore = sh.getOr("GLOBIGNORE", "")
	}
	g.dots = sh.shopts.on(shoptDotglob)
	g.dotDot = !sh.shopts.on(shoptGlobskipdots)
	root := ""
	if strings.HasPrefix(src, "/") {
		root = src[:len(src)-len(strings.TrimLeft(src, "/"))]
	}
	g.paths = dst
	g.expand([]string{root}, 0)
	if ignore != "" {
		g.paths = append(dst, sh.notIgnored(ignore, g.paths[len(dst):])...)
	}
	found := g.paths[len(dst):]
	switch {
	case g.interrupted:
		return dst, errInterrupted
	case len(found) > 0:
		slices.Sort(found)
		return g.paths, nil
	case sh.shopts.on(shoptFailglob):
		return dst, &nameError{"no match", text}
	case sh.shopts.on(shoptNullglob):
		return dst, nil
	}
	return append(dst, text), nil
}

// notIgnored drops what bash's GLOBIGNORE matches.
func (sh *shell) notIgnored(list string, names []string) []string {
	var ignore []*pattern.Pattern
	for _, src := range splitPatterns(list) {
		ignore = append(ignore, pattern.Compile(src, sh.globFlags()))
	}
	kept := names[:0]
	for _, name := range names {
		if !slices.ContainsFunc(ignore, func(p *pattern.Pattern) bool { return p.Match(name) }) {
			kept = append(kept, name)
		}
	}
	return kept
}

// splitPatterns splits at colons that are not in brackets or groups.
func splitPatterns(list string) (parts []string) {
	start, depth := 0, 0
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '\\':
			i++
		case '[':
			if n := bracketEnd(list[i:]); n > 0 {
				i += n - 1
			}
		case '(':
			depth++
		case ')':
			depth--
		case ':':
			if depth <= 0 {
				parts = append(parts, list[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, list[start:])
}

// bracketEnd is the length of the bracket expression at the start of s; 0: none.
func bracketEnd(s string) int {
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i++
	}
	for first := i; i < len(s); i++ {
		switch {
		case s[i] == ']' && i > first:
			return i + 1
		case s[i] == '\\':
			i++
		case s[i] == '[' && i+1 < len(s) && strings.IndexByte(":.=", s[i+1]) >= 0:
			if n := strings.Index(s[i+2:], s[i+1:i+2]+"]"); n >= 0 {
				i += n + 3
			}
		}
	}
	return 0
}

type globber struct {
	sh          *shell
	flags       pattern.Flags
	dots        bool // dotglob, or GLOBIGNORE is set
	dotDot      bool // globskipdots is off
	parts       []globPart
	paths       []string
	interrupted bool
	block       []byte // see path
	buf         []byte // of read
}

// globPart is the pattern of one component of a path.
type globPart struct {
	literal string // if pat and deep are not set
	pat     *pattern.Pattern
	deep    bool   // ** of globstar
	bare    bool   // deep and last: the directory it starts in has no slash
	slashes string // that follow
}

func (g *globber) components(src string) []globPart {
	src = strings.TrimLeft(src, "/")
	var parts []globPart
	for src != "" {
		n := strings.IndexByte(src, '/')
		if n < 0 {
			n = len(src)
		}
		text := src[:n]
		rest := strings.TrimLeft(src[n:], "/")
		p := globPart{slashes: src[n : len(src)-len(rest)]}
		// A backslash before the slash quotes nothing that matters.
		text = strings.TrimSuffix(text, oddBackslash(text))
		switch {
		case text == "**" && g.sh.shopts.on(shoptGlobstar):
			p.deep = true
			p.bare = slices.ContainsFunc(parts, func(q globPart) bool { return q.deep || q.pat != nil })
			if n := len(parts); n > 0 && parts[n-1].deep {
				parts = parts[:n-1] // a second one finds nothing else
			}
		case pattern.HasMeta(text, g.flags):
			p.pat = pattern.Compile(text, g.flags)
		default:
			p.literal = unescapePattern(text)
		}
		parts = append(parts, p)
		src = rest
	}
	return parts
}

// oddBackslash is a backslash at the end of s that quotes what follows.
func oddBackslash(s string) string {
	n := len(s) - len(strings.TrimRight(s, `\`))
	if n%2 == 1 {
		return `\`
	}
	return ""
}

func unescapePattern(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// expand goes on from the directories dirs, each "" or ending in a slash,
// with the components from i on. It recurses once per component.
func (g *globber) expand(dirs []string, i int) {
	for ; i < len(g.parts); i++ {
		p := &g.parts[i]
		last := i+1 == len(g.parts)
		if p.pat == nil && !p.deep {
			if last {
				g.paths = append(g.paths, g.existing(dirs, p)...)
				return
			}
			for k := range dirs {
				dirs[k] += p.literal + p.slashes
			}
			if g.parts[i+1].deep { // which has what it starts from
				dirs = g.existing(dirs, &globPart{})
			}
			continue
		}
		next := g.below(dirs, p, last)
		if g.interrupted || len(next)+len(g.paths) > maxGlobNames {
			return
		}
		if last {
			g.paths = append(g.paths, next...)
			return
		}
		dirs = next
	}
}

// globBatch is how many directories are asked for at once.
const globBatch = 512

// accepts: a leading dot has to be matched by one unless dotglob is set, and
// those of . and .. always.
func (g *globber) accepts(p *pattern.Pattern, name string) bool {
	if name[0] == '.' && (!g.dots || name == "." || name == "..") {
		return p.MatchDot(name)
	}
	return p.Match(name)
}

// path joins the parts of a path in memory that many paths share.
func (g *globber) path(dir, name, slashes string) string {
	const block = 4096
	n := len(dir) + len(name) + len(slashes)
	if cap(g.block)-len(g.block) < n {
		g.block = make([]byte, 0, max(n, block))
	}
	at := len(g.block)
	g.block = append(append(append(g.block, dir...), name...), slashes...)
	return unsafe.String(&g.block[at], n) // never written again
}

// direntBuffer is what one getdents64(2) may return.
const direntBuffer = 32 << 10
