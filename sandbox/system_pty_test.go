package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// Job control needs a session with a controlling terminal, which a child of
// the test has. It writes "type X" when it wants something typed.
func TestJobControl(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestJobControlInside$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), "FSH_TEST_PTY=1")
	tty, err := pty.Start(cmd)
	must(t, err)
	defer tty.Close()
	var all strings.Builder
	passed := false
	for in := bufio.NewScanner(tty); in.Scan(); {
		line := strings.TrimSpace(in.Text())
		fmt.Fprintln(&all, line)
		passed = passed || strings.HasSuffix(line, "PASS")
		switch {
		case strings.HasSuffix(line, "type ^C"):
			_, err = tty.Write([]byte{3})
		case strings.HasSuffix(line, "type ^Z"):
			_, err = tty.Write([]byte{26})
		}
		must(t, err)
	}
	if err := cmd.Wait(); err != nil || !passed {
		t.Errorf("%v\n%s", err, all.String())
	}
}

// takeTerminal gives the terminal to this process again; SIGTTOU is ignored.
func takeTerminal(t *testing.T) {
	must(t, unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, syscall.Getpgrp()))
}

func TestJobControlInside(t *testing.T) {
	if os.Getenv("FSH_TEST_PTY") == "" {
		t.Skip("part of TestJobControl")
	}
	s, _ := newTestSystem(t, systemHooks{})
	s.Pid() // the runner does not inherit what is ignored below
	signal.Ignore(syscall.SIGTTOU)
	interrupts := make(chan os.Signal, 8)
	signal.Notify(interrupts, syscall.SIGINT)
	start := func(group int, text string) (interp.Process, int) {
		p, err := s.Start(&interp.Command{
			Paths: []string{"/bin/sh"}, Argv: []string{"sh", "-c", text}, Env: []string{"PATH=/bin:/usr/bin"},
			Files: []interp.FileMap{{Child: 0, FD: 0}, {Child: 1, FD: 1}, {Child: 2, FD: 2}},
			Group: group, Terminal: 0, Report: interp.ReportStart | interp.ReportStops,
		})
		must(t, err)
		pid, err := p.Pid()
		must(t, err)
		return p, pid
	}
	t.Run("stop, resume, interrupt", func(t *testing.T) {
		p, pid := start(0, "echo type ^Z; exec sleep 100")
		if ws, _, err := p.Wait(); err != nil || ws.StopSignal() != syscall.SIGTSTP {
			t.Fatalf("%#x %v", ws, err)
		}
		takeTerminal(t)
		// fg: a stand-in joins the job and takes the terminal for it.
		si, err := s.StandIn(&interp.Command{Group: pid, Terminal: 0})
		must(t, err)
		_, err = si.Pid()
		must(t, err)
		must(t, si.Catch([]syscall.Signal{syscall.SIGCONT}, nil))
		must(t, s.Kill(-pid, syscall.SIGCONT))
		if got := <-si.Signals(); got != syscall.SIGCONT {
			t.Error(got)
		}
		must(t, si.End(0))
		_, _, err = si.Wait()
		must(t, err)
		if ws, _, err := p.Wait(); err != nil || !ws.Continued() {
			t.Errorf("%#x %v", ws, err)
		}
		fmt.Println("type ^C")
		if ws, _, err := p.Wait(); err != nil || ws.Signal() != syscall.SIGINT {
			t.Errorf("%#x %v", ws, err)
		}
		takeTerminal(t)
	})
	t.Run("pipeline", func(t *testing.T) {
		first, pid := start(0, "exec sleep 100")
		second, _ := start(pid, "echo type ^C; exec sleep 100")
		for _, p := range []interp.Process{first, second} {
			if ws, _, err := p.Wait(); err != nil || ws.Signal() != syscall.SIGINT {
				t.Errorf("%#x %v", ws, err)
			}
		}
		takeTerminal(t)
	})
	t.Run("group of the shell", func(t *testing.T) {
		p, _ := start(-1, "echo type ^C; exec sleep 100")
		if ws, _, err := p.Wait(); err != nil || ws.Signal() != syscall.SIGINT {
			t.Errorf("%#x %v", ws, err)
		}
		<-interrupts // the shell's own
		select {
		case sig := <-s.Signals():
			t.Errorf("%v was forwarded, though the terminal sent it", sig)
		default:
		}
		if out, _ := output(t, s, nil, "echo alive"); out != "alive" {
			t.Error(out)
		}
	})
	t.Run("kill of the whole group", func(t *testing.T) {
		outside := make(chan os.Signal, 8)
		signal.Notify(outside, syscall.SIGUSR1)
		p, _ := start(-1, "exec sleep 100")
		must(t, s.Kill(0, syscall.SIGUSR1))
		if ws, _, err := p.Wait(); err != nil || ws.Signal() != syscall.SIGUSR1 {
			t.Errorf("%#x %v", ws, err)
		}
		if sig := <-s.Signals(); sig != syscall.SIGUSR1 {
			t.Error(sig)
		}
	})
}

// A program makes a terminal of its own by the usual node, which is one, whatever
// the policy, and gets one of the session's.
func TestPtyInside(t *testing.T) {
	for _, trees := range [][]string{nil, {"w"}} {
		dir := attackTree(t)
		p := testPolicy(dir)
		if trees != nil {
			p = attackPolicy(dir)
		}
		rr := inside(t, p)
		for _, node := range []string{"/dev/ptmx", "/dev/pts/ptmx"} {
			rr.checkAll(check{"pty," + node, "ok"}, check{"pty-follow," + node, "ok"})
		}
		rr.checkAll(check{"touch-nf,/dev/stdin", "ELOOP"}, check{"unlink,/dev/ptmx", "EROFS"})
		if out, _ := rr.sh("ls -A /dev/pts; stat -c %F /dev/ptmx"); out != "ptmx\ncharacter special file" {
			t.Errorf("%q", out)
		}
	}
}

func init() {
	for name, flags := range map[string]int{"pty": unix.O_NOFOLLOW, "pty-follow": 0} {
		probes[name] = func(a []string) error { return newPty(a[0], unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|flags) }
	}
}

// newPty opens both ends (ioctl_tty(2)), the second one both ways, and has a
// line go through.
func newPty(node string, flags int) error {
	master, err := unix.Open(node, flags, 0)
	if err != nil {
		return err
	}
	defer unix.Close(master)
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	name := fmt.Sprint("/dev/pts/", number)
	slave, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(slave)
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY)
	if errno != 0 {
		return fmt.Errorf("TIOCGPTPEER: %w", errno)
	}
	defer unix.Close(int(peer))
	if at, err := os.Readlink(fmt.Sprint("/proc/self/fd/", peer)); err != nil || at != name {
		return fmt.Errorf("the other end is %s, not %s: %v", at, name, err)
	}
	if _, err := unix.Write(slave, []byte("x")); err != nil {
		return err
	}
	var b [8]byte
	if n, err := unix.Read(master, b[:]); err != nil || string(b[:n]) != "x" {
		return fmt.Errorf("read %q: %v", b[:n], err)
	}
	return nil
}
