package interp

import "strings"

// assignMembers is name=(…) for an associative array: [key]=value, or keys
// and values in turns.
func (a *assign) assignMembers(sh *shell, old *variable) error {
	fresh := &assocArray{}
	if old.assoc != nil {
		fresh.first = old.assoc.buckets(len(old.assoc.grown)) // bash empties its table
	}
	if a.add && old.assoc != nil {
		fresh = old.assoc.clone()
	}
	if a.inTurns() {
		return a.assignTurns(sh, old, fresh)
	}
	for _, e := range a.array {
		if e.index != nil {
			if err := e.assignKey(sh, old, fresh, a.add); err != nil {
				return err
			}
			continue
		}
		fields, err := e.member(sh)
		if err != nil {
			return err
		}
		for _, f := range fields {
			sh.errorf("%s: '%s': must use subscript when assigning associative array", a.name, f)
		}
	}
	return sh.replaceMembers(a.name, fresh)
}

// inTurns reports whether a list is keys and values in turns: then it does not
// begin with a subscript.
func (a *assign) inTurns() bool { return len(a.array) > 0 && a.array[0].index == nil }

// assignTurns is name=(key value …). What looks like [key]=value is a word.
func (a *assign) assignTurns(sh *shell, old *variable, fresh *assocArray) error {
	var words []string
	for _, e := range a.array {
		fields, err := e.member(sh)
		if err != nil {
			return err
		}
		if e.index != nil {
			if fields, err = e.word(sh, fields); err != nil {
				return err
			}
		}
		words = append(words, fields...)
	}
	for i := 0; i < len(words); i += 2 {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		value, err := sh.convert(old, value)
		if err != nil {
			return err
		}
		fresh.set(words[i], value)
	}
	return sh.replaceMembers(a.name, fresh)
}

// word is an element with a subscript as one word.
func (e *element) word(sh *shell, value []string) ([]string, error) {
	key, err := e.index.key.str(sh)
	if err != nil {
		return nil, err
	}
	op := "]="
	if e.add {
		op = "]+="
	}
	return []string{"[" + key + op + strings.Join(value, " ")}, nil
}

func (sh *shell) replaceMembers(name string, members *assocArray) error {
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	v.assoc = members
	v.attrs |= attrAssoc
	sh.assigned(name, v)
	return nil
}

// assignKey is [key]=value or [key]+=value within name=(…) or name+=(…); the
// attributes are those of old.
func (e *element) assignKey(sh *shell, old *variable, fresh *assocArray, add bool) error {
	key, err := e.index.key.str(sh)
	if err != nil {
		return err
	}
	if key == "" {
		sh.errorf("[]: bad array subscript")
		return nil
	}
	value, err := e.text(sh)
	if err != nil {
		return err
	}
	before := fresh
	if sh.rt.bash && !add && old.assoc != nil {
		before = old.assoc
	}
	if s, had := before.get(key); e.add && had && (before != fresh || add || !sh.rt.bash) {
		value = sh.joinValue(old, s, value)
	}
	if value, err = sh.convert(old, value); err != nil {
		return err
	}
	fresh.set(key, value)
	return nil
}
