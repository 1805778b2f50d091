package parse

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// rawText parses arithmetic text, up to what ends the mode, as in double
// quotes; a double quote is text like any other. The word has at least one part.
func (p *Parser) rawText(m dqMode) *syntax.Word {
	pos, mark := p.pos(), len(p.parts)
	p.quotedParts(m)
	if w := p.takeParts(mark); w != nil {
		return w
	}
	return p.newLitWord(pos, p.pos(), "")
}

// arithmBody parses text)) after ((.
func (p *Parser) arithmBody(m dqMode) (syntax.ArithmExpr, syntax.Pos) {
	x := p.rawText(m)
	return x, p.arithmEnd()
}

func (p *Parser) arithmEnd() syntax.Pos {
	pos := p.pos()
	if p.at() != ')' {
		p.failOpen(pos, `"(("`)
	}
	p.i++
	if p.at() != ')' {
		p.fail(`missing "))"`)
	}
	p.i++
	return pos
}

// cStyleLoop parses init; cond; post)).
func (p *Parser) cStyleLoop() *syntax.CStyleLoop {
	p.enter()
	l := &syntax.CStyleLoop{Lparen: p.tokPos}
	l.Init = p.loopText()
	p.forSemicolon()
	l.Cond = p.loopText()
	p.forSemicolon()
	l.Post = p.loopText()
	l.Rparen = p.arithmEnd()
	p.depth--
	return l
}

func (p *Parser) forSemicolon() {
	switch {
	case p.accept(';'):
	case p.at() == 0:
		p.failOpen(p.pos(), `"for (("`)
	default:
		p.fail(`expecting ";" in "for (("`)
	}
}

// loopText is nil for blank text, which is always true.
func (p *Parser) loopText() syntax.ArithmExpr {
	w := p.rawText(dqFor)
	if strings.TrimSpace(w.Lit()) == "" && len(w.Parts) == 1 {
		if _, ok := w.Parts[0].(*syntax.Lit); ok {
			return nil
		}
	}
	return w
}
