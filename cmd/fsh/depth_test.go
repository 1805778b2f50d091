package main_test

import (
	"strings"
	"testing"
)

// TestDepth: whatever nests without end, or nests as deep as the parser lets it at
// every level of a recursion, is an error of the script. The Go runtime, which would
// end the shell with pages about its stack, never hears of it.
func TestDepth(t *testing.T) {
	const exceeded = "maximum nesting depth"
	nested := func(open, end, body string) string {
		return strings.Repeat(open, 900) + body + strings.Repeat(end, 900)
	}
	for _, test := range []struct{ name, script, says string }{
		{"function", "f() { f; }; f", exceeded},
		{"eval", `f='eval "$f"'; eval "$f"`, exceeded},
		{"substitution", "f() { x=$(f); }; f", exceeded},
		{"subshell", "f() { (f); }; f", exceeded},
		{"prompt", `x='${x@P}'; : "${x@P}"; false`, exceeded},
		{"prompt in a substitution", `x='$(: "${x@P}")'; : "${x@P}"; false`, exceeded},
		{"trace", `PS4='$(f)'; f() { f; }; set -x; f`, exceeded},
		{"deep case", "f() { " + nested("case a in a) ", ";; esac", "f") + "; }; f", exceeded},
		{"deep for", "f() { " + nested("for i in 1; do ", "; done", "f") + "; }; f", exceeded},
		{"deep while", "f() { " + nested("while ", "; do break; done", "f") + "; }; f", exceeded},
		{"deep group", "f() { " + nested("{ ", "; }", "f") + "; }; f", exceeded},
		{"deep parameter", "f() { : " + nested("${q:-", "}", "$(f)") + "; }; f; false", exceeded},
		{"deep arithmetic", "y=x; x='" + nested("(1+", ")", "y") + "'; : $((x))", "recursion level"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := fsh(t, home(t), "--bash", "-c", test.script)
			if got.status == 0 || !strings.Contains(got.stderr, test.says) || strings.Contains(got.stderr, "goroutine") {
				t.Errorf("status %d, %q, %.300s", got.status, got.stdout, got.stderr)
			}
		})
	}
	t.Run("honest", func(t *testing.T) {
		script := `f() { [ $1 = 0 ] || f $(($1 - 1)); }; f 2500; ` + nested("{ ", "; }", "echo deep") + "; " + nested("( ", " )", "echo deep")
		if got := fsh(t, home(t), "--bash", "-c", script); got.status != 0 || got.stdout != "deep\ndeep\n" {
			t.Errorf("%+v", got)
		}
	})
}
