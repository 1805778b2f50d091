package interp

import "sort"

// indexedArray is a sparse array of bash: ascending indices and their values.
type indexedArray struct {
	keys []int
	vals []string
}

func (a *indexedArray) find(i int) (pos int, ok bool) {
	if i >= 0 && i < len(a.keys) && a.keys[i] == i { // dense
		return i, true
	}
	pos = sort.SearchInts(a.keys, i)
	return pos, pos < len(a.keys) && a.keys[pos] == i
}

func (a *indexedArray) get(i int) (string, bool) {
	if pos, ok := a.find(i); ok {
		return a.vals[pos], true
	}
	return "", false
}

func (a *indexedArray) set(i int, v string) {
	if n := len(a.keys); n == 0 || i > a.keys[n-1] {
		a.keys, a.vals = append(a.keys, i), append(a.vals, v)
		return
	}
	pos, ok := a.find(i)
	if ok {
		a.vals[pos] = v
		return
	}
	a.keys = append(a.keys, 0)
	a.vals = append(a.vals, "")
	copy(a.keys[pos+1:], a.keys[pos:])
	copy(a.vals[pos+1:], a.vals[pos:])
	a.keys[pos], a.vals[pos] = i, v
}

func (a *indexedArray) unset(i int) {
	if pos, ok := a.find(i); ok {
		a.keys = append(a.keys[:pos], a.keys[pos+1:]...)
		a.vals = append(a.vals[:pos], a.vals[pos+1:]...)
	}
}

// next is the index that += appends at, and last the highest, -1 when empty.
func (a *indexedArray) next() int { return a.last() + 1 }

func (a *indexedArray) last() int {
	if len(a.keys) == 0 {
		return -1
	}
	return a.keys[len(a.keys)-1]
}

func (a *indexedArray) clone() *indexedArray {
	if a == nil {
		return nil
	}
	return &indexedArray{append([]int(nil), a.keys...), append([]string(nil), a.vals...)}
}
