package interp

import (
	"bytes"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"github.com/fsh-sh/fsh/interp/pattern"
	"golang.org/x/sys/unix"
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

// below are the paths that a component with a pattern makes of dirs.
func (g *globber) below(dirs []string, p *globPart, last bool) (next []string) {
	if p.deep {
		for _, dir := range dirs {
			if next = g.descend(next, dir, last, p); g.interrupted {
				return nil
			}
		}
		return next
	}
	for len(dirs) > 0 && len(next)+len(g.paths) <= maxGlobNames {
		some := dirs[:min(len(dirs), globBatch)]
		dirs = dirs[len(some):]
		texts := g.texts(some)
		for i, dir := range some {
			next = g.match(next, dir, texts[i], p, last)
		}
		if g.sh.attn.pending.Load()&attnCancel != 0 {
			g.interrupted = true
			return nil
		}
	}
	return next
}

// globBatch is how many directories are asked for at once.
const globBatch = 128

// texts are what the System has read of several directories; of one alone
// it is nothing, which may be a large one.
func (g *globber) texts(dirs []string) [][]byte {
	if len(dirs) == 1 {
		return make([][]byte, 1)
	}
	names := make([]string, len(dirs))
	for i, dir := range dirs {
		names[i] = openable(dir)
	}
	return g.sh.rt.sys.ReadDirs(g.sh.dir, names)
}

func openable(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// existing returns those of dirs, with a literal component, that exist.
func (g *globber) existing(dirs []string, p *globPart) (found []string) {
	paths := make([]string, len(dirs))
	for i, d := range dirs {
		paths[i] = d + p.literal + p.slashes
	}
	if len(paths) == 0 {
		return nil
	}
	_, errs := g.sh.rt.sys.StatAll(g.sh.dir, paths)
	for i, path := range paths {
		if errs[i] != nil {
			// A symbolic link to nothing exists, too.
			var st syscall.Stat_t
			if p.slashes != "" || g.sh.rt.sys.Stat(g.sh.dir, path, true, &st) != nil {
				continue
			}
		}
		found = append(found, path)
	}
	return found
}

// match appends the entries of dir that match, with the slashes that follow.
// If there are any, only directories count. text is what is known of dir.
func (g *globber) match(dst []string, dir string, text []byte, p *globPart, last bool) []string {
	var unsure []string
	g.each(dir, text, func(name string, kind uint8) {
		if !g.accepts(p.pat, name) {
			return
		}
		if p.slashes != "" && kind != unix.DT_DIR {
			if kind == unix.DT_LNK || kind == unix.DT_UNKNOWN {
				path := g.path(dir, name, p.slashes)
				if last {
					unsure = append(unsure, path)
				} else {
					dst = append(dst, path) // opening it will tell
				}
			}
			return
		}
		dst = append(dst, g.path(dir, name, p.slashes))
	})
	return g.directories(dst, unsure)
}

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

// descend appends dir and all directories below it, for **. Symbolic links
// are not followed. As the last component ** stands for all entries, too, and
// **/ for links to directories.
func (g *globber) descend(dst []string, dir string, last bool, p *globPart) []string {
	files := last && p.slashes == ""
	var links []string
	type level struct {
		path  string
		depth int
	}
	todo := []level{{dir, 0}}
	for len(todo) > 0 && !g.interrupted && len(dst) < maxGlobNames {
		some := append([]level(nil), todo[max(0, len(todo)-globBatch):]...)
		todo = todo[:len(todo)-len(some)]
		names := make([]string, len(some))
		for i, at := range some {
			names[i] = at.path
		}
		texts := g.texts(names)
		for i, at := range some {
			switch {
			case at.path == "" && last, at.depth > 0 && files:
			case files && p.bare:
				dst = append(dst, strings.TrimRight(at.path, "/"))
			default:
				dst = append(dst, at.path)
			}
			g.read(at.path, texts[i], func(name string, kind uint8) {
				if name[0] == '.' && !g.dots {
					return
				}
				path := g.path(at.path, name, "/")
				bare := path[:len(path)-1]
				if kind == unix.DT_UNKNOWN {
					kind = g.kind(bare)
				}
				if files {
					dst = append(dst, bare)
				}
				if kind == unix.DT_LNK && last && !files {
					links = append(links, path)
				}
				if kind == unix.DT_DIR && at.depth < maxGlobDepth {
					todo = append(todo, level{path, at.depth + 1})
				}
			})
		}
		g.interrupted = g.sh.attn.pending.Load()&attnCancel != 0
	}
	return g.directories(dst, links)
}

// directories appends those paths, which end in a slash, that exist.
func (g *globber) directories(dst, paths []string) []string {
	if len(paths) == 0 {
		return dst
	}
	_, errs := g.sh.rt.sys.StatAll(g.sh.dir, paths)
	for i, path := range paths {
		if errs[i] == nil {
			dst = append(dst, path)
		}
	}
	return dst
}

func (g *globber) kind(path string) uint8 {
	var st syscall.Stat_t
	if g.sh.rt.sys.Stat(g.sh.dir, path, true, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR {
		return unix.DT_DIR
	}
	return unix.DT_REG
}

// direntBuffer is what one getdents64(2) may return.
const direntBuffer = 32 << 10

// each is read with . and .. if patterns can match them.
func (g *globber) each(dir string, text []byte, visit func(name string, kind uint8)) {
	if g.dotDot {
		visit(".", unix.DT_DIR)
		visit("..", unix.DT_DIR)
	}
	g.read(dir, text, visit)
}

// read calls visit for the entries of a directory but . and .., in no order;
// the name is valid only meanwhile. A directory that cannot be read has none.
func (g *globber) read(dir string, text []byte, visit func(name string, kind uint8)) {
	if text != nil {
		dirents(text, func(name string, kind uint8) {
			if strings.IndexByte(name, '/') < 0 { // the System may be lied to
				visit(name, kind)
			}
		})
		return
	}
	fd, err := g.sh.rt.sys.Open(&OpenRequest{
		Dir: g.sh.dir, Path: openable(dir),
		Flags: syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NONBLOCK,
		Where: Where{File: g.sh.file, Line: g.sh.line, Name: "*"},
	})
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	if g.buf == nil {
		g.buf = make([]byte, direntBuffer)
	}
	for {
		n, err := unix.ReadDirent(fd, g.buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
		dirents(g.buf[:n], visit)
	}
}

// dirents calls visit for entries as getdents64(2) returns them.
func dirents(b []byte, visit func(name string, kind uint8)) {
	for len(b) > 0 {
		name, kind, size := dirent(b)
		if size == 0 {
			return
		}
		if name != "." && name != ".." && name != "" {
			visit(name, kind)
		}
		b = b[size:]
	}
}

// dirent decodes a struct linux_dirent64 (getdents(2)): inode and offset of
// 8 bytes each, the length of the entry, its type, its name with a NUL. The
// name is in b.
func dirent(b []byte) (name string, kind uint8, size int) {
	const header = 19
	if len(b) < header {
		return "", 0, 0
	}
	size = int(b[16]) | int(b[17])<<8
	if size < header || size > len(b) {
		return "", 0, 0
	}
	text := b[header:size]
	n := bytes.IndexByte(text, 0)
	if n < 0 {
		n = len(text)
	}
	if n == 0 {
		return "", b[18], size
	}
	return unsafe.String(&text[0], n), b[18], size
}
