package interp

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

// expandDriver runs each of its arguments in a subshell. Its output is that of
// the row and whether the row succeeded, as the texts of errors differ.
const expandDriver = `f() { printf '%s:' $#; for a_; do printf '<%s>' "$a_"; done; echo; }
row_() { (eval "$1") 2>/dev/null && echo '(ok)' || echo '(failed)'; }
for row do row_ "$row"; printf '\001\n'; done`

// expandRows reads a file of rows.
func expandRows(t testing.TB, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	open := false // a row goes on while its quotes or here-documents do
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if open {
			rows[len(rows)-1] += "\n" + line
		} else if !strings.HasPrefix(line, "#") {
			rows = append(rows, line)
		}
		if len(rows) > 0 {
			open = incomplete(rows[len(rows)-1])
		}
	}
	return rows
}

func incomplete(script string) bool {
	if i := strings.Index(script, "<<E"); i >= 0 {
		return !strings.HasSuffix(script, "\nE")
	}
	if i := strings.Index(script, "<<'E'"); i >= 0 {
		return !strings.HasSuffix(script, "\nE")
	}
	for _, start := range []string{"f \"a", "x='a", "IFS='"} {
		if strings.HasPrefix(script, start) && strings.Count(script, start[len(start)-2:len(start)-1]) == 1 {
			return true
		}
	}
	if strings.HasSuffix(script, "'a\n'") || strings.HasSuffix(script, "='") {
		return true
	}
	return strings.Count(script, "'")%2 == 1 && strings.HasSuffix(script, "x='a b")
}

// expandTree makes the directory in which the rows look for path names.
func expandTree(t *testing.T) string {
	dir := t.TempDir()
	for _, name := range []string{"a1.txt", "a2.txt", "b1.txt", "c", ".hidden", "sp ace", "sub/x1", "sub/x2", "sub/y", "sub/deep/x1", "other/y", "other/.h"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"link": "sub", "dangling": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runExpandRows runs the rows in one shell, or with "fsh:" and a dialect here.
func runExpandRows(t *testing.T, dir string, rows []string, argv ...string) []string {
	t.Helper()
	c := difftest.Case{Shell: argv[0], Options: argv[1:], Script: expandDriver, Args: rows, Env: []string{"d=" + dir}}
	if argv[0] == "bash" && len(argv) == 1 {
		c.Script = "shopt -s extglob\n" + expandDriver // eval parses with it
	}
	if dialect, plain := strings.CutPrefix(argv[0], "fsh:"); plain {
		c.Shell, c.Dialect = difftest.Fsh(t), dialect
	}
	r := difftest.Run(t, c)
	results := strings.Split(r.Out, "\x01\n")
	if r.State != "exit status 0" || len(results) != len(rows)+1 {
		t.Fatalf("%s: %s, %d results for %d rows; %s", argv[0], r.State, len(results)-1, len(rows), r.Messages)
	}
	return results[:len(rows)]
}

func TestExpandLikeReferenceShells(t *testing.T) {
	rows, dir := expandRows(t, "expand_posix.txt"), expandTree(t)
	var names []string
	var want [][]string
	for _, ref := range [][]string{{"dash"}, {"bash", "--posix"}, {"yash", "--posixly-correct"}, {"mksh", "-o", "posix"}} {
		difftest.Shell(t, ref[0])
		names = append(names, ref[0])
		want = append(want, runExpandRows(t, dir, rows, ref...))
	}
	for i, got := range runExpandRows(t, dir, rows, "fsh:posix") {
		text, ok := "", false
		for k := range want {
			ok = ok || want[k][i] == got
			text += fmt.Sprintf("\n%5s %q", names[k], want[k][i])
		}
		if !ok {
			t.Errorf("%s\n  got %q%s", rows[i], got, text)
		}
	}
}

func TestExpandLikeBash(t *testing.T) {
	difftest.Shell(t, "bash")
	rows, dir := expandRows(t, "expand_bash.txt"), expandTree(t)
	want := runExpandRows(t, dir, rows, "bash")
	for i, got := range runExpandRows(t, dir, rows, "fsh:bash") {
		if got != want[i] {
			t.Errorf("%s\n  got %q\n bash %q", rows[i], got, want[i])
		}
	}
}
