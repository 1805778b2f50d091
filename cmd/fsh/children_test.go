package main_test

import "testing"

// TestChildTrapOfBash: the trap on SIGCHLD runs as often in the sandbox, whose
// commands are not children of the shell, as without.
func TestChildTrapOfBash(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		`trap 'echo c' CHLD; sleep 0.1 & wait; echo x`:                                   "c\nx\n",
		`trap 'echo c' CHLD; sleep 0.1 & wait $!; echo x`:                                "c\nx\n",
		`set -m; trap 'echo c' CHLD; sleep 0.9 & sleep 0.5 & sleep 0.1 & wait; echo x`:   "c\nc\nc\nx\n",
		`trap 'echo c' CHLD; /bin/true; sh -c 'exit 3'; echo $?`:                         "c\nc\n3\n",
		`trap '' CHLD; sleep 0.1 & wait; echo x; trap 'echo c' CHLD; sleep 0.1; echo $?`: "x\nc\n0\n",
	} {
		for _, mode := range [][]string{{"--bash", "-c", script}, {"--unsafe-no-sandbox", "--bash", "-c", script}} {
			if got := fsh(t, home(t), mode...); got.stdout != want || got.status != 0 {
				t.Errorf("%s: %+v", mode, got)
			}
		}
	}
}

// TestChildTrapOfSh: SIGCHLD comes once for each child that the shell of a script
// would have, and interrupts wait, wherever its processes run: children of a
// runner, or none at all.
func TestChildTrapOfSh(t *testing.T) {
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

// TestUrgentTrap: the trap on SIGURG, which the Go runtime sends itself, runs
// when the signal was sent, and not when it was not.
func TestUrgentTrap(t *testing.T) {
	const script = `trap 'echo urgent' URG; kill -s URG $$; echo a; (kill -s URG $$); echo b
		i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.1; echo c`
	for _, mode := range [][]string{nil, {"--unsafe-no-sandbox"}, {"--bash"}} {
		if got := fsh(t, home(t), append(mode, "-c", script)...); got.stdout != "urgent\na\nurgent\nb\nc\n" {
			t.Errorf("%v: %+v", mode, got)
		}
	}
	got := fsh(t, home(t), "-c", `trap 'echo urgent' URG; sh -c 'kill -s URG $PPID'; echo a`)
	if got.stdout != "urgent\na\n" {
		t.Errorf("from a command: %+v", got)
	}
}
