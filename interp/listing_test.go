package interp

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// listed parses text, which has to be one function, and lists it.
func listed(t *testing.T, text string) string {
	t.Helper()
	p := parse.New(parse.String(text), parse.Options{Bash: true})
	stmts, err := p.Next()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	d, ok := stmts[0].Cmd.(*syntax.FuncDecl)
	if !ok {
		t.Fatalf("no function: %.60q", text)
	}
	return functionText(d)
}

// TestListing has what bash prints for each function.
func TestListing(t *testing.T) {
	rows := []struct{ body, want string }{
		{"a; b & c && ! d || e | f |& g", "    a;\n    b & c && ! d || e | f 2>&1 | g\n"},
		{"if a; then b; elif c; then d; else e; fi >x 2>&1", "    if a; then\n        b;\n    else\n" +
			"        if c; then\n            d;\n        else\n            e;\n        fi;\n    fi > x 2>&1\n"},
		{"while a; do b; c; done; for x; do y; done", "    while a; do\n        b;\n        c;\n    done;\n" +
			"    for x in \"$@\";\n    do\n        y;\n    done\n"},
		{"for ((i=0; ; i++ )) do a; done", "    for ((i=0; 1; i++ ))\n    do\n        a;\n    done\n"},
		{"case $x in a|b) c;; *) d;& esac", "    case $x in \n        a | b)\n            c\n        ;;\n" +
			"        *)\n            d\n        ;&\n    esac\n"},
		{"(a; b); { c; }; (( x + 1 ))", "    ( a;\n    b );\n    { \n        c\n    };\n    (( x + 1 ))\n"},
		{"[[ -f $x && ( a == b || ! c =~ d ) ]]", "    [[ -f $x && ( a == b || ! c =~ d ) ]]\n"},
		{"cat <<E; a\n$x\nE", "    cat <<E\n$x\nE\n\n    a\n"},
		{"cat <<E\nE\nif a; then b; c; fi\nd\ne", "    cat <<E\nE\n\n    if a; then\n        b\n        c;\n    fi;\n    d;\n    e\n"},
		{"cat <<E\nE\na >b\nc\nd", "    cat <<E\nE\n\n    a > b;\n    c;\n    d\n"},
		{"cat <<E\nE\na && b\nc\nd", "    cat <<E\nE\n\n    a && b\n    c;\n    d\n"},
		{"while cat <<E\nE\ndo a; b; done\nc", "    while cat <<E\nE\n do\n        a\n        b;\n    done;\n    c\n"},
		{"cat <<E &\nE\na\nb", "    cat <<E &\nE\n  a\n    b\n"},
		{"x=`a  \\\\n;b>c` y=\"`d \\\"e\\\"`\"", "    x=`a  \\\\n;b>c` y=\"`d \\\"e\\\"`\"\n"},
		{"x=`a \\\n b` y=$( (a;b) | c && d)", "    x=`a  b` y=$( ( a; b ) | c && d)\n"},
		{"x=$(a;\n b\nc && d\n\ne;\nf)", "    x=$(a; b\nc && d\ne; f)\n"},
		{"a 2>x >&2 <&$y 5<&- <<<z &>w", "    a 2> x 1>&2 <&$y 5>&- <<< z &> w\n"},
		{"x=$'a\\tb' y=(1 [2]=3) z+=4 w 'q' \"r $s `t \"u\"` $(v;w)\" ${x:-y} ${a[1]} $((1+2))",
			"    x='a\tb' y=(1 [2]=3) z+=4 w 'q' \"r $s `t \"u\"` $(v; w)\" ${x:-y} ${a[1]} $((1+2))\n"},
		{"g() (a)", "    function g () \n    { \n        ( a )\n    }\n"},
		{"time -p a; local b=c; export d", "    time -p a;\n    local b=c;\n    export d\n"},
	}
	for _, row := range rows {
		want := "f () \n{ \n" + row.want + "}\n"
		if got := listed(t, "f() {\n"+row.body+"\n}\n"); got != want {
			t.Errorf("%s\n got: %s\nwant: %s", row.body, got, want)
		}
	}
}

// TestListingAgain lists the scripts of this system as functions, and lists
// what that gives: a listing has to mean what was listed.
func TestListingAgain(t *testing.T) {
	n := 0
	filepath.WalkDir("/usr/bin", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		first, _, _ := strings.Cut(string(text[:min(len(text), 60)]), "\n")
		if err != nil || !strings.HasPrefix(first, "#!") || !strings.Contains(first, "sh") || len(text) > 200_000 {
			return nil
		}
		p := parse.New(parse.String("f() {\n"+string(text)+"\n}\n"), parse.Options{Bash: true})
		if _, err := p.Next(); err != nil {
			return nil
		}
		n++
		once := listed(t, "f() {\n"+string(text)+"\n}\n")
		if again := listed(t, once); again != once {
			t.Errorf("%s: not the same when listed again", path)
		}
		return nil
	})
	t.Logf("%d scripts", n)
}
