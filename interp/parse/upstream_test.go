package parse

import (
	"bytes"
	"io"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
	"mvdan.cc/sh/v3/syntax"
)

func parseAll(text []byte, opt Options) ([]*syntax.Stmt, error) {
	p := New(Bytes(text), opt)
	var all []*syntax.Stmt
	for {
		stmts, err := p.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, stmts...)
	}
}

// TestUpstream compares trees with upstream's parser on the system's scripts,
// those for sh in both modes.
func TestUpstream(t *testing.T) {
	same, refused := 0, 0
	for _, s := range needCorpus(t) {
		for _, lang := range []syntax.LangVariant{syntax.LangPOSIX, syntax.LangBash} {
			// A script for sh may use [[ here; upstream takes that for a name.
			if lang == syntax.LangPOSIX && (s.bash || bytes.Contains(s.text, []byte("[[ "))) {
				continue
			}
			f, err := syntax.NewParser(syntax.Variant(lang)).Parse(bytes.NewReader(s.text), "")
			if err != nil {
				refused++
				continue
			}
			stmts, err := parseAll(s.text, Options{Bash: lang == syntax.LangBash})
			if err != nil {
				t.Errorf("%s: %v", s.path, err)
			} else if msg := diffStmts(f.Stmts, stmts); msg != "" {
				t.Errorf("%s: %s", s.path, msg)
			} else {
				same++
			}
		}
	}
	if same < wantCorpus {
		difftest.Lacks(t, "only %d scripts that upstream accepts, want %d", same, wantCorpus)
	}
	t.Logf("%d same, %d refused by upstream", same, refused)
}
