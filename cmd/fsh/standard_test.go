package main_test

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStandardFlags: an open file that fsh was started with blocks afterwards as it
// did before, whatever a program did to it and however the script ended.
func TestStandardFlags(t *testing.T) {
	for _, test := range []struct {
		script       string
		before, want int
	}{
		{"dd iflag=nonblock count=0 2>/dev/null", 0, 0},
		{"dd iflag=nonblock count=0 2>/dev/null; exit 3", 0, 0},
		{"dd iflag=nonblock count=0 2>/dev/null; kill -TERM $$", 0, 0},
		{"dd iflag=nonblock count=0 2>/dev/null; exec /bin/true", 0, 0},
		{"(dd iflag=nonblock count=0 2>/dev/null); exec 5<&0 <&-; exec 0<&5; :", 0, 0},
		{"/bin/true", unix.O_NONBLOCK, unix.O_NONBLOCK},
	} {
		f, err := os.OpenFile(t.TempDir()+"/in", os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unix.FcntlInt(f.Fd(), unix.F_SETFL, test.before); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(fshBinary(t), "-c", test.script)
		cmd.Dir, cmd.Stdin = home(t), f
		out, _ := cmd.CombinedOutput()
		if got := rawFlags(t, f); got != test.want {
			t.Errorf("%s: flags %#o, want %#o: %s", test.script, got, test.want, out)
		}
		f.Close()
	}
}

// rawFlags does not use Fd, which changes them.
func rawFlags(t *testing.T, f *os.File) (flags int) {
	t.Helper()
	conn, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Control(func(fd uintptr) { flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0) }); err != nil {
		t.Fatal(err)
	}
	return flags & unix.O_NONBLOCK
}
