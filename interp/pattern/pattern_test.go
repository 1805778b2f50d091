package pattern

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	const x, u, n = Extglob, UTF8, NoCase
	tests := []struct {
		pat   string
		flags Flags
		yes   []string
		no    []string
	}{
		{"", 0, []string{""}, []string{"a"}},
		{"abc", 0, []string{"abc"}, []string{"ab", "abcd", "ABC"}},
		{"abc", n, []string{"abc", "ABC", "aBc"}, []string{"ab", "abd"}},
		{"*", 0, []string{"", "a", "\xff"}, nil},
		{"a*", 0, []string{"a", "ab"}, []string{"", "ba"}},
		{"*a", 0, []string{"a", "ba"}, []string{"", "ab"}},
		{"a*a", 0, []string{"aa", "aba"}, []string{"a", "ab"}},
		{"*a*b*", 0, []string{"ab", "xaxbx"}, []string{"ba", "a"}},
		{"a**b", 0, []string{"ab", "axb"}, []string{"a"}},
		{"?", 0, []string{"a", "\xff"}, []string{"", "ab", "ä"}},
		{"?", u, []string{"a", "\xff", "ä", "€", "😀"}, []string{"", "ab", "ää"}},
		{"*?b", u, []string{"äb", "xxb"}, []string{"b"}},
		{"a?*c", 0, []string{"abc", "abbc", "acc"}, []string{"ac"}},
		{"[abc]", 0, []string{"a", "c"}, []string{"d", "", "[abc]"}},
		{"[!abc]", 0, []string{"d"}, []string{"a", ""}},
		{"[^abc]", 0, []string{"d", "!"}, []string{"a", ""}},
		{"[a-cx]", 0, []string{"b", "x"}, []string{"d", "-"}},
		{"[c-a]", 0, nil, []string{"a", "b", "c"}},
		{"[a-]", 0, []string{"a", "-"}, []string{"b"}},
		{"[-a]", 0, []string{"a", "-"}, []string{"b"}},
		{"[]a]", 0, []string{"a", "]"}, []string{"b"}},
		{"[!]a]", 0, []string{"b"}, []string{"]"}},
		{"[a", 0, []string{"[a"}, []string{"a"}},
		{"[]", 0, []string{"[]"}, nil},
		{"[!]", 0, []string{"[!]"}, nil},
		{"[", 0, []string{"["}, nil},
		{`[\]]`, 0, []string{"]"}, []string{`\`, `\]`}},
		{`[a\-c]`, 0, []string{"a", "-", "c"}, []string{"b"}},
		{`\*`, 0, []string{"*"}, []string{"a", `\*`}},
		{`a\`, 0, []string{`a\`}, []string{"a"}},
		{"[[:digit:]]x", 0, []string{"1x"}, []string{"ax", "x"}},
		{"[[:digit:]a-c_]", 0, []string{"1", "b", "_"}, []string{"d", ":"}},
		{"[![:space:]]", 0, []string{"a"}, []string{" ", "\t"}},
		{"[[:upper:]]", 0, []string{"A"}, []string{"a", "Ä", "1"}},
		{"[[:upper:]]", u, []string{"A", "Ä"}, []string{"a", "ä"}},
		{"[[:upper:]]", n, []string{"A", "a"}, []string{"1"}},
		{"[[:nope:]a]", 0, []string{"a"}, []string{"n", ":"}},
		{"[[=a=]b]", 0, []string{"a", "b"}, []string{"="}},
		{"[[.a.]-c]", 0, []string{"a", "b", "c"}, []string{"."}},
		{"[[.hyphen.]x]", 0, []string{"-", "x"}, []string{"h"}},
		{"[[:alpha:]", 0, []string{"[a", "[:"}, []string{"a", "["}},
		{"[ä-ü]", u, []string{"ö", "ä"}, []string{"a"}},
		{"[\x80-\xff]", 0, []string{"\x80", "\xc0"}, []string{"a"}},
		{"[\x80-\xff]", u, []string{"\x80", "\xc0"}, []string{"a", "ä"}},
		{"[a-z]", n, []string{"a", "B"}, []string{"1"}},
		{"a(b)", x, []string{"a(b)"}, []string{"ab"}},
		{"@(a|b)c", x, []string{"ac", "bc"}, []string{"c", "abc", "@(a|b)c"}},
		{"@(a|b)c", 0, []string{"@(a|b)c"}, []string{"ac"}},
		{"?(a)b", x, []string{"b", "ab"}, []string{"aab"}},
		{"*(ab|c)", x, []string{"", "ab", "cab", "cc"}, []string{"a", "abx"}},
		{"+(ab|c)", x, []string{"ab", "cab", "cc"}, []string{"", "a"}},
		{"+([0-9])", x, []string{"1", "123"}, []string{"", "12a"}},
		{"!(*.c)", x, []string{"a.h", "", "c"}, []string{"a.c", ".c"}},
		{"!(a|b)", x, []string{"", "c", "ab"}, []string{"a", "b"}},
		{"a!(b)c", x, []string{"ac", "axc", "abbc"}, []string{"abc"}},
		{"!(!(a))", x, []string{"a"}, []string{"", "b", "aa"}},
		{"@(a", x, []string{"@(a"}, []string{"a"}},
		{"@(a|@(b|c)d)e", x, []string{"ae", "bde", "cde"}, []string{"be"}},
		{"*(*(a)b)", x, []string{"", "b", "aab", "abab"}, []string{"a", "ba"}},
		{"@([)]|b)", x, []string{")", "b"}, []string{"["}},
		{`@(a\)|b)`, x, []string{"a)", "b"}, []string{"a"}},
		{"@(|a)b", x, []string{"b", "ab"}, []string{"aab"}},
		{"@()", x, []string{""}, []string{"a"}},
		{"+(?)", x | u, []string{"ä", "äöü"}, []string{""}},
	}
	for _, tt := range tests {
		p := Compile(tt.pat, tt.flags)
		for _, s := range tt.yes {
			if !p.Match(s) {
				t.Errorf("%q (%d) does not match %q", tt.pat, tt.flags, s)
			}
		}
		for _, s := range tt.no {
			if p.Match(s) {
				t.Errorf("%q (%d) matches %q", tt.pat, tt.flags, s)
			}
		}
	}
}

func TestPrefixSuffix(t *testing.T) {
	tests := []struct {
		pat, s                 string
		flags                  Flags
		short, long            int // prefix lengths
		shortStart, longeStart int // suffix starts
	}{
		{".*", "a.b.c", 0, -1, -1, 3, 1},
		{"*.", "a.b.c", 0, 2, 4, -1, -1},
		{"*", "abc", 0, 0, 3, 3, 0},
		{"a", "aa", 0, 1, 1, 1, 1},
		{"a*a", "aabaa", 0, 2, 5, 3, 0},
		{"a*b*a", "aabaa", 0, 4, 5, 1, 0},
		{"?", "äö", UTF8, 2, 2, 2, 2},
		{"?", "äö", 0, 1, 1, 3, 3},
		{"*/*", "a/b/c", 0, 2, 5, 3, 0},
		{"", "abc", 0, 0, 0, 3, 3},
		{"[a-b]*[b-c]", "abcabc", 0, 2, 6, 4, 0},
		{"+(a)", "aabaa", Extglob, 1, 2, 4, 3},
		{"*(a)", "aabaa", Extglob, 0, 2, 5, 3},
		{"!(a)", "aa", Extglob, 0, 2, 2, 0},
		{"@(a|ab)", "abxab", Extglob, 1, 2, 3, 3},
	}
	for _, tt := range tests {
		p := Compile(tt.pat, tt.flags)
		got := [4]int{p.Prefix(tt.s, false), p.Prefix(tt.s, true), p.Suffix(tt.s, false), p.Suffix(tt.s, true)}
		if want := [4]int{tt.short, tt.long, tt.shortStart, tt.longeStart}; got != want {
			t.Errorf("%q on %q: got %v, want %v", tt.pat, tt.s, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	tests := []struct {
		pat, s     string
		flags      Flags
		from       int
		start, end int
	}{
		{"b", "abab", 0, 0, 1, 2},
		{"b", "abab", 0, 2, 3, 4},
		{"b", "aaa", 0, 0, -1, -1},
		{"b*", "abab", 0, 0, 1, 4},
		{"a*b", "xabab", 0, 0, 1, 5},
		{"*", "abc", 0, 1, 1, 3},
		{"[a-c]?", "xxbyz", 0, 0, 2, 4},
		{"+(a|b)", "xxabax", Extglob, 0, 2, 5},
		{"+(a|b)", "xxabax", Extglob, 5, -1, -1},
		{"@(ab|abc)", "xabcd", Extglob, 0, 1, 4},
		{"*(z)", "ab", Extglob, 1, 1, 1},
	}
	for _, tt := range tests {
		start, end := Compile(tt.pat, tt.flags).Find(tt.s, tt.from)
		if start != tt.start || end != tt.end {
			t.Errorf("%q in %q from %d: got %d,%d, want %d,%d", tt.pat, tt.s, tt.from, start, end, tt.start, tt.end)
		}
	}
}

func TestQuoteMatchesOnlyItself(t *testing.T) {
	for _, s := range []string{"*", "a?[b]", `\`, "[!a-b]", "@(a|b)", "]", "+(x)", "é*"} {
		q := string(Quote(nil, s))
		if p := Compile(q, Extglob|UTF8); !p.Match(s) {
			t.Errorf("%q quoted as %q does not match itself", s, q)
		}
		if p := Compile("["+q+"]", 0); p.Match("\\") && !strings.Contains(s, `\`) {
			t.Errorf("quoting %q put a backslash into a bracket expression", s)
		}
	}
}

// cpuTime is what this process has used of the processors; the clock on the
// wall says little on a busy machine.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestHostile is about patterns that take naive matchers exponential time or
// unbounded stack.
func TestHostile(t *testing.T) {
	subject := strings.Repeat("a", 4000)
	for _, pat := range []string{
		strings.Repeat("*a", 500) + "b",
		strings.Repeat("a*", 1000) + "b",
		strings.Repeat("?", 3000) + "*b",
		strings.Repeat("*(a", 60) + strings.Repeat(")", 60) + "b",
		strings.Repeat("@(", 100000),
		strings.Repeat("!(", 60) + "a" + strings.Repeat(")", 60),
		"*(*(*(a)b)|*(a)*(a))b",
		strings.Repeat("[", 100000),
		strings.Repeat("[", 100000) + `\]`,
		strings.Repeat("[[:a:]", 20000),
		strings.Repeat("[[.", 20000) + "]",
	} {
		start := cpuTime(t)
		_ = HasMeta(pat, 0)
		Compile(pat, Extglob).Match(subject[:min(len(subject), 300)])
		Compile(pat, UTF8).Match(subject)
		Compile(pat, UTF8).Suffix(subject, true)
		Compile(pat, UTF8).Find(subject, 0)
		// Generous, as the race detector is slow: exponential is for ever.
		if took := cpuTime(t) - start; took > time.Minute {
			t.Errorf("%.20q…: took %v", pat, took)
		}
	}
}

func TestMatchingDoesNotAllocate(t *testing.T) {
	for _, pat := range []string{"abc", "*.go", "a*[b-c]?", "?*"} {
		p := Compile(pat, UTF8)
		if n := testing.AllocsPerRun(10, func() { p.Match("abcä.go"); p.Suffix("a.b.c", true); p.Find("abc", 0) }); n != 0 {
			t.Errorf("%q: %v allocations", pat, n)
		}
	}
}

func TestHasMeta(t *testing.T) {
	for src, want := range map[string]bool{"abc": false, "a*": true, `a\*`: false, "[a]": true, "@(a)": false} {
		if got := HasMeta(src, 0); got != want {
			t.Errorf("HasMeta(%q) = %v", src, got)
		}
	}
	if !HasMeta("@(a)", Extglob) {
		t.Error("HasMeta does not see a group")
	}
}
