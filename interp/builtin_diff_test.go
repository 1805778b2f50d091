package interp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fshForRows is the program under test: $FSH, or cmd/fsh of this tree.
var fshForRows = sync.OnceValues(func() (string, error) {
	if fsh := os.Getenv("FSH"); fsh != "" {
		return fsh, nil
	}
	dir, err := os.MkdirTemp("", "fsh-rows")
	if err != nil {
		return "", err
	}
	fsh := filepath.Join(dir, "fsh")
	cmd := exec.Command("go", "build", "-o", fsh, "../cmd/fsh")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return fsh, nil
})

// runRow runs a script in an empty directory and returns its output and
// status as one text. Messages are left out.
func runRow(t *testing.T, script string, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], "-c", script, "sh")...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/", "TERM=dumb"}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s(%s)", out, strings.TrimPrefix(cmd.ProcessState.String(), "exit status "))
}

func compareRows(t *testing.T, reference string, mode string, rows []string) {
	if testing.Short() {
		t.Skip("starts two shells per row")
	}
	if _, err := exec.LookPath(reference); err != nil {
		t.Skipf("no %s to compare with", reference)
	}
	fsh, err := fshForRows()
	if err != nil {
		t.Fatal(err)
	}
	for i, script := range rows {
		t.Run(fmt.Sprint(reference, i), func(t *testing.T) {
			want := runRow(t, script, reference)
			got := runRow(t, script, fsh, "--unsafe-no-sandbox", mode)
			if got != want {
				t.Errorf("%s\n got: %q\nwant: %q", script, got, want)
			}
		})
	}
}

func TestBuiltinsLikeDash(t *testing.T) {
	compareRows(t, "dash", "--posix", builtinRows)
	compareRows(t, "dash", "--posix", builtinContextRows)
	compareRows(t, "dash", "--posix", dashRows)
}

func TestBuiltinsLikeBash(t *testing.T) {
	compareRows(t, "bash", "--bash", builtinRows)
	compareRows(t, "bash", "--bash", builtinContextRows)
	compareRows(t, "bash", "--bash", bashRows)
	compareRows(t, "bash", "--bash", bashContextRows)
}
