package interp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// plainShell builds the interpreter on the plain System, once.
var plainShell = sync.OnceValues(func() (string, error) {
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

func needPlainShell(t testing.TB) string {
	t.Helper()
	path, err := plainShell()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

type executionRow struct {
	script string
	except map[string]bool
}

func executionRows(t *testing.T) []executionRow {
	t.Helper()
	text, err := os.ReadFile("testdata/execution.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []executionRow
	for i, part := range strings.Split(string(text), "\n%%\n") {
		if i == 0 {
			continue // what the file is about
		}
		row := executionRow{except: map[string]bool{}}
		for strings.HasPrefix(part, "#dash: ") || strings.HasPrefix(part, "#bash: ") {
			head, rest, _ := strings.Cut(part, "\n")
			row.except[head[1:5]] = true
			part = rest
		}
		row.script = strings.TrimSuffix(part, "\n")
		rows = append(rows, row)
	}
	return rows
}

// runExecution runs a script in an empty directory. The result is output,
// status and whether there were messages.
func runExecution(t *testing.T, script, shell, dialect string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, "-c", script, "sh")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/", "TERM=dumb",
		"SH=" + shell, "FSH_TEST_DIALECT=" + dialect,
	}
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s(%s, messages: %t)", out, cmd.ProcessState, messages.Len() > 0)
}

func TestExecution(t *testing.T) {
	fsh := needPlainShell(t)
	for _, reference := range []string{"dash", "bash"} {
		shell, err := exec.LookPath(reference)
		if err != nil {
			t.Skipf("no %s to compare with", reference)
		}
		for _, row := range executionRows(t) {
			if row.except[reference[:4]] {
				continue
			}
			t.Run(reference+"/"+row.script, func(t *testing.T) {
				t.Parallel()
				want := runExecution(t, row.script, shell, "")
				got := runExecution(t, row.script, fsh, reference)
				if reference == "bash" {
					// bash reports the death of children in more words.
					want, _, _ = strings.Cut(want, ", messages")
					got, _, _ = strings.Cut(got, ", messages")
				}
				if got != want {
					t.Errorf("fsh:  %s\n%s: %s", got, reference, want)
				}
			})
		}
	}
}
