package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/events"
)

func TestMain(m *testing.M) {
	if os.Args[0] == probeName {
		os.Exit(probeMain())
	}
	if os.Args[0] == lockedName {
		os.Exit(lockedMain())
	}
	os.Exit(m.Run())
}

// chanSink hands events to a test.
type chanSink chan events.Event

func (c chanSink) Emit(e events.Event) { c <- e }

// otherUser is a number that no account of a usual machine has.
const otherUser = 65531

// TestAsOrdinaryUser runs the tests of the sandbox once more without root.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("is an ordinary user already")
	}
	dir, err := os.MkdirTemp("/var/lib", "fsh-user") // no private place
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	copyTest(t, dir+"/sandbox.test")
	for _, d := range []string{dir + "/home", dir + "/tmp"} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(d, otherUser, otherUser); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.run", "^Test(Files|Deny|Protected|Mask|Missing|Private|Host|System|Processes|Listen|Kernel|Death|Monitor|Attack|Filter)"}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd := exec.Command(dir+"/sandbox.test", args...)
	cmd.Dir = dir + "/home"
	cmd.Env = append(os.Environ(), "HOME="+dir+"/home", "TMPDIR="+dir+"/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: otherUser, Gid: otherUser, Groups: []uint32{}}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("as user %d: %v\n%s", otherUser, err, out)
	} else if testing.Verbose() {
		fmt.Printf("as user %d:\n%s", otherUser, out)
	}
}

func copyTest(t *testing.T, to string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o755); err != nil {
		t.Fatal(err)
	}
}
