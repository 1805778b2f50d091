package main_test

import "testing"

// asleep waits until the kernel says that the last background list is stopped.
const asleep = `until grep -q '^State:.*T' /proc/$!/status; do :; done; `

// TestParents: the parent of a subshell's programs is the subshell, sandboxed or
// not, and a signal to it is for the subshell alone.
func TestParents(t *testing.T) {
	for script, want := range map[string]string{
		`p() { sh -c 'echo $PPID'; }; test $(sh -c 'echo $PPID') = $$; echo $?; (p; :) >f; test $(cat f) = $$; echo $?`: "0\n1\n",
		`(sh -c 'kill -s TERM $PPID'; echo in); echo $?`:                                                                "143\n", `x=$(sh -c 'kill -s HUP $PPID'; echo in); echo "$x" $?`: " 129\n",
		`{ sh -c 'kill -s USR1 $PPID'; echo in; } & wait $!; echo $?`: "138\n", `{ sh -c 'kill -s USR1 $PPID'; echo in; } | cat; echo $?`: "0\n",
		`trap 'echo main' USR1; (trap 'echo sub' USR1; sh -c 'kill -s USR1 $PPID'; echo in $?); echo $?`:                            "sub\nin 0\n0\n",
		`(trap '' USR1; sh -c 'kill -s USR1 $PPID'; echo in $?); echo $?`:                                                           "in 0\n0\n",
		`(sh -c 'exit 3; : PPID'; echo $?; sh -c 'kill -KILL $$; : PPID'; echo $?; /nosuch PPID 2>/dev/null; echo $?); echo $?`:     "3\n137\n127\n0\n",
		"(cd /; umask 027; sh -c 'pwd; umask; cat; : PPID' <<E\ntext\nE\n)":                                                         "/\n0027\ntext\n",
		`set -m; (sh -c 'kill -STOP $PPID; echo in'; exit 4); kill -l $?; fg >/dev/null; echo $?`:                                   "in\nSTOP\n4\n",
		`set -m; (trap 'echo cont' CONT; kill -STOP $(sh -c 'echo $PPID'); echo after; exit 2); kill -l $?; fg >/dev/null; echo $?`: "STOP\ncont\nafter\n2\n",
		`set -m; { sh -c 'kill -KILL $PPID'; echo no; } | cat; echo $?`:                                                             "0\n",
		`set -m; (kill -STOP $(exec sh -c 'echo $PPID'); echo on; exit 4); kill -l $?; fg >/dev/null; echo $?`:                      "STOP\non\n4\n",
		`set -m; (exec sleep 9) & kill %1; wait %1; echo $?`:                                                                        "143\n",
		`set -m; (exec sh -c 'kill -STOP $$; exit 3'); kill -l $?; fg >/dev/null; echo $?`:                                          "STOP\n3\n",
		`set -m; (sleep 9; echo no) & kill -STOP %1; wait %1; kill -CONT %1; kill %1; wait %1; echo $?`:                             "143\n",
		`{ echo 1; sh -c 'kill -STOP $PPID'; echo 2; } >f & ` + asleep + `cat f; kill -CONT $!; wait $!; echo $?; cat f`:            "1\n0\n1\n2\n",
		`{ echo 1; sh -c 'kill -STOP $PPID'; echo 2; } >f & ` + asleep + `kill -KILL $!; wait $!; echo $?; cat f`:                   "137\n1\n",
		`{ trap 'echo cont' CONT; sh -c 'kill -STOP $PPID'; echo on; } & ` + asleep + `kill -CONT $!; wait $!; echo $?`:             "cont\non\n0\n",
		`(sh -c 'kill -s TERM $PPID'; echo in); exec sh -c "test \$\$ = $$ && echo same"`:                                           "same\n",
		`(sh -c ': PPID'; :); exec sh -c "test \$\$ = $$ && echo same"`:                                                             "same\n",
		`p=$(sh -c 'echo $PPID'; :); kill -0 $p 2>/dev/null || echo gone`:                                                           "gone\n",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			for _, mode := range [][]string{{"--allow-write=."}, {"--unsafe-no-sandbox"}} {
				if got := fsh(t, home(t), append(mode, "-c", script)...); got.stdout != want {
					t.Errorf("%v: %+v, want %q", mode, got, want)
				}
			}
		})
	}
	// Nobody says the word: what has a process is the parent all the same.
	const file = `echo 'kill -s USR1 $PPID' >f; { sh ./f; echo in; } & wait $!; echo $?`
	if got := fsh(t, home(t), "--allow-write=.", "-c", file); got.stdout != "138\n" {
		t.Errorf("by a script: %+v", got)
	}
}
