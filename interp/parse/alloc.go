package parse

import "mvdan.cc/sh/v3/syntax"

// slabs are nodes allocated in blocks: a script is mostly words of one literal,
// calls and short expansions, and the allocator was half of the parsing time.
// A block lives as long as one of its nodes.
type slabs struct {
	litWords []litWord
	lits     []syntax.Lit
	wordsS   []syntax.Word
	calls    []stmtCall
	params   []paramLit
	quotes   []quoteLit
	assigns  []syntax.Assign
	wordPtrs []*syntax.Word
	partPtrs []syntax.WordPart
	stmtPtrs []*syntax.Stmt
}

type litWord struct {
	word  syntax.Word
	lit   syntax.Lit
	parts [1]syntax.WordPart
}

type stmtCall struct {
	stmt syntax.Stmt
	call syntax.CallExpr
}

type paramLit struct {
	exp syntax.ParamExp
	lit syntax.Lit
}

type quoteLit struct {
	quoted syntax.DblQuoted
}

// Slab sizes: small sources should not pay for large ones, so that sizes
// start small and grow.
func take[T any](slab *[]T) *T {
	if len(*slab) == cap(*slab) {
		*slab = make([]T, 0, min(max(2*cap(*slab), 4), 128))
	}
	*slab = (*slab)[:len(*slab)+1]
	return &(*slab)[len(*slab)-1]
}

// Recycle tells that the nodes returned so far are not used any more: the next
// ones may be made of their memory.
func (p *Parser) Recycle() {
	recycle(&p.litWords)
	recycle(&p.lits)
	recycle(&p.wordsS)
	recycle(&p.calls)
	recycle(&p.params)
	recycle(&p.quotes)
	recycle(&p.assigns)
	recycle(&p.wordPtrs)
	recycle(&p.partPtrs)
	recycle(&p.stmtPtrs)
}

func recycle[T any](slab *[]T) {
	clear(*slab)
	*slab = (*slab)[:0]
}

// list copies items into a slab.
func list[T any](slab *[]T, items []T) []T {
	if len(items) == 0 {
		return nil
	}
	if cap(*slab)-len(*slab) < len(items) {
		if len(items) > 64 {
			return append([]T(nil), items...)
		}
		*slab = make([]T, 0, min(max(2*cap(*slab), 64), 512))
	}
	n := len(*slab)
	*slab = append(*slab, items...)
	return (*slab)[n:len(*slab):len(*slab)]
}

func (s *slabs) newLit(pos, end syntax.Pos, val string) *syntax.Lit {
	l := take(&s.lits)
	l.ValuePos, l.ValueEnd, l.Value = pos, end, val
	return l
}

func (s *slabs) newLitWord(pos, end syntax.Pos, val string) *syntax.Word {
	lw := take(&s.litWords)
	lw.lit.ValuePos, lw.lit.ValueEnd, lw.lit.Value = pos, end, val
	lw.parts[0] = &lw.lit
	lw.word.Parts = lw.parts[:]
	return &lw.word
}

func (s *slabs) newWord(parts []syntax.WordPart) *syntax.Word {
	w := take(&s.wordsS)
	w.Parts = list(&s.partPtrs, parts)
	return w
}

func (s *slabs) newShort(pos, namePos, end syntax.Pos, name string) *syntax.ParamExp {
	pl := take(&s.params)
	pl.lit.ValuePos, pl.lit.ValueEnd, pl.lit.Value = namePos, end, name
	pl.exp.Dollar, pl.exp.Short, pl.exp.Param = pos, true, &pl.lit
	return &pl.exp
}
