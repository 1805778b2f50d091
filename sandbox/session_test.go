package sandbox

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fsh-sh/fsh/policy"
)

func TestMain(m *testing.M) {
	if main, ok := Helper(os.Args[0]); ok {
		os.Exit(main())
	}
	os.Exit(m.Run())
}

func testPolicy(dir string) *policy.Policy {
	return &policy.Policy{
		Dir: dir, Home: os.Getenv("HOME"),
		Filesystem: policy.Filesystem{AllowRead: []policy.Path{{Pattern: "/"}}},
	}
}

func newTestSession(t *testing.T, p *policy.Policy) *Session {
	t.Helper()
	s, err := New(Config{Policy: p, Dir: p.Dir, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "f"), []byte("hello"), 0o644)
	p := testPolicy(dir)
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	for _, c := range []string{"id", "echo $$; grep -E 'Cap|Seccomp|NoNew|NSpid' /proc/self/status", "ls -la /dev /run /run/fsh /tmp", "cat " + dir + "/f; echo x > " + dir + "/g; touch /etc/xx", "ps ax", "mount | head -50", "echo x > /tmp/q && cat /tmp/q", "cat /etc/resolv.conf; ip a; ip route show table local", "unshare -U true; cat /proc/kcore"} {
		out, st := rr.sh(c)
		t.Logf("$ %s\n%s\n[%d]", c, out, st)
	}
}
