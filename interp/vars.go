package interp

import (
	"strconv"
	"strings"
	"unicode"
)

type attr uint16

const (
	attrSet attr = 1 << iota // has a value; without it only attributes exist
	attrExport
	attrReadonly
	attrInteger
	attrLower
	attrUpper
	attrNameref
	attrIndexed // array is in use (or will be, at the first assignment)
	attrAssoc   // assoc is in use
	attrTrace
	attrCapital // declare -c
)

// variable is a shell variable. Its owner is the table that holds it: a
// subshell replaces it rather than writing to its parent's.
type variable struct {
	value string // of a scalar
	array *indexedArray
	assoc *assocArray
	attrs attr
	hook  hook
}

func (v *variable) is(a attr) bool { return v != nil && v.attrs&a != 0 }

// scalar is the value that $name has: element 0 of an array.
func (v *variable) scalar() (string, bool) {
	switch {
	case v == nil:
		return "", false
	case v.attrs&attrIndexed != 0:
		if v.array == nil {
			return "", false
		}
		return v.array.get(0)
	case v.attrs&attrAssoc != 0:
		if v.assoc == nil {
			return "", false
		}
		return v.assoc.get("0")
	}
	return v.value, v.attrs&attrSet != 0
}

func cloneVariable(v *variable) *variable {
	if v == nil {
		return nil
	}
	c := *v
	c.array, c.assoc = v.array.clone(), v.assoc.clone()
	return &c
}

// hook names the variables whose change the shell acts upon.
type hook uint8

const (
	hookNone hook = iota
	hookIFS
	hookPath
	hookOptind
	hookLocale
	hookName    // $BASH_ARGV0
	hookPosix   // $POSIXLY_CORRECT
	hookNest    // $FUNCNEST
	hookTrace   // $BASH_XTRACEFD
	hookGlob    // $GLOBIGNORE
	hookEOF     // $IGNOREEOF
	hookDynamic // computed when read: $RANDOM, $SECONDS, $LINENO …
)

var variableHooks = map[string]hook{
	"IFS": hookIFS, "PATH": hookPath, "OPTIND": hookOptind,
	"LC_ALL": hookLocale, "LC_CTYPE": hookLocale, "LANG": hookLocale,
	"LINENO": hookDynamic, "BASH_ARGV0": hookName, "POSIXLY_CORRECT": hookPosix, "FUNCNEST": hookNest, "BASH_XTRACEFD": hookTrace,
	"GLOBIGNORE": hookGlob, "IGNOREEOF": hookEOF,
	"RANDOM": hookDynamic, "SECONDS": hookDynamic, "SRANDOM": hookDynamic,
	"EPOCHSECONDS": hookDynamic, "EPOCHREALTIME": hookDynamic,
	"_": hookDynamic, "BASHPID": hookDynamic, "BASH_SUBSHELL": hookDynamic,
	"FUNCNAME": hookDynamic, "BASH_LINENO": hookDynamic, "BASH_SOURCE": hookDynamic,
	"BASH_ARGC": hookDynamic, "BASH_ARGV": hookDynamic,
	"PIPESTATUS": hookDynamic, "DIRSTACK": hookDynamic, "BASH_ALIASES": hookDynamic, "BASH_CMDS": hookDynamic, "BASH_COMMAND": hookDynamic,
	"SHELLOPTS": hookDynamic, "BASHOPTS": hookDynamic,
}

// lookupVar returns the variable, name references followed, or nil. The
// caller must not write to it. It may be without value: see attrSet. Dynamic
// variables are computed.
func (sh *shell) lookupVar(name string) *variable {
	name, v := sh.resolve(name)
	if v == nil {
		return sh.elementVariable(name)
	}
	if v.hook == hookDynamic {
		return sh.dynamic(name, v)
	}
	return v
}

// getVar is the value of $name for an ordinary name.
func (sh *shell) getVar(name string) (string, bool) { return sh.lookupVar(name).scalar() }

// getOr is getVar with a default for unset.
func (sh *shell) getOr(name, unset string) string {
	if s, ok := sh.getVar(name); ok {
		return s
	}
	return unset
}

// writable returns the shell's own copy of a variable, created if need be.
func (sh *shell) writable(name string) (*variable, error) {
	if v, ok := sh.vars.owned(name); ok && v != nil && v.attrs&(attrReadonly|attrNameref) == 0 {
		return v, nil
	}
	name, v := sh.resolve(name)
	if v.is(attrReadonly) {
		return nil, &nameError{name, sh.readonlyText()}
	}
	if hidden, ok := sh.writableHidden(name); ok {
		return hidden, nil
	}
	if target, ok := sh.elementRef(name); v == nil && ok {
		return nil, &nameError{"`" + target + "'", "not a valid identifier"}
	}
	if own, _ := sh.vars.get(name); v == nil && own.is(attrNameref) && validName(own.value) && sh.rt.bash {
		return nil, &nameError{name, "circular name reference"}
	}
	if own, ok := sh.vars.owned(name); ok && own != nil {
		own.attrs &^= attrNameref // to nothing yet: an array is no reference
		return own, nil
	}
	if v = cloneVariable(v); v == nil {
		v = &variable{hook: variableHooks[name]}
	}
	v.attrs &^= attrNameref
	sh.vars.set(name, v)
	return v, nil
}

func (sh *shell) readonlyText() string {
	if sh.bash() {
		return "readonly variable"
	}
	return "is read only"
}

// setVar assigns a string to a variable (element 0 of an array) and applies
// its attributes and -a.
func (sh *shell) setVar(name, value string) error {
	v, ok := sh.vars.owned(name)
	if !ok || v == nil || v.attrs&(attrReadonly|attrNameref) != 0 {
		done, err := sh.setReference(name, value)
		if done || err != nil {
			return err
		}
		if v, err = sh.writable(name); err != nil {
			return err
		}
	}
	var err error
	if v.attrs&(attrInteger|attrLower|attrUpper|attrCapital) != 0 {
		if value, err = sh.convert(v, value); err != nil {
			return err
		}
	}
	switch {
	case v.attrs&attrIndexed != 0:
		v.elements().set(0, value)
	case v.attrs&attrAssoc != 0:
		v.members().set("0", value)
	default:
		v.value = value
	}
	sh.assigned(name, v)
	return nil
}

// appendVar is name+=value.
func (sh *shell) appendVar(name, value string) error {
	old, _ := sh.getVar(name)
	if sh.lookupVar(name).is(attrInteger) {
		return sh.setVar(name, old+"+("+value+")")
	}
	return sh.setVar(name, old+value)
}

// setLocal is setVar for variables that the shell itself maintains: it
// ignores readonly.
func (sh *shell) setOwn(name, value string) {
	v, ok := sh.vars.owned(name)
	if !ok || v == nil {
		base, _ := sh.vars.get(name)
		if v = cloneVariable(base); v == nil {
			v = &variable{hook: variableHooks[name]}
		}
		sh.vars.set(name, v)
	}
	v.value = value
	sh.assigned(name, v)
}

// unsetVar removes a variable, its attributes included.
func (sh *shell) unsetVar(name string) error {
	name, v := sh.resolve(name)
	if v == nil {
		return nil
	}
	if v.is(attrReadonly) {
		return &nameError{name, sh.readonlyText()}
	}
	if sh.rt.bash && !sh.acceptedShopt("localvar_unset") && sh.unsetOuter(name) {
		return nil
	}
	sh.drop(name, v)
	if f := sh.localFrame(); sh.rt.bash && f != nil && f.has(name) {
		left := &variable{hook: v.hook} // stays the function's
		if sh.inPrefix(name) {
			left.attrs = v.attrs & attrExport
		}
		sh.vars.set(name, left)
	}
	return nil
}

// drop removes a variable by its own name, readonly or not.
func (sh *shell) drop(name string, v *variable) {
	if sh.vars.base == nil {
		sh.vars.forget(name)
	} else {
		sh.vars.set(name, nil)
	}
	if v.is(attrExport) {
		sh.env = nil
	}
	sh.touch(name, v.hook)
}

// convert applies the attributes integer, lower and upper.
func (sh *shell) convert(v *variable, s string) (string, error) {
	switch {
	case v.attrs&attrInteger != 0:
		n, err := sh.arith(s)
		if err != nil {
			return "", &valueError{err}
		}
		return itoa(n), nil
	case v.attrs&attrLower != 0:
		return strings.ToLower(s), nil
	case v.attrs&attrUpper != 0:
		return strings.ToUpper(s), nil
	case v.attrs&attrCapital != 0:
		return mapCase(strings.ToLower(s), unicode.ToUpper, nil, false, !isASCII(s)), nil
	}
	return s, nil
}

// assigned is called after every assignment.
func (sh *shell) assigned(name string, v *variable) {
	v.attrs |= attrSet
	if sh.opts.on(optAllexport) {
		v.attrs |= attrExport
	}
	if v.attrs&attrExport != 0 {
		sh.env = nil
	}
	if v.hook != hookNone {
		sh.touch(name, v.hook)
	}
}

// touch tells the rest of the shell that a variable changed.
func (sh *shell) touch(name string, h hook) {
	switch h {
	case hookIFS:
		s, ok := sh.getVar("IFS")
		sh.ifs = newIFS(s, ok)
	case hookLocale:
		sh.localeKnown = false
	case hookPath:
		sh.hashed = table[string]{}
	case hookOptind:
		sh.optindChanged()
	case hookName:
		if s, ok := sh.getVar(name); ok && sh.rt.bash {
			sh.name = s
		}
	case hookPosix:
		if _, ok := sh.getVar(name); sh.rt.bash {
			sh.switchOption(optPosix, ok)
		}
	case hookGlob:
		if s, ok := sh.getVar(name); !ok {
			sh.shopts &^= shoptDotglob
		} else if s != "" && sh.rt.bash {
			sh.shopts |= shoptDotglob
		}
	case hookEOF:
		if _, ok := sh.getVar(name); sh.rt.bash {
			sh.opts = sh.opts&^optIgnoreeof | optIgnoreeof*boolOption(ok)
		}
	case hookNest:
		n, _ := strconv.Atoi(sh.getOr(name, ""))
		sh.functionLimit = max(n, 0) * int(boolOption(sh.rt.bash))
	case hookTrace:
		sh.traceTo(name)
	case hookDynamic:
		sh.setDynamic(name)
	}
}

// setAttrs adds and removes attributes.
func (sh *shell) setAttrs(name string, add, remove attr) error {
	own, _ := sh.vars.get(name)
	if _, isElement := sh.elementRef(name); isElement && remove&attrNameref == 0 {
		return nil // elements have no attributes
	}
	v := own
	if remove&attrNameref == 0 {
		name, v = sh.resolve(name)
	}
	changes := add &^ (attrReadonly | attrExport)
	if sh.bash() {
		changes = 0
	} else {
		changes |= remove &^ attrExport
	}
	if v.is(attrReadonly) && (remove&attrReadonly != 0 || changes != 0) {
		return &nameError{name, sh.readonlyText()}
	}
	switch {
	case v.is(attrIndexed) && add&attrAssoc != 0:
		return &nameError{name, "cannot convert indexed to associative array"}
	case v.is(attrAssoc) && add&attrIndexed != 0:
		return &nameError{name, "cannot convert associative to indexed array"}
	}
	var ok bool
	if own, ok = sh.vars.owned(name); !ok || own == nil {
		if own = cloneVariable(v); own == nil {
			own = &variable{hook: variableHooks[name]}
		}
		sh.vars.set(name, own)
	}
	if (own.attrs|add)&attrExport != 0 || remove&attrExport != 0 {
		sh.env = nil
	}
	own.attrs = own.attrs&^remove | add
	if add&attrAssoc != 0 && own.array == nil && own.assoc == nil && own.attrs&attrSet != 0 && own.hook != hookDynamic {
		own.assoc = &assocArray{first: assocScalar}
		own.members().set("0", own.value)
		own.value = ""
	} else if add&attrIndexed != 0 && own.assoc == nil && own.attrs&attrSet != 0 && own.hook != hookDynamic {
		own.elements()
	}
	return nil
}

// exported is the value that a variable has in the environment of commands.
func (v *variable) exported() (string, bool) {
	if !v.is(attrExport) || v.attrs&(attrIndexed|attrAssoc) != 0 {
		return "", false
	}
	return v.scalar()
}

// environ is the environment of commands.
func (sh *shell) environ() []string {
	if sh.env != nil {
		return sh.env
	}
	env := make([]string, 0, 64)
	sh.vars.each(func(name string, v *variable) {
		if s, ok := v.exported(); ok {
			env = append(env, name+"="+s)
		}
	})
	if sh.rt.bash {
		env = append(env, sh.hiddenExports()...)
	}
	env = append(env, sh.rt.oddEnv...)
	if sh.rt.bash {
		env = sh.appendFunctions(env)
	}
	sh.env = env
	return env
}

// validName reports whether s is a name (XBD 3.216).
func validName(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
