package interp

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Brace expansion (bash) happens on the parts of a word, before anything else
// and once, when the word is compiled: {a,b} and {1..9..2}. What is quoted or
// an expansion is opaque to it.

const (
	maxBraceWords = 1 << 18
	maxBraceDepth = 40
)

// braceUnit is one unquoted byte of a word, or an opaque part.
type braceUnit struct {
	c    byte // 0: opaque
	part syntax.WordPart
}

func compileBraces(c *compiler, w *syntax.Word) (words []*word, tooMany bool) {
	if !mayHaveBraces(w) {
		return nil, false
	}
	b := braces{}
	out := b.expand(braceUnits(w), 0)
	if b.tooMany {
		return nil, true
	}
	if len(out) == 1 && !b.found {
		return nil, false
	}
	words = make([]*word, len(out))
	for i, units := range out {
		words[i] = newWord(wordContext{c: c, tilde: tildeWord}, joinUnits(units))
	}
	return words, false
}

func mayHaveBraces(w *syntax.Word) bool {
	for _, p := range w.Parts {
		if l, ok := p.(*syntax.Lit); ok && strings.IndexByte(l.Value, '{') >= 0 {
			return true
		}
	}
	return false
}

func braceUnits(w *syntax.Word) []braceUnit {
	var units []braceUnit
	for _, p := range w.Parts {
		l, ok := p.(*syntax.Lit)
		if !ok {
			units = append(units, braceUnit{part: p})
			continue
		}
		for i := 0; i < len(l.Value); i++ {
			if l.Value[i] == '\\' && i+1 < len(l.Value) {
				units = append(units, braceUnit{part: &syntax.Lit{Value: l.Value[i : i+2]}})
				i++
				continue
			}
			units = append(units, braceUnit{c: l.Value[i]})
		}
	}
	return units
}

func joinUnits(units []braceUnit) []syntax.WordPart {
	var ps []syntax.WordPart
	var lit []byte
	flush := func() {
		if len(lit) > 0 {
			ps = append(ps, &syntax.Lit{Value: string(lit)})
			lit = nil
		}
	}
	for _, u := range units {
		if l, ok := u.part.(*syntax.Lit); ok {
			lit = append(lit, l.Value...)
		} else if u.part != nil {
			flush()
			ps = append(ps, u.part)
		} else if len(lit) > 0 || !extendName(ps, u.c) {
			lit = append(lit, u.c)
		}
	}
	flush()
	return ps
}

// extendName adds c to the name of a $name that ends ps: braces are expanded
// before names are read, so $a{b,c} is $ab $ac.
func extendName(ps []syntax.WordPart, c byte) bool {
	if len(ps) == 0 || !validName("_"+string(rune(c))) {
		return false
	}
	p, ok := ps[len(ps)-1].(*syntax.ParamExp)
	if !ok || !p.Short || !validName(p.Param.Value) {
		return false
	}
	longer, name := *p, *p.Param
	name.Value += string(c)
	longer.Param = &name
	ps[len(ps)-1] = &longer
	return true
}

type braces struct {
	found   bool
	tooMany bool
	words   int
}

// expand returns the words that units make.
func (b *braces) expand(units []braceUnit, depth int) [][]braceUnit {
	from := 0
	for depth < maxBraceDepth {
		open, end, commas := findBrace(units, from)
		if open < 0 {
			break
		}
		var middle [][]braceUnit
		if len(commas) > 0 {
			start := open + 1
			for _, stop := range append(commas, end) {
				middle = append(middle, b.expand(units[start:stop], depth+1)...)
				start = stop + 1
			}
		} else if middle = b.sequence(units[open+1 : end]); middle == nil {
			from = open + 1
			continue
		}
		b.found = true
		return b.product(units[:open], middle, b.expand(units[end+1:], depth+1))
	}
	return [][]braceUnit{units}
}

func (b *braces) product(head []braceUnit, middle, tails [][]braceUnit) [][]braceUnit {
	n := len(middle) * len(tails)
	size := 0
	if n > 0 {
		size = len(head) + len(middle[0]) + len(tails[0])
	}
	if b.words += n * max(1, size/64); b.tooMany || n > maxBraceWords || b.words > 4*maxBraceWords {
		b.tooMany = true
		return nil
	}
	out := make([][]braceUnit, 0, n)
	for _, m := range middle {
		for _, t := range tails {
			w := make([]braceUnit, 0, len(head)+len(m)+len(t))
			w = append(append(append(w, head...), m...), t...)
			out = append(out, w)
		}
	}
	return out
}

// findBrace finds the first { at or after from whose } closes it and that has
// a comma or two dots at its own level. "${" is none.
func findBrace(units []braceUnit, from int) (open, end int, commas []int) {
	// closer[i] is filled from one pass with a stack, not one per brace.
	type level struct {
		at     int
		commas []int
		dots   bool
	}
	var stack []level
	best := -1
	for i := from; i < len(units); i++ {
		switch units[i].c {
		case '{':
			if i > 0 && units[i-1].c == '$' {
				continue
			}
			stack = append(stack, level{at: i})
		case ',':
			if n := len(stack); n > 0 {
				stack[n-1].commas = append(stack[n-1].commas, i)
			}
		case '.':
			if n := len(stack); n > 0 && i+1 < len(units) && units[i+1].c == '.' {
				stack[n-1].dots = true
			}
		case '}':
			n := len(stack)
			if n == 0 {
				continue
			}
			l := stack[n-1]
			stack = stack[:n-1]
			if len(l.commas) == 0 && !l.dots {
				continue
			}
			if best < 0 || l.at < best {
				best, end, commas = l.at, i, l.commas
			}
			if len(stack) == 0 {
				return best, end, commas
			}
		}
	}
	return best, end, commas
}

// sequence expands {x..y} and {x..y..step}; nil if it is none.
func (b *braces) sequence(units []braceUnit) [][]braceUnit {
	text := make([]byte, len(units))
	for i, u := range units {
		if text[i] = u.c; u.c == 0 {
			return nil
		}
	}
	f := strings.Split(string(text), "..")
	if len(f) != 2 && len(f) != 3 {
		return nil
	}
	step := int64(0)
	if len(f) == 3 {
		var err error
		if step, err = strconv.ParseInt(f[2], 10, 64); err != nil {
			return nil
		}
	}
	from, err1 := strconv.ParseInt(f[0], 10, 64)
	to, err2 := strconv.ParseInt(f[1], 10, 64)
	switch {
	case err1 == nil && err2 == nil:
		width := 0
		if padded(f[0]) || padded(f[1]) {
			width = max(len(f[0]), len(f[1]))
		}
		return b.count(from, to, step, func(n int64) string { return pad(n, width) })
	case len(f[0]) == 1 && len(f[1]) == 1 && letter(f[0][0]) && letter(f[1][0]):
		return b.count(int64(f[0][0]), int64(f[1][0]), step, func(n int64) string { return string(rune(n)) })
	}
	return nil
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func padded(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return len(s) > 1 && s[0] == '0'
}

func pad(n int64, width int) string {
	s := strconv.FormatInt(n, 10)
	if len(s) >= width {
		return s
	}
	if n < 0 {
		return "-" + strings.Repeat("0", width-len(s)) + s[1:]
	}
	return strings.Repeat("0", width-len(s)) + s
}

func (b *braces) count(from, to, step int64, text func(int64) string) [][]braceUnit {
	step = max(step, -step)
	if step <= 0 {
		step = 1
	}
	span := to - from
	if from > to {
		span = from - to
	}
	if span < 0 || span/step >= maxBraceWords { // also when it overflows
		b.tooMany = true
		return [][]braceUnit{nil}
	}
	if from > to {
		step = -step
	}
	out := make([][]braceUnit, 0, span/max(step, -step)+1)
	for i, n := int64(0), from; i <= span/max(step, -step); i, n = i+1, n+step {
		var units []braceUnit
		for _, c := range []byte(text(n)) {
			if letter(c) || c >= '0' && c <= '9' || c == '-' {
				units = append(units, braceUnit{c: c})
			} else if c == '\\' { // quotes the end of the word
				units = append(units, braceUnit{part: &syntax.SglQuoted{}})
			} else { // between Z and a: as if quoted
				units = append(units, braceUnit{part: &syntax.SglQuoted{Value: string(rune(c))}})
			}
		}
		out = append(out, units)
	}
	return out
}
