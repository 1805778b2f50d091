package sandbox

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/events"
)

// awaitTarget takes events until one is about path.
func awaitTarget(t *testing.T, sink chanSink, path string) events.Event {
	t.Helper()
	for e := range sink {
		if e.Target == path {
			return e
		}
	}
	return events.Event{}
}

// A protected name that somebody outside makes is left alone, and protected
// from then on. One that a process of the session has open is taken away.
func TestProtectedNamesThatAppear(t *testing.T) {
	dir := outside(t)
	t.Setenv("XDG_STATE_HOME", dir+"/state")
	write(t, dir+"/w/.git/HEAD", "x")
	write(t, dir+"/w/sub/f", "x")
	p := testPolicy(dir + "/w")
	p.Home = dir
	p.Filesystem.AllowWrite = paths(dir + "/w")
	p.Filesystem.DenyRead = paths(dir + "/w/**/*.key")
	p.Filesystem.Protected = paths(".git/hooks", ".git/config", ".envrc", ".exrc", ".vscode")
	sink := make(chanSink, 256)
	s, err := New(Config{Policy: p, Dir: p.Dir, Sink: sink, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rr := newRawRunner(t, s, p)
	write(t, dir+"/w/.vscode/tasks", "mine")
	write(t, dir+"/w/.git/hooks/pre-commit", "mine")
	write(t, dir+"/w/new.key", "mine")
	for _, path := range []string{dir + "/w/.vscode", dir + "/w/.git/hooks"} {
		if e := awaitTarget(t, sink, path); e.Action != "appeared" {
			t.Errorf("%s: %+v", path, e)
		}
	}
	rr.attacks(dir, []attack{
		{"write what appeared", "write,@/w/.vscode/tasks", "EROFS", "read,@/w/.vscode/tasks"},
		{"move it", "rename,@/w/.vscode,@/w/v", "EBUSY", "mkdir,@/w/v,0755"},
		{"hook", "write,@/w/.git/hooks/pre-commit", "EROFS", "touch,@/w/.git/index"},
		{"hidden by a pattern", "read,@/w/new.key", "EACCES", "read,@/w/sub/f"},
	})
	if text, err := os.ReadFile(dir + "/w/.vscode/tasks"); err != nil || string(text) != "mine" {
		t.Error("the user's file:", string(text), err)
	}

	// The user's own, which a process of the session reads between two looks.
	write(t, dir+"/w/rc", "mine")
	if out, status := rr.sh("exec 3<" + dir + "/w/rc; sleep 1000 <&3 >/dev/null 2>&1 & echo started"); out != "started" || status != 0 {
		t.Fatal(out)
	}
	must(t, os.Rename(dir+"/w/rc", dir+"/w/.exrc"))
	if e := awaitTarget(t, sink, dir+"/w/.exrc"); e.Action != "appeared" {
		t.Errorf("read inside: %+v", e)
	}

	// What a process of the session holds and somebody gives the name.
	out, err := os.CreateTemp(dir, "out")
	if err != nil {
		t.Fatal(err)
	}
	rr.send([]string{"/bin/sh", "-c", "exec 3>" + dir + "/w/slip; echo evil >&3; echo ready; sleep 1000"}, out)
	for text := []byte(nil); !strings.Contains(string(text), "ready"); {
		if text, err = os.ReadFile(out.Name()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(dir+"/w/slip", dir+"/w/.envrc"); err != nil {
		t.Fatal(err)
	}
	e := awaitTarget(t, sink, dir+"/w/.envrc")
	if _, err := os.Lstat(dir + "/w/.envrc"); err == nil || e.Action != "moved" {
		t.Errorf("still there: %v %+v", err, e)
	}
	store := QuarantineDir(p.Home)
	list, err := ListQuarantine(store)
	if err != nil || len(list) != 1 || list[0].Path != dir+"/w/.envrc" || !strings.HasSuffix(e.Hint, list[0].ID) {
		t.Fatalf("%+v %v", list, err)
	}
	if to, err := RestoreQuarantine(store, list[0].ID, dir+"/w/sub/f"); err == nil {
		t.Error("restored over", to)
	}
	if _, err := RestoreQuarantine(store, "../"+list[0].ID, ""); err == nil {
		t.Error("an entry outside of the store")
	}
	must(t, os.Rename(dir+"/w", dir+"/w2"))
	must(t, os.Symlink("other", dir+"/w"))
	must(t, os.Mkdir(dir+"/other", 0o755))
	if to, err := RestoreQuarantine(store, list[0].ID, ""); err == nil {
		t.Error("restored through a link", to)
	}
	must(t, os.Remove(dir+"/w"))
	must(t, os.Rename(dir+"/w2", dir+"/w"))
	to, err := RestoreQuarantine(store, list[0].ID, "")
	if text, _ := os.ReadFile(to); err != nil || string(text) != "evil\n" || to != dir+"/w/.envrc" {
		t.Errorf("%s %q %v", to, text, err)
	}
}

// A repository that the session makes is its own until the end; then the
// user is told what git would run in it.
func TestProtectedRepositoriesOfTheSession(t *testing.T) {
	dir := outside(t)
	write(t, dir+"/w/f", "x")
	write(t, dir+"/w/src/objects/x.c", "no object of git's")
	p := testPolicy(dir + "/w")
	p.Filesystem.AllowWrite = paths(dir + "/w")
	p.Filesystem.Protected = paths(".git/hooks", ".git/config", ".envrc")
	sink := make(chanSink, 256)
	s, err := New(Config{Policy: p, Dir: p.Dir, Sink: sink, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	rr := newRawRunner(t, s, p)
	out, status := rr.sh(`cd ` + dir + `/w && export HOME=/tmp GIT_CONFIG_NOSYSTEM=1 &&
		git init -q honest && git -C honest config user.name x && git -C honest config user.email x@x.test &&
		echo a > honest/a && git -C honest add -A && git -C honest commit -qm a && git clone -q honest copy && git -C copy status --short &&
		git init -q evil && printf '#!/bin/sh\n' > evil/.git/hooks/post-checkout && chmod +x evil/.git/hooks/post-checkout &&
		git -C evil config core.fsmonitor /tmp/x && mkdir led && echo 'gitdir: ../evil/.git' > led/.git && git init -q --bare bare && git -C bare config core.hooksPath /tmp &&
		git init -q moved && git -C moved config core.fsmonitor /tmp/x && mkdir d && mv moved d/moved && mv d d2 &&
		mkdir b2 b2/o b2/refs && echo 'ref: refs/heads/main' > b2/HEAD && git config -f b2/config core.fsmonitor /tmp/x && mv b2/o b2/objects &&
		mkdir src/refs && echo 'ref: refs/heads/main' > src/HEAD && git config -f src/config core.fsmonitor /tmp/x &&
		git init -q long && mv long/.git/config c && { seq -f '# %g' 60000; echo '[core] fsmonitor = x'; } > long/.git/config &&
		git init -q linked && mv linked/.git/config c2 && ln -s ../../c2 linked/.git/config &&
		git init -q odd && printf '\357\273\277[core]\nfsmonitor = /tmp/x\n[a] [filter "a]b"] clean = x\n' > odd/.git/config`)
	if status != 0 {
		t.Fatal(out)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	close(sink)
	got := map[string]string{}
	for e := range sink {
		if e.Action == "repository" {
			got[strings.TrimPrefix(e.Target, dir)] = e.Message
		}
	}
	for path, want := range map[string]string{
		"/w/d2/moved/.git": "core.fsmonitor", "/w/b2": "core.fsmonitor", "/w/src": "core.fsmonitor", "/w/long/.git": "config, which is too long to be looked at",
		"/w/linked/.git": "config, which is no file that can be read", "/w/odd/.git": "core.fsmonitor, filter.clean",
		"/w/evil/.git": "hooks/post-checkout, core.fsmonitor", "/w/led/.git": "a link to another repository", "/w/bare": "core.hookspath",
	} {
		if !strings.HasSuffix(got[path], want) {
			t.Errorf("%s: %q, want %q", path, got[path], want)
		}
		delete(got, path)
	}
	if len(got) > 0 {
		t.Errorf("honest repositories: %v", got)
	}
}

// Repositories without end do not hide one: those that are gone make room, and
// what there is no room for is told.
func TestMadeRepositoriesBeyondTheLimit(t *testing.T) {
	dir := t.TempDir()
	m := newMadeDirs()
	for i := range maxMadeRepos {
		m.repo(fmt.Sprintf("%s/gone%d/.git", dir, i))
	}
	write(t, dir+"/real/.git/config", "x")
	if m.repo(dir + "/real/.git"); !m.repos[dir+"/real/.git"] || m.beyond != "" {
		t.Errorf("%d repositories, %q", len(m.repos), m.beyond)
	}
	for i := range maxMadeRepos + 1 {
		m.repo(dir + "/real/" + strings.Repeat("../real/", i) + ".git")
	}
	if m.moved(dir+"/real", dir+"/r", false); m.beyond == "" || m.beyond[:len(dir)+2] != dir+"/r" || !m.repos[dir+"/r/.git"] {
		t.Errorf("%d repositories, %q", len(m.repos), m.beyond)
	}
}
