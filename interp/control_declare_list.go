package interp

import (
	"mvdan.cc/sh/v3/syntax"
)

// bracedArg is an argument like x={a,b}, which brace expansion makes several
// of: only assignments that stand for themselves are left alone.
func (c *compiler) bracedArg(a *syntax.Assign) *word {
	if a.Value == nil || a.Index != nil || a.Naked {
		return nil
	}
	op := "="
	if a.Append {
		op = "+="
	}
	parts := append([]syntax.WordPart{&syntax.Lit{Value: a.Name.Value + op}}, a.Value.Parts...)
	whole := &syntax.Word{Parts: parts}
	w := compileAssignArg(c, whole)
	if w.braces, w.tooMany = compileBraces(c, whole); w.braces == nil && !w.tooMany {
		return nil
	}
	for _, b := range w.braces {
		b.whole = true
	}
	return w
}

// checkKind refuses to turn one kind of array into the other, or into none.
func (c *declCall) checkKind(sh *shell, name string) error {
	v := sh.lookupVar(name)
	switch {
	case c.add&attrIndexed != 0 && v.is(attrAssoc):
		return &nameError{name, "cannot convert associative to indexed array"}
	case c.add&attrAssoc != 0 && v.is(attrIndexed):
		return &nameError{name, "cannot convert indexed to associative array"}
	case c.remove&attrIndexed != 0 && v.is(attrIndexed), c.remove&attrAssoc != 0 && v.is(attrAssoc):
		return &nameError{name, "cannot destroy array variables in this way"}
	}
	return nil
}
