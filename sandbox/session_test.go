package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

func testPolicy(dir string) *policy.Policy {
	return &policy.Policy{
		Dir: dir, Home: os.Getenv("HOME"),
		Filesystem: policy.Filesystem{AllowRead: paths("/")},
		Network:    policy.Network{LocalBinding: true, LocalOutbound: policy.LocalOutbound{Mode: "none"}},
	}
}

func paths(list ...string) []policy.Path {
	var out []policy.Path
	for _, p := range list {
		out = append(out, policy.Path{Pattern: p, Glob: strings.ContainsAny(p, "*?[")})
	}
	return out
}

func newTestSession(t *testing.T, p *policy.Policy) *Session {
	t.Helper()
	s, err := New(Config{Policy: p, Dir: p.Dir, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// check is a probe and its answer.
type check struct{ probe, want string }

func (rr *rawRunner) check(cs ...check) {
	rr.t.Helper()
	for _, c := range cs {
		if got := rr.probe(c.probe); got != c.want {
			rr.t.Errorf("%s = %s, want %s", c.probe, got, c.want)
		}
	}
}

func inside(t *testing.T, p *policy.Policy) *rawRunner {
	t.Helper()
	return newRawRunner(t, newTestSession(t, p), p)
}

func TestFilesAreReadOnlyUnlessAllowed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/w/f", "x")
	write(t, dir+"/ro/f", "x")
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir + "/w")
	rr := inside(t, p)
	rr.check(
		check{"create," + dir + "/w/new", "ok"},
		check{"write," + dir + "/w/f", "ok"},
		check{"rename," + dir + "/w/new," + dir + "/w/newer", "ok"},
		check{"mkdir," + dir + "/w/d,0755", "ok"},
		check{"rename," + dir + "/w/newer," + dir + "/w/d/newer", "ok"},
		check{"create," + dir + "/ro/new", "EROFS"},
		check{"write," + dir + "/ro/f", "EROFS"},
		check{"unlink," + dir + "/ro/f", "EROFS"},
		check{"chmod," + dir + "/ro/f,0600", "EROFS"},
		check{"mkdir,/etc/d,0755", "EROFS"},
		check{"read," + dir + "/ro/f", "ok"},
		check{"create,/tmp/new", "ok"},
		check{"create,/dev/shm/new", "ok"},
		check{"create,/var/tmp/new", "ok"},
		check{"create,/run/new", "EROFS"},
		check{"write,/dev/null", "ok"},
		check{"mknod," + dir + "/w/node,020666", "EPERM"},
	)
	if _, err := os.Stat(dir + "/w/d/newer"); err != nil {
		t.Error("a change in a writable tree is not on the host:", err)
	}
	if _, err := os.Stat("/tmp/new"); err == nil {
		t.Error("/tmp is the host's")
	}
}

func TestDenyInsideAllow(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"vendor/f", "secret", "keys/k", "a/b.env", "plain"} {
		write(t, dir+"/"+f, "x")
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	p.Filesystem.DenyWrite = paths(dir+"/vendor", dir+"/absent")
	p.Filesystem.DenyRead = paths(dir+"/secret", dir+"/keys", dir+"/**/*.env", dir+"/nothing/here")
	rr := inside(t, p)
	rr.check(
		check{"write," + dir + "/plain", "ok"},
		check{"read," + dir + "/vendor/f", "ok"},
		check{"write," + dir + "/vendor/f", "EROFS"},
		check{"create," + dir + "/vendor/g", "EROFS"},
		check{"rename," + dir + "/vendor," + dir + "/v2", "EBUSY"},
		check{"read," + dir + "/secret", "EACCES"},
		check{"write," + dir + "/secret", "EACCES"},
		check{"unlink," + dir + "/secret", "EBUSY"},
		check{"list," + dir + "/keys", "EACCES"},
		check{"read," + dir + "/keys/k", "EACCES"},
		check{"read," + dir + "/a/b.env", "EACCES"},
		check{"rename," + dir + "/a," + dir + "/a2", "EBUSY"},
		check{"chmod," + dir + "/secret,0644", "EROFS"},
	)
}

func TestProtectedNames(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{".git/hooks/x", ".git/config", ".git/objects/o", "sub/.git/hooks/x", "f"} {
		write(t, dir+"/"+f, "x")
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	p.Filesystem.Protected = paths(".git/hooks", ".git/config", ".envrc")
	rr := inside(t, p)
	rr.check(
		check{"create," + dir + "/.git/hooks/y", "EROFS"},
		check{"write," + dir + "/.git/config", "EROFS"},
		check{"create," + dir + "/sub/.git/hooks/y", "EROFS"},
		check{"rename," + dir + "/.git," + dir + "/.git2", "EBUSY"},
		check{"rename," + dir + "/sub," + dir + "/sub2", "EBUSY"},
		check{"rename," + dir + "/.git/hooks," + dir + "/.git/hooks2", "EBUSY"},
		check{"create," + dir + "/.git/objects/p", "ok"},
		check{"read," + dir + "/.git/config", "ok"},
		check{"write," + dir + "/f", "ok"},
	)
}

// A link at a protected name can be neither followed for writing nor replaced.
func TestProtectedLink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/hooks/x", "x")
	if err := os.Mkdir(dir+"/.git", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../hooks", dir+"/.git/hooks"); err != nil {
		t.Fatal(err)
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	p.Filesystem.Protected = paths(".git/hooks")
	rr := inside(t, p)
	rr.check(
		check{"create," + dir + "/.git/hooks/y", "EROFS"},
		check{"create," + dir + "/hooks/y", "EROFS"},
		check{"unlink," + dir + "/.git/hooks", "EBUSY"},
		check{"read," + dir + "/.git/hooks/x", "ok"},
	)
}

// When somebody outside replaces a masked file the mask comes back.
func TestMaskReturns(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/secret", "old")
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	p.Filesystem.DenyRead = paths(dir + "/secret")
	warned := make(chanSink, 16)
	s, err := New(Config{Policy: p, Dir: dir, Sink: warned, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rr := newRawRunner(t, s, p)
	rr.check(check{"read," + dir + "/secret", "EACCES"})
	write(t, dir+"/new", "new")
	if err := os.Rename(dir+"/new", dir+"/secret"); err != nil {
		t.Fatal(err)
	}
	for e := range warned {
		if e.Target == dir+"/secret" {
			break
		}
	}
	rr.check(check{"read," + dir + "/secret", "EACCES"}, check{"unlink," + dir + "/secret", "EBUSY"})
}

func TestMissingWritePathIsAnError(t *testing.T) {
	dir := t.TempDir()
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir + "/absent")
	_, err := newTestSession(t, p).startRunner(p)
	var se *SetupError
	if !errors.As(err, &se) || se.Layer != "policy" || se.Hint == "" || !errors.Is(err, syscall.ENOENT) {
		t.Fatalf("got %v", err)
	}
}

// outside is a temporary directory that no private place covers.
func outside(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(os.Getenv("HOME"), "fsh-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestPrivateWrite(t *testing.T) {
	dir := outside(t)
	t.Setenv("XDG_STATE_HOME", dir+"/state")
	write(t, dir+"/home/.npm/theirs", "x")
	p := testPolicy(dir + "/project")
	write(t, p.Dir+"/f", "x")
	p.Filesystem.PrivateWrite = paths(dir+"/home/.npm", dir+"/home/.cache/go-build")
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	rr.check(
		check{"create," + dir + "/home/.npm/ours", "ok"},
		check{"stat," + dir + "/home/.npm/theirs", "ENOENT"},
		check{"create," + dir + "/home/.cache/go-build/x", "ok"},
		check{"create," + dir + "/home/.cache/other", "EROFS"},
		check{"list," + dir + "/state/fsh", "EACCES"},
	)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir + "/home/.cache"); err == nil {
		t.Error("a mount point was left behind")
	}
	again := newRawRunner(t, newTestSession(t, p), p)
	again.check(check{"stat," + dir + "/home/.npm/ours", "ok"})
}

func TestHostSocketsAreHidden(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"open", "shut"} {
		l, err := net.Listen("unix", dir+"/"+name)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	p.Network.UnixSockets = paths(dir + "/open")
	rr := inside(t, p)
	rr.check(check{"unix," + dir + "/open", "ok"}, check{"unix," + dir + "/shut", "EACCES"})
}

func TestSystemCalls(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/f", "x")
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	rr := inside(t, p)
	sys := func(nr int, args ...any) string {
		s := fmt.Sprintf("sys,%d", nr)
		for _, a := range args {
			s += fmt.Sprintf(",%v", a)
		}
		return s
	}
	rr.check(
		check{sys(unix.SYS_UNSHARE, unix.CLONE_NEWUSER), "EPERM"},
		check{sys(unix.SYS_UNSHARE, unix.CLONE_NEWTIME), "EPERM"},
		check{sys(unix.SYS_UNSHARE, unix.CLONE_FS), "ok"},
		check{sys(unix.SYS_CLONE, unix.CLONE_NEWUSER|int(syscall.SIGCHLD)), "EPERM"},
		check{sys(unix.SYS_CLONE3, 0, 0), "ENOSYS"},
		check{sys(unix.SYS_OPENAT2, 0, 0), "ENOSYS"},
		check{sys(unix.SYS_IO_URING_SETUP, 1, 0), "ENOSYS"},
		check{sys(unix.SYS_PTRACE, unix.PTRACE_TRACEME), "EPERM"},
		check{sys(unix.SYS_BPF), "EPERM"},
		check{sys(unix.SYS_KEYCTL), "EPERM"},
		check{sys(unix.SYS_PERF_EVENT_OPEN), "EPERM"},
		check{sys(unix.SYS_USERFAULTFD), "EPERM"},
		check{sys(unix.SYS_MOUNT), "EPERM"},
		check{sys(unix.SYS_OPEN_TREE), "EPERM"},
		check{sys(unix.SYS_OPEN_TREE_ATTR), "EPERM"},
		check{sys(unix.SYS_SETNS, 0, 0), "EPERM"},
		check{sys(unix.SYS_OPEN_BY_HANDLE_AT), "EPERM"},
		check{sys(unix.SYS_PROCESS_VM_READV), "EPERM"},
		check{sys(unix.SYS_GETPID | 0x40000000), "ENOSYS"},
		check{sys(unix.SYS_IOCTL, 0, unix.TIOCSTI, 0), "EPERM"},
		check{sys(unix.SYS_IOCTL, 0, "0xffffffff00005412", 0), "EPERM"},
		check{sys(unix.SYS_IOCTL, 0, unix.TIOCLINUX, 0), "EPERM"},
		check{sys(unix.SYS_IOCTL, 0, unix.TIOCSETD, 0), "EPERM"},
		check{sys(unix.SYS_IOCTL, 0, "0x50009417", 0), "EPERM"}, // BTRFS_IOC_SNAP_CREATE_V2
		check{sys(unix.SYS_IOCTL, 0, unix.TIOCGWINSZ, 0), "ENOTTY"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_INET, unix.SOCK_STREAM), "ok"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_INET6, unix.SOCK_DGRAM), "ok"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_UNIX, unix.SOCK_STREAM), "ok"},
		check{fmt.Sprintf("socket,%d,%d,262", unix.AF_INET, unix.SOCK_STREAM), "EPROTONOSUPPORT"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_NETLINK, unix.SOCK_RAW), "ok"},
		check{fmt.Sprintf("socket,%d,%d,12", unix.AF_NETLINK, unix.SOCK_RAW), "EPROTONOSUPPORT"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_ALG, unix.SOCK_SEQPACKET), "EAFNOSUPPORT"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_VSOCK, unix.SOCK_STREAM), "EAFNOSUPPORT"},
		check{fmt.Sprintf("socket,%d,%d,768", unix.AF_PACKET, unix.SOCK_RAW), "EAFNOSUPPORT"},
		check{"chmod," + dir + "/f,04755", "EPERM"},
		check{"chmod," + dir + "/f,02755", "EPERM"},
		check{"chmod," + dir + "/f,01755", "ok"},
		check{"fchmodat2," + dir + "/f,04755", "EPERM"},
		check{"fchmodat2," + dir + "/f,0755", "ok"},
		check{"creat-mode," + dir + "/s,04755", "EPERM"},
		check{"creat-mode," + dir + "/n,0755", "ok"},
		check{"open-mode-unused," + dir + "/f,04000", "ok"},
		check{"mknod," + dir + "/sn,0104755", "EPERM"},
	)
}

func TestProcessesOutsideAreOutOfReach(t *testing.T) {
	dir := t.TempDir()
	p := testPolicy(dir)
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	q := testPolicy(dir)
	q.Filesystem.DenyWrite = paths("/usr")
	other := newRawRunner(t, s, q)
	rr.check(
		check{"kill,1", "EPERM"},
		check{fmt.Sprint("kill,", rr.r.pid), "ok"},
		check{fmt.Sprint("kill,", other.r.pid), "EPERM"},
		check{fmt.Sprintf("read,/proc/%d/environ", rr.r.pid), "EACCES"},
		check{fmt.Sprintf("read,/proc/%d/fd/0", rr.r.pid), "EACCES"},
		check{"read,/proc/self/fd/0", "ok"},
		check{fmt.Sprintf("kill,%d", s.pid), "ESRCH"},
	)
	if rr.r.pid != os.Getpid() {
		t.Logf("the runner's number is %d, not %d: taken", rr.r.pid, os.Getpid())
	}
	if out, status := other.sh("kill -0 $$ && echo own"); out != "own" || status != 0 {
		t.Errorf("own group: %q %d", out, status)
	}
	// Both share /tmp.
	rr.check(check{"create,/tmp/shared", "ok"})
	other.check(check{"stat,/tmp/shared", "ok"})
}

func TestListenOnlyWhenAllowed(t *testing.T) {
	dir := t.TempDir()
	p := testPolicy(dir)
	q := testPolicy(dir)
	q.Network.LocalBinding = false
	s := newTestSession(t, p)
	newRawRunner(t, s, p).check(check{"listen,4000", "ok"})
	newRawRunner(t, s, q).checkAll(check{"listen,4001", "EACCES"}, check{"unix-crowd,/tmp/own,2", "ok"}, check{"listen-exchange,/tmp/exchanged,50000", "EACCES"})
}

func TestKernelFilesAreMasked(t *testing.T) {
	dir := t.TempDir()
	rr := inside(t, testPolicy(dir))
	settings := "EACCES" // not the user's file
	if os.Geteuid() == 0 {
		settings = "EROFS"
	}
	rr.check(
		check{"write,/proc/sys/kernel/hostname", settings},
		check{"write,/proc/self/comm", "ok"},
		check{"create,/dev/new", "EROFS"},
		check{"read,/dev/tty", "ENXIO"},
	)
	for _, path := range []string{"/proc/keys", "/proc/timer_list", "/sys/kernel/debug"} {
		if _, err := os.Stat(path); err == nil {
			rr.check(check{"read," + path, "EACCES"})
		}
	}
}

// Root's sandbox must not read other users' secrets, which root owns the
// right to.
func TestSecretsOfEveryHome(t *testing.T) {
	p := testPolicy("/home/a")
	p.Home = "/root"
	p.Filesystem.DenyRead = paths("/root/.ssh", "/etc/shadow")
	plan := NewPlan(p, Facts{UID: 0, Homes: []string{"/home/a", "/root", "/"}}).String()
	for _, want := range []string{"hide      /root/.ssh", "hide      /home/a/.ssh", "hide      /etc/shadow"} {
		if !strings.Contains(plan, want+"\n") {
			t.Errorf("no %q in\n%s", want, plan)
		}
	}
	plan = NewPlan(p, Facts{UID: 1000, Homes: []string{"/home/a"}}).String()
	if strings.Contains(plan, "/home/a/.ssh") {
		t.Error("an ordinary user has only one home")
	}
}

// A protected name that is absent cannot be made, but in a directory that the
// session itself made.
func TestProtectedNamesThatAreAbsent(t *testing.T) {
	dir := outside(t)
	write(t, dir+"/.git/HEAD", "x")
	write(t, dir+"/sub/f", "x")
	if err := os.Symlink("sub", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	p.Filesystem.Protected = paths(".git/hooks", ".envrc", ".vscode")
	sink := make(chanSink, 64)
	s, err := New(Config{Policy: p, Dir: dir, Sink: sink, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rr := newRawRunner(t, s, p)
	rr.check(
		check{"mkdir," + dir + "/.git/hooks,0755", "EACCES"},
		check{"create," + dir + "/.envrc", "EACCES"},
		check{"create," + dir + "/sub/../.envrc", "EACCES"},
		check{"create," + dir + "/link/.envrc", "EACCES"},
		check{"symlink,f," + dir + "/.envrc", "EACCES"},
		check{"link," + dir + "/sub/f," + dir + "/.envrc", "EACCES"},
		check{"rename," + dir + "/sub/f," + dir + "/.envrc", "EACCES"},
		check{"mkdir," + dir + "/.vscode,0755", "EACCES"},
		check{"create," + dir + "/.envrc2", "ok"},
		check{"mkdir," + dir + "/.git/objects,0755", "ok"},
		check{"mkdir," + dir + "/new,0755", "ok"},
		check{"create," + dir + "/new/.envrc", "ok"},
		check{"rename," + dir + "/new/.envrc," + dir + "/.envrc", "EACCES"},
	)
	if out, status := rr.sh("cd " + dir + " && echo x > .envrc"); status == 0 {
		t.Error(out)
	}
	if out, status := rr.sh("mkdir /tmp/r && cd /tmp/r && git init -q . && ls .git/hooks >/dev/null"); status != 0 {
		t.Error("git init in a new directory:", out)
	}
	e := <-sink
	if e.Target != dir+"/.git/hooks" || !e.Denied || e.Action != "create" || e.Program == "" || e.Pid == 0 {
		t.Errorf("event %+v", e)
	}
}

func TestMonitorExplainsReads(t *testing.T) {
	dir := outside(t)
	write(t, dir+"/keys/id", "x")
	write(t, dir+"/open", "x")
	p := testPolicy(dir)
	p.Filesystem.DenyRead = paths(dir + "/keys")
	sink := make(chanSink, 64)
	s, err := New(Config{Policy: p, Dir: dir, Sink: sink, Monitor: true, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rr := newRawRunner(t, s, p)
	if _, status := rr.sh("cd " + dir + "; cat open; cat keys/id"); status == 0 {
		t.Error("read a hidden file")
	}
	e := <-sink
	if e.Target != dir+"/keys/id" || e.Action != "read" || e.Program != "cat" || e.Errno != "EACCES" {
		t.Errorf("event %+v", e)
	}
	rr.check(check{"create," + dir + "/new", "EROFS"})
	if e := <-sink; e.Target != dir+"/new" || e.Errno != "EROFS" {
		t.Errorf("event %+v", e)
	}
}
