package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestExec: the program takes the shell's number, and the shell the program's
// end.
func TestExec(t *testing.T) {
	tests := []struct {
		name, script string
		status       int
		stdout, says string
		bash         bool
	}{
		{name: "the same number", script: `echo $$ >/tmp/n; exec sh -c 'echo $$ | cmp - /tmp/n && echo same'`, stdout: "same\n"},
		{name: "a pidfile and kill", script: `echo $$ >/tmp/pid; (/bin/true; kill "$(cat /tmp/pid)") & exec sleep 60`,
			status: -1},
		{name: "a child's pidfile and kill", script: `echo $$ >/tmp/pid; sh -c 'until grep -q sleep /proc/'$$'/comm; do :; done; kill "$(cat /tmp/pid)"' & exec sleep 60`,
			status: -1},
		{name: "children stay children", script: `sleep 60 & exec sh -c 'grep PPid /proc/'$!'/status | { read -r _ p; [ "$p" = $$ ] && echo mine; }'`, stdout: "mine\n"},
		{name: "exit status", script: `exec sh -c 'exit 7'; echo no`, status: 7},
		{name: "by a signal", script: `exec sh -c 'kill -9 $$'`, status: -1},
		{name: "redirections", script: `exec >/tmp/o 5</etc/passwd sh -c 'read -r x <&5; echo "${x%%:*}"; cat /tmp/o >&2'`, says: "root\n"},
		{name: "earlier redirections", script: `exec 3>/tmp/o; exec sh -c 'echo x >&3; cat /tmp/o'`, stdout: "x\n"},
		{name: "umask, directory, ignored signals", script: `umask 027; cd /usr; trap '' USR1; exec sh -c 'umask; pwd; kill -USR1 $$; echo alive'`,
			stdout: "0027\n/usr\nalive\n"},
		{name: "limits", script: `ulimit -n 77; exec sh -c 'ulimit -n'`, stdout: "77\n"},
		{name: "caught signals have their default action", script: `trap 'echo trapped' TERM; exec sh -c 'kill $$; echo alive'`, status: -1},
		{name: "no EXIT trap", script: `trap 'echo trapped' EXIT; exec true`},
		{name: "in a subshell the shell goes on", script: `n=$$; (exec sh -c 'exit 3'); echo $? "$([ $n = $$ ] && echo same)"`, stdout: "3 same\n"},
		{name: "in a command substitution", script: `echo "$(exec echo inner)" outer`, stdout: "inner outer\n"},
		{name: "a subshell that still runs", script: `(sleep 0.2; /bin/echo late >/tmp/late) & exec sh -c 'until [ -s /tmp/late ]; do :; done; cat /tmp/late'`,
			stdout: "late\n"},
		{name: "not there", script: `exec /nonexistent; echo no`, status: 127, says: "not found"},
		{name: "not executable", script: `trap 'umask; /bin/echo after $?; test $(sh -c "echo \$PPID") = $$ && echo same' EXIT; exec /etc/passwd`, status: 126, stdout: "0022\nafter 0\nsame\n", says: "Permission denied"},
		{name: "a failure leaves the shell as it was", status: 127, says: "No such file", stdout: "0077\n1024\n/usr\n0077\n1024\n", bash: true,
			script: `printf '#!/nonexistent/interpreter\n' >/tmp/bad; chmod +x /tmp/bad; trap 'umask; ulimit -n; sh -c "pwd; umask; ulimit -n"' EXIT
				ulimit -Sn 1024; umask 077; cd /usr; exec 7>/tmp/f; exec /tmp/bad`},
		{name: "a text without an interpreter line", script: `printf 'echo "$1" $$\n' >/tmp/s; chmod +x /tmp/s; n=$$; exec /tmp/s "$n" | { read -r a b; echo read; }`, stdout: "read\n"},
		{name: "a damaged program", script: `printf '\177ELFecho no\n' >/tmp/b; chmod +x /tmp/b; /tmp/b; echo $?`, stdout: "126\n", says: "xec format error"},
		{name: "a directory", script: `exec /usr`, status: 126, says: "ermission denied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			args := []string{"-c", test.script}
			if test.bash {
				args = append([]string{"--bash"}, args...)
			}
			got := fsh(t, home(t), args...)
			if got.status != test.status || got.stdout != test.stdout || !strings.Contains(got.stderr, test.says) {
				t.Errorf("%q: %+v", test.script, got)
			}
		})
	}
}

// TestExecForwards: what is sent to the shell outside reaches the program, with
// a number of its own or without; a stop stops the shell, and a continue
// continues both.
func TestExecForwards(t *testing.T) {
	const program = `exec sh -c 'for s in HUP USR1 USR2 INT QUIT TERM 35 40 63; do trap "echo $s" "$s"; done
		echo ready; while :; do read -r line || exit 9; [ "$line" = end ] && exit 4; done'`
	for how, script := range map[string]string{"in place": program, "beside": `{ until [ -e /tmp/never ]; do sleep 0.1; done; } & ` + program} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			require(t, "bash")
			script := strings.Replace(script, "exec sh", "exec bash", 1) // traps for real-time signals
			dir := home(t)
			cmd := exec.Command(fshBinary(t), "-c", script)
			cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setsid: true}
			cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin"}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			in, _ := cmd.StdinPipe()
			out, _ := cmd.StdoutPipe()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
			defer timer.Stop()
			lines := bufio.NewReader(out)
			expect := func(want string) {
				t.Helper()
				if line, err := lines.ReadString('\n'); line != want+"\n" {
					t.Fatalf("got %q %v, want %q; %s", line, err, want, &stderr)
				}
			}
			expect("ready")
			for _, s := range []struct {
				sig  syscall.Signal
				name string
			}{{syscall.SIGHUP, "HUP"}, {syscall.SIGUSR1, "USR1"}, {syscall.SIGUSR2, "USR2"}, {syscall.SIGINT, "INT"},
				{syscall.SIGQUIT, "QUIT"}, {syscall.SIGTERM, "TERM"}, {35, "35"}, {40, "40"}, {63, "63"}} {
				if err := cmd.Process.Signal(s.sig); err != nil {
					t.Fatal(err)
				}
				// bash runs traps between commands, and the signal takes its
				// time: give it commands until it has come.
				came := make(chan struct{})
				var nudge sync.WaitGroup
				nudge.Go(func() {
					tick := time.NewTicker(20 * time.Millisecond)
					defer tick.Stop()
					for {
						select {
						case <-came:
							return
						case <-tick.C:
							io.WriteString(in, "go on\n")
						}
					}
				})
				func() {
					defer nudge.Wait()
					defer close(came)
					expect(s.name)
				}()
			}
			io.WriteString(in, "end\n")
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 4 {
				t.Errorf("ended with %v: %s", err, &stderr)
			}
		})
	}
}

// state is the letter of a process's state (proc(5)).
func state(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:1]
}

func awaitState(t *testing.T, pid int, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if strings.Contains(want, state(pid)) {
			return
		}
	}
	t.Fatalf("process %d is %q, not %q", pid, state(pid), want)
}

// TestShellStops: the shell stops when it, or a command, stops its number, or the
// program in its place stops, and a continue from outside or inside ends that.
// A stop of everybody inside is not meant for the shell.
func TestShellStops(t *testing.T) {
	const program = `'kill -STOP $$; echo on; read -r x; echo "$x"'`
	for name, test := range map[string]struct {
		script string
		goesOn bool // by itself
		leads  bool // its process group, not the session: no orphan, which does not stop
	}{
		"the shell":          {script: `kill -STOP $$; echo on; read -r x; echo "$x"`},
		"a program in place": {script: `exec sh -c ` + program},
		"a program beside":   {script: `{ sleep 60; : ; } & exec sh -c ` + program},
		"continued from inside": {script: `sh -c 'until [ "$(cut -d" " -f3 /proc/'$$'/stat)" = T ]; do :; done; kill -CONT '$$ & exec sh -c ` + program,
			goesOn: true},
		"by a command":        {script: `sh -c 'kill -STOP '$$; echo on; read -r x; echo "$x"`},
		"by a job":            {script: `sh -c 'kill -STOP '$$ & wait; echo on; read -r x; echo "$x"`},
		"by a terminal's key": {script: `set +m; sh -c 'kill -TSTP '$$; echo on; read -r x; echo "$x"`, leads: true},
		"continued by a job": {script: `sh -c 'kill -STOP '$$'; until [ "$(cut -d" " -f3 /proc/'$$'/stat)" = T ]; do :; done; kill -CONT '$$ & wait; echo on; read -r x; echo "$x"`,
			goesOn: true},
		"everybody": {script: `/bin/kill -STOP -1; echo on; read -r x; echo "$x"`, goesOn: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			cmd := exec.Command(fshBinary(t), "-c", test.script)
			cmd.Dir, cmd.Stderr, cmd.SysProcAttr = dir, os.Stderr, &syscall.SysProcAttr{
				Setsid: !test.leads, Setpgid: test.leads,
				Pdeathsig: syscall.SIGKILL, // a test that is killed leaves no stopped shell
			}
			cmd.Env = []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
			in, _ := cmd.StdinPipe()
			out, _ := cmd.StdoutPipe()
			runtime.LockOSThread() // Pdeathsig is of the thread
			defer runtime.UnlockOSThread()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill() // also after Fatal
			timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
			defer timer.Stop()
			if !test.goesOn {
				awaitState(t, cmd.Process.Pid, "T")
				cmd.Process.Signal(syscall.SIGCONT)
			}
			io.WriteString(in, "end\n")
			text, err := io.ReadAll(out)
			if string(text) != "on\nend\n" || err != nil {
				t.Errorf("output %q %v", text, err)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKilledShell: SIGKILL to $$ is the shell's end; a runner that dies of
// something else is replaced, under the same number.
func TestKilledShell(t *testing.T) {
	python := `import os, signal, sys
pid = int(sys.argv[1])
how = sys.argv[2]
if how == "pidfd": signal.pidfd_send_signal(os.pidfd_open(pid), 9)
elif how == "thread":
    import ctypes
    ctypes.CDLL(None).syscall(200, pid, 9)
`
	dir := home(t)
	if err := os.WriteFile(filepath.Join(dir, "k.py"), []byte(python), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		script string
		dies   bool
	}{
		{`kill -9 $$; echo lives`, true},
		{`/bin/kill -KILL $$; echo lives`, true},
		{`sh -c 'kill -9 $PPID'; echo lives`, true},
		{`sh -c 'kill -9 '$$ & wait; sleep 5; echo lives`, true},
		{`python3 ~/k.py $$ pidfd; echo lives`, true},
		{`(sh -c 'kill -9 '$$); echo lives`, true},
		{`cd /usr; /bin/kill -9 $$; echo lives`, true},
		{`kill -9 -1; echo lives`, false},
		{`/bin/kill -9 -1; echo lives`, false},
		{`/bin/kill -STOP -1; echo lives`, false},
		{`sh -c 'kill -STOP -1'; echo lives`, false},
		{`sh -c 'kill -9 999999'; echo lives`, false},
		{`sleep 60 & sh -c "kill -9 $!"; wait; echo lives`, false},
	} {
		t.Run(test.script, func(t *testing.T) {
			t.Parallel()
			for _, program := range []string{"python3", "/bin/kill"} {
				if strings.Contains(test.script, program) {
					require(t, program)
				}
			}
			script := `set +m; n=$$; ` + test.script + `; /bin/sh -c '[ "$PPID" = "$1" ] && echo same' sh $n`
			cmd := exec.Command(fshBinary(t), "-c", script)
			cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setsid: true}
			cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin"}
			timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
			defer timer.Stop()
			out, err := cmd.Output()
			ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
			switch {
			case test.dies && (!ws.Signaled() || ws.Signal() != syscall.SIGKILL || len(out) > 0):
				t.Errorf("%v, output %q", err, out)
			case !test.dies && (err != nil || string(out) != "lives\nsame\n"):
				t.Errorf("%v, output %q", err, out)
			}
		})
	}
}
