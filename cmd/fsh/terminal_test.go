package main_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a shell on a pseudo terminal.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	tty  *os.File
	mu   sync.Mutex
	more sync.Cond
	text []byte // not yet expected
	all  bytes.Buffer
	over bool
}

const terminalPatience = 20 * time.Second

func openTerminal(t *testing.T, argv ...string) *terminal {
	t.Helper()
	return openTerminalIn(t, t.TempDir(), t.TempDir(), "PATH=/usr/bin:/bin", argv...)
}

func openTerminalIn(t *testing.T, home, dir, path string, argv ...string) *terminal {
	t.Helper()
	term := &terminal{t: t, cmd: exec.Command(argv[0], argv[1:]...)}
	term.more.L = &term.mu
	term.cmd.Dir = dir
	term.cmd.Env = []string{path, "HOME=" + home, "TERM=dumb", "PS1=ps1> ", "PS2=ps2> ", "LC_ALL=C", "HISTFILE=/dev/null"}
	tty, err := pty.Start(term.cmd)
	if err != nil {
		t.Fatal(err)
	}
	term.tty = tty
	go term.read()
	t.Cleanup(func() {
		_ = syscall.Kill(term.cmd.Process.Pid, syscall.SIGKILL)
		tty.Close()
		_, _ = term.cmd.Process.Wait()
	})
	return term
}

func (term *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := term.tty.Read(buf)
		term.mu.Lock()
		term.text = append(term.text, buf[:n]...)
		term.all.Write(buf[:n])
		term.over = err != nil
		term.more.Broadcast()
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// expect waits until the output matches and drops it up to the end of that.
func (term *terminal) expect(pattern string) {
	term.t.Helper()
	term.until(pattern)
}

// peek is the output that nothing was expected of.
func (term *terminal) peek() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return string(term.text)
}

// until is expect, and returns what it drops.
func (term *terminal) until(pattern string) string {
	term.t.Helper()
	re := regexp.MustCompile(pattern)
	late := false
	timer := time.AfterFunc(terminalPatience, func() {
		term.mu.Lock()
		late = true
		term.more.Broadcast()
		term.mu.Unlock()
	})
	defer timer.Stop()
	term.mu.Lock()
	defer term.mu.Unlock()
	for {
		if at := re.FindIndex(term.text); at != nil {
			dropped := string(term.text[:at[1]])
			term.text = term.text[at[1]:]
			return dropped
		}
		if late || term.over {
			all := term.all.String()
			term.t.Fatalf("no %q (end: %v) in\n%s", pattern, term.over, all[max(0, len(all)-4096):])
		}
		term.more.Wait()
	}
}

func (term *terminal) send(text string) {
	term.t.Helper()
	if _, err := io.WriteString(term.tty, text); err != nil {
		term.t.Fatal(err)
	}
}

// ends waits for the end of the shell and returns its status.
func (term *terminal) ends() syscall.WaitStatus {
	term.t.Helper()
	timer := time.AfterFunc(terminalPatience, func() { _ = syscall.Kill(term.cmd.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	state, err := term.cmd.Process.Wait()
	if err != nil {
		term.t.Fatal(err)
	}
	return state.Sys().(syscall.WaitStatus)
}

// conversations are what is typed at the prompt and what is to come, in turn:
// lines that start with < are typed, those with > are expected.

var conversations = map[string]string{
	"a program": `
<sh -c 'echo rea""dy; exec sleep 60'
>ready
<^Z
>\[1\] \+ Stopped +sh -c .*\n.*ps1>
<echo $?
>\n148
<jobs -p | wc -l
>[^0-9]1\r
<fg; echo not this
>sh -c .*\n
<^C
>\n.*ps1>
<echo st=$?
>st=130`,
	"a program as it was typed": `
<x=1 sh -c 'echo rea""dy; exec sleep 60' "$((50+9))" 2>/dev/null
>ready
<^Z
>Stopped +x=1 sh -c .* "\$\(\(50 ?\+ ?9\)\)" 2>/dev/null\r\n.*ps1>
<kill %?x=1; jobs`,
	"a line given up": `
<echo no^C
>\^C\r\n.*ps1>
<if true
>ps2>
<^C
>\r\n.*ps1>
<echo st=$?
>st=130\r\n.*ps1>
<echo first; sh -c 'kill -INT $$'; echo second
>\nfirst\r\n(.*\n)?.*ps1>
<echo third
>^[^s]*\nthird`,
	"syntax errors": `
<echo )
>unexpected
>ps1>
<echo "$(
>ps2>
<^D
>unterminated|unexpected
>ps1>
<echo alive
>\nalive`,
	"a loop of builtins in a subshell": `
<(echo rea""dy; while :; do i=$((i+1)); done)
>ready
<^Z
>Stopped +\(echo
>ps1>
<bg
>\[1\] \(echo
<jobs
>Running +\(echo
<fg
>\(echo .*\n
<^C
>ps1>
<echo st=$?
>st=130`,
	"a loop of builtins at the prompt": `
<i=0; echo rea""dy; while :; do i=$((i+1)); done; echo not this
>ready
<^C
>ps1>
<echo st=$?
>st=130`,
	"a loop is left with its step": `
<for i in 1 2 3; do sh -c 'echo rea""dy; exec sleep 60'; echo not this; done; echo after=$?
>ready
<^Z
>Stopped
>\nafter=148
>ps1>
<kill -KILL %1; wait %1; for i in 1 2; do while :; do (echo rea""dy; while :; do :; done); done; echo not this; done; echo after=$?
>ready
<^Z
>Stopped
>\nafter=148
>ps1>
<jobs -p | wc -l
>[^0-9]1\r
<f() { sh -c 'echo rea""dy; exec sleep 60'; echo in=$?; }; f; echo "li"st=$?
>ready
<^Z
>Stopped
>\nin=148
>\nlist=0`,
	"a loop of builtins is not stopped": `
<i=0; echo rea""dy; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo "d"one=$i
>ready
<^Z
>done=300000
>ps1>
<jobs -p | wc -l
>[^0-9]0\r`,
	"signals while waiting": `
<trap 'echo "tra"pped' USR1; (sleep 0.3; kill -USR1 $$) & sleep 60 & wait; echo st=$?
>\ntrapped
>\nst=138
>ps1>
<echo rea""dy; wait; echo not this
>ready
<^C
>ps1>
<echo st=$?
>st=130`,
	"an orphaned group": `
<sh -c '(sleep 0.3; read x </dev/tty; echo "e"io=$?) &'
>ps1>
>eio=[12]`,
	"a pipeline of builtins": `
<while echo x; do :; done | (echo rea""dy; while read x; do :; done)
>ready
<^Z
>Stopped +while
>ps1>
<kill %1; wait %1; echo st=$?
>st=143`,
	"a pipeline that mixes both": `
<while echo x; do :; done | { sh -c 'echo rea""dy >&2; exec cat >/dev/null'; } | { read y; sleep 60; }
>ready
<^Z
>Stopped +while
>ps1>
<fg %while
>while .*\n
<^C
>ps1>
<echo st=$?
>st=130`,
	"a pipeline of programs": `
<sh -c 'echo rea""dy; exec sleep 60' | cat | cat
>ready
<^Z
>Stopped +sh -c
>ps1>
<bg; jobs
>Running +sh -c
>ps1>
<fg
>sh -c .*\n
<^C
>ps1>`,
	"a function": `
<f() { sh -c 'echo rea""dy; exec sleep 60'; }; f
>ready
<^Z
>Stopped
>ps1>
<kill -s KILL %+; wait %+; echo st=$?
>st=137`,
	"a substitution": `
<x=$(sh -c 'echo rea""dy >&2; read l; echo "$l"'); echo "x=$x"
>ready
<^Z
<line
>\nx=line
<x=$(echo rea""dy >&2; while :; do :; done); echo not this
>ready
<^C
>ps1>
<echo st=$?
>st=130`,
	"reading in a job": `
<(echo rea""dy; read a; echo "got $a")
>ready
<one
>\ngot one
<ls / | (read x; echo rea""dy; read y </dev/tty; echo "y=$y"; cat >/dev/null)
>ready
<two
>\ny=two
<(echo rea""dy; read a; echo "got $a")
>ready
<^Z
>Stopped
>ps1>
<fg
>\(echo .*\n
<three
>\ngot three`,
	"reading in the background": `
<{ read a; echo "got $a"; } &
>\[1\] [0-9]+
>ps1>
<sleep 0.1; jobs
>Stopped\(SIGTTIN\)
>ps1>
<fg
>read a.*\n
<four
>\ngot four
<cat &
>\[1\] [0-9]+
<sleep 0.1; jobs
>Stopped\(SIGTTIN\)
<fg
>cat\r\n
<five
>five\r\n(.*\n)*.*five
<^D
>ps1>`,
	"writing in the background": `
<stty tostop; (echo from the back) &
>\[1\] [0-9]+
<sleep 0.1; jobs
>Stopped\(SIGTTOU\)
<fg
>\nfrom the back
>ps1>
<stty -tostop; (echo "n"ow at once) & wait
>\nnow at once`,
	"leaving with stopped jobs": `
<sh -c 'echo rea""dy; exec sleep 60'
>ready
<^Z
>Stopped
>ps1>
<^D
>You have stopped jobs\.
>ps1>
<exit 0
!0`,
	"leaving after another command": `
<sh -c 'echo rea""dy; exec sleep 60'
>ready
<^Z
>Stopped
>ps1>
<exit
>You have stopped jobs\.
>ps1>
<:
>ps1>
<exit
>You have stopped jobs\.
>ps1>
<exit 3
!3`,
	"end of input": `
<set -o ignoreeof
>ps1>
<^D
>Use "exit"
<set +o ignoreeof; false
>ps1>
<^D
!1`,
	"job numbers": `
<sleep 60 & sleep 61 &
>\[2\] [0-9]+
<jobs
>\[1\] - Running +sleep 60
>\[2\] \+ Running +sleep 61
<kill %sleep
>ambiguous
<kill %?61; kill %1; wait
>ps1>
<jobs; jobs
>ps1>
<true & wait %%; echo st=$?
>st=0`,
	"notices": `
<sh -c 'exit 3' & wait $!
>\[1\] [0-9]+
<sleep 0.2; sh -c 'kill -TERM $$' & sleep 0.1; echo "pro"mpt
>prompt\r\n(.*\n)*\[1\] \+ Terminated +sh -c
<set -b; sleep 0.3 & 
>\[1\] [0-9]+
>\[1\] \+ Done +sleep 0.3`,
	"death by signal": `
<sh -c 'kill -SEGV $$'; echo st=$?
>Segmentation fault(.*\n)+st=139
<sh -c 'kill -PIPE $$'; echo st=$?
>st=141
<yes | head -n 1 >/dev/null; sh -c 'trap "" PIPE; exec true'; echo "do"ne
>done`,
	"history": `
<echo one
>\none\r
<for i in 1
>ps2>
<do echo "t"wo; done
>\ntwo\r
<fc -l
>1\techo one\r\n2\tfor i in 1\r\n\tdo echo "t"wo; done\r\n
<fc -s one=three echo
>echo three\r\nthree\r
<fc -ln -1
>\techo three\r
<fc -e true 1
>echo one\r\none\r
<FCEDIT='sed -i s/one/four/' fc 1
>echo four\r\nfour\r
<fc -l 100
>ps1>`,
	"modes of the terminal": `
<stty -echo; sh -c 'stty raw; kill -STOP $$; stty -a | grep -o -e "-icanon"; stty cooked'
>Stopped
>ps1>
<stty -a | grep -o -w icanon
>icanon
<fg
>-icanon
<stty echo
>ps1>`,
	"signals to the shell": `
<kill $$; kill -QUIT $$; sh -c 'kill $PPID'; echo "ali"ve
>alive
<kill -s USR1 $$
!U`,
	"traps": `
<trap 'echo "tra"pped' INT
>ps1>
<sh -c 'echo rea""dy; exec sleep 60'; echo "ne"xt
>ready
<^C
>trapped
>ps1>
<trap - INT; trap 'echo "b"ye' EXIT; exit 5
>\nbye
!5`,
	"a shell inside": `
<bash --norc --noprofile -i
>ps1>
<sh -c 'echo rea""dy; exec sleep 60'
>ready
<^C
>ps1>
<sh -c 'echo rea""dy; exec sleep 60'
>ready
<^Z
>Stopped
>ps1>
<exit
>stopped jobs
>ps1>
<exit
>exit\r\n
>ps1>
<echo ba""ck
>back`,
	"less and vim inside": `
<printf 'text in %s\n' less | TERM=ansi less
>text in less
<q
>ps1>
<TERM=ansi vim -u NONE -N -c 'call setline(1, "in" . " vim")'
>in vim
<^Z
>Stopped
>ps1>
<fg
>in vim
<:q!
>ps1>
<echo ba""ck
>\nback`,
	"job control off": `
<set +m; sleep 0.1 & fg
>no job control
<sh -c 'echo rea""dy; exec sleep 60'
>ready
<^C
>ps1>
<echo st=$?
>st=130`,
}

// TestConversations holds them with and without a sandbox.
func TestConversations(t *testing.T) {
	fsh := fshBinary(t)
	for name, text := range conversations {
		for kind, argv := range map[string][]string{"sandboxed": {fsh}, "plain": {fsh, "--unsafe-no-sandbox"}} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				for _, need := range []string{"bash", "less", "vim"} {
					if strings.Contains(name, need) {
						require(t, need)
					}
				}
				converse(t, openTerminal(t, argv...), text)
			})
		}
	}
}

func converse(t *testing.T, term *terminal, text string) {
	t.Helper()
	term.expect("ps1> ")
	for _, line := range strings.Split(strings.TrimPrefix(text, "\n"), "\n") {
		arg := line[1:]
		switch line[0] {
		case '<':
			end := "\r"
			for key, code := range map[string]string{"^C": "\x03", "^Z": "\x1a", "^D": "\x04"} {
				if strings.HasSuffix(arg, key) {
					arg, end = strings.TrimSuffix(arg, key)+code, ""
				}
			}
			if arg == "q" {
				end = ""
			}
			term.send(arg + end)
		case '>':
			term.expect(arg)
		case '!':
			ws := term.ends()
			if arg == "U" && ws.Signaled() && ws.Signal() == syscall.SIGUSR1 {
				return
			}
			if !ws.Exited() || string(rune('0'+ws.ExitStatus())) != arg {
				t.Fatalf("ended with %#x, want %s\n%s", ws, arg, term.all.String())
			}
			return
		}
	}
	// A job that is left is not to keep the shell.
	term.send("\r")
	term.expect("ps1>")
	term.send("exit 7\rexit 7\r")
	if ws := term.ends(); ws.ExitStatus() != 7 {
		t.Errorf("ended with %#x\n%s", ws, term.all.String())
	}
}

// TestHangUp ends an interactive shell by SIGHUP: its jobs are told, those that
// are stopped as well.
func TestHangUp(t *testing.T) {
	term := openTerminal(t, fshBinary(t), "--unsafe-no-sandbox")
	term.expect("ps1> ")
	// Not stopped between vfork and exec: its parent could not stop then.
	term.send(`hup='trap "echo hup >$HUPTO; exit" HUP; sh -c "echo ready; exec sleep 60"; :'` + "\r")
	term.expect("ready.*\r\n.*ps1> ")
	term.send(`HUPTO=one sh -c "$hup" &` + "\r")
	term.expect("ready")
	term.send("\r")
	term.expect("ps1> ")
	term.send(`HUPTO=two sh -c "$hup"` + "\r")
	term.expect("ready")
	term.send("\x1a")
	term.expect("Stopped")
	term.expect("ps1> ")
	_ = syscall.Kill(term.cmd.Process.Pid, syscall.SIGHUP)
	if ws := term.ends(); !ws.Signaled() || ws.Signal() != syscall.SIGHUP {
		t.Errorf("ended with %#x", ws)
	}
	for _, name := range []string{"one", "two"} {
		for end := time.Now().Add(terminalPatience); ; time.Sleep(10 * time.Millisecond) {
			if text, err := os.ReadFile(term.cmd.Dir + "/" + name); err == nil && string(text) == "hup\n" {
				break
			} else if time.Now().After(end) {
				t.Errorf("%s: %q %v", name, text, err)
				break
			}
		}
	}
}
