package interp

// bashFailureRows are about what ends a script in bash and what does not, and
// what other commands see of the shell.
var bashFailureRows = []string{
	"set -e; x=$(</nope); echo no",
	"set -e; echo $(</nope); echo yes",
	"x=$(</nope); echo $?; echo \"a$(<nope)b\" $?",
	"f() { cat <<X\nhi\nX\n}; g() { x; }; export -f f g; env | grep -A8 BASH_FUNC",
	"sleep 0.1 & sleep 1 & wait -n; echo $?; wait -n; echo $?; wait -n; echo $?",
	"(exit 3) & (exit 4) & sleep 0.3; wait -n; echo $?; wait -n; echo $?; wait -n; echo $?",
	"(sleep 0.1; exit 3) & a=$!; (sleep 1; exit 4) & b=$!; wait -n -p v $a $b; echo $? $((v==a)); wait -n -p v; echo $? $((v==b)); wait -n -p v; echo $? ${v-unset}",
	"(exit 3) & sleep 0.5; jobs >/dev/null; wait -n; echo $?",
	"(exit 3) & p=$!; wait $p; echo $?; wait -n; echo $?; wait -n $p; echo $?; wait $p; echo $?",
	"set -e; echo $(</nope) a; echo b",
	"set -e; x=$(</nope) true; echo c",
	"set -e; if echo $(</nope); then echo t; fi; echo c",
	"set -e; trap \"echo E\" ERR; trap \"echo X \\$?\" EXIT; echo $(</nope) a; echo b",
	"set -e; (echo $(</nope)); echo b",
	"set -e; f() { echo $(</nope); echo in; }; f; echo b",
	"set -e; [[ a$(</nope) ]]; echo b",
	"set -e; case $(</nope) in \"\") echo c;; esac; echo b",
	"set -e; for i in $(</nope) a; do echo $i; done; echo b",
	"set -e; cat <<X\n$(</nope)\nX\necho c",
	"set -e; y=$((1$(</nope))); echo c",
	"f() { if a; then b; c; else d; fi; case x in a) b;; c|d) e; f;; esac; { g; h; }; ( i; j ); }; g() ( a; b ); h() { a; } >x 2>&1; k() { l() { m; n; }; for i in 1 2; do echo; done; }; export -f f g h k; env | sed -n '/BASH_FUNC/,/^}/p' | sort",
}
