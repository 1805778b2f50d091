package parse

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// TestRecycle: trees made of memory that was used before are the same.
func TestRecycle(t *testing.T) {
	for _, s := range needCorpus(t) {
		fresh, again := New(Bytes(s.text), Options{Bash: s.bash}), New(Bytes(s.text), Options{Bash: s.bash})
		for n := 1; ; n++ {
			want, err := fresh.Next()
			got, errAgain := again.Next()
			if fmt.Sprint(err) != fmt.Sprint(errAgain) {
				t.Errorf("%s: command %d: %v, want %v", s.path, n, errAgain, err)
				break
			}
			if msg := diffStmts(want, got); msg != "" {
				t.Errorf("%s: command %d: %s", s.path, n, msg)
				break
			}
			var e *Error
			if err == io.EOF || errors.As(err, &e) {
				break
			}
			again.Recycle()
		}
	}
}
