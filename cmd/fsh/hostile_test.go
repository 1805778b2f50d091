package main_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestHostileSetUp: whatever is wrong around fsh, it either works or ends
// with 125 and says what is wrong. It never hangs and never runs unconfined.
func TestHostileSetUp(t *testing.T) {
	dir := home(t)
	odd := filepath.Join(dir, "odd")
	for _, d := range []string{odd + "/dir", dir + "/gone", dir + "/readonly"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(syscall.Mkfifo(odd+"/fifo", 0o644), os.Symlink("loop", odd+"/loop"), os.Chmod(dir+"/readonly", 0o500),
		os.WriteFile(odd+"/unreadable", nil, 0), os.WriteFile(odd+"/huge", bytes.Repeat([]byte("# padding\n"), 1<<19), 0o644),
		os.WriteFile(odd+"/empty", nil, 0o644), os.WriteFile(odd+"/garbage", []byte("\x00\xff"), 0o644)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", odd+"/sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const works = "cat /etc/hostname >/dev/null && cat .ssh/id_ed25519; echo works"
	tests := []struct {
		name   string
		args   []string
		home   string // "-": none
		limit  string // an option of ulimit and its value
		status int
		says   string // in standard error
	}{
		{"all is well", nil, dir, "", 0, "Permission denied"},
		{"no HOME", nil, "-", "", 0, ""},
		{"relative HOME", nil, "relative", "", 0, ""},
		{"HOME is absent", nil, dir + "/absent/home", "", 0, "caches are not kept"},
		{"HOME is a file", nil, odd + "/empty", "", 0, ""},
		{"HOME cannot be written", nil, dir + "/readonly", "", 0, ""},
		{"policy is a fifo", []string{"--policy=odd/fifo"}, dir, "", 125, "not a regular file"},
		{"policy is a socket", []string{"--policy=odd/sock"}, dir, "", 125, "odd/sock"},
		{"policy is a loop", []string{"--policy=odd/loop"}, dir, "", 125, "too many levels"},
		{"policy is a directory", []string{"--policy=odd/dir"}, dir, "", 125, "is a directory"},
		{"policy is absent", []string{"--policy=odd/absent"}, dir, "", 125, "no such file"},
		{"policy is garbage", []string{"--policy=odd/garbage"}, dir, "", 125, "garbage:1:1"},
		{"rule about a fifo", []string{"--deny-read=odd/fifo", "--allow-write=odd"}, dir, "", 0, ""},
		{"write to a fifo allowed", []string{"--allow-write=odd/fifo"}, dir, "", 0, ""},
		{"rule about a loop", []string{"--deny-read=odd/loop", "--allow-write=odd"}, dir, "", 0, ""},
		{"write to a loop allowed", []string{"--allow-write=odd/loop"}, dir, "", 125, "odd/loop"},
		{"rule about a socket", []string{"--deny-read=odd/sock", "--allow-write=odd"}, dir, "", 0, ""},
		{"policy cannot be read", []string{"--policy=odd/unreadable"}, dir, "", unlessRoot(125), rootSays("", "permission denied")},
		{"policy is a device", []string{"--policy=/dev/zero"}, dir, "", 125, "not a regular file"},
		{"policy is huge", []string{"--policy=odd/huge"}, dir, "", 125, "odd/huge"},
		{"6 open files", nil, dir, "-n 6", 125, "too many open files"},
		{"8 open files", nil, dir, "-n 8", 125, "too many open files"},
		{"10 open files", nil, dir, "-n 10", 125, "ulimit -n"},
		{"16 open files", nil, dir, "-n 16", 125, "64 are needed"},
		{"20 open files", nil, dir, "-n 20", 125, "64 are needed"},
		{"30 open files", nil, dir, "-n 30", 125, "64 are needed"},
		{"63 open files", nil, dir, "-n 63", 125, "64 are needed"},
		{"128 open files", nil, dir, "-n 128", 0, "Permission denied"},
		{"little address space", nil, dir, "-v 818000", 125, "ulimit -v"},
		{"enough address space", nil, dir, "-v 1500000", 0, "Permission denied"},
		{"little memory", nil, dir, "-d 80000", 125, "ulimit -d"},
		{"enough memory", nil, dir, "-d 400000", 0, "Permission denied"},
		{"no file may have a byte", nil, dir, "-f 0", 125, "ulimit -f"},
		{"files of one block", nil, dir, "-f 1", 0, "Permission denied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			argv := append(append([]string{fshBinary(t)}, test.args...), "-c", works)
			if test.limit != "" {
				argv = append([]string{"/bin/sh", "-c", `ulimit ` + test.limit + `; exec "$@"`, "sh"}, argv...)
			}
			env := []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
			if test.home != "-" {
				env = append(env, "HOME="+test.home)
			}
			status, stdout, stderr := runIn(t, dir, env, argv)
			if status != test.status || !strings.Contains(stderr, test.says) || (status == 0) != strings.HasSuffix(stdout, "works\n") {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
			if test.home == dir && strings.Contains(stdout, "t0psecret") {
				t.Errorf("unconfined: %q", stdout)
			}
			if status == 125 && !strings.HasPrefix(stderr, "fsh: ") {
				t.Errorf("no reason: %q", stderr)
			}
		})
	}
	if _, err := os.Lstat(dir + "/absent"); err == nil {
		t.Error("a home was made")
	}
	t.Run("no working directory", func(t *testing.T) {
		status, _, stderr := runIn(t, dir+"/gone", []string{"HOME=" + dir, "PATH=/usr/bin:/bin"},
			[]string{"/bin/sh", "-c", `rmdir ../gone; exec "$0" -c 'echo x'`, fshBinary(t)})
		if status != 125 || !strings.Contains(stderr, "working directory") {
			t.Errorf("status %d, stderr %q", status, stderr)
		}
	})
}

// unlessRoot is a status, or 0 for root, whom the kernel does not stop.
func unlessRoot(status int) int {
	if os.Geteuid() == 0 {
		return 0
	}
	return status
}

func rootSays(root, others string) string {
	if os.Geteuid() == 0 {
		return root
	}
	return others
}

// TestFewProcesses: a user who may have no more threads is told so, not by the Go
// runtime when it happens. Not in parallel with tests that start some.
func TestFewProcesses(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("the kernel does not stop root")
	}
	require(t, "bash")
	dir := home(t)
	used := 0
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, file := range files {
		s := status(file)
		if owner := strings.Fields(s["Uid"]); len(owner) > 0 && owner[0] == strconv.Itoa(os.Getuid()) {
			n, _ := strconv.Atoi(s["Threads"])
			used += n
		}
	}
	for more, want := range map[int]int{40: 125, 400: 0} {
		got, stdout, stderr := runIn(t, dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, []string{"bash", "-c",
			`ulimit -u $1; exec "$0" -c '/bin/echo works'`, fshBinary(t), strconv.Itoa(used + more)})
		if got != want || (want == 0) != (stdout == "works\n") || want != 0 && !strings.Contains(stderr, "ulimit -u") {
			t.Errorf("%d of %d: %d %q %q", more, used+more, got, stdout, stderr)
		}
	}
}

// TestFullOfFiles: a script that opens all the files it may gets EMFILE, and
// neither its jobs nor what starts its commands is harmed.
func TestFullOfFiles(t *testing.T) {
	const script = `sleep 0.2 & i=0
while exec {fd}>/dev/null; do a="$a $fd"; done 2>err
for fd in $a; do eval "exec $fd>&-"; done
sed 's/.*: //' err; /bin/echo command; wait $!; echo $?`
	dir := home(t)
	cmd := exec.Command("sh", "-c", `ulimit -n 600; exec "$@"`, "sh", fshBinary(t), "--bash", "--allow-write=.", "-c", script)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	got := outcomeOf(t, cmd)
	if got.status != 0 || got.stdout != "Too many open files\ncommand\n0\n" || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}

// TestClosedAtTheStart: without standard descriptors fsh runs a script all the
// same, with the null device in their place and nothing that fsh itself opens.
func TestClosedAtTheStart(t *testing.T) {
	dir := home(t)
	for _, closed := range []string{"<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"} {
		t.Run(closed, func(t *testing.T) {
			t.Parallel()
			script := `for n in 0 1 2; do
					case " $CLOSED" in
					*" $n"*) [ /dev/fd/$n -ef /dev/null ] || exit 1; /bin/sh -c "[ /proc/self/fd/$n -ef /dev/null ]" || exit 2 ;;
					*) (eval ": <&$n") || exit 3 ;;
					esac
				done
				/bin/echo to >/tmp/f; x=$(/bin/cat /tmp/f; echo | cat; ls /proc/self/fd | tr '\n' ' '); [ "${x#to}" != "$x" ] || exit 4
				cat ~/.ssh/id_ed25519 && exit 5
				exit 42`
			names := ""
			for n, sign := range []string{"<&-", " >&-", "2>&-"} {
				if strings.Contains(" "+closed, sign) {
					names += " " + string(rune('0'+n))
				}
			}
			status, stdout, stderr := runIn(t, dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "CLOSED=" + names},
				[]string{"/bin/sh", "-c", `exec "$0" -c "$1" ` + closed, fshBinary(t), script})
			if status != 42 || strings.Contains(stdout+stderr, "t0psecret") {
				t.Errorf("status %d, %q %q", status, stdout, stderr)
			}
		})
	}
}

// TestHostilePlaces: what a session keeps or finds by variables may be somebody
// else's, be read-only or lead elsewhere. fsh does without, or uses it in a way
// that harms nobody; nothing is left behind.
func TestHostilePlaces(t *testing.T) {
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"} {
		for place, make := range map[string]func(path string) error{
			"absent": func(string) error { return nil },
			"a file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
			"a fifo": func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"a link": func(path string) error {
				return errors.Join(os.Mkdir(path+".to", 0o700), os.Symlink(path+".to", path))
			},
			"a loop":         func(path string) error { return os.Symlink(filepath.Base(path), path) },
			"everybody's":    func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o777)) },
			"read-only":      func(path string) error { return os.Mkdir(path, 0o500) },
			"not accessible": func(path string) error { return os.Mkdir(path, 0) },
			"somebody's": func(path string) error {
				if os.Geteuid() != 0 {
					return os.Symlink("/proc/1", path)
				}
				return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, 65531, 65531))
			},
		} {
			t.Run(name+" is "+place, func(t *testing.T) {
				t.Parallel()
				dir := home(t)
				path := filepath.Join(dir, "place")
				if err := make(path); err != nil {
					t.Fatal(err)
				}
				status, stdout, stderr := runIn(t, dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin", name + "=" + path},
					[]string{fshBinary(t), "-c", `cat /etc/hostname >/dev/null; cat ~/.ssh/id_ed25519; echo x >/tmp/x && cat /tmp/x; echo no >"$HOME/place/no"`})
				switch {
				case status == 125 && strings.HasPrefix(stderr, "fsh: ") && strings.Contains(stderr, path): // says what is wrong
				case stdout == "x\n" && !strings.Contains(stderr, "t0psecret"):
				default:
					t.Errorf("status %d, %q %q", status, stdout, stderr)
				}
				if info, err := os.Lstat(path); err != nil || !info.IsDir() {
					return // never touch what a link leads to
				}
				if err := os.Chmod(path, 0o700); err != nil {
					t.Fatal(err)
				}
				left, _ := os.ReadDir(path)
				for _, e := range left {
					if e.Name() != "fsh" {
						t.Errorf("left behind: %s", e.Name())
					}
				}
			})
		}
	}
}

func runIn(t *testing.T, dir string, env, argv []string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errout.String()
}
