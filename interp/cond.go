package interp

import (
	"errors"

	"github.com/fsh-sh/fsh/interp/arith"
	"github.com/fsh-sh/fsh/interp/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// cond is a compiled part of [[ … ]].
type cond func(sh *shell) (bool, error)

func (c *compiler) testClause(t *syntax.TestClause) node {
	x := c.cond(t.X)
	line := int(t.Pos().Line())
	return func(sh *shell) flow {
		sh.line = line
		if f, skip := sh.debug(t, line); skip {
			return f
		}
		ok, err := x(sh)
		sh.pipeStatus = nil
		switch {
		case err != nil:
			if _, syntactic := err.(*condError); !syntactic {
				return sh.expansionFailed(err)
			}
			if err != errNoRegexp {
				sh.errorf("[[: %s", err)
			}
			sh.status = 2
			var bad *arith.Error
			if errors.As(err, &bad) {
				sh.status = 1
			}
		case ok:
			sh.status = 0
		default:
			sh.status = 1
		}
		return sh.failed()
	}
}

func (c *compiler) cond(x syntax.TestExpr) cond {
	switch x := x.(type) {
	case *syntax.Word:
		w := compileWord(c, x)
		return func(sh *shell) (bool, error) {
			s, err := w.str(sh)
			sh.traceCond("-n " + shownOperand(s))
			return s != "", err
		}
	case *syntax.ParenTest:
		inner := c.cond(x.X)
		return func(sh *shell) (bool, error) {
			sh.negated = false
			return inner(sh)
		}
	case *syntax.UnaryTest:
		return c.unaryCond(x)
	case *syntax.BinaryTest:
		return c.binaryCond(x)
	}
	c.fail(x.Pos(), "unknown condition")
	return nil
}

func (c *compiler) unaryCond(u *syntax.UnaryTest) cond {
	if u.Op == syntax.TsNot {
		x := c.cond(u.X)
		return func(sh *shell) (bool, error) {
			sh.negated = !sh.negated
			ok, err := x(sh)
			sh.negated = false
			return !ok, err
		}
	}
	op := u.Op.String()
	word, ok := u.X.(*syntax.Word)
	if !ok {
		c.fail(u.Pos(), "%s: a word is expected", op)
		return nil
	}
	w := compileWord(c, word)
	return func(sh *shell) (bool, error) {
		s, err := w.str(sh)
		if err != nil {
			return false, err
		}
		sh.traceCond(op + " " + shownOperand(s))
		if op == "-v" {
			return sh.isSet(s), nil
		}
		return evalUnaryCond(sh, op, s)
	}
}

func (c *compiler) binaryCond(b *syntax.BinaryTest) cond {
	switch b.Op {
	case syntax.AndTest:
		x, y := c.cond(b.X), c.cond(b.Y)
		return func(sh *shell) (bool, error) {
			if ok, err := x(sh); !ok || err != nil {
				return false, err
			}
			return y(sh)
		}
	case syntax.OrTest:
		x, y := c.cond(b.X), c.cond(b.Y)
		return func(sh *shell) (bool, error) {
			if ok, err := x(sh); ok || err != nil {
				return ok, err
			}
			return y(sh)
		}
	}
	left, ok1 := b.X.(*syntax.Word)
	right, ok2 := b.Y.(*syntax.Word)
	if !ok1 || !ok2 {
		c.fail(b.Pos(), "%s: words are expected", b.Op)
		return nil
	}
	x, y, op := compileWord(c, left), compileWord(c, right), b.Op.String()
	switch b.Op {
	case syntax.TsMatch, syntax.TsMatchShort, syntax.TsNoMatch:
		return matchCond(x, y, op, b.Op == syntax.TsNoMatch)
	case syntax.TsReMatch:
		return func(sh *shell) (bool, error) {
			s, err := x.str(sh)
			if err != nil {
				return false, err
			}
			return sh.matchRegexp(s, y)
		}
	case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
		return numberCond(c.numberWord(left, x), c.numberWord(right, y), op)
	}
	return func(sh *shell) (bool, error) {
		s, t, err := both(sh, x, y)
		if err != nil {
			return false, err
		}
		sh.traceCond(shownOperand(s) + " " + op + " " + shownOperand(t))
		return evalBinaryCond(sh, s, op, t)
	}
}

// numberWord is an operand that is arithmetic: x, unless there are subscripts
// with expansions.
func (c *compiler) numberWord(w *syntax.Word, x *word) *word {
	parts, _ := arithParts(wordContext{c: c, tilde: tildeWord}, w.Parts)
	for _, p := range parts {
		if _, ok := p.(*keyPart); ok {
			return &word{parts: parts}
		}
	}
	return x
}

func both(sh *shell, x, y *word) (s, t string, err error) {
	if s, err = x.str(sh); err != nil {
		return
	}
	t, err = y.str(sh)
	return
}

func matchCond(x, y *word, op string, negate bool) cond {
	return func(sh *shell) (bool, error) {
		s, err := x.str(sh)
		if err != nil {
			return false, err
		}
		p, err := y.patternWith(sh, pattern.Extglob) // whatever the option says
		if err != nil {
			return false, err
		}
		if sh.opts.on(optXtrace) {
			t, _ := sh.expandText(y.parts, toShown)
			sh.traceCond(shownOperand(s) + " " + op + " " + shownOperand(t))
		}
		return p.Match(s) != negate, nil
	}
}

// numberCond compares: the operands are arithmetic expressions.
func numberCond(x, y *word, op string) cond {
	return func(sh *shell) (bool, error) {
		s, t, err := both(sh, x, y)
		if err != nil {
			return false, err
		}
		sh.traceCond(shownOperand(s) + " " + op + " " + shownOperand(t))
		a, err := sh.arith(s)
		if err != nil {
			return false, &condError{text: err.Error(), cause: err}
		}
		b, err := sh.arith(t)
		if err != nil {
			return false, &condError{text: err.Error(), cause: err}
		}
		return compareIntegers(a, op, b), nil
	}
}

func (sh *shell) traceCond(s string) {
	if sh.opts.on(optXtrace) {
		if sh.negated {
			s = "! " + s
		}
		sh.trace("[[ " + s + " ]]")
	}
	sh.negated = false
}

// shownOperand is an operand of [[ ]] as -x shows it.
func shownOperand(s string) string {
	if s == "" {
		return "''"
	}
	return s
}
