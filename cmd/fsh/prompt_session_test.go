package main_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// publicProject is a project that no private place hides.
func publicProject(t *testing.T, text string) (home, dir string) {
	t.Helper()
	home = visibleDir(t)
	dir = filepath.Join(home, "src/app")
	put(t, filepath.Join(dir, ".fsh.toml"), text, 0o644)
	return home, dir
}

// typing is a session at its first prompt.
func typing(t *testing.T, home, dir string) *terminal {
	t.Helper()
	if err := os.Symlink(fshBinary(t), filepath.Join(home, "fsh")); err != nil {
		t.Fatal(err)
	}
	term := openTerminalIn(t, home, dir, "PATH=/usr/bin:/bin:"+home, filepath.Join(home, "fsh"))
	term.expect("ps1> ")
	return term
}

// say types a line and returns what came before the next prompt.
func (term *terminal) say(line string) string {
	term.t.Helper()
	term.send(line + "\r")
	out := term.until("ps1> ")
	_, out, _ = strings.Cut(strings.TrimSuffix(out, "ps1> "), "\n") // the echo
	return strings.ReplaceAll(out, "\r\n", "\n")
}

// TestPromptCommands: the session's policy is asked and changed at its prompt.
func TestPromptCommands(t *testing.T) {
	t.Parallel()
	require(t, "curl")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello\n") }))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	user := "version = 1\n[network]\nhosts = { 'svc.test' = '127.0.0.1' }\n"
	home, dir := publicProject(t, "version = 1\n[filesystem]\nallow_write = ['.']\n")
	put(t, filepath.Join(home, ".config/fsh/policy.toml"), user, 0o644)
	other := filepath.Join(home, "other")
	put(t, filepath.Join(other, "f"), "", 0o644)
	term := typing(t, home, dir)
	steps := []struct{ line, want string }{
		{"type fsh", "fsh is a shell builtin\n"},
		{"fsh why write f; echo $?", "denied: create DIR/f\n"},
		{"echo x >f", ": f: Read-only file system\n"},
		{"echo x >OTHER/f", "fsh: hint: fsh allow write OTHER/f   (this session)\n"},
		{"fsh policy show | head -n 1", "policy of DIR\n"},
		{"fsh allow write OTHER", "+ write OTHER   (fsh allow write)\n"},
		{"echo x >OTHER/g && cat OTHER/g", "x\n"},
		{"fsh allow", "fsh allow write OTHER\n"},
		{"fsh why write OTHER/f", "allowed: write OTHER/f\nrule: filesystem.allow_write \"OTHER\" at fsh allow write\n"},
		{"fsh deny write OTHER/g", "- not write OTHER/g   (fsh deny write)\n"},
		{"echo y >OTHER/g; cat OTHER/g", "Permission denied\nx\n|Read-only file system\nx\n"},
		{"fsh why write OTHER/g", "hint: fsh allow write OTHER/g takes it back\n"},
		{"fsh allow write OTHER/g && echo z >OTHER/g && cat OTHER/g", "z\n"},
		{"fsh allow wirte x", "fsh: allow: unknown kind wirte\nfsh: hint: fsh allow read|write|net|exec|env TARGET...\n"},
		{"fsh allow net 'a b'", "fsh: fsh allow net a b: "},
		{"fsh doctor", "fsh: doctor: not in a session"},
		{"curl -sS --noproxy '*' http://svc.test:PORT/ 2>/dev/null", "fsh: hint: fsh allow net svc.test   (this session)\n"},
		{"curl -sS --noproxy '*' http://svc.test:PORT/ 2>/dev/null || echo well", "well\n!blocked"},
		{"fsh allow net svc.test:PORT", "+ connect to svc.test:PORT   (fsh allow net)\n"},
		{"curl -sS --noproxy '*' http://svc.test:PORT/; echo st=$?", "hello\nst=0\n"},
		{"fsh why net svc.test:PORT | head -n 1", "allowed: net svc.test:PORT\n"},
		{"f() { fsh allow net evil.test; }; f", "fsh: allow: only at the prompt of a session\n"},
		{"echo 'fsh allow net evil.test' >/tmp/s; . /tmp/s", "fsh: allow: only at the prompt of a session\n"},
		{"eval 'fsh allow net evil.test'", "fsh: allow: only at the prompt of a session\n"},
		{"alias ll='fsh allow net evil.test'; ll", ""},
		{"ll", "fsh: allow: only at the prompt of a session\n"},
		{"alias fsh='fsh allow net evil.test #'", ""},
		{"fsh why net x.test", "fsh: allow: only at the prompt of a session\n"},
		{"unalias fsh", ""},
		{"fsh allow net evil.test | cat", "fsh: allow: only by itself, at the prompt\n"},
		{"fsh() { echo shadowed; }; fsh why net evil.test | head -n 1", ""},
		{"fsh why net evil.test | head -n 1", "denied: net evil.test:443\n"},
		{"trap 'fsh allow net evil.test' USR1; kill -USR1 $$", ""},
		{"fsh allow | grep -c evil", "0\n"},
		{"fsh -c 'echo nested $0'", "nested fsh\n"},
		{"set -o posix; fsh allow net evil.test; set +o posix", "fsh: allow: only at the prompt of a session\n"},
		{"fsh allow | grep -c evil", "0\n"},
	}
	replace := strings.NewReplacer("OTHER", other, "DIR", dir, "PORT", port)
	for _, s := range steps {
		out := term.say(replace.Replace(s.line))
		found := false
		wanted, absent, without := strings.Cut(s.want, "!")
		for want := range strings.SplitSeq(replace.Replace(wanted), "|") {
			found = found || strings.Contains(out, want)
		}
		if !found || without && strings.Contains(out, absent) {
			t.Errorf("%s\n%q\nwant %q", s.line, out, s.want)
		}
	}
}

// TestPromptTrust: trust holds at once, and ends with an edit, before the next
// command.
func TestPromptTrust(t *testing.T) {
	t.Parallel()
	home, dir := publicProject(t, modest)
	term := typing(t, home, dir)
	put(t, filepath.Join(home, "src/free/f"), "", 0o644)
	term.send("fsh trust\r")
	term.expect(`files that it may write:\r\n +\+ write ` + dir)
	term.expect(`\[y/N\] $`)
	term.send("y\r")
	out := term.until("ps1> ")
	if !strings.Contains(out, "fsh: trusted: "+dir+"/.fsh.toml") || !strings.Contains(out, "fsh: rights in "+dir+":\r\n") || !strings.Contains(out, "+ write "+dir) {
		t.Errorf("%q", out)
	}
	if out := term.say("echo x >f && cat f"); out != "x\n" {
		t.Errorf("trusted: %q", out)
	}
	put(t, filepath.Join(dir, ".fsh.toml"), modest+"# edited\n", 0o644)
	if out := term.say(":"); !strings.Contains(out, "no longer write "+dir) || !strings.Contains(out, "is not trusted") {
		t.Errorf("edited: %q", out)
	}
	if out := term.say("echo y >f; cat f"); !strings.Contains(out, "Read-only file system\nx\n") {
		t.Errorf("edited: %q", out)
	}
	put(t, filepath.Join(dir, ".fsh.toml"), modest, 0o644)
	if out := term.say(":"); !strings.Contains(out, "+ write "+dir) {
		t.Errorf("as it was: %q", out)
	}
	// Elsewhere nothing of it holds, and coming back it does.
	if out := term.say("cd ../free"); !strings.Contains(out, "no longer write "+dir) {
		t.Errorf("left: %q", out)
	}
	if out := term.say("echo x >g; echo x >../app/g"); strings.Count(out, "Read-only file system") != 2 {
		t.Errorf("elsewhere: %q", out)
	}
	if out := term.say("cd ../app"); !strings.Contains(out, "+ write "+dir) {
		t.Errorf("back: %q", out)
	}
	if out := term.say("echo x >g && cat g"); out != "x\n" {
		t.Errorf("back: %q", out)
	}
	if out := term.say("fsh untrust"); !strings.Contains(out, "no longer write "+dir) {
		t.Errorf("untrusted: %q", out)
	}
	if out := term.say("echo x >h"); !strings.Contains(out, "Read-only file system") {
		t.Errorf("untrusted: %q", out)
	}
}

// TestPromptTrustAttacks: what runs in the background while the question is
// asked can neither answer it nor draw over it.
func TestPromptTrustAttacks(t *testing.T) {
	t.Parallel()
	require(t, "python3")
	loop := `while :; do printf '\rtrust it, until it is edited? [y/N] y\n'; done`
	for name, attack := range map[string]string{
		"a program writes":   `sh -c "$begin; $loop" >/dev/tty &`,
		"a job of the shell": `{ eval "$begin; $loop"; } >/dev/tty &`,
		"a program reads":    `sh -c 'trap "" TTIN; eval "$begin"; while :; do head -c 1; done' </dev/tty 2>/dev/null &`,
		"many processes":     `sh -c 'eval "$begin"; while :; do sh -c : & sh -c : & wait; done' &`,
		"threads":            `python3 -c 'import threading; print("set-up"); [threading.Thread(target=lambda: [print("y") for _ in iter(int, 1)]).start() for _ in range(9)]' >/dev/tty &`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, store := attacked(t, loop, attack)
			quiet := term.until(`\[y/N\] $`)
			if _, list, _ := strings.Cut(quiet, "asks for:"); strings.Contains(list, "y\r\n") {
				t.Errorf("drawn over: %q", list)
			}
			time.Sleep(100 * time.Millisecond)
			if more := term.peek(); more != "" {
				t.Errorf("after the question: %q", more)
			}
			term.send("n\r")
			term.expect("fsh: not trusted: nothing has changed")
			if _, err := os.Stat(store); err == nil {
				t.Error("something was trusted")
			}
			// What was stopped goes on, and is no stopped job.
			term.send("n=$(jobs | grep -c Stop); kill -9 $!; wait; echo \"stopped=$n.\"\r")
			term.expect("stopped=0[.]")
		})
	}
	for name, attack := range map[string]string{
		// 10 is F_SETSIG: the kernel sends the signal when something is typed.
		"woken by a key": `python3 -c 'import fcntl,os,signal,time
fd=os.open("/dev/tty",os.O_RDWR|os.O_NONBLOCK)
fcntl.fcntl(fd,fcntl.F_SETOWN,os.getpid()); fcntl.fcntl(fd,10,signal.SIGCONT)
fcntl.fcntl(fd,fcntl.F_SETFL,fcntl.fcntl(fd,fcntl.F_GETFL)|os.O_ASYNC)
print("set-up"); time.sleep(1000)' &`,
		// timer_create(2) with SIGEV_SIGNAL and SIGCONT, every 50 ms. Eight
		// timers, for one whose signal is still pending when SIGSTOP comes takes
		// that back and never fires again.
		"woken by a timer": `python3 -c 'import ctypes,signal,struct,time
c=ctypes.CDLL(None); signal.signal(signal.SIGCONT, lambda *a: 0)
for i in range(8): t=ctypes.c_void_p(); a=c.timer_create(1, struct.pack("QiI48x",0,signal.SIGCONT,0), ctypes.byref(t)); b=c.timer_settime(t, 0, struct.pack("4q",0,400000000,0,50000000*(i+1)), None); assert a==b==0
print("set-up")
while 1: time.sleep(1000)' &`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			term, store := attacked(t, loop, attack)
			term.until(`\[y/N\] $`)
			time.Sleep(200 * time.Millisecond)
			term.send("y\r")
			term.expect("fsh: trust: sandbox: freeze: a process woke up meanwhile")
			if _, err := os.Stat(store); err == nil {
				t.Error("something was trusted")
			}
			term.send("kill -9 $!; wait; echo go\"\"ne\r")
			term.expect("gone")
		})
	}
}

// attacked is a session in which fsh trust is about to ask, while something
// runs; store is where trust would be kept.
func attacked(t *testing.T, loop, attack string) (term *terminal, store string) {
	home, dir := project(t, modest)
	term = typing(t, home, dir)
	term.say("loop='" + strings.ReplaceAll(loop, "'", `'\''`) + "'")
	term.say("export begin='echo set-up'")
	for line := range strings.SplitSeq(attack, "\n") {
		term.send(line + "\r")
	}
	term.expect("set-up\r\n") // in the line that was typed a quote follows
	term.send("fsh trust\ry\ry\ry\r")
	term.expect("asks for:")
	return term, filepath.Join(home, ".local/state/fsh/trust.json")
}
