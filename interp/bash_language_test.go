package interp

// bashLanguageRows are about what scripts find in bash that manuals mention in
// passing: attributes, subscripts, errors that cost a line, deep patterns.
var bashLanguageRows = []string{
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
