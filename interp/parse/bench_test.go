package parse

import (
	"bytes"
	"io"
	"slices"
	"testing"
)

// BenchmarkScripts parses about a megabyte of the system's POSIX scripts, the
// largest first (usually those made by autoconf, and installers).
func BenchmarkScripts(b *testing.B) {
	scripts := slices.Clone(corpus())
	slices.SortFunc(scripts, func(x, y script) int { return len(y.text) - len(x.text) })
	var text []byte
	for _, s := range scripts {
		if _, err := parseAll(s.text, Options{}); err == nil && len(text) < 1<<20 && !bytes.Contains(s.text, []byte("\nexit 0\n")) {
			text = append(append(text, s.text...), '\n')
		}
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		p := New(Bytes(text), Options{})
		for {
			if _, err := p.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
