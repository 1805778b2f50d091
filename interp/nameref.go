package interp

// maxNameref is how many name references are followed (bash: 8).
const maxNameref = 8

// resolve follows name references.
func (sh *shell) resolve(name string) (string, *variable) {
	v, _ := sh.vars.get(name)
	for i := 0; v.is(attrNameref) && v.value != ""; i++ {
		if v.value == name {
			if outer := sh.hiddenBy(name); outer != nil {
				return name, outer.v
			}
		}
		if i == maxNameref || !validName(v.value) {
			return name, nil
		}
		name = v.value
		v, _ = sh.vars.get(name)
	}
	return name, v
}

// hiddenBy is the variable that a function's reference to its own name means:
// the global one.
func (sh *shell) hiddenBy(name string) *savedVariable {
	for _, f := range sh.frames {
		for _, saved := range [][]savedVariable{f.around, f.saved} {
			for i := range saved {
				s := &saved[i]
				if s.name == name && !(s.v.is(attrNameref) && s.v.value == name) {
					return s
				}
			}
		}
	}
	return nil
}

// writableHidden is writable for what such a reference means.
func (sh *shell) writableHidden(name string) (v *variable, ok bool) {
	if own, _ := sh.vars.get(name); !own.is(attrNameref) || own.value != name {
		return nil, false
	}
	s := sh.hiddenBy(name)
	switch {
	case s == nil:
		return nil, false
	case s.v == nil:
		s.v = &variable{hook: variableHooks[name]}
	case !s.own:
		s.v = cloneVariable(s.v)
	}
	s.own = true
	return s.v, true
}

// elementRef is the element of an array that a name refers to, directly or by
// other names.
func (sh *shell) elementRef(name string) (target string, ok bool) {
	v, _ := sh.vars.get(name)
	for i := 0; v.is(attrNameref) && i < maxNameref; i++ {
		if !validName(v.value) {
			base, _, isElement := splitSubscript(v.value)
			return v.value, isElement && validName(base) && sh.endsInName(base)
		}
		v, _ = sh.vars.get(v.value)
	}
	return "", false
}

// endsInName reports whether a name leads to a variable. An array that is
// itself a reference to an element could be one of its own: a=b, b=a[1].
func (sh *shell) endsInName(name string) bool {
	for range maxNameref {
		v, _ := sh.vars.get(name)
		if !v.is(attrNameref) {
			return true
		}
		if name = v.value; !validName(name) {
			return false
		}
	}
	return false
}

// elementVariable is a copy of the element that a name refers to.
func (sh *shell) elementVariable(name string) *variable {
	ref := sh.elementOf(name)
	if ref == nil || ref.isList() {
		return nil
	}
	value, ok, err := ref.get(sh)
	if !ok || err != nil {
		return nil
	}
	v := &variable{value: value, attrs: attrSet}
	if base := sh.lookupVar(ref.name); base != nil {
		v.attrs |= base.attrs & attrInteger
	}
	return v
}

// elementOf is what a nameref to an element of an array refers to, nil for
// any other name.
func (sh *shell) elementOf(name string) *paramRef {
	target, ok := sh.elementRef(name)
	if !ok {
		return nil
	}
	base, sub, _ := splitSubscript(target)
	return &paramRef{name: base, index: dynamicIndex(sub)}
}

// setReference makes the assignments that are no variable's: to an element by
// a name that refers to it, and to a reference that has no name yet.
func (sh *shell) setReference(name, value string) (done bool, err error) {
	if target, ok := sh.elementRef(name); ok {
		return true, sh.assignTo(target, value)
	}
	if v, _ := sh.vars.get(name); v.is(attrNameref) && v.value == "" && !v.is(attrReadonly) {
		return true, sh.refer(name, value)
	}
	return false, nil
}

// refer lets a reference refer to something else.
func (sh *shell) refer(name, target string) error {
	if !sh.validTarget(target) {
		return &nameError{"`" + target + "'", "not a valid identifier"}
	}
	v, ok := sh.vars.owned(name)
	if !ok || v == nil {
		base, _ := sh.vars.get(name)
		v = cloneVariable(base)
		sh.vars.set(name, v)
	}
	v.value = target
	v.attrs |= attrSet
	return nil
}

// setLoop is the assignment of a for loop: a reference refers to each name in turn.
func (sh *shell) setLoop(name, item string) error {
	if v, _ := sh.vars.get(name); v.is(attrNameref) {
		return sh.refer(name, item)
	}
	return sh.setVar(name, item)
}
