package parse

import (
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// TestPrint: what upstream's printer makes of our trees reads back as the same
// tree. The printer drops carriage returns, and ends lines of here-documents.
func TestPrint(t *testing.T) {
	type source struct {
		text string
		bash bool
	}
	var sources []source
	for _, r := range acceptRows {
		sources = append(sources, source{r.text, false}, source{r.text, true})
	}
	for _, r := range treeRows {
		sources = append(sources, source{r.text, r.bash})
	}
	for _, s := range corpus() {
		sources = append(sources, source{string(s.text), s.bash})
	}
	for _, s := range sources {
		if strings.Contains(s.text, "\r") || s.text == "cat <<E\na" {
			continue
		}
		opt := Options{Bash: s.bash}
		stmts, err := parseAll([]byte(s.text), opt)
		if err != nil {
			continue
		}
		var out strings.Builder
		if err := syntax.NewPrinter().Print(&out, &syntax.File{Stmts: stmts}); err != nil {
			t.Errorf("%.200q: %v", s.text, err)
			continue
		}
		again, err := parseAll([]byte(out.String()), opt)
		if err != nil {
			t.Errorf("%.200q: printed as %.200q: %v", s.text, out.String(), err)
		} else if got, want := dump(again), dump(stmts); got != want {
			t.Errorf("%.200q: printed as %.200q", s.text, out.String())
		}
	}
}
