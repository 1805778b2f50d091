package interp

import (
	"slices"
	"strings"
)

// attrLetters are the flags of declare -p in bash's order.
var attrLetters = []struct {
	letter byte
	bit    attr
}{
	{'a', attrIndexed}, {'A', attrAssoc}, {'i', attrInteger}, {'n', attrNameref}, {'r', attrReadonly},
	{'t', attrTrace}, {'x', attrExport}, {'c', attrCapital}, {'l', attrLower}, {'u', attrUpper},
}

// show lists variables: all, or those that have the attributes asked for.
func (c *declCall) show(sh *shell) int {
	var b strings.Builder
	accept := c.lists(sh)
	if c.name == "local" && c.add == 0 {
		accept = func(*variable) bool { return true }
	}
	names := sh.variableNames(accept)
	for _, name := range names {
		if c.name == "local" {
			if !isSaved(sh.localFrame(), name) {
				continue
			}
		}
		v, _ := sh.vars.get(name)
		if v.hook == hookDynamic && unlisted[name] && c.add == 0 && !c.print {
			continue
		}
		b.WriteString(c.line(sh, name, sh.listed(name, v)))
	}
	return sh.output(c.name, []byte(b.String()))
}

// lists says which variables a list without names has: all that are set, or
// those with one of the attributes, of arrays if -a or -A is among these.
func (c *declCall) lists(sh *shell) func(*variable) bool {
	kind := c.add & (attrIndexed | attrAssoc)
	own := c.add &^ kind
	switch {
	case c.add == 0:
		return func(v *variable) bool { return v.attrs&attrSet != 0 }
	case kind != 0 && sh.rt.bash:
		return func(v *variable) bool { return v.attrs&kind == kind && (own == 0 || v.attrs&own != 0) }
	}
	return func(v *variable) bool { return v.attrs&c.add != 0 }
}

func isSaved(f *frame, name string) bool {
	is := func(s savedVariable) bool { return s.name == name }
	return slices.ContainsFunc(f.saved, is) || slices.ContainsFunc(f.around, is)
}

// line is a command that recreates a variable.
func (c *declCall) line(sh *shell, name string, v *variable) string {
	if sh.rt.bash && !sh.bash() && (c.name == "export" || c.name == "readonly") {
		text := strings.TrimPrefix(declareLine(name, v), "declare -")
		flags, rest, _ := strings.Cut(text, " ")
		if flags = strings.Trim(flags, "-rxilunt"); flags != "" {
			return c.name + " -" + flags + " " + rest
		}
		return c.name + " " + rest
	}
	if !sh.bash() && (c.name == "export" || c.name == "readonly") {
		if s, ok := v.scalar(); ok {
			return c.name + " " + name + "=" + quoteAlways(s, false) + "\n"
		}
		return c.name + " " + name + "\n"
	}
	if (c.name == "declare" || c.name == "typeset") && !c.print && c.add == 0 {
		if v.is(attrIndexed | attrAssoc) {
			return name + "=" + v.listText() + "\n"
		}
		return name + "=" + quoteAlways(v.value, true) + "\n"
	}
	return declareLine(name, v)
}

func attrText(a attr) (flags string) {
	for _, l := range attrLetters {
		if a&l.bit != 0 {
			flags += string(l.letter)
		}
	}
	return flags
}

func declareLine(name string, v *variable) string {
	flags := attrText(v.attrs)
	if flags == "" {
		flags = "-"
	}
	line := "declare -" + flags + " " + name
	switch {
	case v.is(attrIndexed) && v.array != nil, v.is(attrAssoc) && v.assoc != nil:
		line += "=" + v.listText()
	case v.is(attrIndexed | attrAssoc):
	case v.attrs&attrSet != 0:
		line += "=" + quoteDouble(v.value)
	}
	return line + "\n"
}

func (c *declCall) showNamed(sh *shell) int {
	status := 0
	var b strings.Builder
	for _, a := range c.args {
		v, _ := sh.vars.get(a.text)
		if v == nil || v.hook == hookDynamic && sh.lookupVar(a.text) == nil {
			sh.output(c.name, []byte(b.String()))
			b.Reset()
			sh.errorf("%s: %s: not found", c.name, a.text)
			status = 1
			continue
		}
		if v.hook == hookDynamic {
			v = sh.lookupVar(a.text)
		}
		b.WriteString(declareLine(a.text, v))
	}
	return max(status, sh.output(c.name, []byte(b.String())))
}
