package parse

import "mvdan.cc/sh/v3/syntax"

// slabs are nodes allocated in blocks: a script is mostly words of one literal,
// calls and short expansions, and the allocator was half of the parsing time.
// A block lives as long as one of its nodes.
type slabs struct {
	litWords   slab[litWord]
	lits       slab[syntax.Lit]
	wordsS     slab[syntax.Word]
	stmts      slab[syntax.Stmt]
	calls      slab[stmtCall]
	lists      slab[syntax.BinaryCmd]
	ifs        slab[syntax.IfClause]
	blocks     slab[syntax.Block]
	fors       slab[forWords]
	cases      slab[syntax.CaseClause]
	items      slab[syntax.CaseItem]
	redirs     slab[syntax.Redirect]
	params     slab[paramLit]
	expansions slab[syntax.Expansion]
	singles    slab[syntax.SglQuoted]
	quotes     slab[syntax.DblQuoted]
	substs     slab[syntax.CmdSubst]
	assigns    slab[syntax.Assign]

	wordPtrs   slab[*syntax.Word]
	partPtrs   slab[syntax.WordPart]
	stmtPtrs   slab[*syntax.Stmt]
	redirPtrs  slab[*syntax.Redirect]
	assignPtrs slab[*syntax.Assign]
	itemPtrs   slab[*syntax.CaseItem]
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

type forWords struct {
	clause syntax.ForClause
	words  syntax.WordIter
}

// slab is the block that nodes of one type come from.
type slab[T any] struct {
	block []T
	// Of a parser that recycles: blocks that are full, and that may be used again.
	recycles   bool
	full, free [][]T
}

// Block sizes: small sources should not pay for large ones, so that sizes
// start small and grow.
const (
	minBlock = 4
	maxBlock = 128
	maxList  = 64 // longer lists have an allocation of their own
)

// take is a new node.
func take[T any](s *slab[T]) *T {
	if len(s.block) == cap(s.block) {
		s.grow(min(max(2*cap(s.block), minBlock), maxBlock))
	}
	s.block = s.block[:len(s.block)+1]
	return &s.block[len(s.block)-1]
}

// list is a copy of items.
func list[T any](s *slab[T], items []T) []T {
	if len(items) == 0 {
		return nil
	}
	if cap(s.block)-len(s.block) < len(items) {
		if len(items) > maxList {
			return append([]T(nil), items...)
		}
		s.grow(min(max(2*cap(s.block), maxList), 4*maxBlock))
	}
	n := len(s.block)
	s.block = append(s.block, items...)
	return s.block[n:len(s.block):len(s.block)]
}

// grow goes on with another block, of n nodes or one used before.
func (s *slab[T]) grow(n int) {
	if s.recycles {
		if cap(s.block) > 0 {
			s.full = append(s.full, s.block)
		}
		if last := len(s.free) - 1; last >= 0 {
			s.block, s.free = s.free[last], s.free[:last]
			return
		}
	}
	s.block = make([]T, 0, n)
}

func (s *slab[T]) recycle() {
	s.recycles = true
	clear(s.block)
	s.block = s.block[:0]
	for _, b := range s.full {
		clear(b)
		s.free = append(s.free, b[:0])
	}
	s.full = s.full[:0]
}

// Recycle tells that the nodes returned so far are not used any more: the next
// ones may be made of their memory.
func (p *Parser) Recycle() {
	s := &p.slabs
	for _, each := range []interface{ recycle() }{
		&s.litWords, &s.lits, &s.wordsS, &s.stmts, &s.calls, &s.lists, &s.ifs, &s.blocks, &s.fors, &s.cases, &s.items,
		&s.redirs, &s.params, &s.expansions, &s.singles, &s.quotes, &s.substs, &s.assigns,
		&s.wordPtrs, &s.partPtrs, &s.stmtPtrs, &s.redirPtrs, &s.assignPtrs, &s.itemPtrs,
	} {
		each.recycle()
	}
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

func (s *slabs) newStmt(pos syntax.Pos, cmd syntax.Command) *syntax.Stmt {
	st := take(&s.stmts)
	st.Position, st.Cmd = pos, cmd
	return st
}

// newBinary is x followed by an operator, as a statement; y is to be set.
func (s *slabs) newBinary(pos syntax.Pos, op syntax.BinCmdOperator, x *syntax.Stmt) (*syntax.Stmt, *syntax.BinaryCmd) {
	b := take(&s.lists)
	b.OpPos, b.Op, b.X = pos, op, x
	return s.newStmt(x.Position, b), b
}

// newIf is a branch of an if.
func (s *slabs) newIf(pos syntax.Pos) *syntax.IfClause {
	c := take(&s.ifs)
	c.Position = pos
	return c
}

func (s *slabs) newExpansion(op syntax.ParExpOperator) *syntax.Expansion {
	e := take(&s.expansions)
	e.Op = op
	return e
}
