package parse

import (
	"bytes"
	"io"
	"testing"

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

// TestUpstream compares trees with upstream's parser on the system's scripts.
func TestUpstream(t *testing.T) {
	same, refused := 0, 0
	for _, s := range needCorpus(t) {
		lang := syntax.LangPOSIX
		if s.bash {
			lang = syntax.LangBash
		}
		f, err := syntax.NewParser(syntax.Variant(lang)).Parse(bytes.NewReader(s.text), "")
		stmts, ourErr := parseAll(s.text, Options{Bash: s.bash})
		if err != nil {
			refused++
			if ourErr != nil {
				t.Logf("%s: both refuse: %v; %v", s.path, err, ourErr)
			}
			continue
		}
		if ourErr != nil {
			t.Errorf("%s: %v", s.path, ourErr)
			continue
		}
		if msg := diffStmts(f.Stmts, stmts, s.text); msg != "" {
			t.Errorf("%s: %s", s.path, msg)
			continue
		}
		same++
	}
	t.Logf("%d same, %d refused by upstream", same, refused)
}
