package interp

import "strconv"

// paramRef names a parameter.
type paramRef struct {
	name  string
	num   int  // of a positional parameter, from 1
	char  byte // of a special parameter; 0: a variable or positional
	index *arrayIndex
}

// arrayIndex is what stands in brackets after the name of an array.
type arrayIndex struct {
	all  byte // '@' or '*'
	expr *arithText
	key  *word // for associative arrays
	src  string
}

func (r *paramRef) isList() bool {
	return r.char == '@' || r.char == '*' || r.index != nil && r.index.all != 0
}

// joins reports whether the list is one of the * kind.
func (r *paramRef) joins() bool {
	return r.char == '*' || r.index != nil && r.index.all == '*'
}

// get is the value of a parameter that is no list.
func (r *paramRef) get(sh *shell) (string, bool, error) {
	switch {
	case r.index != nil:
		return r.element(sh)
	case r.num > 0:
		if r.num > len(sh.params) {
			return "", false, nil
		}
		return sh.params[r.num-1], true, nil
	}
	switch r.char {
	case 0:
		s, ok := sh.getVar(r.name)
		return s, ok, nil
	case '#':
		return itoa(int64(len(sh.params))), true, nil
	case '?':
		return itoa(int64(sh.status)), true, nil
	case '$':
		return itoa(int64(sh.rt.sys.Pid())), true, nil
	case '-':
		return sh.flags(), true, nil
	case '!':
		pid := sh.backgroundPid()
		if pid == 0 {
			return "", false, nil
		}
		return itoa(int64(pid)), true, nil
	}
	return sh.name, true, nil
}

func (r *paramRef) element(sh *shell) (string, bool, error) {
	v := sh.lookupVar(r.name)
	if v.is(attrAssoc) {
		key, err := r.index.key.str(sh)
		if err != nil || v.assoc == nil {
			return "", false, err
		}
		s, ok := v.assoc.get(key)
		return s, ok, nil
	}
	i, err := r.index.expr.eval(sh)
	if err != nil {
		return "", false, err
	}
	if i < 0 && sh.bash() && v.is(attrSet) && i+int64(max(v.nextIndex(), 0)) < 0 {
		sh.errorf("%s: bad array subscript", r.name)
	}
	s, ok := v.item(i)
	return s, ok, nil
}

// nextIndex is the index behind the last element; a scalar has one.
func (v *variable) nextIndex() int {
	switch {
	case v.array != nil:
		return v.array.next()
	case v.attrs&attrIndexed != 0:
		return 0
	}
	return 1
}

// elements are the values of a list. They must not be changed.
func (r *paramRef) elements(sh *shell) []string {
	if r.char != 0 {
		return sh.params
	}
	v := sh.lookupVar(r.name)
	switch {
	case v.is(attrIndexed):
		if v.array == nil {
			return nil
		}
		return v.array.vals
	case v.is(attrAssoc):
		if v.assoc == nil {
			return nil
		}
		vals := make([]string, len(v.assoc.keys))
		for i, k := range v.assoc.order() {
			vals[i] = v.assoc.vals[k]
		}
		return vals
	}
	if s, ok := v.scalar(); ok {
		return []string{s}
	}
	return nil
}

// keys are the subscripts of an array.
func (r *paramRef) keys(sh *shell) []string {
	v := sh.lookupVar(r.name)
	switch {
	case v.is(attrIndexed):
		if v.array == nil {
			return nil
		}
		keys := make([]string, len(v.array.keys))
		for i, k := range v.array.keys {
			keys[i] = strconv.Itoa(k)
		}
		return keys
	case v.is(attrAssoc):
		if v.assoc == nil {
			return nil
		}
		return v.assoc.order()
	}
	if _, ok := v.scalar(); ok {
		return []string{"0"}
	}
	return nil
}

// display is the parameter as error messages name it.
func (r *paramRef) display() string {
	if r.index != nil {
		return r.name + "[" + r.index.src + "]"
	}
	return r.name
}
