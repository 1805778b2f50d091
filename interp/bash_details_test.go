package interp

// bashDetails are properties of bash that its manual is short about; their
// traces and messages count as well.
var bashDetails = []string{
	`exec 2>&1; PS4='+ '; set -x; for c in a]b "a b" "" "'" "a'b" "~a" "a=~b" "#a" a,b {x,y}; do : "$c"; [[ $c == b ]]; case $c in x) ;; esac; x=$c; done; x="a b" y[2]="c d" z=(a "b c") ; y+=(1 2); y[1]+=3; declare q="a b" ; x+=3 true; export z2="a b"; [[ a =~ "b c" ]]; [[ a == b* && -n "x y" ]]; [[ a != 'b'*\c ]]; [[ "" ]]; [[ a ]]; [[ ! -z a ]]`,
	`exec 2>&1; PS4='+ '; set -x; v='x y'; for i in $v "$v" 'q'; do :; done; case "$v"$'\n' in *) ;; esac; x= y=2 ; A=1 B="2 3" true; x=$(echo hi); declare -A m; m[a b]=3; m["x'y"]='q r'; m=([a]=1 [b c]="2 3"); readonly r=5; n+=1; for ((;;)); do break; done; for i; do :; done; select x in a b; do break; done <<< 1; echo $'a\nb' $'\303' $'\001'; y=$'a\tb'; y[1+1]=5; k=3; y[$k]=4; set +x`,
	`exec 5>tr; BASH_XTRACEFD=5; set -x; echo 1; unset BASH_XTRACEFD; set +x; cat tr; { echo x >&5; } 2>/dev/null || echo closed`,
	`SQ="'" T='~' H=ab#cd H2=#ab E= S='a b' N=$'a\nb' B='a]b' C=a:~ D=a,b; set | grep '^[STHENBCD][Q2]*='`,
	`declare -lr a=X; declare -ru b; declare -axl c=(A); declare -p a b c; echo ${a@a} ${b@a} ${c@a}; declare -A d=([@]=1 ["*"]=2 [x,y]=3 [a%b]=4); declare -p d`,
	`for s in '"${x+"\p"}"' '"${x+\p}"' '"${x+"\\"}"' '"${x+"\$v"}"' '"${x+"a\"b"}"' '"${x+"\}z"}"' '"${x+"\'\''$v"}"' '"a${x+"b\c$(echo "\d")\e"}f"' '"${u-"${w-"\p"}"}"' '"${u-"${w-\p}"}"' '${u-"${w-"\p"}"}' '"${x+a"\*"b}"'; do x=1 v='q r'; eval "printf '<%s>' $s"; done`,
	`cat <<E
${x-$'\t'} ${x-"$'a'"} $'b' ${HOME+"\p"} ${HOME+\p}
E
echo "${x-$'\t'}" | od -c | head -1`,
	`set -- 'a b' c; IFS=:; cat <<E
$* $@ ${*#x}
E
printf '<%s>' ${u-$@} p${u-$@}q ${u-p$@q} ${u-$*} ${u-"$@"}; IFS=': '; printf '<%s>' ${u-$@}; IFS=; printf '<%s>' ${u-$@}; unset IFS; printf '<%s>' ${u-$@}`,
	`set a b; echo ${#/}; echo after $?
echo next ${#-x} ${#:-x} ${#!} ${!} "$!"`,
	`set a b; echo ${#%}; echo after $?
echo next ${#-x} ${#:-x} ${#!} ${!} "$!"`,
	`set a b; echo ${#=}; echo after $?
echo next ${#-x} ${#:-x} ${#!} ${!} "$!"`,
	`set a b; echo ${#+}; echo after $?
echo next ${#-x} ${#:-x} ${#!} ${!} "$!"`,
	`set a b; echo ${#^}; echo after $?
echo next ${#-x} ${#:-x} ${#!} ${!} "$!"`,
	`set a b; echo ${#:}; echo after $?
echo next ${#-x} ${#:-x} ${#!} ${!} "$!"`,
	`set a b; echo ${#1x}; echo after $?
echo next ${#-x} ${#:-x} ${#!} ${!} "$!"`,
	`for s in '\x{}X' '\x{41}b' '\x{4}' '\x{cde' '\x{012345' '\x{X' 'a\x{41}' '\u00e9' '\ud800' '\U0011ffff' '\U7fffffff' '\Uffffffff'; do eval "printf %s \$'$s'" | od -An -c; done; echo -e '\ud800\U0011ffff' | od -An -c`,
	`TZ=UTC0; printf "%(abde)Z\n" 0; printf "%-20.5(%Y (foo) %m)T|\n" 0; printf "%-5(x)Z|\n" 0; printf "%10(%Y)T|%-10(%Y)T|%.2(%Y)T|\n" 0 0 0; printf '%()T' 0 | wc -c`,
	`set -k; f() { echo "$# $1 x=$x y=$y"; }; f a x=1 b y="2 3"; env x=5 | grep ^x=; echo a=b c; x=1 f; printenv z z=4; set +k; f a x=1; echo a=b; set -o | grep keyw; shopt -p -o keyword; set -k; echo $-`,
	`exec {a[1]}<<< l1; echo ${a[1]}; read x <&${a[1]}; echo $x; exec {a[1]}>&-; read x <&${a[1]} || echo closed; f() { exec 3<&-; exec {x}>&-; cat <&- >&-; }; type f; shopt -s varredir_close; : {q}</dev/null; read x <&$q || echo gone; ulimit -n 9; exec {w}</dev/null; echo ${w-unset}`,
	`exec 4>&1; (echo a; echo e >&2) 2>&1>/dev/null; (echo b >&2>/dev/null) 2>&1; echo c 3>&1<&0 >&3; echo d 3>&-e 5>&-$(echo f)"g"; x=1 3>&-y=2 env | grep ^y=; echo h 2>&-3>&4; f() { echo i; } 2>&1>/dev/null; f; type f`,
	`a=9; echo foo 2>&1 >&$a | sed 's/.*line [0-9]*: //'; { echo foo >&$a; } 2>&1 | sed 's/.*line [0-9]*: //'; { cat <&8; } 2>&1 | sed 's/.*line [0-9]*: //'`,
	`printf 'l1\nl2\n' > in; f() { cat & wait; }; echo 4; { cat & wait; } < in; echo 8; ( cat & wait ) < in; echo 9; if :; then cat & wait; fi < in; echo 11; while read x; do cat & wait; done < in
echo 12; while read x; do (cat & wait) ; break; done < in; echo 13; while read x; do f ; break; done < in; echo 14; while read x; do v=$(cat & wait); echo "v=$v"; break; done < in; echo 18; case x in x) cat & wait;; esac < in; echo 20; g() { cat & wait; } < in; g; echo 22; { cat | cat & wait; } < in; cat in | { cat & wait; }; cat in | ( cat & wait )`,
	`exec 2>&1; TIMEFORMAT=x; time time echo a; { time -p time :; } 2>&1 | sed "s/[0-9.]*$//"; time ! true; echo $?; ! time true; echo $?`,
	`[ -t a ]; echo $?; [[ -t a ]]; echo $?; test -t ''; echo $?; shopt | head -4; shopt -p | sed -n 1,3p`,
	`set -o posix
echo "${HOME+'}'z}" "x${HOME+'bar}"; eval 'echo "${HOME+'"'}'"'z}"'
set +o posix
echo "${HOME+'}'z}"; set -o posix
echo "${HOME+'}'z}"; f() { set +o posix; }; f
echo "${HOME+'}'z}"`,
	`x=notOK x1=not; echo "${x#${$'x1'%$'t'}}" "${$'x1'}" `,
	`cat <(sleep 0.1; exit 123) >/dev/null
wait "$!"; echo $?
cat <(sleep 0.1; exit 5) >/dev/null; p=$!; wait $p; echo $?; wait $p; echo $?
f() { cat <(sleep 0.1; exit 9); }; f; wait $!; echo $?
wait; echo $?`,
	`mkdir b; cp /bin/echo b/; set -r; cd / ; echo $?; /bin/echo a; echo $?; echo x > f; echo $?; echo x >> f; : 3<> f; echo y &> f; ls; . ./f; echo $?; command -p ls; echo $?; exec /bin/echo b; hash -p /bin/echo e; e c; hash -p echo e; set +r; echo $?; set +o restricted; echo $-; ( cd / ); echo $PWD | wc -l; cat < /dev/null; exec 3</dev/null; echo end`,
	`trap 'echo ERR:$LINENO' ERR
:
false | false
f() { trap 'echo D:$LINENO' DEBUG
 echo in
}
f
declare x=1
trap - DEBUG ERR
g()
{
 echo g
}
declare -ft g
trap 'echo T:$LINENO' DEBUG
g
trap - DEBUG`,
	`set -m; trap 'echo child' CHLD; sleep 0.3 & sleep 0.6 & wait; echo $?; trap - CHLD`,
	`s=abcdefg; p=abc
r1='\\&' r2='x\&y' r3='\&' r4='&' r5='\\\&' r6='\a&\' r7='a\'
for e in '&' '\&' '\\&' '\\\&' '"&"' '"\&"' '"\\&"' '"\\\&"' "'&'" "'\\&'" '$r1' '"$r1"' '$r2' '"$r2"' '$r3' '"$r3"' '$r4' '"$r4"' '$r5' '"$r5"' '$r6' '"$r6"' '$r7&' '"$r7"&' '\\$r1' '\\$r4' '\\\\&' '\a' '"\a"' '\\a' '\$' 'x\"&' '\~' 'a\' '\\\a' '$r1&' 'x$r4\&' '&&\&&' '[&]' '\\' '\\\\' '"\\"' "'\\'" '$(echo "&")' '"$(echo "\&")"' '~&' '\/&' '\}&'; do
eval "printf '<%s>' \${s/abc/$e} \"\${s/abc/$e}\""; echo " $e"
done
shopt -u patsub_replacement
for e in '&' '\&' '\\&' '"\&"' '$r1' '$r3' '"$r3"' '\a'; do
eval "printf '<%s>' \${s/abc/$e} \"\${s/abc/$e}\""; echo " $e"
done`,
	`declare -lr V1; declare -alr V3; declare -A V4; declare -ia F=(); V=42; A=(a b)
echo "${V1@A}|${V1[@]@A}|${V1[0]@A}|${V1@a}|${V1[@]@a}|${V1[0]@a}|"
echo "${V3@A}|${V3[@]@A}|${V3[0]@A}|${V3@a}|${V3[@]@a}|${V3[0]@a}|${V3[1]@a}"
echo "${V4@A}|${V4[@]@A}|${V4@a}|${V4[@]@a}|${V4[x]@a}|"
echo "${F@A}|${F[@]@A}|${F@a}|${F[@]@a}|"
echo "${V@A}|${V[@]@A}|${V@a}|${V[@]@a}|${V[0]@a}|"
echo "${N@A}|${N[@]@A}|${N@a}|${N[@]@a}|${N@Q}|${N[@]@Q}|${N@U}|"
n=A; echo "${!n@A}|${!n[@]}|${!n@a}|${!n@Q}|${!n[@]@Q}|${!n[0]}|${!n[0]@Q}|"
n='A[@]'; echo "${!n@A}|${!n@a}|${!n@Q}|${!n%b}|${!n^}|"; printf '<%s>' ${!n@Q} "${!n@Q}"; echo
echo "${!A[@]@Q}|${!A[*]@Q}|${!A[@]%1}"
n=F; echo "${!n@a}|${!n@A}"
echo "${F@A}"; echo "${N@a}"`,
	`s=abcdefg; a='\\x' b='\x' c='\\' d='\'
for e in '$a' '$b' '$c' '$d' '"$a"' '$a"&"' '$c"\&"' '\\x' '$c&' '$c\&' '~$c' '~&' '~root&'; do eval "printf '<%s>' \${s/abc/$e} \"\${s/abc/$e}\""; echo " $e"; done`,
	`for x in '${!9:-z}' '${!u:-z}' '${!u-z}' '${!u+z}' '${!u:+z}' '${!u:=z}' '${!u}' '${!u#x}' '${!u:?m}' '${!u@Q}' '${!u:1}' '${!u/a/b}' '"${!u-a b}"' '${!e-z}' '${!e:-z}' '${!e+z}' '${!e}' '${!n-z}' '${!n+z}' '${!u[0]-z}' '${!u[@]-z}' '${!m[@]}' '${!9-z}' '${!1-z}'; do
( e= n=nn; eval "printf '<%s>' $x" 2>/dev/null; echo " $x" )
done`,
	`hash -r; ls /dev/null; ls /dev/null; cat /dev/null; hash; hash ls; hash; type ls; type -p ls; hash; hash -p /bin/sh ls; hash; command -v cat; hash; $(ls /dev/null >/dev/null); (cat </dev/null); hash -t ls; hash; hash sed grep awk tr cut; hash; hash -d sed; hash | wc -l; hash -l | head -2; ls /dev/null | cat; hash | head -3; type -a ls | head -1; type -P cat; hash | tail -3`,
	`j=4 x=1 s=/home
for e in "(j?1:0):j" "j?1:0:j" "j?(x?1:0):0:j" "j?1:0" "x:j?2:3" "j?x?1:2:3:2"; do eval "echo \${s:$e}"; done; cat ${foo:-<(echo a)}; echo "${foo:-<(echo a)}"`,
	`set -u; F=(); declare -i G; A=([1]=x); echo ${A@a}; (echo ${F@a}; echo no); (echo ${G@a}; echo no); (echo ${N@Q}; echo no)`,
	`{ printf; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ printf -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ read -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ read -a; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ declare -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ set -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ unset -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ dirs -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ type -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ hash -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ hash -p; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ shopt -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ cd -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ pwd -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ jobs -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ wait -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ trap -z x; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ export -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ readonly -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ ulimit -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ mapfile -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ umask -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ unalias -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ unalias; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ command -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ enable -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ kill; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ local_() { local -z; }; local_; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ fc -z; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ getopts; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ getopts x; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`{ printf -v; } 2>&1 | sed 's/^.*line [0-9]*: //'`,
	`exec 2>&1; cd /; pushd -m | sed 's/.*line [0-9]*: //'; popd +x | sed 's/.*line [0-9]*: //'; dirs 7 | sed 's/.*line [0-9]*: //'; pushd -m 2>/dev/null; echo $?; pushd /usr; pushd -n +0; pushd -n +1; dirs; pushd /bin >/dev/null; DIRSTACK[1]=/tmp; dirs; DIRSTACK[9]=/x; dirs; popd; dirs +9 | sed 's/.*line [0-9]*: //'`,
	`declare -A m; k='x],b[$(echo no >&2)'; q="80's"; (( m[$k]++ )); (( m['$k']++ )); (( m["$k"]++ )); (( "m[$k]++" )); (( m[$q]++ )); echo $(( m[$k] + m[$q] + m["$q"] )); declare -p m; s=abcdefghij; r=']'; m[$r]=4; echo ${s:m[$r]}; m[a b]=3; echo $(( m[a b] )) $(( m["a b"]++ )) $((m[a\ b]))`,
	`b=(0 1 2 3) d='1+1'; x='b[$d]'; echo $((x)) $((b[$d])) ${b[$d]} ${b[x]}; y='b["1"]'; echo $((y)); i='0],b[1'; ( ((b[$i]++)) && echo no) 2>/dev/null || echo bad; z='z[$z]'; ( ((z)) ) 2>/dev/null || echo loop; let "b[\" 1 \"]=7" 'b[$d]=8'; declare -p b`,
	`a=(1); (echo "${a[' ']}"; echo no) 2>/dev/null; echo $?; a[0]=1; (a['0']=2; echo no) 2>/dev/null; echo "${a["0"]}"; declare -A A; k=]; for c in 'read "A[$k]" <<< x' 'read A[$k] <<<x' 'printf -v "A[$k]" x' 'declare "A[$k]=x"' "A[\$k]=x" "read 'A[\$k\$k]' <<<y" "printf -v 'A[\$k'\]']' z"; do eval "$c" 2>/dev/null; echo $?; done; declare -p A`,
	`declare -A A; declare -u A; A=(); echo ${A[@]:=foo} ${A[*]=bar}; declare -p A; echo ${A[@]:=x}; (B=(); echo ${B[@]:=x}; echo no) 2>/dev/null || echo bad`,
	`declare -A m; v=x1; m['$v']=1 m[x1]=2; unset "m[$v]"; declare -p m; unset 'm[$v]'; m[x1]=3; unset m['$v']; declare -p m; m[@]=4 m[]]=5; unset m[@] m[x1]; declare -p m; k=]; unset m[$k]; declare -p m; m=([@]=1 [a]=2); k=@; unset 'm[$k]'; declare -p m; a=(1 2 3); i=1; unset 'a[$i]' a[i+1]; declare -p a; unset a[@]; declare -p a; BASH_COMPAT=5.1; unset a[@] m[@]; declare -p a m 2>/dev/null; echo $?; f[1]=1; unset f[1] f[@] g[1]; echo $?`,
	`declare -A m; k='x]y'; v='$k'; m[$k]=5 m['$k']=6; [[ -v m[$k] ]]; echo $?; [[ -v m[$v] ]]; echo $?; [[ -v m['$k'] ]]; echo $?; test -v 'm[$k]'; echo $?; [[ m[$k] -eq 5 && m["$k"] -lt 6 && m['$k'] -eq 6 ]]; echo $?; i=1 a=(4 7); [[ a[$i] -eq 7 && a[i] -gt "a[0]" ]]; echo $?; [[ a[1<(2+2)] -eq 7 ]]; echo $?; declare -n r='m[$k]' s='a[1]' t='a[@]'; echo $s $t "$t" ${u-$t}`,
	`declare -A m; k=]; shopt -s assoc_expand_once; for c in 'declare m[$k]=1' 'declare "m[x$k]=2"' 'read m[$k] <<<3' 'read "m[$k]" <<<4' 'k=[' 'declare m[$k]=5' 'declare "m[$k]=6"' 'read "m[$k]" <<<7' 'printf -v "m[$k]" 8' 'printf -v m[$k] 9' 'unset m[$k]' 'true & wait -p m[$k] $!; [[ ${m[$k]} = $! ]]; unset m[$k]' 'wait -p 1x'; do eval "$c" 2>/dev/null; echo $?; declare -p m; done`,
	`shopt -s expand_aliases; hash -r; echo ${BASH_CMDS[@]} ${#BASH_CMDS[@]}; hash -p /usr/sbin/foo foo; hash -p /usr/local/bin/qux qux; echo ${!BASH_CMDS[@]} / ${BASH_CMDS[foo]}; BASH_CMDS[blat]=/bin/echo BASH_CMDS[sh]=/bin/sh; hash; echo ${!BASH_CMDS[@]}; blat hi; alias foo=/usr/sbin/foo qux='/usr/local/bin/qux -l'; echo ${!BASH_ALIASES[@]}; BASH_ALIASES[blat]='echo ali'; BASH_ALIASES[sh]='/bin/bash -l'; alias -p; echo ${!BASH_ALIASES[@]} "${BASH_ALIASES[qux]}"
blat x; declare -A | head -2; declare -p BASH_ALIASES | head -c 30; (BASH_ALIASES[in]=sub; alias in); alias in 2>/dev/null; echo $?; set -r; BASH_CMDS[q]=/bin/ls; echo ${BASH_CMDS[q]-none}; BASH_CMDS[w]=ls; BASH_CMDS[v]=nowhere; echo ${BASH_CMDS[w]} ${BASH_CMDS[v]-none}`,
}
