package interp

import (
	"github.com/fsh-sh/fsh/interp/arith"
	"mvdan.cc/sh/v3/syntax"
)

// arithText is compiled arithmetic. Text without expansions is parsed once.
// In $(($x + 1)) the expansion is one of text, but when the values are plain
// numbers that stand alone the result is the same as that of an expression
// with arguments.
type arithText struct {
	parts []part
	expr  *arith.Expr // nil: expand, then parse
	err   error       // of the constant text
	args  []*paramPart
	text  string // of an expression without expansions
}

// maxArithArgs bounds the arguments, so that they need no allocation.
const maxArithArgs = 8

func compileArithText(c *compiler, x syntax.ArithmExpr) *arithText {
	w, ok := x.(*syntax.Word)
	if !ok {
		a := &arithText{}
		if x != nil {
			a.err = &nameError{"arithmetic", "syntax error"}
		}
		a.expr, _ = arith.Parse("")
		return a
	}
	k := wordContext{c: c, quoted: true, arith: true}
	parts, simple := arithParts(k, w.Parts)
	a := &arithText{parts: parts}
	if !simple {
		return a
	}
	src, plain := "", true
	for _, p := range k.compile(w.Parts) {
		switch p := p.(type) {
		case *litPart:
			src += p.s
		case *paramPart:
			if p.op != opNone || p.index != nil || p.isList() || len(a.args) == maxArithArgs {
				return a
			}
			src += arith.Arg(len(a.args))
			a.args = append(a.args, p)
			plain = false
		default:
			return a
		}
	}
	e, err := arith.ParseArgs(src, len(a.args))
	switch {
	case plain:
		a.expr, a.err, a.text = e, err, src
	case err == nil:
		a.expr = e
	default:
		a.args = nil
	}
	return a
}

func (a *arithText) eval(sh *shell) (int64, error) {
	if a.err != nil {
		return 0, a.err
	}
	if a.expr == nil {
		return a.evalText(sh)
	}
	var args [maxArithArgs]int64
	for i, p := range a.args {
		s, _, err := p.scalar(sh)
		if err != nil {
			return 0, err
		}
		n, ok := arith.Decimal(s)
		if !ok {
			return a.evalText(sh)
		}
		args[i] = n
	}
	return a.expr.EvalArgs(arithEnv{sh}, args[:len(a.args)])
}

func (a *arithText) evalText(sh *shell) (int64, error) {
	s, err := sh.expandText(a.parts, toString)
	if err != nil {
		return 0, err
	}
	return sh.arith(s)
}

// arith evaluates text.
func (sh *shell) arith(src string) (int64, error) {
	if n, ok := arith.Decimal(src); ok {
		return n, nil
	}
	e, err := arith.Parse(src)
	if err != nil {
		return 0, err
	}
	return e.Eval(arithEnv{sh})
}

// arithPart is $((…)).
type arithPart struct {
	x      *arithText
	quoted bool
}

func (p *arithPart) expand(e *expander) error {
	n, err := p.x.eval(e.sh)
	if err != nil {
		return err
	}
	e.piece(itoa(n), p.quoted)
	return nil
}

// arithEnv shows the shell's variables to arithmetic.
type arithEnv struct{ sh *shell }

func (a arithEnv) Get(r arith.Ref) (string, error) {
	var s string
	var ok bool
	switch v := a.sh.lookupVar(r.Name); r.Kind {
	case arith.Scalar:
		s, ok = v.scalar()
	case arith.Keyed:
		if v.is(attrAssoc) && v.assoc != nil {
			key, err := a.sh.subscriptKey(r.Sub)
			if err != nil {
				return "", err
			}
			s, ok = v.assoc.get(key)
		}
	default:
		s, ok = v.item(r.Index)
	}
	if !ok && a.sh.opts.on(optNounset) {
		return "", a.sh.unset(r.Name)
	}
	return s, nil
}

func (a arithEnv) Set(r arith.Ref, n int64) error {
	switch r.Kind {
	case arith.Scalar:
		return a.sh.setVar(r.Name, itoa(n))
	case arith.Keyed:
		key, err := a.sh.subscriptKey(r.Sub)
		if err != nil {
			return err
		}
		return a.sh.setAssoc(r.Name, key, itoa(n))
	}
	return a.sh.setIndexed(r.Name, int(r.Index), itoa(n))
}

func (a arithEnv) Keyed(name string) bool { return a.sh.lookupVar(name).is(attrAssoc) }

// item is ${v[i]}: a scalar is an array of one element.
func (v *variable) item(i int64) (string, bool) {
	switch {
	case v == nil || v.attrs&attrAssoc != 0:
		return "", false
	case v.attrs&attrIndexed == 0:
		if i != 0 {
			return "", false
		}
		return v.scalar()
	case v.array == nil:
		return "", false
	}
	if i < 0 {
		i += int64(v.array.next())
	}
	return v.array.get(int(i))
}

func (sh *shell) unset(name string) error {
	if sh.bash() {
		return &unsetError{name, "unbound variable"}
	}
	return &unsetError{name, "parameter not set"}
}
