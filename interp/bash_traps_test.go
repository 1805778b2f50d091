package interp

// bashTrapRows are about the traps of debuggers: who inherits DEBUG and
// RETURN, their $LINENO, each expression of for ((…)), BASH_ARGV.
var bashTrapRows = []string{
	`trap 'echo bye $?' EXIT; (exit 3); sh -c 'kill -s TERM $PPID; exit 5'; echo no`,
	`trap 'echo bye $?' EXIT; (exit 3); sh -c 'kill -s USR1 $PPID'; echo no`,
	`trap 'echo bye $?' EXIT; (exit 3); kill -s HUP $$; echo no`,
	`(trap 'echo bye $?' EXIT; (exit 4); kill -s TERM $BASHPID; echo no); echo $?`,
	`kill -s QUIT $$; sh -c 'kill -s QUIT $PPID'; echo $?; trap 'echo q' QUIT; kill -s QUIT $$; trap - QUIT; kill -s QUIT $$; (kill -s QUIT $$; echo s); (kill -s QUIT $BASHPID; echo no); echo $?; sh -c 'kill -s QUIT $$'; echo $?; { kill -s QUIT $BASHPID; echo bg; } & wait $!; echo $?`,
	`printf 'echo in d $LINENO\nf3() { \n  echo f3 $(caller 0)\n}\nf3\ncaller\n' > d
print_return_trap() {
   echo "return lineno: $1 ${FUNCNAME[1]}"
   return
}
fn1() {
    echo "in fn1"
    echo $(caller)
}
fn2() {
    echo "fn2"
    fn1
}
trap 'print_return_trap $LINENO' RETURN
fn2
declare -ft fn1
fn2
declare -ft fn2 
fn2
set -o functrace
fn2
. ./d
trap - RETURN`,
	`dbg() { echo "D:$1 ${FUNCNAME[1]}"; return; }
fn1() {
    echo "in fn1"
    n=4
    [ $n -eq 3 ] && n=5
    for (( i=0 ; (( i < 2 )) ; i++ )) ; do 
      local -i j=i+1
    done
    for x in a b; do echo $x; done
    case $x in b) n=3;; esac
    while (( n > 2 )); do (( n-- )); done
    if [ $n = 2 ]; then echo yes; fi
    echo $(echo sub)
    { echo grp; }
    ( echo sh )
    echo p | cat
}
fn2() { fn1; }
trap 'dbg $LINENO' DEBUG
fn2
declare -ft fn1
fn2
declare -ft dbg
fn1
set -T
fn2`,
	`r() { echo "R:$1 ${FUNCNAME[1]}"; }
f() { 
  echo in
  return 3
}
g() 
{
  echo g
  false
}
k() { for i in 1; do
 return; done; }
trap 'r $LINENO' RETURN
set -T
f; echo $?
g; echo $?
k
e() { false; }
trap 'echo E:$LINENO $BASH_COMMAND' ERR
e
set -E
e
g
set +T
trap 'echo "D:$LINENO $BASH_COMMAND"' DEBUG
for ((i=0; i<2; i++)); do :; done
for ((;;)); do break; done
for ((i=0;;)); do break; done
for (( ; i<3 ; i++)) ; do echo $i; done
for (( ; ; i++)); do ((i>5)) && break; done
trap - DEBUG
t() { trap 'echo TD:$LINENO' DEBUG; u; echo after; }
u() { echo u; }
declare -ft u
t
echo x`,
	`f() { echo "${BASH_ARGC[@]}|${BASH_ARGV[@]}"; g 5 6 7; echo "${BASH_ARGC[@]}|${BASH_ARGV[@]}"; }
g() { shift; echo "${BASH_ARGC[@]}|${BASH_ARGV[@]}"; set -- q; (echo "${BASH_ARGC[@]}|${BASH_ARGV[@]}"); }
set -- X Y; f 1 2; shopt -s extdebug; echo "${BASH_ARGC[@]}|${BASH_ARGV[@]}"; f 1 2; f
echo 'echo "in ${BASH_ARGC[@]}|${BASH_ARGV[@]}"' > d; . ./d a b; . ./d
shopt -u extdebug; f 8; echo "${#BASH_ARGC[@]}|${BASH_ARGV[@]}"`,
}
