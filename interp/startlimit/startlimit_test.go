// The tests are outside the package: what they import would otherwise be
// initialised before it.
package startlimit_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp/startlimit"
)

func TestOpenFiles(t *testing.T) {
	if os.Getenv("SHOW_LIMIT") != "" {
		cur, _ := startlimit.Get(syscall.RLIMIT_NOFILE)
		fmt.Printf("limit=%d\n", cur)
		return
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal("no sh")
	}
	cmd := exec.Command(sh, "-c", `ulimit -S -n 123; exec "$0" -test.run=TestOpenFiles`, os.Args[0])
	cmd.Env = append(os.Environ(), "SHOW_LIMIT=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "limit=123\n") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestOutOfRange(t *testing.T) {
	for _, r := range []int{-1, 16} {
		if cur, hard := startlimit.Get(r); cur != ^uint64(0) || hard != ^uint64(0) {
			t.Errorf("Get(%d) = %d, %d", r, cur, hard)
		}
	}
}
