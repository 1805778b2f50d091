package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestMalformedPolicies: each mistake is one message at its place with a hint,
// status 125, and nothing has run; by every way that a policy comes in.
func TestMalformedPolicies(t *testing.T) {
	files, err := filepath.Glob("testdata/malformed/*.toml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	placed := regexp.MustCompile(`^fsh: \S+:[1-9][0-9]*:[1-9][0-9]*: .+\nfsh: hint: .+\n$`)
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		put(t, filepath.Join(dir, "p.toml"), string(text), 0o644)
		put(t, filepath.Join(dir, "src/.fsh.toml"), string(text), 0o644)
		put(t, filepath.Join(dir, ".config/fsh/policy.toml"), string(text), 0o644)
		ways := [][]string{{"--policy=p.toml", "-c", "echo ran; true >p"}, {"-c", "echo ran; true >p"}}
		for _, args := range append(ways[:1:1], ways[1+i%2:]...) { // not all ways for all
			got := fsh(t, dir, args...)
			if got.status != 125 || got.stdout != "" || !placed.MatchString(got.stderr) {
				t.Errorf("%s: %q: %d %q %q", file, args, got.status, got.stdout, got.stderr)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "p")); err == nil {
			t.Errorf("%s: something has run", file)
		}
		if i%8 == 0 {
			got := fsh(t, dir, "policy", "check", "p.toml")
			if got.status != 1 || got.stdout != "" || !placed.MatchString(got.stderr) {
				t.Errorf("%s: check: %+v", file, got)
			}
		}
	}
}

// TestUnreadablePolicies: what is no file of text.
func TestUnreadablePolicies(t *testing.T) {
	for what, broken := range map[string]func(path string) error{
		"directory":     func(p string) error { return os.Mkdir(p, 0o755) },
		"fifo":          func(p string) error { return syscall.Mkfifo(p, 0o644) },
		"device":        func(p string) error { return os.Symlink("/dev/zero", p) },
		"terminal":      func(p string) error { return os.Symlink("/dev/tty", p) },
		"loop":          func(p string) error { return os.Symlink(p, p) },
		"dangling":      func(p string) error { return os.Symlink("/nowhere", p) },
		"100 MB":        func(p string) error { return sparse(p, 100<<20) },
		"absent":        func(string) error { return nil },
		"writable":      func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o644), os.Chmod(p, 0o666)) },
		"below a file":  func(p string) error { return os.WriteFile(filepath.Dir(p), nil, 0o644) },
		"NUL":           func(p string) error { return os.WriteFile(p, []byte("version = 1\n\x00"), 0o644) },
		"not text":      func(p string) error { return os.WriteFile(p, []byte("\x7fELF\x02\x01\xff\xfe"), 0o644) },
		"carriage":      func(p string) error { return os.WriteFile(p, []byte("version\r= 1"), 0o644) },
		"of another":    func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o644), os.Chown(p, 12345, -1)) },
		"not permitted": func(p string) error { return os.WriteFile(p, nil, 0) },
	} {
		if os.Geteuid() == 0 && what == "not permitted" || os.Geteuid() != 0 && what == "of another" {
			continue // root reads everything, and nobody else gives files away
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "d/p.toml")
		if what != "below a file" {
			if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := broken(path); err != nil {
			t.Fatal(what, err)
		}
		got := fsh(t, dir, "--policy=d/p.toml", "-c", "echo ran")
		if got.status != 125 || got.stdout != "" || strings.Count(got.stderr, "\n") != 2 ||
			!strings.HasPrefix(got.stderr, "fsh: "+path) || !strings.Contains(got.stderr, "\nfsh: hint: ") {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

func sparse(path string, size int64) error {
	return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
}
