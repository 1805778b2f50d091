package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAttributesOfLentFiles: mode, times and owner of a file that fsh is started
// with stay as they are, whichever number it has, unless it may be written anyway;
// whatever fsh is started with, commands do with their own files as ever.
func TestAttributesOfLentFiles(t *testing.T) {
	dir := visibleDir(t)
	put(t, filepath.Join(dir, "ro/f"), "x", 0o644)
	put(t, filepath.Join(dir, "w/f"), "x", 0o644)
	const own = "; echo x >w/n && chmod 600 w/n && touch -d @5 w/n && stat -c '%a %Y' w/n"
	run := func(lent string, number int, text string) string {
		t.Helper()
		cmd := exec.Command(fshBinary(t), "--allow-write="+filepath.Join(dir, "w"), "-c", text+own)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
		if lent != "" {
			f, err := os.OpenFile(filepath.Join(dir, lent), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if number == 0 {
				cmd.Stdin = f
			}
			for number > 2+len(cmd.ExtraFiles) {
				cmd.ExtraFiles = append(cmd.ExtraFiles, f)
			}
		} else {
			cmd.Stdin = strings.NewReader("")
		}
		return outcomeOf(t, cmd).stdout
	}
	const change = "chmod 640 /proc/self/fd/N 2>/dev/null && echo mode; touch -d @7 /proc/self/fd/N 2>/dev/null && echo times; :"
	for _, c := range []struct {
		lent   string
		number string
		want   string
	}{
		{"ro/f", "0", ""}, {"ro/f", "3", ""}, {"ro/f", "7", ""},
		{"w/f", "0", "mode\ntimes\n"}, {"w/f", "5", "mode\ntimes\n"},
		{"", "0", "mode\ntimes\n"}, // a pipe
	} {
		if got := run(c.lent, int(c.number[0]-'0'), strings.ReplaceAll(change, "N", c.number)); got != c.want+"600 5\n" {
			t.Errorf("%s as %s: %q", c.lent, c.number, got)
		}
	}
	if st, err := os.Stat(filepath.Join(dir, "ro/f")); err != nil || st.Mode().Perm() != 0o644 || st.ModTime().Unix() == 7 {
		t.Errorf("%v %v", st, err)
	}
}

// Who may write a file changes its times without owning it.
func TestAttributesOfLentFilesOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("about two users")
	}
	const other = 65534
	dir := visibleDir(t)
	program, err := os.ReadFile(fshBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fsh"), program, 0o755); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]string{0o666: "touch: denied\n", 0o644: "touch: denied\n"} {
		f, err := os.OpenFile(filepath.Join(dir, "f"), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Chmod(mode), os.Chtimes(f.Name(), time.Unix(5, 0), time.Unix(5, 0))); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(filepath.Join(dir, "fsh"), "-c", "touch /proc/self/fd/3 2>/dev/null || echo touch: denied; echo x >/tmp/f && touch -d @7 /tmp/f")
		cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.Stdin = dir, []string{"PATH=/usr/bin:/bin"}, []*os.File{f}, strings.NewReader("")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}}
		if got := outcomeOf(t, cmd); got.stdout != want || got.status != 0 {
			t.Errorf("%o: %+v", mode, got)
		}
		if st, err := f.Stat(); err != nil || st.ModTime().Unix() != 5 {
			t.Errorf("%o: %v %v", mode, st.ModTime(), err)
		}
		f.Close()
	}
}

// askForQueue is io_setup(2), by which a program can write without O_APPEND.
const askForQueue = `python3 -c 'import ctypes, errno, platform
c = ctypes.CDLL(None, use_errno=True)
r = c.syscall(206 if platform.machine() == "x86_64" else 0, 1, ctypes.byref(ctypes.c_ulong()))
print(errno.errorcode[ctypes.get_errno()] if r else "queue")'`

// What fsh is started with to append to is not changed by requests that do more
// than write(2) either: of the file systems' own interfaces before fallocate(2).
func TestAppendedLogByRequests(t *testing.T) {
	require(t, "python3")
	dir := visibleDir(t)
	text := strings.Repeat("A", 8192)
	put(t, filepath.Join(dir, "log"), text, 0o644)
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(fshBinary(t), "-c", `python3 -c '
import errno, fcntl, os, struct
range = struct.pack("=hh4xqqiI16x", 0, 0, 0, 4096, 0, 0)
for request in 0x40305828, 0x40305829, 0x4030582a, 0x4030582b, 0x40305839, 0xc028660f, 0xc0c0586d, 0x4018f514:
    try: fcntl.ioctl(3, request, range.ljust(256, b"\0")); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
for request in 0x40086604, 0x40047211:
    try: fcntl.ioctl(3, request, b"\0" * 8); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
try: os.pwritev(3, [b"x"], 0, 0x20); print("done") # RWF_NOAPPEND
except OSError as e: print(errno.errorcode[e.errno])
os.posix_fallocate(3, 0, 8192); os.write(3, b"more")
'; `+askForQueue)
	cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.Stdin = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, []*os.File{log}, strings.NewReader("")
	got := outcomeOf(t, cmd)
	if want := strings.Repeat("ENOTSUP\n", 8) + strings.Repeat("EACCES\n", 2) + "ENOTSUP\nENOSYS\n"; got.stdout != want {
		t.Errorf("%+v, want %s", got, want)
	}
	if now, err := os.ReadFile(log.Name()); err != nil || string(now) != text+"more" {
		t.Errorf("the log has changed: %d bytes, %d As, %v", len(now), strings.Count(string(now), "A"), err)
	}
}

// Without a log programs have their queues of writes.
func TestQueuesWithoutALog(t *testing.T) {
	require(t, "python3")
	dir := visibleDir(t)
	put(t, filepath.Join(dir, "f"), "x", 0o644)
	in, err := os.OpenFile(filepath.Join(dir, "f"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.Command(fshBinary(t), "-c", askForQueue)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, in
	if got := outcomeOf(t, cmd); got.stdout != "queue\n" {
		t.Errorf("%+v", got)
	}
}

// A log that somebody else opened, for this user to append to.
func TestAppendedLogOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("about two users")
	}
	const other = 65534
	dir := visibleDir(t)
	program, err := os.ReadFile(fshBinary(t))
	if err := errors.Join(err, os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "fsh"), program, 0o755)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "log"), "first\n", 0o644)
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(dir, "fsh"), "-c", "dd of=/dev/fd/3 bs=1 count=0 2>/dev/null; perl -e 'open my $f, q(>&=), 3; truncate $f, 0' 2>/dev/null; echo second >&3; echo $?")
	cmd.Dir, cmd.Env, cmd.ExtraFiles, cmd.Stdin = dir, []string{"PATH=/usr/bin:/bin"}, []*os.File{log}, strings.NewReader("")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: other, Gid: other}}
	got := outcomeOf(t, cmd)
	if text, err := os.ReadFile(log.Name()); err != nil || got.stdout != "0\n" || string(text) != "first\nsecond\n" {
		t.Errorf("%+v: %q %v", got, text, err)
	}
}
