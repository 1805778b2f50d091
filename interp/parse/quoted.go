package parse

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
	nest := 0  // parentheses or brackets
	quest := 0 // ? of a conditional in dqSlice, whose : does not end it
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
		case '$':
			if !p.isExpansion(true) {
				break
			}
			p.endLit(&r)
			p.parts = append(p.parts, p.dollar(true))
			r = p.beginLit()
			continue
		case '`':
			p.endLit(&r)
			p.parts = append(p.parts, p.backquoted(m == dqQuote || m == dqBrace))
			r = p.beginLit()
			continue
		case '"':
			if m == dqQuote {
				p.endLit(&r)
				return
			}
			if m != dqBrace {
				break
			}
			p.endLit(&r)
			p.parts = append(p.parts, p.doubleQuoted(p.pos(), false))
			r = p.beginLit()
			continue
		case '(', '[':
			nest++
		case '?':
			quest++
		default: // ) ] } ; :
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

// ends reports whether c, one of ) ] } ; : ends the mode.
func ends(m dqMode, c byte, nest int, quest *int) bool {
	switch c {
	case '}':
		return true
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
