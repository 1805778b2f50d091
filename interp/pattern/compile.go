package pattern

import "strings"

const (
	// maxNesting bounds the nesting of groups, deeper ones stand for
	// themselves: parser and matcher recurse.
	maxNesting = 64
	// maxFailed bounds the number of '[' that turned out not to open a
	// bracket expression; each cost a look at the rest of the pattern.
	maxFailed = 32
	// maxName bounds the name inside [: :], [. .] and [= =].
	maxName = 32
)

type parser struct {
	src     string
	flags   Flags
	closers map[int]int // index of a group's '(' → index of its ')'
	failed  int
	lastSq  int // index of the last ']'
	// literal is where a group begins that nothing ends: from there on the
	// pattern stands for itself.
	literal int
}

// Compile prepares a pattern.
func Compile(src string, flags Flags) *Pattern {
	if plain(src, flags) {
		return &Pattern{flags: flags, segs: []segment{{lit: src}}}
	}
	p := &parser{src: src, flags: flags, lastSq: strings.LastIndexByte(src, ']'), literal: len(src)}
	if flags&Extglob != 0 {
		p.findGroups()
	}
	if len(p.closers) > 0 {
		alts, _ := p.alternatives(0, len(src), 0)
		return &Pattern{flags: flags, ext: alts}
	}
	seq := p.sequence(0, len(src), 0)
	return &Pattern{flags: flags, segs: split(seq, flags)}
}

func plain(src string, flags Flags) bool {
	if flags&NoCase != 0 {
		return false
	}
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '*', '?', '[', '\\':
			return false
		case '(':
			if flags&Extglob != 0 {
				return false
			}
		}
	}
	return true
}

// item is one part of a sequence: a character, a star or a group.
type item struct {
	elem
	star  bool
	group *group
}

// group is an extended pattern; op is the character before its parenthesis.
type group struct {
	op     byte
	alts   *alternatives
	nested bool // lies in a !(…): its results are remembered
}

type alternatives struct{ seqs [][]item }

// split cuts a sequence without groups at its stars.
func split(seq []item, f Flags) []segment {
	segs := make([]segment, 0, 3)
	for start, i := 0, 0; i <= len(seq); i++ {
		if i < len(seq) && !seq[i].star {
			continue
		}
		first := len(segs) == 0
		last := i == len(seq)
		if first || last || i > start { // ** is *
			segs = append(segs, newSegment(seq[start:i], f))
		}
		start = i + 1
	}
	return segs
}

func newSegment(items []item, f Flags) segment {
	literal := true
	for i := range items {
		if items[i].any || items[i].set != nil || f&NoCase != 0 {
			literal = false
		}
	}
	if literal {
		var b []byte
		for i := range items {
			b = appendChar(b, items[i].c)
		}
		return segment{lit: string(b)}
	}
	elems := make([]elem, len(items))
	for i := range items {
		elems[i] = items[i].elem
	}
	return segment{elems: elems}
}

func appendChar(b []byte, c rune) []byte {
	if c < 0 {
		return append(b, byte(-1-c))
	}
	return append(b, string(c)...)
}

// findGroups pairs the parentheses of groups in one pass, so that parsing
// never has to try twice.
func (p *parser) findGroups() {
	type open struct {
		at    int
		group bool
	}
	var stack []open
scan:
	for i := 0; i < len(p.src); i++ {
		switch c := p.src[i]; c {
		case '\\':
			i++
		case '[':
			if _, end := p.bracket(i, len(p.src)); end > 0 {
				i = end - 1
			} else if len(stack) > 0 { // it hides the end of the group
				break scan
			}
		case '?', '*', '+', '@', '!':
			if i+1 < len(p.src) && p.src[i+1] == '(' {
				i++
				stack = append(stack, open{i, true})
			}
		case '(':
			if len(stack) > 0 {
				stack = append(stack, open{i, false})
			}
		case ')':
			if n := len(stack); n > 0 {
				if stack[n-1].group {
					if p.closers == nil {
						p.closers = make(map[int]int)
					}
					p.closers[stack[n-1].at] = i
				}
				stack = stack[:n-1]
			}
		}
	}
	if len(stack) > 0 { // at the bottom is a group
		p.literal = stack[0].at - 1
	}
	p.failed = 0
}

// alternatives parses src[i:end], which is cut at every '|' of this level if
// depth says that it is the inside of a group.
func (p *parser) alternatives(i, end, depth int) (*alternatives, int) {
	a := &alternatives{}
	for {
		stop := end
		if depth > 0 {
			stop = p.bar(i, end)
		}
		a.seqs = append(a.seqs, p.sequence(i, stop, depth))
		if stop >= end {
			return a, end
		}
		i = stop + 1
	}
}

// bar returns the index of the next '|' in src[i:end] outside of groups and
// bracket expressions, or end.
func (p *parser) bar(i, end int) int {
	for ; i < end; i++ {
		switch p.src[i] {
		case '|':
			return i
		case '\\':
			i++
		case '[':
			if _, e := p.bracket(i, end); e > 0 {
				i = e - 1
			}
		case '(':
			if c, ok := p.closers[i]; ok && c < end {
				i = c
			}
		}
	}
	return end
}

func (p *parser) sequence(i, end, depth int) []item {
	seq := make([]item, 0, min(end-i, 64))
	for i < end {
		c := p.src[i]
		if i >= p.literal {
			return p.rest(seq, i, end)
		}
		if i+1 < end && p.src[i+1] == '(' && depth < maxNesting && strings.IndexByte("?*+@!", c) >= 0 {
			if closer, ok := p.closers[i+1]; ok && closer < end {
				alts, _ := p.alternatives(i+2, closer, depth+1)
				seq = append(seq, item{group: &group{op: c, alts: alts, nested: depth > 0}})
				i = closer + 1
				continue
			}
		}
		switch c {
		case '*':
			seq = append(seq, item{star: true})
			i++
			continue
		case '?':
			seq = append(seq, item{elem: elem{any: true}})
			i++
			continue
		case '[':
			if t, e := p.bracket(i, end); e > 0 {
				seq = append(seq, item{elem: elem{set: t}})
				i = e
				continue
			}
		case '\\':
			if i+1 < end {
				i++
			}
		}
		r, n := next(p.src[:end], i, p.flags)
		if p.flags&NoCase != 0 {
			r = fold(r)
		}
		seq = append(seq, item{elem: elem{c: r}})
		i += n
	}
	return seq
}

// rest is the part of a sequence that stands for itself.
func (p *parser) rest(seq []item, i, end int) []item {
	for i < end {
		if p.src[i] == '\\' && i+1 < end {
			i++
		}
		r, n := next(p.src[:end], i, p.flags)
		if p.flags&NoCase != 0 {
			r = fold(r)
		}
		seq = append(seq, item{elem: elem{c: r}})
		i += n
	}
	return seq
}

// bracket parses the bracket expression that starts at src[i]. It returns a
// zero end if there is none.
func (p *parser) bracket(i, end int) (*set, int) {
	if p.failed >= maxFailed || i >= p.lastSq {
		return nil, 0
	}
	t := &set{}
	i++
	if i < end && (p.src[i] == '!' || p.src[i] == '^') {
		t.negate = true
		i++
	}
	for start := i; i < end; {
		if p.src[i] == ']' && i > start {
			return t, i + 1
		}
		if name, e := p.named(i, end, ':'); e > 0 {
			// An unknown class makes the bracket expression match nothing
			// by that part; bash and dash agree.
			t.addClass(name, p.flags)
			i = e
			continue
		}
		lo, e := p.member(i, end)
		if e == 0 {
			break
		}
		i = e
		hi := lo
		if i+1 < end && p.src[i] == '-' && p.src[i+1] != ']' {
			if hi, e = p.member(i+1, end); e == 0 {
				break
			}
			i = e
		}
		t.add(lo, hi)
	}
	p.failed++
	return nil, 0
}

// member parses one end of a range.
func (p *parser) member(i, end int) (rune, int) {
	for _, kind := range [...]byte{'.', '='} {
		name, e := p.named(i, end, kind)
		if e == 0 {
			continue
		}
		if c, ok := collating[name]; ok {
			return c, e
		}
		if name != "" {
			if c, n := next(name, 0, p.flags); n == len(name) {
				return c, e
			}
		}
		return -1, e // a name nobody knows: 0x00, which no string contains
	}
	if p.src[i] == '\\' && i+1 < end {
		i++
	}
	if i >= end {
		return 0, 0
	}
	r, n := next(p.src[:end], i, p.flags)
	return r, i + n
}

// named parses [:name:] and its like.
func (p *parser) named(i, end int, kind byte) (string, int) {
	if i+3 >= end || p.src[i] != '[' || p.src[i+1] != kind {
		return "", 0
	}
	rest := p.src[i+2 : min(end, i+2+maxName)]
	for j := 1; j+1 < len(rest); j++ {
		if rest[j] == kind && rest[j+1] == ']' {
			return rest[:j], i + 2 + j + 2
		}
		if kind == ':' && (rest[j] < 'a' || rest[j] > 'z') {
			break
		}
	}
	return "", 0
}
