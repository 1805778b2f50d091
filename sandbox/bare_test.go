package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// Machines without user namespaces are made of one that has them: by a limit
// of zero in a user namespace, and by a filter as containers have it.

// TestAttackBare runs bareTest on both.
func TestAttackBare(t *testing.T) {
	id := func(n int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: n, HostID: n, Size: 1}}
	}
	for how, attr := range map[string]*syscall.SysProcAttr{
		"limit": {Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, UidMappings: id(os.Geteuid()), GidMappings: id(os.Getegid()),
			AmbientCaps: []uintptr{unix.CAP_SYS_RESOURCE, unix.CAP_DAC_OVERRIDE, unix.CAP_SYS_ADMIN}},
		"container": nil,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("/proc/self/exe", "-test.run", "^TestBareInside$", "-test.v")
			cmd.Env = append(os.Environ(), "FSH_TEST_LIMITED="+how, "HOME="+outside(t))
			cmd.SysProcAttr = attr
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "PASS: TestBareInside") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// likeContainer installs what Docker's default profile forbids that matters
// here, on all threads (docs.docker.com/engine/security/seccomp).
func likeContainer(t *testing.T) {
	t.Helper()
	prog := []bpf.Instruction{bpf.LoadAbsolute{Off: offNr, Size: 4}}
	for _, nr := range []uint32{unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_VM_READV,
		unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_BPF, unix.SYS_KEYCTL} {
		body := []bpf.Instruction{ret(unix.EPERM)}
		if nr == unix.SYS_UNSHARE { // namespaces only
			body = append(compileTests(ret(unix.EPERM), []argTest{anyBit(0, newNamespace)}), bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
		}
		prog = append(prog, onCall(nr, body)...)
	}
	prog = append(prog, onCall(unix.SYS_CLONE3, []bpf.Instruction{ret(unix.ENOSYS)})...)
	clone := append(compileTests(ret(unix.EPERM), []argTest{anyBit(0, newNamespace)}), bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	prog = append(append(prog, onCall(unix.SYS_CLONE, clone)...), bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	filter, err := assemble(prog)
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	fprog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(fprog))); errno != 0 {
		t.Fatal(errno)
	}
}

// TestBareInside is the subprocess of TestAttackBare.
func TestBareInside(t *testing.T) {
	switch os.Getenv("FSH_TEST_LIMITED") {
	case "limit":
		if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	case "container":
		likeContainer(t)
	default:
		t.Skip("only as a subprocess")
	}
	home := os.Getenv("HOME")
	dir := home + "/project"
	for _, f := range []string{"/.ssh/id", "/.bashrc", "/.netrc", "/public", "/project/f", "/project/.git/hooks/x"} {
		write(t, home+f, "x")
	}
	mounted := os.Getenv("FSH_TEST_LIMITED") == "limit"
	if mounted {
		bareMounts(t, home)
	}
	p, _, err := policy.Load(policy.Options{Dir: dir, Home: home})
	if err != nil {
		t.Fatal(err)
	}
	notes := make(chanSink, 16)
	s, err := New(Config{Policy: p, Dir: dir, Sink: notes, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	s.noCores = true
	rr := newRawRunner(t, s, p)
	if rr.self, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	if e := <-notes; e.Kind != events.Warning || !strings.HasPrefix(e.Message, "weaker sandbox") || !strings.Contains(e.Hint, "doctor") {
		t.Errorf("note %+v", e)
	}
	bareFiles(t, rr, home, s.temp)
	bareShared(t, rr, home, s.temp)
	if mounted {
		rr.checkAll(
			check{"read," + home + "/elsewhere/id", "EACCES"}, check{"read," + home + "/part/key", "EACCES"}, check{"read," + home + "/one", "EACCES"},
			check{"read," + home + "/above/.ssh/id", "EACCES"}, check{"read," + home + "/above/project/shown/f", "ok"},
			check{"read," + home + "/shown/f", "ok"}, check{"read," + home + "/beside", "ok"},
		)
		bareElsewhere(t, rr, s.temp)
	}
	bareProcesses(t, rr)
	coresOf(t, rr)
	bareRefusals(t, p)
	orphan := bareOrphan(rr)
	temp := s.temp
	bareReaped(rr)
	living := bareLeftovers(rr, temp)
	if !living() {
		t.Error("no process was left")
	}
	witness := exec.Command("sleep", "1000") // of the same user, outside
	must(t, witness.Start())
	s.Close()
	if living() {
		t.Error("processes outlive the session")
	}
	if err := witness.Process.Signal(syscall.SIGTERM); err != nil || witness.Wait().Error() != "signal: terminated" {
		t.Error("a process outside was ended")
	}
	if err := syscall.Kill(orphan, 0); err != syscall.ESRCH {
		t.Errorf("an orphan lives: %v", err)
	}
	if _, err := os.Stat(temp); err == nil {
		t.Error("the temporary directory is left")
	}
	bareKeeperKilled(t, p, dir)
}

// bareKeeperKilled: what a keeper that was killed leaves ends all the same.
func bareKeeperKilled(t *testing.T, p *policy.Policy, dir string) {
	t.Helper()
	s, err := New(Config{Policy: p, Dir: dir, Log: os.Stderr})
	must(t, err)
	rr := newRawRunner(t, s, p)
	living := bareLeftovers(rr, s.temp)
	must(t, syscall.Kill(s.pid, syscall.SIGKILL))
	for end := time.Now().Add(20 * time.Second); living(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("processes outlive the keeper")
		}
	}
	s.Close()
}

// bareMounts shows a secret directory, a part of it, a file in it, what it is in, and
// something else, at other paths.
func bareMounts(t *testing.T, home string) {
	t.Helper()
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	for _, f := range []string{"/.ssh/sub/key", "/one", "/beside", "/elsewhere/x", "/part/x", "/shown/x", "/above/x", "/project/shown/f"} {
		write(t, home+f, "x")
	}
	for _, m := range [][2]string{{"/.ssh", "/elsewhere"}, {"/.ssh/sub", "/part"}, {"/.ssh/id", "/one"}, {"/project/f", "/beside"}, {"/project/shown", "/shown"}} {
		must(t, unix.Mount(home+m[0], home+m[1], "", unix.MS_BIND, ""))
	}
	must(t, unix.Mount(home, home+"/above", "", unix.MS_BIND, ""))
}

// bareElsewhere: the keeper may look into other mount namespaces, by the links of /proc,
// where a file with the path of the session's own is another's.
func bareElsewhere(t *testing.T, rr *rawRunner, temp string) {
	t.Helper()
	other := exec.Command("sh", "-c", "mount -t tmpfs none "+temp+" && echo >"+temp+"/own && echo ready && exec sleep 1000")
	other.SysProcAttr, other.Stderr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, os.Stderr
	out, err := other.StdoutPipe()
	must(t, err)
	must(t, other.Start())
	defer func() { _, _ = other.Process.Kill(), other.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(line, err)
	}
	path := fmt.Sprintf("/proc/%d/root%s/own", other.Process.Pid, temp)
	must(t, os.Chmod(path, 0o604))
	rr.checkAll(check{"chmod," + path + ",0777", "EPERM"}, check{"utimes," + path, "EPERM"},
		check{"chmod,/proc/self/root" + temp + "/own,0640", "ok"}, check{"utimes,/proc/self/root" + temp + "/own", "ok"})
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o604 {
		t.Errorf("%v %v", st, err)
	}
}

func bareFiles(t *testing.T, rr *rawRunner, home, temp string) {
	t.Helper()
	if err := os.Symlink(home+"/.bashrc", temp+"/link"); err != nil {
		t.Fatal(err)
	}
	write(t, temp+"/own", "x")
	project := home + "/project"
	rr.checkAll(
		check{"read," + home + "/public", "ok"}, check{"read," + project + "/f", "ok"}, check{"list," + home, "ok"},
		check{"list,/", "ok"}, check{"read,/etc/passwd", "ok"}, check{"read,/usr/bin/env", "ok"},
		check{"read," + home + "/.ssh/id", "EACCES"}, check{"read," + home + "/.netrc", "EACCES"}, check{"read,/etc/shadow", "EACCES"},
		check{"create," + home + "/new", "EACCES"}, check{"own-append," + home + "/.bashrc", "EACCES"}, check{"unlink," + home + "/public", "EACCES"},
		check{"rename," + home + "/public," + home + "/p2", "EACCES"}, check{"link," + home + "/.bashrc," + temp + "/hard", "EXDEV"},
		check{"link," + home + "/.ssh/id," + temp + "/hard", "EXDEV"}, check{"own-truncate," + home + "/public", "EACCES"},
		check{"create,/tmp/x", "EACCES"}, check{"mkdir,/dev/shm/x,0755", "EACCES"}, check{"create," + project + "/.envrc", "EACCES"},
		check{"create," + temp + "/new", "ok"}, check{"rename," + temp + "/new," + temp + "/newer", "ok"}, check{"own-append,/dev/null", "ok"},
		check{"mkdir," + temp + "/one,0755", "ok"}, check{"rename," + temp + "/newer," + temp + "/one/new", "ok"}, check{"link," + temp + "/one/new," + temp + "/two", "ok"},
		check{"read,/dev/ptmx", "EACCES"}, check{"read,/dev/urandom", "ok"}, check{"write,/proc/self/comm", "EACCES"},
		// What Landlock does not know.
		check{"chmod," + home + "/public,0777", "EPERM"}, check{"chmod," + temp + "/link,0777", "EPERM"},
		check{"own-fchmod," + home + "/public,0777", "EPERM"}, check{"fchmodat2," + home + "/public,0777", "EPERM"},
		check{"utimes," + home + "/public", "EPERM"}, check{"utimes," + temp + "/link", "EPERM"},
		check{"chown," + home + "/public," + fmt.Sprint(os.Geteuid()) + ",-1", "EPERM"}, check{"own-setxattr," + home + "/public", "ENOTSUP"},
		check{"chmod," + temp + "/own,0750", "ok"}, check{"own-fchmod," + temp + "/own,0640", "ok"}, check{"utimes," + temp + "/own", "ok"},
		check{"chmod," + temp + "/own,04755", "EPERM"}, check{"chown," + temp + "/own,12345,-1", "EPERM"},
		check{"chmod," + temp + "/absent,0750", "ENOENT"},
	)
	for _, request := range []uint{unix.FS_IOC_SETFLAGS, 0x401c5820, setVersion, 0x40086604, 0x40047211, unix.FS_IOC_ENABLE_VERITY,
		unix.FS_IOC_SET_ENCRYPTION_POLICY, 0x4008941a, 0xc0c89425, 0x40305828, 0xc028660f, 0xc0c0586d, 0xf501} {
		rr.check(check{fmt.Sprintf("request,%s/public,%#x", home, request), "ENOTSUP"})
	}
	rr.check(check{fmt.Sprintf("request,%s/public,%#x", home, uint(unix.FS_IOC_GETFLAGS)), "ok"})
	var st unix.Stat_t
	if err := unix.Stat(temp+"/own", &st); err != nil || st.Mode&0o777 != 0o640 || st.Mtim.Sec != 0 {
		t.Errorf("own file: %o %d %v", st.Mode, st.Mtim.Sec, err)
	}
	if out, status := rr.sh("cd " + temp + " && echo x >rel && chmod 600 rel && chmod +x ./rel && touch -d @7 rel && stat -c '%a %Y' rel && chmod 7 ../../../../../../public"); status == 0 || !strings.HasPrefix(out, "711 7\n") {
		t.Errorf("relative names: %q %d", out, status)
	}
}

func bareProcesses(t *testing.T, rr *rawRunner) {
	t.Helper()
	parent := os.Getpid()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	rr.checkAll(
		check{"status,NoNewPrivs", "1"}, check{"status,CapEff", "0000000000000000"},
		check{fmt.Sprintf("signal,%d,0", parent), "EPERM"}, check{"signal,1,9", "EPERM"},
		check{fmt.Sprintf("read,/proc/%d/environ", parent), "EACCES"}, check{fmt.Sprintf("readlink,/proc/%d/cwd", parent), "EACCES"},
		check{sysProbe(unix.SYS_PTRACE, unix.PTRACE_ATTACH, parent), "EPERM"}, check{fmt.Sprintf("prlimit,%d", parent), "EPERM"},
		check{sysProbe(unix.SYS_SCHED_SETAFFINITY, parent, 0, 0), "EPERM"}, check{sysProbe(unix.SYS_SETPRIORITY, 2, 0, 19), "EPERM"},
		check{sysProbe(unix.SYS_SHMGET, 1, 1, 0), "EPERM"}, check{sysProbe(unix.SYS_MSGGET, 1, 0), "EPERM"},
		check{sysProbe(unix.SYS_UNSHARE, unix.CLONE_NEWUSER), "EPERM"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_INET, unix.SOCK_STREAM), "ok"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_INET, unix.SOCK_DGRAM), "EACCES"},
		check{fmt.Sprintf("socket,%d,%d,262", unix.AF_INET, unix.SOCK_STREAM), "EPROTONOSUPPORT"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_INET, unix.SOCK_RAW), "EACCES"},
		check{sysProbe(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_DGRAM, 0, 0), "ENOTSUP"},
		check{sysProbe(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_RAW, 0, 0), "ENOTSUP"},
		check{fmt.Sprint("connect,127.0.0.1,", PortHTTP), "ok"}, check{fmt.Sprint("connect,127.0.0.1,", PortSOCKS), "ok"},
		check{fmt.Sprint("connect,127.0.0.1,", port), "ECONNREFUSED"}, check{"connect,192.0.2.1,443", "ECONNREFUSED"},
		check{fmt.Sprint("connect,127.0.0.2,", PortHTTP), "ECONNREFUSED"}, check{"listen,0", "EACCES"},
		check{sysProbe(unix.SYS_SENDTO, 0, 0, 0, 0, 1, 16), "EACCES"}, check{sysProbe(unix.SYS_SENDTO, 0, 0, 0, 0, "0x100000000", 16), "EACCES"},
		check{sysProbe(unix.SYS_SENDTO, 0, 0, 0, msgFastopen, 0, 0), "EACCES"}, check{sysProbe(unix.SYS_SENDMSG, 0, 0, msgFastopen), "EACCES"},
		check{sysProbe(unix.SYS_SENDMMSG, 0, 0, 0, msgFastopen), "EACCES"}, check{sysProbe(unix.SYS_CONNECT, 0, 0, 16), "EFAULT"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_UNIX, unix.SOCK_STREAM), "EACCES"},
		check{fmt.Sprintf("socket,%d,%d,0", unix.AF_NETLINK, unix.SOCK_RAW), "EAFNOSUPPORT"},
		check{"own-inside,", "true"},
	)
	if Inside() {
		t.Error("outside counts as inside")
	}
}

// bareRefusals: what cannot be enforced is refused by name, or given up by an
// explicit word.
func bareRefusals(t *testing.T, p *policy.Policy) {
	t.Helper()
	wider := func(change func(*policy.Policy)) *policy.Policy {
		q := *p
		change(&q)
		return &q
	}
	for layer, q := range map[string]*policy.Policy{
		WeakerMounts: wider(func(q *policy.Policy) { q.Filesystem.AllowWrite = paths(p.Dir) }),
		WeakerNet:    wider(func(q *policy.Policy) { q.Network.LocalBinding = true }),
		WeakerLimits: wider(func(q *policy.Policy) { q.Limits.Processes = 10 }),
	} {
		if layer == WeakerLimits && pidsGroup() != "" {
			continue
		}
		for _, weaker := range [][]string{nil, {layer}} {
			s, err := New(Config{Policy: q, Dir: q.Dir, Log: os.Stderr, Weaker: weaker})
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.startRunner(q)
			var se *SetupError
			switch {
			case weaker == nil && (!errors.As(err, &se) || se.Layer != layer || !strings.Contains(se.Hint, "--allow-weaker="+layer)):
				t.Errorf("%s: %v", layer, err)
			case weaker != nil && err != nil && !(layer == WeakerLimits && os.Geteuid() == 0):
				t.Errorf("%s given up: %v", layer, err)
			}
			if r != nil {
				closeAll([]int{r.sock, r.events})
			}
			s.Close()
		}
	}
	if !slices.Contains(WeakerLayers(), WeakerNet) {
		t.Error("net cannot be named")
	}
}

// bareOrphan leaves a process that no runner knows of.
func bareOrphan(rr *rawRunner) int {
	rr.t.Helper()
	out, _ := rr.sh("setsid sh -c 'sleep 1000 >/dev/null 2>&1 & echo $!'")
	var pid int
	if _, err := fmt.Sscan(out, &pid); err != nil {
		rr.t.Fatal(out, err)
	}
	return pid
}

// bareLeftovers leaves what does not want to end: processes that are never one for
// long, in the shell's session and in their own, and directories that their owner
// cannot enter. living tells whether one of the processes is there.
func bareLeftovers(rr *rawRunner, temp string) (living func() bool) {
	rr.t.Helper()
	chain := "sh -c 'again() { again & exit; }; again'"
	if runtime.GOARCH == "amd64" {
		chain = temp + "/chain"
		must(rr.t, os.WriteFile(chain, forkProgram(time.Now().Add(time.Minute)), 0o755))
	}
	must(rr.t, unix.Mkfifo(temp+"/held", 0o600))
	held, err := unix.Open(temp+"/held", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	must(rr.t, err)
	rr.t.Cleanup(func() { unix.Close(held) })
	out, status := rr.sh("cd " + temp + ` && mkdir -p closed/in && chmod 0 closed && exec >held 2>&1 && { ` +
		strings.Repeat("setsid "+chain+" & "+chain+" & ", 2) + `}`)
	if out != "" || status != 0 {
		rr.t.Error(out, status)
	}
	return func() bool {
		n, err := unix.Read(held, make([]byte, 1))
		return n != 0 || err != nil // EAGAIN: somebody may write
	}
}

// bareReaped waits until an orphan that has ended is gone while the session lasts.
func bareReaped(rr *rawRunner) {
	rr.t.Helper()
	out, _ := rr.sh("sh -c 'true & echo $!'")
	var pid int
	if _, err := fmt.Sscan(out, &pid); err != nil {
		rr.t.Fatal(out, err)
	}
	for end := time.Now().Add(20 * time.Second); syscall.Kill(pid, 0) != syscall.ESRCH; runtime.Gosched() {
		if time.Now().After(end) {
			rr.t.Fatal("an orphan that has ended is left")
		}
	}
}
