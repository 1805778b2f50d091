package interp

import (
	"slices"
	"sort"
	"strconv"
	"strings"
)

var variableBuiltins = []builtin{
	{name: "set", special: true, run: runSet, usage: "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]"},
	{name: "unset", special: true, run: runUnset, usage: "unset [-f] [-v] [-n] [name ...]"},
	{name: "export", special: true, run: runDeclare, usage: "export [-fn] [name[=value] ...] or export -p"},
	{name: "readonly", special: true, run: runDeclare, usage: "readonly [-aAf] [name[=value] ...] or readonly -p"},
	{name: "local", run: runDeclare, usage: "local [option] name[=value] ..."},
	{name: "declare", run: runDeclare, usage: "declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]"},
	{name: "typeset", run: runDeclare, usage: "typeset [-aAfFgiIlnrtux] name[=value] ... or typeset -p [-aAfFilnrtux] [name ...]"},
}

func runSet(sh *shell, args []string) int {
	sh.paramsSet = true
	rest := args[1:]
	if len(rest) == 0 {
		return sh.showVariables()
	}
	for len(rest) > 0 {
		a := rest[0]
		switch {
		case a == "--":
			sh.params = append([]string(nil), rest[1:]...)
			return 0
		case a == "-":
			sh.opts &^= optXtrace | optVerbose
			if len(rest) > 1 {
				sh.params = append([]string(nil), rest[1:]...)
			}
			return 0
		case len(a) < 2 || a[0] != '-' && a[0] != '+':
			sh.params = append([]string(nil), rest...)
			return 0
		}
		rest = rest[1:]
		for i := 1; i < len(a); i++ {
			if a[i] == 'o' {
				if len(rest) == 0 {
					return sh.showOptions(a[0] == '+')
				}
				if !sh.setOption(rest[0], a[0] == '-') {
					if sh.bash() {
						sh.errorf("set: %s: invalid option name", rest[0])
						return 2
					}
					return sh.builtinFailed(2, "set: Illegal option %co %s", a[0], rest[0])
				}
				rest = rest[1:]
				continue
			}
			bit, ok := optionByLetter(a[i])
			if a[i] == 'r' && sh.opts.on(optRestricted) && a[0] == '+' {
				sh.badOption(args[0], "+r")
				return 1
			}
			ok = ok && (a[i] != 'r' || sh.rt.bash)
			if !ok {
				return sh.badOption(args[0], a[:1]+a[i:i+1])
			}
			sh.switchOption(bit, a[0] == '-')
		}
	}
	return 0
}

// setOption is set -o name; false if there is no such option.
func (sh *shell) setOption(name string, on bool) bool {
	bit, ok := optionByName(name)
	if ok {
		sh.switchOption(bit, on)
	}
	return ok
}

func (sh *shell) switchOption(bit options, on bool) {
	was := sh.opts
	if on {
		sh.opts |= bit
	} else {
		sh.opts &^= bit
	}
	if bit == optPosix && was != sh.opts && sh.rt.bash {
		sh.mirror("POSIXLY_CORRECT", "y", on)
		sh.jobs.posix = on
	}
	if bit == optIgnoreeof && sh.rt.bash {
		sh.mirror("IGNOREEOF", "", false)
		sh.mirror("IGNOREEOF", "10", on)
	}
	if bit == optMonitor && was != sh.opts && sh.parent == nil {
		sh.rt.setMonitor(on)
	}
	if on && bit&optHistory != 0 {
		sh.beginHistory()
	}
	if on && bit == optVi {
		sh.opts &^= optEmacs
	}
	if on && bit == optEmacs {
		sh.opts &^= optVi
	}
}

// mirror keeps an option and the variable that sets it the same:
// $POSIXLY_CORRECT, $IGNOREEOF.
func (sh *shell) mirror(name, value string, on bool) {
	v, _ := sh.vars.get(name)
	switch {
	case on && !v.is(attrSet):
		sh.setOwn(name, value)
	case !on && v != nil:
		sh.drop(name, v)
	}
}

func (sh *shell) showOptions(asCommands bool) int {
	var b strings.Builder
	for _, o := range optionTable {
		switch {
		case o.name == "":
		case asCommands && sh.opts.on(o.bit):
			b.WriteString("set -o " + o.name + "\n")
		case asCommands:
			b.WriteString("set +o " + o.name + "\n")
		default:
			state := "off"
			if sh.opts.on(o.bit) {
				state = "on"
			}
			width, gap := 16, 1
			if sh.rt.bash {
				width, gap, state = 15, 0, "\t"+state
			}
			b.WriteString(o.name + strings.Repeat(" ", max(gap, width-len(o.name))) + state + "\n")
		}
	}
	return sh.output("set", []byte(b.String()))
}

// variableNames are the names of all variables that are accepted, sorted.
func (sh *shell) variableNames(accept func(*variable) bool) []string {
	var names []string
	sh.vars.each(func(name string, v *variable) {
		if v != nil && accept(v) {
			names = append(names, name)
		}
	})
	sort.Strings(names)
	return names
}

func (sh *shell) showVariables() int {
	var b strings.Builder
	for _, name := range sh.variableNames(func(v *variable) bool { return v.attrs&attrSet != 0 }) {
		v := sh.lookupVar(name)
		if v == nil || v.hook == hookDynamic && unlisted[name] && sh.rt.bash {
			continue
		}
		if v.is(attrIndexed | attrAssoc) {
			b.WriteString(name + "=" + v.listText() + "\n")
			continue
		}
		s, _ := v.scalar()
		b.WriteString(name + "=" + quoteAlways(s, sh.bash()) + "\n")
	}
	if sh.bash() {
		sh.eachFunction(func(fn *function) { b.WriteString(functionText(fn.decl)) })
	}
	return sh.output("set", []byte(b.String()))
}

func runUnset(sh *shell, args []string) int {
	rest := args[1:]
	functions, variables, reference, letters := false, false, false, ""
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		a := rest[0]
		rest = rest[1:]
		if a == "--" {
			break
		}
		letters += a[1:]
		for _, c := range a[1:] {
			switch c {
			case 'f':
				functions, variables = true, false
			case 'v':
				variables, functions = true, false
			case 'n':
				variables, functions, reference = true, false, true
			default:
				return sh.badOption(args[0], "-"+string(c))
			}
		}
	}
	if sh.bash() && strings.Contains(letters, "f") && strings.Contains(letters, "v") {
		sh.errorf("unset: cannot simultaneously unset a function and a variable")
		return 1
	}
	status := 0
	tokens := sh.arrayRefs
	sh.arrayRefs = nil
	for _, name := range rest {
		if v, _ := sh.vars.get(name); reference && v.is(attrNameref) && !v.is(attrReadonly) {
			sh.drop(name, v)
			continue
		} else if reference && v != nil && !v.is(attrNameref|attrReadonly) {
			continue
		}
		if base, sub, ok := splitSubscript(name); ok && !functions && validName(base) {
			if s := sh.unsetElement(base, sub, slices.Contains(tokens, name)); s != 0 {
				status = s
			}
			continue
		}
		if s := sh.unsetOne(name, functions, variables); s != 0 {
			status = s
		}
	}
	return status
}

func (sh *shell) unsetOne(name string, functions, variables bool) int {
	if functions {
		return sh.unsetFunction(name)
	}
	if !validName(name) {
		if fn, _ := sh.funcs.get(name); fn != nil && !variables {
			return sh.unsetFunction(name)
		}
		if sh.bash() && !variables {
			return 0 // the name of a function that is not there
		} else if sh.bash() {
			return sh.builtinFailed(1, "unset: `%s': not a valid identifier", name)
		}
		return sh.builtinFailed(sh.badNumber(), "unset: %s: bad variable name", name)
	}
	if target, ok := sh.elementRef(name); ok {
		base, sub, _ := splitSubscript(target)
		return sh.unsetElement(base, sub, false)
	}
	if v, _ := sh.vars.get(name); v == nil && sh.bash() && !variables {
		return sh.unsetFunction(name)
	}
	if err := sh.unsetVar(name); err != nil {
		if bad, ok := err.(*nameError); ok && sh.bash() {
			err = &nameError{bad.name, "cannot unset: " + bad.reason}
		}
		return sh.builtinFailed(sh.badNumber(), "unset: %s", err)
	}
	return 0
}

func (sh *shell) unsetFunction(name string) int {
	fn, _ := sh.funcs.get(name)
	if fn == nil {
		return 0
	}
	if fn.readonly {
		return sh.builtinFailed(sh.badNumber(), "unset: %s: cannot unset: readonly function", name)
	}
	if fn.exported {
		sh.env = nil
	}
	if sh.funcs.base == nil {
		sh.funcs.forget(name)
	} else {
		sh.funcs.set(name, nil)
	}
	return 0
}

// unsetElement unsets name[sub]. exact: the argument stood in the script as an
// element, whose subscript has been expanded.
func (sh *shell) unsetElement(name, sub string, exact bool) int {
	v := sh.lookupVar(name)
	if v == nil {
		return 0
	}
	if v.is(attrReadonly) && sh.bash() {
		return sh.builtinFailed(1, "unset: %s: cannot unset: readonly variable", name)
	}
	if sh.rt.bash && !v.is(attrIndexed|attrAssoc) {
		if n, err := sh.arithIndex(sub); sub == "@" || sub == "*" || err != nil || n != 0 {
			return sh.builtinFailed(1, "unset: %s: not an array variable", name)
		}
		return sh.unsetOne(name, false, true)
	}
	own, err := sh.writable(name)
	if err != nil {
		return sh.builtinFailed(1, "unset: %s", err)
	}
	if (sub == "@" || sub == "*") && sh.compatible(51) {
		sh.drop(name, own)
		return 0
	}
	if (sub == "@" || sub == "*") && !own.is(attrAssoc) {
		own.array, own.value = &indexedArray{}, ""
		own.attrs |= attrIndexed
		return 0
	}
	if own.is(attrAssoc) {
		if !exact {
			if sub, err = sh.argumentKey(sub); err != nil {
				return sh.builtinFailed(1, "unset: %s", err)
			}
		}
		own.members().unset(sub)
		return 0
	}
	n, err := sh.arithIndex(sub)
	if err != nil && sh.bash() {
		sh.jump = sh.expansionFailed(err)
		return sh.status
	} else if err != nil {
		return sh.builtinFailed(1, "unset: %s", err)
	}
	i, err := sh.arrayIndex(name, own, n)
	if err != nil && sh.bash() {
		return sh.builtinFailed(1, "unset: [%d]: bad array subscript", n)
	}
	if err != nil {
		return sh.builtinFailed(1, "unset: %s", err)
	}
	if own.array == nil && i == 0 {
		sh.drop(name, own)
		return 0
	}
	own.elements().unset(i)
	return 0
}

// compatible reports whether $BASH_COMPAT asks for what bash did up to a
// version: 51 or 5.1.
func (sh *shell) compatible(version int) bool {
	n, err := strconv.Atoi(strings.Replace(sh.getOr("BASH_COMPAT", ""), ".", "", 1))
	return err == nil && n >= 31 && n <= version && sh.rt.bash
}

// listText is an array as declare -p shows it.
func (v *variable) listText() string {
	var b strings.Builder
	b.WriteByte('(')
	if v.is(attrAssoc) && v.assoc != nil {
		for _, k := range v.assoc.order() {
			b.WriteString("[" + quoteKey(k) + "]=" + quoteDouble(v.assoc.vals[k]) + " ")
		}
	} else if v.array != nil {
		for i, k := range v.array.keys {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString("[" + itoa(int64(k)) + "]=" + quoteDouble(v.array.vals[i]))
		}
	}
	b.WriteByte(')')
	return b.String()
}
