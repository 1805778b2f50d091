package parse

import (
	"errors"
	"io"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// TestReaderShares: what follows the newline of a command stays in the reader.
func TestReaderShares(t *testing.T) {
	rows := []struct{ text, rest string }{
		{"read x\ndata\n", "data\n"},
		{"read x; echo\n\ndata", "\ndata"},
		{"\n# c\n  read x # d\ndata", "data"},
		{"if a\nthen b\nfi\ndata", "data"},
		{"cat <<E\na\nE\ndata", "data"},
		{"a \\\n b\ndata", "data"},
		{"a &&\n b\ndata", "data"},
		{"x='\n'\ndata", "data"},
		{"cat <<E $(\na)\nb\nE\ndata", "data"},
		{"f()\n{ a\n}\ndata", "data"},
		{"a", ""},
	}
	for _, row := range rows {
		r := strings.NewReader(row.text)
		if _, err := New(Reader(r), Options{}).Next(); err != nil {
			t.Errorf("%q: %v", row.text, err)
		}
		if rest, _ := io.ReadAll(r); string(rest) != row.rest {
			t.Errorf("%q: left %q, want %q", row.text, rest, row.rest)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	p := New(Reader(io.MultiReader(strings.NewReader("a\nb"), errReader{broken})), Options{})
	if _, err := p.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Next(); err != broken {
		t.Errorf("got %v", err)
	}
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// TestLines: an interactive shell asks with the prompts it should.
func TestLines(t *testing.T) {
	input := []string{"a\n", "\n", "if b\n", "then c; fi\n", "d )\n", "e\n", "x 'y\n", "z'\n"}
	var asked []bool
	p := New(Lines(func(more bool) (string, error) {
		asked = append(asked, more)
		if len(input) == 0 {
			return "", io.EOF
		}
		s := input[0]
		input = input[1:]
		return s, nil
	}), Options{Interactive: true})
	var got []string
	for {
		stmts, err := p.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			got = append(got, "error")
			continue
		}
		got = append(got, dump(stmts))
	}
	if s := strings.Join(got, ", "); s != "a, if{b}{c}, error, e, x <'y\nz'>" {
		t.Errorf("got %s", s)
	}
	want := "[false false false true false false false true false]"
	if s := strings.ReplaceAll(strings.Trim(strings.Join(boolStrings(asked), " "), " "), "  ", " "); "["+s+"]" != want {
		t.Errorf("asked [%s], want %s", s, want)
	}
}

func boolStrings(bs []bool) (out []string) {
	for _, b := range bs {
		if b {
			out = append(out, "true")
		} else {
			out = append(out, "false")
		}
	}
	return out
}

func TestIncomplete(t *testing.T) {
	rows := []struct {
		text string
		want bool
	}{
		{"if a", true}, {"if a; then", true}, {"a |", true}, {"a &&", true}, {"(a", true}, {"{ a;", true},
		{"'a", true}, {"\"a", true}, {"`a", true}, {"$(a", true}, {"${a", true}, {"$((1", true},
		{"case x", true}, {"case x in", true}, {"case x in a) b", true}, {"for x", true}, {"f()", true},
		{"while a; do b", true}, {"\"${x", true}, {"[[ a", true}, {"a=(b", true}, {"((1", true},
		{"fi", false}, {"a )", false}, {"if a; fi", false}, {"a ;;", false}, {"for x in a )", false},
	}
	for _, row := range rows {
		_, err := parseAll([]byte(row.text), Options{Bash: true})
		var perr *Error
		if !errors.As(err, &perr) || perr.Incomplete != row.want {
			t.Errorf("%q: %v, want incomplete %v", row.text, err, row.want)
		}
	}
}

func TestAliases(t *testing.T) {
	aliases := map[string]string{
		"ll": "ls -l", "e": "echo ", "x": "xval", "ifa": "if a; then", "self": "self -x", "p": "q p", "q": "p q",
		"br": "{ ", "two": "a\nb", "empty": "", "quo": "echo 'a", "hd": "cat <<E\nbody\nE\n", "sub": "echo $(", "cm": "echo a #",
		"pre": "a=1 ", "opn": "(", "fi": "never", "for": "never", "semi": "a;", "dq": "echo \"$x", "es": "esac",
	}
	rows := []struct{ text, want string }{
		{"ll a", "ls -l a"},
		{"'ll' a; \\ll; \"ll\"", "<'ll'> a ; \\ll ; <\"ll\">"},
		{"a ll", "a ll"},
		{"e x x", "echo xval x"},
		{"e e x x", "echo echo xval x"},
		{"ifa b; fi", "if{a}{b}"},
		{"self", "self -x"},
		{"p", "p q p"},
		{"br a; }", "block{a}"},
		{"two", "a|b"},
		{"empty a", "a"},
		{"a | ll", "(a | ls -l)"},
		{"! ll", "! ls -l"},
		{"a=1 ll", "[a=1]ls -l"},
		{">f ll", "ls -l >f"},
		{"quo b' c", "echo <'a b'> c"},
		{"dq y\"", "echo <\"<$x> y\">"},
		{"sub a)", "echo <cmd a>"},
		{"sub ll)", "echo <cmd ls -l>"},
		{"cm b\nc", "echo a|c"},
		{"opn ll)", "sub{ls -l}"},
		{"pre ll", "[a=1]ls -l"},
		{"if a; then b; fi", "if{a}{b}"},
		{"semi ll", "a ; ls -l"},
		{"ll&ll", "ls -l & ; ls -l"},
		{"(ll)", "sub{ls -l}"},
		{"l\\\nl b", "ls -l b"},
		{"e \\\nx", "echo xval"},
		{"echo `ll`", "echo <cmd ls -l>"},
		{"ll() { a; }", "FAIL"},
	}
	lookup := func(name string) (string, bool) {
		s, ok := aliases[name]
		return s, ok
	}
	for _, row := range rows {
		p := New(String(row.text+"\n"), Options{Aliases: lookup})
		var got []string
		for {
			stmts, err := p.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				got = append(got, "FAIL")
				break
			}
			got = append(got, dump(stmts))
		}
		if s := strings.Join(got, "|"); s != row.want {
			t.Errorf("%q:\n got %s\nwant %s", row.text, s, row.want)
		}
	}
}

// TestPositions: the position of every literal is where its text is.
func TestPositions(t *testing.T) {
	texts := []string{
		"a b\n  c 'd\n' e; f\n",
		"if a\nthen b; else\n\n c\nfi >d\n",
		"a \\\n b\\\n\nc\n",
		"x=$(a\nb) c\nd\n",
		"a `b c\nd \\`e f\\` g` h\ni\n",
		"cat <<E b\nc $d ${e:-f}\n$(g\nh) i\nE\nj\n",
		"cat <<-E\n\ta $b\n\t\t$(c) d\n\tE\ne\n",
		"case a in\nb|c) d;;\n*)\ne\nesac; f\n",
		"\"a ${b#c} $((d\n+e)) f\" g\nh\n",
		"a 2>b <c; d\n",
	}
	for _, s := range corpus()[:min(len(corpus()), 200)] {
		if !s.bash {
			texts = append(texts, string(s.text))
		}
	}
	for _, text := range texts {
		stmts, err := parseAll([]byte(text), Options{})
		if err != nil {
			continue
		}
		for _, s := range stmts {
			syntax.Walk(s, func(n syntax.Node) bool {
				l, ok := n.(*syntax.Lit)
				if !ok || l.Value == "" {
					return true
				}
				off := int(l.Pos().Offset())
				line := strings.Count(text[:off], "\n") + 1
				col := off - strings.LastIndexByte(text[:off], '\n')
				if int(l.Pos().Line()) != line || int(l.Pos().Col()) != col {
					t.Errorf("%.200q: %q at %v, want %d:%d", text, l.Value, l.Pos(), line, col)
				}
				if text[off] != l.Value[0] && text[off] != '\\' && text[off] != '\t' {
					t.Errorf("%.200q: %q, but the source has %q", text, l.Value, text[off])
				}
				return true
			})
		}
	}
}
