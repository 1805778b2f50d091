package interp

// bashProbes go through bash's manual; each row touches many uses of a feature.
var bashProbes = []string{
	`a=1; a+=4; x=(1 2 3); x+=(4 5); x[4]+=1; echo ${x[@]}; declare -i y=(1 2 3); y[1]+=5; echo ${y[@]}; declare -p y`,
	`declare -ai x=(1 2 3 4 5); x[2]+=4; echo ${x[@]}; x+=([3]+=9 [5]=9); echo ${x[@]}`,
	`typeset -i x=4+5; echo $x; x+=(5 6 7); echo ${x[@]} $x; x=4; x+=3; echo $x`,
	`declare -A foo; foo=([one]=bar [two]=baz [three]=quux); declare -p foo; foo+=([four]=x); echo ${!foo[@]}; echo ${foo[@]}`,
	`declare -A a; for i in a b c d e f g h i j k l m n one two three four five six seven alpha beta gamma; do a[$i]=$i; done; echo "${!a[@]}"`,
	`declare -A a; for ((i=0;i<3000;i++)); do a[k$i]=$i; done; printf '%s ' "${!a[@]}" | md5sum`,
	`a=foo; a+=5 printenv a; echo $a`,
	`x=1; echo $((++x)) $((x++)) $x $((--x)); let x=5 y=6; echo $x $y; ((x+=y)); echo $x`,
	`echo {9223372036854775805..9223372036854775807} {-5..5..2} {a..e..2} {01..10} {10..1..3} {Z..a} a{b,c}{d,e} {a,b}{1..3} {,x}y {x} {a,b x{1..}`,
	`f() { local -a c=(3); declare -r c; declare -p c; }; f; d=4; readonly -a d; declare -p d; readonly e=4; declare -p e`,
	`v=abc; echo ${v@U} ${v@u} ${v@L} ${v@Q} ${v@A} ${v@a} ${v@E}; x=(a b); echo ${x[@]@Q} ${x[@]@A} ${x@a}; echo ${x@A}`,
	`v=abcabc; echo ${v^} ${v^^} ${v^^b} ${v^[ac]} ${v,,} ${v~} ${v~~} ${v/b/X} ${v//b/X} ${v/#a/X} ${v/%c/X} ${v/b} ${v//[ab]/-} ${v/b/&&} ${v/b/\&}`,
	`s='a b c'; echo "${s//b/"&"}" "${s//b/'&'}" ${s//b/[&]}; r='[&]'; echo "${s//b/$r}" "${s//b/"$r"}"`,
	`echo ${x////_} ; v=/a/b; echo ${v////_} ${v///} ${v//\//_} ${v/\/a/x}`,
	`set -- a b c d; echo ${@:2} ${@:1:2} ${@: -1} ${*:0:1} "${@:2:2}" ${#@} ${#} ${@:5} ${@/a/x} ${@^} ${@#a} ${@%d}`,
	`a=(1 2 3 4 5); echo ${a[@]:1:2} ${a[@]: -2} ${a[-1]} ${#a[@]} ${#a[0]} ${!a[@]} ${a[@]/3/x} ${a[*]#1}; unset 'a[1]'; echo ${!a[@]} ${a[@]:1:2}`,
	`s=abcdef; echo ${s:2} ${s:2:2} ${s: -2} ${s:1:-1} ${s:(-3):2} ${s:0:0}. ${s:10}. ; echo "${s: -10}."`,
	`v=x; x=5; echo ${!v} ${!v:-z}; y=(a b); r='y[1]'; echo ${!r}; r='y[@]'; echo "${!r}"; for n in ${!BASH_V*}; do echo $n; done`,
	`f() { echo $FUNCNAME ${FUNCNAME[1]} $BASH_LINENO ${#FUNCNAME[@]} ${BASH_SOURCE[0]}; }; g() { f; }; g
f`,
	`a() { caller; caller 0; caller 1; echo $?; }
b() { a; }
b`,
	`[[ abc =~ ^a(b)(c)$ ]]; echo "${BASH_REMATCH[@]}" $?; [[ a < b ]] && echo lt; [[ -n x && ( -z '' || x ) ]] && echo ok; [[ ab == a* ]]; echo $?; [[ ab == "a*" ]]; echo $?; [[ 5 -gt 3 ]]; echo $?; [[ ! x ]]; echo $?`,
	`x=5; [[ x -eq 5 ]]; echo $?; [[ -v x ]]; echo $?; a=(1); [[ -v a[0] ]]; echo $?; [[ -v a[1] ]]; echo $?; [[ -o errexit ]]; echo $?; declare -n r=x; [[ -R r ]]; echo $?`,
	`printf '%q\n' 'a b' "it's" $'a\nb' '' 'x$y' '~' 'é'; printf '%s %d %x %o %e %5.2f|%-5s|%05d\n' a 10 255 8 1.5 3.14159 ab 42; printf '%b' 'a\tb\n'; printf '%(%Y)T\n' 0; printf -v v '%03d' 7; echo $v; printf '%s\n' a b c; printf '%d\n' "'a"`,
	`printf '%d %i %u\n' 0x10 010 5; printf '%c%c\n' abc def; printf '%*d|%-*d|\n' 5 42 5 42; printf '%.3s\n' abcdef; printf '%+d % d\n' 5 5; printf '%#x %#o\n' 255 8; printf '%%\n'; printf '%s'; echo; printf '%d\n' abc; echo $?`,
	`mapfile -t a < <(printf 'x\ny\nz\n'); echo ${#a[@]} ${a[1]}; mapfile -n 1 -s 1 b <<< $'1\n2\n3'; echo "${b[0]}"; mapfile -d : -t c <<< 'p:q:r'; echo "${c[@]}"; readarray -O 2 -t d <<< x; echo ${!d[@]}`,
	`read -r a b <<< 'x y z'; echo "$a|$b"; read -a arr <<< '1 2 3'; echo ${arr[1]}; read -d : x <<< 'ab:cd'; echo $x; read -n 2 y <<< 'hello'; echo $y; IFS=, read p q <<< 'a,b,c'; echo "$p $q"; read -N 3 z <<< 'a b c'; echo "$z"; read <<< '  lead '; echo "[$REPLY]"`,
	`for ((i=0,j=9;i<3;i++,j--)); do echo $i $j; done; for i in {1..3}; do ((i==2)) && continue; echo $i; done; i=0; while ((i<2)); do ((i++)); done; echo $i; until ((i==0)); do ((i--)); done; echo $i`,
	`select x in a b c; do echo $x $REPLY; break; done <<< 2`,
	`case abc in a*) echo 1;;& *c) echo 2;& zzz) echo 3;; *) echo 4;; esac`,
	`function f { echo f $1; return 3; }; f x; echo $?; function g() { echo g; }; g; unset -f g; g 2>/dev/null; echo $?`,
	`set -o pipefail; false | true; echo $?; set +o pipefail; false | true | false; echo ${PIPESTATUS[@]}; true; echo ${PIPESTATUS[@]}`,
	`trap 'echo D:$BASH_COMMAND' DEBUG; x=1; echo hi; trap - DEBUG; f() { trap 'echo R' RETURN; echo in; }; f; f`,
	`trap 'echo bye' EXIT; trap; trap -p EXIT; trap 'x' INT; trap -p; trap - INT; trap -l | head -1`,
	`declare -i n=5; n=n+3; echo $n; declare -l lo=ABC; declare -u up=abc; echo $lo $up; declare -x E=1; declare -r R=2; declare -p n lo up E R; declare -c cap=hello; echo $cap`,
	`declare -n ref=target; target=5; echo $ref; ref=6; echo $target; declare -p ref; unset -n ref; echo ${ref-unset}; f() { local -n v=$1; v=changed; }; z=1; f z; echo $z; echo ${!ref}`,
	`x=out; f() { local x=in; g; }; g() { echo $x; unset x; echo ${x-unset}; }; f; echo $x; h() { local x; echo "[${x-unset}]"; local y=5 z=$y; echo $z; declare -g q=1; }; h; echo $q`,
	`local x=1; echo $?; f() { local -; set -f; echo $-; }; f; echo $- | tr -d '\n' | sed 's/[is]//g'`,
	`x=(a b c); set -u; echo ${x[5]-def}; echo "${x[@]:1}"; unset x; echo "${x[@]}" ok; echo "${#x[@]}"`,
	`a[3]=x; a+=(y); echo ${!a[@]}; a=(); echo ${#a[@]}; a=([5]=e [2]=b c); echo "${!a[@]} ${a[@]}"; declare -p a; b=("${a[@]}"); declare -p b`,
	`a[1]=(1 2); echo $?; declare -p a`,
	`declare -A m=([a]=1 ["b c"]=2); m[d]=3; echo ${m[b c]} ${#m[@]}; unset 'm[a]'; [[ -v m[d] ]] && echo has; k=d; echo ${m[$k]}; for k in "${!m[@]}"; do echo "$k"; done | sort; declare -A n=(a 1 b 2); declare -p n`,
	`echo "${x:-$'\t'a}" "${x:-'q'}" ${x:-'q r'} "${x:-"q r"}" | cat -A`,
	`shopt -p nullglob; shopt -s nullglob; shopt nullglob; shopt -q nullglob; echo $?; echo *.none; shopt -u nullglob; echo *.none; shopt -s nosuch; echo $?; shopt -so errexit; shopt -o errexit`,
	`set -o | head -5; set +o | head -3; set -o nosuch; echo $?; set -e; set -o | grep errexit`,
	`shopt -s dotglob globstar; mkdir -p d/e; touch d/.h d/e/f x; echo d/*; echo **; echo **/; echo d/**/f`,
	`shopt -s nocasematch; case ABC in abc) echo m;; esac; [[ ABC == abc ]] && echo m2; shopt -u nocasematch; shopt -s nocaseglob; touch Foo; echo f*`,
	`shopt -s failglob; echo *.nope; echo after $?`,
	`shopt -s lastpipe; echo x | read v; echo "$v"; shopt -u lastpipe; echo y | read w; echo "[$w]"`,
	`set -e; f() { false; echo in; }; f || echo caught; if f; then echo yes; fi; ! false; x=$(false; echo sub); echo "$x"; (false; echo no); echo unreachable`,
	`set -e; shopt -s inherit_errexit; x=$(false; echo sub); echo "no $x"`,
	`wait -n; echo $?; (exit 3) & wait -n; echo $?; (exit 4) & p=$!; wait $p; echo $?; wait 99999; echo $?; sleep 0.1 & wait -n -p v; [ "$v" = "$!" ] && echo same`,
	`let; echo $?; let 0; echo $?; let 'x=1, y=2'; echo $x $y; let x+=5; echo $x; echo $((16#ff)) $((2#101)) $((0x1F)) $((017)) $((1<<4)) $((7/2)) $((-7%3)) $((2**10)) $((1?2:3)) $((!0)) $((~5)) $((5&3|8^1))`,
	`echo $((a=5)) $a; echo $((x[2]=7)) ${x[2]}; echo $(( (1,2) )); echo $((08)); echo after`,
	`echo $((1/0)); echo after $?`,
	`exec 3>f; echo a >&3; exec 3>&-; cat f; exec {fd}>g; echo $fd; echo b >&$fd; exec {fd}>&-; cat g; echo c &>h; cat h; echo d &>>h; cat h; { echo e; echo f >&2; } >& i; cat i; cat <<< "$(<f)"; echo x 2>&1 >j | cat; echo y |& cat; cat j`,
	`echo $'a\tb\x41\101\u00e9\e\a\'\"\?\cA' | od -c | head -3; echo $"hello"`,
	`test 1 -eq 1 -a 2 -eq 2; echo $?; [ a \< b ]; echo $?; [ -z "" -o x ]; echo $?; [ ! -e /nope ]; echo $?; [ ]; echo $?; [ a = ]; echo $?; test -t 0; echo $?; [ 1 -eq x ]; echo $?; [ -n ]; echo $?; [ '(' a ')' ]; echo $?; [ -e / -a ! -d /nope ]; echo $?; [ / -ef /. ]; echo $?; [ -v HOME ]; echo $?`,
	`getopts ab: o -a -b val x; echo $o $OPTIND; getopts ab: o -a -b val x; echo $o $OPTARG $OPTIND; getopts ab: o -a -b val x; echo $? $o; OPTIND=1; getopts :b: o -b; echo $o $OPTARG; OPTIND=1; getopts b: o -z; echo $o [$OPTARG]`,
	`echo a{1..3}b{x,y} {1..2}{a..b} "{1..2}" \{1..2} {1,{2,3}} {a..} pre{,mid}post {-1..1} {1..0} x{a}y {a,b}\ c $(echo {1,2}) ${x:-{a,b}}`,
	`hash -r; ls >/dev/null; hash | tail -1; hash -t ls; hash nosuch; echo $?; type -t ls cd if f; type -P ls; type -a echo; command -v ls; command -V cd; type -p ls`,
	`alias x='echo hi'; shopt -s expand_aliases
x; alias; unalias x; x; alias nosuch; echo $?; unalias nosuch; echo $?; unalias -a`,
	`eval 'echo $((1+1))'; eval; echo $?; eval 'false'; echo $?; . /dev/stdin <<< 'echo sourced $1' ; echo 'echo $1; return 5; echo no' > s; . ./s arg; echo $?; source ./s a2; echo $? $#`,
	`echo -e 'a\nb\c' ; echo; echo -n x; echo -E 'a\n'; echo -ne 'x\t'; echo -- a; echo -x; echo -e '\x41\0101\u00e9'; echo 'a\tb'`,
	`type cd; cd /tmp; cd /usr; cd -; echo $OLDPWD; cd; pwd; cd /nope; echo $?; cd -P /; pwd -P; CDPATH=/usr; cd bin; pwd; cd a b; echo $?`,
	`readonly x=1; x=2; echo no`,
	`declare -A a; a=(); declare -p a; declare -a b=(); declare -p b; c=(); declare -p c; echo ${c[@]@A}; d=(x); echo ${d[@]@A}; unset c; echo "${c[@]@A}"; declare -i n; n=4+3; echo $n; n+=3; echo $n; declare -p n; local 2>/dev/null; declare -u U; U=foo; echo $U`,
	`BASH_ARGV0=hello; echo $0; echo $BASH_ARGV0`,
	`f() { local OPTIND=1 opt; while getopts :abcxyz opt; do echo $opt; if [[ $opt = y ]]; then f -abc; fi; done; }; f -xyz`,
	`[[ ']' =~ [']'] ]] && echo 1; [[ a =~ ['a]'] ]] || echo 2; [[ "\\" =~ [^]"."] ]] && echo 3; [[ "\\" =~ [\.] ]] || echo 4; [[ "\\" =~ ["."] ]] || echo 5; [[ axb =~ "a."b ]] || echo 6; [[ 'a[.b' =~ "a[."b ]] && echo 7`,
	`v=baz vx=1 vy=2; echo {$v,b}x $v{x,y} ${v}{x,y} "$v"{x,y} $1{a,b} {x,y}$v`,
	`n=1; a=(5 6 7); ((a[n]=n=2)); echo ${a[@]} $n; ((a[0] = a[1] = 9)); echo ${a[@]}; echo $((a[n=1]+=3)) ${a[@]}; declare -A m; echo $((m[k]=4,m[k]+1)); ((a[n=0]=a[2]==2)); echo ${a[@]}`,
	`n=0 z="(z[n]=++n)<7&&z[0]"; ((z[0])); echo "${z[@]:1}"; : $((z[1)=2)); echo no`,
	`cd /; pushd /usr; dirs -v +1; dirs -v -1; dirs -p +0; dirs +1 -v; dirs -v +2; echo $?; umask -w; echo $?; umask -S -- -w; echo $?`,
	`f() { declare -F; declare -f f; typeset -F f; }; f; declare -F nosuch; echo $?; declare -f nosuch; echo $?; readonly -f f; f() { :; }; echo $?; unset -f f; echo $?`,
	`x='a:b'; IFS=:; set -- $x; echo $#; f() { echo "$*"; }; IFS=- ; f 1 2 3; echo "${*}"; a=(1 2 3); echo "${a[*]}"; IFS=; echo "${a[*]}" ${a[*]}; y=$*; echo $y; z="$@"; echo "$z"`,
	`echo "${x-"a'b'c"}" "${x-a'b'c}" ${x-a'b'c} "${x-\a}" ${x-\a} "${x-a\"b}" "${x-'}'}z" "${x:-~}" ${x:-~} "${x-$(echo "a b")}" ${x-"$(echo "a  b")"}`,
	`case x in esac; case a in a) ;; esac; case "$x" in '') echo empty;; esac; case a in [[:upper:]]) echo U;; [[:lower:]]) echo l;; esac; case '[a]' in '[a]') echo lit;; esac; case ab in a\b) echo esc;; esac; case 'a\b' in 'a\b') echo bs;; esac; case $'\n' in $'\n') echo nl;; esac`,
	`shopt -s nullglob; a=(nope*); echo ${#a[@]}; shopt -s dotglob; touch .h v; echo *; GLOBIGNORE='v'; echo *; unset GLOBIGNORE; shopt -u dotglob nullglob; echo .*; set -o noglob; echo *`,
	`trap 'echo d:$LINENO:$BASH_COMMAND' DEBUG
x=1
for i in 1 2; do
  echo $i
done
if [[ a == a ]]; then
  ((y=1))
fi
case x in x) echo c;; esac
f() { echo f; }
f
trap - DEBUG`,
	`set -x; ((i=1)); [[ a == b ]] || :; for ((i=0;i<1;i++)); do :; done; a=(1 2); a[1]=x; x+=y; case a in b) ;; esac; echo "a b" 'c$d' e\'f; f() { :; }; f "x y"; x=1 y=2 : ; exec 3>&1; echo $(echo sub); [ -n x ]; ! true; PS4='+$LINENO '; echo z`,
	`BASH_XTRACEFD=5; exec 5>tr; set -x; echo a; set +x; exec 5>&-; cat tr`,
	`set -e; f() { false; echo x; }; f && echo y; trap 'echo E' EXIT; { false || false; }; echo no`,
	`echo ${#} ${#@} ${#*} ${##} ${#?} ${#-} ${#!} ${#$} | wc -w; x=abc; echo ${#x}; a=(ab cde); echo ${#a} ${#a[1]} ${#a[@]} ${#a[*]}`,
	`read -r -t 0.1 x < <(sleep 1; echo late); echo $?; read -t 0 < /dev/null; echo $?; printf 'abc' | (read -n 2 a; echo $a; read b; echo $b $?); read -s p <<< pw; echo $p; read -p 'prompt' q <<< a; echo $q; read -e r <<< x; echo $r; read -u 3 z 3<<< fd3; echo $z; read -i def s <<< ''; echo "[$s]"; read 1bad <<< x; echo $?; read -Z <<< x; echo $?`,
	`printf -v 'a[2]' x; echo ${a[2]}; printf '%s %s\n' a; printf '%d\n' '' ; echo $?; printf '%q ' a "b c" '$x' "d'e" '*' '' ; echo; printf '%(%Y-%m-%d)T\n' 86400; printf '%5c|%-5c|\n' a b; printf '%.2s|%5.1s|\n' abc xyz; printf '\x41\u0042\e[0m\n' | od -c | head -1; printf '%b\n' '\0101\x42'; printf '%s\n' "${a[@]@Q}"; printf '%Q\n' 'a b'; printf '%.0f %g %G %a\n' 2.5 0.0001 1e10 1 ; printf '%lld %hd\n' 5 6; printf -- '-%s\n' x; printf '%d %d\n' 9999999999999999999 2>/dev/null; echo $?; printf; echo $?`,
	`type -a test | head -2; type -t nosuch; echo $?; type -f ls | head -1; type if; type -t '['; alias q=r; type q; type -t q; f() { echo; }; type f; command -V f; type -p test; type -P test; hash -p /bin/ls zz; type zz; hash -l; hash -d zz; hash -d zz; echo $?`,
	`exec {fd}<<< hello; cat <&$fd; exec {fd}<&-; echo a > >(cat; : >said); until [ -e said ]; do :; done; cat <<< "x
y"; cat <<< $'a b'  <<< second; cat 0<<EOF1 3<<EOF2 
one
EOF1
two
EOF2
: {v}>f; echo $v | grep -c '^1[0-9]$'`,
	`echo $(( 1 ? 2 : 3 )) $((1,2)) $((i++ + ++i)) $i $((10#08)) $((16#aF)) $((36#Z)) $((64#_)) $((-5%3)) $((2**3**2)) $((1<2&&3>2||0)) $((a[0]=5,a[0]+1)) $((x=y=3)) $((!x)) $((~-1)) $((0b1)) 2>/dev/null; echo $?`,
	`a=(a b c d); echo "${a[@]:1:2}" "${a[@]: -1}" "${a[@]/a/X}" "${a[*]^^}"; unset 'a[0]' a[2]; echo "${!a[@]}"; a+=([7]=z); echo "${a[@]}" "${#a[@]}"; b=("${a[@]}"); b[${#b[@]}]=new; echo "${b[-1]}" "${b[-2]}"; b[-1]=changed; echo ${b[@]}; for i in "${!b[@]}"; do echo -n "$i "; done; echo; c=([a]=1); echo ${c[0]}; d=(${a[@]/#/p}); echo ${d[@]}; e=($(echo x y)); echo ${#e[@]}`,
	`declare -A h=([x]=1 [y]=2); h+=([z]=3); echo ${#h[@]} ${h[@]}; for k in "${!h[@]}"; do echo $k; done; unset h[x]; echo ${!h[@]}; h["a b"]=4; echo "${h["a b"]}" ${h[a b]}; k='$x'; h[$k]=5; echo "${h[$k]}" "${h['$x']}"; [[ -v h[z] ]]; echo $?; declare -p h; echo "${h[@]@K}"; echo "${h[@]@k}"; unset h; declare -p h; echo $?`,
	`f() { local a=1; local -i b=2+3; local c; echo $a $b ${c-unset}; local -A m=([k]=v); echo ${m[k]}; local -r ro=1; ro=2; echo no; }; f; echo $?; g() { local x=$1; ((x>0)) && g $((x-1)); echo -n $x; }; g 3; echo; h() { declare v=1; }; v=0; h; echo $v; declare -g zz=1; w() { typeset q=in; echo $q; }; q=out; w; echo $q`,
}
