package interp

import (
	"strings"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// noSystem is a System without files and users. Anything else is not asked
// of it by expansions without command substitutions.
type noSystem struct{ System }

func (noSystem) Pid() int                          { return 42 }
func (noSystem) HomeOf(user string) (string, bool) { return "/home/" + user, user == "u" }
func (noSystem) Open(*OpenRequest) (int, error)    { return -1, syscall.ENOENT }
func (noSystem) Stat(Dir, string, bool, *syscall.Stat_t) error {
	return syscall.ENOENT
}
func (noSystem) ReadDirs(_ Dir, paths []string) [][]byte { return make([][]byte, len(paths)) }
func (noSystem) StatAll(_ Dir, paths []string) ([]syscall.Stat_t, []error) {
	errs := make([]error, len(paths))
	for i := range errs {
		errs[i] = syscall.ENOENT
	}
	return make([]syscall.Stat_t, len(paths)), errs
}

// expandShell is a shell that can only expand words.
func expandShell(bash bool) *shell {
	rt := &runtime{sys: noSystem{}, bash: bash}
	sh := &shell{rt: rt, name: "sh", params: []string{"p1", "p 2", "*"}, attn: newAttention(), ifs: newIFS(" \t\n", true), traps: newTraps(nil), jobs: &jobTable{}}
	rt.main = sh
	sh.opts = optBraceexpand
	for name, value := range map[string]string{
		"x": "value", "n": "5", "s": "a b  c", "e": "", "f": "dir/file.tar.gz", "g": "*?[a]", "LC_ALL": "C.UTF-8", "HOME": "/home", "r": "x", "w": "äöü\xff",
	} {
		sh.setVar(name, value)
	}
	sh.setArray("a", []string{"one", "two words", ""})
	sh.setAttrs("m", attrAssoc, 0)
	sh.setAssoc("m", "k", "v")
	return sh
}

// parseWords returns the words of a command without substitutions of
// commands, nil if it has some or is not one simple command.
func parseWords(text string, bash bool) []*syntax.Word {
	stmts, err := parse.New(parse.String("f "+text), parse.Options{Bash: bash}).Next()
	if err != nil || len(stmts) != 1 {
		return nil
	}
	call, ok := stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(stmts[0].Redirs) > 0 {
		return nil
	}
	pure := true
	for _, w := range call.Args {
		syntax.Walk(w, func(n syntax.Node) bool {
			switch n.(type) {
			case *syntax.CmdSubst, *syntax.ProcSubst:
				pure = false
			}
			return pure
		})
	}
	if !pure {
		return nil
	}
	return call.Args[1:]
}

func mustWord(t testing.TB, text string, bash bool) *word {
	t.Helper()
	ws := parseWords(text, bash)
	if len(ws) != 1 {
		t.Fatalf("%s is not one word", text)
	}
	return compileWord(&compiler{}, ws[0])
}

func TestExpansionAllocates(t *testing.T) {
	sh := expandShell(false)
	dst := make([]string, 0, 16)
	for text, most := range map[string]float64{
		"literal": 0, "'quoted literal'": 0, `"$x"`: 0, "$x": 0, "${x}": 0, `"${f%%.*}"`: 0, "${f##*/}": 0, "${x:-default}": 0,
		`"$@"`: 0, "$s": 0, "${#x}": 0, `"$1"`: 0, "$#": 0, "$((n+1))": 0, "$(($n+1))": 0, "${e:-default}": 0,
		"a$x": 1, `"$x/$n"`: 1, `pre"$@"post`: 2, "${nope:-$x}": 0, "${e:+word}": 0,
	} {
		w := mustWord(t, text, false)
		got := testing.AllocsPerRun(100, func() {
			if _, err := w.fields(sh, dst[:0]); err != nil {
				t.Fatal(err)
			}
		})
		if got > most {
			t.Errorf("%s: %v allocations, want at most %v", text, got, most)
		}
	}
}

// TestNonUTF8 is about bytes that are part of no character.
func TestNonUTF8(t *testing.T) {
	sh := expandShell(true)
	for text, want := range map[string]string{
		"a\xffb": "a\xffb", "${w%?}": "äöü", "${#w}": "4", "${w:3:1}": "\xff", "${w^^}": "ÄÖÜ\xff", "'\xfe'": "\xfe", "${w/ö/o}": "äoü\xff", "$'\\xff'": "\xff",
	} {
		got, err := mustWord(t, text, true).str(sh)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestBadSubstitutionIsFoundAtRunTime(t *testing.T) {
	for _, text := range []string{"${x!y}", "${}", "${x&}", "${1x}"} {
		w := mustWord(t, text, true)
		if _, err := w.fields(expandShell(true), nil); err == nil || !strings.Contains(err.Error(), "bad substitution") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if got, err := mustWord(t, "${x-${y!z}}", true).fields(expandShell(true), nil); err != nil || len(got) != 1 {
		t.Errorf("what is not reached is no error: %v, %v", got, err)
	}
}

// TestHostileWords must neither hang nor use unbounded memory.
func TestHostileWords(t *testing.T) {
	for _, text := range []string{
		"{1..9999999999}", strings.Repeat("{a,b}", 40), strings.Repeat("{", 5000) + "a,b" + strings.Repeat("}", 5000), "{-4611686018427387904..4611686018427387903}",
		strings.Repeat("{a,", 3000) + strings.Repeat("}", 3000), "{1..10..9223372036854775807}", "{1..3..-9223372036854775808}", strings.Repeat("*", 50000), strings.Repeat("[", 20000),
		"${s:9223372036854775807:9223372036854775807}", "${s: -9223372036854775808}", "${@:9223372036854775807}", "${99999999999999999999}",
	} {
		ws := parseWords(text, true)
		for _, w := range ws {
			compileWord(&compiler{}, w).fields(expandShell(true), nil)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, name := range []string{"expand_posix.txt", "expand_bash.txt"} {
		for _, row := range expandRows(f, name) {
			for _, command := range strings.Split(row, "; ") {
				if text, ok := strings.CutPrefix(command, "f "); ok {
					f.Add(text, name == "expand_bash.txt", " \t\n")
					f.Add(text, name == "expand_bash.txt", ": ")
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string, bash bool, ifs string) {
		if len(text) > 400 {
			t.Skip()
		}
		for _, w := range parseWords(text, bash) {
			sh := expandShell(bash)
			sh.shopts = shoptExtglob | shoptGlobstar
			sh.setVar("IFS", ifs)
			cw := compileWord(&compiler{}, w)
			fields, err := cw.fields(sh, nil)
			if err != nil && err.Error() == "" {
				t.Fatal("an error without text")
			}
			_ = fields
			cw.str(sh)
			cw.pattern(sh)
			cw.regexp(sh)
			compileHeredoc(&compiler{}, w, false).str(sh)
			compileAssigned(&compiler{}, w).str(sh)
		}
	})
}

func BenchmarkExpand(b *testing.B) {
	for _, text := range []string{"literal", `"$x"`, "$x", "$s", "${f%%.*}", "$((n+1))", "$(($n+1))", `"$x/$n"`} {
		b.Run(text, func(b *testing.B) {
			sh, w := expandShell(false), mustWord(b, text, false)
			dst := make([]string, 0, 8)
			b.ReportAllocs()
			for b.Loop() {
				w.fields(sh, dst[:0])
			}
		})
	}
}
