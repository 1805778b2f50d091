package arith

import "strings"

func (p *parser) primary() {
	c := p.src[p.pos]
	switch {
	case c == '(':
		p.pos++
		p.comma()
		if p.err == nil && !p.accept(")") {
			p.failBehind("missing `)'")
		}
		p.lval = -1
	case c >= '0' && c <= '9':
		p.constant()
	case c == 0 && p.pos+1 < len(p.src) && int(p.src[p.pos+1]) < p.args:
		p.emit(opArg, int64(p.src[p.pos+1]), 1)
		p.pos += 2
		p.lval = -1
	case nameStart(c):
		ref, elem := p.reference()
		if p.err != nil {
			return
		}
		p.space()
		switch rest := p.src[p.pos:]; {
		case strings.HasPrefix(rest, "++"):
			p.pos += 2
			p.emitStep(opPostInc, ref, elem)
		case strings.HasPrefix(rest, "--"):
			p.pos += 2
			p.emitStep(opPostDec, ref, elem)
		default:
			if p.late != 0 {
				p.emit(opLoadElem, int64(ref), 1) // assign drops it
			} else if elem {
				p.emit(opLoadElem, int64(ref), 0)
			} else {
				p.emit(opLoad, int64(ref), 1)
			}
			p.lval, p.elem = ref, elem
		}
	default:
		p.fail("syntax error: operand expected")
	}
}

func nameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func nameByte(c byte) bool { return nameStart(c) || '0' <= c && c <= '9' }

func (p *parser) constant() {
	start := p.pos
	for p.pos < len(p.src) && (nameByte(p.src[p.pos]) || p.src[p.pos] == '#' || p.src[p.pos] == '@') {
		p.pos++
	}
	n, msg := number(p.src[start:p.pos])
	if msg != "" {
		p.fail(msg)
	}
	p.emit(opConst, n, 1)
	p.lval = -1
}

// reference parses name or name[subscript]. For an element it emits code that
// pushes the index.
func (p *parser) reference() (ref int, elem bool) {
	start := p.pos
	for p.pos < len(p.src) && nameByte(p.src[p.pos]) {
		p.pos++
	}
	r := Ref{Name: p.src[start:p.pos]}
	if p.pos < len(p.src) && p.src[p.pos] == '[' {
		end := Closing(p.src, p.pos)
		if end < 0 {
			p.tok = start
			p.fail("bad array subscript")
			return 0, false
		}
		r.Sub, elem = p.src[p.pos+1:end], true
		p.pos = end + 1
	}
	ref = len(p.e.refs)
	p.e.refs = append(p.e.refs, r)
	p.late = 0
	if elem && p.assigned() {
		p.late = p.pos // assign compiles the subscript
	} else if elem {
		p.subscript(ref, r.Sub)
	}
	return ref, elem
}

// assigned tells whether a plain = follows: it evaluates its right side
// before the subscript on the left, as bash does.
func (p *parser) assigned() bool {
	s := strings.TrimLeft(p.src[p.pos:], " \t\n")
	return strings.HasPrefix(s, "=") && !strings.HasPrefix(s, "==")
}

// Closing returns the index of the bracket that closes the one at s[i], -1 if
// none does. Brackets that are quoted do not count.
func Closing(s string, i int) int {
	for open := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			i++
		case '\'', '"':
			if n := strings.IndexByte(s[i+1:], c); n >= 0 {
				i += n + 1
			}
		case '[':
			open++
		case ']':
			if open--; open == 0 {
				return i
			}
		}
	}
	return -1
}

// subscript emits code for an index. That the text is no expression matters
// only if the array turns out to have no string keys.
func (p *parser) subscript(ref int, text string) {
	stack := p.stack
	p.emit(opSub, int64(ref), 0)
	end := p.emit(opSubEnd, 0, 0)
	closer := p.pos - 1 // of the closing bracket
	from := closer - len(text)
	sub := &parser{src: p.src[:closer], pos: from, tok: from, e: p.e, depth: p.depth, stack: stack, args: p.args}
	if !sub.enter() {
		p.err = sub.err
		return
	}
	switch {
	case text == "":
		sub.fail("bad array subscript")
	case strings.TrimSpace(text) == "":
		sub.emit(opConst, 0, 1)
	case strings.ContainsAny(text, "$`'\"\\"):
		sub.emit(opIndex, int64(ref), 1)
	default:
		sub.whole()
	}
	if sub.err != nil {
		p.e.code = append(p.e.code[:end+1], instr{opFail, int64(len(p.e.errs))})
		p.e.errs = append(p.e.errs, sub.err)
	}
	p.land(end)
	p.stack = stack
	p.emit(opBool, 0, 1) // replaced: only for the stack's depth
	p.e.code = p.e.code[:len(p.e.code)-1]
}
