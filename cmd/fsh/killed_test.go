package main_test

import (
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// killedScript uses what a session has: processes in the foreground and the
// background, a job of the shell's own, private places, the network, files.
const killedScript = `
/bin/sleep 1000 & (while :; do /bin/sleep 1; done) &
for d in /tmp /var/tmp /dev/shm; do echo x >$d/${HOME##*/}; done; mkdir -p "$HOME/.cache/pip/x"; cd sub; : >made; cd ..
echo | nc -w 1 127.0.0.1 1 2>/dev/null
i=0; while [ "$i" -lt 20 ]; do /bin/true | /bin/cat; x=$(/bin/echo "$i"); i=$((i+1)); done
kill %1 %2; wait; rm -f sub/made
`

// TestKilledSessions: of many sessions, half of which are killed at a random
// moment, alone or with their process group, nothing is left: no process, no
// mount, no directory or file, no socket, no control group, and the tree is what it
// was. The number is FSH_TEST_SESSIONS; each takes a tenth of a second, and as
// many times longer as there are others for a processor.
func TestKilledSessions(t *testing.T) {
	sessions := 60
	if n, err := strconv.Atoi(os.Getenv("FSH_TEST_SESSIONS")); err == nil {
		sessions = n
	}
	binary, dir := fshBinary(t), home(t)
	project := filepath.Join(dir, "project")
	put(t, filepath.Join(project, "sub", "file"), "x", 0o644)
	rules := "version = 1\n[filesystem]\nallow_write = [\"" + project + "\"]\n" +
		"private_write = [\"~/.cache/pip\", \"~/.npm\"]\n[limits]\nopen_files = 256\n"
	put(t, filepath.Join(dir, "policy.toml"), rules+"processes = 500\n", 0o644)
	if fsh(t, dir, "--policy="+dir+"/policy.toml", "-c", "/bin/true").status == 125 { // no control groups here
		put(t, filepath.Join(dir, "policy.toml"), rules, 0o644)
	}
	run := killSessions(t, func() int { return startSession(t, binary, dir, project) })
	run(false)
	before, state := tree(t, dir), listing(t, filepath.Join(dir, ".local"))
	for i := range sessions {
		run(i%2 == 0)
	}
	run(false) // tidies up what killed keepers could not
	reap(t, -1)
	if after := tree(t, dir); after != before {
		t.Errorf("files: %s\nbefore: %s", after, before)
	}
	if after := listing(t, filepath.Join(dir, ".local")); after != state {
		t.Errorf("state: %s\nbefore: %s", after, state)
	}
	if left := traces(t, dir); len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

// killSessions gives what runs one session, and kills it on request. What is left of
// one becomes a child of this process.
func killSessions(t *testing.T, start func() (pid int)) func(kill bool) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewSource(seed))
	return func(kill bool) {
		p := start()
		if kill {
			// No synchronisation: any moment is as good.
			time.Sleep(time.Duration(random.Int63n(int64(120 * time.Millisecond))))
			target := p
			if random.Intn(2) == 0 {
				target = -p
			}
			if err := syscall.Kill(target, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		ws := reap(t, p)
		if !kill && ws.ExitStatus() != 0 {
			t.Fatalf("a session that nobody killed: %#x", ws)
		}
	}
}

// looseScript leaves processes that no session without a pid namespace finds by
// their parents or groups.
const looseScript = `
/bin/sleep 1000 & (while :; do /bin/sleep 1; done) & setsid sh -c '(sleep 1000 &) ; setsid sleep 1000 & sleep 1000' &
echo x >"$TMPDIR/x"; echo | nc -w 1 127.0.0.1 1 2>/dev/null
i=0; while [ "$i" -lt 20 ]; do /bin/true | /bin/cat; x=$(/bin/echo "$i"); i=$((i+1)); done
kill %1 %2; exit 0`

// TestKilledSessionsWithoutNamespaces: no process is left, and nothing but
// directories for temporary files, which sessions remove a minute later.
func TestKilledSessionsWithoutNamespaces(t *testing.T) {
	dir := home(t)
	run := killSessions(t, func() int {
		cmd := withoutNamespaces(t, "-c", looseScript)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd.Process.Pid
	})
	run(false)
	state := filepath.Join(dir, ".local", "state", "fsh", "tmp")
	if list, err := os.ReadDir(state); err == nil {
		t.Errorf("left by a session that ended: %v", list)
	}
	before := tree(t, dir)
	for i := range 40 {
		run(i%2 == 0)
	}
	reap(t, -1)
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("files: %s\nbefore: %s", after, before)
	}
	if left := traces(t, dir); len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

func startSession(t *testing.T, binary, dir, project string) (pid int) {
	t.Helper()
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	pid, err = syscall.ForkExec(binary, []string{"fsh", "--policy=" + dir + "/policy.toml", "-c", killedScript}, &syscall.ProcAttr{
		Dir: project, Env: []string{"HOME=" + dir, "PATH=/usr/bin:/bin"},
		Files: []uintptr{null.Fd(), null.Fd(), os.Stderr.Fd()}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// reap waits for one process, or for every one there is if pid is -1.
func reap(t *testing.T, pid int) (ws syscall.WaitStatus) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		got, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		switch {
		case err == syscall.ECHILD && pid < 0:
			return 0
		case err != nil && err != syscall.EINTR:
			t.Fatalf("wait: %v", err)
		case got == pid:
			return ws
		case got > 0 || err == syscall.EINTR:
		case time.Now().After(deadline):
			out, _ := exec.Command("ps", "-eo", "pid,ppid,pgid,stat,args").Output()
			t.Fatalf("processes that do not end, of %d:\n%s", os.Getpid(), out)
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

// listing is the names of a tree.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var list []string
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		list = append(list, strings.TrimPrefix(path, dir))
		return err
	})
	return strings.Join(list, "\n")
}

// traces looks in the tables of the kernel for what sessions make.
func traces(t *testing.T, dir string) (left []string) {
	t.Helper()
	for _, table := range []string{"/proc/self/mountinfo", "/proc/net/unix"} {
		text, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, dir) {
				left = append(left, table+": "+line)
			}
		}
	}
	for _, place := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		if name := filepath.Join(place, filepath.Base(dir)); name != dir {
			if _, err := os.Lstat(name); err == nil {
				left = append(left, name)
			}
		}
	}
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d os.DirEntry, err error) error {
		if number, ours := strings.CutPrefix(filepath.Base(path), "fsh-"); ours && d.IsDir() {
			pid, _, _ := strings.Cut(number, ".")
			if n, err := strconv.Atoi(pid); err == nil && syscall.Kill(n, 0) == syscall.ESRCH {
				left = append(left, path)
			}
		}
		return nil
	})
	return left
}
