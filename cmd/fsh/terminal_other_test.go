package main_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// A program that has made a terminal for another one (script, expect, tmux) is given
// what that writes to /dev/tty, also when the user's own has the same number.
func TestTerminalMadeInside(t *testing.T) {
	require(t, "python3")
	const program = `
import fcntl, os, sys, termios
want = os.minor(os.fstat(0).st_rdev)
while True:
    master, slave = os.openpty()
    if os.minor(os.fstat(slave).st_rdev) == want: break
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.write(os.open("/dev/tty", os.O_RDWR), b"made")
    os._exit(0)
os.waitpid(pid, 0)
os.set_blocking(master, False)
sys.stderr.write(os.read(master, 99).decode() + " ")
os.write(os.open("/dev/tty", os.O_WRONLY), b"own\n")
`
	for _, grant := range []string{"--allow-read=.", "--allow-write=."} {
		var said bytes.Buffer
		cmd := exec.Command(fshBinary(t), grant, "-c", `exec python3 -c "$0"`, program)
		cmd.Stderr = &said
		out, err := leadTerminal(t, cmd, 0o620)
		if out.Scan(); err != nil || said.String() != "made " || out.Text() != "own" {
			t.Errorf("%s: %v: %q, and on the terminal: %q", grant, err, said.String(), out.Text())
		}
	}
}

// After su the terminal's node is another user's. /dev/tty is the terminal of
// whoever is on it all the same, wherever files may be written.
func TestTerminalOfAnotherUser(t *testing.T) {
	const script = `echo shell >/dev/tty; exec 4>>/dev/tty; echo append >&4
sh -c 'echo command >/dev/tty; exec 3<>/dev/tty; echo both >&3'
setsid -w sh -c 'echo none >/dev/tty' || echo end >/dev/tty`
	for _, grant := range []string{"--allow-read=.", "--allow-write=."} {
		var said bytes.Buffer
		cmd := exec.Command(fshBinary(t), grant, "-c", script)
		cmd.Stdout, cmd.Stderr = &said, &said
		out, err := leadTerminal(t, cmd, 0)
		if err != nil || strings.Count(said.String(), "/dev/tty") != 1 {
			t.Errorf("%s: %v: %s", grant, err, said.String())
			continue
		}
		for _, want := range []string{"shell", "append", "command", "both", "end"} {
			if out.Scan(); out.Text() != want {
				t.Errorf("%s: %q, want %q", grant, out.Text(), want)
			}
		}
	}
}

// leadTerminal runs a program as the leader of a terminal of its own, whose node has a
// mode, and gives what it has shown there.
func leadTerminal(t *testing.T, cmd *exec.Cmd, mode os.FileMode) (shown *bufio.Scanner, err error) {
	t.Helper()
	dir := home(t)
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	defer slave.Close()
	if err := os.Chmod(slave.Name(), mode); err != nil {
		t.Fatal(err)
	}
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "LC_ALL=C"}
	cmd.Stdin = slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return bufio.NewScanner(master), cmd.Run()
}
