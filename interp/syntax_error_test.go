package interp

import (
	"strings"
	"testing"
)

func TestPointAt(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, row := range []struct {
		line string
		col  int
		want string
	}{
		{"echo )", 6, "  echo )\n       ^\n"},
		{"\techo )\n", 7, "  \techo )\n  \t     ^\n"},
		{"", 1, ""},
		{"é )", 4, "  é )\n    ^\n"},
		{"a\x1b[2J\xff )", 8, "  a?[2J? )\n         ^\n"},
		{"if x", 5, "  if x\n      ^\n"},
		{long, 100, "  " + long[:72] + "\n  " + strings.Repeat(" ", 36) + "^\n"},
	} {
		if got := pointAt(row.line, row.col); got != row.want {
			t.Errorf("%q, %d\n got %q\nwant %q", row.line, row.col, got, row.want)
		}
	}
}
