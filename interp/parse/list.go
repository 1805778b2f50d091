package parse

import "mvdan.cc/sh/v3/syntax"

// list parses statements up to a token or reserved word which cannot start
// one. In a nested list newlines separate statements; at the top they end it.
func (p *Parser) list(nested bool) []*syntax.Stmt {
	var buf [8]*syntax.Stmt
	stmts := buf[:0]
	for {
		if nested {
			p.skipNewlines()
		}
		if !p.startsCommand() {
			break
		}
		s := p.andOr()
		stmts = append(stmts, s)
		switch p.tok {
		case tSemi, tAmp:
			s.Semicolon = p.tokPos
			s.Background = p.tok == tAmp
			p.next()
			continue
		case tNewl:
			if nested {
				continue
			}
		}
		break
	}
	return list(&p.stmtPtrs, stmts)
}

func (p *Parser) skipNewlines() {
	for p.tok == tNewl {
		p.next()
	}
}

// startsCommand reports whether a command may start here. It expands aliases,
// and leaves the reserved word in p.kw.
func (p *Parser) startsCommand() bool {
	p.commandWord()
	switch p.tok {
	case tWord:
		return p.kw < kwThen
	case tLparen, tRedir:
		return true
	}
	return false
}

// andOr parses pipelines joined by && and ||, which associate to the left.
func (p *Parser) andOr() *syntax.Stmt {
	s := p.pipeline()
	for n := 0; p.tok == tAndIf || p.tok == tOrIf; n++ {
		p.chain(n)
		op := syntax.AndStmt
		if p.tok == tOrIf {
			op = syntax.OrStmt
		}
		var b *syntax.BinaryCmd
		s, b = p.newBinary(p.tokPos, op, s)
		p.next()
		p.skipNewlines()
		p.needCommand()
		b.Y = p.pipeline()
	}
	return s
}

func (p *Parser) needCommand() {
	if !p.startsCommand() {
		p.unexpected("")
	}
}

// pipeline parses [!] [time [-p]] command | command …, where p.kw is current.
func (p *Parser) pipeline() *syntax.Stmt {
	pos := p.tokPos
	negated, bang := false, false
	for p.kw == kwBang && (!bang || p.opt.Bash) {
		negated, bang = !negated, true
		p.takeKeyword()
		p.commandWord()
	}
	var s *syntax.Stmt
	switch {
	case p.kw == kwTime:
		s = p.newStmt(pos, p.timeClause())
	case bang && p.opt.Bash && p.endsPipeline():
		s = p.newStmt(pos, nil) // "!" alone is false
	case bang && !p.startsCommand() || p.kw == kwBang:
		p.unexpected("")
	default:
		s = p.pipes()
	}
	if bang {
		s.Position, s.Negated = pos, negated
	}
	return s
}

func (p *Parser) endsPipeline() bool {
	return p.tok != tWord && p.tok != tRedir && p.tok != tLparen && p.tok != tPipe && p.tok != tPipeAmp
}

func (p *Parser) pipes() *syntax.Stmt {
	s := p.command()
	for n := 0; p.tok == tPipe || p.tok == tPipeAmp; n++ {
		p.chain(n)
		op := syntax.Pipe
		if p.tok == tPipeAmp {
			op = syntax.PipeAll
		}
		var b *syntax.BinaryCmd
		s, b = p.newBinary(p.tokPos, op, s)
		p.next()
		p.skipNewlines()
		p.needCommand()
		if p.kw == kwBang {
			p.unexpected("")
		}
		b.Y = p.command()
	}
	return s
}

func (p *Parser) timeClause() *syntax.TimeClause {
	p.enter()
	tc := &syntax.TimeClause{Time: p.tokPos}
	p.takeKeyword()
	for p.tok == tWord {
		lit, end := p.litAhead()
		if lit != "-p" && lit != "--" {
			break
		}
		tc.PosixFormat = tc.PosixFormat || lit == "-p"
		p.advance(end)
		p.next()
	}
	p.commandWord()
	if !p.endsPipeline() {
		tc.Stmt = p.pipeline()
	}
	p.depth--
	return tc
}
