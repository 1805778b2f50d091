package parse

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// simple parses a simple command, or a function definition.
func (p *Parser) simple() *syntax.Stmt {
	sc := take(&p.calls)
	s, call := &sc.stmt, &sc.call
	s.Position = p.tokPos
	mark := len(p.words)
	var buf [4]*syntax.Assign
	assigns := buf[:0]
	textArgs := false
	for first := true; ; first = false {
		if p.tok == tRedir {
			s.Redirs = joined(s.Redirs, p.redirects())
			continue
		}
		if p.tok != tWord {
			break
		}
		bare := len(p.words) == mark // no word of the command yet
		if bare {
			if a := p.assignment(false); a != nil {
				assigns = append(assigns, a)
				p.next()
				continue
			}
		}
		if (bare && !first || p.aliasNext) && p.aliasHere() {
			continue
		}
		if bare && p.opt.Bash && len(assigns) == 0 {
			if d := p.declClause(s); d != nil {
				s.Cmd = d
				return s
			}
		}
		if textArgs && !bare {
			p.words = append(p.words, p.wordOf(wAssign))
		} else {
			p.words = append(p.words, p.word())
		}
		p.next()
		if bare && p.opt.Bash {
			textArgs = hasTextArgs(p.words[mark])
		}
		if bare && first && p.tok == tLparen {
			w := p.words[mark]
			p.words = p.words[:mark]
			s.Cmd = p.function(w)
			return s
		}
	}
	call.Args, call.Assigns = p.takeWords(mark), list(&p.assignPtrs, assigns)
	if call.Args != nil || call.Assigns != nil {
		s.Cmd = call
	}
	return s
}

// hasTextArgs reports whether bash lets the arguments of the command be
// a=(text), which they get as text: the builtins which take assignments.
func hasTextArgs(w *syntax.Word) bool {
	l, ok := w.Parts[0].(*syntax.Lit)
	if !ok || len(w.Parts) > 1 {
		return false
	}
	switch l.Value {
	case "alias", "eval", "let":
		return true
	}
	return isDeclaration(l.Value) // after assignments: not a DeclClause
}

func isDeclaration(name string) bool {
	switch name {
	case "declare", "export", "local", "readonly", "typeset":
		return true
	}
	return false
}

// aliasHere expands the alias of the current word, if it has one, and that of
// the word which this yields.
func (p *Parser) aliasHere() bool {
	p.aliasNext = false
	lit, end := p.litAhead()
	if lit == "" || !p.alias(lit, end) {
		return false
	}
	p.aliasNext = p.aliasNext || p.tok == tWord && p.kind == aliasInput
	return true
}

// function parses () body after the name.
func (p *Parser) function(name *syntax.Word) *syntax.FuncDecl {
	lit, ok := name.Parts[0].(*syntax.Lit)
	m := p.mark()
	p.next()
	if p.tok != tRparen {
		p.back(m)
		p.tok = tLparen
		p.unexpected("")
	}
	if !ok || len(name.Parts) > 1 || hasBackslash(lit.Value) {
		p.failAt(name.Pos(), "invalid function name")
	}
	p.next()
	f := &syntax.FuncDecl{Position: name.Pos(), Parens: true, Name: lit}
	p.funcBody(f)
	return f
}

func hasBackslash(s string) bool {
	for i := range len(s) {
		if s[i] == '\\' {
			return true
		}
	}
	return false
}

// declClause parses the builtins of bash whose arguments may be assignments
// of arrays, nil if the current word is not the name of one.
func (p *Parser) declClause(s *syntax.Stmt) syntax.Command {
	lit, end := p.litAhead()
	if !isDeclaration(lit) {
		return nil
	}
	pos := p.pos()
	p.advance(end)
	d := &syntax.DeclClause{Variant: p.newLit(pos, p.pos(), lit)}
	p.next()
	if p.tok == tLparen {
		return p.function(p.newWord([]syntax.WordPart{d.Variant}))
	}
	for {
		switch p.tok {
		case tRedir:
			s.Redirs = append(s.Redirs, p.redirect())
		case tWord:
			d.Args = append(d.Args, p.declArg())
			p.next()
		default:
			return d
		}
	}
}

func (p *Parser) declArg() *syntax.Assign {
	if a := p.assignment(true); a != nil {
		return a
	}
	w := p.word()
	if l, ok := w.Parts[0].(*syntax.Lit); ok && len(w.Parts) == 1 && validName(l.Value) {
		return &syntax.Assign{Naked: true, Name: l}
	}
	return &syntax.Assign{Naked: true, Value: w}
}

// assignment parses name=value, and in bash also name+=value, name[i]=value,
// name=(…), and as an argument of a declaration name[i]. It returns nil and
// consumes nothing if the word at p.i is something else.
func (p *Parser) assignment(decl bool) *syntax.Assign {
	src, j := p.src, p.i
	if !nameStart(src[j]) {
		return nil
	}
	for j < len(src) && nameByte(src[j]) {
		j++
	}
	if j == len(src) {
		return nil
	}
	switch src[j] {
	case '=', '\\', '+', '[':
	default:
		return nil
	}
	m := p.mark()
	pos := p.pos()
	name := p.name()
	end := p.pos()
	a := take(&p.assigns)
	if p.at() == '[' && !p.assignIndex(a) || !p.assignOp(a, decl) {
		*a = syntax.Assign{}
		p.back(m)
		return nil
	}
	a.Name = p.newLit(pos, end, name)
	if a.Naked {
		return a
	}
	if p.at() == '(' {
		a.Array = p.array()
	} else if c := p.at(); c != 0 && (class[c]&cEnd == 0 || c == '<' || c == '>') && !p.redirectsHere() {
		a.Value = p.wordIfAny()
	}
	return a
}

// redirectsHere reports whether a redirection follows, rather than the < or >
// of a process substitution.
func (p *Parser) redirectsHere() bool {
	c := p.src[p.i]
	return (c == '<' || c == '>') && (p.i+1 == len(p.src) || p.src[p.i+1] != '(')
}

// wordIfAny is word where there may be none.
func (p *Parser) wordIfAny() *syntax.Word {
	if p.kind == aliasInput && p.i == len(p.src) {
		return nil
	}
	return p.word()
}

// emptyIndex reports whether []= follows, in bash an error when it is run.
func (p *Parser) emptyIndex() bool {
	rest, ok := strings.CutPrefix(p.src[p.i:], "[]")
	return ok && p.opt.Bash && strings.HasPrefix(strings.TrimPrefix(rest, "+"), "=")
}

func (p *Parser) assignIndex(a *syntax.Assign) bool {
	if p.emptyIndex() {
		p.i++
		a.Index = p.newLitWord(p.pos(), p.pos(), "")
		p.i++
		return true
	}
	at := p.off(p.i)
	if p.notArith[at] {
		return false
	}
	if p.try(func() { a.Index = p.subscript() }) && a.Index != nil {
		return true
	}
	p.isNotArith(at)
	return false
}

// assignOp parses = or +=.
func (p *Parser) assignOp(a *syntax.Assign, decl bool) bool {
	if p.accept('+') {
		a.Append = true
	}
	if p.accept('=') {
		return true
	}
	a.Naked = decl && !a.Append && a.Index != nil
	return a.Naked
}

// array parses (word [index]=word …).
func (p *Parser) array() *syntax.ArrayExpr {
	p.enter()
	a := &syntax.ArrayExpr{Lparen: p.pos()}
	p.i++
	p.cond = true // 2>x has no meaning here either
	for {
		p.next()
		switch p.tok {
		case tNewl:
		case tWord:
			a.Elems = append(a.Elems, p.arrayElem())
		case tRparen:
			a.Rparen = p.tokPos
			p.cond = false
			p.depth--
			return a
		default:
			p.err = p.unexpectedError(")")
			p.err.LineOnly = p.opt.Bash && p.tok != tEOF
			panic(bail{})
		}
	}
}

func (p *Parser) arrayElem() *syntax.ArrayElem {
	e := &syntax.ArrayElem{}
	if p.src[p.i] == '[' {
		m, at := p.mark(), p.off(p.i)
		if !p.notArith[at] && p.try(func() { e.Index = p.subscript() }) && e.Index != nil && p.accept('=') {
			if c := p.at(); c != 0 && (class[c]&cEnd == 0 || (c == '<' || c == '>') && strings.HasPrefix(p.src[p.i+1:], "(")) {
				e.Value = p.wordIfAny()
			}
			return e
		}
		p.isNotArith(at)
		p.back(m)
		e.Index = nil
		if p.emptyIndex() {
			e.Index = p.newLitWord(p.pos(), p.pos(), "")
		}
	}
	e.Value = p.word()
	return e
}
