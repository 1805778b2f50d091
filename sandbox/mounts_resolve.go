package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// A resolver answers questions about the host's tree while a view is being
// planned: over a thousand rules share a few directories, so what was asked
// once is kept. It is used in the base namespace only, for one view.
type resolver struct {
	real map[string]resolved
	list map[string][]os.DirEntry
}

// resolved is where a path leads.
type resolved struct {
	path  string // without symbolic links, as far as the path exists
	found bool
	dir   bool
}

func newResolver() *resolver {
	return &resolver{real: map[string]resolved{"/": {"/", true, true}}, list: map[string][]os.DirEntry{}}
}

// look follows symbolic links as far as the path exists.
func (r *resolver) look(path string) resolved {
	if got, ok := r.real[path]; ok {
		return got
	}
	if !filepath.IsAbs(path) { // an absolute one ends at the root
		return resolved{path: path}
	}
	parent := r.look(filepath.Dir(path))
	got := resolved{path: filepath.Join(parent.path, filepath.Base(path))}
	if parent.found && parent.dir {
		if st, err := os.Lstat(got.path); err == nil {
			got.found, got.dir = true, st.IsDir()
			if st.Mode()&os.ModeSymlink != 0 {
				got = r.follow(got)
			}
		}
	}
	r.real[path] = got
	return got
}

// follow is where a link leads; a dangling one leads to itself.
func (r *resolver) follow(link resolved) resolved {
	real, err := filepath.EvalSymlinks(link.path)
	if err != nil {
		return resolved{path: link.path, found: true}
	}
	st, err := os.Lstat(real)
	return resolved{path: real, found: err == nil, dir: err == nil && st.IsDir()}
}

// readDir lists a directory; one that cannot be read is empty.
func (r *resolver) readDir(dir string, keep bool) []os.DirEntry {
	if entries, ok := r.list[dir]; ok {
		return entries
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		entries = nil
	}
	if keep {
		r.list[dir] = entries
	}
	return entries
}

// Limits of expanding a pattern: past them the rule is an error, never
// ignored in part.
const (
	maxMatches   = 4096
	maxDirsRead  = 200_000
	maxGlobDepth = 64
)

var errTooMany = errors.New("the pattern matches too much of the file system")

// expander finds what a pattern means right now.
type expander struct {
	r       *resolver
	reads   int
	matches []string
}

// expand gives the existing paths that match a pattern of policy.Path.
func (r *resolver) expand(pattern string) ([]string, error) {
	e := &expander{r: r}
	parts := strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	err := e.walk("/", parts, 0)
	return e.matches, err
}

func (e *expander) walk(dir string, parts []string, depth int) error {
	if len(parts) == 0 {
		if len(e.matches) >= maxMatches {
			return errTooMany
		}
		e.matches = append(e.matches, dir)
		return nil
	}
	head, rest := parts[0], parts[1:]
	if head == "**" {
		if err := e.walk(dir, rest, depth); err != nil {
			return err
		}
		return e.each(dir, false, func(name string, isDir bool) error {
			if !isDir || depth >= maxGlobDepth {
				return nil
			}
			return e.walk(filepath.Join(dir, name), parts, depth+1)
		})
	}
	if !strings.ContainsAny(head, "*?[\\") {
		path := filepath.Join(dir, head)
		if !e.r.look(path).found {
			return nil // absent, or out of our own reach: then nobody inside reaches it
		}
		return e.walk(path, rest, depth)
	}
	return e.each(dir, depth == 0, func(name string, _ bool) error {
		ok, err := filepath.Match(head, name)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		return e.walk(filepath.Join(dir, name), rest, depth)
	})
}

func (e *expander) each(dir string, keep bool, f func(name string, isDir bool) error) error {
	if e.reads++; e.reads > maxDirsRead {
		return errTooMany
	}
	for _, ent := range e.r.readDir(dir, keep) {
		if err := f(ent.Name(), ent.IsDir()); err != nil {
			return err
		}
	}
	return nil
}
