package main_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBackgroundAtTheEnd: what runs in the background when the shell ends gets
// to finish what does not make it wait, and nothing says that the sandbox ended.
func TestBackgroundAtTheEnd(t *testing.T) {
	for _, test := range []struct{ script, stdout string }{
		{`echo 3 &`, "3\n"},
		{`{ sleep 0.1; echo x; } &`, "x\n"},
		{`(echo a; /bin/echo b) & exit`, "a\nb\n"},
		{`f() { echo f; }; f & disown`, "f\n"},
		{`/bin/echo program &`, "program\n"},
		{`sh -c '/bin/echo child' &`, "child\n"},
		{`echo a | cat &`, "a\n"},
		{`set -m; (echo group; /bin/echo two) &`, "group\ntwo\n"},
		{`( (echo 1; (sleep 0.1; echo 2) &) &) &`, "1\n2\n"},
		{`w() { sleep 0.1 & wait; echo waited; }; w &`, "waited\n"},
		{`trap 'echo bye' EXIT; { sleep 0.1; echo after; } & exit 0`, "bye\nafter\n"},
		{`i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done && echo $i &`, "20000\n"},
		{`x=$({ sleep 0.1; echo in; } &); echo "$x"`, "in\n"},
		// What waits ends with the shell.
		{`sleep 60 &`, ""},
		{`(sleep 60; echo no) &`, ""},
		{`exec 3<>/tmp/f; mkfifo /tmp/p; (exec 4</tmp/p; echo no) &`, ""},
		{`mkfifo /tmp/p; exec 3<>/tmp/p; (read x <&3; echo no) &`, ""},
		{`(sh -c 'kill -STOP $$'; echo no) &`, ""},
		// What never waits is stopped at some time.
		{`while :; do /bin/true; done & sleep 0.1`, ""},
		{`while :; do echo >/dev/null; done & sleep 0.1`, ""},
		{`while :; do :; done &`, ""},
		{`while :; do (exit 1) | cat; done & sleep 0.1`, ""},
	} {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			got := fsh(t, home(t), "-c", test.script)
			if got.stdout != test.stdout || got.stderr != "" || got.status != 0 {
				t.Errorf("%+v", got)
			}
			if spent := time.Since(start); spent > 30*time.Second {
				t.Errorf("took %v", spent)
			}
		})
	}
}

// TestEndIsInterrupted: a signal ends the shell that waits for its background.
func TestEndIsInterrupted(t *testing.T) {
	dir := home(t)
	cmd := exec.Command(fshBinary(t), "-c", `/bin/true; trap 'echo ready' EXIT; while :; do :; done & exit 3`)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGINT {
		t.Errorf("ended with %#x", ws)
	}
}

// oftenEnough tries up to three times: on a busy machine a thread of the runner
// that has taken a signal may get to run only after the news of the command's
// end is out (flushSignals).
func oftenEnough(t *testing.T, script string, right func(outcome) bool, options ...string) {
	t.Helper()
	for try := 1; ; try++ {
		got := fsh(t, home(t), append(options, "-c", script)...)
		switch {
		case right(got):
			return
		case try == 3:
			t.Errorf("%q: %+v", script, got)
			return
		}
	}
}

// ignoredOnEntry is what these tests, and all that they start, were started to
// ignore, bit n-1 for signal n (proc_pid_status(5)): glibc's posix_spawn(3), which
// make uses, leaves 32 ignored.
func ignoredOnEntry(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nSigIgn:\t")
	line, _, _ := strings.Cut(rest, "\n")
	set, err := strconv.ParseUint(line, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestIgnoredSignals: what was ignored when the shell began is ignored whoever
// sends it, and what it has ignored itself, and no longer does, ends it.
func TestIgnoredSignals(t *testing.T) {
	dir := home(t)
	for name, sig := range map[string]syscall.Signal{
		"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM,
		"ABRT": syscall.SIGABRT, "USR1": syscall.SIGUSR1, "ALRM": syscall.SIGALRM,
	} {
		for _, mode := range []string{"--allow-write=.", "--unsafe-no-sandbox"} {
			t.Run(name+mode, func(t *testing.T) {
				t.Parallel()
				script := `sh -c 'kill -s ` + name + ` $PPID'; echo alive`
				cmd := exec.Command("sh", "-c", "trap '' "+name+`; exec "$@"`, "sh", fshBinary(t), mode, "-c", script)
				cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
				if got := outcomeOf(t, cmd); got.stdout != "alive\n" || got.status != 0 {
					t.Errorf("ignored on entry: %+v", got)
				}
				if ignoredOnEntry(t)&(1<<(sig-1)) != 0 {
					return // and cannot be reset (XCU trap)
				}
				script = "trap '' " + name + "; trap - " + name + "; " + script
				oftenEnough(t, script, func(got outcome) bool { return got.stdout == "" && got.signal == sig }, mode)
			})
		}
	}
}

// TestSignalsEndTheShell: a command sends $$ each signal there is. The shell dies
// of it at once, as a shell without a sandbox would; a trap runs before the next
// command.
func TestSignalsEndTheShell(t *testing.T) {
	require(t, "bash") // whose kill takes every number
	spared := map[syscall.Signal]string{
		syscall.SIGCHLD: "ignored", syscall.SIGCONT: "ignored", syscall.SIGURG: "ignored", syscall.SIGWINCH: "ignored",
		syscall.SIGSTOP: "stops", syscall.SIGTSTP: "stops", syscall.SIGTTIN: "stops", syscall.SIGTTOU: "stops",
		64: "the shell's own",
	}
	ignored := ignoredOnEntry(t)
	for n := syscall.Signal(1); n <= 64; n++ {
		t.Run(strconv.Itoa(int(n)), func(t *testing.T) {
			t.Parallel()
			if spared[n] == "stops" {
				return // TestShellStops
			}
			if ignored&(1<<(n-1)) != 0 {
				spared := `trap 'echo trapped' ` + strconv.Itoa(int(n)) + `; bash --norc -c 'kill -` + strconv.Itoa(int(n)) + ` $PPID'; echo alive`
				if got := fsh(t, home(t), "-c", spared); got.stdout != "alive\n" || got.status != 0 {
					t.Errorf("ignored on entry: %+v", got)
				}
				return
			}
			number := strconv.Itoa(int(n))
			script := `bash --norc -c 'kill -` + number + ` $PPID'; echo alive`
			oftenEnough(t, script, func(got outcome) bool {
				if spared[n] != "" {
					return got.stdout == "alive\n" && got.status == 0
				}
				return got.stdout == "" && got.signal == n
			})
			if n == syscall.SIGKILL || n == syscall.SIGCHLD || n == 64 {
				return
			}
			script = `trap 'echo trapped' ` + number + `; ` + script
			oftenEnough(t, script, func(got outcome) bool { return got.stdout == "trapped\nalive\n" })
			script = strings.Replace(script, "echo trapped", "", 1)
			if got := fsh(t, home(t), "-c", script); got.stdout != "alive\n" || got.status != 0 {
				t.Errorf("%q: %+v", script, got)
			}
		})
	}
}

// TestNoCommandString: what cannot be understood has status 2, as in other shells.
func TestNoCommandString(t *testing.T) {
	got := fsh(t, home(t), "-c")
	if got.status != 2 || got.stdout != "" || !strings.HasPrefix(got.stderr, "fsh: -c: command string expected\n") {
		t.Errorf("%+v", got)
	}
}
