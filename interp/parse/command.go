package parse

import "mvdan.cc/sh/v3/syntax"

// command parses one command with its redirections; p.kw is current.
func (p *Parser) command() *syntax.Stmt {
	if p.tok == tRedir || p.tok == tWord && (p.kw == kwNone || p.kw == kwTime) {
		return p.simple()
	}
	p.enter()
	s := p.newStmt(p.tokPos, nil)
	if p.tok == tLparen {
		s.Cmd = p.parenCommand()
	} else {
		s.Cmd = p.compound()
	}
	if _, ok := s.Cmd.(*syntax.FuncDecl); !ok {
		if p.tok == tRedir {
			s.Redirs = p.redirects()
		}
	}
	p.depth--
	return s
}

func (p *Parser) compound() syntax.Command {
	switch p.kw {
	case kwBrace:
		return p.block()
	case kwIf:
		return p.ifClause()
	case kwWhile, kwUntil:
		return p.whileClause()
	case kwFor, kwSelect:
		return p.forClause()
	case kwCase:
		return p.caseClause()
	case kwDblBrack:
		return p.testClause()
	case kwFunction:
		return p.functionWord()
	case kwCoproc:
		return p.coprocClause()
	}
	p.unexpected("")
	return nil
}

// coprocClause parses coproc [NAME] command: the NAME is one only before a
// compound command.
func (p *Parser) coprocClause() *syntax.CoprocClause {
	c := &syntax.CoprocClause{Coproc: p.tokPos}
	p.takeKeyword()
	p.commandWord()
	if p.tok == tWord && p.kw == kwNone {
		m := p.mark()
		if lit, end := p.litAhead(); validName(lit) {
			pos := p.pos()
			p.advance(end)
			name := p.newLitWord(pos, p.pos(), lit)
			p.next()
			p.commandWord()
			if p.tok == tLparen || p.tok == tWord && p.kw.opens() {
				c.Name = name
			}
		}
		if c.Name == nil {
			p.back(m)
			p.tok = tWord
			p.commandWord()
		}
	}
	if !p.startsCommand() {
		p.unexpected("")
	}
	c.Stmt = p.command()
	return c
}

// opens reports whether a keyword begins a compound command.
func (k keyword) opens() bool {
	switch k {
	case kwBrace, kwIf, kwWhile, kwUntil, kwFor, kwSelect, kwCase, kwDblBrack:
		return true
	}
	return false
}

// body is a list which must not be empty.
func (p *Parser) body() []*syntax.Stmt {
	stmts := p.list(true)
	if len(stmts) == 0 {
		p.unexpected("")
	}
	return stmts
}

func (p *Parser) block() *syntax.Block {
	b := take(&p.blocks)
	b.Lbrace = p.tokPos
	p.takeKeyword()
	b.Stmts = p.body()
	b.Rbrace = p.tokPos
	p.want(kwEndBrace, "}")
	return b
}

// parenCommand parses ( … ), or (( … )) where bash has it. As "((" also opens
// nested subshells, what does not end in "))" is read again as those.
func (p *Parser) parenCommand() syntax.Command {
	pos := p.tokPos
	if p.at() == '(' && !p.notArith[p.off(p.i)] {
		at := p.off(p.i)
		var ac *syntax.ArithmCmd
		if p.try(func() {
			p.i++
			ac = &syntax.ArithmCmd{Left: pos}
			ac.X, ac.Right = p.arithmBody(dqArith)
		}) {
			p.next()
			return ac
		}
		p.isNotArith(at)
	}
	s := &syntax.Subshell{Lparen: pos}
	p.next()
	s.Stmts = p.body()
	s.Rparen = p.tokPos
	if p.tok != tRparen {
		p.unexpected(")")
	}
	p.next()
	return s
}

func (p *Parser) isNotArith(off int) {
	if p.notArith == nil {
		p.notArith = map[int]bool{}
	}
	p.notArith[off] = true
}

func (p *Parser) ifClause() *syntax.IfClause {
	root := p.newIf(p.tokPos)
	cur := root
	for n := 0; ; n++ {
		p.chain(n)
		p.takeKeyword()
		cur.Cond = p.body()
		cur.ThenPos = p.tokPos
		p.want(kwThen, "then")
		cur.Then = p.body()
		if p.kw != kwElif || p.tok != tWord {
			break
		}
		cur.Else = p.newIf(p.tokPos)
		cur = cur.Else
	}
	if p.tok == tWord && p.kw == kwElse {
		cur.Else = p.newIf(p.tokPos)
		p.takeKeyword()
		cur.Else.Then = p.body()
	}
	fi := p.tokPos
	p.want(kwFi, "fi")
	for c := root; c != nil; c = c.Else {
		c.FiPos = fi
	}
	return root
}

func (p *Parser) whileClause() *syntax.WhileClause {
	w := &syntax.WhileClause{WhilePos: p.tokPos, Until: p.kw == kwUntil}
	p.takeKeyword()
	w.Cond = p.body()
	w.DoPos, w.Do, w.DonePos = p.doGroup()
	return w
}

func (p *Parser) doGroup() (do syntax.Pos, stmts []*syntax.Stmt, done syntax.Pos) {
	do = p.tokPos
	p.want(kwDo, "do")
	stmts = p.body()
	done = p.tokPos
	p.want(kwDone, "done")
	return
}

func (p *Parser) forClause() *syntax.ForClause {
	fw := take(&p.fors)
	f := &fw.clause
	f.ForPos, f.Select = p.tokPos, p.kw == kwSelect
	p.takeKeyword()
	if p.tok == tLparen && !f.Select && p.at() == '(' {
		p.i++
		f.Loop = p.cStyleLoop()
		p.next()
		if p.tok == tSemi {
			p.next()
		}
		p.skipNewlines()
	} else {
		p.wordIter(&fw.words)
		f.Loop = &fw.words
	}
	p.commandWord()
	if p.opt.Bash && p.tok == tWord && p.kw == kwBrace {
		b := p.block()
		f.Braces, f.DoPos, f.Do, f.DonePos = true, b.Lbrace, b.Stmts, b.Rbrace
		return f
	}
	f.DoPos, f.Do, f.DonePos = p.doGroup()
	return f
}

// wordIter parses name [in word …] of a for.
func (p *Parser) wordIter(wi *syntax.WordIter) {
	lit, end := p.litAhead()
	if p.tok != tWord || lit == "" || !p.opt.Bash && !validName(lit) {
		p.unexpected("name")
	}
	pos := p.pos()
	p.advance(end)
	wi.Name = p.newLit(pos, p.pos(), lit)
	p.next()
	if p.tok == tSemi {
		p.next()
		p.skipNewlines()
		return
	}
	p.skipNewlines()
	if lit, end := p.litAhead(); p.tok == tWord && lit == "in" {
		wi.InPos = p.tokPos
		p.advance(end)
		p.next()
		mark := len(p.words)
		for p.tok == tWord {
			p.words = append(p.words, p.word())
			p.next()
		}
		wi.Items = p.takeWords(mark)
		if p.tok != tSemi && p.tok != tNewl {
			p.unexpected("do")
		}
		if p.tok == tSemi {
			p.next()
		}
		p.skipNewlines()
	}
}

func (p *Parser) takeWords(mark int) []*syntax.Word {
	ws := list(&p.wordPtrs, p.words[mark:])
	p.words = p.words[:mark]
	return ws
}

func (p *Parser) caseClause() *syntax.CaseClause {
	c := take(&p.cases)
	c.Case = p.tokPos
	p.takeKeyword()
	if p.tok != tWord {
		p.unexpected("word")
	}
	c.Word = p.word()
	p.next()
	p.skipNewlines()
	lit, end := p.litAhead()
	if p.tok != tWord || lit != "in" {
		p.unexpected("in")
	}
	c.In = p.tokPos
	p.advance(end)
	p.next()
	c.Items, c.Esac = p.caseItems()
	return c
}

// caseItems parses up to and with esac.
func (p *Parser) caseItems() (_ []*syntax.CaseItem, esac syntax.Pos) {
	var buf [8]*syntax.CaseItem
	items := buf[:0]
	for {
		p.skipNewlines()
		if lit, end := p.litAhead(); p.tok == tWord && lit == "esac" {
			esac = p.tokPos
			p.advance(end)
			p.next()
			break
		}
		item := p.caseItem()
		items = append(items, item)
		if !item.OpPos.IsValid() {
			esac = p.tokPos
			p.want(kwEsac, "esac")
			break
		}
		p.next()
	}
	return list(&p.itemPtrs, items), esac
}

// caseItem parses pattern | pattern) list, and looks at what ends it: the
// operator is the current token, or OpPos is not set and it is "esac".
func (p *Parser) caseItem() *syntax.CaseItem {
	item := take(&p.items)
	if p.tok == tLparen {
		p.next()
	}
	mark := len(p.words)
	for {
		if p.tok != tWord {
			p.unexpected("pattern")
		}
		p.words = append(p.words, p.word())
		p.next()
		if p.tok != tPipe {
			break
		}
		p.next()
	}
	item.Patterns = p.takeWords(mark)
	if p.tok != tRparen {
		p.unexpected(")")
	}
	p.next()
	item.Stmts = p.list(true)
	switch p.tok {
	case tDSemi:
		item.Op = syntax.Break
	case tSemiAnd:
		item.Op = syntax.Fallthrough
	case tDSemiAnd:
		item.Op = syntax.Resume
	default:
		item.Op = syntax.Break
		return item
	}
	item.OpPos = p.tokPos
	return item
}

// functionWord parses bash's function name [()] body.
func (p *Parser) functionWord() *syntax.FuncDecl {
	f := &syntax.FuncDecl{Position: p.tokPos, RsrvWord: true}
	p.takeKeyword()
	if p.tok != tWord {
		p.unexpected("name")
	}
	w := p.word()
	name, ok := w.Parts[0].(*syntax.Lit)
	if !ok || len(w.Parts) > 1 {
		p.failAt(w.Pos(), "invalid function name")
	}
	f.Name = name
	p.next()
	if p.tok == tLparen {
		m := p.mark()
		p.next()
		if p.tok == tRparen {
			f.Parens = true
			p.next()
		} else { // function f (subshell)
			p.back(m)
			p.tok = tLparen
		}
	}
	p.funcBody(f)
	return f
}

// funcBody parses the body. As dash does, POSIX mode takes any command.
func (p *Parser) funcBody(f *syntax.FuncDecl) {
	p.skipNewlines()
	p.needCommand()
	if p.opt.Bash && p.tok != tLparen && (p.tok == tRedir || p.kw < kwBrace || p.kw > kwSelect) || p.kw == kwBang {
		p.unexpected("{")
	}
	p.enter()
	f.Body = p.command()
	p.depth--
}
