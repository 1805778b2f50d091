package interp

import (
	"strings"

	"github.com/fsh-sh/fsh/interp/arith"
	"mvdan.cc/sh/v3/syntax"
)

// declArg is one operand of declare and its kind: a name or an assignment,
// whose array value was compiled with the command.
type declArg struct {
	text    string
	list    *assign // name=(…)
	element bool    // the script has name[subscript]=…
}

// declaration compiles export, local and the like used as keywords: their
// assignments are not split, and may be arrays.
func (c *compiler) declaration(d *syntax.DeclClause, s *syntax.Stmt) node {
	cmd := &simple{redirs: c.redirects(s.Redirs), line: int(s.Pos().Line())}
	args := make([]func(sh *shell, dst []declArg) ([]declArg, error), 0, len(d.Args))
	for _, a := range d.Args {
		args = append(args, c.declArg(a))
	}
	name := d.Variant.Value
	return func(sh *shell) flow {
		sh.line = cmd.line
		if f, skip := sh.debug(d, cmd.line); skip {
			return f
		}
		sh.substRan = false
		list := make([]declArg, 0, len(args))
		var err error
		for _, arg := range args {
			if list, err = arg(sh, list); err != nil {
				return sh.expansionFailed(err)
			}
		}
		texts := make([]string, 1, len(list)+1)
		texts[0] = name
		for _, a := range list {
			texts = append(texts, a.text)
		}
		if fn, _ := sh.findInternal(name); fn != nil {
			if f := cmd.callFunction(sh, fn, texts); f != flowNext {
				return f
			}
			return sh.failed()
		}
		sh.declArgs = list
		b := sh.rt.builtins[name]
		if b == nil {
			return c.fail(d.Pos(), "%s: unknown declaration", name)(sh)
		}
		f := cmd.callBuiltin(sh, b, texts)
		sh.declArgs, sh.lastArg = nil, texts[len(texts)-1]
		if f != flowNext {
			return f
		}
		return sh.failed()
	}
}

func (c *compiler) declArg(a *syntax.Assign) func(sh *shell, dst []declArg) ([]declArg, error) {
	if a.Name == nil {
		w := compileWord(c, a.Value)
		return func(sh *shell, dst []declArg) ([]declArg, error) {
			fields, err := w.fields(sh, nil)
			for _, f := range fields {
				dst = append(dst, declArg{text: f})
			}
			return dst, err
		}
	}
	if w := c.bracedArg(a); w != nil {
		return func(sh *shell, dst []declArg) ([]declArg, error) {
			fields, err := w.fields(sh, nil)
			for _, f := range fields {
				dst = append(dst, declArg{text: f})
			}
			return dst, err
		}
	}
	compiled := c.assign(a)
	naked := a.Naked
	return func(sh *shell, dst []declArg) ([]declArg, error) {
		text := compiled.name
		if compiled.index != nil {
			key, err := compiled.index.key.str(sh)
			if err != nil {
				return nil, err
			}
			text += "[" + key + "]"
		}
		if compiled.isList {
			return append(dst, declArg{text: text, list: &compiled}), nil
		}
		if naked {
			return append(dst, declArg{text: text}), nil
		}
		value := ""
		if compiled.value != nil {
			var err error
			if value, err = compiled.value.str(sh); err != nil {
				return nil, err
			}
		}
		op := "="
		if compiled.add {
			op = "+="
		}
		return append(dst, declArg{text: text + op + value, element: compiled.index != nil}), nil
	}
}

// declCall is a parsed call of declare and its kind.
type declCall struct {
	name        string
	add, remove attr
	print       bool
	functions   bool // -f
	names       bool // -F
	global      bool // -g
	local       bool
	letters     string // the options, if not all of declare's
	args        []declArg
}

// declOptions are the options of those that do not have all of declare's.
var declOptions = map[string]string{"export": "aAfnp", "readonly": "aAfp"}

var declFlags = map[byte]attr{
	'a': attrIndexed, 'A': attrAssoc, 'i': attrInteger, 'l': attrLower,
	'u': attrUpper, 'n': attrNameref, 'r': attrReadonly, 'x': attrExport, 't': attrTrace,
}

func runDeclare(sh *shell, args []string) int {
	list := sh.declArgs
	sh.declArgs = nil
	if list == nil {
		for _, a := range args[1:] {
			list = append(list, declArg{text: a})
		}
	}
	c := &declCall{name: args[0], letters: declOptions[args[0]]}
	if bad, ok := c.parse(list); !ok {
		return sh.badOption(args[0], bad)
	}
	switch args[0] {
	case "export":
		if c.remove == attrExport || c.add&attrNameref != 0 { // export -n
			c.add, c.remove = 0, attrExport
		} else {
			c.add |= attrExport
		}
	case "readonly":
		c.add |= attrReadonly
	case "local":
		c.local = true
	default:
		c.local = !c.global
	}
	if c.name == "local" && sh.localFrame() == nil {
		sh.errorf("local: can only be used in a function")
		if sh.bash() {
			return 1
		}
		return 2
	}
	return c.run(sh)
}

// parse takes the options off the operands.
func (c *declCall) parse(list []declArg) (bad string, ok bool) {
	for len(list) > 0 && list[0].list == nil {
		a := list[0].text
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		list = list[1:]
		if a == "--" {
			break
		}
		for i := 1; i < len(a); i++ {
			bit, known := declFlags[a[i]]
			switch {
			case c.letters != "" && (strings.IndexByte(c.letters, a[i]) < 0 || a[0] == '+'):
				return a[:1] + a[i:i+1], false
			case known && a[0] == '-':
				c.add |= bit
			case known:
				c.remove |= bit
			case a[i] == 'p':
				c.print = true
			case a[i] == 'f':
				c.functions = true
			case a[i] == 'F':
				c.functions, c.names = true, true
			case a[i] == 'g':
				c.global = true
			case a[i] == 'c' && a[0] == '-':
				c.add |= attrCapital
			case a[i] == 'I':
			default:
				return a[:1] + a[i:i+1], false
			}
		}
	}
	switch c.add & (attrLower | attrUpper) {
	case attrLower | attrUpper: // they cancel each other
		c.add &^= attrLower | attrUpper
		c.remove |= attrLower | attrUpper
	case attrLower:
		c.remove |= attrUpper
	case attrUpper:
		c.remove |= attrLower
	}
	c.args = list
	return "", true
}

func (c *declCall) run(sh *shell) int {
	switch {
	case c.functions:
		return c.runFunctions(sh)
	case len(c.args) == 0:
		return c.show(sh)
	case c.print && c.name != "export" && c.name != "readonly":
		return c.showNamed(sh)
	}
	status := 0
	for _, a := range c.args {
		if s := c.one(sh, a); s != 0 {
			status = s
			if sh.jump != flowNext {
				return s
			}
		}
	}
	return status
}

func (c *declCall) one(sh *shell, a declArg) int {
	if a.text == "-" && c.name == "local" {
		if f := sh.localFrame(); !f.saveOpts {
			f.opts, f.saveOpts = sh.opts, true
		}
		return 0
	}
	name, value, assigned := strings.Cut(a.text, "=")
	add := false
	if assigned && strings.HasSuffix(name, "+") {
		name, add = name[:len(name)-1], true
	}
	base, sub, isElement := splitSubscript(name)
	if !isElement {
		base = name
	}
	if !validName(base) || isElement && !c.endsElement(sh, a, name) {
		status := 2
		if sh.bash() {
			sh.errorf("%s: `%s': not a valid identifier", c.name, a.text)
			return 1
		}
		return sh.builtinFailed(status, "%s: %s: bad variable name", c.name, base)
	}
	if err := c.apply(sh, a, base, sub, isElement, value, assigned, add); err != nil {
		status := 1
		if !sh.bash() {
			status = 2
		}
		return sh.builtinFailed(status, "%s: %s", c.name, err)
	}
	return 0
}

// endsElement is that of the shell, but for arguments that are quoted.
func (c *declCall) endsElement(sh *shell, a declArg, name string) bool {
	if a.element {
		return sh.endsElement(name, false)
	}
	return arith.Closing(name, strings.IndexByte(name, '[')) == len(name)-1
}

func (c *declCall) apply(sh *shell, a declArg, name, sub string, isElement bool, value string, assigned, add bool) error {
	if a.list != nil { // local a=("${a[@]}") means the outer one
		kind := c.add
		if v := sh.lookupVar(name); v != nil && c.add&attrIndexed == 0 {
			kind |= v.attrs
		}
		list, err := a.list.expanded(sh, kind)
		if err != nil {
			return err
		}
		a.list = list
	}
	if c.local {
		if f := sh.localFrame(); f != nil {
			if err := c.makeLocal(sh, f, name); err != nil {
				return err
			}
		}
	}
	if sh.rt.bash && !assigned && (c.add&attrExport != 0 || c.name == "export" || c.name == "readonly") {
		sh.keep(name) // of the assignments before the command
	}
	if isElement && sh.rt.bash && (c.name == "export" || c.name == "readonly") {
		return &nameError{"`" + a.text + "'", "not a valid identifier"}
	}
	early := c.add &^ (attrReadonly | attrExport)
	if c.add&attrNameref != 0 {
		return c.makeNameref(sh, name, value, assigned)
	}
	if c.name == "readonly" && !assigned && a.list == nil && sh.lookupVar(name) != nil {
		early &^= attrIndexed | attrAssoc // readonly -a does not convert
	}
	if isElement && early&attrAssoc == 0 && !sh.lookupVar(name).is(attrAssoc) {
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
	case a.list != nil:
		err = a.list.run(sh)
	case assigned && c.isCompound(sh, name, value, isElement):
		err = sh.assignCompound(name, value, add)
	case isElement && assigned:
		err = sh.assignElement(name, constSubscript(sub), value, add)
	case add:
		err = sh.appendVar(name, value)
	case assigned:
		err = sh.setVar(name, value)
	}
	if assigned && sh.opts.on(optXtrace) && sh.rt.bash && (c.name == "export" || c.name == "readonly") {
		sh.trace(name + "=" + quoteTracedBash(value))
	}
	if err != nil {
		return err
	}
	if late := c.add & (attrReadonly | attrExport); late != 0 || early == 0 && !assigned && a.list == nil {
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

// makeLocal gives a name a value of its own for the function. It starts unset
// as in every shell but dash, which keeps the outer value until it is assigned.
func (c *declCall) makeLocal(sh *shell, f *frame, name string) error {
	for _, s := range f.saved {
		if s.name == name {
			return nil
		}
	}
	old, _ := sh.vars.get(name)
	if old.is(attrReadonly) {
		return &nameError{name, sh.readonlyText()}
	}
	sh.save(f, name)
	if old == nil {
		return nil
	}
	if sh.shopts.on(shoptLocalvarInherit) {
		return nil
	}
	fresh := &variable{hook: old.hook}
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

func (c *declCall) makeNameref(sh *shell, name, target string, assigned bool) error {
	own, ok := sh.vars.owned(name)
	if !ok || own == nil {
		own = &variable{}
		sh.vars.set(name, own)
	}
	if assigned {
		if target == name {
			return &nameError{name, "nameref variable self references not allowed"}
		}
		own.value = target
		own.attrs |= attrSet
	}
	own.attrs |= attrNameref | c.add&attrReadonly
	return nil
}
