package interp

// bashHuntedRows were found by comparing many small scripts with bash.
var bashHuntedRows = []string{
	`shopt -s extdebug; set -o | grep trace; shopt -u extdebug; set -o | grep trace; set -ET; shopt -u extdebug; echo $-`,
	`shopt -s extdebug; trap 'echo "D $BASH_COMMAND"; [[ $BASH_COMMAND != *skip* ]]' DEBUG
f() { echo in; echo skip; (echo skip2; echo q); }
f
for i in skip a; do echo $i; done; : skip && echo and; echo $(echo skip; echo z)`,
	`shopt -s extdebug; r() { [ "$BASH_COMMAND" = "echo stop" ] && return 2; return 0; }
trap r DEBUG
f() { echo a; echo stop; echo b; }
f; echo after $?
echo 'echo a; echo stop; echo b' > s2
. ./s2; echo after $?
echo stop
echo end`,
	`select x in a b; do echo "$x $REPLY"; done <<< $'1\n3'; echo "$x|$REPLY|${REPLY+set}" $?`,
	`x='a\\b'; echo "${x@P}"; x='\q$HOME'; echo "${x@P}"; x='\101\10\8$HOME'; echo "${x@P}"; shopt -u promptvars; x='a\\b $HOME \$ $(y) \\$'; echo "${x@P}"`,
	`HOME=$PWD; mkdir -p a/bcdef/c; w='\w'; for d in / . a a/bcdef a/bcdef/c /usr/share/doc; do cd $d; for PROMPT_DIRTRIM in 0 1 2 3 x; do echo -n "${w@P} "; done; echo; cd ~; done`,
	`declare -A m=([0]=q [1]=z); m=([0]+=a [0]+=b [2]+=x); declare -p m; declare -A n=([0]+=a [0]+=b); declare -p n; m+=([0]+=c [0]+=d); declare -p m; declare -iA i=([0]=3); i=([0]+=4 [0]+=5); declare -p i`,
	`declare -A m=(a [k]+=1 b); declare -p m; declare -A n=("a b" ["x y"]=$'q\nr' [$HOME]+=2 '[z]=1'); echo "${n[a b]}"; echo ${#n[@]}; v='[q]=1'; declare -A o=($v 2 a); declare -p o`,
	`a=(['1']=x [' ']=y ["2"]=z ['1+2']=q); declare -p a; v=5; a=(["$v"]=w ["$v"'0']=z); declare -p a`,
	`declare -i v=3; v=1+1 printenv v; v=1+ printenv v; v=1/0 printenv v; echo $v; f() { echo "f $v"; v=2+2; echo $v; }; v=1+4 f; v+=2 printenv v; v+=2 f; declare -l lo; lo=ABC printenv lo; lo=DEF eval 'echo $lo'; echo "$v $lo"; v=2*3; echo $v`,
	`t() { r=$1; shift; for s; do [[ $s =~ $r ]]; echo "$r <- $s: $? ${BASH_REMATCH[*]@Q}"; done; }
t '^*a' '*a'; t '(*a)' '*a'; t 'a|*b' b; t '*a' '*a'; t '{2}' '{2}'; t '({2})' a; t '^+' a; t 'a$*' a; t 'x*$' x
t 'a**' aa; t 'a+*' aa ''; t 'a?+' aa; t 'a{2}{3}' aaaaaa aaaa; t 'a+?' b aa; t 'a{2}*' aaaa aaa; t 'ab+?c' abbc ac; t '\.+?x' x ..x
t 'a{' 'a{'; t 'a{x' 'a{x'; t 'a{1' 'a{1'; t 'a{,}' aa ''; t 'a{,2}' aaa; t 'a{0,0}b' b; t 'a{2,1}' aa; t 'a{01}' a; t 'a{1 }' a; t 'a{32768}' a; t 'a\{1}' 'a{1}'; t '}' '}'
t 'a)' 'a)' a; t '(a' a; t '()' a; t 'a||b' b; t '(a|b)+*' abab; t "a\\'" a ab; t '\<a\>' 'b a'`,
	`set -E; trap 'echo E $LINENO' ERR
f() { false; }
f | cat
true | f
true | false
( (false) )
( ( (false) ) )
( (false); (false) )
h() { f | cat; false; }
h
{ false; } | cat`,
	`echo " a  b\ " | (read x; echo "-$x-"); echo 'a\ b \  ' | (read x; echo "-$x-"); echo 'a\ b\ \ ' | (read x y; echo "-$x-$y-"); echo 'b\ ' | (read x; echo "-$x-"); echo 'x b\ c \ ' | (read x y; echo "-$x-$y-"); echo 'a::\:' | (IFS=:; read x; echo "-$x-")`,
	`mkdir a b; printf '#!/bin/sh\necho a\n' >a/foo; printf '#!/bin/sh\necho b\n' >b/foo; chmod 655 a/foo; chmod 755 b/foo; PATH=$PWD/a:$PWD/b:$PATH; foo; type -a foo | wc -l`,
	`a() { :; }; declare -f -a a; echo $?; declare -f -i b; echo $?; declare -fn a; echo $?; readonly -n AA; echo $?; AA=1; echo $AA; (AA=2); echo $AA`,
	`hash -v; echo $?; set +h; hash; echo $?; hash ls; echo $?; set -h; hash; trap -p -s NOSIG; echo $?; trap -p -- INT; echo $?; head -c 5000 /bin/ls >l; . ./l; echo $?`,
	`mkdir d; hash -p d foo; echo $?; hash -t foo; echo $?; wait -p; echo $?`,
	`( set ) >a; ( set ) >b; grep -cE '^(RANDOM|SRANDOM|SECONDS|EPOCHSECONDS|EPOCHREALTIME|LINENO|BASHPID|BASH_COMMAND|BASH_SUBSHELL)=' a; declare | grep -cE '^(RANDOM|LINENO|EPOCHREALTIME)='`,
}
