package interp

import (
	"strconv"
	"strings"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// newRef reads the name of a parameter.
func newRef(name string) paramRef {
	r := paramRef{name: name}
	switch c := name[0]; {
	case c == '0' && len(name) == 1:
		r.char = '0'
	case strings.Trim(name, "0123456789") == "":
		n, err := strconv.Atoi(name)
		if err != nil {
			n = 1 << 62 // no shell has that many
		}
		if r.num = n; n == 0 {
			r.char = '0'
		}
	case len(name) == 1 && strings.IndexByte("@*#?-$!", c) >= 0:
		r.char = c
	}
	return r
}

func compileParam(k wordContext, p *syntax.ParamExp) part {
	if text, bad := parse.BadSubst(p); bad {
		return badPart{"${" + text + "}"}
	}
	if p.Param == nil || p.Param.Value == "" {
		return badPart{"${}"}
	}
	pp := &paramPart{paramRef: newRef(p.Param.Value), quoted: k.quoted, indirect: p.Excl, short: p.Short, place: k.place()}
	if p.Index != nil {
		if pp.index = compileArrayIndex(k.c, p.Index); pp.index == nil {
			return badPart{p.Param.Value}
		}
	}
	switch {
	case p.Names != 0:
		pp.op, pp.indirect, pp.star = opNames, false, p.Names == syntax.NamesPrefix
	case p.Excl && pp.index != nil && pp.index.all != 0 && p.Exp == nil && p.Repl == nil && p.Slice == nil:
		pp.op, pp.indirect = opKeys, false
	case p.Length:
		pp.op = opLength
	case p.Slice != nil:
		pp.op = opSlice
		pp.offset = compileArithText(k.c, p.Slice.Offset)
		if p.Slice.Length != nil {
			pp.length = compileArithText(k.c, p.Slice.Length)
		}
	case p.Repl != nil:
		pp.compileReplace(k, p.Repl)
	case p.Exp != nil:
		return pp.compileOp(k, p.Exp)
	}
	return pp
}

func (k wordContext) place() paramPlace {
	switch {
	case k.here:
		return inHere
	case k.brace && !k.quoted:
		return inWord
	}
	return inText
}

func compileArrayIndex(c *compiler, x syntax.ArithmExpr) *arrayIndex {
	w, ok := x.(*syntax.Word)
	if !ok {
		return nil
	}
	s := &arrayIndex{src: w.Lit()}
	if s.src == "@" || s.src == "*" {
		s.all = s.src[0]
		return s
	}
	s.key = newWord(wordContext{c: c}, w.Parts)
	number := newWord(wordContext{c: c}, indexWord(w).Parts)
	s.expr = &arithText{parts: number.parts}
	if number.constant {
		s.expr = compileArithText(c, &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: number.text}}})
	}
	return s
}

func (pp *paramPart) compileOp(k wordContext, x *syntax.Expansion) part {
	in := k
	in.brace, in.inner, in.tilde, in.arith = true, false, tildeNever, false
	if !k.quoted {
		in.tilde = tildeWord
	}
	inPlace := func(op paramOp, colon bool) {
		pp.op, pp.colon = op, colon
		if x.Word != nil {
			pp.parts = in.compile(x.Word.Parts)
		}
	}
	asPattern := func(op paramOp, long bool) {
		pp.op, pp.long = op, long
		pp.word = compilePatternWord(k.c, x.Word)
	}
	switch x.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		inPlace(opDefault, x.Op == syntax.DefaultUnsetOrNull)
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		inPlace(opAssign, x.Op == syntax.AssignUnsetOrNull)
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		inPlace(opError, x.Op == syntax.ErrorUnsetOrNull)
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		inPlace(opAlternate, x.Op == syntax.AlternateUnsetOrNull)
	case syntax.RemSmallPrefix, syntax.RemLargePrefix:
		asPattern(opPrefix, x.Op == syntax.RemLargePrefix)
	case syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		asPattern(opSuffix, x.Op == syntax.RemLargeSuffix)
	case syntax.UpperFirst, syntax.UpperAll:
		asPattern(opCase, x.Op == syntax.UpperAll)
	case syntax.LowerFirst, syntax.LowerAll:
		asPattern(opCase, x.Op == syntax.LowerAll)
		pp.lower = true
	case syntax.OtherParamOps:
		if lit := x.Word.Lit(); len(lit) == 1 || lit == "~~" {
			pp.long = lit == "~~"
			pp.op, pp.letter = opTransform, lit[0]
			break
		}
		return badPart{pp.name}
	default:
		return badPart{pp.name}
	}
	return pp
}

func compilePatternWord(c *compiler, w *syntax.Word) *word {
	if w == nil {
		return nil
	}
	return newWord(wordContext{c: c, tilde: tildeWord}, w.Parts)
}

// compileReplace compiles ${x/pattern/with}. An unquoted # or % at the start
// of the pattern anchors it.
func (pp *paramPart) compileReplace(k wordContext, r *syntax.Replace) {
	pp.op, pp.long = opReplace, r.All
	orig := r.Orig
	if orig != nil && !r.All {
		if l, ok := orig.Parts[0].(*syntax.Lit); ok && (l.Value[0] == '#' || l.Value[0] == '%') {
			pp.anchor = l.Value[0]
			rest := append([]syntax.WordPart{&syntax.Lit{Value: l.Value[1:]}}, orig.Parts[1:]...)
			orig = &syntax.Word{Parts: rest}
		}
	}
	pp.word = compilePatternWord(k.c, orig)
	pp.with = compilePatternWord(k.c, r.With)
}
