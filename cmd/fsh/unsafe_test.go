package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestUnsafeScripts runs files without #! on the plain System, where there is
// no /run/fsh: this program runs them, in the same way and dialect.
func TestUnsafeScripts(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s"), []byte("echo $0 $1 ${BASH_VERSION:+bash}\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ dialect, want string }{
		{"--posix", "./s x\n"},
		{"--bash", "./s x bash\n"},
	} {
		cmd := exec.Command(fshBinary(t), "--unsafe-no-sandbox", test.dialect, "-c", "./s x")
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
		if out, err := cmd.CombinedOutput(); string(out) != test.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", test.dialect, out, err, test.want)
		}
	}
}
