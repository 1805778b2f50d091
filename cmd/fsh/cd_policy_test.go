package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

// TestCdPolicies: a directory's policy is made once, and anew when a project
// file above it or one that it extends has changed.
func TestCdPolicies(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	rules := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("version = 1\n"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	opts := policy.Options{Dir: "/", Home: dir}
	start, _, err := policy.Load(opts)
	if err != nil {
		t.Fatal(err)
	}
	c := &cdPolicies{start: start, opts: opts}
	last := start
	for _, step := range []struct {
		what   string
		change func()
		same   bool
	}{
		{"no file", func() {}, true},
		{"a file", func() { rules("a/.fsh.toml", "[filesystem]\ndeny_read = [\"./x\"]\n") }, false},
		{"nothing", func() {}, true},
		{"other rules of the same length", func() { rules("a/.fsh.toml", "[filesystem]\ndeny_read = [\"./y\"]\n") }, false},
		{"a nearer file", func() { rules("a/b/.fsh.toml", "[filesystem]\ndeny_read = [\"./z\"]\n") }, false},
		{"nothing", func() {}, true},
		{"an extended file", func() {
			rules("a/base.toml", "[filesystem]\ndeny_read = [\"./v\"]\n")
			rules("a/.fsh.toml", "extends = [\"./base.toml\"]\n")
		}, false},
		{"the extended file", func() { rules("a/base.toml", "[filesystem]\ndeny_read = [\"./w\"]\n") }, false},
	} {
		step.change()
		p, err := c.in(deep)
		if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if (p == last) != step.same {
			t.Errorf("%s: same policy: %v, want %v", step.what, p == last, step.same)
		}
		last = p
	}
	rules("a/b/.fsh.toml", "nonsense = 1\n")
	if _, err := c.in(deep); err == nil {
		t.Error("a broken file: no error")
	}
}
