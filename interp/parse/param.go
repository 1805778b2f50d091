package parse

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// BadSubst reports whether the expansion is one which no shell has: a
// run-time error ("bad substitution"), so that a
// branch which never runs may contain it. text is the source between the
// braces. All other expansions in braces have a valid Rbrace.
func BadSubst(pe *syntax.ParamExp) (text string, bad bool) {
	if pe.Short || pe.Rbrace.IsValid() {
		return "", false
	}
	return pe.Param.Value, true
}

func validName(s string) bool {
	if s == "" || !nameStart(s[0]) {
		return false
	}
	for i := range len(s) {
		if !nameByte(s[i]) {
			return false
		}
	}
	return true
}

// specialParam reports whether c is a parameter of one character.
func specialParam(c byte) bool {
	switch c {
	case '@', '*', '#', '?', '-', '$', '!':
		return true
	}
	return false
}

// paramExp parses what follows ${.
func (p *Parser) paramExp(pos syntax.Pos, quoted bool) *syntax.ParamExp {
	p.enter()
	start, src, base := p.i, p.src, len(p.stack)
	pe := &take(&p.params).exp
	pe.Dollar = pos
	mark := len(p.parts)
	if !p.paramBody(pe, quoted) || p.at() != '}' {
		if quoted {
			p.quotedParts(dqBrace)
		} else {
			p.wordParts(wBrace)
		}
		p.parts = p.parts[:mark]
		if p.at() != '}' {
			p.failOpen(pos, `"${"`)
		}
		raw := "…"
		if len(p.stack) == base {
			if p.kind == baseInput {
				src = p.src
			}
			raw = src[start:p.i]
		}
		*pe = syntax.ParamExp{Dollar: pos, Param: p.newLit(pos, p.pos(), raw)}
	} else {
		pe.Rbrace = p.pos()
	}
	p.i++
	p.depth--
	return pe
}

// paramBody parses the inside of the braces as far as it makes sense.
func (p *Parser) paramBody(pe *syntax.ParamExp, quoted bool) bool {
	if !p.paramPrefix(pe) {
		return false
	}
	c := p.at()
	if c == '[' {
		if !validName(pe.Param.Value) {
			return false
		}
		if pe.Index = p.subscript(); pe.Index == nil {
			return false
		}
		c = p.at()
	}
	if c == '}' || pe.Length {
		return true
	}
	if pe.Excl && pe.Index == nil && (c == '*' || c == '@') {
		m := p.mark()
		p.i++
		if p.at() == '}' {
			pe.Names = syntax.NamesPrefix
			if c == '@' {
				pe.Names = syntax.NamesPrefixWords
			}
			return true
		}
		p.back(m)
	}
	return p.paramOp(pe, quoted)
}

// paramPrefix parses the parameter, and # or ! before it.
func (p *Parser) paramPrefix(pe *syntax.ParamExp) bool {
	c := p.at()
	if c != '#' && c != '!' {
		pe.Param = p.paramName()
		return pe.Param != nil
	}
	pos := p.pos()
	p.i++
	alone := p.newLit(pos, p.pos(), string(c))
	m := p.mark()
	n := p.at()
	name := p.paramName()
	after := p.at()
	switch {
	case name == nil:
	case c == '!' && (n == '?' || n == '-') && (p.posix || !p.opt.Bash):
	case after == '}' || after == '[' && nameStart(n), c == '!' && nameByte(n):
		pe.Param = name
		pe.Length, pe.Excl = c == '#', c == '!'
		return true
	case nameByte(n): // ${#x:-y}
		return false
	}
	p.back(m) // an operator: ${#-x}, ${##x}, ${!?x}
	if p.opt.Bash && c == '#' && bareOperator(p.src[p.i:]) {
		return false
	}
	pe.Param = alone
	return true
}

// bareOperator reports whether the rest of an expansion is but an operator
// which bash refuses after ${#.
func bareOperator(s string) bool {
	return len(s) > 1 && s[1] == '}' && strings.IndexByte("/%=+^,", s[0]) >= 0
}

func (p *Parser) paramName() *syntax.Lit {
	c := p.at()
	pos := p.pos()
	switch {
	case nameStart(c):
		name := p.name()
		return p.newLit(pos, p.pos(), name)
	case isDigit(c):
		var digits []byte
		for ; isDigit(c); c = p.at() {
			digits = append(digits, c)
			p.i++
		}
		return p.newLit(pos, p.pos(), string(digits))
	case c == '$' && p.opt.Bash && quotedName(p.src[p.i:]) > 0:
		// bash decodes "${$'x'}" before it looks for the name
		n := quotedName(p.src[p.i:])
		name := p.src[p.i+2 : p.i+n-1]
		p.advance(p.i + n)
		return p.newLit(pos, p.pos(), name)
	case specialParam(c):
		p.i++
		return p.newLit(pos, p.pos(), string(c))
	}
	return nil
}

// quotedName is the length of $'name' at the start of s, 0 if it is not there.
func quotedName(s string) int {
	if !strings.HasPrefix(s, "$'") {
		return 0
	}
	if n := strings.IndexByte(s[2:], '\''); n >= 0 && validName(s[2:2+n]) {
		return n + 3
	}
	return 0
}

// subscript parses [text], nil if there is no text or no end.
func (p *Parser) subscript() syntax.ArithmExpr {
	p.i++
	mark := len(p.parts)
	p.wordParts(wIndex)
	w := p.takeParts(mark)
	if w == nil || p.at() != ']' {
		return nil
	}
	p.i++
	return w
}

var paramOps = map[byte][2]syntax.ParExpOperator{
	'-': {syntax.DefaultUnset, syntax.DefaultUnsetOrNull},
	'+': {syntax.AlternateUnset, syntax.AlternateUnsetOrNull},
	'?': {syntax.ErrorUnset, syntax.ErrorUnsetOrNull},
	'=': {syntax.AssignUnset, syntax.AssignUnsetOrNull},
}

// Operators whose word is a pattern, alone and doubled.
var patternOps = map[byte][2]syntax.ParExpOperator{
	'%': {syntax.RemSmallSuffix, syntax.RemLargeSuffix},
	'#': {syntax.RemSmallPrefix, syntax.RemLargePrefix},
	'^': {syntax.UpperFirst, syntax.UpperAll},
	',': {syntax.LowerFirst, syntax.LowerAll},
}

func (p *Parser) paramOp(pe *syntax.ParamExp, quoted bool) bool {
	c := p.at()
	colon := 0
	if c == ':' {
		p.i++
		colon = 1
		c = p.at()
	}
	if ops, ok := paramOps[c]; ok {
		p.i++
		pe.Exp = p.newExpansion(ops[colon])
		if quoted {
			mark := len(p.parts)
			p.quotedParts(dqBrace)
			pe.Exp.Word = p.takeParts(mark)
		} else {
			pe.Exp.Word = p.wordOf(wBrace)
		}
		return true
	}
	if colon == 1 {
		return p.slice(pe)
	}
	if ops, ok := patternOps[c]; ok {
		p.i++
		pe.Exp = p.newExpansion(ops[0])
		if p.accept(c) {
			pe.Exp.Op = ops[1]
		}
		pe.Exp.Word = p.wordOf(wBrace)
		return true
	}
	switch c {
	case '/':
		p.i++
		pe.Repl = &syntax.Replace{All: p.accept('/')}
		pe.Repl.Orig = p.replaced()
		if p.accept('/') {
			if pe.Repl.With = p.wordOf(wBrace); pe.Repl.With == nil {
				pe.Repl.With = p.newLitWord(p.pos(), p.pos(), "") // ${x/a/} is not listed as ${x/a}
			}
		}
		return true
	case '@':
		p.i++
		return p.transform(pe)
	case '~':
		pos := p.pos()
		p.i++
		letter := "~"
		if p.accept('~') {
			letter = "~~"
		}
		pe.Exp = &syntax.Expansion{Op: syntax.OtherParamOps, Word: p.newLitWord(pos, p.pos(), letter)}
		return true
	}
	return false
}

// replaced parses the pattern of ${x/pattern/with}; a slash that comes first
// belongs to it.
func (p *Parser) replaced() *syntax.Word {
	if p.at() != '/' {
		return p.wordOf(wRepl)
	}
	pos := p.pos()
	p.i++
	slash := p.newLit(pos, p.pos(), "/")
	w := p.wordOf(wRepl)
	if w == nil {
		return p.newWord([]syntax.WordPart{slash})
	}
	w.Parts = append([]syntax.WordPart{slash}, w.Parts...)
	return w
}

// transform parses the letter of ${x@Q}.
func (p *Parser) transform(pe *syntax.ParamExp) bool {
	if c := p.at() | 0x20; c >= 'a' && c <= 'z' { // which ones there are matters when x is set
		pos := p.pos()
		letter := p.src[p.i : p.i+1]
		p.i++
		pe.Exp = &syntax.Expansion{Op: syntax.OtherParamOps, Word: p.newLitWord(pos, p.pos(), letter)}
		return true
	}
	return false
}

// slice parses offset[:length], which come as raw text.
func (p *Parser) slice(pe *syntax.ParamExp) bool {
	if p.at() == '}' {
		return false
	}
	pe.Slice = &syntax.Slice{}
	if p.at() != ':' {
		pe.Slice.Offset = p.rawText(dqSlice)
	}
	if p.accept(':') {
		pe.Slice.Length = p.rawText(dqSlice)
	}
	return true
}
