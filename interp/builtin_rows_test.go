package interp

// The scripts of the differential test. Output and status must be those of
// the reference shell; messages on standard error are not compared.

// builtinRows must do the same in dash (fsh as sh) and bash (fsh as bash).
var builtinRows = []string{
	// echo
	`echo`, `echo a b`, `echo ""`, `echo -n a; echo b`, `echo "a  b"   c`, `echo - -- -`,
	`echo '*' "?"`, `echo a >&2; echo b`, `echo x >&-; echo $?`, `echo -`, `echo -n`,
	// printf: text
	`printf 'a\n'`, `printf '%s\n' a b c`, `printf '%s-%s\n' a b c`, `printf 'x' a b`,
	`printf '\n'`, `printf -- '-x\n'`, `printf '%s' ''`, `printf '%s|%s|\n' a`, `printf '%%\n'`,
	`printf '%5s|%-5s|%.2s|%5.1s|\n' ab cd efg hij`, `printf '%b\n' 'a\tb' 'c\nd'`,
	`printf '%b|' 'a\cb' c; echo '|' $?`, `printf '\101\60\n'`, `printf '\\ \a\b\f\r\t\v' | od -c`,
	`printf '%b' '\0101\061\0' | od -c`, `printf '%c%c\n' abc d`, `printf '%c' '' | od -c`,
	`printf '%*s|%-*s|\n' 4 a 4 b`, `printf '%.*s|\n' 2 abc`, `printf '%-5b|%5b|\n' 'a\t' b`,
	`printf '%s %d\n' a 1 b 2 c 3`, `printf '%d\n'`, `printf '%s\n'`, `printf '%s\n' "a b" 'c  d'`,
	// printf: integers
	`printf '%d %i %o %u %x %X\n' 1 2 8 4 255 255`, `printf '%d\n' 010 0x10 -5 +5`,
	`printf '%5d|%-5d|%05d|%+d|% d\n' 1 2 3 4 5`, `printf '%.3d|%6.3d|%-6.3d|\n' 1 2 3`,
	`printf '%#o %#x %#X\n' 8 255 255`, `printf '%x\n' -1`, `printf '%u\n' -1`,
	`printf "%d %d\n" "'a" '"b'`, `printf '%d\n' 9223372036854775807`,
	`printf '%d\n' abc; echo $?`, `printf '%d\n' 12abc; echo $?`, `printf '%d %d\n' 1 x 2 y; echo $?`,
	`printf '%d\n' ''; echo $?`, `printf '%.0d|\n' 0`, `printf '%03d\n' -5`, `printf '%+.2d\n' 3`,
	`printf '%s: %d\n' a "$(printf 5)"`, `printf '%d\n' ' 7'`, `printf '%x %o\n' 0xFf 0xff`,
	// printf: floating point
	`printf '%f %e %g\n' 1.5 1.5 1.5`, `printf '%.2f|%8.2f|%-8.2f|\n' 3.14159 2.71828 1`,
	`printf '%g %g %g\n' 100000 1000000 0.0001`, `printf '%G %E\n' 1e-10 1e10`, `printf '%.0f\n' 2.5 3.5`,
	`printf '%f\n' inf -inf nan`, `printf '%F\n' 1`, `printf '%+.1f\n' 1`, `printf '%08.3f\n' -1.5`,
	`printf '%f\n' x; echo $?`, `printf '%g\n' 1e3 .5 5.`, `printf '%.3g\n' 1234567`, `printf '%#.3g\n' 1`,
	// test: strings
	`test; echo $?`, `test a; echo $?`, `test ""; echo $?`, `[ ]; echo $?`, `[ a ]; echo $?`,
	`test -n a; echo $?`, `test -n ""; echo $?`, `test -z a; echo $?`, `test -z ""; echo $?`,
	`[ a = a ]; echo $?`, `[ a = b ]; echo $?`, `[ a != b ]; echo $?`, `[ a != a ]; echo $?`,
	`[ -n ]; echo $?`, `[ ! ]; echo $?`, `[ ! a ]; echo $?`, `[ ! "" ]; echo $?`, `[ ! = ! ]; echo $?`,
	`[ "(" = "(" ]; echo $?`, `[ -f = -f ]; echo $?`, `[ "" = "" ]; echo $?`, `x=; [ "$x" ]; echo $?`,
	`[ a "<" b ]; echo $?`, `[ b ">" a ]; echo $?`, `[ -a ]; echo $?`, `[ = ]; echo $?`, `[ = = = ]; echo $?`,
	// test: integers
	`[ 1 -eq 1 ]; echo $?`, `[ 1 -eq 2 ]; echo $?`, `[ 1 -ne 2 ]; echo $?`, `[ 1 -lt 2 ]; echo $?`,
	`[ 2 -lt 1 ]; echo $?`, `[ 2 -le 2 ]; echo $?`, `[ 3 -gt 2 ]; echo $?`, `[ 2 -ge 3 ]; echo $?`,
	`[ -1 -lt 0 ]; echo $?`, `[ 010 -eq 10 ]; echo $?`, `[ 1 -eq " 1 " ]; echo $?`, `[ x -eq 1 ]; echo $?`,
	`[ 1.5 -gt 1 ]; echo $?`, `[ +3 -eq 3 ]; echo $?`, `[ 9223372036854775807 -gt 0 ]; echo $?`,
	// test: logic
	`[ a -a b ]; echo $?`, `[ a -a "" ]; echo $?`, `[ "" -o b ]; echo $?`, `[ a = a -a b = b ]; echo $?`,
	`[ a = b -o b = b ]; echo $?`, `[ ! a = b ]; echo $?`, `[ ! a = a ]; echo $?`,
	`[ "(" a = a ")" ]; echo $?`, `[ "(" a = b ")" -o c ]; echo $?`, `[ ! "(" a ")" ]; echo $?`,
	`[ a = b -o c = c -a d = e ]; echo $?`, `[ "(" a = b -o c = c ")" -a d = d ]; echo $?`,
	`[ a b ] 2>/dev/null; echo $?`, `[ a b c ] 2>/dev/null; echo $?`, `[ a = ] 2>/dev/null; echo $?`, `[ a 2>/dev/null; echo $?`,
	`[ -n "" -o -z "" ]; echo $?`, `[ ! -f / -a -d / ]; echo $?`,
	// test: files
	`[ -e / ]; echo $?`, `[ -e /nx ]; echo $?`, `[ -d / ]; echo $?`, `[ -f / ]; echo $?`, `[ -f /etc/passwd ]; echo $?`,
	`[ -c /dev/null ]; echo $?`, `[ -b /dev/null ]; echo $?`, `[ -r /etc/passwd ]; echo $?`, `[ -x /bin/sh ]; echo $?`,
	`[ -x /etc/passwd ]; echo $?`, `[ -s /etc/passwd ]; echo $?`, `[ -s /dev/null ]; echo $?`, `[ -L /etc/passwd ]; echo $?`,
	`: >f; [ -s f ]; echo $?; echo x >f; [ -s f ]; echo $?`, `ln -s nx l; [ -L l ]; echo $?; [ -h l ]; echo $?; [ -e l ]; echo $?`,
	`mkfifo p; [ -p p ]; echo $?; [ -f p ]; echo $?`, `: >f; chmod 4755 f; [ -u f ]; echo $?; [ -g f ]; echo $?`,
	`mkdir d; chmod 1777 d; [ -k d ]; echo $?`, `: >a; touch -d '2000-01-01' b; [ a -nt b ]; echo $?; [ a -ot b ]; echo $?`,
	`: >a; ln a b; : >c; [ a -ef b ]; echo $?; [ a -ef c ]; echo $?`, `[ -O / ]; : >f; [ -O f ]; echo $?; [ -G f ]; echo $?`,
	`[ -t 0 ]; echo $?`, `[ -t 1 ]; echo $?`, `[ -e "" ]; echo $?`, `mkdir d; cd d; : >f; cd ..; [ -f d/f ]; echo $?; [ -f f ]; echo $?`,
	`[ -p /dev/stdin ] </dev/null; echo $?; : | [ -p /dev/stdin ]; echo $?`, `[ -c /dev/fd/0 ] </dev/null; echo $?`,
	`[ -e /dev/fd/7 ] 7>&-; echo $?; [ -e /dev/fd/7 ] 7</dev/null; echo $?`,
	// read
	`echo a b c | { read x y; echo "<$x><$y>"; }`, `echo 'a\b' | { read x; echo "<$x>"; }`, `echo 'a\b' | { read -r x; echo "<$x>"; }`,
	`echo '  a  b  ' | { read x; echo "<$x>"; }`, `echo '  a  b  ' | { read x y; echo "<$x><$y>"; }`,
	`printf 'a' | { read x; echo "$? <$x>"; }`, `printf '' | { read x; echo "$? <$x>"; }`, `read x </dev/null; echo $?`,
	`printf 'a\\\nb\n' | { read x; echo "<$x>"; }`, `printf 'a\\\nb\n' | { read -r x; echo "<$x>"; }`,
	`echo a:b:c | { IFS=: read x y; echo "<$x><$y>"; }`, `echo a:b: | { IFS=: read x y; echo "<$x><$y>"; }`,
	`echo a:b:: | { IFS=: read x y; echo "<$x><$y>"; }`, `echo :a | { IFS=: read x y; echo "<$x><$y>"; }`,
	`echo a:b:c: | { IFS=: read x y z; echo "<$x><$y><$z>"; }`, `echo ' a : b ' | { IFS=': ' read x y; echo "<$x><$y>"; }`,
	`echo ' a b ' | { IFS= read x; echo "<$x>"; }`, `echo 'a\ b c' | { read x y; echo "<$x><$y>"; }`,
	`printf 'l1\nl2\nl3\n' | { read x; cat; }`, `printf 'l1\nl2\nl3\n' >f; { read x; cat; } <f`,
	`printf 'l1\nl2\n' >f; while read x; do echo "<$x>"; done <f`, `printf 'l1\nl2' >f; while read x || [ "$x" ]; do echo "<$x>"; done <f`,
	`printf 'l1\nl2\nl3\n' >f; { read a; sh -c 'read b; echo $b'; read c; echo $c; } <f`,
	`printf '1\n2\n' >f; exec 5<f; read a <&5; read b <&5; echo $a $b`, `echo a | { read x y z; echo "<$x><$y><$z>"; }`,
	`readonly r=1; echo a | { read r 2>/dev/null; echo no; } ; echo end`, `x=old; read x </dev/null; echo "<$x>"`,
	`printf 'a\tb\n' | { read x y; echo "<$x><$y>"; }`, `printf 'a\0b\n' | { read x; echo "<$x>"; }`,
	`echo 'a b' | { read -r x y z; echo "$z|"; }`, `printf '%s\n' '\\' | { read x; echo "<$x>"; }`,
	`read x <<E
one two
E
echo "$x"`, `while read a b; do echo "$b $a"; done <<E
1 2
3 4
E`,
	// getopts
	`set -- -a -b arg x; while getopts ab: o; do echo "$o $OPTARG $OPTIND"; done; echo $OPTIND`,
	`set -- -abc; while getopts abc o; do echo $o; done; echo $OPTIND`, `set -- -bfoo; getopts b: o; echo $o $OPTARG $OPTIND`,
	`set -- -x; getopts a o 2>/dev/null; echo "$? $o <$OPTARG>"`, `set -- -x; getopts :a o; echo "$? $o <$OPTARG>"`,
	`set -- -b; getopts b: o 2>/dev/null; echo "$? $o <$OPTARG>"`, `set -- -b; getopts :b: o; echo "$? $o <$OPTARG>"`,
	`set -- -a -- -b; while getopts ab o; do echo $o; done; echo $OPTIND`, `set -- x -a; getopts a o; echo "$? $o $OPTIND"`,
	`set --; getopts a o; echo "$? $o $OPTIND"`, `set -- -; getopts a o; echo "$? $o $OPTIND"`,
	`getopts ab: o -a -bz y; echo $o; getopts ab: o -a -bz y; echo $o $OPTARG; getopts ab: o -a -bz y; echo $? $OPTIND`,
	`set -- -ab -c; getopts abc o; echo $o; OPTIND=1; getopts abc o; echo $o`, `set -- -a x -b; while getopts ab o; do :; done; shift $((OPTIND-1)); echo "$@"`,
	`set -- -a; while getopts a o; do :; done; OPTIND=1; set -- -b; getopts b o; echo $o`, `set -- -ab; getopts ab o; getopts ab o; echo $o; getopts ab o; echo $?`,
	`set -- -a "" -b; getopts a:b o; echo "$o <$OPTARG>"; getopts a:b o; echo $o`,
	`f() { OPTIND=1; while getopts xy o; do echo f$o; done; }; f -x; f -y -x`,
	// umask
	`umask 022; umask`, `umask 027; umask -S`, `umask u=rwx,g=rx,o=; umask`, `umask 0; umask`, `umask 777; umask`,
	`umask 022; umask g+w; umask`, `umask 022; umask a-x; umask`, `umask 22; umask o=; umask`, `umask 0; umask go-rwx; umask`,
	`umask 022; (umask 077); umask`, `umask 077; : >f; ls -l f | cut -c1-10`, `umask 888 2>/dev/null || echo bad`, `umask 0777; umask u=rw; umask`,
	// ulimit
	`ulimit -n 100; ulimit -n; ulimit -Hn`, `ulimit -Sn 50; ulimit -n; sh -c 'ulimit -n'`, `ulimit -c 0; ulimit -c`, `(ulimit -n 64); [ $(ulimit -n) != 64 ]; echo $?`,
	`ulimit -t unlimited; ulimit -t`, `ulimit -n x 2>/dev/null || echo bad`, `ulimit -n 90; ulimit -Sn 200 2>/dev/null || echo bad`, `ulimit`, `ulimit -f`,
	`ulimit -c 0; ulimit -Sc; ulimit -Hc; sh -c 'ulimit -c'`,
	// kill
	`kill -l 9`, `kill -l 137`, `kill -l 15`, `kill -0 $$; echo $?`, `kill -s TERM 2>/dev/null; echo $((! !$?))`, `kill 999999 2>/dev/null; echo $?`,
	`trap 'echo got' USR1; kill -USR1 $$; echo after`, `trap 'echo got' TERM; kill $$; echo after`, `trap 'echo h' HUP; kill -1 $$; echo x`, `trap 'echo h' INT; kill -s INT $$; echo x`,
	`sh -c 'kill -9 $$'; echo $?`, `sleep 5 & kill $!; wait $!; echo $?`, `sleep 5 & kill -KILL $!; wait $!; echo $?`, `kill -l | grep -c TERM`,
	// command, type, hash
	`command -v echo`, `command -v if`, `command -v ls`, `command -v nx; echo $((! !$?))`, `f() { :; }; command -v f`, `command -v /bin/sh`, `command -v /nx; echo $((! !$?))`,
	`command echo hi`, `echo() { printf no; }; command echo hi`, `command -p echo hi`, `command -p ls / >/dev/null; echo $?`, `command nx 2>/dev/null; echo $?`,
	`command; echo $?`, `command -- echo x`, `type echo >/dev/null; echo $?`, `type nx >/dev/null 2>&1; echo $((! !$?))`, `type if`,
	`hash ls; echo $?`, `hash nx 2>/dev/null; echo $((! !$?))`, `hash -r; echo $?`, `command exec 2>/dev/null; echo ok`, `command eval 'echo x'`, `command set -- a b; echo $2`,
	`command cd / && pwd`, `set -- a b; command shift; echo $1`, `x=1 command eval 'echo $x'; echo "<$x>"`, `f() { command return 3; echo no; }; f; echo $?`, `for i in 1 2; do command break; done; echo $i`,
	// alias
	`alias a=b; alias a >/dev/null; echo $?`, `alias nx 2>/dev/null; echo $?`, `alias a=b; unalias a; alias a 2>/dev/null; echo $?`, `unalias nx 2>/dev/null; echo $?`, `unalias -a; echo $?`,
	// times
	`times | wc -l`, `times | grep -c '^[0-9]*m[0-9.]*s [0-9]*m[0-9.]*s$'`,
}

// dashRows must do the same in dash.
var dashRows = []string{
	`command eval '('; echo $?`, `echo ')' >f; command . ./f; echo $?`, `(trap 'echo end' EXIT; exec nosuch; echo no); trap 'echo end' EXIT; exec ./nosuch; echo no`,
	`echo 'f() { command eval ")"; echo in; }; f' | $SH -i +m 2>/dev/null; echo $?`,
	`umask 22; umask -w; echo $?; umask -- -w; umask`,
	`echo 'a\tb'`, `echo 'a\nb\\c'`, `echo 'x\cy'; echo z`, `echo '\0101\101'`, `echo -e a`, `echo -nn a`, `echo -n -n a`, `echo 'a\x41'`, `echo 'a\'`,
	`alias x='y z' q="it is"; alias`, `alias x='y z'; alias x`, `type echo exit ls`, `type nx >/dev/null; echo $?`, `command -v nx; echo $?`,
	`read -p x y </dev/null; echo $?`, `echo "a\\\\b"`, `alias a=b; command -v a`, `times | head -1 | cut -c1-3`,
	`umask 022; umask u+x,g=u; umask`, `ulimit -a >/dev/null; echo $?`, `ulimit -p >/dev/null; echo $?`,
}

// bashRows must do the same in bash.
var bashRows = []string{
	`echo -e 'a\tb\x41\u00e9'`, `echo 'a\tb'`, `echo -ne a; echo`, `echo -E 'a\n'`, `echo -e -n 'a\n'`, `echo -en 'a\cb'`, `echo -x a`, `echo -nx`, `shopt -s xpg_echo; echo 'a\tb'`,
	`printf -v x '%03d' 7; echo $x`, `printf -v a[2] z; echo "${a[2]}"`, `printf '%q ' 'a b' "it's" '' $'\n' '$x' '~' a~ '#a' a#; echo`, `printf '%(%Y-%m-%d)T\n' 0`, `TZ=UTC printf '%(%F %T)T\n' 86399`,
	`printf '%s\x41\n' a`, `printf '\u00e9\n'`, `printf '%b' '\x41\e' | od -c`, `printf '%d %s\n' "'A" x`, `printf '%.3f\n' 0.1`, `printf '%a\n' 1`, `printf '%5q|\n' 'a b'`, `printf 'ab%n' n; echo $n`,
	`TZ=EST5 printf '%(%H %Z)T\n' 0`, `TZ=UTC printf '%(%a %b %e %j %u %w %U %V %G %y %C %I %p)T\n' 1000000000`, `printf '%(%s)T\n' 5`,
	`[[ -v HOME ]]; echo $?`, `test -v nx; echo $?`, `test a == a; echo $?`, `test -o errexit; echo $?`, `set -e; test -o errexit; echo $?`, `a=(1 2); test -v a[1]; echo $?; test -v a[5] ; echo $?`,
	`echo abcdef | { read -n 3 x; echo $x; }`, `echo a:b | { read -d : x; echo $x; }`, `printf 'a\0b' | { read -d '' x; echo $x; }`, `printf 'ab\ncd' | { read -N 4 x; echo "$x|"; }`,
	`read -a v <<<"1 2 3"; echo ${v[1]} ${#v[@]}`, `read <<<"  x  "; echo "<$REPLY>"`, `read -t 0.01 x < <(sleep 1); echo $(($? > 128))`, `read -u 7 x 7<<<hi; echo $x`, `read -n 0 x <<<abc; echo "$?<$x>"`,
	`IFS=, read -ra p <<<"a,b,,c"; echo "${#p[@]} ${p[3]}"`, `read x y <<<'a\ b c'; echo "$x|$y"`, `read -n 2 x y <<<'a b'; echo "<$x><$y>"`, `read a[3] <<<z; echo ${a[3]}`,
	`mapfile -t l < <(printf 'a\nb\n'); echo ${#l[@]} ${l[1]}`, `mapfile l <<<x; printf %s "${l[0]}" | od -c`, `mapfile -t -s 1 -n 1 l < <(printf '1\n2\n3\n'); echo "${l[@]}"`, `mapfile -t -d : l <<<a:b; echo ${#l[@]}`,
	`l=(x y z); mapfile -t -O 1 l <<<b; echo "${l[@]}"`, `readarray -t l < <(seq 3); echo "${l[*]}"`, `mapfile -t </dev/null; echo ${#MAPFILE[@]}`, `mapfile -t -c 1 -C 'echo cb' l < <(printf 'a\nb\n')`,
	`umask -p`, `umask -S 077`, `kill -l KILL`, `kill -l 1 2`, `kill -l SIGTERM`, `kill -n 0 $$; echo $?`, `ulimit -c 0 -n 77; ulimit -n`, `kill -l | head -1`, `kill -l RTMIN+1`, `kill -SIGCONT $$; echo $?`,
	`alias x='y z' q="it's"; alias`, `alias -p; echo $?`, `type -t echo if ls nx; echo $?`, `f() { :; }; type -t f`, `type -p ls`, `type -P echo`, `type -a echo | head -1`, `type ls nx 2>/dev/null; echo $?`, `command -v nx; echo $?`,
	`command -v . : [`, `type -t alias`, `shopt -s expand_aliases; alias a=b; type -t a; type a`, `hash -t nx 2>/dev/null; echo $?`, `hash ls; hash -t ls`, `hash -p /bin/true zz; zz; echo $?`, `hash ls; hash -d ls; hash -t ls 2>/dev/null; echo $?`, `hash ls; type ls`,
	`let x=1+2; echo $? $x`, `let 0; echo $?`, `let 'y = 5' 'y++'; echo $y`, `let; echo $?`,
	`pushd / >/dev/null; pwd; popd >/dev/null; [ "$PWD" != / ]; echo $?`, `cd /; pushd /tmp; pushd /usr; popd; popd; popd; echo $?`, `cd /; pushd /usr >/dev/null; dirs; dirs -p; dirs -v; dirs +1`, `HOME=/usr; cd /usr; dirs; dirs -l`, `cd /; pushd /tmp >/dev/null; pushd /usr >/dev/null; pushd +1; pushd -0`, `cd /; pushd -n /usr; pwd`, `cd /; pushd /tmp >/dev/null; pushd; dirs -c; dirs`,
	`shopt -s nullglob; shopt nullglob; echo $?`, `shopt -q extglob; echo $?`, `shopt -p nullglob`, `shopt -s nx 2>/dev/null; echo $?`, `shopt -u nullglob; shopt -p nullglob; echo $?`, `shopt -so noglob; echo *; shopt -o noglob`, `shopt -s checkwinsize; echo $?`, `shopt -s nullglob; (shopt -u nullglob); shopt nullglob`,
	`builtin echo hi`, `echo() { :; }; builtin echo hi`, `builtin nx 2>/dev/null; echo $?`, `builtin; echo $?`, `f() { caller; }; f | cut -d' ' -f1`, `f() { caller 0 | cut -d' ' -f1,2; }; g() { f; }; g`, `caller; echo $?`,
	`times | head -1 | grep -c '^[0-9]*m[0-9]*\.[0-9][0-9][0-9]s'`, `enable -n nx 2>/dev/null; echo $?`,
}
