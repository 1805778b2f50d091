package history

import (
	"slices"
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		`a b>c 2>&1|d&&e`:         "a,b,>,c,2>&1,|,d,&&,e",
		`echo $(a b) <(c d) x`:    "echo,$(a b),<(c d),x",
		`a 'b c' "d \" e"f\ g`:    `a,'b c',"d \" e"f\ g`,
		`@(a|b)c (d) # e f`:       "@(a|b)c,(,d,)",
		`x $(a ")" '(' \) y) z`:   `x,$(a ")" '(' \) y),z`,
		`cat <<-X <<<y 3>x >|z 4`: "cat,<<-,X,<<<,y,3>,x,>|,z,4",
	} {
		if got := strings.Join(Words(text), ","); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// A copy and its original do not see each other's commands.
func TestFork(t *testing.T) {
	l := New(3)
	l.Add(Entry{Text: "a"})
	f := l.Fork()
	l.Add(Entry{Text: "b"})
	f.Add(Entry{Text: "c"})
	f.Replace("d")
	if l.Last() != "b" || f.Last() != "d" || l.Len() != 2 || f.Len() != 2 {
		t.Errorf("%v and %v", l.entries, f.entries)
	}
	for _, text := range []string{"e", "f"} {
		l.Add(Entry{Text: text})
	}
	if l.Len() != 3 || l.First() != 2 || l.Next() != 5 {
		t.Errorf("%d commands from %d, next %d", l.Len(), l.First(), l.Next())
	}
}

// No text of a line makes the expansion fail other than by an Error.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"!!", "^a^b", "!?x?:%", "!-1:s/a/", "!:", "!!:g", "!!:2-", "echo $'", "!!:Gs", `"!"`, "!#:&"} {
		f.Add(s)
	}
	l := New(Unlimited)
	for _, text := range []string{"echo a b", "ls -l | wc", ""} {
		l.Add(Entry{Text: text})
	}
	f.Fuzz(func(t *testing.T, line string) {
		e := Expander{Event: '!', Quick: '^', Comment: '#'}
		text, result, err := e.Expand(l, l.Len(), line, nil)
		if err == nil && result == Same && text != line {
			t.Errorf("%q became %q", line, text)
		}
		var layout Layout
		command := ""
		for _, part := range slices.Collect(strings.SplitSeq(line, "\n")) {
			command = layout.Join(command, part, false)
			layout.Add(part)
		}
	})
}
