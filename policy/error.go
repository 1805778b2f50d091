package policy

import (
	"fmt"
	"strings"
)

// Error is one mistake in one policy file, flag or script header. Nothing runs
// after it. Line and Col are 1-based, in bytes; 0 when there is no position.
type Error struct {
	File      string
	Line, Col int
	Msg       string
	Hint      string
	Err       error // the cause, such as a syscall.Errno; may be nil
}

// Error is "file:line:col: message"; the hint is apart.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Col)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// didYouMean is a hint for an unknown word, and what there is otherwise.
func didYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "known here: " + strings.Join(known, ", ")
}

// Nearest is the known word that a mistyped one was probably meant to be, or
// empty.
func Nearest(word string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance, of the first 64 bytes only: longer
// words are nobody's typing mistake.
func editDistance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
