package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A second session of a project gets caches of its own, which go with it; the
// first one's stay, and nobody removes them while it lives.
func TestPrivateStoreIsLocked(t *testing.T) {
	dir := outside(t)
	t.Setenv("XDG_STATE_HOME", dir+"/state")
	write(t, dir+"/project/f", "x")
	if err := os.MkdirAll(dir+"/home/.npm", 0o755); err != nil {
		t.Fatal(err)
	}
	p := testPolicy(dir + "/project")
	p.Filesystem.PrivateWrite = paths(dir + "/home/.npm")
	first := newTestSession(t, p)
	newRawRunner(t, first, p).check(check{"create," + dir + "/home/.npm/ours", "ok"})
	second := newTestSession(t, p)
	newRawRunner(t, second, p).check(
		check{"stat," + dir + "/home/.npm/ours", "ENOENT"}, check{"create," + dir + "/home/.npm/theirs", "ok"})
	store := CacheDir("/")
	list, err := ListCaches(store)
	if err != nil || len(list) != 1 || !list[0].InUse || list[0].Project != p.Dir || list[0].Size == 0 {
		t.Fatalf("%+v %v", list, err)
	}
	if err := ClearCache(list[0].Dir); !errors.Is(err, ErrInUse) {
		t.Error("cleared while in use:", err)
	}
	for _, s := range []*Session{first, second} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := os.ReadDir(dir + "/home/.npm"); len(left) > 0 {
		t.Errorf("in the user's cache: %v", left)
	}
	newRawRunner(t, newTestSession(t, p), p).check(
		check{"stat," + dir + "/home/.npm/ours", "ok"}, check{"stat," + dir + "/home/.npm/theirs", "ENOENT"})
}

func TestPrivateStoreExpires(t *testing.T) {
	state := t.TempDir()
	store := filepath.Join(state, "private")
	now := time.Now()
	for project, age := range map[string]time.Duration{"/old": privateExpiry + time.Hour, "/new": time.Hour, "/used": privateExpiry + time.Hour} {
		p, err := openPrivateStore(state, project)
		if err != nil {
			t.Fatal(err)
		}
		// As Go's module cache is.
		write(t, p.dir+"/mod/f", "x")
		if err := os.Chmod(p.dir+"/mod", 0o555); err != nil {
			t.Fatal(err)
		}
		then := now.Add(-age)
		if err := os.Chtimes(p.lock.Name(), then, then); err != nil {
			t.Fatal(err)
		}
		if project != "/used" {
			p.close()
		} else {
			defer p.close()
		}
	}
	expirePrivate(store, now)
	left := map[string]bool{}
	list, err := ListCaches(store)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		left[c.Project] = c.InUse
	}
	if used, ok := left["/used"]; len(left) != 2 || !ok || !used {
		t.Errorf("left: %v", left)
	}
	if _, ok := left["/new"]; !ok {
		t.Errorf("left: %v", left)
	}
	// Once a day only.
	p, err := openPrivateStore(state, "/old")
	if err != nil {
		t.Fatal(err)
	}
	then := now.Add(-2 * privateExpiry)
	if err := os.Chtimes(p.lock.Name(), then, then); err != nil {
		t.Fatal(err)
	}
	p.close()
	expirePrivate(store, now.Add(time.Hour))
	if list, _ := ListCaches(store); len(list) != 3 {
		t.Errorf("expired twice a day: %v", list)
	}
	_ = removeTree(store)
}

// Caches are a convenience: a session starts without them.
func TestPrivateStoreThatCannotBe(t *testing.T) {
	dir := outside(t)
	write(t, dir+"/file", "x")
	t.Setenv("XDG_STATE_HOME", dir+"/file")
	if err := os.MkdirAll(dir+"/home/.npm", 0o755); err != nil {
		t.Fatal(err)
	}
	p := testPolicy(dir)
	p.Filesystem.PrivateWrite = paths(dir + "/home/.npm")
	sink := make(chanSink, 16)
	s, err := New(Config{Policy: p, Dir: dir, Sink: sink, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	newRawRunner(t, s, p).check(check{"create," + dir + "/home/.npm/x", "ok"})
	if e := <-sink; e.Message == "" {
		t.Errorf("%+v", e)
	}
	if left, _ := os.ReadDir(dir + "/home/.npm"); len(left) > 0 {
		t.Errorf("in the user's cache: %v", left)
	}
}
