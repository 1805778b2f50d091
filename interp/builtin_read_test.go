package interp

import (
	"io"
	"strings"
	"testing"
)

// feed serves a string byte by byte and counts what was taken.
type feed struct {
	text string
	at   int
}

func (f *feed) next() (byte, error) {
	if f.at == len(f.text) {
		return 0, io.EOF
	}
	f.at++
	return f.text[f.at-1], nil
}

func TestReadLineTakesNoMore(t *testing.T) {
	for _, row := range []struct {
		in    string
		line  lineReader
		text  string
		taken int
	}{
		{"ab\ncd\n", lineReader{delim: '\n', limit: -1}, "ab", 3},
		{"ab", lineReader{delim: '\n', limit: -1}, "ab", 2},
		{"a\\\nb\nc", lineReader{delim: '\n', limit: -1}, "ab", 5},
		{"a\\\nb\nc", lineReader{delim: '\n', limit: -1, raw: true}, `a\`, 3},
		{"ab:c", lineReader{delim: ':', limit: -1}, "ab", 3},
		{"a\x00b", lineReader{delim: 0, limit: -1}, "a", 2},
		{"a\x00b\n", lineReader{delim: '\n', limit: -1}, "ab", 4},
		{"abc", lineReader{delim: '\n', limit: 2}, "ab", 2},
		{"a\nb", lineReader{delim: '\n', limit: 3, exact: true}, "a\nb", 3},
		{"éà", lineReader{delim: '\n', limit: 1, utf8: true}, "é", 2},
		{"éà", lineReader{delim: '\n', limit: 1}, "\xc3", 1},
		{"abc", lineReader{delim: '\n', limit: 0}, "", 0},
	} {
		f := &feed{text: row.in}
		l := row.line
		l.next, l.continued = f.next, func() {}
		l.read()
		if string(l.text) != row.text || f.at != row.taken {
			t.Errorf("%q: %q after %d bytes, want %q after %d", row.in, l.text, f.at, row.text, row.taken)
		}
	}
}

func splitFor(text, ifs string, names int) []string {
	state := newIFS(ifs, true)
	s := readSplitter{text: text, class: &state.class}
	s.skipWhite()
	var got []string
	for i := 0; i < names-1; i++ {
		got = append(got, s.field())
	}
	return append(got, s.rest())
}

func TestReadSplits(t *testing.T) {
	for _, row := range []struct{ text, ifs, want string }{
		{" a  b ", " ", "a|b"}, {" a b c ", " ", "a|b c"}, {"a", " ", "a|"},
		{"a:b", ":", "a|b"}, {"a:b:", ":", "a|b"}, {"a:b::", ":", "a|b::"}, {":a", ":", "|a"},
		{"a : b", " :", "a|b"}, {" a b ", "", " a b |"}, {"a:b:c:", ":", "a|b:c:"},
	} {
		if got := strings.Join(splitFor(row.text, row.ifs, 2), "|"); got != row.want {
			t.Errorf("%q with IFS=%q: %s, want %s", row.text, row.ifs, got, row.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(" a\\ b:c \nx", ": ", true)
	f.Add("é\\\nb", "", false)
	f.Fuzz(func(t *testing.T, in, ifs string, raw bool) {
		src := &feed{text: in}
		l := lineReader{delim: '\n', limit: -1, raw: raw, next: src.next, continued: func() {}}
		complete, _ := l.read()
		if complete != (src.at > 0 && in[src.at-1] == '\n') && complete {
			t.Errorf("%q: complete after %q", in, in[:src.at])
		}
		if !complete && src.at != len(in) {
			t.Errorf("%q: stopped at %d", in, src.at)
		}
		state := newIFS(ifs, true)
		s := readSplitter{text: string(l.text), protected: l.protected, class: &state.class}
		total := 0
		for _, field := range s.all() {
			total += len(field)
		}
		if total > len(l.text) {
			t.Errorf("%q: %d bytes of fields from %d", in, total, len(l.text))
		}
	})
}
