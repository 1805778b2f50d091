package sandbox

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

// TestHiddenFilesDoNotBreakTools: to read them is EACCES, and what goes through
// a whole tree does its work.
func TestHiddenFilesDoNotBreakTools(t *testing.T) {
	dir := outside(t)
	for _, f := range []string{"w/f", "w/.env", "w/sub/.env", "w/sub/f", "w/we[i]rd name*", "sub/f"} {
		write(t, dir+"/"+f, "t0psecret")
	}
	t.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
	if out, err := exec.Command("git", "init", "-q", dir+"/w").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v %s", err, out)
	}
	write(t, dir+"/w/.git/info/exclude", "mine\n")
	write(t, dir+"/w/mine", "x")
	p := testPolicy(dir + "/w")
	p.Filesystem.AllowWrite = paths(p.Dir)
	p.Filesystem.Protected = paths(".git/hooks", ".git/config")
	p.Filesystem.DenyRead = paths(p.Dir+"/.env", p.Dir+"/later")
	p.Filesystem.DenyRead = append(p.Filesystem.DenyRead, policy.Path{Pattern: p.Dir + "/**/.env", Glob: true}, policy.Path{Pattern: p.Dir + "/we[i]rd name*"})
	rr := inside(t, p)
	for _, c := range [][2]string{
		{"git add -A && git ls-files", "f\nsub/f"},
		{"git status --short", "A  f\nA  sub/f"},
		{"git check-ignore -q mine && git clean -n", ""},
		{"find . -name .env | sort", "./.env\n./sub/.env"},
		{"ls -laR >/dev/null && du -s . >/dev/null", ""},
		{"tar cf /tmp/x.tar . 2>/dev/null && tar tf /tmp/x.tar ./f ./sub/f | sort", "./f\n./sub/f"},
		{"cp -r . /tmp/copy && ls /tmp/copy", "f\nmine\nsub\nwe[i]rd name*"},
		{"cat .env 2>&1 || cat sub/.env 2>&1 || :", "cat: .env: Permission denied\ncat: sub/.env: Permission denied"},
		{"grep -rs t0psecret .env sub/.env we* /tmp/copy/.env || :", ""},
		{"git add -f .env >/dev/null 2>&1 || echo refused", "refused"},
	} {
		if out, status := rr.sh("cd " + p.Dir + " && " + c[0]); status != 0 || out != c[1] {
			t.Errorf("%s: %d %q, want %q", c[0], status, out, c[1])
		}
	}
	rr.attacks(p.Dir, []attack{
		{"open", "read,@/.env", "EACCES", "read,@/f"},
		{"write", "append,@/.env", "EACCES", "append,@/f"},
		{"connect", "unix-dgram,@/.env", "EACCES", ""},
		{"link", "link,@/.env,@/l", "EXDEV", "link,@/f,@/l2"},
	})
	if text, err := os.ReadFile(dir + "/w/.git/info/exclude"); err != nil || string(text) != "mine\n" {
		t.Errorf("on the host: %q %v", text, err)
	}
	if out, _ := exec.Command("git", "-C", dir+"/w", "-c", "safe.directory=*", "ls-files").Output(); strings.Contains(string(out), ".env") {
		t.Errorf("in the index: %s", out)
	}
}
