package interp

// bashLanguageRows are about what scripts find in bash that manuals mention in
// passing: attributes, subscripts, errors that cost a line, deep patterns.
var bashLanguageRows = []string{
	"cat <<-'\tEND'\n\thello\n\tEND\ncat <<-\\\tE\n\t\t$x\nE\n\tE\necho ok",
	`touch .a a; shopt -u globskipdots; echo .*; shopt -s globskipdots; echo .*; shopt -q globskipdots`,
	`a=([-1]=x [2]=y [3]=z); echo "$? ${!a[@]}"; declare -p a`,
	`declare -A m; m=([a]=1 [""]=2 [b]=3); declare -p m`,
	`readonly OPTARG=z; set -- -a x; getopts a: o; echo "$? $o $OPTIND $OPTARG"; getopts; echo $?; getopts a; echo $?; getopts -a o n; echo $?`,
	`shopt -s extdebug; trap '[[ $BASH_COMMAND != x=2 ]]' DEBUG; x=1; x=2; trap - DEBUG; echo $x`,
	`set -o posix; v=1; f() { v=2 :; echo $v; }; v=3 f; echo $v`,
	`FUNCNEST=5; f() { echo $1; f $(($1+1)); }; f 1; echo after $?`,
	`FUNCNEST=0; f() { (($1 < 40)) && f $(($1+1)); }; f 1; echo $?`,
	`f() { :; }; g() { echo; };h() { echo; }; export -f f; declare -ft g; readonly -f h; declare -Fx; echo;declare -Ft; echo;  declare -Fr; echo; declare -fx; declare -fr; declare -F`,
	`f() { :; }; readonly -f f; export -f f; f() { echo; }; echo $?; declare -F f; declare +r -f f; echo $?; export -f nosuch f; echo $?; declare -fx f; unset -f f; echo $?`,
	`export -f 'a=b'; echo $?; function a=b { echo hi; }; export -f a=b; echo $?; a\=b`,
	`echo ${POSIXLY_CORRECT-unset}; set -o posix; echo $POSIXLY_CORRECT; set +o posix; echo ${POSIXLY_CORRECT-unset}; POSIXLY_CORRECT=1; shopt -oq posix; echo $?; unset POSIXLY_CORRECT; shopt -oq posix; echo $?`,
	`IFS=:; set -- a b ''; x=(${*}); declare -p x; x=($@ c); declare -p x`,
	`set --; x=("$@$u" "$u$@"); echo ${#x[@]}; x=("${u-$@}"); echo ${#x[@]}`,
	`shopt -s extglob
touch .x .y z;echo @(.x|z) +(.y) !(z) ?(.)x *(z); shopt -s dotglob; echo !(z) *; set +f; shopt -u globskipdots; echo *`,
	`shopt -s extglob
touch .ab;echo !(*b) .!(ab) *(.)ab [.]ab ?ab`,
	`x=abcdef; echo "${x[@]:1:2}" ${x[*]: -2} "${x[@]:10}"; echo "[${!-unset}] [${!:-none}]"`,
	`declare -i n; echo ${n:=3+4}; declare -u w; echo ${w=abc} $w`,
	`f() { declare -r b='(1)'; declare -ar c='(3)' d=(4); declare -ar 'd2=(4 5)'; declare -p b c d d2; }; f; declare -a 'd=(4 5)'; declare -p d; declare -a v; r='(7 8)'; declare -a v=$r; declare -p v; readonly -a rr='(5)'; export rr; declare -p rr`,
	`a=(1); declare 'a=(2 3)'; declare -p a; x=1; declare 'x=(2 3)'; declare -p x; declare -a 'x=(4 5)'; declare -p x`,
	`declare -A m; declare 'm=([a]=1 [b]=2)'; declare -p m; export 'm=([c]=3)'; declare -p m; readonly 'm=([d]=4)'; declare -p m`,
	`f() { declare 'a=(2 3)'; declare -p a; local -a 'b=($x "$x")'; declare -p b; local -a c; local 'c=(1 2)'; declare -p c;  }; x='p q' a=(9); f; declare -a a+='(5 6)'; declare -p a`,
	`declare -a 'a=(1 2' 'b=( 3 )' 'c=(4) ' ; declare -p a b c; declare -a 'a[2]=(4 5)'; declare -p a; declare -A 'k[x]=(1)'; declare -p k`,
	`typeset -a v; r='(7 8)'; export v="$r"; declare -p v; readonly v=$r; declare -p v; readonly w=$r; declare -p w; export -a y=$r; declare -p y; declare -x -a z=$r; declare -p z`,
	`A=(); [ -v A[@] ]; echo $?; A=(1);  [ -v A[@] ]; echo $?; declare -A B; [ -v B[@] ]; echo $?; B=([x]=1); [ -v B[@] ]; echo $?; [[ -v B[*] ]] ; echo $?`,
	`enable -n source; enable -s; enable source; enable -s`,
	`(kill -9 $BASHPID; echo no); echo $?; x=$(kill -TERM $BASHPID; echo no); echo $? $x; (trap 'echo got' USR1; kill -USR1 $BASHPID; echo yes); echo $?`,
	`a=$( (echo $BASHPID) ); [ $a != $$ ] && kill -0 $a 2>/dev/null; echo $?; [ $(echo $BASHPID) != $$ ]; echo $?; (p=$BASHPID; [ $p = $BASHPID ] && echo same; sleep 0)`,
	`(sleep 5 & : $BASHPID; kill $!; wait $!; echo $?); echo $?; (exit $((BASHPID>1 ? 3:4))); echo $?; true | (: $BASHPID; exit 5); echo ${PIPESTATUS[@]}`,
	`( trap '' TERM; kill -15 $BASHPID; echo alive )`,
	`cat <<EOF
$(seq 1
EOF
echo next`,
	`x=$(cat <<E
hi
E ); echo $x
y=$(cat <<E
a
E b); echo $y`,
	`echo 1; a=(1 & 2); echo no
echo "after $? ${#a[@]}"`,
	`f() {
 a=(1 & 2)
 echo in
}
echo x; f`,
	`eval 'echo a
b=(1 ; 2)
echo c'; echo $?`,
	`a=(b <c d)
echo $?
a=( (1) )
echo $?; ls`,
	`echo 'a=(1 & 2)
echo in $?' > s; . ./s; echo out $?; $SH s; echo $?`,
	`shopt -s globstar
mkdir -p a/a/b a/b x/y; touch a/f a/a/g x/y/z .h a/.i t.o a/t.o a/a/t.o; mkdir .d; touch .d/k
for p in '**' '**/' '**/**' '**/**/' '**/*' '**/**/*' '*/**' '*/**/' '**/*.o' 'a/**' 'a/**/' '**/a' '**/a/**' '**/**/a' '**/a/**/' '**/a/*' './**' './**/**' '**/b/**' '**/f' '**/**/f' 'a/**/**/f' '**/.*' '.d/**' '**/a/**/a' '**//**' '*/**/**/*' '**/?/**' '**/a/**/**'  'a**' '**b' '**/a**' '/**'a/**/b' ; do IFS=; set -- $p; unset IFS; echo "$p: $*" ; done
shopt -s dotglob; echo ** '|' **/ '|' **/a/**
shopt -u dotglob globstar; echo **  '|' **/*
`,
}

// bashCoprocRows are about coprocesses, and what bash's suite shows of arrays,
// groups, positional parameters of dot scripts and prefixes of declarations.
var bashCoprocRows = []string{
	`metas=( [1]=<> [2]=< [3]=> [4]=! )
echo $?
metas=( [1]=\< a)
echo $?
unset a; a=abcde
declare -a a; echo ${a[0]} $a; declare -p a; x=5; declare -A x; declare -p x; declare -a m=(1); declare -A m; echo $?; declare -A n=(); declare -a n; echo $?; declare -ia q; q=3; declare -p q`,
	`d=([]=abcde [1]="test test" [*]=last [-65]=negative ); echo $?; declare -p d; unset d[*]; declare -p d`,
	`b[]=bcde; echo no
echo $?; b[*]=aaa; echo no2
echo ${b[   ]}; echo no3
c[-2]=4; echo $?; echo ${c[-4]}; d[7]=(abdedfegeee); echo no5
echo $?`,
	`declare -a e[10]=test; declare -p e; declare -a e[10]='(test)'; declare -p e; declare -pa | grep ' e'; declare a["7 + 8"]="test 2"; declare -p a; declare b[256]; declare -p b`,
	`readonly c[100]; declare -p c; c=3; echo $?; readonly a[5]; declare -r zz[3]; declare -p zz`,
	`a=(1 2 3); unset a[@]; declare -p a; echo ${#a[@]}; declare -A h=([x]=1 [@]=2); unset h[@]; declare -p h; unset 'h[x]'; declare -p h`,
	`foo="" export foo; declare -p foo; foo=3 export foo; declare -p foo; bar=1 readonly bar; declare -p bar; f() { x=5 export x; }; f; declare -p x`,
	`FOO='$$' declare -p FOO; declare -p FOO; FOO=1 declare -x FOO; declare -p FOO; G=1 declare G; declare -p G; H=2 declare -i H; declare -p H; I=1 declare I=2; declare -p I`,
	`FOO=1; FOO=2 export FOO; declare -p FOO;  A=1 export B=$A; declare -p A B; A=5; A=1 export B=$A; declare -p A B`,
	`echo 'set -- m n' > s; set -- a b; . ./s x y; echo "$@"; set -- a b; . ./s; echo "$@"; f() { . ./s x y; echo "$@"; . ./s; echo "$@"; }; f p q; echo "$@"`,
	`echo 'shift' > s; set -- a b; . ./s x y; echo "$@"; . ./s; echo $@; echo 'f() { set -- q r; }; f' > s; set -- a b; . ./s x y; echo "$@"; echo 'set -- $1; . ./t 1 2' > s; echo 'set -- 3 4' > t; . ./s 7 8; echo $@`,
	`caller foo; echo $?; f() { caller x; echo $?; caller 0 1; echo $?; caller -1; echo $?; }; f`,
	`shopt -s extglob
touch abcx abcz bbc; echo !([*)*; echo +(a|b[)*; echo [a*(]*)z
case foo in *(a|b[)) echo yes;; *) echo no;; esac
case foo in *(a|b[)|f*) echo yes;; *) echo no;; esac
case '*(a|b[)' in *(a|b[)) echo yes;; *) echo no;; esac
case 'a)' in *(a|b[)*) echo yes;; *) echo no;; esac
case '[x' in [x) echo yes;; *) echo no;; esac
case 'ab[' in @(a)b[) echo yes;; *) echo no;; esac`,
	`mkdir d; cd d; touch .a .foo b ';' +++ '? .*' x; shopt -s extglob
echo *; echo @(?|.*); GLOBIGNORE=.a; echo * @(?|.*); GLOBIGNORE=; shopt -s dotglob; echo @(?|.*) *; unset GLOBIGNORE; echo *`,
	`coproc cat; echo ${COPROC[@]} ${#COPROC[@]}; [ -n "$COPROC_PID" ] && echo pid; [ $COPROC_PID = $! ] && echo same; echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x; exec {COPROC[1]}>&-; wait $COPROC_PID; echo $?`,
	`coproc N { read a; echo "got $a"; exit 3; }; echo one >&${N[1]}; read y <&${N[0]}; echo $y; p=$N_PID; wait $p; echo $?; echo "[${N[@]}][$N_PID]"`,
	`coproc { while read l; do echo "<$l>"; done; }; for i in 1 2; do echo $i >&"${COPROC[1]}"; read -u ${COPROC[0]} r; echo $r; done; eval "exec ${COPROC[1]}>&-"; cat <&${COPROC[0]}; wait; echo end`,
	`coproc tr a-z A-Z; echo abc >&${COPROC[1]}; fd=${COPROC[1]}; eval "exec $fd>&-"; echo ${COPROC[1]}; cat <&${COPROC[0]}; x=$(echo sub); echo $x; ls /proc/self/fd | grep -c '^6[0-9]$'`,
	`f() { coproc X { echo x; }; coproc cat foo < bar; }; type f; declare -f f`,
	`coproc sort; printf '%s\n' c b a >&${COPROC[1]}; exec 4>&${COPROC[1]}-; exec 4>&-; cat <&${COPROC[0]}`,
	`coproc SSH (echo inside; cat); read l <&${SSH[0]}; echo $l; echo data >&${SSH[1]}; read l <&${SSH[0]}; echo $l; kill $SSH_PID; wait $SSH_PID; echo $?`,
	`coproc if true; then echo cond; fi; read l <&${COPROC[0]}; echo $l; coproc for i in 1 2; do echo $i; done; wait`,
	`coproc; echo $?`,
	`readonly RO; coproc RO { :; }; echo $?; coproc nosuchcmd_x 2>/dev/null; wait $!; echo $?`,
	`echo 'coproc cat; echo x >&${COPROC[1]}; read v <&${COPROC[0]}; echo $v; kill $COPROC_PID' > s; $SH s; coproc set -- a; echo $#; ! coproc true; echo $?; coproc true | cat; echo $?`,
	`declare -i n=1; declare -ir m=2; declare -a arr=(1); declare -ar ra=(2); declare -ax xa=(3); declare -A as=([q]=1); declare -ar | grep -v BASH; echo; declare -ax; echo; declare -aA | grep as`,
	`for x in "${u-'"'hey}"; do echo "$x"; done; echo "${dbg-'"hey'}"; echo "${dbg-"'hey'"}" "${dbg-"hey"}"`,
	`echo "${dbg-'}'}" "${dbg-'a"}"b'}" "${dbg-"a'b"}" "${dbg-'a}b'c}"`,
	`e='a b'; declare -A f='($e)'; declare -p f; declare -A g=($e); declare -p g; declare -A h='(a b c d)'; declare -p h; g=($e x "$e" y); declare -p g; a=(1 2); g=("${a[@]}"); declare -p g`,
	`IFS=; A=('' ''); set -- '' ''; B=''; echo "<${A[*]:-X}>" "<${*:-X}>" "<${B:-X}>" "<${B[*]:-X}>" "<${A[@]:-X}>" "<${@:-X}>"`,
	`a[0]=0 a[1]=1; v=" "; echo 1 ${a[ ]}; echo 2 ${a[$v]}; echo 3 ${a["$v"]}; ((a[ ]=10)); declare -p a; ((a[" "]=11)); declare -p a; ((a[$v]=12)); declare -p a; ((a["$v"]=13)); declare -p a; let "a[ ]=14"; declare -p a; let "a[$v]=16"; declare -p a`,
	`ps1=hello; unset ps1[2]; echo $?; declare -p ps1; unset ps1[0]; declare -p ps1; q=3; unset 'q[-1]'; echo $?; declare -p q`,
}
