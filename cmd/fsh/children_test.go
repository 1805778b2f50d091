package main_test

import "testing"

// TestChildTraps: the trap on SIGCHLD runs as often in the sandbox, whose
// commands are not children of the shell, as without.
func TestChildTraps(t *testing.T) {
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
