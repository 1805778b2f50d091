package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestLogin: a login shell reads the profiles, as far as the policy shows them.
func TestLogin(t *testing.T) {
	dir := home(t)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(".profile", "P=profile; cat ~/.ssh/id_ed25519 2>/dev/null; echo x 2>/dev/null >~/made; [ ! -e ~/made ] && P=confined\n")
	write(".bash_profile", "P=bash\n")
	write("script", `echo "$P"`+"\n")
	policy := filepath.Join(dir, "policy.toml")
	write("policy.toml", "version = 1\n[filesystem]\ndeny_read = [\""+filepath.Join(dir, ".profile")+"\"]\n")
	for _, test := range []struct {
		name, argv0, stdout string
		args                []string
		status              int
	}{
		{name: "an option", args: []string{"-l", "-c", `echo "$P"`}, stdout: "confined\n"},
		{name: "a long option", args: []string{"--login", "-c", `echo "$P"`}, stdout: "confined\n"},
		{name: "a script", args: []string{"-l", "script"}, stdout: "confined\n"},
		{name: "a name", argv0: "-fsh", args: []string{"-c", `echo "$P $0"`}, stdout: "confined -fsh\n"},
		{name: "bash", args: []string{"-l", "--bash", "-c", `echo "$P"`}, stdout: "bash\n"},
		{name: "bash by name", argv0: "-bash", args: []string{"-c", `echo "$P"`}, stdout: "bash\n"},
		{name: "not without", args: []string{"-c", `echo "[$P]"`}, stdout: "[]\n"},
		{name: "hidden", args: []string{"--policy=" + policy, "-l", "-c", `echo "[$P]"`}, stdout: "[]\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(fshBinary(t), test.args...)
			if test.argv0 != "" {
				cmd.Args[0] = test.argv0
			}
			cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
			var out, messages bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &messages
			_ = cmd.Run()
			if out.String() != test.stdout || cmd.ProcessState.ExitCode() != test.status {
				t.Errorf("%q, %v: %s", &out, cmd.ProcessState, &messages)
			}
		})
	}
}
