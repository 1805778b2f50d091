package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestGitTracksHidden: git cannot read what a rule hides. It fails, or leaves it
// as it was: no commit and no stash has the file as gone, empty or changed. What
// made git fail is said with the rule; the rest of the repository can be worked
// with.
func TestGitTracksHidden(t *testing.T) {
	require(t, "git")
	const identity = "git config user.name n; git config user.email e@x.test\n"
	for _, test := range []struct {
		name, hide, script string
		status             string // of git
		says               bool
	}{
		{"status", ".env", `git status --short`, "0", false},
		{"add everything", ".env", `git add -A`, "128", true},
		{"commit everything", ".env", `git commit -qam x`, "128", true},
		{"diff", ".env", `git diff`, "128", true},
		{"stash", ".env", `git stash -q`, "1", true},
		{"reset", ".env", `git reset -q --hard`, "128", true},
		{"restore", ".env", `git checkout -q -- .env`, "255", true},
		{"clean", ".env", `git clean -qfdx`, "0", false},
		{"errors ignored", ".env", `git add -A --ignore-errors`, "1", true},
		{"rest", ".env", `git add -A -- . ':!.env' && git commit -qm x && git show --stat --format=%s`, "0", false},
		{"named", ".env", `git commit -qm x README`, "0", false},
		{"stash the rest", ".env", `git stash push -q -- . ':!.env' && git stash pop -q`, "0", false},
		{"branch", ".env", `git switch -qc other && git commit -qm x README && git switch -q -`, "0", false},
		{"directory: add everything", "secrets", `git add -A && git commit -qm x`, "0", false},
		{"directory: commit everything", "secrets", `git commit -qam x`, "0", false},
		{"directory: diff", "secrets", `git diff --stat`, "0", false},
		{"directory: stash", "secrets", `git stash -q`, "1", true},
		{"nothing hidden", "", `git add -A && git commit -qm x && git stash -q; [ $? = 0 ]`, "0", false},
		{"another failure", ".env", `git show nosuchrevision`, "128", true}, // said, as git does not tell
		{"another failure, nothing hidden", "", `git show nosuchrevision`, "128", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			repo := filepath.Join(dir, "repo")
			put(t, repo+"/.env", "KEY=1\n", 0o600)
			put(t, repo+"/secrets/key", "k\n", 0o600)
			put(t, repo+"/README", "hi\n", 0o644)
			if got := fsh(t, dir, "--allow-write=repo", "-c", "cd repo; git init -q; "+identity+"git add -A; git commit -qm first"); got.status != 0 {
				t.Fatalf("%+v", got)
			}
			args := []string{"--allow-write=repo"}
			if test.hide != "" {
				args = append(args, "--deny-read=repo/"+test.hide)
			}
			got := fsh(t, dir, append(args, "-c", "cd repo; echo more >>README; "+test.script+"; echo status $?")...)
			if !strings.HasSuffix(got.stdout, "status "+test.status+"\n") {
				t.Errorf("%+v", got)
			}
			says := strings.Contains(got.stderr, "is tracked by git") && strings.Contains(got.stderr, `filesystem.deny_read "repo/`+test.hide+`"`)
			if says != test.says {
				t.Errorf("says %v: %s", says, got.stderr)
			}
			after := fsh(t, dir, "--allow-write=repo", "-c", `cd repo
				for rev in $(git for-each-ref --format='%(refname)') :; do
					case $rev in :) p=: ;; *) p=$rev: ;; esac
					git show "$p.env" "${p}secrets/key" | tr '\n' ' '
				done; cat .env secrets/key`)
			want := "KEY=1\nk\n"
			if refs := strings.TrimSuffix(after.stdout, want); strings.ReplaceAll(refs, "KEY=1 k ", "") != "" || refs == "" || !strings.HasSuffix(after.stdout, want) {
				t.Errorf("recorded: %+v", after)
			}
		})
	}
}

// TestGitIndexIsHostile: what explains git's failure reads a file that belongs to
// the repository, whatever it is.
func TestGitIndexIsHostile(t *testing.T) {
	dir := home(t)
	put(t, dir+"/bin/git", "#!/bin/sh\nexit 128\n", 0o755)
	for name, make := range map[string]func(index string) error{
		"fifo":    func(index string) error { return syscall.Mkfifo(index, 0o600) },
		"endless": func(index string) error { return os.Symlink("/dev/zero", index) },
		"itself":  func(index string) error { return os.Symlink("index", index) },
		"short": func(index string) error {
			return os.WriteFile(index, []byte("DIRC\x00\x00\x00\x02\xff\xff\xff\xff"), 0o600)
		},
		"names": func(index string) error {
			text := "DIRC\x00\x00\x00\x02\x00\x00\x00\x01" + strings.Repeat("\x00", 60) + "\x00\x20" + "x'; touch ~/no; '\x1b[2J" + strings.Repeat("\x00", 8)
			return os.WriteFile(index, []byte(text), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := filepath.Join(dir, name)
			if err := os.MkdirAll(repo+"/.git", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := make(repo + "/.git/index"); err != nil {
				t.Fatal(err)
			}
			got := fsh(t, dir, "--deny-read="+name+"/x*", "-c", "cd "+name+"; ../bin/git add; echo $?")
			if got.stdout != "128\n" || strings.Contains(got.stderr, "\x1b") || strings.Contains(got.stderr, "hint: leave it out: ") {
				t.Errorf("%+v", got)
			}
			if name == "names" && !strings.Contains(got.stderr, "pathspec") {
				t.Errorf("not said: %s", got.stderr)
			}
		})
	}
}
