package parse

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// isExpansion reports whether the $ at p.i starts an expansion or a quote.
func (p *Parser) isExpansion(quoted bool) bool {
	if p.i+1 < len(p.src) && p.src[p.i+1] != '\\' {
		return p.expands(p.src[p.i+1], quoted)
	}
	m := p.mark()
	p.i++
	c := p.at()
	p.back(m)
	return p.expands(c, quoted)
}

func (p *Parser) expands(c byte, quoted bool) bool {
	if nameByte(c) {
		return true
	}
	switch c {
	case '{', '(', '@', '*', '#', '?', '-', '$', '!':
		return true
	case '[':
		return p.opt.Bash
	case '\'': // POSIX has it since 2024
		return !quoted
	case '"':
		return !quoted && p.opt.Bash
	}
	return false
}

// dollar parses the expansion or quote which starts with the $ at p.i.
func (p *Parser) dollar(quoted bool) syntax.WordPart {
	pos := p.pos()
	p.i++
	switch c := p.at(); c {
	case '{':
		p.i++
		return p.paramExp(pos, quoted)
	case '(':
		p.i++
		return p.dollarParen(pos)
	case '[':
		p.i++
		p.enter()
		a := &syntax.ArithmExp{Left: pos, Bracket: true, X: p.rawText(dqBracket)}
		if p.at() != ']' {
			p.failOpen(pos, `"$["`)
		}
		a.Right = p.pos()
		p.i++
		p.depth--
		return a
	case '\'':
		return p.singleQuoted(pos, true)
	case '"':
		return p.doubleQuoted(pos, true)
	default:
		namePos := p.pos()
		name := ""
		if nameStart(c) {
			name = p.name()
		} else {
			name = p.src[p.i : p.i+1]
			p.i++
		}
		return p.newShort(pos, namePos, p.pos(), name)
	}
}

// name consumes letters, digits and underscores.
func (p *Parser) name() string {
	r := p.beginLit()
	for {
		for p.i < len(p.src) && nameByte(p.src[p.i]) {
			p.i++
		}
		if p.i+1 >= len(p.src) || p.src[p.i] != '\\' || p.src[p.i+1] != '\n' {
			return p.litText(&r)
		}
		p.splice(&r)
		p.continuation()
		if p.i == len(p.src) && p.kind == baseInput {
			p.more()
		}
		r.start = p.i
	}
}

// dollarParen parses what follows $(. Arithmetic is tried first: text which
// does not end in )) is read again as commands.
func (p *Parser) dollarParen(pos syntax.Pos) syntax.WordPart {
	p.enter()
	defer func() { p.depth-- }()
	if p.at() == '(' && !p.notArith[p.off(p.i)] {
		at := p.off(p.i)
		a := &syntax.ArithmExp{Left: pos}
		if p.try(func() {
			p.i++
			a.X, a.Right = p.arithmBody(dqArith)
		}) {
			return a
		}
		p.isNotArith(at)
	}
	c := take(&p.substs)
	c.Left = pos
	c.Stmts, c.Right = p.commandsUntilParen(pos)
	return c
}

func (p *Parser) procSubst() *syntax.ProcSubst {
	p.enter()
	ps := &syntax.ProcSubst{OpPos: p.pos(), Op: syntax.CmdIn}
	if p.src[p.i] == '>' {
		ps.Op = syntax.CmdOut
	}
	p.i += 2
	ps.Stmts, ps.Rparen = p.commandsUntilParen(ps.OpPos)
	p.depth--
	return ps
}

// commandsUntilParen parses the commands of a substitution and the ) after.
// Here-documents asked for inside have their bodies inside, or after the line
// if the substitution ends before it.
func (p *Parser) commandsUntilParen(pos syntax.Pos) (stmts []*syntax.Stmt, right syntax.Pos) {
	saved := p.suspend()
	p.inSubst = true
	p.next()
	stmts = p.list(true)
	right = p.tokPos
	switch p.tok {
	case tRparen:
	case tEOF:
		p.failOpen(pos, "command substitution")
	default:
		p.unexpected(")")
	}
	p.resume(saved, p.pending)
	return stmts, right
}

// suspended is the state of a parser in the middle of a word.
type suspended struct {
	tok             token
	tokPos          syntax.Pos
	aliasNext, cond bool
	inSubst, here   bool
	pending         []*syntax.Redirect
}

// suspend makes the parser ready for the commands of a substitution.
func (p *Parser) suspend() suspended {
	s := suspended{p.tok, p.tokPos, p.aliasNext, p.cond, p.inSubst, p.here, p.pending}
	p.pending, p.cond, p.inSubst, p.here = nil, false, false, false
	return s
}

// resume goes back to the word, with more here-documents to read.
func (p *Parser) resume(s suspended, pending []*syntax.Redirect) {
	p.tok, p.tokPos, p.aliasNext, p.cond = s.tok, s.tokPos, s.aliasNext, s.cond
	p.inSubst, p.here = s.inSubst, s.here
	p.pending = append(s.pending, pending...)
	p.kwAt = -1
}

// backquoted parses `…`. The text between is taken out, with one level of
// backslashes removed, and read as an input of its own.
func (p *Parser) backquoted(quoted bool) *syntax.CmdSubst {
	p.enter()
	c := take(&p.substs)
	c.Left, c.Backquotes = p.pos(), true
	p.i++
	in, written, right := p.backquoteText(c.Left, quoted)
	c.Right = right
	c.Last = []syntax.Comment{{Text: written}}[:0]
	saved, depth := p.suspend(), len(p.stack)
	p.push(in)
	p.next()
	c.Stmts = p.list(true)
	if p.tok != tEOF {
		p.unexpected("")
	}
	if len(p.pending) > 0 {
		p.hereDocs()
	}
	for len(p.stack) > depth {
		p.pop()
	}
	p.resume(saved, nil)
	p.depth--
	return c
}

// Backquoted is what stands between the backquotes of c, backslashes included
// but for continuations of lines.
// The tree has it behind the end of c.Last, where no printer takes it for a
// comment.
func Backquoted(c *syntax.CmdSubst) string {
	if cap(c.Last) == 0 {
		return ""
	}
	return c.Last[:1][0].Text
}

// backquoteText consumes the text, also given as it is written, and the
// closing backquote.
func (p *Parser) backquoteText(pos syntax.Pos, quoted bool) (in input, written string, right syntax.Pos) {
	in = input{base: p.off(p.i), line: p.line, lineOff: p.lineOff, kind: nestedInput}
	if p.isFixed {
		in.fixed, in.isFixed = p.fixed, true
	}
	var text, raw strings.Builder
	start, from := p.i, p.i        // of what text and raw do not have yet
	single, double := false, false // whether quotes are open, roughly
	for {
		if p.i == len(p.src) {
			if p.kind == baseInput {
				if p.more() {
					continue
				}
				p.failOpen(pos, "backquote")
			}
			text.WriteString(p.src[start:p.i])
			raw.WriteString(p.src[from:p.i])
			if !p.more() {
				p.failOpen(pos, "backquote")
			}
			start, from = p.i, p.i
		}
		switch p.src[p.i] {
		case '`':
			text.WriteString(p.src[start:p.i])
			raw.WriteString(p.src[from:p.i])
			right = p.pos()
			p.i++
			in.src = text.String()
			return in, raw.String(), right
		case '\n':
			p.newline()
		case '\'':
			single = single != !double
			p.i++
		case '"':
			double = double != !single
			p.i++
		case '\\':
			if p.i+1 == len(p.src) {
				p.i++
				continue
			}
			switch e := p.src[p.i+1]; {
			case e == '`' || e == '$' || e == '\\' || e == '"' && quoted:
				text.WriteString(p.src[start:p.i])
				in.gaps = append(in.gaps, gap{text.Len(), p.off(p.i+1) - in.base - text.Len()})
				start = p.i + 1
				p.i += 2
			case e == '\n' && single: // goes here too; elsewhere it is a continuation
				text.WriteString(p.src[start:p.i])
				raw.WriteString(p.src[from:p.i])
				p.i++
				p.newline()
				start, from = p.i, p.i
				in.gaps = append(in.gaps, gap{text.Len(), p.off(p.i) - in.base - text.Len()})
			case e == '\n':
				raw.WriteString(p.src[from:p.i])
				from = p.i + 2
				p.i++
			default:
				p.i++
			}
		default:
			p.i++
		}
	}
}
