package interp

import (
	"slices"
	"strings"
)

// Whose variable a name is: see frame.

// makeLocal gives a name a value of its own for the function. It starts unset
// as in every shell but dash, which keeps the outer value until it is assigned.
func (c *declCall) makeLocal(sh *shell, f *frame, name string) error {
	if f.has(name) {
		return nil
	}
	old, _ := sh.vars.get(name)
	if old.is(attrReadonly) && !(sh.rt.bash && sh.isLocal(name)) {
		return &nameError{name, sh.readonlyText()}
	}
	sh.save(f, name)
	if old == nil {
		return nil
	}
	if c.inherit || sh.shopts.on(shoptLocalvarInherit) {
		return nil
	}
	fresh := &variable{hook: old.hook, attrs: old.attrs & attrExport}
	if prefixed := sh.inPrefix(name); prefixed {
		fresh = cloneVariable(old)
	}
	sh.vars.set(name, fresh)
	if old.is(attrExport) {
		sh.env = nil
	}
	sh.touch(name, old.hook)
	return nil
}

// inPrefix reports whether a name was assigned before the function's call,
// as in `x=1 f`: bash gives local x that value.
func (sh *shell) inPrefix(name string) bool {
	for i := len(sh.frames) - 1; i > 0; i-- {
		if sh.frames[i].function {
			for _, s := range sh.frames[i-1].saved {
				if s.name == name && !sh.frames[i-1].function {
					return true
				}
			}
			return false
		}
	}
	return false
}

// adopt makes what was assigned before a declaration command the variable that
// it declares, of the function if local, as bash does.
func (sh *shell) adopt(name string, local bool) {
	for i := len(sh.frames) - 1; i >= 0 && !sh.frames[i].function; i-- {
		f := sh.frames[i]
		for j, s := range f.saved {
			if s.name != name {
				continue
			}
			f.saved = append(f.saved[:j], f.saved[j+1:]...)
			if outer := sh.localFrame(); local && outer != nil && !outer.has(name) {
				outer.saved = append(outer.saved, s)
			}
			return
		}
	}
}

// globally runs something for the variable that all scopes hide.
func (sh *shell) globally(name string, run func() error) error {
	for _, f := range sh.frames {
		for i := range f.saved {
			outer := &f.saved[i]
			if outer.name != name {
				continue
			}
			inner := savedVariable{name: name, offset: sh.getopts.offset}
			inner.v, inner.own = sh.vars.owned(name)
			sh.restore(*outer)
			err := run()
			outer.v, outer.own = sh.vars.owned(name)
			sh.restore(inner)
			return err
		}
	}
	return run()
}

// isLocal reports whether a name is that of a function's own variable.
func (sh *shell) isLocal(name string) bool {
	return slices.ContainsFunc(sh.frames, func(f *frame) bool { return f.function && f.has(name) })
}

// hiddenExports are variables that commands get although a local variable of
// that name hides them: bash hides them only behind exported values.
func (sh *shell) hiddenExports() (env []string) {
	var known map[string]bool
	for i := len(sh.frames) - 1; i >= 0; i-- {
		for _, s := range sh.frames[i].saved {
			value, ok := s.v.exported()
			if now, _ := sh.vars.get(s.name); !ok || known[s.name] {
				continue
			} else if _, shown := now.exported(); shown {
				continue
			}
			if known == nil {
				known = map[string]bool{}
			}
			known[s.name] = true
			env = append(env, s.name+"="+value)
		}
	}
	for _, f := range sh.frames {
		for _, text := range f.hidden {
			name, _, _ := strings.Cut(text, "=")
			now, _ := sh.vars.get(name)
			if _, shown := now.exported(); !shown && !known[name] {
				env = append(env, text)
			}
		}
	}
	return env
}
