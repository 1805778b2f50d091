package interp

import (
	"bytes"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
