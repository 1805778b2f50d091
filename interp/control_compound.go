package interp

import (
	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// isCompound reports whether a value that is no (…) of the grammar is taken
// as one: in bash for what becomes an array, and declare for what is one.
func (c *declCall) isCompound(sh *shell, name, value string, isElement bool) bool {
	if !sh.rt.bash || len(value) < 2 || value[0] != '(' || value[len(value)-1] != ')' {
		return false
	}
	if c.add&(attrIndexed|attrAssoc) != 0 {
		return true
	}
	return !isElement && c.name != "export" && c.name != "readonly" && sh.lookupVar(name).is(attrIndexed|attrAssoc)
}

// assignCompound is name=(…) whose text is known only now.
func (sh *shell) assignCompound(name, value string, add bool) error {
	op := "="
	if add {
		op = "+="
	}
	p := parse.New(parse.String(name+op+value), parse.Options{Name: "array assign", Bash: true})
	stmts, err := p.Next()
	if err != nil {
		return &nameError{value, "syntax error"}
	}
	var call *syntax.CallExpr
	if len(stmts) == 1 {
		call, _ = stmts[0].Cmd.(*syntax.CallExpr)
	}
	if call == nil || len(call.Args) > 0 || len(call.Assigns) != 1 || len(stmts[0].Redirs) > 0 || stmts[0].Background {
		return &nameError{value, "syntax error"}
	}
	if more, _ := p.Next(); more != nil {
		return &nameError{value, "syntax error"}
	}
	c := &compiler{file: sh.file}
	a := c.assign(call.Assigns[0])
	if c.err != nil {
		return c.err
	}
	return a.run(sh)
}
