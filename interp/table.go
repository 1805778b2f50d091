package interp

// table is a name table that a foreground subshell shares with its parent
// until it writes. Invariant: base is not written while the overlay lives,
// because the parent waits; whoever outlives that wait flattens.
type table[T any] struct {
	own   map[string]T
	base  *table[T]
	depth int
}

// overlayLimit bounds the chain of tables a lookup walks.
const overlayLimit = 8

func (t *table[T]) get(name string) (v T, ok bool) {
	for l := t; l != nil; l = l.base {
		if v, ok = l.own[name]; ok {
			return v, true
		}
	}
	return v, false
}

// owned is get without the parents: what may be changed in place.
func (t *table[T]) owned(name string) (T, bool) {
	v, ok := t.own[name]
	return v, ok
}

func (t *table[T]) set(name string, v T) {
	if t.own == nil {
		t.own = make(map[string]T)
	}
	t.own[name] = v
}

// forget removes the table's own entry, so that the base shows through.
func (t *table[T]) forget(name string) { delete(t.own, name) }

func (t *table[T]) overlay(clone func(T) T) table[T] {
	if t.depth >= overlayLimit {
		return t.flatten(clone)
	}
	return table[T]{base: t, depth: t.depth + 1}
}

// flatten copies everything; clone, if not nil, copies each value.
func (t *table[T]) flatten(clone func(T) T) table[T] {
	flat := table[T]{own: make(map[string]T, len(t.own))}
	t.each(func(name string, v T) {
		if clone != nil {
			v = clone(v)
		}
		flat.own[name] = v
	})
	return flat
}

// each visits every name once, in no order.
func (t *table[T]) each(f func(name string, v T)) {
	if t.base == nil {
		for name, v := range t.own {
			f(name, v)
		}
		return
	}
	seen := make(map[string]bool)
	for l := t; l != nil; l = l.base {
		for name, v := range l.own {
			if !seen[name] {
				seen[name] = true
				f(name, v)
			}
		}
	}
}
