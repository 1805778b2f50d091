package main_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

// TestProgramTables: the rights of a program are its own and those of what it
// starts; nobody else's, and not of another file of its name. By the user's
// policy, by a [directory] table and by a script's trusted header.
func TestProgramTables(t *testing.T) {
	dir := visibleDir(t)
	put(t, filepath.Join(dir, "out/x"), "", 0o644)
	put(t, filepath.Join(dir, "w/x"), "", 0o644)
	const script = "echo a | tee out/a >/dev/null && echo tee; true >out/b || echo shell; cp w/x out/c || echo cp; cp /usr/bin/cp w/tee && w/tee w/x out/d || echo copy"
	user := filepath.Join(dir, ".config/fsh/policy.toml")
	for what, text := range map[string]string{
		"user":      "version = 1\nfilesystem.allow_write = ['w']\n[program.tee]\nfilesystem.allow_write = ['out']\n",
		"directory": "version = 1\n[directory.'~']\nfilesystem.allow_write = ['w']\n[directory.'~'.program.tee]\nfilesystem.allow_write = ['out']\n",
	} {
		put(t, user, text, 0o644)
		if got := fsh(t, dir, "-c", "( "+script+" ) 2>/dev/null"); got.stdout != "tee\nshell\ncp\ncopy\n" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	put(t, user, "version = 1\nfilesystem.allow_write = ['w']\n", 0o644)
	put(t, filepath.Join(dir, "s"), "#!/usr/bin/env fsh\n#: [program.tee]\n#: filesystem.allow_write = ['out']\n( "+script+" ) 2>/dev/null\n", 0o755)
	if got := fsh(t, dir, "s"); got.stdout != "shell\ncp\ncopy\n" {
		t.Errorf("untrusted script: %+v", got)
	}
	if out, status := onTerminal(t, dir, dir, "", "yes\n", "trust", "s"); status != 0 {
		t.Errorf("%d %s", status, out)
	}
	if got := fsh(t, dir, "s"); got.stdout != "tee\nshell\ncp\ncopy\n" {
		t.Errorf("trusted script: %+v", got)
	}
}

// TestProgramByPath: where /bin is a link to /usr/bin, both are one place, for a
// table and for rules about commands, whichever of them is named.
func TestProgramByPath(t *testing.T) {
	dir := visibleDir(t)
	put(t, filepath.Join(dir, "out/x"), "", 0o644)
	put(t, filepath.Join(dir, "w/x"), "", 0o644)
	real, err := filepath.EvalSymlinks("/bin")
	if err != nil {
		t.Fatal(err)
	}
	user := filepath.Join(dir, ".config/fsh/policy.toml")
	const script = "echo a | %s out/a >/dev/null && echo table; %s -m >/dev/null || echo denied; " +
		"ln -sf /usr/bin/tee w/tee && echo a | w/tee out/b >/dev/null || echo link"
	for _, named := range []string{"/bin/", "/usr/bin/"} {
		put(t, user, "version = 1\nfilesystem.allow_write = ['w']\n[program.'"+named+"tee']\nfilesystem.allow_write = ['out']\n"+
			"[command]\ndeny = ['"+named+"uname -m']\n", 0o644)
		for _, used := range []string{"/bin/", "/usr/bin/"} {
			want := "table\ndenied\nlink\n"
			if named != used && real != "/usr/bin" {
				want = "link\n"
			}
			text := fmt.Sprintf(script, used+"tee", used+"uname")
			if got := fsh(t, dir, "-c", "( "+text+" ) 2>/dev/null"); got.stdout != want {
				t.Errorf("%s as %s: %+v", named, used, got)
			}
		}
	}
}
