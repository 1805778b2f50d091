package parse

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// dqMode says where text which is read as in double quotes ends.
type dqMode uint8

const (
	dqQuote   dqMode = iota // "…"
	dqHere                  // here-document: up to the end of its input
	dqBrace                 // the word of "${x:-…}"
	dqArith                 // $((…)), ((…)): up to a ) which is not open
	dqBracket               // $[…]
	dqSlice                 // ${x:…:…}: up to : or }
	dqFor                   // for ((…; …; …)): up to ; or )
	dqModes
)

var dqStops = [dqModes]uint8{
	dqQuote:   cDq,
	dqHere:    cDq,
	dqBrace:   cDq | cBrace,
	dqArith:   cDq | cArith,
	dqBracket: cDq | cBrack,
	dqSlice:   cDq | cArith | cBrace,
	dqFor:     cDq | cArith,
}

// quotedParts collects parts on p.parts up to what ends the mode, which is
// not consumed, or to the end of input.
func (p *Parser) quotedParts(m dqMode) {
	r := p.beginLit()
	stops := dqStops[m]
	nest := 0   // parentheses or brackets
	quest := 0  // ? of a conditional in dqSlice, whose : does not end it
	single := 0 // before this index } is in single quotes
	for {
		src, i := p.src, p.i
		for i < len(src) && class[src[i]]&stops == 0 {
			i++
		}
		p.i = i
		if i == len(src) {
			if m == dqHere || !p.refill(&r) {
				break
			}
			continue
		}
		switch c := src[i]; c {
		case '\n':
			p.newline()
			continue
		case '\\':
			p.escape(&r)
			continue
		case '$', '`', '"':
			if c == '"' && m == dqQuote {
				p.endLit(&r)
				return
			}
			if c == '"' && p.inSingle(m, &single, &r) { // bash drops it there
				p.endLit(&r)
				p.i++
				r = p.beginLit()
				continue
			}
			if p.innerPart(m, c, &r) {
				continue
			}
		case '(', '[':
			if nest++; nest > maxDepth {
				p.tooDeep()
			}
		case '?':
			if nest == 0 {
				quest++
			}
		case '}':
			if p.inSingle(m, &single, &r) {
				break
			}
			p.endLit(&r)
			return
		default: // ) ] ; :
			if ends(m, c, nest, &quest) {
				p.endLit(&r)
				return
			}
			if c == ')' || c == ']' {
				nest--
			}
		}
		p.i++
	}
	p.endLit(&r)
}

// inSingle tells whether bash takes the place for one in single quotes, though
// they are within "${x…}"; end is up to where that is known already.
func (p *Parser) inSingle(m dqMode, end *int, r *litRun) bool {
	if m != dqBrace || !p.opt.Bash || p.posix {
		return false
	}
	if *end <= p.i {
		*end = p.singleQuotedBrace(r.start)
	}
	return p.i < *end
}

// innerPart parses what starts with one of $ ` " if it is more than text.
func (p *Parser) innerPart(m dqMode, c byte, r *litRun) bool {
	quoted := true
	if c == '$' && m == dqBrace && p.opt.Bash && !p.here && strings.HasPrefix(p.src[p.i:], "$'") {
		quoted = false // bash decodes "${x:-$'\t'}"
	}
	if c == '$' && !p.isExpansion(quoted) || c == '"' && m != dqBrace {
		return false
	}
	p.endLit(r)
	var part syntax.WordPart
	switch c {
	case '$':
		part = p.dollar(quoted)
	case '`':
		part = p.backquoted(m == dqQuote || m == dqBrace)
	case '"':
		part = p.doubleQuoted(p.pos(), false)
	}
	p.parts = append(p.parts, part)
	*r = p.beginLit()
	return true
}

// ends reports whether c, one of ) ] ; : ends the mode.
func ends(m dqMode, c byte, nest int, quest *int) bool {
	switch c {
	case ';':
		return m == dqFor && nest == 0
	case ':':
		if m != dqSlice || nest > 0 {
			return false
		}
		*quest--
		return *quest < 0
	case ')':
		return nest == 0 && m != dqSlice
	}
	return nest == 0
}

// singleQuotedBrace finds out whether the } or " at p.i is between single quotes
// of the word of "${x:-…}", which starts at from. Single quotes are text
// there, but outside of its POSIX mode bash lets them hide a }. It returns the
// index of the closing quote, or 0. A quote without partner is just text.
func (p *Parser) singleQuotedBrace(from int) int {
	open := 0
	for i := from; i < p.i; i++ {
		switch p.src[i] {
		case '\\':
			i++
		case '\'':
			open ^= 1
		}
	}
	if open == 0 {
		return 0
	}
	after := p.i + 1
	n := strings.IndexAny(p.src[after:], "'\"\n")
	if n < 0 || p.src[after+n] != '\'' {
		return 0
	}
	return after + n
}
