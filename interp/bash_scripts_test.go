package interp

// bashScriptRows are what scripts for bash were seen to rely on. Messages count
// where a row sends them to its output.
var bashScriptRows = []string{
	// expansion errors that end a script, and the status of -c then
	`set -u; ((y+1)); echo no`, `set -u; echo a > $y; echo no`, `set -u; cat < $y; echo $?`, `: ${x?}; echo no`,
	`x=5; echo ${x@Z}; echo no`, `echo ${x@Z}; echo $?`, `set -u; (echo $y); echo $?; echo $y`,
	"set -u; unset x\necho ${#x[@]}\necho yes",
	// slices of what is unset, of scalars and of associative arrays
	`unset x; set --; echo "<${x:0:-1}><${x[@]:0:-1}><${x[3]:0:-1}><${1:0:-1}>"; (: "${@:0:-1}"); echo $?`,
	`x=5; printf '<%s>' "${x[@]:1}" "${x[@]:2}" "${x[@]:0:0}" "${x[@]:0}"; x=abc; printf '<%s>' "${x[@]: -2}" "${x[*]:9}"`,
	`declare -A m=([a]=1 [b]=2 [c]=3 [d]=4); for o in 0 0:2 1:2 2:2 3 4 5 ' -1' ' -2:1' ' -4:1' ' -5:1' ' -6:1'; do eval "echo $o: \${m[@]:$o}"; done`,
	// transformations
	`set --; printf '<%s>' "${@@A}" "${*@A}" "${@@Q}"; set -- a 'b c'; printf '<%s>' "${@@A}" "${@@K}" "${@@a}" "${*@a}"`,
	`x='a b'; printf '<%s>' "${x[@]@A}" "${x[@]@a}" "${x[*]@K}" "${x[@]@k}" "${x[3]@A}" "${x[0]@A}"; unset x; printf '<%s>' "${x[@]@K}" "${x[*]@A}"`,
	`x=(a b c); printf '<%s>' "${x[1]@A}" "${x[-1]@A}" "${x[5]@A}" "${x[@]@A}"; declare -A m=([k]='v v'); printf '<%s>' "${m[k]@A}" "${m[z]@A}"`,
	`x=hello; printf '<%s>' "${x[-1]}" "${x[-2]-d}" "${x[0]}" "${x[-1]-d}"; echo $?`,
	// local
	`f() { local -I x; echo "${x-none}"; x=2; }; x=1; f; echo $x; a=(1 2); g() { local -I a; a+=(3); echo ${a[@]}; }; g; echo ${a[@]}`,
	`shopt -s localvar_unset; f() { local x=1; g; echo ${x-unset}; }; g() { unset x; echo "${x-uu}"; }; x=g; f; echo $x`,
	// who called
	`printf 'echo ${BASH_SOURCE[@]} - ${FUNCNAME[@]} - ${BASH_LINENO[@]}\ng() { echo ${BASH_SOURCE[@]} - ${FUNCNAME[@]} - ${BASH_LINENO[@]}; caller; caller 0; caller 1; }\ng\n' >b; printf '. ./b\nh() { . ./b; }\nh\nk() { g; }\nk\neval g\ncaller; echo ${BASH_SOURCE[@]} - ${FUNCNAME[@]} - ${BASH_LINENO[@]}\n' >s; $SH s; $SH <s; . ./s`,
	// PIPESTATUS after !
	`! true; echo ${PIPESTATUS[@]}; ! (exit 2); echo ${PIPESTATUS[@]}; ! false | (exit 6); echo ${PIPESTATUS[@]}; ! false; [[ a ]]; echo ${PIPESTATUS[@]}; ! false; ((0)); echo ${PIPESTATUS[@]}`,
	`false | true; [[ a == a ]]; echo ${PIPESTATUS[@]}; false | true; ((1)); echo ${PIPESTATUS[@]}; false | true; case a in b) ;; esac; echo ${PIPESTATUS[@]}`,
	// lists
	`sleep 5 & (sleep 0.1; exit 3) & jobs; jobs -l | sed 's| *[0-9][0-9]* Running| P Running|'; kill %1; wait %1; echo $?; set -m; sleep 5 & jobs %%; jobs -r; kill %%`,
	`sleep 0.1 & (exit 3) & true & sleep 0.3; jobs; jobs; { sleep 5; x; } & jobs; if sleep 5; then x; fi & jobs %%; sleep 5 >f 2>&1 | cat & jobs %%; ! sleep 5 & jobs %%; kill $(jobs -p)`,
	`f() { a; }; v=1; set | sed -n '/^[fv]\b/,$p' | grep -A3 '^f '; set -o posix; set | grep -c '^f '`,
	`f() { :; }; export -f f; declare -f f; declare -f; declare -Fp f; declare -p -f f; declare -F`,
	// listings of functions
	`f() { [[ a && b || ! c ]]; [[ ! a ]]; [[ ( a ) ]]; [[ ! -z a ]]; [[ a == b ]]; cat 1<>f 0<>g 5<>h <>i 4<&- 3>&-; }; declare -f f`,
	"f() { x=$(a\nb); y=$(a; b); z=$( (a\nb) ; { c\nd; }; if e\nf; then g\nh; fi; for i in a\ndo b\nc; done; case a in b) c\nd;; esac); cat <(a\nb); v=$(a && b\nc | d &\ne); }; declare -f f",
	"f() { cat <<E && echo hi\nx\nE\ncat <<E || a\nx\nE\ncat <<E | sort | uniq\nx\nE\na | cat <<E |& b\nx\nE\nif cat <<E; then\nx\nE\nb; fi\nwhile cat <<E\nx\nE\ndo c; done; }; declare -f f",
	// a redirection behind an empty value
	"echo in >in; x=<in; echo \"<$x>$?\"; x=>out; y=1 z=>out echo \"a$z\"; cat out; export w=<in; declare -p w; v=<<E\nbody\nE\necho \"<$v>\"; u=<(:); [[ $u == /dev/fd/* ]]; echo $?; x=<nope; echo $?",
	`unset SHELL; $SH -c 'echo $SHELL; declare -p SHELL; env | grep -c ^SHELL; SHELL=x; echo $SHELL; unset SHELL; echo ${SHELL-gone}'`,
	// errors of redirections are those of the line they stand in
	"exec 2>&1; trap 'echo E $LINENO' ERR\nwhile :\ndo :\ndone < /nope\n{ echo a\n} < /nope\nif :\nthen :\nfi > /nope/x\n( :\n) < /nope\ncase a in\nb) ;;\nesac < /nope; ((1)) < /nope",
	"trap 'echo E $LINENO' ERR\n(\nexit 5\n)\n(exit 3\n:\nexit 4)\n:\n( false\n) >/dev/null\nset -m; (\nfalse)",
	// BASH_COMMAND
	"trap 'echo \"D:$BASH_COMMAND\"' DEBUG\nls / >/dev/null 2>&1\nfor ((i=0;i<1;i++)); do :; done; for ((;;)); do break; done\nselect z in a; do break; done <<<1\ndeclare q=1 >f\neval 'echo ev >/dev/null'\ncat <<E >/dev/null\nhi\nE\necho a | cat >/dev/null\n(exit 5) >f\n! true >f\nx=1 y=2 true >f",
	"trap 'echo \"E:$BASH_COMMAND $LINENO\"' ERR\nls /nope 2>/dev/null\n(exit 5)\nfalse >/dev/null\n(false; exit 3) >/dev/null\neval false\neval 'false; (exit 2)'\n. /dev/stdin <<< false\nnosuch 2>/dev/null\ncat < /nope 2>/dev/null\nf() { false; return 4; }; f; { false; }; false | false; true && false",
	`f() { echo ${x/a/} ${x//a/b} ${x/a} ${x//a/} "${x/#a/}" ${x/%"a b"/} ${x///}; }; declare -f f; x=aba; f; set -x; : ${x//a/} 2>&1`,
	// messages and statuses
	`exec 2>&1; [ a; [ 1 -eq x ]; [ a b ]; [ a b c ]; [ a b c d ]; test 1 -lt 99999999999999999999; [ 0x1 -eq 1 ]; [ 1 -eq 1 -a x -eq 2 ]; test -f a b`,
	`exec 2>&1; printf %d x; printf '%d\n' 3x; printf '%z\n'; echo $?; printf %; echo $?; printf 'a%5'; echo $?; printf %n; echo $?`,
	`exec 2>&1; trap x BAD; echo $?; trap -Z; echo $?; trap -p BAD; umask 8; umask x; unalias no; alias no; set -o no; echo $?; kill -XYZ $$; echo $?; unset -f no; readonly r=1; unset r; echo $?`,
	`exec 2>&1; eval -x; echo $?; exec -Z; echo $?; shift -1; echo $?; shift x; echo $?; popd x; echo $?; read 1a; echo $?; mapfile 1a; echo $?; getopts a 1x -a; echo $?; wait x; echo $?`,
	`unset 'a[x y]'; echo $?; a=(1); unset 'a[x y]'; echo no`, `shift 1 2; echo no`,
}
