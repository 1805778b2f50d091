package main_test

import (
	"strings"
	"testing"
)

// TestAttackMemoryOfTheShell: a variable that doubles ends the script, not the
// machine.
func TestAttackMemoryOfTheShell(t *testing.T) {
	got := fsh(t, home(t), "-c", `trap 'echo trapped' EXIT; x=aaaaaaaa; while :; do x=$x$x; done; echo no`)
	if got.status != 2 || got.stdout != "" || !strings.Contains(got.stderr, "fsh: error: the script has the shell hold more than ") {
		t.Errorf("%+v", got)
	}
	got = fsh(t, home(t), "-c", `x=aaaaaaaa; while [ ${#x} -lt 100000000 ]; do x=$x$x; done; echo ${#x}`)
	if got.status != 0 || got.stdout != "134217728\n" {
		t.Errorf("%+v", got)
	}
}
