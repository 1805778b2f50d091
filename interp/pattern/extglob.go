package pattern

import "math/bits"

// Extended patterns are matched by carrying the set of all positions that a
// part can end at, from left to right or from right to left. Nothing is tried
// twice from the same position, so hostile patterns cost polynomial time.

type direction bool

const (
	forward  direction = false
	backward direction = true
)

// posSet is a set of positions in the subject.
type posSet []uint64

func (b posSet) has(i int) bool { return b[i>>6]>>(i&63)&1 != 0 }
func (b posSet) put(i int)      { b[i>>6] |= 1 << (i & 63) }

func (b posSet) min() int {
	for i, w := range b {
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

func (b posSet) max() int {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0 {
			return i<<6 + bits.Len64(b[i]) - 1
		}
	}
	return -1
}

// merge adds o and reports whether that changed anything.
func (b posSet) merge(o posSet) bool {
	changed := false
	for i, w := range o {
		if w&^b[i] != 0 {
			changed = true
			b[i] |= w
		}
	}
	return changed
}

func (b posSet) each(do func(int)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			do(i<<6 + bits.TrailingZeros64(w))
		}
	}
}

func (b posSet) clone() posSet { return append(posSet(nil), b...) }

type matcher struct {
	p *Pattern
	s string
	// dot is set if only a dot of the pattern matches the first character.
	dot bool
	// memo remembers what a group inside of !(…) can reach from a position:
	// the enclosing group asks for every position on its own.
	memo map[memoKey]posSet
}

// maxMemo bounds the memory of memo, in words.
const maxMemo = 1 << 21

type memoKey struct {
	g  *group
	at int
}

func (m *matcher) empty() posSet { return make(posSet, len(m.s)>>6+1) }

func (m *matcher) single(i int) posSet {
	b := m.empty()
	b.put(i)
	return b
}

// from returns all character boundaries at or after i.
func (m *matcher) from(i int) posSet {
	b := m.empty()
	for i < len(m.s) {
		b.put(i)
		_, n := next(m.s, i, m.p.flags)
		i += n
	}
	b.put(len(m.s))
	return b
}

// upTo returns all character boundaries at or before i.
func (m *matcher) upTo(i int) posSet {
	b := m.empty()
	for i > 0 {
		b.put(i)
		_, n := prev(m.s, i, m.p.flags)
		i -= n
	}
	b.put(0)
	return b
}

// reach returns everything that a star can reach from at.
func (m *matcher) reach(at posSet, d direction) posSet {
	i := at.first(d)
	switch {
	case i < 0:
		return m.empty()
	case m.dot && i == 0:
		out := at.clone()
		out[0] &^= 1
		out = m.reach(out, d)
		out.put(0)
		return out
	case d == forward:
		return m.from(i)
	}
	return m.upTo(i)
}

// run returns where the alternatives can end when started at any of at.
func (m *matcher) run(a *alternatives, at posSet, d direction) posSet {
	if len(a.seqs) == 1 {
		return m.sequence(a.seqs[0], at, d)
	}
	out := m.empty()
	for _, seq := range a.seqs {
		out.merge(m.sequence(seq, at, d))
	}
	return out
}

func (m *matcher) sequence(seq []item, at posSet, d direction) posSet {
	at = at.clone()
	for k := range seq {
		it := &seq[k]
		if d == backward {
			it = &seq[len(seq)-1-k]
		}
		switch {
		case it.star:
			at = m.reach(at, d)
		case it.group != nil:
			at = m.group(it.group, at, d)
		default:
			at = m.step(&it.elem, at, d)
		}
		if at.min() < 0 {
			break
		}
	}
	return at
}

func (m *matcher) step(e *elem, at posSet, d direction) posSet {
	out := m.empty()
	f := m.p.flags
	at.each(func(i int) {
		if d == forward && i < len(m.s) && !(m.dot && i == 0 && !e.isDot()) {
			if r, n := next(m.s, i, f); e.matches(r, f) {
				out.put(i + n)
			}
		}
		if d == backward && i > 0 {
			if r, n := prev(m.s, i, f); e.matches(r, f) {
				out.put(i - n)
			}
		}
	})
	return out
}

func (m *matcher) group(g *group, at posSet, d direction) posSet {
	switch g.op {
	case '@':
		return m.run(g.alts, at, d)
	case '?':
		out := m.run(g.alts, at, d)
		out.merge(at)
		return out
	case '!':
		return m.negation(g, at, d)
	}
	if g.singles() {
		return m.runOf(g, at, d)
	}
	// * and +: repeat until nothing new is reached. Only new positions are
	// started from, and every round but the last finds one.
	out := m.empty()
	if g.op == '*' {
		out.merge(at)
	}
	todo := at
	seen := at.clone()
	for {
		got := m.run(g.alts, todo, d)
		out.merge(got)
		fresh := got
		for i := range fresh {
			fresh[i] &^= seen[i]
		}
		if fresh.min() < 0 {
			return out
		}
		seen.merge(fresh)
		todo = fresh
	}
}

// singles reports whether every alternative is exactly one character.
func (g *group) singles() bool {
	for _, seq := range g.alts.seqs {
		if len(seq) != 1 || seq[0].star || seq[0].group != nil {
			return false
		}
	}
	return true
}

// runOf handles the repetition of single characters in one pass over the
// subject.
func (m *matcher) runOf(g *group, at posSet, d direction) posSet {
	seen, out := at.clone(), m.empty()
	if g.op == '*' {
		out.merge(at)
	}
	f := m.p.flags
	for i := at.first(d); i >= 0; {
		var r rune
		var n int
		if d == forward && i < len(m.s) {
			r, n = next(m.s, i, f)
		} else if d == backward && i > 0 {
			r, n = prev(m.s, i, f)
			n = -n
		} else {
			break
		}
		if seen.has(i) && !(m.dot && i == 0 && !g.hasDot()) && g.any(r, f) {
			seen.put(i + n)
			out.put(i + n)
		}
		i += n
	}
	return out
}

// any reports whether one of the single characters of g is r.
func (g *group) any(r rune, f Flags) bool {
	for _, seq := range g.alts.seqs {
		if seq[0].matches(r, f) {
			return true
		}
	}
	return false
}

// hasDot reports whether one of the single characters of g is a dot.
func (g *group) hasDot() bool {
	for _, seq := range g.alts.seqs {
		if seq[0].isDot() {
			return true
		}
	}
	return false
}

func (b posSet) first(d direction) int {
	if d == forward {
		return b.min()
	}
	return b.max()
}

// negation handles !(…): from each start, everything is reached that the
// alternatives do not reach from it.
func (m *matcher) negation(g *group, at posSet, d direction) posSet {
	out := m.empty()
	at.each(func(i int) {
		if m.dot && i == 0 {
			return
		}
		key := memoKey{g, i}
		if got, ok := m.memo[key]; ok {
			out.merge(got)
			return
		}
		all := m.reach(m.single(i), d)
		for k, w := range m.run(g.alts, m.single(i), d) {
			all[k] &^= w
		}
		out.merge(all)
		if g.nested && len(m.memo)*len(all) < maxMemo {
			if m.memo == nil {
				m.memo = make(map[memoKey]posSet)
			}
			m.memo[key] = all
		}
	})
	return out
}
