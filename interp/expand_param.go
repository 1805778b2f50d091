package interp

import (
	"strings"
)

// paramOp is what an expansion does with the value.
type paramOp uint8

const (
	opNone    paramOp = iota
	opDefault         // - and :-
	opAssign
	opError
	opAlternate
	opPrefix // # and ##
	opSuffix // % and %%
	opReplace
	opCase
	opSlice
	opTransform // @Q and so on
	opLength
	opKeys  // ${!a[@]}
	opNames // ${!prefix*}
)

// paramPlace is where an expansion stands, which to bash makes a difference
// for lists.
type paramPlace uint8

const (
	inText paramPlace = iota
	inWord            // in the unquoted word of ${x-word}
	inHere            // in a here-document
)

// paramPart is a parameter expansion.
type paramPart struct {
	paramRef
	quoted   bool
	place    paramPlace
	indirect bool // ${!x}
	short    bool // $x
	op       paramOp
	colon    bool // :- as opposed to -
	long     bool // ##, %%, //, ^^, ,, as opposed to one
	lower    bool // , as opposed to ^
	star     bool // ${!prefix*} as opposed to @
	anchor   byte // # or % of ${x/#p/r}
	letter   byte // of opTransform

	parts  []part // of the word of - = ? +, expanded in place
	word   *word  // pattern
	with   *word  // replacement
	offset *arithText
	length *arithText
}

// scalar expands what yields one string without expanding the word of
// - = ? + in place; false if that is not so. Then nothing has happened.
func (p *paramPart) scalar(sh *shell) (string, bool, error) {
	if p.op == opNone && p.char == 0 && p.num == 0 && p.index == nil && !p.indirect {
		s, set := sh.getVar(p.name)
		if !set && sh.elementOf(p.name) != nil {
			return "", false, nil
		}
		if !set && sh.opts.on(optNounset) {
			return "", false, sh.unset(p.name)
		}
		return s, true, nil
	}
	if p.indirect || p.isList() || p.op >= opKeys {
		return "", false, nil
	}
	inPlace := p.op >= opDefault && p.op <= opAlternate
	if inPlace && p.index != nil {
		return "", false, nil
	}
	s, set, err := p.get(sh)
	if err != nil {
		return "", false, err
	}
	if !set && p.char == 0 && p.num == 0 && p.index == nil && sh.elementOf(p.name) != nil {
		return "", false, nil
	}
	if inPlace {
		if full := set && (s != "" || !p.colon); p.op == opAlternate {
			return "", !full, nil
		} else {
			return s, full, nil
		}
	}
	s, err = p.operate(sh, s, set)
	return s, err == nil, err
}

// operate applies the operators that turn one value into one string.
func (p *paramPart) operate(sh *shell, s string, set bool) (string, error) {
	if !set && sh.opts.on(optNounset) && !(p.op == opTransform && p.letter == 'a' && len(p.elements(sh)) > 0) {
		name := p.display()
		if p.short && sh.bash() { // names have been dealt with
			name = "$" + name
		}
		return "", sh.unset(name)
	}
	switch p.op {
	case opNone:
		return s, nil
	case opLength:
		return itoa(int64(sh.charCount(s))), nil
	case opSlice:
		if !set && sh.rt.bash {
			return "", nil
		}
		return p.sliceText(sh, s)
	case opTransform:
		return p.transform(sh, s, set)
	}
	if !set {
		return "", nil // ${x/*/y} replaces the empty string of a set x only
	}
	return p.perElement(sh, s)
}

func (p *paramPart) expand(e *expander) error {
	s, ok, err := p.scalar(e.sh)
	if err != nil {
		return err
	}
	if ok {
		e.piece(s, p.quoted)
		return nil
	}
	if p.indirect {
		return p.expandIndirect(e)
	}
	if ref := e.sh.elementOf(p.name); ref != nil && p.op != opNames && p.char == 0 && p.num == 0 && p.index == nil {
		q := *p
		q.paramRef = *ref
		return q.expand(e)
	}
	switch {
	case p.op == opNames:
		e.list(e.sh.namesWithPrefix(p.name), p.star, p.quoted)
		return nil
	case p.op == opKeys:
		e.list(p.keys(e.sh), p.joins(), p.quoted)
		return nil
	case p.op >= opDefault && p.op <= opAlternate:
		return p.expandConditional(e)
	}
	return p.expandList(e)
}

// expandConditional handles - = ? +.
func (p *paramPart) expandConditional(e *expander) error {
	sh := e.sh
	var s string
	var set bool
	var vals []string
	var err error
	if p.isList() {
		vals = p.elements(sh)
		set = len(vals) > 0
		if sh.rt.bash && p.joins() && p.quoted {
			s = strings.Join(vals, sh.joiner())
		} else if len(vals) == 1 { // null if all of it is; more than one never are, joined
			s = vals[0]
		} else if set {
			s = "x"
		}
	} else if s, set, err = p.get(sh); err != nil {
		return err
	}
	full := set && (s != "" || !p.colon)
	if p.op == opAlternate {
		if full {
			return p.runWord(e)
		}
		if !p.isList() {
			e.piece("", p.quoted)
		} else if p.quoted && !p.joins() && len(vals) == 0 {
			e.noArgs = true // as "$@"
		}
		return nil
	}
	if full {
		if p.isList() {
			e.list(vals, p.joinsIn(e), p.quoted)
		} else {
			e.piece(s, p.quoted)
		}
		return nil
	}
	switch p.op {
	case opAssign:
		return p.assign(e)
	case opError:
		return p.complain(sh, set)
	}
	return p.runWord(e)
}

// runWord expands the word. A "$@" in it leaves the quotes a field, in bash.
func (p *paramPart) runWord(e *expander) error {
	was := e.noArgs
	err := e.run(p.parts)
	if p.quoted && e.sh.rt.bash {
		e.noArgs = was
	}
	return err
}

func (p *paramPart) assign(e *expander) error {
	sh := e.sh
	if p.char != 0 || p.num > 0 || p.isList() && !sh.lookupVar(p.name).is(attrAssoc) {
		return &nameError{"$" + p.name, "cannot assign in this way"}
	}
	s, err := sh.expandText(p.parts, toString)
	if err != nil {
		return err
	}
	if p.isList() { // of an associative array, where @ is a key
		if err = sh.setAssoc(p.name, p.index.src, s); err == nil {
			s, _ = sh.lookupVar(p.name).assoc.get(p.index.src)
			e.piece(s, p.quoted)
		}
		return err
	}
	switch {
	case p.index == nil:
		err = sh.setVar(p.name, s)
	case sh.lookupVar(p.name).is(attrAssoc):
		var key string
		if key, err = p.index.key.str(sh); err == nil {
			err = sh.setAssoc(p.name, key, s)
		}
	default:
		var i int64
		if i, err = p.index.expr.eval(sh); err == nil {
			err = sh.setIndexed(p.name, int(i), s)
		}
	}
	if err != nil {
		return err
	}
	if sh.rt.bash { // the variable's attributes apply
		if s, _, err = p.get(sh); err != nil {
			return err
		}
	}
	e.piece(s, p.quoted)
	return nil
}

func (p *paramPart) complain(sh *shell, set bool) error {
	msg := "parameter not set"
	if p.colon {
		msg = "parameter null or not set"
	}
	if len(p.parts) > 0 {
		var err error
		if msg, err = sh.expandText(p.parts, toString); err != nil {
			return err
		}
	}
	return &unsetError{p.display(), msg}
}
