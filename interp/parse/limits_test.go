package parse

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestDeep: nesting is an error long before the stack is a problem, and soon.
func TestDeep(t *testing.T) {
	openers := []string{
		"(", "( ", "$(", "`", "if ", "while ", "{ ", "! ", "time ", "case x in a) ", "f()", "f() ",
		"\"${x-", "${x-", "${x#", "${x[", "\"$(", "$((", "$(( ", "$((1+", "((", "(((", "$((`", "<(", "a=(", "a=($(",
		"a[", "a[$(", "$[", "[[ ( ", "[[ ! ", "for ((", "for x in $(", "cat <<E\n$(", "function f ",
		"if a; then ", "@(", "echo @(", "a && ", "a | ", "a; ", "\"", "'", "\\", "a=b ", ">x ", "$((a[$(",
		"cat <<E\n${x-`", "select x do ", "[[ a =~ (", "[[ a && ", "if a; then b; elif ", "${x:", "${x/", "${x:$((",
	}
	nests := map[string]bool{"(": true, "$(": true, "if ": true, "\"${x-": true, "$((": true, "{ ": true, "\"$(": true}
	for _, o := range openers {
		for _, isBash := range []bool{false, true} {
			size := 3_000_000
			if !nests[o] {
				size /= 10
			}
			text := strings.Repeat(o, size/len(o))
			start := time.Now()
			_, err := parseAll([]byte(text), Options{Bash: isBash})
			if took := time.Since(start); took > time.Minute {
				t.Errorf("%q, bash %v: took %v", o, isBash, took)
			}
			if nests[o] && err == nil {
				t.Errorf("%q, bash %v: no error", o, isBash)
			}
			var perr *Error
			if err != nil && (!errors.As(err, &perr) || strings.Contains(perr.Text, "internal")) {
				t.Errorf("%q, bash %v: %v", o, isBash, err)
			}
		}
	}
}

// TestDeepEnough: nesting a program could have is accepted.
func TestDeepEnough(t *testing.T) {
	const n = 200
	rows := []struct{ open, inside, close string }{
		{"(", "a", ")"},
		{"$(", "a", ")"},
		{"{ ", "a; ", "}; "},
		{"if a; then ", "b; ", "fi; "},
		{"echo \"${x-", "", "}\"; "},
		{"$((1 + ", "2", "))"},
	}
	for _, r := range rows {
		depth := n
		if strings.HasPrefix(r.open, "echo") {
			depth = 1
		}
		text := strings.Repeat(r.open, depth) + r.inside + strings.Repeat(r.close, depth)
		if _, err := parseAll([]byte(text), Options{}); err != nil {
			t.Errorf("%q: %v", r.open, err)
		}
	}
	long := strings.Repeat("a && ", 20_000) + "b\n" + "if a; then b; " + strings.Repeat("elif c; then d; ", 20_000) + "fi\n"
	if _, err := parseAll([]byte(long), Options{}); err != nil {
		t.Error(err)
	}
}

func TestNUL(t *testing.T) {
	for _, src := range []Source{Bytes([]byte("echo a\necho b\x00c\n")), Reader(strings.NewReader("echo a\necho b\x00c\n"))} {
		p := New(src, Options{})
		if stmts, err := p.Next(); len(stmts) != 1 || err != nil {
			t.Errorf("first line: %v, %v", stmts, err)
		}
		_, err := p.Next()
		var perr *Error
		if !errors.As(err, &perr) || !strings.Contains(perr.Text, "NUL") || perr.Line != 2 {
			t.Errorf("second line: %v", err)
		}
		if _, again := p.Next(); again != err {
			t.Errorf("again: %v", again)
		}
	}
}

// FuzzParse: no panic, no endless loop, the same verdict from all sources, and
// a result the tree walkers of upstream can take.
func FuzzParse(f *testing.F) {
	for _, row := range acceptRows {
		f.Add(row.text, false)
		f.Add(row.text, true)
	}
	f.Fuzz(func(t *testing.T, text string, isBash bool) {
		aliases := func(name string) (string, bool) {
			switch name {
			case "a":
				return "b ", true
			case "b":
				return "if a", true
			case "c":
				return "echo 'x", true
			case "d":
				return "cat <<E\n", true
			}
			return "", false
		}
		for _, al := range []func(string) (string, bool){nil, aliases} {
			opt := Options{Bash: isBash, Aliases: al}
			n, err := drain(t, New(String(text), opt), len(text))
			rn, rerr := drain(t, New(Reader(strings.NewReader(text)), opt), len(text))
			if n != rn || (err == nil) != (rerr == nil) {
				t.Fatalf("from memory: %d, %v; from a reader: %d, %v", n, err, rn, rerr)
			}
			again := New(String(text), opt)
			again.Recycle()
			if rn, rerr = drain(t, again, len(text)); n != rn || (err == nil) != (rerr == nil) {
				t.Fatalf("%d, %v; with nodes used again: %d, %v", n, err, rn, rerr)
			}
			opt.Interactive = true
			if !reachesEnd(New(String(text), opt), len(text)) {
				t.Fatal("interactive: no end")
			}
		}
	})
}

// reachesEnd reports whether the parser gets to the end, going on after errors.
func reachesEnd(p *Parser, size int) bool {
	for range size + 100 { // aliases have more lines than the text
		if _, err := p.Next(); err == io.EOF {
			return true
		}
	}
	return false
}

func drain(t *testing.T, p *Parser, size int) (n int, err error) {
	for range size + 100 {
		stmts, err := p.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			var perr *Error
			if !errors.As(err, &perr) || strings.Contains(perr.Text, "internal error") {
				t.Fatal(err)
			}
			return n, err
		}
		n += len(stmts)
		walk(stmts)
		if p.lits.recycles {
			p.Recycle()
		}
	}
	t.Fatal("no end")
	return
}

func TestSourceLine(t *testing.T) {
	_, err := parseAll([]byte("echo a\n  echo b; fi # x\necho c\n"), Options{Name: "s"})
	var perr *Error
	if !errors.As(err, &perr) {
		t.Fatal(err)
	}
	want := Error{Name: "s", Line: 2, Col: 11, Text: `unexpected "fi"`, Source: "  echo b; fi # x", Token: "fi"}
	if *perr != want {
		t.Errorf("got %#v, want %#v", *perr, want)
	}
}
