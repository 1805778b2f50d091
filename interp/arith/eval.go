package arith

type opcode uint8

const (
	opConst     opcode = iota // push n
	opLoad                    // push variable n
	opArg                     // push argument n
	opSub                     // see sub: n is ref, the next instruction's n the end
	opSubEnd                  // operand of opSub, never executed
	opFail                    // end with error n
	opIndex                   // push the subscript of ref n, which is to be expanded
	opLoadElem                // replace the index by the element
	opKeepElem                // push the element, keep the index
	opStore                   // variable n = top
	opStoreElem               // element n[second] = top, which replaces both
	opSetElem                 // element n[top] = second, which replaces both
	opPreInc                  // for variables; n is ref<<1 | element
	opPreDec
	opPostInc
	opPostDec
	opPop
	opJump   // to n
	opJumpZ  // pop, jump to n if zero
	opAnd    // if top is zero jump to n, else pop
	opOr     // if top is not zero make it 1 and jump to n, else pop
	opBool   // top = top != 0
	opNeg    // unary
	opNot    //
	opCompl  //
	opBinary // the binary operators follow; n is where their right side starts
)

const (
	opMul = opBinary + 1 + iota
	opDiv
	opMod
	opAdd
	opSubtract
	opShl
	opShr
	opLess
	opLessEq
	opGreater
	opGreaterEq
	opEq
	opNotEq
	opBitAnd
	opBitXor
	opBitOr
	opPow
)

// smallStack is the stack that needs no allocation.
const smallStack = 16

func (e *Expr) run(env Env, depth int, args []int64) (int64, error) {
	var small [smallStack]int64
	st := small[:]
	if e.max > smallStack {
		st = make([]int64, e.max)
	}
	sp := 0 // number of values
	for pc := 0; pc < len(e.code); pc++ {
		in := e.code[pc]
		if in.op > opBinary {
			sp--
			n, msg := binary(in.op, st[sp-1], st[sp])
			if msg != "" {
				return 0, &Error{fill(e.src, args), msg, fill(e.src[in.n:], args)}
			}
			st[sp-1] = n
			continue
		}
		switch in.op {
		case opConst:
			st[sp] = in.n
			sp++
		case opArg:
			st[sp] = args[in.n]
			sp++
		case opLoad:
			n, err := e.load(Ref{Name: e.refs[in.n].Name}, env, depth)
			if err != nil {
				return 0, err
			}
			st[sp] = n
			sp++
		case opSub:
			pc++
			if env.Keyed(e.refs[in.n].Name) {
				st[sp] = 0
				sp++
				pc = int(e.code[pc].n) - 1
			}
		case opIndex:
			n, err := env.Index(e.refs[in.n].Sub)
			if err != nil {
				return 0, err
			}
			st[sp] = n
			sp++
		case opFail:
			return 0, e.errs[in.n]
		case opLoadElem, opKeepElem:
			n, err := e.load(e.element(in.n, st[sp-1], env), env, depth)
			if err != nil {
				return 0, err
			}
			if in.op == opKeepElem {
				sp++
			}
			st[sp-1] = n
		case opStore:
			if err := env.Set(Ref{Name: e.refs[in.n].Name}, st[sp-1]); err != nil {
				return 0, err
			}
		case opStoreElem:
			sp--
			if err := env.Set(e.element(in.n, st[sp-1], env), st[sp]); err != nil {
				return 0, err
			}
			st[sp-1] = st[sp]
		case opSetElem:
			sp--
			if err := env.Set(e.element(in.n, st[sp], env), st[sp-1]); err != nil {
				return 0, err
			}
		case opPreInc, opPreDec, opPostInc, opPostDec:
			ref := Ref{Name: e.refs[in.n>>1].Name}
			if in.n&1 != 0 {
				sp--
				ref = e.element(in.n>>1, st[sp], env)
			}
			n, err := e.step(in.op, ref, env, depth)
			if err != nil {
				return 0, err
			}
			st[sp] = n
			sp++
		case opPop:
			sp--
		case opJump:
			pc = int(in.n) - 1
		case opJumpZ:
			if sp--; st[sp] == 0 {
				pc = int(in.n) - 1
			}
		case opAnd:
			if st[sp-1] == 0 {
				pc = int(in.n) - 1
			} else {
				sp--
			}
		case opOr:
			if st[sp-1] != 0 {
				st[sp-1] = 1
				pc = int(in.n) - 1
			} else {
				sp--
			}
		case opBool:
			st[sp-1] = truth(st[sp-1] != 0)
		case opNeg:
			st[sp-1] = -st[sp-1]
		case opNot:
			st[sp-1] = truth(st[sp-1] == 0)
		case opCompl:
			st[sp-1] = ^st[sp-1]
		}
	}
	return st[0], nil
}

func (e *Expr) load(ref Ref, env Env, depth int) (int64, error) {
	s, err := env.Get(ref)
	if err != nil {
		return 0, err
	}
	return value(s, env, depth)
}

func (e *Expr) element(ref, index int64, env Env) Ref {
	r := e.refs[ref]
	r.Kind, r.Index = Indexed, index
	if env.Keyed(r.Name) {
		r.Kind = Keyed
	}
	return r
}

// step is ++ and --.
func (e *Expr) step(op opcode, ref Ref, env Env, depth int) (int64, error) {
	old, err := e.load(ref, env, depth)
	if err != nil {
		return 0, err
	}
	changed := old + 1
	if op == opPreDec || op == opPostDec {
		changed = old - 1
	}
	if err := env.Set(ref, changed); err != nil {
		return 0, err
	}
	if op == opPreInc || op == opPreDec {
		return changed, nil
	}
	return old, nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func binary(op opcode, a, b int64) (int64, string) {
	switch op {
	case opMul:
		return a * b, ""
	case opDiv:
		if b == 0 {
			return 0, "division by 0"
		}
		return a / b, "" // the language defines MinInt64 / -1 as MinInt64
	case opMod:
		if b == 0 {
			return 0, "division by 0"
		}
		return a % b, ""
	case opAdd:
		return a + b, ""
	case opSubtract:
		return a - b, ""
	case opShl:
		return a << (uint64(b) & 63), ""
	case opShr:
		return a >> (uint64(b) & 63), ""
	case opLess:
		return truth(a < b), ""
	case opLessEq:
		return truth(a <= b), ""
	case opGreater:
		return truth(a > b), ""
	case opGreaterEq:
		return truth(a >= b), ""
	case opEq:
		return truth(a == b), ""
	case opNotEq:
		return truth(a != b), ""
	case opBitAnd:
		return a & b, ""
	case opBitXor:
		return a ^ b, ""
	case opBitOr:
		return a | b, ""
	}
	if b < 0 {
		return 0, "exponent less than 0"
	}
	n := int64(1)
	for ; b > 0; b >>= 1 {
		if b&1 != 0 {
			n *= a
		}
		a *= a
	}
	return n, ""
}
