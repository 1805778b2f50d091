package interp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

// yash in its POSIX mode goes by the standard where dash has habits of its own.
func posixYash(t *testing.T) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "sh")
	if err := os.Symlink(difftest.Shell(t, "yash"), link); err != nil {
		t.Fatal(err)
	}
	return link
}

// TestLikeYash compares output and status.
func TestLikeYash(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two shells per row")
	}
	shell, fsh := posixYash(t), difftest.Fsh(t)
	for i, script := range slices.Concat(posixRows, parentRows) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			want := difftest.Run(t, difftest.Case{Shell: shell, Script: script})
			got := difftest.Run(t, difftest.Case{Shell: fsh, Script: script})
			if got.Out != want.Out || got.State != want.State {
				t.Errorf("%s\n got: %q (%s)\nwant: %q (%s)", script, got.Out, got.State, want.Out, want.State)
			}
		})
	}
}

var posixRows = []string{
	// getopts unsets OPTARG where there is no argument
	`OPTARG=q; getopts ab: n -a; echo "${OPTARG-unset}"; OPTIND=1; getopts ab: n -c 2>/dev/null; echo "${OPTARG-unset}"; OPTIND=1; getopts ab: n -bx; echo $OPTARG`,
	// wait forgets what it has waited for
	`(exit 4) & p=$!; (exit 5) & wait; echo $?; wait $p; echo $?`, `(exit 4) & p=$!; wait $p; echo $?; wait $p; echo $?`,
	`(exit 1) & a=$!; (exit 2) & b=$!; wait $b $a; echo $?; wait $b; echo $?`,
	// errors
	`shift 100; echo $?; command shift 2; echo $?`, `type nosuch 2>/dev/null; echo $((! !$?))`,
	`echo hi >${x?msg}; echo no`, `echo hi <${x?} || echo no`, `{ echo hi; } >${x?msg}; echo no`, `(: >${x?}; echo no); echo $?`, `f() { echo hi; }; f 2>${x?}; echo no`,
	`command : >${x?}; echo no`, "cat <<E\n${x?}\nE\necho no", `if : >$((1/0)); then echo no; else echo no; fi`,
	`trap -Q; echo no`, `command trap -Q; echo $((! !$?))`, `command exit x; echo no`, `(exit x; echo no); echo $?`,
	// command spares the script what is wrong with its own utility, not with those that eval and dot run
	`command eval 'shift x; echo in'; echo no`, `command eval 'echo ${x?}; echo in'; echo no`, `readonly r; command eval 'r=1; echo in'; echo no`,
	`echo 'shift x; echo in' >f; command . ./f; echo no`, `eval 'in'; echo no`, `for in in in; do echo $in; case in in in) echo case; esac; done`,
	`shift 0 1; echo no`, `OLDPWD=; cd -; echo $?`,
	// a subshell of an interactive shell is not interactive
	`$SH -i +m -c '(: <nosuch; echo in); echo $((!$?)); (exec nosuch; echo in); echo $?; (while : ${u?}; do :; done; echo in); echo $((!$?))' 2>/dev/null`,
	`echo 'fi' >f; printf '%s\n' '. ./f; echo $((!$?))' 'eval "("; echo $((!$?))' | $SH -i +m 2>/dev/null`,
	// an interactive shell reads $ENV whatever gives it commands; -v shows input, which -c is not
	`echo 'echo envfile' >e; ENV=$PWD/e $SH -c 'echo c'; ENV=$PWD/e $SH -i +m -c 'echo c' 2>/dev/null`, `$SH -v -c 'echo v' 2>&1`,
	// what a shell ignores, what it starts ignores, and cannot trap
	`for s in SEGV BUS ILL FPE TRAP SYS PROF TERM; do trap '' $s; sh -c "kill -$s \$\$; echo $s"; (trap '' USR1; exec sh -c "kill -$s \$\$; kill -USR1 \$\$; echo $s"); done`,
	`for s in HUP INT TSTP TTIN TTOU CONT; do (trap '' $s; $SH -c "trap 'echo no' $s; kill -$s \$\$; trap - $s; kill -$s \$\$; echo $s"); done`,
	// the death of a child is known when wait ends
	`trap 'echo C' CHLD; sleep 0.1 & wait; echo d`, `trap 'echo C' CHLD; sleep 5 & kill -s KILL $!; wait $!; echo d`,
	`(trap 'echo C' CHLD; (exit 1); /bin/true; echo x)`, `(trap 'echo C' CHLD; sleep 0.1 & wait; echo d)`, `{ trap 'echo C' CHLD; /bin/true; echo x; } | cat`,
	// in the background interrupts are ignored without a trap (XCU 2.11): trap does not list them
	`{ trap; } & wait`, `trap '' INT; { trap; } & wait`, `{ trap '' QUIT; trap; } & wait`, `{ trap - INT; (trap); } & wait`, `trap 'echo t' INT; { trap; trap - TERM; trap; } & wait`,
	// a special builtin's error (XCU 2.8.1) ends no interactive shell, nor the line
	`printf '%s\n' 'readonly r; readonly r=2; echo $((!$?))' 'unset r; echo $((!$?))' '. ./nosuch; echo $((!$?))' 'set -o nosuch; echo $((!$?))' 'f() { shift x; echo $((!$?)); }; f' 'return x; echo $((!$?))' 'exit 1 2; echo $((!$?))' '(shift x; echo no); echo $((!$?))' | $SH -i +m 2>/dev/null`,
	`exit 5 2; echo no`, `command exit 5 2; echo $((!$?))`, `f() { return 5 2; }; f; echo no`,
	// $@ where there are no fields (XCU 2.5.2 leaves it open) is $*
	"IFS=:; set -- a 'b c'; v=$@; echo \"$v\"; v=\"$@\"; echo \"$v\"; v=${u-\"$@\"}; echo \"$v\"; cat <<E\n$@ \"$@\" ${u-$@}\nE\ncase $@ in 'a:b c') echo y; esac; IFS=; v=$@; echo \"$v\"; unset IFS; v=$@; echo \"$v\"",
	"IFS=:; set -- a '' b; v=x$@y; echo \"$v\"; set --; v=$@; echo \"<$v>\"; set -- a; v=\"$@$@\"; echo \"$v\"",
	// -x shows the assignments of a command without a name in one line
	`exec 2>&1; PS4='<$x>'; set -x; x=1 y="a b"; x=$(echo 1) y=2; x=3`,
	// the word ~ has no quotes: without a HOME it is no field (XCU 2.6)
	`HOME=; set -- ~; echo $#; set -- ~/a; echo $1; set -- ~""; echo $#; x=~; echo "<$x>"; set -- "$x" a~ ~; echo $#`,
	// operands are numbers as strtol(3) reads them
	`f() { return "	3"; }; f; echo $?; set -- a b; shift " 1"; echo $1; for i in 1 2; do break " 1"; done; echo $i; exit " 4"`,
	`command -v [[; command -v function`,
	// SIGINT ends a script when the command that it waits for survives
	`(sleep 0.2; kill -s INT $$) & sleep 0.5; echo no`,
}

// parentRows are about programs that look for their parent, and signal it: a
// subshell is a process of its own.
var parentRows = []string{
	`(trap 'echo cont' CONT; trap 'echo winch' WINCH; p=$(sh -c 'echo $PPID'); kill -CONT $p; kill -WINCH $p; echo in) & wait $!; echo $?`,
	`sh -c 'echo $PPID' >f; test $(cat f) = $$; echo $?; (sh -c 'echo $PPID') >f; test $(cat f) = $$; echo $?; (sh -c 'echo $PPID'; :) >f; test $(cat f) = $$; echo $?`,
	`(kill -s HUP $(sh -c 'echo $PPID'); echo in); echo after $((!$?))`, `(sh -c 'kill -s TERM $PPID'; echo in); echo after $((!$?))`,
	`trap 'echo main' USR1; (trap 'echo sub' USR1; sh -c 'kill -s USR1 $PPID'; echo in $?); echo after $?`,
	`(trap '' USR1; sh -c 'kill -s USR1 $PPID'; echo in $?); echo after $?`, `(trap '' CHLD; sh -c 'kill -s CHLD $PPID'; echo in $?); echo after $?`,
	`trap 'echo main' USR1; (sh -c 'kill -s USR1 $PPID'; echo in); echo after $((!$?))`,
	`x=$(sh -c 'kill -s HUP $PPID'; echo in); echo "$x" $((!$?))`, `{ sh -c 'kill -s USR1 $PPID'; echo in; } & wait $!; kill -l $?`,
	`{ sh -c 'kill -s USR1 $PPID'; echo in; } | cat; echo $?`, `(trap 'echo in' INT; kill -INT $(sh -c 'echo $PPID'); echo x) & wait; echo $?`,
	`trap '' TERM; trap - TERM; exec sh -c 'kill -s TERM $$; echo no'`, `trap '' HUP; trap - HUP; sh -c 'kill -s HUP $$; echo no'; echo $((!$?)); sh -c 'kill -s HUP '$$; echo no`,
	`trap '' USR1; trap - USR1; sh -c 'kill -s USR1 $PPID'; echo no`, `trap '' TERM; trap - TERM; sh -c 'kill -s TERM $PPID'; echo no`, `trap '' ABRT; trap - ABRT; sh -c 'kill -s ABRT $PPID'; echo no`,
	`for s in HUP INT; do (trap '' $s; $SH -c "sh -c 'kill -s $s \$PPID'; echo st=\$?"); done`,
	`(sh -c 'exit 3; : PPID'; echo $?; sh -c 'kill -KILL $$; : PPID'; echo $((!$?)); /nosuch PPID 2>/dev/null; echo $?); echo $?`,
	"(cd /; umask 027; sh -c 'pwd; umask; cat; : PPID' <<E\ntext\nE\n)", `(sh -c 'exec 9>&1; echo nine >&9; : PPID' 5>f; echo $?)`,
}

// TestParentStops: no shell to compare with has job control without a terminal.
func TestParentStops(t *testing.T) {
	fsh := difftest.Fsh(t)
	for script, want := range map[string]string{
		`(sh -c 'kill -STOP $PPID; echo in'; exit 4); kill -l $?; fg >/dev/null; echo $?`:                                   "in\nSTOP\n4\n",
		`(trap 'echo cont' CONT; kill -STOP $(sh -c 'echo $PPID'); echo after; exit 2); kill -l $?; fg >/dev/null; echo $?`: "STOP\ncont\nafter\n2\n",
		`sh -c 'kill -INT $PPID'; echo no`: "",
		// a pipeline is stopped when the programs that are left of it are
		`: | sh -c 'kill -STOP $$; exit 3'; kill -l $?; fg >/dev/null; echo $?`:                        "STOP\n3\n",
		`sh -c 'kill -TSTP $$; exit 3' | :; kill -l $(jobs | grep -c Stopped); fg >/dev/null; echo $?`: "HUP\n0\n",
		// exec in a subshell: the program is the job
		`(exec sh -c 'kill -TSTP $$; exit 3'); kill -l $?; fg >/dev/null; echo $?`:           "TSTP\n3\n",
		`(exec sh -c 'kill -STOP $$; exit 4') & wait $!; kill -l $?; fg >/dev/null; echo $?`: "STOP\n4\n",
		// a program that dies of SIGINT ends a job, and so the script, only as its last
		`(sh -c 'kill -INT $$'; echo in); echo out; : | { sh -c 'kill -INT $$'; echo in; }; echo out`:      "in\nout\nin\nout\n",
		`trap 'echo no' INT; (sh -c 'kill -INT $$'; exit 3); echo $?; (sh -c 'kill -TERM $$'; :); echo $?`: "3\n0\n",
		`: | sh -c 'kill -INT $$'; echo no`:                                                                                         "",
		`sh -c "kill -STOP \$\$" "$((1+1))" >/dev/null; jobs | cut -c33-`:                                                           `sh -c "kill -STOP \$\$" "$((1+1))" >/dev/null` + "\n",
		`{ sh -c 'kill -KILL $PPID'; echo no; } | cat; echo $?`:                                                                     "0\n",
		`sh -c 'kill -STOP $$; echo 1 >f'; sh -c 'kill -STOP $$; :'; sleep 9 & jobs %+ | cut -c1-5; kill $!; bg %1 %2; wait; cat f`: "[2] +\n[1] sh -c 'kill -STOP $$; echo 1 >f'\n[2] sh -c 'kill -STOP $$; :'\n1\n",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			if got := difftest.Run(t, difftest.Case{Shell: fsh, Script: "set -m; " + script}); got.Out != want || got.Messages != "" {
				t.Errorf("got %q, %q\nwant %q", got.Out, got.Messages, want)
			}
		})
	}
}

// TestPosix2024: what no shell to compare with does yet.
func TestPosix2024(t *testing.T) {
	fsh := difftest.Fsh(t)
	for script, want := range map[string]string{
		// sh, EXIT STATUS: an error of reading commands
		`printf '%s\n' 'trap "echo end" EXIT; exec <&-' 'echo no' | $SH 2>/dev/null; echo $?`: "end\n128\n",
		`$SH /nosuch 2>/dev/null; echo $?; echo 'echo in' | $SH; echo $?`:                     "127\nin\n0\n",
		// trap -p writes what restores the defaults, too
		`trap 'echo t' USR1; trap '' INT; s=$(trap -p INT USR1 USR2 EXIT); echo "$s"; trap - USR1; trap x INT EXIT; eval "$s"; trap`: "trap -- '' INT\ntrap -- 'echo t' USR1\ntrap -- - USR2\ntrap -- - EXIT\n" +
			"trap -- '' INT\ntrap -- 'echo t' USR1\n",
		`trap -p | grep -c -e '-- - '; trap -p | grep -e KILL -e STOP; trap x USR1; trap -p | grep -v -e '-- - '`: "30\ntrap -- 'x' USR1\n",
	} {
		got := difftest.Run(t, difftest.Case{Shell: fsh, Script: script})
		if got.Out != want {
			t.Errorf("%s\n got: %q (%s)\nwant: %q", script, got.Out, got.Messages, want)
		}
	}
}
