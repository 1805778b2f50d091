package interp

import (
	"strconv"
	"strings"
)

// expandList expands $@, $* and arrays with any operator.
func (p *paramPart) expandList(e *expander) error {
	vals := p.elements(e.sh)
	switch p.op {
	case opNone:
	case opLength:
		if p.char == 0 && len(vals) == 0 && e.sh.lookupVar(p.name) == nil && e.sh.opts.on(optNounset) {
			if e.sh.bash() { // which only drops the line
				return &nameError{p.name, "unbound variable"}
			}
			return e.sh.unset(p.display())
		}
		e.piece(strconv.Itoa(len(vals)), p.quoted)
		return nil
	case opSlice:
		var err error
		if vals, err = p.sliceList(e.sh, vals); err != nil {
			return err
		}
	case opTransform:
		var err error
		if vals, err = p.transformList(e.sh, vals); err != nil {
			return err
		}
	default:
		out := make([]string, len(vals))
		for i, v := range vals {
			var err error
			if out[i], err = p.perElement(e.sh, v); err != nil {
				return err
			}
		}
		vals = out
	}
	p.appendList(e, vals)
	return nil
}

// appendList appends $@, $* or an array; bash has ways of its own where POSIX
// leaves open what becomes of them.
func (p *paramPart) appendList(e *expander, vals []string) {
	ifs := &e.sh.ifs
	switch {
	case !e.sh.rt.bash:
	case p.place == inHere && p.char == '*':
		e.joinBlank(vals, p.quoted)
		return
	case p.place == inWord && !p.joins() && e.mode == toFields && ifs.first != "" && ifs.first != " ":
		e.wholeList(vals)
		return
	}
	e.list(vals, p.joinsIn(e), p.quoted)
}

// joinsIn reports whether the first character of IFS joins the list. XCU 2.5.2
// leaves open what becomes of $@ where there are no fields: it is $* in dash,
// yash and busybox, and joined by blanks in bash.
func (p *paramPart) joinsIn(e *expander) bool {
	return p.joins() || e.mode != toFields && p.char == '@' && !e.sh.rt.bash
}

// expandIndirect is ${!x…}: the value of x names the parameter.
func (p *paramPart) expandIndirect(e *expander) error {
	sh := e.sh
	if v, ok := sh.vars.get(p.name); ok && v.is(attrNameref) && p.index == nil {
		e.piece(v.value, p.quoted) // the name it refers to
		return nil
	}
	var target string
	set := true
	if p.isList() {
		target = strings.Join(p.elements(sh), " ")
	} else {
		var err error
		if target, set, err = p.get(sh); err != nil {
			return err
		}
	}
	q := *p
	q.indirect = false
	switch {
	case set && target != "":
	case p.num > 0 && p.op == opDefault: // nothing is named, so nothing is set
		return e.run(p.parts)
	case p.num > 0 && p.op == opAlternate:
		e.piece("", p.quoted)
		return nil
	default:
		return &nameError{p.name, "invalid indirect expansion"}
	}
	name, sub, isElement := splitSubscript(target)
	ref := newRef(name)
	if ref.char == 0 && ref.num == 0 && !validName(name) || isElement && !validName(name) {
		return &nameError{target, "invalid variable name"}
	}
	q.paramRef = ref
	if isElement {
		q.index = dynamicIndex(sub)
	}
	return q.expand(e)
}

// dynamicIndex is a subscript that comes from a value.
func dynamicIndex(sub string) *arrayIndex {
	lit := []part{&litPart{s: sub, quoted: true}}
	s := &arrayIndex{src: sub, key: &word{text: sub, constant: true, parts: lit}, expr: &arithText{parts: lit}}
	if sub == "@" || sub == "*" {
		s.all = sub[0]
	}
	return s
}
