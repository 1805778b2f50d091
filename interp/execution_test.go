package interp_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

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

// runExecution returns output, status and whether there were messages.
func runExecution(t *testing.T, script, shell, dialect string) string {
	t.Helper()
	r := difftest.Run(t, difftest.Case{Shell: shell, Dialect: dialect, Script: script})
	return fmt.Sprintf("%s(%s, messages: %t)", r.Out, r.State, r.Messages != "")
}

func TestExecution(t *testing.T) {
	fsh := difftest.Fsh(t)
	for _, reference := range []string{"dash", "bash"} {
		shell := difftest.Shell(t, reference)
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
