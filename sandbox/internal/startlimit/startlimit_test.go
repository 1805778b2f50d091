package startlimit_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/sandbox/internal/startlimit"
)

// A process started by os/exec gets the limit its parent was started with,
// which is what the shell that started it reports.
func TestOpenFilesIsTheLimitBeforeGoRaisedIt(t *testing.T) {
	if os.Getenv("STARTLIMIT_CHILD") != "" {
		if cur, _, ok := startlimit.OpenFiles(); !ok || cur != 77 {
			t.Fatalf("OpenFiles: %d %v, want 77", cur, ok)
		}
		return
	}
	cmd := exec.Command("/bin/sh", "-c", `ulimit -S -n 77 && exec "$0" -test.run=TestOpenFiles -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), "STARTLIMIT_CHILD=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
}
