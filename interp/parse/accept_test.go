package parse

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

// verdicts of a row: which modes accept the text.
const (
	both  = "both"
	posix = "posix" // and not bash
	bash  = "bash"  // and not posix
	none  = "none"
)

// extension is the reason of rows which dash rejects: scripts for sh that were
// written where sh is bash, busybox or a Korn shell rely on them.
const extension = "no POSIX script can mean anything else by it"

// acceptRows are texts and who accepts them. ours is set, with a reason, where
// we differ from dash -n or bash -n on purpose.
var acceptRows = []struct {
	text, want string
	ours       string
}{
	{text: "", want: both},
	{text: "\n\n# comment", want: both},
	{text: "echo a", want: both},
	{text: "echo a;", want: both},
	{text: "echo a;;", want: none},
	{text: "x=<in", want: both},
	{text: "y=1 x=>out z=2>>out a=<<E b\nE", want: both},
	{text: "export x=<in y=>out", want: both},
	{text: "x=<<<in a=<&- b=>|out c=<(:) d=>(:) >in", want: both, ours: extension},
	{text: "x=<", want: none},
	{text: ";", want: none},
	{text: "&", want: none},
	{text: "echo a; fi", want: none},
	{text: "echo fi then do done esac { } ! in", want: both},
	{text: "if true; then echo; fi", want: both},
	{text: "if true; then fi", want: none},
	{text: "if true; then echo", want: none},
	{text: "if; then echo; fi", want: none},
	{text: "if a; then b; elif c; then d; else e; fi >x 2>&1 | f", want: both},
	{text: "if a; then b; else c; else d; fi", want: none},
	{text: "while a; do b; done", want: both},
	{text: "until a\ndo b\ndone", want: both},
	{text: "while a; do done", want: none},
	{text: "for x; do echo; done", want: both},
	{text: "for x do echo; done", want: both},
	{text: "for x\ndo echo; done", want: both},
	{text: "for x in; do echo; done", want: both},
	{text: "for x\n\nin a b\n\ndo echo; done", want: both},
	{text: "for x in a b do echo; done", want: none},
	{text: "for 1 in a; do echo; done", want: bash, ours: "bash complains when it runs"},
	{text: "for x in a; { echo; }", want: bash},
	{text: "for ((i=0; i<3; i++)); do echo; done", want: both, ours: extension},
	{text: "for ((;;)) { echo; }", want: bash},
	{text: "for ((;;); do echo; done", want: none, ours: "bash complains when it runs"},
	{text: "case x in esac", want: both},
	{text: "case x in a) ;; esac", want: both},
	{text: "case x in a) esac", want: both},
	{text: "case x in (a|b) echo;; *) echo; esac", want: both},
	{text: "case x\n in\n\na)\n\n;;\n\nb) ;;\nesac", want: both},
	{text: "case x in a) echo;& b) echo;; esac", want: both, ours: "POSIX has ;& since 2024"},
	{text: "case x in a) echo;;& b) echo;; esac", want: both, ours: extension},
	{text: "case x in (esac) echo;; esac", want: both},
	{text: "case x in a echo;; esac", want: none},
	{text: "case x in a) echo", want: none},
	{text: "case in in in) ;; esac", want: both},
	{text: "case x in if) fi=1;; esac", want: both},
	{text: "echo $(case x in a) echo;; esac)", want: both},
	{text: "{ echo; }", want: both},
	{text: "{ }", want: none},
	{text: "{ echo }", want: none},
	{text: "{echo; }", want: none},
	{text: "}", want: none},
	{text: "( )", want: none},
	{text: "(echo)", want: both},
	{text: "(echo", want: none},
	{text: "echo)", want: none},
	{text: "((echo a);(echo b))", want: both},
	{text: "( (echo a) )", want: both},
	{text: "((1+2))", want: both},
	{text: "((1 < 2)) && echo", want: both},
	{text: "! true", want: both},
	{text: "! ! true", want: bash},
	{text: "!", want: bash},
	{text: "!(false)", want: both},
	{text: "! | a", want: none},
	{text: "a | ! b", want: none, ours: "dash has no such rule"},
	{text: "a | b |\n\n c && d ||\n\n e", want: both},
	{text: "a |", want: none},
	{text: "a && ", want: none},
	{text: "&& a", want: none},
	{text: "a || || b", want: none},
	{text: "a & & b", want: none},
	{text: "a & b &", want: both},
	{text: "a |& b", want: both, ours: extension},
	{text: "f() { echo; }", want: both},
	{text: "f ( ) \n\n{ echo; } >x", want: both},
	{text: "f() (echo)", want: both},
	{text: "f() if a; then b; fi", want: both},
	{text: "f() echo", want: posix},
	{text: "f()", want: none},
	{text: "f(a) { echo; }", want: none},
	{text: "f(", want: none},
	{text: "a-b() { echo; }", want: both, ours: "scripts for bash and POSIX.2024 use such names"},
	{text: "'f'() { echo; }", want: none, ours: "bash complains when it runs"},
	{text: "function f { echo; }", want: both, ours: extension},
	{text: "function f() { echo; }", want: both, ours: extension},
	{text: "function f() (echo)", want: both, ours: extension},
	{text: "function f (echo)", want: both, ours: extension},
	{text: "export() { :; }", want: both, ours: "dash refuses special builtins"},
	{text: "export(){ :;}", want: both, ours: "dash refuses special builtins"},
	{text: "let x=1+1 2>/dev/null", want: both},
	{text: "a=1 b=2 c", want: both},
	{text: "a=(1 2 3)", want: both, ours: extension},
	{text: "a=([1]=x [k]=y z)\na+=(b)\na[3]=c", want: both, ours: extension},
	{text: "a=(\n# comment\nx\n\n)", want: both, ours: extension},
	{text: "a=(1 (2))", want: none},
	{text: "a=(1; 2)", want: none},
	{text: "echo a=(1)", want: none},
	{text: "declare -a a=(1 2) b c=d", want: bash},
	{text: "export a=(1) >x b", want: bash},
	{text: "let a=(1 + 2) b=3; eval a=(1 2); A=1 declare a=(b 'c d')", want: bash},
	{text: "command declare a=(1)", want: none},
	{text: "let (1)", want: none},
	{text: "a[ b", want: both, ours: "bash wants the ] of every name["},
	{text: "[ a = b ]", want: both},
	{text: "[[ a == b && ( -f x || ! $y =~ ^(a|b c)$ ) ]]", want: both, ours: extension},
	{text: "[[ a <b ]]", want: both},
	{text: "[[ a ]", want: none, ours: extension},
	{text: "[[ ]]", want: none, ours: extension + "; bash complains when it runs"},
	{text: "[[ -f ]]", want: none, ours: extension},
	{text: "[[ a b ]]", want: none, ours: extension},
	{text: "[[ a -eq 1\n]]", want: both},
	{text: "[[ a = @(b|c d)e ]]", want: bash},
	{text: "case x in @(a|b)) ;; esac", want: bash, ours: "bash -n has no extglob unless it is on"},
	{text: "select x in a b; do echo; done", want: both, ours: extension},
	{text: "time a | b; time -p c; time", want: both},
	{text: "time { a; }", want: both, ours: extension},
	{text: "coproc a", want: both},
	{text: "coproc N { a; }; coproc N (a); coproc { a; } <x", want: bash},
	{text: "coproc", want: posix},
	{text: "coproc N if a; then b; fi; coproc while a; do b; done | c; coproc a b >x", want: bash},
	{text: "cat <(echo) >(cat)", want: both, ours: extension},
	{text: "cat <<<x", want: both, ours: extension},
	{text: "cat &>x", want: both},
	{text: "cat &>>x", want: both},
	{text: "cat {fd}>x", want: both},
	{text: ">x", want: both},
	{text: ">", want: none},
	{text: "a >x b <y 2>&1 3<>z 4>|w 5<&- 6>>v", want: both},
	{text: "a > >b", want: none},
	{text: ">x { echo; }", want: none},
	{text: ">x if", want: both},
	{text: "a=b if", want: both},
	{text: "cat <<E\na\nE\n", want: both},
	{text: "cat <<E\na", want: both},
	{text: "cat <<E", want: both},
	{text: "cat <<$x\na\n$x\n", want: both},
	{text: "cat <<'E F' <<-G | b\n$(\nE F\n\ta\n\tG\n", want: both},
	{text: "cat <<E\n$(echo\nE\n", want: bash},
	{text: "cat <<E\n$(cat <<F\na\nF\n)\nE\n", want: both},
	{text: "x=$(cat <<E\n)'\nE\n)", want: both},
	{text: "cat <<", want: none},
	{text: "echo \"a", want: none},
	{text: "echo 'a", want: none},
	{text: "echo `a", want: none},
	{text: "echo $(a", want: none},
	{text: "echo ${a", want: none},
	{text: "echo $((1", want: none},
	{text: "echo \"${x:-it's}\"", want: both, ours: "bash has it in POSIX mode only"},
	{text: "echo ${x:-it's}", want: none},
	{text: "echo \"${x#'}'}\"", want: both},
	{text: "echo \"${x:-\"}\"}\"", want: both},
	{text: "echo $((1 $op 2)) $(( (1) )) $((a[1]))", want: both},
	{text: "echo $((echo a) | cat)", want: both, ours: "POSIX wants the command substitution"},
	{text: "echo $((echo a; (echo b)))", want: both},
	{text: "echo ${###1} ${##} ${#-x} ${#?} ${#:-y} ${###}", want: both},
	{text: "if false; then echo ${x//a/b} ${x:1} ${!x} ${x^^} ${x@Q} ${a[1]}; fi", want: both},
	{text: "echo ${x!y}", want: both},
	{text: "echo ${}", want: both},
	{text: "echo $'a\\'b'", want: both, ours: "POSIX has it since 2024"},
	{text: "echo $\"a\"", want: both},
	{text: "echo `echo \\`echo a\\``", want: both},
	{text: "echo \"`echo \\\"a b\\\"`\"", want: both},
	{text: "echo `if`", want: none, ours: "dash and bash look when it runs"},
	{text: "echo a\\\nb &\\\n& c |\\\n| d", want: both},
	{text: "i\\\nf true; th\\\nen echo; f\\\ni", want: both},
	{text: "cat <\\\n<E\na\nE\n", want: both},
	{text: "echo $\\\n(\\\n(1)\\\n)", want: both},
	{text: "echo $\\\n{x\\\ny:\\\n-z}", want: both},
	{text: "a\\\nb=1 2\\\n>x", want: both},
	{text: "echo \xff\xfe \r\n", want: both},
	{text: "echo @(a|b c)", want: bash, ours: "bash -n has no extglob unless it is on"},
	{text: "echo a(b)", want: none},
	{text: "echo #(\n", want: both},
	{text: "echo a#(\n", want: none},
}

func TestAccept(t *testing.T) {
	for _, row := range acceptRows {
		for _, isBash := range []bool{false, true} {
			_, err := parseAll([]byte(row.text), Options{Bash: isBash})
			mode := posix
			if isBash {
				mode = bash
			}
			want := row.want == both || row.want == mode
			if (err == nil) != want {
				t.Errorf("%s: %q: error %v, want accepted %v", mode, row.text, err, want)
			}
		}
	}
}

// TestAcceptPeers asks dash and bash for their opinion on the same table.
func TestAcceptPeers(t *testing.T) {
	for _, row := range acceptRows {
		if row.ours != "" {
			continue
		}
		for _, shell := range []string{"dash", "bash"} {
			got, ok := peerAccepts(t, shell, row.text)
			mode := posix
			if shell == "bash" {
				mode = bash
			}
			if want := row.want == both || row.want == mode; ok && got != want {
				t.Errorf("%s -n: %q: accepted %v, the table says %v", shell, row.text, got, want)
			}
		}
	}
}

// peerAccepts runs shell -n; ok is false if there is no such shell.
func peerAccepts(t *testing.T, shell, text string) (accepted, ok bool) {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		difftest.Lacks(t, "no %s to compare with", shell)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-n")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	complaints := 0 // bash exits with 0 after some errors
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "warning:") {
			complaints++
		}
	}
	return err == nil && complaints == 0, true
}
