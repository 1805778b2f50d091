package parse

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxHereDocs is bash's limit of a line's.
const maxHereDocs = 16

// redirects parses redirections, of which the current token is the first.
func (p *Parser) redirects() []*syntax.Redirect {
	var buf [4]*syntax.Redirect
	rs := buf[:0]
	for p.tok == tRedir {
		rs = append(rs, p.redirect())
	}
	return list(&p.redirPtrs, rs)
}

// joined is a, mostly empty, and b.
func joined(a, b []*syntax.Redirect) []*syntax.Redirect {
	if a == nil {
		return b
	}
	return append(a, b...)
}

// redirect parses the word of the redirection which is the current token, and
// reads the next token.
func (p *Parser) redirect() *syntax.Redirect {
	r := take(&p.redirs)
	r.OpPos, r.Op, r.N = p.tokPos, p.rop, p.rnum
	if r.N != nil {
		r.OpPos = r.N.ValueEnd
	}
	p.next()
	if p.copied(r) {
		return r
	}
	if p.tok != tWord {
		p.unexpected("word")
	}
	if r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc {
		r.Word = p.hereWord()
		p.pending = append(p.pending, r)
		if p.opt.Bash && len(p.pending) > maxHereDocs {
			p.failAt(r.OpPos, "more than 16 here-documents in a line")
		}
	} else {
		r.Word = p.word()
	}
	p.next()
	return r
}

// copied parses what bash ends a >& or <& with before the end of a word: the
// number of what it takes for another redirection in POSIX's grammar, where an
// IO_NUMBER is no word (2>&1>file), and a - (2>&-1>&3).
func (p *Parser) copied(r *syntax.Redirect) bool {
	if !p.opt.Bash || r.Op != syntax.DplIn && r.Op != syntax.DplOut {
		return false
	}
	switch {
	case p.tok == tRedir && p.rnum != nil && p.rnum.Value[0] != '{':
		r.Word = p.newWord([]syntax.WordPart{p.rnum})
		p.tokPos, p.rnum = p.rnum.ValueEnd, nil
	case p.tok == tWord && p.at() == '-':
		pos := p.pos()
		p.i++
		r.Word = p.newLitWord(pos, p.pos(), "-")
		p.next()
	default:
		return false
	}
	return true
}

// hereWord parses the word after <<, in which only quotes are special.
func (p *Parser) hereWord() *syntax.Word {
	mark := len(p.parts)
	r := p.beginLit()
	for {
		if p.i == len(p.src) && (p.kind != baseInput || !p.refill(&r)) {
			break
		}
		c := p.src[p.i]
		if class[c]&cEnd != 0 {
			break
		}
		switch c {
		case '\\':
			p.escape(&r)
		case '\'', '"':
			p.endLit(&r)
			var part syntax.WordPart
			if c == '"' {
				part = p.hereQuoted()
			} else {
				part = p.singleQuoted(p.pos(), false)
			}
			p.parts = append(p.parts, part)
			r = p.beginLit()
		default:
			p.i++
		}
	}
	p.endLit(&r)
	w := p.takeParts(mark)
	if w == nil {
		p.unexpected("word")
	}
	return w
}

func (p *Parser) hereQuoted() *syntax.DblQuoted {
	q := take(&p.quotes)
	q.Left = p.pos()
	p.i++
	r := p.beginLit()
	for {
		if p.i == len(p.src) && !p.refill(&r) {
			p.failOpen(q.Left, "double quote")
		}
		switch p.src[p.i] {
		case '"':
			mark := len(p.parts)
			p.endLit(&r)
			q.Parts = list(&p.partPtrs, p.parts[mark:])
			p.parts = p.parts[:mark]
			q.Right = p.pos()
			p.i++
			return q
		case '\n':
			p.newline()
		case '\\':
			p.escape(&r)
		default:
			p.i++
		}
	}
}

// HereQuoted reports whether the word after << has a quote, so that the body
// is taken as it is: one Lit, in which no character is special.
func HereQuoted(word *syntax.Word) bool {
	_, quoted := HereEnd(word)
	return quoted
}

// HereEnd removes the quotes of the word after <<.
func HereEnd(w *syntax.Word) (text string, quoted bool) {
	var b strings.Builder
	unescape := func(s, only string) {
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' && i+1 < len(s) && (only == "" || strings.IndexByte(only, s[i+1]) >= 0) {
				quoted = true
				i++
			}
			b.WriteByte(s[i])
		}
	}
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			unescape(part.Value, "")
		case *syntax.SglQuoted:
			quoted = true
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			quoted = true
			for _, l := range part.Parts {
				if l, ok := l.(*syntax.Lit); ok {
					unescape(l.Value, "\\\"$`")
				}
			}
		}
	}
	return b.String(), quoted
}

// hereDocs reads the bodies of the here-documents waiting for the newline
// which was just consumed. The end of input ends a body as well.
func (p *Parser) hereDocs() {
	for len(p.pending) > 0 {
		r := p.pending[0]
		p.pending = p.pending[1:]
		p.hereBody(r)
	}
	p.pending = nil
}

// hereText is the text of a body being collected: src[start:p.i] after text.
type hereText struct {
	input          // what the body will be as an input
	start   int    // of the part of p.src not yet in text
	text    []byte // the part before
	removed bool   // something is missing between: text is needed
}

func (p *Parser) hereBody(r *syntax.Redirect) {
	delim, quoted := HereEnd(r.Word)
	h := hereText{start: p.i}
	h.input = input{base: p.off(p.i), line: p.line, lineOff: p.lineOff, kind: nestedInput,
		fixed: p.fixed, isFixed: p.isFixed}
	if !p.isFixed && p.gaps != nil {
		// An input of the text of an input: lines are right, columns nearly.
		h.lineOff = h.base
	}
	pos := p.pos()
	for {
		if p.i == len(p.src) && !p.hereMore(&h) {
			break
		}
		bol := p.i
		if r.Op == syntax.DashHdoc {
			if p.endsWithTabs(delim) {
				h.take(p, bol)
				p.hereLine(true)
				break
			}
			p.stripTabs(&h)
		}
		if p.opt.Bash && p.inSubst && delim != "" && p.endsAtParen(delim) {
			h.take(p, bol)
			p.advance(p.i + len(delim))
			break
		}
		if p.hereLine(quoted) == delim {
			h.take(p, bol)
			break
		}
	}
	if !h.done() {
		h.take(p, p.i)
	}
	r.Hdoc = p.hereWordOf(&h, pos, quoted)
}

// endsWithTabs reports whether the line is a delimiter that begins with a tab,
// which bash looks for before it removes the tabs of the line.
func (p *Parser) endsWithTabs(delim string) bool {
	if !p.opt.Bash || !strings.HasPrefix(delim, "\t") {
		return false
	}
	line, _, _ := strings.Cut(p.src[p.i:], "\n")
	return line == delim
}

// endsAtParen reports whether a line starts with the delimiter and has the
// parenthesis that ends the substitution after it: bash takes that as the end.
func (p *Parser) endsAtParen(delim string) bool {
	rest, found := strings.CutPrefix(p.src[p.i:], delim)
	if !found {
		return false
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Contains(line, ")")
}

// done reports whether src has the body.
func (h *hereText) done() bool { return h.start < 0 }

// take makes src[start:end] the rest of the body.
func (h *hereText) take(p *Parser, end int) {
	if end < h.start {
		end = h.start
	}
	if h.removed {
		h.src = string(append(h.text, p.src[h.start:end]...))
	} else {
		h.src = p.src[h.start:end]
	}
	h.start = -1
}

// hereMore gets more input at the end of p.src.
func (p *Parser) hereMore(h *hereText) bool {
	if p.kind == baseInput {
		return p.more()
	}
	if p.kind == nestedInput {
		return false
	}
	h.text = append(h.text, p.src[h.start:p.i]...)
	h.removed, h.start = true, p.i
	if !p.more() {
		h.start = p.i
		return false
	}
	h.start = p.i
	return true
}

// stripTabs leaves the tabs at p.i out of the body.
func (p *Parser) stripTabs(h *hereText) {
	bol := p.i
	for p.i < len(p.src) && p.src[p.i] == '\t' {
		p.i++
	}
	if p.i == bol {
		return
	}
	h.text = append(h.text, p.src[h.start:bol]...)
	h.removed, h.start = true, p.i
	h.gaps = append(h.gaps, gap{len(h.text), p.off(p.i) - h.base - len(h.text)})
}

// hereLine consumes a line, and returns it without its newline. In bodies
// which are expanded, continued lines are one line.
func (p *Parser) hereLine(quoted bool) string {
	line := ""
	for {
		if p.i == len(p.src) && (p.kind != baseInput || !p.more()) {
			return line
		}
		start, end := p.i, len(p.src)
		n := strings.IndexByte(p.src[p.i:], '\n')
		if n >= 0 {
			end = p.i + n
		}
		if n >= 0 {
			p.advance(end + 1)
		} else {
			p.advance(end)
		}
		part := p.src[start:end]
		if quoted || n < 0 || !continued(part) {
			if line == "" {
				return part
			}
			return line + part
		}
		// Quadratic only in the lines of one continued line; a delimiter
		// has no need for the rest of a long one.
		if len(line) < 4096 {
			line += part[:len(part)-1]
		}
	}
}

// continued reports whether the line ends in a backslash which is not quoted.
func continued(line string) bool {
	n := 0
	for n < len(line) && line[len(line)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// BadHere reports whether the body of a here-document cannot be parsed, which
// is an error when it is expanded. The body is one Lit without an end.
func BadHere(body *syntax.Word) bool {
	if len(body.Parts) != 1 {
		return false
	}
	l, ok := body.Parts[0].(*syntax.Lit)
	return ok && !l.ValueEnd.IsValid()
}

// hereWordOf parses a body, nil if it is empty.
func (p *Parser) hereWordOf(h *hereText, pos syntax.Pos, quoted bool) *syntax.Word {
	if h.src == "" {
		return nil
	}
	if quoted || !strings.ContainsAny(h.src, "\\$`") {
		return p.newLitWord(pos, p.pos(), h.src)
	}
	// The text of a nested body is scanned once for every level.
	const weight = 20
	p.depth += weight
	p.enter()
	depth, mark := len(p.stack), len(p.parts)
	body := func() {
		p.push(h.input)
		p.here = true
		p.quotedParts(dqHere)
		p.here = false
		for len(p.stack) > depth {
			p.pop()
		}
	}
	if !p.opt.Bash {
		body()
	} else if !p.try(body) {
		// bash looks at the body when it is expanded.
		p.here = false
		p.parts = append(p.parts, &syntax.Lit{ValuePos: pos, Value: h.src})
	}
	p.depth -= weight + 1
	return p.takeParts(mark)
}
