package interp

import (
	"sort"
	"strconv"
	"strings"
)

func (c *declCall) runFunctions(sh *shell) int {
	names := make([]string, 0, len(c.args))
	for _, a := range c.args {
		names = append(names, a.text)
	}
	if len(names) == 0 {
		sh.funcs.each(func(name string, fn *function) {
			if fn != nil && sh.functionAttrs(fn)&c.add == c.add {
				names = append(names, name)
			}
		})
		sort.Strings(names)
		return c.showFunctions(sh, names)
	}
	if c.add&functionAttrs != 0 || c.remove&functionAttrs != 0 || c.name == "export" {
		return c.changeFunctions(sh, names)
	}
	return c.showFunctions(sh, names)
}

// eachFunction visits the functions in the order of their names.
func (sh *shell) eachFunction(visit func(*function)) {
	var fns []*function
	sh.funcs.each(func(_ string, fn *function) {
		if fn != nil {
			fns = append(fns, fn)
		}
	})
	sort.Slice(fns, func(i, j int) bool { return fns[i].name < fns[j].name })
	for _, fn := range fns {
		visit(fn)
	}
}

// functionAttrs are the attributes a function can have.
const functionAttrs = attrReadonly | attrTrace | attrExport

// changeFunctions sets and clears attributes. Functions are immutable, since
// subshells share them: the shell gets a changed copy.
func (c *declCall) changeFunctions(sh *shell, names []string) int {
	status := 0
	for _, name := range names {
		fn, _ := sh.funcs.get(name)
		switch {
		case fn == nil:
			status = sh.builtinFailed(1, "%s: %s: not a function", c.name, name)
			continue
		case fn.readonly && c.remove&attrReadonly != 0:
			status = sh.builtinFailed(1, "%s: %s: readonly function", c.name, name)
			continue
		case c.add&attrExport != 0 && strings.ContainsAny(name, "=/"):
			status = sh.builtinFailed(1, "%s: %s: cannot export", c.name, name)
			continue
		}
		a := sh.functionAttrs(fn)&^c.remove | c.add
		changed := *fn
		changed.traced, changed.readonly = a&attrTrace != 0, a&attrReadonly != 0
		changed.exported = a&attrExport != 0
		sh.funcs.set(name, &changed)
		if changed.exported != fn.exported {
			sh.env = nil
		}
	}
	return status
}

// functionAttrs are the attributes that declare -F shows of a function.
func (sh *shell) functionAttrs(fn *function) (a attr) {
	if fn.exported {
		a |= attrExport
	}
	if fn.traced {
		a |= attrTrace
	}
	if fn.readonly {
		a |= attrReadonly
	}
	return a
}

// showFunctions lists functions: their text, with -F their names.
func (c *declCall) showFunctions(sh *shell, names []string) int {
	status := 0
	var b strings.Builder
	for _, name := range names {
		fn, _ := sh.funcs.get(name)
		switch {
		case fn == nil:
			status = 1
		case c.names && len(c.args) > 0 && !c.print:
			b.WriteString(name)
			if sh.shopts.on(shoptExtdebug) {
				b.WriteString(" " + strconv.Itoa(fn.line) + " " + shownFile(fn.file))
			}
			b.WriteString("\n")
		case c.names:
			b.WriteString("declare -f" + attrText(sh.functionAttrs(fn)) + " " + name + "\n")
		default:
			b.WriteString(functionText(fn.decl))
			if a := sh.functionAttrs(fn); a != 0 && (len(c.args) == 0 || c.print) {
				b.WriteString("declare -f" + attrText(a) + " " + name + "\n")
			}
		}
	}
	return max(status, sh.output(c.name, []byte(b.String())))
}
