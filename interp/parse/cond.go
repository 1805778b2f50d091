package parse

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

var unaryTests = map[string]syntax.UnTestOperator{
	"-a": syntax.TsExists, "-e": syntax.TsExists, "-f": syntax.TsRegFile, "-d": syntax.TsDirect,
	"-c": syntax.TsCharSp, "-b": syntax.TsBlckSp, "-p": syntax.TsNmPipe, "-S": syntax.TsSocket,
	"-L": syntax.TsSmbLink, "-h": syntax.TsSmbLink, "-k": syntax.TsSticky, "-g": syntax.TsGIDSet,
	"-u": syntax.TsUIDSet, "-G": syntax.TsGrpOwn, "-O": syntax.TsUsrOwn, "-N": syntax.TsModif,
	"-r": syntax.TsRead, "-w": syntax.TsWrite, "-x": syntax.TsExec, "-s": syntax.TsNoEmpty,
	"-t": syntax.TsFdTerm, "-z": syntax.TsEmpStr, "-n": syntax.TsNempStr, "-o": syntax.TsOptSet,
	"-v": syntax.TsVarSet, "-R": syntax.TsRefVar,
}

var binaryTests = map[string]syntax.BinTestOperator{
	"=": syntax.TsMatchShort, "==": syntax.TsMatch, "!=": syntax.TsNoMatch, "=~": syntax.TsReMatch,
	"-nt": syntax.TsNewer, "-ot": syntax.TsOlder, "-ef": syntax.TsDevIno, "-eq": syntax.TsEql,
	"-ne": syntax.TsNeq, "-le": syntax.TsLeq, "-ge": syntax.TsGeq, "-lt": syntax.TsLss, "-gt": syntax.TsGtr,
}

// testClause parses [[ … ]]. Unlike upstream's parser, and like bash, && binds
// tighter than ||.
func (p *Parser) testClause() *syntax.TestClause {
	t := &syntax.TestClause{Left: p.tokPos}
	p.cond = true
	p.takeKeyword()
	t.X = p.testOr()
	lit, end := p.litAhead()
	if p.tok != tWord || lit != "]]" {
		said := "syntax error in conditional expression"
		if p.tok != tWord {
			said += ": unexpected token `" + p.tokName() + "'"
		}
		p.testFailed("]]", said)
	}
	t.Right = p.tokPos
	p.cond = false
	p.advance(end)
	p.next()
	return t
}

// testFailed is unexpected, with what bash says instead.
func (p *Parser) testFailed(want, said string) {
	p.err = p.unexpectedError(want)
	if !p.err.Incomplete {
		p.err.InTest, p.err.TestText = true, said
	}
	panic(bail{})
}

func (p *Parser) testOr() syntax.TestExpr {
	x := p.testAnd()
	for n := 0; p.tok == tOrIf; n++ {
		p.chain(n)
		b := &syntax.BinaryTest{OpPos: p.tokPos, Op: syntax.OrTest, X: x}
		p.next()
		b.Y = p.testAnd()
		x = b
	}
	return x
}

func (p *Parser) testAnd() syntax.TestExpr {
	x := p.testTerm()
	for n := 0; p.tok == tAndIf; n++ {
		p.chain(n)
		b := &syntax.BinaryTest{OpPos: p.tokPos, Op: syntax.AndTest, X: x}
		p.next()
		b.Y = p.testTerm()
		x = b
	}
	return x
}

func (p *Parser) testTerm() syntax.TestExpr {
	p.enter()
	p.skipNewlines()
	x := p.testPrimary()
	p.skipNewlines()
	p.depth--
	return x
}

func (p *Parser) testPrimary() syntax.TestExpr {
	if p.tok == tLparen {
		t := &syntax.ParenTest{Lparen: p.tokPos}
		p.next()
		if lit, _ := p.litAhead(); p.tok == tWord && lit == "]]" {
			p.testFailed("", "expected `)'")
		}
		t.X = p.testOr()
		t.Rparen = p.tokPos
		if p.tok != tRparen {
			p.testFailed(")", "unexpected token `"+p.tokName()+"', expected `)'")
		}
		p.next()
		return t
	}
	lit, end := p.litAhead()
	if p.tok != tWord {
		p.testFailed("", "unexpected token `"+p.tokName()+"' in conditional command")
	}
	if lit == "]]" {
		p.testFailed("", "")
	}
	op, unary := unaryTests[lit]
	if lit == "!" || unary {
		u := &syntax.UnaryTest{OpPos: p.tokPos, Op: op}
		p.advance(end)
		p.next()
		if unary {
			u.X = p.testWord("unary")
			return u
		}
		u.Op = syntax.TsNot
		u.X = p.testTerm()
		return u
	}
	return p.testBinary(p.testWord("binary"))
}

// testWord is an operand; what says of which kind of operator.
func (p *Parser) testWord(what string) *syntax.Word {
	if lit, _ := p.litAhead(); p.tok != tWord || lit == "]]" {
		p.testFailed("word", "unexpected argument `"+p.tokName()+"' to conditional "+what+" operator")
	}
	w := p.word()
	p.next()
	return w
}

// testBinary parses what follows a word, which is a test by itself too.
func (p *Parser) testBinary(x *syntax.Word) syntax.TestExpr {
	b := &syntax.BinaryTest{OpPos: p.tokPos, X: x}
	switch p.tok {
	case tRedir:
		switch p.rop {
		case syntax.RdrIn:
			b.Op = syntax.TsBefore
		case syntax.RdrOut:
			b.Op = syntax.TsAfter
		default:
			p.unexpected("]]")
		}
		p.next()
	case tWord:
		lit, end := p.litAhead()
		op, ok := binaryTests[lit]
		if !ok {
			if lit != "]]" {
				p.testFailed("]]", "conditional binary operator expected")
			}
			return x
		}
		b.Op = op
		p.advance(end)
		if op == syntax.TsReMatch {
			b.Y = p.regex()
			return b
		}
		p.next()
	case tAndIf, tOrIf, tRparen, tNewl, tEOF:
		return x
	default:
		p.testFailed("]]", "unexpected token `"+p.tokName()+"', conditional binary operator expected")
	}
	b.Y = p.testWord("binary")
	return b
}

// regex parses the word after =~, which may start with a parenthesis.
func (p *Parser) regex() *syntax.Word {
	for c := p.at(); c != 0 && strings.IndexByte(" \t", c) >= 0; c = p.at() {
		p.i++
	}
	p.tokPos, p.tok = p.pos(), tWord
	if lit, _ := p.litAhead(); lit == "]]" {
		p.unexpected("word")
	}
	w := p.wordOf(wRegex)
	if w == nil {
		p.next()
		p.unexpected("word")
	}
	p.next()
	return w
}
