// Package difftest runs scripts in fsh and in the shells of the system, for
// tests that compare the two.
package difftest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Lacks skips a test for what the machine lacks; FSH_REQUIRE=all makes that a
// failure, so that CI cannot pass by testing nothing.
func Lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("FSH_REQUIRE") == "all" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Shell returns the path of a reference shell.
func Shell(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Lacks(t, "no %s to compare with", name)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fshplain")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "fshplain")
	cmd := exec.Command("go", "build", "-o", path, "github.com/fsh-sh/fsh/interp/internal/fshplain")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// Fsh returns the interpreter on the plain System as a program.
func Fsh(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Case is a script and what runs it.
type Case struct {
	Shell   string   // path
	Dialect string   // of Fsh: "bash", or POSIX
	Options []string // before -c
	Script  string
	Args    []string // $1…
	Env     []string // in addition
}

// Result is what a script left.
type Result struct {
	Out, Messages string
	State         string // "exit status 0", "signal: killed"
}

// limit bounds one script.
const limit = 2 * time.Minute

// Run runs a script in an empty directory.
func Run(t testing.TB, c Case) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	args := append(append(append([]string{}, c.Options...), "-c", c.Script, "sh"), c.Args...)
	cmd := exec.CommandContext(ctx, c.Shell, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/", "TERM=dumb",
		"SH=" + c.Shell, "FSH_TEST_DIALECT=" + c.Dialect,
	}, c.Env...)
	// A stopped process that outlives its shell is ended by the kernel, if no
	// parent is left in its session (setpgid(2)): nor is the init of a container.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Result{string(out), messages.String(), cmd.ProcessState.String()}
}
