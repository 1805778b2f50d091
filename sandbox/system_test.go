package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

func TestCommandOutcomes(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	for _, c := range []struct {
		text, out string
		status    syscall.WaitStatus
	}{
		{"echo hello", "hello", 0},
		{"exit 7", "", 7 << 8},
		{"kill -TERM $$", "", syscall.WaitStatus(syscall.SIGTERM)},
		{"umask", "0022", 0},
		{"ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 ", 0}, // sh gives ls the pipe; 3 is ls's own
		{"grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2 | tr '\\n' ' '", "0000000000000000 0000000000000000 ", 0},
	} {
		out, ws := output(t, s, func(cmd *interp.Command) {
			cmd.Files = append(cmd.Files, interp.FileMap{Child: 0, FD: 0})
		}, c.text)
		if out != c.out || ws != c.status {
			t.Errorf("%q: %q %v, want %q %v", c.text, out, ws, c.out, c.status)
		}
	}
}

// What a command gets is said by its Command and by nothing else.
func TestCommandAttributes(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	dir := t.TempDir()
	d, err := s.OpenDir(nil, dir)
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fd := int(null.Fd())
	for _, c := range []struct {
		name, text, out string
		edit            func(*interp.Command)
	}{
		{"directory", "pwd", dir, func(c *interp.Command) { c.Dir = d }},
		{"umask", "umask", "0137", func(c *interp.Command) { c.Umask = 0137 }},
		{"environment", "echo $X", "y z", func(c *interp.Command) { c.Env = append(c.Env, "X=y z") }},
		{"ignored", "grep SigIgn /proc/self/status | cut -f2", "0000000000000006",
			func(c *interp.Command) { c.Ignored = []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} }},
		{"limit", "ulimit -c; ulimit -n", "11\n50", func(c *interp.Command) {
			c.Limits = []interp.Limit{{Resource: unix.RLIMIT_CORE, Cur: 11 * 512, Max: 11 * 512}, {Resource: unix.RLIMIT_NOFILE, Cur: 50, Max: 60}}
		}},
		{"no files", "exec /bin/ls /proc/self/fd", "0\n1\n2", nil}, // 0 is what ls opened
		{"many files", "exec /bin/ls /proc/self/fd", "0\n1\n2\n3\n5\n9", func(c *interp.Command) {
			for _, n := range []int{0, 5, 9} {
				c.Files = append(c.Files, interp.FileMap{Child: n, FD: fd})
			}
		}},
		{"parent", "echo $PPID", fmt.Sprint(s.Pid()), nil},
		{"second candidate", "echo ok", "ok", func(c *interp.Command) {
			c.Paths = []string{"/nonexistent/sh", "/etc/passwd", "/etc/passwd/x", "/bin/sh"}
		}},
	} {
		if out, _ := output(t, s, c.edit, c.text); out != c.out {
			t.Errorf("%s: %q, want %q", c.name, out, c.out)
		}
	}
}

// A command starts on the runner's processor and may leave it for any that the
// shell was given, not for more.
func TestCommandProcessors(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &all)
	one := unix.CPUSet{}
	for cpu := 0; one.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	const allowed = "sed -n 's/^Cpus_allowed_list:[^0-9]*//p' /proc/self/status"
	for _, cpus := range []unix.CPUSet{all, one} {
		if err := unix.SchedSetaffinity(0, &cpus); err != nil {
			t.Fatal(err)
		}
		want, err := exec.Command("/bin/sh", "-c", allowed).Output()
		if err != nil {
			t.Fatal(err)
		}
		s, _ := newTestSystem(t, systemHooks{})
		for range 3 {
			if out, _ := output(t, s, nil, allowed); out != strings.TrimSpace(string(want)) {
				t.Errorf("a command may use the processors %s, want %s", out, want)
			}
		}
	}
}

// Descriptors may be given to a command crosswise.
func TestFilesAreExchanged(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	var files []interp.FileMap
	for _, n := range []int{4, 3} {
		f, err := os.CreateTemp(t.TempDir(), fmt.Sprintf("is%d-", n))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, interp.FileMap{Child: n, FD: int(f.Fd())})
	}
	out, _ := output(t, s, func(c *interp.Command) { c.Files = append(c.Files, files...) },
		"readlink /proc/self/fd/3; readlink /proc/self/fd/4")
	lines := strings.Split(out, "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "is3-") || !strings.Contains(lines[1], "is4-") {
		t.Errorf("%q", out)
	}
}

func TestExecErrors(t *testing.T) {
	var explained []string
	s, _ := newTestSystem(t, systemHooks{explain: func(action, abs string, errno syscall.Errno, w interp.Where) {
		explained = append(explained, fmt.Sprint(action, " ", abs, " ", errno))
	}})
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	text := filepath.Join(dir, "text")
	must(t, os.WriteFile(plain, []byte("echo"), 0o600))
	must(t, os.WriteFile(text, []byte("echo"), 0o700))
	long := []string{"x", strings.Repeat("y", 3<<20)}
	for _, c := range []struct {
		paths []string
		argv  []string
		want  syscall.Errno
	}{
		{[]string{"/nonexistent"}, nil, syscall.ENOENT},
		{[]string{plain}, nil, syscall.EACCES},
		{[]string{plain, "/nonexistent"}, nil, syscall.EACCES},
		{[]string{dir}, nil, syscall.EACCES},
		{[]string{plain + "/x"}, nil, syscall.ENOENT},
		{[]string{text, "/bin/true"}, nil, syscall.ENOEXEC},
		{[]string{"/bin/true"}, long, syscall.E2BIG},
		{nil, nil, syscall.ENOENT},
	} {
		p, err := s.Start(&interp.Command{Paths: c.paths, Argv: append(c.argv, "x"), Group: -1, Terminal: -1, Report: interp.ReportStart})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Pid(); err != c.want {
			t.Errorf("%q: Pid: %v, want %v", c.paths, err, c.want)
		}
		if _, _, err := p.Wait(); err != c.want {
			t.Errorf("%q: Wait: %v, want %v", c.paths, err, c.want)
		}
	}
	if len(explained) == 0 || explained[0] != "exec /nonexistent no such file or directory" {
		t.Errorf("explained: %q", explained)
	}
	if _, err := s.Start(&interp.Command{Paths: []string{"/bin/true"}, Argv: []string{"a\x00b"}, Group: -1, Terminal: -1}); err != syscall.EINVAL {
		t.Errorf("NUL: %v", err)
	}
}

// A payload above the inline limit travels in a file.
func TestLongArguments(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	long := strings.Repeat("x", 100<<10)
	out, ws := output(t, s, func(c *interp.Command) { c.Argv = append(c.Argv, long, long, long, long) }, "echo ${#0} ${#3} $#")
	if want := fmt.Sprintf("%d %d 3", len(long), len(long)); out != want || ws != 0 {
		t.Errorf("%q %v, want %q", out, ws, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpen(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	dir := t.TempDir()
	d, err := s.OpenDir(nil, dir)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "there"), []byte("text"), 0o600))
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	for _, c := range []struct {
		path  string
		flags int
		want  error
	}{
		{"there", unix.O_RDONLY, nil},
		{"there", unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL, syscall.EEXIST},
		{"absent", unix.O_RDONLY, syscall.ENOENT},
		{"absent/x", unix.O_WRONLY | unix.O_CREAT, syscall.ENOENT},
		{"there/x", unix.O_RDONLY, syscall.ENOTDIR},
		{".", unix.O_RDONLY | unix.O_DIRECTORY, nil},
		{".", unix.O_WRONLY, syscall.EISDIR},
		{"dangling", unix.O_RDONLY | unix.O_NOFOLLOW, syscall.ELOOP},
		{"", unix.O_RDONLY, syscall.ENOENT},
		{"/dev/null", unix.O_RDWR, nil},
		{"new", unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND, nil},
		{"dangling", unix.O_WRONLY | unix.O_CREAT, nil},
	} {
		fd, err := s.Open(&interp.OpenRequest{Dir: d, Path: c.path, Flags: c.flags, Mode: 0o666, Umask: 0o027})
		if err != c.want {
			t.Errorf("%s %#x: %v, want %v", c.path, c.flags, err, c.want)
		}
		if err != nil {
			continue
		}
		got, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if mask := unix.O_ACCMODE | unix.O_APPEND | unix.O_NONBLOCK; got&mask != c.flags&mask {
			t.Errorf("%s: flags %#x, want %#x", c.path, got, c.flags)
		}
		if cloexec, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); cloexec != unix.FD_CLOEXEC {
			t.Errorf("%s: not close-on-exec", c.path)
		}
		syscall.Close(fd)
	}
	var st syscall.Stat_t
	must(t, s.Stat(d, "new", false, &st))
	if st.Mode&0o7777 != 0o640 {
		t.Errorf("mode of a new file: %o", st.Mode)
	}
}

// An open that waits for the other end of a fifo holds nobody up, and can be
// interrupted.
func TestOpenOfFifo(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	fifo := filepath.Join(t.TempDir(), "fifo")
	must(t, s.Mkfifo(nil, fifo, 0o666, 0o022))
	type result struct {
		fd  int
		err error
	}
	open := func(flags int, cancel chan struct{}) chan result {
		c := make(chan result, 1)
		go func() {
			fd, err := s.Open(&interp.OpenRequest{Path: fifo, Flags: flags, Cancel: cancel})
			c <- result{fd, err}
		}()
		return c
	}
	cancel := make(chan struct{})
	reader := open(unix.O_RDONLY, cancel)
	if out, _ := output(t, s, nil, "echo meanwhile"); out != "meanwhile" {
		t.Fatal(out)
	}
	close(cancel)
	if r := <-reader; r.err != syscall.EINTR {
		t.Errorf("cancelled: %v", r.err)
	}
	reader, writer := open(unix.O_RDONLY, make(chan struct{})), open(unix.O_WRONLY, nil)
	for _, c := range []chan result{reader, writer} {
		r := <-c
		if r.err != nil {
			t.Fatal(r.err)
		}
		syscall.Close(r.fd)
	}
}

// ENXIO is the answer for what will never have a reader (open(2)).
func TestOpenWithoutAnotherEnd(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	must(t, err)
	defer l.Close()
	paths := []string{path}
	if tty, err := os.Open("/dev/tty"); err == nil {
		tty.Close()
	} else {
		paths = append(paths, "/dev/tty")
	}
	for _, path := range paths {
		for _, flags := range []int{unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR} {
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			fd, err := s.Open(&interp.OpenRequest{Path: path, Flags: flags, Cancel: ctx.Done()})
			stop()
			if err != syscall.ENXIO {
				t.Errorf("%s, flags %d: %d, %v", path, flags, fd, err)
			}
		}
	}
}

func TestStatAndFriends(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	dir := t.TempDir()
	d, err := s.OpenDir(nil, dir)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("12345"), 0o600))
	must(t, os.Symlink("f", filepath.Join(dir, "l")))
	var st syscall.Stat_t
	must(t, s.Stat(d, "l", false, &st))
	if st.Size != 5 || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		t.Errorf("stat: %+v", st)
	}
	must(t, s.Stat(d, "l", true, &st))
	if st.Mode&syscall.S_IFMT != syscall.S_IFLNK {
		t.Errorf("lstat: %+v", st)
	}
	if err := s.Stat(d, "x", false, &st); err != syscall.ENOENT {
		t.Errorf("stat x: %v", err)
	}
	if l, err := s.Readlink(d, "l"); l != "f" || err != nil {
		t.Errorf("readlink: %q %v", l, err)
	}
	if _, err := s.Readlink(d, "f"); err != syscall.EINVAL {
		t.Errorf("readlink f: %v", err)
	}
	if err := s.Access(d, "f", unix.R_OK|unix.W_OK); err != nil {
		t.Errorf("access: %v", err)
	}
	if err := s.Access(d, "f", unix.X_OK); err != syscall.EACCES {
		t.Errorf("access x: %v", err)
	}
	paths := make([]string, 3*maxStats)
	for i := range paths {
		paths[i] = []string{"f", "absent", "l"}[i%3]
	}
	sts, errs := s.StatAll(d, paths)
	for i := range paths {
		if want := i%3 == 1; want != (errs[i] == syscall.ENOENT) || !want && sts[i].Size != 5 {
			t.Fatalf("%d: %v %v", i, errs[i], sts[i].Size)
		}
	}
	if home, ok := s.HomeOf("root"); !ok || home != "/root" {
		t.Errorf("home: %q %v", home, ok)
	}
	if _, ok := s.HomeOf("no such user"); ok {
		t.Error("home of nobody")
	}
}

func TestDirs(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	a, err := s.OpenDir(nil, filepath.Join(dir, "a"))
	must(t, err)
	b, err := s.OpenDir(a, "b")
	must(t, err)
	up, err := s.OpenDir(b, "../..")
	must(t, err)
	for d, want := range map[interp.Dir]string{a: dir + "/a", b: dir + "/a/b", up: dir} {
		if got, err := d.Getcwd(); got != want || err != nil {
			t.Errorf("%q %v, want %q", got, err, want)
		}
	}
	for _, c := range []struct {
		name string
		want error
	}{{"f", syscall.ENOTDIR}, {"none", syscall.ENOENT}, {"", syscall.ENOENT}} {
		if _, err := s.OpenDir(up, c.name); err != c.want {
			t.Errorf("%q: %v, want %v", c.name, err, c.want)
		}
	}
	must(t, os.Remove(filepath.Join(dir, "a/b")))
	if _, err := b.Getcwd(); err != syscall.ENOENT {
		t.Errorf("removed: %v", err)
	}
}

// A directory with another policy belongs to another runner.
func TestPolicyOfDirectory(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	must(t, os.MkdirAll(filepath.Join(inner, "sub"), 0o755))
	s, l := newTestSystem(t, systemHooks{}, inner)
	d, err := s.OpenDir(nil, dir)
	must(t, err)
	first := s.Pid()
	for _, c := range []struct {
		path  string
		other bool
	}{{dir, false}, {inner, true}, {inner + "/sub", true}, {inner + "/..", false}} {
		at, err := s.OpenDir(d, c.path)
		must(t, err)
		out, _ := output(t, s, func(cmd *interp.Command) { cmd.Dir = at }, "echo $PPID")
		if other := out != fmt.Sprint(first); other != c.other {
			t.Errorf("%s: other runner: %v", c.path, other)
		}
	}
	if len(l.pids) != 2 {
		t.Errorf("%d runners", len(l.pids))
	}
	if s.Pid() != first {
		t.Error("$$ changed")
	}
}

// A program may have a policy of its own, in the same directory.
func TestPolicyOfProgram(t *testing.T) {
	dir := t.TempDir()
	own := &policy.Policy{Dir: "/program"}
	s, _ := newTestSystem(t, systemHooks{program: func(c *interp.Command, p *policy.Policy) (*policy.Policy, error) {
		switch c.Argv[0] {
		case "special":
			return own, nil
		case "broken":
			return nil, syscall.EACCES
		}
		return p, nil
	}})
	d, err := s.OpenDir(nil, dir)
	must(t, err)
	for name, other := range map[string]bool{"special": true, "sh": false} {
		for range 2 {
			out, _ := output(t, s, func(c *interp.Command) { c.Dir, c.Argv[0] = d, name }, "echo $PPID $PWD; kill -USR1 $PPID")
			if same := out == fmt.Sprint(s.Pid(), " ", dir); same == other || !strings.HasSuffix(out, dir) {
				t.Errorf("%s: %q", name, out)
			}
			if sig := <-s.Signals(); sig != syscall.SIGUSR1 {
				t.Error(sig)
			}
		}
	}
	if _, err := s.Start(&interp.Command{Argv: []string{"broken"}, Group: -1, Terminal: -1}); err != syscall.EACCES {
		t.Errorf("broken: %v", err)
	}
}

// Many goroutines share one socket; everybody gets their own answers.
func TestConcurrentRequests(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for k := range 10 {
				want := syscall.WaitStatus((i*10 + k) % 200 << 8)
				p, err := s.Start(&interp.Command{Paths: []string{"/bin/sh"}, Argv: []string{"sh", "-c", fmt.Sprintf("exit %d", want>>8)}, Group: -1, Terminal: -1})
				if err != nil {
					t.Error(err)
					return
				}
				var st syscall.Stat_t
				if err := s.Stat(nil, "/", false, &st); err != nil {
					t.Error(err)
				}
				if ws, _, err := p.Wait(); ws != want || err != nil {
					t.Errorf("%v %v, want %v", ws, err, want)
				}
			}
		})
	}
	group.Wait()
}

func TestReadDirs(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	d, err := s.StartDir()
	must(t, err)
	dir := t.TempDir()
	var paths []string
	for i := range 300 { // more than one request's worth
		path := fmt.Sprintf("%s/d%d", dir, i)
		must(t, os.Mkdir(path, 0o700))
		must(t, os.WriteFile(fmt.Sprintf("%s/file-%d-%s", path, i, strings.Repeat("x", 200)), nil, 0o600))
		paths = append(paths, path)
	}
	must(t, os.Mkdir(dir+"/large", 0o700))
	for i := range 500 {
		must(t, os.WriteFile(fmt.Sprintf("%s/large/%d-%s", dir, i, strings.Repeat("x", 200)), nil, 0o600))
	}
	must(t, os.WriteFile(dir+"/file", nil, 0o600))
	odd := []string{dir + "/missing", dir + "/file", dir + "/large", ""}
	texts := s.ReadDirs(d, append(odd, paths...))
	for i, path := range odd {
		if texts[i] != nil {
			t.Errorf("%q: %q", path, texts[i])
		}
	}
	for i, text := range texts[len(odd):] {
		if !bytes.Contains(text, fmt.Appendf(nil, "file-%d-xxx", i)) {
			t.Fatalf("%s: %q", paths[i], text)
		}
	}
}
