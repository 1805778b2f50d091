package interp

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
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

// fshPlain builds the interpreter on the plain System, once.
func fshPlain(t *testing.T) string {
	t.Helper()
	path, err := buildPlain()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildPlain = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fshplain")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "fshplain")
	cmd := exec.Command("go", "build", "-o", path, "./internal/fshplain")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// runExpandRows runs the rows in one shell.
func runExpandRows(t *testing.T, dir string, rows []string, argv ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
	defer cancel()
	driver := expandDriver
	if len(argv) == 1 && strings.HasSuffix(argv[0], "bash") {
		driver = "shopt -s extglob\n" + driver // eval parses with it
	}
	args := append(append(append([]string{}, argv[1:]...), "-c", driver, "sh"), rows...)
	cmd := exec.CommandContext(ctx, argv[0], args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/", "d=" + dir}
	if dialect, plain := strings.CutPrefix(argv[0], "fsh:"); plain {
		cmd = exec.CommandContext(ctx, fshPlain(t), args...)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/", "d=" + dir, "FSH_TEST_DIALECT=" + dialect}
	}
	var errText strings.Builder
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v %s", argv[0], err, errText.String())
	}
	results := strings.Split(string(out), "\x01\n")
	if len(results) != len(rows)+1 {
		t.Fatalf("%s: %d results for %d rows; %s", argv[0], len(results)-1, len(rows), errText.String())
	}
	return results[:len(rows)]
}

func TestExpandLikeReferenceShells(t *testing.T) {
	rows, dir := expandRows(t, "expand_posix.txt"), expandTree(t)
	var names []string
	var want [][]string
	for _, ref := range [][]string{{"dash"}, {"bash", "--posix"}, {"yash", "--posixly-correct"}, {"mksh", "-o", "posix"}} {
		if _, err := exec.LookPath(ref[0]); err == nil {
			names = append(names, ref[0])
			want = append(want, runExpandRows(t, dir, rows, ref...))
		}
	}
	if len(names) == 0 {
		t.Skip("no shell to compare with")
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
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash to compare with")
	}
	rows, dir := expandRows(t, "expand_bash.txt"), expandTree(t)
	want := runExpandRows(t, dir, rows, "bash")
	for i, got := range runExpandRows(t, dir, rows, "fsh:bash") {
		if got != want[i] {
			t.Errorf("%s\n  got %q\n bash %q", rows[i], got, want[i])
		}
	}
}
