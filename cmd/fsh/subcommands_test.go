package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSubcommandRecognition: only the very first argument, only as fsh, never
// in POSIX mode; a file of the name runs when it is called one.
func TestSubcommandRecognition(t *testing.T) {
	dir := home(t)
	for _, name := range []string{"help", "completion"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("echo \"file $*\"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const isFile = "file x\n"
	for _, test := range []struct {
		name string
		env  string
		args []string
		file bool
	}{
		{"subcommand", "", []string{"completion", "bash"}, false},
		{"by path", "", []string{"./completion", "x"}, true},
		{"after --", "", []string{"--", "completion", "x"}, true},
		{"after an option", "", []string{"-e", "completion", "x"}, true},
		{"--posix", "", []string{"--posix", "completion", "x"}, true},
		{"POSIXLY_CORRECT", "POSIXLY_CORRECT=1", []string{"completion", "x"}, true},
	} {
		cmd := exec.Command(fshBinary(t), test.args...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin", test.env}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if got := string(out) == isFile; got != test.file || err != nil {
			t.Errorf("%s: %v %q %q", test.name, err, out, stderr.String())
		}
		note := "fsh: note: this is the subcommand; 'fsh ./completion' runs the file\n"
		if want := map[bool]string{false: note}[test.file]; stderr.String() != want {
			t.Errorf("%s: stderr %q, want %q", test.name, stderr.String(), want)
		}
	}
	link := filepath.Join(dir, "sh")
	if err := os.Symlink(fshBinary(t), link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link, "help", "x")
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	if out, err := cmd.Output(); string(out) != isFile || err != nil {
		t.Errorf("as sh: %q %v", out, err)
	}
}

func TestSubcommandMessages(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct {
		args   string
		status int
		stderr string
	}{
		{"complet", 127, "fsh: cannot open complet: no such file or directory\n"},
		{"completoin", 127, "fsh: cannot open completoin: no such file or directory\nfsh: hint: did you mean 'fsh completion'?\n"},
		{"-e completoin", 127, "fsh: cannot open completoin: no such file or directory\n"},
		{"completion", 2, "fsh: completion: name one shell\nfsh: hint: fsh completion bash|zsh|fish\n"},
		{"completion csh", 2, "fsh: completion: no completion for \"csh\"\nfsh: hint: fsh completion bash|zsh|fish\n"},
		{"completion --frob bash", 2, "fsh: completion: flag provided but not defined: -frob\nfsh: hint: fsh completion bash|zsh|fish\n"},
		{"help hepl", 2, "fsh: help: no subcommand hepl\nfsh: hint: did you mean 'fsh help help'?\n"},
		{"help completion", 0, ""},
		{"completion --help", 0, ""},
		{"help", 0, ""},
	} {
		got := fsh(t, dir, strings.Fields(test.args)...)
		if got.status != test.status || got.stderr != test.stderr {
			t.Errorf("%q: %d %q, want %d %q", test.args, got.status, got.stderr, test.status, test.stderr)
		}
		if test.status == 0 && !strings.HasPrefix(got.stdout, "Usage: fsh ") {
			t.Errorf("%q: %q", test.args, got.stdout)
		}
	}
}
