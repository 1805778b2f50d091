package interp

import (
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
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

// TestTokensLikeBash: what bash says of the scripts of -c.
func TestTokensLikeBash(t *testing.T) {
	bash, fsh := difftest.Shell(t, "bash"), difftest.Fsh(t)
	for _, script := range []string{
		"case x in esac) echo done; esac", "case in do do) echo in; esac", "for()", "echo )", "if x; fi", "a && && b",
		"echo a\n)", "echo a; }", "cat <\nfoo", ";;", "f() x", "echo a;; b", "x |& | y", "a > > b", "while :; done", "echo $(if)",
		"false\n[[ a == ]]\necho b",
		"[[ a b ]]; echo x",
		"echo 1; [[ a && ]]\necho 2",
		"[[ ]]",
		"[[ ( a ]]\necho",
		"[[ ( ]]",
		"[[ a b c ]]",
		"echo 1\n[[ -z ]]\necho 5",
		"[[ ! ]]\necho 4",
		"[[ a || ]]",
		"[[ a == b c ]]",
		"[[ -f a b ]]",
		"[[ a ; ]]",
		"[[ a == ; ]]",
		"[[ -z ; ]]",
		"if true; then\n[[ a b ]]\nfi",
		"[[ a == b & ]]",
		"[[ & ]]",
		"f() { [[ a b ]]; }; f; echo no",
		": $( for z in 1 2 3; done )", ": $(case x in x) ;; x) done ;; esac)",
	} {
		want := difftest.Run(t, difftest.Case{Shell: bash, Script: script})
		got := difftest.Run(t, difftest.Case{Shell: fsh, Dialect: "bash", Script: script})
		if got.Messages != want.Messages || got.Out != want.Out {
			t.Errorf("%s\n got %+v\nwant %+v", script, got, want)
		}
	}
	// But for what would act on a terminal, and outside of -c.
	for script, want := range map[string]string{
		"echo a\x1b[2J )": "sh: -c: line 1: syntax error near unexpected token `)'\nsh: -c: line 1: `echo a?[2J )'\n",
		"eval 'echo )'":   "sh: 1:6: syntax error: unexpected \")\"\nsh: 1:6:   echo )\nsh: 1:6:        ^\n",
	} {
		if got := difftest.Run(t, difftest.Case{Shell: fsh, Dialect: "bash", Script: script}); got.Messages != want {
			t.Errorf("%s\n got %q\nwant %q", script, got.Messages, want)
		}
	}
}
