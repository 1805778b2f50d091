package interp

import (
	"fmt"
)

// setIndexed assigns one element; a scalar becomes an indexed array. A
// negative index counts from the end.
func (sh *shell) setIndexed(name string, i int, value string) error {
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	if v.attrs&attrAssoc != 0 {
		return sh.setAssoc(name, fmt.Sprint(i), value)
	}
	if value, err = sh.convert(v, value); err != nil {
		return err
	}
	a := v.elements()
	if i < 0 {
		if i += a.next(); i < 0 {
			return &nameError{name, "bad array subscript"}
		}
	}
	a.set(i, value)
	sh.assigned(name, v)
	return nil
}

// setAssoc assigns one member of an associative array.
func (sh *shell) setAssoc(name, key, value string) error {
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	if value, err = sh.convert(v, value); err != nil {
		return err
	}
	v.members().set(key, value)
	sh.assigned(name, v)
	return nil
}

// setArray makes a variable an indexed array of these values.
func (sh *shell) setArray(name string, values []string) error {
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	if v.attrs&attrAssoc != 0 {
		return &nameError{name, "cannot convert associative to indexed array"}
	}
	v.attrs |= attrIndexed
	v.array, v.value = &indexedArray{}, ""
	for i, s := range values {
		if s, err = sh.convert(v, s); err != nil {
			return err
		}
		v.array.set(i, s)
	}
	sh.assigned(name, v)
	return nil
}

// elements returns the array of an indexed variable, converting a scalar.
func (v *variable) elements() *indexedArray {
	if v.array == nil {
		v.array = &indexedArray{}
		if v.attrs&attrSet != 0 {
			v.array.set(0, v.value)
		}
		v.value = ""
	}
	v.attrs |= attrIndexed
	return v.array
}

func (v *variable) members() *assocArray {
	if v.assoc == nil {
		v.assoc = &assocArray{}
	}
	v.attrs |= attrAssoc
	return v.assoc
}
