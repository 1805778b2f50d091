package interp

// assocArray is an associative array. Its members are listed in the order in
// which bash has them, which scripts print and compare: that of a table of
// buckets, see order.
type assocArray struct {
	keys   []string // in the order of insertion
	vals   map[string]string
	grown  []int    // len(keys) at each growth of bash's table
	listed []string // cache of order
	first  int      // buckets to start with, 0: assocBuckets
}

// bash's table: it starts with this many buckets, and gets four times as many
// when there are two members for each.
const (
	assocBuckets = 1024
	assocScalar  = 128 // of what was no array
	assocLoad    = 2
	assocGrowth  = 4
)

func (a *assocArray) get(k string) (string, bool) {
	v, ok := a.vals[k]
	return v, ok
}

func (a *assocArray) set(k, v string) {
	if a.vals == nil {
		a.vals = make(map[string]string)
	}
	if _, ok := a.vals[k]; !ok {
		if len(a.keys) >= a.buckets(len(a.grown))*assocLoad {
			a.grown = append(a.grown, len(a.keys))
		}
		a.keys = append(a.keys, k)
		a.listed = nil
	}
	a.vals[k] = v
}

func (a *assocArray) unset(k string) {
	if _, ok := a.vals[k]; !ok {
		return
	}
	delete(a.vals, k)
	a.listed = nil
	for i, have := range a.keys {
		if have != k {
			continue
		}
		a.keys = append(a.keys[:i], a.keys[i+1:]...)
		for j, n := range a.grown {
			if i < n {
				a.grown[j]--
			}
		}
		return
	}
}

func (a *assocArray) buckets(grown int) int {
	n := a.first
	if n == 0 {
		n = assocBuckets
	}
	for range grown {
		n *= assocGrowth
	}
	return n
}

// order lists the keys by bucket; in a bucket the newest comes first, and
// growing turns that around for those which are there.
func (a *assocArray) order() []string {
	if a.listed != nil || len(a.keys) == 0 {
		return a.listed
	}
	n := a.buckets(len(a.grown))
	chains := make(map[int][]string, len(a.keys)) // oldest first
	growths := a.grown
	for i, k := range a.keys {
		for len(growths) > 0 && growths[0] == i {
			growths = growths[1:]
			for _, c := range chains {
				for l, r := 0, len(c)-1; l < r; l, r = l+1, r-1 {
					c[l], c[r] = c[r], c[l]
				}
			}
		}
		b := int(assocHash(k)) & (n - 1)
		chains[b] = append(chains[b], k)
	}
	a.listed = make([]string, 0, len(a.keys))
	for b := range n {
		c := chains[b]
		for i := len(c) - 1; i >= 0; i-- {
			a.listed = append(a.listed, c[i])
		}
	}
	return a.listed
}

// assocHash is FNV-1 with 32 bits (draft-eastlake-fnv).
func assocHash(s string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(s); i++ {
		h *= 16777619
		h ^= uint32(s[i])
	}
	return h
}

func (a *assocArray) clone() *assocArray {
	if a == nil {
		return nil
	}
	c := &assocArray{keys: append([]string(nil), a.keys...), vals: make(map[string]string, len(a.vals)),
		grown: append([]int(nil), a.grown...), listed: a.listed, first: a.first}
	for k, v := range a.vals {
		c.vals[k] = v
	}
	return c
}
