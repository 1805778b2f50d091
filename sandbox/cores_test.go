package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAttackCores: where crashes start a program outside, every command has the
// one limit that prevents it, and cannot give it up. Who asks for no cores, or for
// more, is told that it worked; there are none. Other limits are as ever.
func TestAttackCores(t *testing.T) {
	p := testPolicy(t.TempDir())
	s := newTestSession(t, p)
	s.noCores = true
	rr := newRawRunner(t, s, p)
	coresOf(t, rr)
	if out, status := rr.sh("ulimit -Sc; ulimit -c 0 && ulimit -n 50 && sh -c 'ulimit -Hc; ulimit -n'"); out != "0\n0\n50" && out != "1\n1\n50" || status != 0 {
		t.Errorf("%d %q", status, out) // in blocks, of 512 or 1,024 bytes
	}
	if out, status := rr.sh("cd /tmp; sh -c 'kill -SEGV $$' 2>/dev/null; echo $?; echo core*"); !strings.HasSuffix(out, "139\ncore*") || status != 0 {
		t.Errorf("a crash: %d %q", status, out)
	}
	// Elsewhere limits are the user's.
	s = newTestSession(t, p)
	if leavesCores(corePattern) {
		t.Skip("this machine's crashes start a program")
	}
	newRawRunner(t, s, p).checkAll(check{"core-limit", coreLimits()}, check{"core-lower", "ok"}, check{"core-limit", "0 0"})
}

func coresOf(t *testing.T, rr *rawRunner) {
	t.Helper()
	want := "1 1"
	if own := coreLimits(); own[len(own)-2:] == " 0" {
		want = own // lowered for good
	}
	rr.checkAll(check{"core-limit", want}, check{"core-lower", "ok"}, check{"core-raise", "ok"}, check{"core-old", "ok"},
		check{"core-limit", want}, check{"prlimit,0", "ok"})
}

func TestLeavesCores(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]bool{
		"core\n": false, "/var/cores/%e.%p\n": false, "": false, "|/usr/lib/systemd/systemd-coredump %P\n": true, "@/run/c.socket\n": true, "@@/run/c\n": true,
	} {
		write(t, dir+"/p", text)
		if got := leavesCores(dir + "/p"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if !leavesCores(dir + "/absent") {
		t.Error("what is not known is harmless")
	}
}

func coreLimits() string {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
		return err.Error()
	}
	return fmt.Sprint(l.Cur, " ", l.Max)
}

func init() {
	for name, call := range map[string]func() error{
		"core-limit": func() error { return errors.New(coreLimits()) },
		"core-lower": func() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) },
		"core-raise": func() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 30, Max: 1 << 30}) },
		"core-old": func() error {
			var old unix.Rlimit
			return unix.Prlimit(0, unix.RLIMIT_CORE, nil, &old)
		},
	} {
		probes[name] = func([]string) error { return call() }
	}
}
