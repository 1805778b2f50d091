package interp

import (
	"strings"
	"unicode/utf8"

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
	source := withRedirects(d, s)
	return func(sh *shell) flow {
		sh.line = cmd.line
		if f, skip := sh.debug(source, cmd.line); skip {
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
	inherit     bool   // -I
	letters     string // the options, if not all of declare's
	args        []declArg
}

// declOptions are the options of those that do not have all of declare's.
var declOptions = map[string]string{"export": "aAfnp", "readonly": "aAfnp"}

// variableAttrs are those that a function cannot have.
const variableAttrs = attrIndexed | attrAssoc | attrInteger | attrNameref

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
		if c.add&attrNameref != 0 { // taken, and undoes nothing
			return 0
		}
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
				c.inherit = true
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
	case c.functions && sh.rt.bash && c.name != "export" && c.name != "readonly" && len(c.args) > 0 && c.add&variableAttrs != 0:
		flag, _ := utf8.DecodeRuneInString(attrText(c.add & variableAttrs))
		sh.errorf("%s: -%c: invalid option", c.name, flag)
		return 1
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
	if err := c.apply(sh, declTarget{a, sub, value, isElement, assigned, add}, base); err != nil {
		status := 1
		if !sh.bash() {
			status = 2
		}
		who := c.name + ": "
		if a.list != nil {
			who = ""
		}
		if sh.costsLine(who, err) {
			return sh.status
		}
		if bad, ok := err.(*nameError); ok && bad.reason == sh.readonlyText() && (c.name == "export" || c.name == "readonly") && sh.bash() {
			sh.errorf("%s", err)
			return status
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

func (c *declCall) apply(sh *shell, d declTarget, name string) error {
	if d.list != nil { // local a=("${a[@]}") means the outer one
		kind := c.add
		if v := sh.lookupVar(name); v != nil && c.add&attrIndexed == 0 {
			kind |= v.attrs
		}
		list, err := d.list.expanded(sh, kind)
		if err != nil {
			return err
		}
		d.list = list
	}
	if c.global {
		return sh.globally(name, func() error { return c.assign(sh, d, name) })
	}
	local := c.local && sh.localFrame() != nil
	if sh.rt.bash && (local || c.add&(attrExport|attrReadonly) != 0) { // readonly and export add these
		sh.adopt(name, local)
	}
	if local {
		if err := c.makeLocal(sh, sh.localFrame(), name); err != nil {
			return err
		}
	}
	if sh.rt.bash && !d.assigned && c.remove&attrExport == 0 &&
		(c.add&attrExport != 0 || c.name == "export" || c.name == "readonly") {
		sh.keep(name) // of the assignments before the command
	}
	return c.assign(sh, d, name)
}
