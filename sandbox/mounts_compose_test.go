package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostTree lists what is on disk, whatever is mounted for somebody else.
func hostTree(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("find", dir, "-printf", "%P %M %U\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// becomes asks until the answer is want; never must not be among the answers.
func (rr *rawRunner) becomes(probe, want, never string) {
	rr.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		switch got := rr.probes(probe)[0]; {
		case got == want:
			return
		case got == never || time.Now().After(deadline):
			rr.t.Errorf("%s = %s, want %s", probe, got, want)
			return
		}
	}
}

// TestPrivatePlacesThatAreAbsent: nothing is made in the user's tree for them,
// not for a moment, and the directories they would be in look as they are.
func TestPrivatePlacesThatAreAbsent(t *testing.T) {
	dir := outside(t)
	t.Setenv("XDG_STATE_HOME", dir+"/state")
	for _, f := range []string{"project/f", "home/f", "home/.cache/other", "home/d/e/f", "home/.netrc", "home/.ssh/id", "home/.cargo"} {
		write(t, dir+"/"+f, "x")
	}
	for link, to := range map[string]string{"link": "d/e", "broken": "nowhere", "go": "/nowhere/go"} {
		if err := os.Symlink(to, dir+"/home/"+link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir+"/home", 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir+"/home", 0o755)
	before := hostTree(t, dir+"/home")
	p := testPolicy(dir + "/project")
	p.Filesystem.AllowWrite = paths(p.Dir)
	p.Filesystem.DenyRead = paths(dir+"/home/.netrc", dir+"/home/.ssh", dir+"/home/.pgpass", dir+"/home/.aws", dir+"/home/*.key")
	p.Filesystem.PrivateWrite = paths(dir+"/home/.npm", dir+"/home/.cache/go-build", dir+"/home/.cargo/registry",
		dir+"/home/go/pkg", dir+"/home/.m2/repository/x", dir+"/absent/.npm")
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	rr.attacks(dir, []attack{
		{"beside", "touch,@/home/x", "EROFS", "touch,@/home/.npm/x"},
		{"beside, deeper", "touch,@/home/.cache/x", "EROFS", "touch,@/home/.cache/go-build/x"},
		{"above", "touch,@/home/.m2/x", "EROFS", "touch,@/home/.m2/repository/x/y"},
		{"what is there", "append,@/home/f", "EROFS", "read,@/home/f"},
		{"deeper", "append,@/home/d/e/f", "EROFS", "read,@/home/link/f"},
		{"remove it", "unlink,@/home/f", "EROFS", "unlink,@/home/.npm/x"},
		{"move it", "rename,@/home/f,@/home/g", "EROFS", "read,@/home/.cache/other"},
		{"a secret", "read,@/home/.netrc", "EACCES", "list,@/home/d"},
		{"a directory of secrets", "read,@/home/.ssh/id", "EACCES", "list,@/home"},
		{"a link that leads nowhere", "touch,@/home/broken", "EROFS", "touch,@/home/go/pkg/x"},
		{"a file in the way", "touch,@/home/.cargo/x", "EROFS", "touch,@/home/.cargo/registry/x"},
		{"no home at all", "touch,@/absent/x", "EROFS", "touch,@/absent/.npm/x"},
		{"by /proc", "touch,/proc/self/root@/home/x", "EROFS", "touch,/proc/self/root@/home/.npm/y"},
	})
	if now := hostTree(t, dir+"/home"); now != before {
		t.Errorf("on the host, while the session runs:\n%s\nbefore:\n%s", now, before)
	}
	out, _ := rr.sh("cd " + dir + "/home && stat -c %a . && ls -A && readlink broken")
	if want := "555\n.cache\n.cargo\n.m2\n.netrc\n.npm\n.ssh\nbroken\nd\nf\ngo\nlink\nnowhere"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
	testComposedChanges(t, rr, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	newRawRunner(t, newTestSession(t, p), p).check(check{"stat," + dir + "/home/.cache/go-build/x", "ok"},
		check{"stat," + dir + "/home/go/pkg/x", "ok"})
}

// testComposedChanges: what somebody outside does is seen inside, but secrets.
func testComposedChanges(t *testing.T, rr *rawRunner, dir string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, "home", name) }
	must(t, os.Chmod(dir+"/home", 0o755))
	must(t, os.WriteFile(at("new"), []byte("x"), 0o644))
	rr.becomes("read,"+at("new"), "ok", "")
	must(t, os.WriteFile(dir+"/replacement", []byte("replaced"), 0o644))
	must(t, os.Rename(dir+"/replacement", at("f")))
	for {
		out, _ := rr.sh("cat " + at("f"))
		if out == "replaced" {
			break
		}
		if out != "x" {
			t.Fatalf("f has %q", out)
		}
	}
	must(t, os.Rename(at("d"), at("d2")))
	rr.becomes("read,"+at("d2/e/f"), "ok", "")
	rr.becomes("stat,"+at("d"), "ENOENT", "")
	must(t, os.Remove(at("new")))
	rr.becomes("stat,"+at("new"), "ENOENT", "")
	for _, secret := range []string{".pgpass", "my.key"} {
		must(t, os.WriteFile(at(secret), []byte("x"), 0o644))
		rr.becomes("read,"+at(secret), "EACCES", "ok")
	}
	must(t, os.Mkdir(at(".aws"), 0o755))
	must(t, os.WriteFile(at(".aws/credentials"), []byte("x"), 0o644))
	rr.becomes("read,"+at(".aws/credentials"), "EACCES", "ok")
	must(t, os.Mkdir(at(".npm"), 0o755)) // the user's own; the session keeps what it has
	must(t, os.WriteFile(at("last"), nil, 0o644))
	rr.becomes("read,"+at("last"), "ok", "")
	rr.check(check{"stat," + at(".npm/y"), "ok"}, check{"stat," + dir + "/home/.m2/repository/x/y", "ok"})
}

// TestPrivatePlacesInWritableTrees: a command makes them itself, and what it
// puts there is not the user's.
func TestPrivatePlacesInWritableTrees(t *testing.T) {
	dir := outside(t)
	t.Setenv("XDG_STATE_HOME", dir+"/state")
	write(t, dir+"/w/f", "x")
	before := hostTree(t, dir+"/w")
	p := testPolicy(dir + "/w")
	p.Filesystem.AllowWrite = paths(dir + "/w")
	p.Filesystem.Protected = paths(".envrc")
	p.Filesystem.PrivateWrite = paths(dir+"/w/node_modules", dir+"/w/a/b")
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	if now := hostTree(t, dir+"/w"); now != before {
		t.Errorf("at the start: %s", now)
	}
	rr.attacks(dir+"/w", []attack{
		{"absent", "touch,@/node_modules/x", "ENOENT", "mkdir,@/other,0755"},
		{"moved there", "rename,@/other,@/node_modules", "EXDEV", "mkdir,@/node_modules,0755"},
		{"again", "mkdir,@/node_modules,0755", "EEXIST", "touch,@/node_modules/x"},
		{"moved away", "rename,@/node_modules,@/n", "EBUSY", "mkdir,@/a,0755"},
		{"protected", "touch,@/.envrc", "EACCES", "touch,@/node_modules/.envrc"},
		{"by a link", "symlink,a,@/l", "ok", "mkdir,@/l/b,0755"},
		{"out of it", "link,@/a/b,@/n", "EXDEV", "touch,@/a/b/x"},
	})
	want := before + "a drwxr-xr-x"
	if now := hostTree(t, dir+"/w/node_modules"); strings.Contains(now, "x -") {
		t.Errorf("on the host: %s, want %s", now, want)
	}
	if _, err := os.Stat(dir + "/w/a/b/x"); err == nil {
		t.Error("a/b/x is on the host")
	}
	must(t, s.Close())
	for _, d := range []string{"node_modules", "a/b"} {
		if _, err := os.Lstat(dir + "/w/" + d); err == nil {
			t.Error("left:", d)
		}
	}
	newRawRunner(t, newTestSession(t, p), p).check(check{"mkdir," + dir + "/w/node_modules,0755", "ok"},
		check{"stat," + dir + "/w/node_modules/x", "ok"})
}
