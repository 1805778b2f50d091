package parse

import "mvdan.cc/sh/v3/syntax"

// wordMode says where unquoted text ends and what is special in it.
type wordMode uint8

const (
	wPlain  wordMode = iota // a word of a command
	wAssign                 // an argument which may be a=(…), see hasTextArgs
	wRegex                  // after =~: parentheses and | belong to the word
	wBrace                  // in ${x#…}: up to }
	wRepl                   // the pattern of ${x/…/}: up to / or }
	wIndex                  // a subscript: up to its ]
	wModes
)

var wordStops = [wModes]uint8{
	wPlain:  cEnd | cQuo,
	wAssign: cEnd | cQuo,
	wRegex:  cEnd | cQuo,
	wBrace:  cQuo | cBrace,
	wRepl:   cQuo | cBrace | cSlash,
	wIndex:  cQuo | cBrack,
}

// litRun is a literal being collected: src[start:p.i], after p.lbuf if pieces
// of it are elsewhere.
type litRun struct {
	start   int
	spliced bool
	escaped int // index after the last backslash escape
	pos     syntax.Pos
}

func (p *Parser) beginLit() litRun {
	return litRun{start: p.i, pos: p.pos()}
}

// splice saves what the literal has so far.
func (p *Parser) splice(r *litRun) {
	if !r.spliced {
		p.lbuf = p.lbuf[:0]
		r.spliced = true
	}
	p.lbuf = append(p.lbuf, p.src[r.start:p.i]...)
	r.start = p.i
}

// endLit makes the literal a part of the word, and is followed by beginLit.
func (p *Parser) endLit(r *litRun) {
	if val := p.litText(r); val != "" {
		p.parts = append(p.parts, p.newLit(r.pos, p.pos(), val))
	}
}

func (p *Parser) litText(r *litRun) string {
	if !r.spliced {
		return p.src[r.start:p.i]
	}
	p.splice(r)
	return string(p.lbuf)
}

// refill is called at the end of src inside of a literal.
func (p *Parser) refill(r *litRun) bool {
	if p.kind == baseInput { // src grows, or ends
		return p.more()
	}
	if p.kind == nestedInput {
		return false
	}
	p.splice(r)
	if !p.more() {
		return false
	}
	r.start, r.escaped = p.i, p.i
	return true
}

// word parses the word at p.i, and leaves p.i after it.
func (p *Parser) word() *syntax.Word {
	src, i := p.src, p.i
	for i < len(src) && class[src[i]]&(cEnd|cQuo) == 0 {
		i++
	}
	if i < len(src) && i > p.i && class[src[i]]&cEnd != 0 && src[i] != '(' && src[i] != '<' && src[i] != '>' {
		pos, val := p.pos(), src[p.i:i]
		p.i = i
		return p.newLitWord(pos, p.pos(), val)
	}
	w := p.wordOf(wPlain)
	if w == nil {
		p.unexpected("")
	}
	return w
}

// wordOf parses a word of the mode, nil if it is empty.
func (p *Parser) wordOf(m wordMode) *syntax.Word {
	mark := len(p.parts)
	p.wordParts(m)
	return p.takeParts(mark)
}

func (p *Parser) takeParts(mark int) *syntax.Word {
	parts := p.parts[mark:]
	if len(parts) == 0 {
		return nil
	}
	w := p.newWord(parts)
	clear(parts)
	p.parts = p.parts[:mark]
	return w
}

// wordParts collects the parts of a word on p.parts. At the end of input it
// returns: those who want a closing character look for it.
func (p *Parser) wordParts(m wordMode) {
	r := p.beginLit()
	stops := wordStops[m]
	nest := 0 // parentheses or brackets open in the literal
	for {
		src, i := p.src, p.i
		for i < len(src) && class[src[i]]&stops == 0 && (m < wBrace || src[i] != '\n' && (m != wBrace || !p.opensSubst(i))) {
			i++
		}
		p.i = i
		if i == len(src) {
			if m <= wRegex && nest == 0 && p.kind != baseInput || !p.refill(&r) {
				break
			}
			continue
		}
		c := src[i]
		if c == '\n' && (m >= wBrace || nest > 0) {
			p.newline()
			continue
		}
		if class[c]&cQuo != 0 {
			p.quotedPart(&r, c)
			continue
		}
		if m == wBrace && p.opensSubst(i) {
			p.endLit(&r)
			p.parts = append(p.parts, p.procSubst())
			r = p.beginLit()
			continue
		}
		delta, end := p.wordStop(m, c, nest, &r)
		if end {
			break
		}
		if nest += delta; nest > maxDepth {
			p.tooDeep()
		}
	}
	if nest > 0 && m <= wRegex {
		p.failOpen(r.pos, `"("`)
	}
	p.endLit(&r)
}

// opensSubst reports whether a process substitution starts at index i, which
// in the words of ${} is bash's alone.
func (p *Parser) opensSubst(i int) bool {
	c := p.src[i]
	return (c == '<' || c == '>') && i+1 < len(p.src) && p.src[i+1] == '(' && p.opt.Bash
}

// wordStop decides what a character which may end the word does. It consumes
// what belongs to the word, and returns the change in nesting.
func (p *Parser) wordStop(m wordMode, c byte, nest int, r *litRun) (delta int, end bool) {
	switch c {
	case '}', '/':
		return 0, true
	case '[':
		delta = 1
	case ']':
		if nest == 0 {
			return 0, true
		}
		delta = -1
	case '(':
		if nest == 0 && m != wRegex && !p.globParen(r) && !(m == wAssign && p.i > r.start && p.src[p.i-1] == '=') {
			return 0, true
		}
		delta = 1
	case ')':
		if nest == 0 {
			return 0, true
		}
		delta = -1
	case '<', '>':
		if nest == 0 && p.i+1 < len(p.src) && p.src[p.i+1] == '(' {
			p.endLit(r)
			p.parts = append(p.parts, p.procSubst())
			*r = p.beginLit()
			return 0, false
		}
		fallthrough
	default:
		if nest == 0 && (m != wRegex || c != '|') {
			return 0, true
		}
	}
	p.i++
	return delta, false
}

// globParen reports whether the ( at p.i opens an extended pattern: ?(a|b).
func (p *Parser) globParen(r *litRun) bool {
	if !p.opt.Bash || p.i == r.start || p.i == r.escaped {
		return false
	}
	switch p.src[p.i-1] {
	case '?', '*', '+', '@', '!':
		return p.i+1 < len(p.src) && (p.src[p.i+1] != ')' || p.kwAt != r.start)
	}
	return false
}

// quotedPart parses what starts with one of \ ' " ` $ outside of quotes.
func (p *Parser) quotedPart(r *litRun, c byte) {
	var part syntax.WordPart
	switch c {
	case '\\':
		p.escape(r)
		return
	case '$':
		if !p.isExpansion(false) {
			p.i++
			return
		}
		p.endLit(r)
		part = p.dollar(false)
	case '\'':
		p.endLit(r)
		part = p.singleQuoted(p.pos(), false)
	case '"':
		p.endLit(r)
		part = p.doubleQuoted(p.pos(), false)
	case '`':
		p.endLit(r)
		part = p.backquoted(false)
	}
	p.parts = append(p.parts, part)
	*r = p.beginLit()
}

// escape consumes a backslash and what it quotes; they stay in the literal,
// but for a line continuation.
func (p *Parser) escape(r *litRun) {
	if p.i+1 < len(p.src) {
		if p.src[p.i+1] == '\n' {
			p.splice(r)
			p.continuation()
			r.start, r.escaped = p.i, p.i
			return
		}
		p.i += 2
		r.escaped = p.i
		return
	}
	p.i++ // the last byte of an alias, or of everything
	if !p.refill(r) {
		return
	}
	if p.src[p.i] == '\n' {
		p.newline()
	} else {
		p.i++
	}
	r.escaped = p.i
}

// singleQuoted parses '…' or, with p.i after the dollar at pos, $'…'.
func (p *Parser) singleQuoted(pos syntax.Pos, dollar bool) *syntax.SglQuoted {
	q := take(&p.singles)
	q.Left, q.Dollar = pos, dollar
	p.i++
	r := p.beginLit()
	for {
		if p.i == len(p.src) && !p.refill(&r) {
			p.failOpen(pos, "single quote")
		}
		switch p.src[p.i] {
		case '\'':
			q.Right = p.pos()
			q.Value = p.litText(&r)
			p.i++
			return q
		case '\n':
			p.newline()
		case '\\':
			p.i++
			if dollar && (p.i < len(p.src) || p.refill(&r)) && p.src[p.i] != '\n' {
				p.i++
			}
		default:
			p.i++
		}
	}
}

// doubleQuoted parses "…" or, with p.i after the dollar at pos, $"…".
func (p *Parser) doubleQuoted(pos syntax.Pos, dollar bool) *syntax.DblQuoted {
	p.enter()
	q := take(&p.quotes)
	q.Left, q.Dollar = pos, dollar
	p.i++
	mark := len(p.parts)
	p.quotedParts(dqQuote)
	if p.at() != '"' {
		p.failOpen(pos, "double quote")
	}
	q.Right = p.pos()
	p.i++
	q.Parts = list(&p.partPtrs, p.parts[mark:])
	p.parts = p.parts[:mark]
	p.depth--
	return q
}
