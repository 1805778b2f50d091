package interp

import (
	"mvdan.cc/sh/v3/syntax"
)

// declTarget is one operand, taken apart.
type declTarget struct {
	declArg
	sub, value               string
	isElement, assigned, add bool
}

// assign gives a variable its attributes and its value.
func (c *declCall) assign(sh *shell, d declTarget, name string) error {
	if d.isElement && sh.rt.bash && (c.name == "export" || c.name == "readonly") {
		return &nameError{"`" + d.text + "'", "not a valid identifier"}
	}
	early := c.add &^ (attrReadonly | attrExport)
	if c.add&attrNameref != 0 {
		return c.nameref(sh, d, name)
	}
	if v, _ := sh.vars.get(name); c.remove&attrNameref != 0 && v.is(attrNameref) && d.assigned && !d.isElement && sh.rt.bash {
		err := sh.setAttrs(name, early, c.remove&^attrNameref) // of what it refers to
		if err == nil {
			err = sh.setVar(name, d.value)
		}
		if err != nil {
			return err
		}
		return sh.setAttrs(name, 0, attrNameref)
	}
	if c.name == "readonly" && !d.assigned && d.list == nil && sh.lookupVar(name) != nil {
		early &^= attrIndexed | attrAssoc // readonly -a does not convert
	}
	if d.isElement && early&attrAssoc == 0 && !sh.lookupVar(name).is(attrAssoc) {
		early |= attrIndexed
	}
	if err := c.checkKind(sh, name); err != nil {
		return err
	}
	if early != 0 || c.remove != 0 {
		if err := sh.setAttrs(name, early, c.remove); err != nil {
			return err
		}
	}
	var err error
	switch {
	case d.list != nil:
		err = d.list.run(sh)
	case d.assigned && c.isCompound(sh, name, d.value, d.isElement):
		err = sh.assignCompound(name, d.value, d.add)
	case d.isElement && d.assigned:
		err = sh.assignElement(name, constSubscript(d.sub), d.value, d.add)
	case d.add:
		err = sh.appendVar(name, d.value)
	case d.assigned:
		err = sh.setVar(name, d.value)
	}
	if d.assigned && sh.opts.on(optXtrace) && sh.rt.bash && (c.name == "export" || c.name == "readonly") {
		sh.trace(name + "=" + quoteTracedBash(d.value))
	}
	if err != nil {
		return err
	}
	if late := c.add & (attrReadonly | attrExport); late != 0 || early == 0 && !d.assigned && d.list == nil {
		return sh.setAttrs(name, late, 0)
	}
	return nil
}

// constSubscript is a subscript known as text.
func constSubscript(s string) *subscript {
	c := &compiler{}
	w := &syntax.Word{Parts: []syntax.WordPart{&syntax.SglQuoted{Value: s}}}
	return &subscript{compileWord(c, w), func(sh *shell) (int64, error) { return sh.arithIndex(s) }}
}

// nameref is declare -n: no array is a reference, but it is made all the same.
func (c *declCall) nameref(sh *shell, d declTarget, name string) error {
	kind := c.add & (attrIndexed | attrAssoc)
	if d.list == nil && kind == 0 {
		return c.makeNameref(sh, name, d.value, d.assigned)
	}
	err := sh.setAttrs(name, kind, 0)
	if err == nil && d.list != nil {
		err = d.list.run(sh)
	}
	if err != nil || d.list == nil && !d.assigned {
		return err
	}
	return &nameError{name, "reference variable cannot be an array"}
}

func (c *declCall) makeNameref(sh *shell, name, target string, assigned bool) error {
	own, ok := sh.vars.owned(name)
	if own.is(attrIndexed | attrAssoc) {
		return &nameError{name, "reference variable cannot be an array"}
	}
	if assigned && target == name && sh.localFrame() != nil && !c.global && sh.rt.bash {
		sh.errorf("%s: warning: %s: circular name reference", c.name, name)
		sh.selfRefs = true
	} else if assigned && target == name {
		return &nameError{name, "nameref variable self references not allowed"}
	}
	value := target
	if !assigned && own != nil {
		value = own.value
	}
	if value != "" && !sh.validTarget(value) {
		return &nameError{"`" + value + "'", "invalid variable name for name reference"}
	}
	if !ok || own == nil {
		own = &variable{}
		sh.vars.set(name, own)
	}
	if assigned {
		own.value = target
		own.attrs |= attrSet
	}
	own.attrs |= attrNameref | c.add&attrReadonly
	return nil
}
