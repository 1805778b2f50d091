package main_test

import "testing"

// TestChildTrap: SIGCHLD comes once for each child that the shell of a script
// would have, and interrupts wait, wherever its processes run: children of a
// runner, or none at all.
func TestChildTrap(t *testing.T) {
	for _, test := range []struct{ name, script, stdout string }{
		{"the foreground", `/bin/true; echo a; (exit 3); echo b; (/bin/true; /bin/true); echo c; : | :; echo d`, "chld\na\nchld\nb\nchld\nc\nchld\nd\n"},
		{"substitutions", `x=$(/bin/true); echo a; x=$(:); echo b`, "chld\na\nchld\nb\n"},
		{"a program in the background", `sleep 0.1 & wait $!; echo $?; wait $!; echo $?`, "chld\n145\n0\n"},
		{"a list in the background", `{ sleep 0.1; /bin/true; exit 3; } & wait $!; echo $?; wait $!; echo $?`, "chld\n145\n3\n"},
		{"by kill", `kill -s CHLD $$; echo a; (kill -s CHLD $$); echo b; sh -c 'kill -s CHLD $PPID'; echo c`, "chld\na\nchld\nb\nchld\nc\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range [][]string{nil, {"--unsafe-no-sandbox"}} {
				got := fsh(t, home(t), append(mode, "-c", "trap 'echo chld' CHLD; "+test.script)...)
				if got.stdout != test.stdout || got.status != 0 {
					t.Errorf("%v: %+v, want %q", mode, got, test.stdout)
				}
			}
		})
	}
}
