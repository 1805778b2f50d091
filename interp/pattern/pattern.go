// Package pattern implements the shell's pattern matching notation (XCU 2.14)
// on byte strings: *, ?, bracket expressions, backslash escapes and, when
// asked for, ksh's extended patterns ?(a|b) *(…) +(…) @(…) !(…).
//
// Every string is a valid pattern: what cannot be a bracket expression or a
// group stands for itself, as the standard demands. Matching takes time
// proportional to len(pattern)·len(subject) without extended patterns and
// polynomial time with them; no pattern makes it exponential.
package pattern

import "strings"

// Flags select the dialect of a pattern.
type Flags uint8

const (
	// UTF8 makes ? and bracket expressions match characters; a byte that is
	// not part of a valid encoding is a character of its own.
	UTF8 Flags = 1 << iota
	// Extglob enables the extended patterns.
	Extglob
	// NoCase ignores case.
	NoCase
)

// Pattern is a compiled pattern. It is immutable.
type Pattern struct {
	flags Flags
	// segs are the parts between stars; the first is anchored at the start,
	// the last at the end. One segment means that there is no star.
	segs []segment
	// ext is set instead of segs when the pattern contains groups.
	ext *alternatives
}

// Match reports whether the pattern matches all of s.
func (p *Pattern) Match(s string) bool {
	if p.ext != nil {
		m := matcher{p: p, s: s}
		return m.run(p.ext, m.single(0), forward).has(len(s))
	}
	first, last := &p.segs[0], &p.segs[len(p.segs)-1]
	at, ok := first.matchAt(s, 0, p.flags)
	if !ok {
		return false
	}
	if first == last {
		return at == len(s)
	}
	end, ok := last.matchBack(s, len(s), p.flags)
	if !ok || end < at {
		return false
	}
	at, ok = p.middle(s[:end], at)
	return ok && at <= end
}

// MatchDot is Match for a file name whose leading dot has to be matched by a
// dot of the pattern (XCU 2.14.3), in extended patterns by one of a group.
func (p *Pattern) MatchDot(s string) bool {
	if p.ext != nil {
		m := matcher{p: p, s: s, dot: true}
		return m.run(p.ext, m.single(0), forward).has(len(s))
	}
	first := &p.segs[0]
	if first.elems != nil && first.elems[0].isDot() || strings.HasPrefix(first.lit, ".") {
		return p.Match(s)
	}
	return false
}

func (e *elem) isDot() bool { return !e.any && e.set == nil && e.c == '.' }

// middle finds the segments between the first and the last one as far left
// as possible.
func (p *Pattern) middle(s string, at int) (int, bool) {
	for i := 1; i < len(p.segs)-1; i++ {
		_, end := p.segs[i].first(s, at, p.flags)
		if end < 0 {
			return 0, false
		}
		at = end
	}
	return at, true
}

// Prefix returns the length of the shortest or longest prefix of s that the
// pattern matches, -1 if there is none.
func (p *Pattern) Prefix(s string, longest bool) int {
	if p.ext != nil {
		m := matcher{p: p, s: s}
		ends := m.run(p.ext, m.single(0), forward)
		if longest {
			return ends.max()
		}
		return ends.min()
	}
	at, ok := p.segs[0].matchAt(s, 0, p.flags)
	if !ok {
		return -1
	}
	return p.tail(s, at, longest)
}

// tail returns the end of a match whose first segment ended at at.
func (p *Pattern) tail(s string, at int, longest bool) int {
	if len(p.segs) == 1 {
		return at
	}
	at, ok := p.middle(s, at)
	if !ok {
		return -1
	}
	last := &p.segs[len(p.segs)-1]
	if longest {
		_, end := last.last(s, at, p.flags)
		return end
	}
	_, end := last.first(s, at, p.flags)
	return end
}

// Suffix returns where the shortest or longest suffix of s that the pattern
// matches starts, -1 if there is none.
func (p *Pattern) Suffix(s string, longest bool) int {
	if p.ext != nil {
		m := matcher{p: p, s: s}
		starts := m.run(p.ext, m.single(len(s)), backward)
		if longest {
			return starts.min()
		}
		return starts.max()
	}
	n := len(p.segs) - 1
	at, ok := p.segs[n].matchBack(s, len(s), p.flags)
	if !ok {
		return -1
	}
	if n == 0 {
		return at
	}
	for i := n - 1; i > 0; i-- {
		if at, _ = p.segs[i].last(s[:at], 0, p.flags); at < 0 {
			return -1
		}
	}
	if longest {
		start, _ := p.segs[0].first(s[:at], 0, p.flags)
		return start
	}
	start, _ := p.segs[0].last(s[:at], 0, p.flags)
	return start
}

// Find returns the leftmost match at or after from, and of these the longest;
// -1, -1 if there is none. from must be the start of a character.
func (p *Pattern) Find(s string, from int) (start, end int) {
	if p.ext != nil {
		return p.findExt(s, from)
	}
	start, at := p.segs[0].first(s, from, p.flags)
	if start < 0 {
		return -1, -1
	}
	// A failure here is final: a later start leaves less room for the rest.
	if end = p.tail(s, at, true); end < 0 {
		return -1, -1
	}
	return start, end
}

func (p *Pattern) findExt(s string, from int) (start, end int) {
	m := matcher{p: p, s: s[from:]}
	all := m.from(0)
	start = m.run(p.ext, all, backward).min()
	if start < 0 {
		return -1, -1
	}
	m.memo = nil // it holds for one direction
	end = m.run(p.ext, m.single(start), forward).max()
	if end < 0 {
		return -1, -1
	}
	return from + start, from + end
}

// Literal returns the only string that the pattern matches, if there is only
// one.
func (p *Pattern) Literal() (string, bool) {
	if p.ext != nil || len(p.segs) != 1 || p.segs[0].elems != nil {
		return "", false
	}
	return p.segs[0].lit, true
}

// Quote appends s to dst so that as a pattern it matches only itself.
func Quote(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if special(s[i]) {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return dst
}

// special reports whether c can mean something else than itself anywhere in a
// pattern, bracket expressions and groups included.
func special(c byte) bool {
	switch c {
	case '*', '?', '[', ']', '\\', '-', '!', '^', ':', '.', '=', '(', ')', '|', '@', '+':
		return true
	}
	return false
}

// HasMeta reports whether src may match anything else than one string. It may
// err on the side of true.
func HasMeta(src string, flags Flags) bool {
	closer := strings.LastIndexByte(src, ']')
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '*', '?':
			return true
		case '[':
			// Without a closing bracket it is itself: the command `[` must
			// not read the working directory.
			if closer > i+1 {
				return true
			}
		case '\\':
			i++
		case '@', '!', '+':
			if flags&Extglob != 0 && i+1 < len(src) && src[i+1] == '(' {
				return true
			}
		}
	}
	return false
}
