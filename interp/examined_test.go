package interp

import "testing"

// What reading POSIX.1-2024 XCU and bash's manual from end to end found wrong.

func TestExaminedLikeDash(t *testing.T) {
	compareRows(t, "dash", examinedDash)
	compareRows(t, "dash", examinedSignals)
}

func TestExaminedLikeBash(t *testing.T) {
	compareRows(t, "bash", examinedBash)
	compareRows(t, "bash", examinedSignals)
	compareRows(t, "bash", examinedJobs)
}

var examinedDash = []string{
	`x=$(false) y=$?; echo $y; echo $(exit 3)$?; : $(exit 4); echo $?; for i in $(exit 6); do :; done; echo $?`,
	`false; x=a$(true)$?; echo $x; (exit 9); y=$(exit 8)$?; echo $? $y; case $(false) in *) echo $?;; esac; $(exit 4); echo $?`,
	`cd //; pwd; cd usr; pwd; cd ..; pwd; cd ///; pwd`,
	`x=1 exec sh -c 'echo $x'`,
	`echo "[$!]"; : & [ -n "$!" ] && echo set`,
	`trap 'echo c' CHLD; kill -CHLD $$; echo h; (kill -CHLD $$); echo i`,
	`trap x; echo $?; trap -; echo $?; trap ''; echo $?`,
	`readonly -x; echo no`,
	`export -x y; echo no`,
	`echo "[$PS2]"`,
}

var examinedBash = []string{
	`set --; printf '<%s>' "${@+set}" "${*+set}" "a${@+set}"; echo; set -- "${@:+x}"; echo $#`,
	`a=(1 2); f() { local a=("${a[@]}" 3); declare -p a; }; f; declare -p a`,
	`declare -a a='(1 2)'; declare -p a; declare -a 'b=(x y)'; declare -p b; x='(3 4)'; declare -a d=$x; declare -p d; declare -A m='([k]=v)'; declare -p m; declare "c=(1 2)"; declare -p c`,
	`declare -A A=([x]=1); declare -a A; echo $?; declare -a B=(1); declare -A B; echo $?; declare +a B; echo $?`,
	`echo "[${n@A}]"; n=; echo "[${n@A}]"`,
	`: a b; echo $_; x=1; echo "[$_]"; f() { echo "$_"; }; : x; f y; echo $_; declare y=5; echo $_; (: q); : z | : w; echo $_; eval ": ev"; echo $_`,
	`/usr/bin/env | grep ^_=`,
	`export w={1,2} q="{a,b}"; echo $w $q; f() { local v=a{b,c}d; echo $v; }; f`,
	"declare -A m=([a]=1 b); echo $? ${!m[@]}; declare -A n=(a 1 b); echo ${n[a]}${n[b]}.",
	"declare -A m; m['']=y; echo no",
	"a=(1); a['']=y; echo no",
	`declare -ul b=aB; echo $b; f() { local -i i=4; local -r r=1; local; }; f`,
	`for i in 1; do break x; echo no; done; echo no`,
	`for i in 1 2; do break 0; echo n; done; echo $?`,
	"trap 'echo D $BASH_COMMAND' DEBUG; echo a | cat; trap - DEBUG",
	`f() { trap 'echo D $BASH_COMMAND' DEBUG; :; trap - DEBUG; }; f`,
	`f() { trap 'echo E' ERR; false; echo in; }; f`,
	"printf ': src\nfalse\n' >s; trap 'echo ret' RETURN; trap 'echo err' ERR; . ./s",
	`echo $BASH_SUBSHELL | cat; (echo $BASH_SUBSHELL) | cat; { echo $BASH_SUBSHELL; } | cat`,
	"SHELLOPTS=x; echo no",
	"PPID=1; echo no",
	"(set -u; let w=v; echo no); echo $?",
	`for 1x in a; do echo no; done; echo $?`,
	`x=ab; shopt -u patsub_replacement; echo ${x/b/[&]}`,
	`shopt -s cdable_vars; d=/usr; cd d; echo $PWD; cd nosuch; echo $?`,
	`shopt -s execfail; exec nosuch; echo still`,
	`readonly r=1; r=2 true; echo $?; f() { echo "f $r"; }; r=3 f; r=2 eval 'echo ev'`,
	`readonly r=1; printf -v r a; echo $?; for r in a; do echo n; done; echo $?; read r <<< x; echo $?; umask 9; echo $?`,
	`echo 'echo "[$FUNCNAME]"' >s; . ./s; f() { . ./s; }; f`,
	`>{a,b}; echo $?; unset -f -v x; echo $?`,
	`sleep 5 & disown $!; jobs; kill $!`,
}

// Signals and jobs, in both dialects.
var examinedSignals = []string{
	`trap 'trap - TERM; kill $$; echo no' TERM; kill $$; echo no`,
	`trap 'echo I; trap - INT EXIT; kill -INT $$' INT; trap 'echo no' EXIT; kill -INT $$`,
	`trap 'echo "$# $*"' USR1; set -- a b; f() { kill -USR1 $$; }; f c; kill -USR1 $$`,
	`n=0; trap 'n=$((n+1))' CHLD; /bin/true; /bin/true; trap - CHLD; echo $n; trap '' CHLD; sh -c 'exit 3'; echo $?`,
	`trap 'echo c' CHLD; (exit 3); echo a; (/bin/true; /bin/true); echo f; x=$(/bin/true); echo g; x=$(:); echo h`,
	`trap 'echo c' CHLD; sleep 0.1 & wait $!; echo a; { sleep 0.1; exit 3; } & wait $!; wait $!; echo $?`,
	`trap -- '-x' USR1; trap; trap -- - USR1; trap`,
	`trap '' HUP; trap - HUP; trap '' QUIT; sh -c 'kill -QUIT $$; echo alive'`,
	`x=$(echo a; (sleep 0.1; echo late) & ); echo "$x"; x=$( (sleep 0.1; echo no) >/dev/null & echo b); echo "$x"`,
}

// dash does not report a job that stopped to wait.
var examinedJobs = []string{
	`set -m; sh -c 'kill -STOP $$; exit 5' & wait $!; [ $? -gt 128 ] && echo stopped; bg >/dev/null; wait %1; echo $?`,
}
