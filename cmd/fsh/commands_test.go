package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandRulesAtAnyDepth: whoever executes a command that a rule forbids
// gets EACCES; its honest twin runs. One session does all.
func TestCommandRulesAtAnyDepth(t *testing.T) {
	dir := home(t)
	bin := filepath.Join(dir, "bin")
	put(t, filepath.Join(bin, "deploy"), "#!/bin/sh\necho ran\n", 0o755)
	put(t, filepath.Join(dir, "p.toml"), "version = 1\n[command]\ndeny = [\n  'deploy push',\n]\n", 0o644)
	put(t, filepath.Join(dir, "Makefile"), "denied:\n\t@deploy push\ntwin:\n\t@deploy pull\n", 0o644)
	for _, name := range []string{"other", "l1"} {
		if err := os.Symlink("bin/deploy", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	ways := []string{ // %s is "push" or "pull"
		"deploy %s", "deploy -x --y=z %s", "bin/deploy %s", "./other %s", "command deploy %s", "(exec deploy %s)", "eval deploy %s",
		"env A=b deploy %s", "env -i PATH=$PATH sh -c 'deploy %s'", "nohup deploy %s </dev/null", "echo %s | xargs deploy",
		"find p.toml -exec deploy %s {} +", "sh -c 'cd bin && ./deploy %s'", "sh -c 'exec deploy %s'", "sh -c '(true; deploy %s) | cat'",
		"x=$(deploy %s) && echo $x", "deploy %s & wait $!", "timeout 20 deploy %s", "sh -c \"sh -c 'deploy %s'\"", "setsid -w deploy %s", "f() { deploy %s; }; f",
		"sh -c 'ln -s $HOME/bin/deploy /tmp/z; /tmp/z %s; s=$?; rm /tmp/z; exit $s'",
	}
	var script strings.Builder
	for i, way := range ways {
		for _, word := range []string{"push", "pull"} {
			fmt.Fprintf(&script, "out=$( { %s; } 2>/dev/null ); echo '%d %s' $? $out\n", fmt.Sprintf(way, word), i, word)
		}
	}
	got := fshPath(t, dir, bin, "--policy=p.toml", "-c", script.String())
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	if len(lines) != 2*len(ways) {
		t.Fatalf("%d answers for %d commands: %+v", len(lines), 2*len(ways), got)
	}
	for i, line := range lines {
		way := fmt.Sprintf(ways[i/2], map[bool]string{true: "push", false: "pull"}[i%2 == 0])
		ran := strings.HasSuffix(line, "ran")
		switch {
		case i%2 == 0 && ran:
			t.Errorf("%s: %q", way, line)
		case i%2 == 1 && !ran:
			t.Errorf("twin %s: %q", way, line)
		}
	}
}

// TestCommandDenialMessage: three lines, and the status of a file that cannot
// be executed.
func TestCommandDenialMessage(t *testing.T) {
	require(t, "reboot")
	dir := home(t)
	put(t, filepath.Join(dir, "p.toml"), "version = 1\n[command]\ndeny = [\n  'ls -l',\n]\n", 0o644)
	for _, test := range []struct {
		args   []string
		stderr string
	}{
		{[]string{"--policy=p.toml", "-c", "ls -a -l"},
			"fsh: blocked: -c:1: fsh exec ls -a -l\nfsh: rule: command.deny \"ls -l\" at HOME/p.toml:4\nfsh: hint: remove the entry at HOME/p.toml:4\n"},
		{[]string{"-c", "reboot"},
			"fsh: blocked: -c:1: fsh exec reboot\nfsh: rule: command.deny \"reboot\" (defaults)\nfsh: hint: --allow-exec=reboot for one run, or command.allow in ~/.config/fsh/policy.toml\n"},
		{[]string{"--deny-exec=ls", "-c", "exec ls"},
			"fsh: blocked: -c:1: fsh exec ls\nfsh: rule: command.deny \"ls\" at --deny-exec\nfsh: hint: leave out --deny-exec=ls\n"},
	} {
		got := fsh(t, dir, test.args...)
		want := strings.ReplaceAll(test.stderr, "HOME", dir)
		said, isPrefix := strings.CutPrefix(got.stderr, want)
		if got.status != 126 || !isPrefix || !strings.HasSuffix(said, ": Permission denied\n") || got.stdout != "" {
			t.Errorf("%q: %d\n%s\nwant\n%s", test.args, got.status, got.stderr, want)
		}
	}
	if got := fsh(t, dir, "--allow-exec=reboot", "--deny-exec=reboot now", "-c", "reboot --version >/dev/null 2>&1; [ $? != 126 ] && echo ok"); got.stdout != "ok\n" {
		t.Errorf("lifted: %+v", got)
	}
}
