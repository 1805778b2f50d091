package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAttackPolicyPaths: every way to write a rule about a file holds, in
// directories of any name; and what no rule is about stays usable.
func TestAttackPolicyPaths(t *testing.T) {
	base, err := os.MkdirTemp(os.Getenv("HOME"), "fsh-test") // not a private place
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	const denied = "Permission denied"
	tests := []struct {
		name, rules string // lines of [filesystem]; "@" is the directory
		script      string // must fail in each line, and say denied
		twin        string
		odd         bool // in directories with odd names, too
	}{
		{"relative", `deny_read = ["secret", "./d/s"]`, "cat secret\ncat ./secret\ncat d/../secret\ncat d/s\ncat tosecret", "cat d/plain", true},
		{"absolute", `deny_read = ["@/secret"]`, "cat secret\ncat <secret\nread x <@/secret", "cat d/plain", false},
		{"home", `deny_read = ["~/secret"]`, "cat secret", "cat d/plain", true},
		{"variable", `deny_read = ["$HOME/secret", "${HOME}/d/s"]`, "cat secret\ncat d/s", "cat d/plain", false},
		{"link as rule", `deny_read = ["tosecret"]`, "cat secret\ncat tosecret", "cat d/plain", false},
		{"link to the directory", `deny_read = ["tod/s"]`, "cat d/s\ncat tod/s", "cat d/plain", false},
		{"dots", `deny_read = ["d/../secret", "./d/./s"]`, "cat secret\ncat d/s", "cat d/plain", false},
		{"star", `deny_read = ["d/*s"]`, "cat d/s\ncat tod/s", "cat d/plain", false},
		{"two stars", `deny_read = ["**/s"]`, "cat d/s\ncat d/e/s", "cat d/e/plain", true},
		{"two stars inside", `deny_read = ["d/**/s"]`, "cat d/s\ncat d/e/s", "cat d/e/plain", false},
		{"class", `deny_read = ["[a-e]/[s]"]`, "cat d/s", "cat d/plain", false},
		{"directory with a slash", `deny_read = ["d/"]`, "cat d/s\ncat d/e/s", "cat plain", false},
		{"overlap, the deny wins", "allow_write = [\".\", \"d\", \"d/s\"]\ndeny_write = [\"d\"]\ndeny_read = [\"d/s\"]", "cat d/s", "cat d/plain >/dev/null; echo x >plain; cat plain", false},
		{"writable", `allow_write = ["."]` + "\n" + `deny_read = ["secret", "absent", "**/*.pem"]`,
			"cat secret\necho x >absent\ntouch new.pem\nln d/plain d/x.pem\nmv d/e d/e.pem", "echo x >new; cat new", true},
		{"file among its like", `deny_read = ["secret"]`, "cp secret /tmp/s\ngrep -r t0psecret secret", "ls -la >/dev/null && tar cf /tmp/t.tar plain secret 2>/dev/null && ! grep -q t0psecret /tmp/t.tar && cat d/plain", false},
	}
	for _, name := range []string{"plain", "new\nline", "not \xff utf-8", "spaces and 'quotes' \"$x", "[a-z]*?", "-rf", "é\u0301"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(base, name)
			for _, f := range []string{"secret", "d/s", "d/e/s", "d/plain", "d/e/plain", "plain"} {
				path := filepath.Join(dir, f)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				text := "t0psecret\n"
				if filepath.Base(f) == "plain" {
					text = "ok\n"
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for link, to := range map[string]string{"tosecret": "secret", "tod": "d"} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			for _, test := range tests {
				if name != "plain" && !test.odd {
					continue
				}
				rules := strings.ReplaceAll(test.rules, "@", dir)
				if err := os.WriteFile(dir+"/.fsh.toml", []byte("version = 1\n[filesystem]\n"+rules+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				args := []string{"--policy=" + filepath.Join(dir, ".fsh.toml")}
				if strings.Contains(rules, "allow_write") {
					args = append(args, "--allow-write=.")
				}
				lines := strings.Split(strings.ReplaceAll(test.script, "@", dir), "\n")
				script := ""
				for _, line := range lines {
					script += "if " + line + "; then echo t0psecret got through >&2; fi\n"
				}
				got := fsh(t, dir, append(args, "-c", script+test.twin)...)
				if n := strings.Count(got.stderr, denied); got.status != 0 || n < len(lines) || strings.Contains(got.stdout+got.stderr, "t0psecret") {
					t.Errorf("%s: %d denials of %d: %+v", test.name, n, len(lines), got)
				}
				if !strings.HasSuffix(got.stdout, "ok\n") && !strings.HasSuffix(got.stdout, "x\n") {
					t.Errorf("%s: twin: %+v", test.name, got)
				}
				os.WriteFile(dir+"/plain", []byte("ok\n"), 0o644)
			}
		})
	}
}
