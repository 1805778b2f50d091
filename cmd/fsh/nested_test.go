package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAttackNested: an fsh inside of a session narrows and never widens,
// whatever its flags, variables and surroundings say.
func TestAttackNested(t *testing.T) {
	dir := home(t)
	before := tree(t, dir)
	const self = "/run/fsh/fsh "
	tests := []struct{ name, script, stdout, says string }{
		{"works", self + `-c 'echo in; cat ~/public; id -u >/dev/null && echo ran'`, "in\npublic\nran\n", ""},
		{"keeps secrets", self + `--allow-read=/ -c 'cat ~/.ssh/id_ed25519 || echo no'`, "no\n", "Permission denied"},
		{"keeps read-only", self + `--allow-write="$HOME" -c 'echo x >~/.bashrc || touch ~/new || echo no'`, "no\n", "can only narrow"},
		{"keeps the network", self + `--allow-net='*' -c 'exec 3<>/dev/tcp/127.0.0.1/22' 2>&1 | grep -c tcp`, "1\n", ""},
		{"cannot be unsafe", self + `--unsafe-no-sandbox -c 'echo ran'; echo $?`, "125\n", "not inside of a session"},
		{"variables", `FSH_INSIDE=0 FSH_MARKER=/ container=x LD_PRELOAD=/nothing BASH_ENV=/nothing ENV=/nothing XDG_STATE_HOME=/tmp ` + self +
			`-c 'echo x >~/.profile || echo no; cat ~/.netrc || echo no'`, "no\nno\n", ""},
		{"a marker cannot be made", `mount -t tmpfs x /run/fsh 2>/dev/null || umount /run/fsh 2>/dev/null || rm -rf /run/fsh 2>/dev/null || echo no`, "no\n", ""},
		{"narrows", `mkdir /tmp/a /tmp/b; ` + self + `-c 'touch /tmp/a/x && echo ok'; ` + self + `--deny-write=/tmp/a -c '/bin/echo ran'; echo $?`, "ok\n125\n", "give it to the outer fsh"},
		{"a script without #!", `printf 'echo x >~/.bashrc || echo no\n' >/tmp/s; chmod +x /tmp/s; /tmp/s`, "no\n", ""},
		{"thrice", self + `-c '` + self + `-c "` + self + `-c \"cat ~/.netrc || echo no\""'`, "no\n", ""},
	}
	for _, test := range tests {
		got := fsh(t, dir, "-c", test.script)
		if got.stdout != test.stdout || !strings.Contains(got.stderr, test.says) || strings.Contains(got.stdout+got.stderr, "t0psecret") {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	if after := tree(t, dir); after != before {
		t.Errorf("home changed:\n%s", after)
	}
}

// TestNestedInherits: an fsh inside of a session may what the session may, and
// less when its own script or command line says so.
func TestNestedInherits(t *testing.T) {
	dir := visibleDir(t) // what is below /tmp may be written inside of a session
	put(t, dir+"/w/.env", "t0psecret", 0o644)
	put(t, dir+"/w/sub/f", "", 0o644)
	put(t, dir+"/w/header.sh", "#: filesystem.allow_write = [\"w/sub\"]\necho x >w/sub/f && /bin/echo y >>w/sub/f && cat w/sub/f; touch w/no || echo no\n", 0o755)
	put(t, dir+"/w/sub/reads.sh", "#: filesystem.allow_read = [\"/usr\", \"/etc\", \"/lib\", \"/lib64\", \"/bin\", \"w/sub\"]\n/bin/cat w/header.sh >/dev/null || echo no\n", 0o755)
	put(t, dir+"/w/deny.sh", "#: filesystem.deny_read = [\"w/sub/f\"]\n/bin/echo ran\n", 0o755)
	put(t, dir+"/.config/fsh/policy.toml", "version = 1\n[filesystem]\nallow_write = [\"~/elsewhere\"]\n[environment]\npass = [\"PATH\", \"HOME\"]\n", 0o644)
	put(t, dir+"/elsewhere/f", "", 0o644)
	const self = "/run/fsh/fsh "
	for _, test := range []struct{ name, script, stdout, says string }{
		{"writes", self + `-c 'echo x >w/f && touch w/g && cat w/f && ls w/g'`, "x\nw/g\n", ""},
		{"a text file without #!", `printf 'touch w/h && echo ok\n' >w/s; chmod +x w/s; w/s`, "ok\n", ""},
		{"in it another one", self + `-c '` + self + `-c "touch w/i && echo ok"'`, "ok\n", ""},
		{"environment", `MY_TOKEN=1 ` + self + `-c 'echo $MY_TOKEN'`, "1\n", ""},
		{"says so", self + `-m -c '/bin/true; echo ok'`, "ok\n", "whose rules hold: nothing is added"},
		{"says that it narrows", self + `--deny-write=/usr --allow-write=w/sub -c 'touch w/sub/f && echo ok; touch w/no || echo no'`, "ok\nno\n", "can only narrow"},
		{"does not widen", self + `--allow-write=/ -c 'touch ~/.bashrc x/y || echo no; cat w/.env || echo no'`, "no\nno\n", "Permission denied"},
		{"a header narrows writing", self + `w/header.sh`, "x\ny\nno\n", ""},
		{"a header narrows reading", self + `w/sub/reads.sh`, "no\n", "Permission denied"},
		{"a header's denial that cannot be had", self + `w/deny.sh; echo $?`, "125\n", "give it to the outer fsh"},
		{"a denial that there is", self + `--deny-read=w/.env -c 'cat w/.env || echo no'`, "no\n", "Permission denied"},
	} {
		got := fsh(t, dir, "--allow-write=w", "--deny-read=w/.env", "-c", test.script)
		if got.stdout != test.stdout || !strings.Contains(got.stderr, test.says) || strings.Contains(got.stdout+got.stderr, "t0psecret") {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

// TestAttackEnvironment: secrets of the environment are not passed on, to
// builtins neither, and what a script exports never gets into fsh's own
// processes.
func TestAttackEnvironment(t *testing.T) {
	dir := home(t)
	secrets := []string{"GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "MY_SECRET", "DB_PASSWORD", "OPENAI_API_KEY",
		"DATABASE_URL", "PGPASSWORD", "NPM_TOKEN_X", "X_CREDENTIALS", "SSH_PRIVATE_KEY_B64", "REGISTRY_AUTH",
		"github_token", "npm_config__authToken", "npm_config_//h/:_authToken", "MYSQL_PWD", "SSHPASS", "GH_PAT", "DB_PASS", "TOKEN", "SECRET", "OPENAI_KEY"}
	run := func(script string, args ...string) outcome {
		cmd := exec.Command(fshBinary(t), append(args, "-c", script)...)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "HARMLESS=seen", "TOKENIZER=seen"}
		for _, name := range secrets {
			cmd.Env = append(cmd.Env, name+"=t0psecret")
		}
		return outcomeOf(t, cmd)
	}
	const look = `env; set; export -p; tr '\0' '\n' </proc/self/environ; sh -c 'tr "\0" "\n" </proc/$$/environ'; echo "$GITHUB_TOKEN$AWS_PROFILE"
		for f in /proc/[0-9]*/environ; do cat $f; done 2>/dev/null; :`
	got := run(look)
	if strings.Contains(got.stdout+got.stderr, "t0psecret") || strings.Count(got.stdout, "HARMLESS=seen") < 2 || !strings.Contains(got.stdout, "TOKENIZER=seen") {
		t.Errorf("%+v", got)
	}
	got = run(`echo $GITHUB_TOKEN; echo $NPM_TOKEN_X$HARMLESS`, "--allow-env=GITHUB_TOKEN", "--deny-env=HARMLESS")
	if got.stdout != "t0psecret\n\n" {
		t.Errorf("flags: %+v", got)
	}
	file := filepath.Join(dir, "policy.toml")
	text := "version = 1\n[environment]\npass = [\"PATH\", \"TERM\"]\nset = { CI = \"1\" }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(`env | grep -c HARMLESS; sh -c 'echo $CI'`, "--policy="+file); got.stdout != "0\n1\n" {
		t.Errorf("pass: %+v", got)
	}
	helperEnvironments(t, dir)
}

// helperEnvironments looks from outside.
func helperEnvironments(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(fshBinary(t), "-c", `export LD_PRELOAD=/t0psecret LD_LIBRARY_PATH=/t0psecret BASH_ENV=/t0psecret ENV=/t0psecret GODEBUG=t0psecret=1
		/bin/true; (sleep 100) & set -m; (read x </dev/zero; :) & echo up; read line; kill %1 %2`)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var up string
	if _, err := fmt.Fscan(out, &up); err != nil || up != "up" {
		t.Errorf("%q %v", up, err)
	}
	helpers := 0
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(line), "fsh-") {
			continue
		}
		env, err := os.ReadFile(filepath.Dir(file) + "/environ")
		if err == nil && strings.Contains(string(env), "t0psecret") {
			t.Errorf("%s has %q", line, env)
		}
		helpers++
	}
	if helpers < 3 {
		t.Errorf("only %d helpers seen", helpers)
	}
	in.Close()
	_ = cmd.Wait()
}
