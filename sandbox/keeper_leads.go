package sandbox

import (
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

// A link where a rule expects a directory takes the rule's path to a place that
// the rule is not about. What is refused there by name could be made first, or
// later, under another.

// leads tells whether a link at path would be on the way to a forbidden name,
// and to which one.
func (r *nameRules) leads(path string) (to string, denied, protected bool) {
	if !r.inOpen(path) {
		return path, false, false
	}
	for i := range r.denied {
		if d := &r.denied[i]; onTheWay(d, path) {
			if to = d.Pattern; d.Glob {
				to = path
			}
			return to, true, false
		}
	}
	_, protected = r.prefixes(path, func(rest string) bool {
		to = path + "/" + rest
		return true
	})
	return to, false, protected
}

// onTheWay tells whether path is a directory that a rule names before it names
// something in it. A whole * names nothing: what a link that it matches leads to
// is for the rule that covers that.
func onTheWay(p *policy.Path, path string) bool {
	if slices.ContainsFunc(p.Except, func(e string) bool { return below(path, e) }) {
		return false
	}
	if !p.Glob {
		return path != p.Pattern && below(p.Pattern, path)
	}
	return begins(strings.Split(p.Pattern, "/")[1:], strings.Split(path, "/")[1:])
}

// begins tells whether the first of a pattern's components match parts, the last
// of them by letters of its own. It goes through parts once, with all places of the
// pattern that may be reached: patterns come with what they are to confine.
func begins(pattern, parts []string) bool {
	type place struct {
		at    int
		named bool
	}
	places := map[place]bool{{}: true}
	for _, part := range parts {
		next := map[place]bool{}
		reached := make([]bool, len(pattern)+1)
		for p := range places {
			reached[p.at] = true
		}
		for i, want := range pattern {
			switch {
			case !reached[i]:
			case want == "**":
				reached[i+1], next[place{i, false}] = true, true
			case (policy.Path{Pattern: "/" + want, Glob: true}).Matches("/" + part):
				next[place{i + 1, strings.Trim(want, "*") != ""}] = true
			}
		}
		places = next
	}
	for p := range places {
		if p.named && p.at < len(pattern) {
			return true
		}
	}
	return false
}

// mayLead: a link may be called so.
func (r *request) mayLead(sp *spot) bool {
	if readOnly(sp.dir) {
		return true
	}
	to, denied, protected := r.s.rules.leads(sp.path())
	return r.verdict(to, denied, protected)
}

// isLinkAt tells whether a name is a link, or may be one.
func isLinkAt(dir int, name string) bool {
	var st unix.Stat_t
	err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK || err != nil && !absent(err)
}

// absent: only these errors of a look say that nothing is there. What cannot be
// looked at may be anything: a process can close its own directory for that time.
func absent(err error) bool { return err == unix.ENOENT || err == unix.ENOTDIR }

// holdsAt tells whether a name is in a directory, or may come to be there
// because a link is on the way to it.
func holdsAt(dir int, rest string) bool {
	for i := 0; i < len(rest); i++ {
		if rest[i] == '/' && isLinkAt(dir, rest[:i]) {
			return true
		}
	}
	return !absent(unix.Fstatat(dir, rest, &unix.Stat_t{}, unix.AT_SYMLINK_NOFOLLOW))
}
