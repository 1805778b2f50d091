package interp

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// assign is a compiled assignment.
type assign struct {
	name   string
	add    bool // +=
	value  *word
	index  *subscript
	array  []element
	isList bool // name=(…)
	pure   bool // expanding the value twice does no harm
	source *syntax.Assign
}

// element is one member of name=(…).
type element struct {
	index *subscript
	add   bool // [k]+=v
	value *word
}

// subscript is what stands in brackets: an expression, or a key.
type subscript struct {
	key *word
	num func(sh *shell) (int64, error)
}

func (c *compiler) subscript(x syntax.ArithmExpr) *subscript {
	w, ok := x.(*syntax.Word)
	if !ok || w == nil {
		return nil
	}
	return &subscript{compileWord(c, w), compileArithText(c, indexWord(w)).eval}
}

// listSubscript is that of an element of a list. Its quotes are removed before
// it is evaluated.
func (c *compiler) listSubscript(x syntax.ArithmExpr) *subscript {
	s := c.subscript(x)
	w, ok := x.(*syntax.Word)
	if s == nil || !ok {
		return s
	}
	for _, p := range w.Parts {
		if _, quoted := p.(*syntax.SglQuoted); quoted {
			s.num = func(sh *shell) (int64, error) {
				text, err := s.key.str(sh)
				if err != nil {
					return 0, err
				}
				return sh.arith(text)
			}
		}
	}
	return s
}

func (c *compiler) assigns(list []*syntax.Assign) []assign {
	out := make([]assign, 0, len(list))
	for _, a := range list {
		out = append(out, c.assign(a))
	}
	return out
}

func (c *compiler) assign(a *syntax.Assign) assign {
	out := assign{name: a.Name.Value, add: a.Append, pure: isPure(a.Value), source: a}
	if a.Value != nil {
		out.value = compileAssigned(c, a.Value)
	}
	if a.Index != nil {
		out.index = c.subscript(a.Index)
	}
	if a.Array != nil {
		out.isList = true
		for _, e := range a.Array.Elems {
			el := element{}
			if e.Index != nil {
				el.index = c.listSubscript(e.Index)
			}
			if index, value, ok := appending(e); ok {
				el.index, el.add, e = c.listSubscript(index), true, &syntax.ArrayElem{Value: value}
			}
			if e.Value != nil {
				el.value = compileWord(c, e.Value)
			}
			out.array = append(out.array, el)
		}
	}
	return out
}

// appending takes [k]+=v apart, which the tree has as one word.
func appending(e *syntax.ArrayElem) (index, value *syntax.Word, ok bool) {
	if e.Index != nil || e.Value == nil {
		return nil, nil, false
	}
	for i, p := range e.Value.Parts {
		l, isLit := p.(*syntax.Lit)
		if i == 0 && (!isLit || l.Value[0] != '[') {
			return nil, nil, false
		}
		if !isLit {
			continue
		}
		before, after, found := strings.Cut(l.Value, "]+=")
		if !found {
			continue
		}
		index, value = &syntax.Word{}, &syntax.Word{}
		index.Parts = append(index.Parts, e.Value.Parts[:i]...)
		index.Parts = append(index.Parts, &syntax.Lit{Value: before})
		first := *index.Parts[0].(*syntax.Lit)
		first.Value = first.Value[1:]
		index.Parts[0] = &first
		value.Parts = append([]syntax.WordPart{&syntax.Lit{Value: after}}, e.Value.Parts[i+1:]...)
		return index, value, true
	}
	return nil, nil, false
}

// isPure reports whether a word has no expansion with side effects.
func isPure(w *syntax.Word) bool {
	if w == nil {
		return true
	}
	pure := true
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst, *syntax.ProcSubst, *syntax.ArithmExp:
			pure = false
		case *syntax.ParamExp:
			if n.Exp != nil || n.Index != nil || n.Slice != nil {
				pure = false
			}
		}
		return pure
	})
	return pure
}

// run makes the assignment, shown is run with the trace of -x.
func (a *assign) run(sh *shell) error   { return a.perform(sh, nil) }
func (a *assign) shown(sh *shell) error { return a.perform(sh, a.traceBash) }

func (a *assign) perform(sh *shell, show func(*shell, *string)) error {
	if a.isList && a.index != nil {
		return &nameError{a.name + "[" + a.index.key.text + "]", "cannot assign list to array member"}
	}
	if a.isList {
		if show != nil {
			show(sh, nil)
		}
		return a.assignList(sh)
	}
	value := ""
	if a.value != nil {
		var err error
		if value, err = a.value.str(sh); err != nil {
			return err
		}
	}
	if show != nil {
		show(sh, &value)
	}
	switch {
	case a.index != nil:
		return sh.assignElement(a.name, a.index, value, a.add)
	case a.add:
		return sh.appendVar(a.name, value)
	}
	return sh.setVar(a.name, value)
}

// assignElement is name[subscript]=value.
func (sh *shell) assignElement(name string, index *subscript, value string, add bool) error {
	v := sh.lookupVar(name)
	if index.key.constant && index.key.text == "" {
		return &nameError{name + "[]", "bad array subscript"}
	}
	if v.is(attrAssoc) {
		key, err := index.key.str(sh)
		if err != nil {
			return err
		}
		if key == "" {
			return &nameError{name + "[]", "bad array subscript"}
		}
		if add && v.assoc != nil {
			old, _ := v.assoc.get(key)
			value = sh.joinValue(v, old, value)
		}
		return sh.setAssoc(name, key, value)
	}
	if k := index.key; sh.rt.bash && k.constant && (k.text == "" || k.text == "*" || k.text == "@") {
		return &nameError{name + "[" + k.text + "]", "bad array subscript"}
	}
	n, err := index.num(sh)
	if err != nil {
		return err
	}
	i, err := sh.arrayIndex(name, v, n)
	if err != nil {
		return err
	}
	if add {
		old := ""
		if v != nil {
			old, _ = v.element(i)
		}
		value = sh.joinValue(v, old, value)
	}
	return sh.setIndexed(name, i, value)
}

func (sh *shell) joinValue(v *variable, old, value string) string {
	if v.is(attrInteger) {
		return old + "+(" + value + ")"
	}
	return old + value
}

// element is one element of an array, or of a scalar taken as one.
func (v *variable) element(i int) (string, bool) {
	switch {
	case v == nil:
		return "", false
	case v.array != nil:
		return v.array.get(i)
	case i == 0:
		return v.scalar()
	}
	return "", false
}

// maxIndex bounds array subscripts, which have to fit an int everywhere.
const maxIndex = 1<<31 - 1

// arrayIndex turns the value of a subscript into an index.
func (sh *shell) arrayIndex(name string, v *variable, n int64) (int, error) {
	if n < 0 {
		next := 0
		switch {
		case v != nil && v.array != nil:
			next = v.array.next()
		case v.is(attrSet):
			next = 1
		}
		n += int64(next)
	}
	if n < 0 || n > maxIndex {
		return 0, &nameError{fmt.Sprintf("%s[%d]", name, n), "bad array subscript"}
	}
	return int(n), nil
}

// assignList is name=(…) and name+=(…).
func (a *assign) assignList(sh *shell) error {
	old := sh.lookupVar(a.name)
	if old.is(attrAssoc) {
		return a.assignMembers(sh, old)
	}
	// The values are expanded before the old array goes: a=("${a[@]}" x).
	fresh := &indexedArray{}
	if a.add && old.is(attrSet) {
		c := cloneVariable(old)
		fresh = c.elements()
	}
	next := fresh.next()
	for _, e := range a.array {
		if e.index == nil {
			fields, err := e.value.fields(sh, nil)
			if err != nil {
				return err
			}
			for _, f := range fields {
				fresh.set(next, f)
				next++
			}
			continue
		}
		if text, bad := e.badIndex(sh); bad {
			reason := "bad array subscript"
			if strings.HasPrefix(text, "[@") || strings.HasPrefix(text, "[*") {
				reason = "cannot assign to non-numeric index"
			}
			sh.errorf("%s: %s", text, reason)
			continue
		}
		n, err := e.index.num(sh)
		if err != nil {
			if sh.rt.bash { // what came before is assigned
				sh.replaceArray(a.name, fresh)
			}
			return err
		}
		i, err := sh.arrayIndex(a.name, &variable{array: fresh}, n)
		if err != nil && sh.rt.bash { // the others are assigned
			sh.errorf("[%d]%s: bad array subscript", n, e.shown())
			continue
		}
		if err != nil {
			return err
		}
		value, err := e.text(sh)
		if err != nil {
			return err
		}
		if before, had := fresh.get(i); e.add && had {
			value = sh.joinValue(old, before, value)
		}
		fresh.set(i, value)
		next = i + 1
	}
	return sh.replaceArray(a.name, fresh)
}

// expanded is the assignment with its values expanded, but not yet made; what
// it is made to has the attributes kind.
func (a *assign) expanded(sh *shell, kind attr) (*assign, error) {
	out := *a
	out.array = make([]element, 0, len(a.array))
	for _, e := range a.array {
		if e.index == nil {
			expand := func(e *element) ([]string, error) { return e.value.fields(sh, nil) }
			if kind&attrAssoc != 0 {
				expand = func(e *element) ([]string, error) { return e.member(sh) }
			}
			fields, err := expand(&e)
			if err != nil {
				return nil, err
			}
			for _, f := range fields {
				out.array = append(out.array, element{value: constWord(f)})
			}
			continue
		}
		value, err := e.text(sh)
		if err != nil {
			return nil, err
		}
		e.value = constWord(value)
		out.array = append(out.array, e)
	}
	return &out, nil
}

// constWord is a word that expands to one field.
func constWord(s string) *word {
	return &word{constant: true, text: s, parts: []part{&litPart{s: s, quoted: true}}}
}

// badIndex reports subscripts that bash rejects without looking at the rest.
func (e *element) badIndex(sh *shell) (text string, bad bool) {
	key := e.index.key
	if !sh.rt.bash || !key.constant && !key.static {
		return "", false
	}
	switch text, _ = key.str(sh); text {
	case "", "*", "@":
	default:
		return "", false
	}
	return "[" + text + "]" + e.shown(), true
}

// shown is the value in a message, if it is known without expanding it.
func (e *element) shown() string {
	if e.value != nil && e.value.constant {
		return "=" + strings.TrimPrefix(e.value.text, "[]=")
	}
	return "="
}

// member is what stands for a key or a value of an associative array; bash
// does not split it.
func (e *element) member(sh *shell) ([]string, error) {
	if !sh.rt.bash {
		return e.value.fields(sh, nil)
	}
	text, err := e.text(sh)
	return []string{text}, err
}

func (e *element) text(sh *shell) (string, error) {
	if e.value == nil {
		return "", nil
	}
	return e.value.str(sh)
}

// replaceArray makes a variable the array given, its attributes applied.
func (sh *shell) replaceArray(name string, fresh *indexedArray) error {
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	for i, s := range fresh.vals {
		if fresh.vals[i], err = sh.convert(v, s); err != nil {
			return err
		}
	}
	v.value, v.array = "", fresh
	v.attrs |= attrIndexed
	sh.assigned(name, v)
	return nil
}

// target is the left side as it stands in the script.
func (a *assign) target() string {
	left := *a.source
	left.Value, left.Array, left.Append = nil, nil, false
	return strings.TrimSuffix(assignSource(&left), "=")
}

// traceBash is the assignment as bash's -x shows it, before it is made: the
// left side and lists as they stand in the script.
func (a *assign) traceBash(sh *shell, value *string) {
	if !sh.opts.on(optXtrace) || !sh.rt.bash {
		return
	}
	if value == nil {
		sh.trace(assignSource(a.source))
		return
	}
	left := *a.source
	left.Value = nil
	text := ""
	if *value != "" {
		text = quoteTracedBash(*value)
	}
	sh.trace(assignSource(&left) + text)
}

// traced is an assignment that was made as -x of other shells shows it.
func (a *assign) traced(sh *shell) string {
	s, _ := sh.getVar(a.name)
	return a.name + "=" + quoteWord(s)
}
