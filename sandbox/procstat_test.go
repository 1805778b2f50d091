package sandbox

import "testing"

func TestStatField(t *testing.T) {
	for _, c := range []struct {
		stat   string
		number int
		want   string
	}{
		{"7 (sh) S 1 2 3 34816 0", statState, "S"},
		{"7 (sh) S 1 2 3 34816 0", statParent, "1"},
		{"7 (sh) S 1 2 3 34816 0", statTerminal, "34816"},
		{"7 (a) T 9 (b) S 1 2 3 34816", statState, "S"}, // a name that would be more
		{"7 (a) T 9 (b) S 1 2 3 34816", statParent, "1"},
		{"7 (sh) S 1", statTerminal, ""},
		{"", statState, ""},
	} {
		if got := statField(c.stat, c.number); got != c.want {
			t.Errorf("%q, field %d: %q, want %q", c.stat, c.number, got, c.want)
		}
	}
}
