package arith

import "strings"

// maxDepth bounds the nesting of an expression: the parser recurses.
const maxDepth = 500

type parser struct {
	src   string
	pos   int
	tok   int // where the last token started, for errors
	e     *Expr
	err   error
	depth int // of nesting
	stack int // values on the machine's stack here
	// lval is the reference that the code of the operand just parsed
	// consists of, -1 if it is anything else.
	lval int
	elem bool // lval is an array element
	late int  // the end of a subscript not compiled yet, 0: none
	args int  // arguments there are
}

// Parse compiles an expression. Blank text has the value 0.
func Parse(src string) (*Expr, error) {
	e := &Expr{src: strings.TrimLeft(src, " \t\n")}
	p := &parser{src: e.src, e: e}
	p.whole()
	return e, p.err
}

// ParseArgs compiles an expression in which Arg(0) to Arg(n-1) stand for
// values that are known only when it is evaluated.
func ParseArgs(src string, n int) (*Expr, error) {
	e := &Expr{src: strings.TrimLeft(src, " \t\n")}
	p := &parser{src: e.src, e: e, args: n}
	p.whole()
	return e, p.err
}

// whole parses the whole text.
func (p *parser) whole() {
	p.space()
	if p.pos == len(p.src) {
		p.emit(opConst, 0, 1)
		return
	}
	p.comma()
	p.space()
	if p.err != nil || p.pos == len(p.src) {
		return
	}
	p.tok = p.pos
	c := p.src[p.pos]
	switch {
	case c == '=' || p.assignment() != 0:
		p.fail("attempted assignment to non-variable")
	case nameStart(c) || c >= '0' && c <= '9' || strings.IndexByte("()[]:!~,?<>&|^%*/+-", c) >= 0:
		p.fail("syntax error in expression")
	default:
		p.fail("syntax error: invalid arithmetic operator")
	}
}

func (p *parser) fail(msg string) {
	if p.err == nil {
		p.err = &Error{p.src, msg, p.src[min(p.tok, len(p.src)):]}
	}
}

// failBehind is fail for what is missing here: at the end bash shows the token
// before it.
func (p *parser) failBehind(msg string) {
	if p.space(); p.pos < len(p.src) {
		p.tok = p.pos
	}
	p.fail(msg)
}

// enter counts one level of nesting; leave with p.depth--.
func (p *parser) enter() bool {
	if p.depth++; p.depth > maxDepth {
		p.fail("expression recursion level exceeded")
	}
	return p.err == nil
}

// emit adds an instruction that changes the stack's depth by delta.
func (p *parser) emit(op opcode, n int64, delta int) int {
	p.e.code = append(p.e.code, instr{op, n})
	p.stack += delta
	p.e.max = max(p.e.max, p.stack)
	return len(p.e.code) - 1
}

// land lets the jump at code[at] go to the next instruction.
func (p *parser) land(at int) { p.e.code[at].n = int64(len(p.e.code)) }

func (p *parser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// accept consumes s if it comes next.
func (p *parser) accept(s string) bool {
	p.space()
	if strings.HasPrefix(p.src[p.pos:], s) {
		p.tok = p.pos
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) comma() {
	if !p.enter() {
		return
	}
	p.assign()
	for p.err == nil && p.accept(",") {
		p.emit(opPop, 0, -1)
		p.assign()
		p.lval = -1
	}
	p.depth--
}

// assignments are longest first; those without opcode are plain.
var assignments = []struct {
	text string
	op   opcode
}{
	{"<<=", opShl}, {">>=", opShr}, {"*=", opMul}, {"/=", opDiv}, {"%=", opMod}, {"+=", opAdd},
	{"-=", opSubtract}, {"&=", opBitAnd}, {"^=", opBitXor}, {"|=", opBitOr},
}

// assignment returns the length of the assignment operator that comes next.
func (p *parser) assignment() int {
	rest := p.src[p.pos:]
	if len(rest) > 0 && rest[0] == '=' && (len(rest) == 1 || rest[1] != '=') {
		return 1
	}
	for _, a := range assignments {
		if strings.HasPrefix(rest, a.text) {
			return len(a.text)
		}
	}
	return 0
}

func (p *parser) assign() {
	p.conditional()
	p.space()
	if p.err != nil || p.lval < 0 {
		return
	}
	n := p.assignment()
	if n == 0 {
		return
	}
	text := p.src[p.pos : p.pos+n]
	p.tok = p.pos
	p.pos += n
	ref, elem := p.lval, p.elem
	late := p.late
	load := &p.e.code[len(p.e.code)-1]
	if n == 1 {
		p.e.code = p.e.code[:len(p.e.code)-1]
		if !elem || late != 0 { // else the index stays
			p.stack--
		}
	} else if elem {
		load.op = opKeepElem
		p.stack++
	}
	p.space()
	right := p.pos
	if p.enter() {
		p.assign()
	}
	p.depth--
	for _, a := range assignments {
		if a.text == text {
			p.emit(a.op, int64(right), -1)
		}
	}
	if late != 0 {
		at := p.pos
		p.pos = late
		p.subscript(ref, p.e.refs[ref].Sub)
		p.pos = at
		p.emit(opSetElem, int64(ref), -1)
	} else if elem {
		p.emit(opStoreElem, int64(ref), -1)
	} else {
		p.emit(opStore, int64(ref), 0)
	}
	p.lval = -1
}

func (p *parser) conditional() {
	p.logicalOr()
	if p.err != nil || !p.accept("?") {
		return
	}
	if !p.enter() {
		return
	}
	skip := p.emit(opJumpZ, 0, -1)
	p.space()
	if p.pos == len(p.src) || p.src[p.pos] == ':' {
		p.failBehind("expression expected")
		return
	}
	p.comma()
	if p.err != nil {
		return
	}
	if !p.accept(":") {
		p.failBehind("`:' expected for conditional expression")
		return
	}
	end := p.emit(opJump, 0, -1)
	p.land(skip)
	p.space()
	if p.pos == len(p.src) {
		p.failBehind("expression expected")
		return
	}
	p.conditional()
	p.land(end)
	p.lval = -1
	p.depth--
}

func (p *parser) logicalOr() {
	p.logicalAnd()
	for p.err == nil && p.accept("||") {
		at := p.emit(opOr, 0, -1)
		p.logicalAnd()
		p.emit(opBool, 0, 0)
		p.land(at)
		p.lval = -1
	}
}

func (p *parser) logicalAnd() {
	p.binary(1)
	for p.err == nil && p.accept("&&") {
		at := p.emit(opAnd, 0, -1)
		p.binary(1)
		p.emit(opBool, 0, 0)
		p.land(at)
		p.lval = -1
	}
}

// operators are longest first. notBefore lists the characters that would make
// it another operator.
var operators = []struct {
	text      string
	op        opcode
	level     int
	notBefore string
}{
	{"**", opPow, 10, ""},
	{"<<", opShl, 7, "="},
	{">>", opShr, 7, "="},
	{"<=", opLessEq, 6, ""},
	{">=", opGreaterEq, 6, ""},
	{"==", opEq, 5, ""},
	{"!=", opNotEq, 5, ""},
	{"<", opLess, 6, "<"},
	{">", opGreater, 6, ">"},
	{"*", opMul, 9, "="},
	{"/", opDiv, 9, "="},
	{"%", opMod, 9, "="},
	{"+", opAdd, 8, "="},
	{"-", opSubtract, 8, "="},
	{"&", opBitAnd, 4, "&="},
	{"^", opBitXor, 3, "="},
	{"|", opBitOr, 2, "|="},
}

const powLevel = 10

func (p *parser) operator() (op opcode, level, length int) {
	rest := p.src[p.pos:]
	if rest == "" || strings.IndexByte("*/%+-<>=!&^|", rest[0]) < 0 {
		return 0, 0, 0
	}
	for i := range operators {
		o := &operators[i]
		if !strings.HasPrefix(rest, o.text) {
			continue
		}
		if n := len(o.text); n < len(rest) && strings.IndexByte(o.notBefore, rest[n]) >= 0 {
			return 0, 0, 0
		}
		return o.op, o.level, len(o.text)
	}
	return 0, 0, 0
}

// binary parses operators that bind at least as tight as level.
func (p *parser) binary(level int) {
	p.unary()
	for p.err == nil {
		p.space()
		op, l, n := p.operator()
		if n == 0 || l < level {
			return
		}
		p.tok = p.pos
		p.pos += n
		p.space()
		right := p.pos
		next := l + 1
		if l == powLevel { // the only one that associates to the right
			next = l
		}
		if p.enter() {
			p.binary(next)
		}
		p.depth--
		p.emit(op, int64(right), -1)
		p.lval = -1
	}
}

func (p *parser) unary() {
	p.space()
	if p.pos == len(p.src) {
		// bash shows the operator whose operand is missing.
		p.fail("syntax error: operand expected")
		return
	}
	p.tok = p.pos
	var op opcode
	switch c := p.src[p.pos]; c {
	case '+', '-':
		if strings.HasPrefix(p.src[p.pos+1:], string(c)) && p.prefixStep(c) {
			return
		}
		if op = opBool; c == '-' {
			op = opNeg
		}
	case '!':
		op = opNot
	case '~':
		op = opCompl
	default:
		p.primary()
		return
	}
	p.pos++
	if p.enter() {
		p.unary()
	}
	p.depth--
	if op != opBool { // +x is x
		p.emit(op, 0, 0)
	}
	p.lval = -1
}

// prefixStep parses ++name and --name; without a name after them they are two
// signs.
func (p *parser) prefixStep(c byte) bool {
	save := p.pos
	p.pos += 2
	p.space()
	if p.pos == len(p.src) || !nameStart(p.src[p.pos]) {
		p.pos = save
		return false
	}
	ref, elem := p.reference()
	if op := opPreInc; c == '+' {
		p.emitStep(op, ref, elem)
	} else {
		p.emitStep(opPreDec, ref, elem)
	}
	return true
}

func (p *parser) emitStep(op opcode, ref int, elem bool) {
	if elem {
		p.emit(op, int64(ref)<<1|1, 0)
	} else {
		p.emit(op, int64(ref)<<1, 1)
	}
	p.lval = -1
}
