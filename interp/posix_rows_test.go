package interp

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/fsh-sh/fsh/interp/internal/difftest"
)

// yash in its POSIX mode goes by the standard where dash has habits of its own.
func posixYash(t *testing.T) string {
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
	t.Run("rows", func(t *testing.T) {
		for i, script := range posixRows {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				want := difftest.Run(t, difftest.Case{Shell: shell, Script: script})
				got := difftest.Run(t, difftest.Case{Shell: fsh, Script: script})
				if got.Out != want.Out || got.State != want.State {
					t.Errorf("%s\n got: %q (%s)\nwant: %q (%s)", script, got.Out, got.State, want.Out, want.State)
				}
			})
		}
	})
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
	// the death of a child is known when wait ends
	`trap 'echo C' CHLD; sleep 0.1 & wait; echo d`, `trap 'echo C' CHLD; sleep 5 & kill -s KILL $!; wait $!; echo d`,
	// SIGINT ends a script when the command that it waits for survives
	`(sleep 0.2; kill -s INT $$) & sleep 0.5; echo no`,
}
