package sandbox

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/text/unicode/norm"

	"github.com/fsh-sh/fsh/policy"
)

// What may not come to be or be changed although it lies in a writable tree:
// protected names that no mask covers, because they are absent or too deep to
// be looked for, and denied paths that do not exist. Masks are the wall for
// what exists; this is the wall for the rest.

// nameRules are the rules of one view.
type nameRules struct {
	v *view
	// first finds the protected names by their first component, folded.
	first  map[string][]*protectedName
	denied []policy.Path
	made   *madeDirs
	late   *latePrivate
}

// protectedName is a relative path that must not come to be.
type protectedName struct {
	parts  []string // folded
	except []string
	rule   string
}

// foldName is equal for names that some file system takes for one: vfat, NTFS
// and case-folding ext4 ignore case, the first two dots and blanks at the end, ext4
// and others what cannot be seen, and how letters are written together.
func foldName(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			s = foldLetters.Replace(strings.Map(foldRune, norm.NFKD.String(s)))
			break
		}
	}
	s = strings.ToLower(strings.TrimRight(s, ". "))
	if s == "git~1" { // its short name there
		return ".git"
	}
	return s
}

// foldLetters are those that are several in another case, or one only in some
// languages: CaseFolding.txt of Unicode, as in fs/unicode of the kernel.
var foldLetters = strings.NewReplacer("ß", "ss", "ı", "i")

// foldRune is the least of the letters that are one but for their case ("k" and
// the sign of Kelvin), in lower case, or nothing for what cannot be seen.
func foldRune(r rune) rune {
	if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
		return -1
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return unicode.ToLower(least)
}

func newNameRules(v *view, made *madeDirs, late *latePrivate) *nameRules {
	r := &nameRules{v: v, first: map[string][]*protectedName{}, made: made, late: late}
	for _, s := range v.plan.Steps {
		switch s.Op {
		case OpProtect:
			n := &protectedName{except: s.Except, rule: s.Rule}
			for _, part := range strings.Split(s.Path, "/") {
				n.parts = append(n.parts, foldName(part))
			}
			r.first[n.parts[0]] = append(r.first[n.parts[0]], n)
		case OpSeal, OpHide:
			if p := (policy.Path{Pattern: s.Path, Glob: s.Glob, Except: s.Except}); r.concerns(p) {
				r.denied = append(r.denied, p)
			}
		}
	}
	for _, m := range v.masks { // where links of the rules lead
		if p := (policy.Path{Pattern: m.path, Except: m.except}); r.concerns(p) && !slices.ContainsFunc(r.denied,
			func(d policy.Path) bool { return !d.Glob && d.Pattern == m.path }) {
			r.denied = append(r.denied, p)
		}
	}
	return r
}

// concerns tells whether a rule can be about something in a writable tree.
func (r *nameRules) concerns(p policy.Path) bool {
	for _, tree := range r.v.open {
		if !p.Glob && (below(p.Pattern, tree) || below(tree, p.Pattern)) || p.Glob && meets(p.Pattern, tree) {
			return true
		}
	}
	return false
}

// meets tells whether a pattern can match something at, below or above dir.
func meets(pattern, dir string) bool {
	a, b := strings.Split(pattern, "/"), strings.Split(strings.TrimSuffix(dir, "/"), "/")
	for i := range min(len(a), len(b)) {
		if a[i] == "**" {
			return true
		}
		if !(policy.Path{Pattern: "/" + a[i], Glob: true}).Matches("/"+b[i]) && a[i] != b[i] {
			return false
		}
	}
	return true
}

// inOpen tells whether a path is in a writable tree of the host.
func (r *nameRules) inOpen(path string) bool {
	in := func(d string) bool { return below(path, d) }
	return slices.ContainsFunc(r.v.open, in) && !slices.ContainsFunc(r.v.private, in) && !r.late.covers(path)
}

// forbids tells whether a path may not come to be, or be changed, and by
// which kind of rule; file says that it is no directory. A path on a mount that is read-only is the kernel's to
// refuse.
func (r *nameRules) forbids(path string, file bool) (denied, protected bool) {
	if !r.inOpen(path) {
		return false, false
	}
	for i := range r.denied {
		if r.denied[i].Covers(path) {
			return true, false
		}
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		for _, n := range r.first[foldName(part)] {
			if n.at(parts[i:]) && !n.excepts(path) && !r.free(parts[:i+n.owned()]) {
				return false, true
			}
		}
		if foldName(part) == ".git" && r.gitOrder(path, parts, i, file) || r.bareOrder(path, parts, i) {
			return false, true
		}
	}
	return false, false
}

// Where git keeps whole repositories below .git, what it takes orders from
// there, and what is only data, whatever its name.
var (
	gitInner  = []string{"modules", "worktrees"}
	gitOrders = []string{"hooks", "config", "config.worktree", "commondir", "gitdir"}
	gitData   = []string{"refs", "logs", "objects"}
)

// gitOrder tells whether a path leads git elsewhere: a .git that is a file or
// a link (a directory git init may make), or the orders of a submodule or a
// worktree. parts[i] is .git.
func (r *nameRules) gitOrder(path string, parts []string, i int, file bool) bool {
	names := r.first[".git"]
	if len(names) == 0 || slices.ContainsFunc(names, func(n *protectedName) bool { return n.excepts(path) }) {
		return false
	}
	if i == len(parts)-1 {
		return file && !r.free(parts[:i])
	}
	if !slices.Contains(gitInner, foldName(parts[i+1])) {
		return false
	}
	for j := i + 3; j < len(parts) && !slices.Contains(gitData, parts[j-1]); j++ {
		if slices.Contains(gitOrders, foldName(parts[j])) && !r.free(parts[:j]) {
			return true
		}
	}
	return false
}

// at tells whether parts begin with the name.
func (n *protectedName) at(parts []string) bool {
	if len(parts) < len(n.parts) {
		return false
	}
	for i, p := range n.parts {
		if foldName(parts[i]) != p {
			return false
		}
	}
	return true
}

// owned is how many of its components have to be the session's own for the
// name to be: a new .git is a new repository, another directory is not.
func (n *protectedName) owned() int {
	if n.parts[0] != ".git" {
		return 0
	}
	return len(n.parts) - 1
}

func (n *protectedName) excepts(path string) bool {
	return slices.ContainsFunc(n.except, func(e string) bool { return below(path, e) })
}

// free tells whether the directory that a protected name is in was made by
// the session itself, as git clone and git init do. The rule is about what
// the user has.
func (r *nameRules) free(dir []string) bool { return r.made.has(strings.Join(dir, "/")) }

// completes tells whether a directory, moved to path, would bring a forbidden
// name with it. has tells what is in the directory.
func (r *nameRules) completes(path string, has func(rest string) bool) (denied, protected bool) {
	if !r.inOpen(path) {
		return false, false
	}
	for _, d := range r.denied {
		if rest, below := strings.CutPrefix(d.Pattern, path+"/"); !d.Glob && below && has(rest) {
			return true, false
		}
	}
	return r.prefixes(path, has)
}

// prefixes is completes for protected names.
func (r *nameRules) prefixes(path string, has func(rest string) bool) (denied, protected bool) {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		for _, n := range r.first[foldName(part)] {
			here := len(parts) - i
			if here >= len(n.parts) || !slices.EqualFunc(parts[i:], n.parts[:here],
				func(a, b string) bool { return foldName(a) == b }) {
				continue
			}
			if has(strings.Join(n.parts[here:], "/")) && !n.excepts(path) && !r.free(parts[:i]) {
				return false, true
			}
		}
	}
	return false, false
}

// patterns tells whether a denial with wildcards could tell from and to apart.
func (r *nameRules) patterns(from, to string) []policy.Path {
	var list []policy.Path
	for _, d := range r.denied {
		if !d.Glob || !meets(d.Pattern, to) {
			continue
		}
		base, _, any := strings.Cut(d.Pattern, "/**/")
		if any && !strings.ContainsAny(base, `*?[\`) && below(from, base) && below(to, base) {
			continue // whatever it matches below to it matched below from
		}
		list = append(list, d)
	}
	return list
}

// madeDirs are the directories that a session made, and the repositories
// among them, for the report at the end.
type madeDirs struct {
	mu    sync.Mutex
	dirs  map[dirKey]struct{}
	repos map[string]bool
	// beyond is a repository that there was no room for.
	beyond string
	// sockets are those that the session bound to a path.
	sockets map[dirKey]struct{}
	// serial makes look and deed one, for all views of the session: what a path
	// is called is found after it was taken.
	serial sync.Mutex
}

// dirKey is a directory whatever its name. The time of birth tells it from a
// later one with the same number.
type dirKey struct{ dev, ino, born uint64 }

// Limits of what is remembered; a directory beyond counts as the user's.
const (
	maxMadeDirs  = 300_000
	maxMadeRepos = 1000
	// maxMadeSockets: one beyond counts as the host's.
	maxMadeSockets = 100_000
)

func newMadeDirs() *madeDirs {
	return &madeDirs{dirs: map[dirKey]struct{}{}, repos: map[string]bool{}, sockets: map[dirKey]struct{}{}}
}

func keyOf(at int, path string) (dirKey, bool) {
	return keyBy(at, path, unix.AT_SYMLINK_NOFOLLOW)
}

func keyOfHeld(fd int) (dirKey, bool) { return keyBy(fd, "", unix.AT_EMPTY_PATH) }

func keyBy(at int, path string, flags int) (dirKey, bool) {
	var st unix.Statx_t
	if unix.Statx(at, path, flags, unix.STATX_INO|unix.STATX_BTIME, &st) != nil {
		return dirKey{}, false
	}
	return dirKey{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino, uint64(st.Btime.Sec)*1e9 + uint64(st.Btime.Nsec)}, true
}

func (m *madeDirs) add(at int, name string) {
	key, ok := keyOf(at, name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if ok && len(m.dirs) < maxMadeDirs {
		m.dirs[key] = struct{}{}
	}
}

// has tells whether the directory was made by the session.
func (m *madeDirs) has(dir string) bool {
	if dir == "" {
		dir = "/"
	}
	key, ok := keyOf(unix.AT_FDCWD, dir)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, own := m.dirs[key]
	return own && ok
}

// repo notes a directory in which git will look for orders.
func (m *madeDirs) repo(path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.repos) >= maxMadeRepos && m.beyond == "" {
		maps.DeleteFunc(m.repos, func(path string, _ bool) bool {
			return unix.Lstat(path, &unix.Stat_t{}) == unix.ENOENT
		})
	}
	if len(m.repos) < maxMadeRepos {
		m.repos[path] = true
	} else if m.beyond == "" {
		m.beyond = path
	}
}

// moved follows repositories that were in a directory to where it is now.
func (m *madeDirs) moved(from, to string, exchanged bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := func(path string) string {
		switch {
		case below(path, from):
			return to + path[len(from):]
		case exchanged && below(path, to):
			return from + path[len(to):]
		}
		return path
	}
	m.beyond = now(m.beyond)
	var gone, come []string
	for path := range m.repos {
		if at := now(path); at != path {
			gone, come = append(gone, path), append(come, at)
		}
	}
	for _, path := range gone {
		delete(m.repos, path)
	}
	for _, path := range come {
		m.repos[path] = true
	}
}
