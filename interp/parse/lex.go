package parse

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// token is what the parser looks at. Operators are consumed when they become
// the current token, words are not: how a word is read depends on the grammar.
type token uint8

const (
	tEOF token = iota
	tNewl
	tWord
	tSemi
	tAmp
	tPipe
	tPipeAmp
	tAndIf
	tOrIf
	tDSemi
	tSemiAnd
	tDSemiAnd
	tLparen
	tRparen
	tRedir
)

var tokNames = [...]string{
	tEOF: "end of file", tNewl: "newline", tSemi: `";"`, tAmp: `"&"`, tPipe: `"|"`,
	tPipeAmp: `"|&"`, tAndIf: `"&&"`, tOrIf: `"||"`, tDSemi: `";;"`, tSemiAnd: `";&"`,
	tDSemiAnd: `";;&"`, tLparen: `"("`, tRparen: `")"`,
}

func (p *Parser) tokText() string {
	switch p.tok {
	case tWord:
		lit, _ := p.litAhead()
		const long = 60
		if lit == "" || len(lit) > long {
			return "word"
		}
		return strconv.Quote(lit)
	case tRedir:
		return `"` + p.rop.String() + `"`
	}
	return tokNames[p.tok]
}

// tokName is the current token itself, or "" if it has no short name.
func (p *Parser) tokName() string {
	text := p.tokText()
	if name, err := strconv.Unquote(text); err == nil {
		return name
	}
	if p.tok == tNewl {
		return text
	}
	return ""
}

// Classes of bytes: where scans stop.
const (
	cEnd   = 1 << iota // ends an unquoted word
	cQuo               // quotes and expansions, outside of quotes
	cDq                // the same inside double quotes, and newline
	cBrace             // }
	cSlash             // /
	cBrack             // [ ]
	cArith             // ( ) ; : ?
	cName              // may be in a name
)

var class = func() (t [256]uint8) {
	set := func(bytes string, c uint8) {
		for i := range len(bytes) {
			t[bytes[i]] |= c
		}
	}
	set(" \t\n;&|<>()", cEnd)
	set("\\'\"`$", cQuo)
	set("\\\"`$\n", cDq)
	set("}", cBrace)
	set("/", cSlash)
	set("[]", cBrack)
	set("();:?", cArith)
	set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", cName)
	return t
}()

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func nameByte(c byte) bool {
	return class[c]&cName != 0
}
func nameStart(c byte) bool { return nameByte(c) && !isDigit(c) }

// at is the next byte, after any line continuations, or 0 at the end of input.
func (p *Parser) at() byte {
	if p.i < len(p.src) && p.src[p.i] != '\\' {
		return p.src[p.i]
	}
	return p.atSlow()
}

func (p *Parser) atSlow() byte {
	for {
		if p.i == len(p.src) && !p.more() {
			return 0
		}
		if !p.continuation() {
			return p.src[p.i]
		}
	}
}

// continuation consumes a backslash-newline.
func (p *Parser) continuation() bool {
	if p.src[p.i] != '\\' || p.i+1 >= len(p.src) || p.src[p.i+1] != '\n' {
		return false
	}
	p.i++
	p.newline()
	return true
}

// accept consumes c if it is next.
func (p *Parser) accept(c byte) bool {
	if p.at() != c {
		return false
	}
	p.i++
	return true
}

// next makes the next token the current one.
func (p *Parser) next() {
	p.kwAt = -1
	p.rnum = nil
	for {
		if p.i == len(p.src) && !p.more() {
			p.tokPos = p.pos()
			p.tok = tEOF
			return
		}
		switch c := p.src[p.i]; c {
		case ' ', '\t':
			p.i++
		case '#':
			p.comment()
		case '\n':
			p.tokPos = p.pos()
			p.newline()
			if len(p.pending) > 0 {
				p.hereDocs()
			}
			p.tok = tNewl
			return
		case '\\':
			if p.continuation() {
				continue
			}
			p.tokPos, p.tok = p.pos(), tWord
			return
		default:
			p.tokPos = p.pos()
			p.operator(c)
			return
		}
	}
}

func (p *Parser) comment() {
	for {
		if n := strings.IndexByte(p.src[p.i:], '\n'); n >= 0 {
			p.i += n
			return
		}
		p.i = len(p.src)
		if !p.more() {
			return
		}
	}
}

func (p *Parser) operator(c byte) {
	switch {
	case class[c]&cEnd == 0:
		p.tok = tWord
		if (isDigit(c) || c == '{' && p.opt.Bash) && !p.cond {
			p.redirPrefix(c)
		}
		return
	case c == '<' || c == '>':
		p.redirOp(c)
		return
	}
	p.i++
	switch c {
	case '(':
		p.tok = tLparen
	case ')':
		p.tok = tRparen
	case ';':
		p.semicolon()
	case '|':
		p.tok = tPipe
		if p.accept('|') {
			p.tok = tOrIf
		} else if p.accept('&') {
			p.tok = tPipeAmp
		}
	case '&':
		p.tok = tAmp
		if p.accept('&') {
			p.tok = tAndIf
		} else if p.opt.Bash && p.i < len(p.src) && p.src[p.i] == '>' {
			p.i++
			p.tok, p.rop = tRedir, syntax.RdrAll
			if p.accept('>') {
				p.rop = syntax.AppAll
			}
		}
	}
}

func (p *Parser) semicolon() {
	p.tok = tSemi
	switch p.at() {
	case ';':
		p.i++
		p.tok = tDSemi
		if p.accept('&') {
			p.tok = tDSemiAnd
		}
	case '&': // POSIX has it since 2024
		p.i++
		p.tok = tSemiAnd
	}
}

// redirPrefix looks for 2> and, in bash, {name}>.
func (p *Parser) redirPrefix(c byte) {
	src, j := p.src, p.i+1
	if c == '{' {
		for j < len(src) && (nameByte(src[j]) || src[j] == '[' || src[j] == ']') {
			j++
		}
		if j >= len(src) || src[j] != '}' || j == p.i+1 || isDigit(src[p.i+1]) {
			return
		}
		j++
	} else {
		for j < len(src) && isDigit(src[j]) {
			j++
		}
	}
	end := j
	for j+1 < len(src) && src[j] == '\\' && src[j+1] == '\n' {
		if j += 2; j == len(src) && p.extend(j) {
			src = p.src
		}
	}
	if j >= len(src) || src[j] != '<' && src[j] != '>' {
		return
	}
	if j+1 < len(src) && src[j+1] == '(' && j == end {
		return // 2>(cmd) is a word
	}
	pos := p.pos()
	val := src[p.i:end]
	p.advance(end)
	p.rnum = p.newLit(pos, p.pos(), val)
	p.advance(j)
	p.redirOp(src[j])
}

func (p *Parser) redirOp(c byte) {
	if p.i+1 < len(p.src) && p.src[p.i+1] == '(' {
		p.tok = tWord // process substitution
		return
	}
	p.i++
	p.tok = tRedir
	n := p.at()
	if c == '>' {
		switch n {
		case '>':
			p.rop = syntax.AppOut
		case '&':
			p.rop = syntax.DplOut
		case '|':
			p.rop = syntax.RdrClob
		default:
			p.rop = syntax.RdrOut
			return
		}
		p.i++
		return
	}
	switch n {
	case '>':
		p.rop = syntax.RdrInOut
	case '&':
		p.rop = syntax.DplIn
	case '<':
		p.i++
		p.rop = syntax.Hdoc
		switch n = p.at(); {
		case n == '-':
			p.rop = syntax.DashHdoc
		case n == '<':
			p.rop = syntax.WordHdoc
		default:
			return
		}
	default:
		p.rop = syntax.RdrIn
		return
	}
	p.i++
}

// extend gets another line of the base input, while p.i is before its end.
func (p *Parser) extend(end int) bool {
	if p.kind != baseInput {
		return false
	}
	at := p.i
	p.i = end
	ok := p.more()
	p.i = at
	return ok
}

// litAhead returns the word at p.i without consuming it if it has no quotes
// and no expansions, and the index of its end; otherwise "".
func (p *Parser) litAhead() (string, int) {
	src, i := p.src, p.i
	for i < len(src) && class[src[i]]&(cEnd|cQuo) == 0 {
		i++
	}
	if i < len(src) && class[src[i]]&cQuo != 0 {
		if src[i] == '\\' && i+1 < len(src) && src[i+1] == '\n' {
			return p.litAheadJoined(i)
		}
		return "", 0
	}
	return src[p.i:i], i
}

// litAheadJoined is litAhead for a word with the line continuation at src[i].
func (p *Parser) litAheadJoined(i int) (string, int) {
	lit := []byte(p.src[p.i:i])
	for {
		if i == len(p.src) {
			if !p.extend(i) {
				return string(lit), i
			}
		}
		switch {
		case i == len(p.src) || class[p.src[i]]&cEnd != 0:
			return string(lit), i
		case class[p.src[i]]&cQuo == 0:
			lit = append(lit, p.src[i])
			i++
		case p.src[i] == '\\' && i+1 < len(p.src) && p.src[i+1] == '\n':
			i += 2
		default:
			return "", 0
		}
	}
}
