package sandbox

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// The tests called TestAttack… are what somebody would try who controls every
// command of a session; each asserts the exact errno, and that the honest twin
// works.

// sysProbe is a bare system call.
func sysProbe(nr int, args ...any) string {
	s := fmt.Sprintf("sys,%d", nr)
	for _, a := range args {
		s += fmt.Sprintf(",%v", a)
	}
	return s
}

// checkAll asks one process for everything.
func (rr *rawRunner) checkAll(cs ...check) {
	rr.t.Helper()
	argv := []string{Marker + "/fsh"}
	for _, c := range cs {
		argv = append(argv, c.probe)
	}
	out, status := rr.run(argv...)
	got := strings.Split(out, "\n")
	if status != 0 || len(got) != len(cs) {
		rr.t.Fatalf("probes: status %d, %s", status, out)
	}
	for i, c := range cs {
		if got[i] != c.want {
			rr.t.Errorf("%s = %s, want %s", c.probe, got[i], c.want)
		}
	}
}

// sleeper starts a process that waits until it is killed, and says its number.
func (rr *rawRunner) sleeper(env string) int {
	rr.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		rr.t.Fatal(err)
	}
	defer r.Close()
	rr.send([]string{"/bin/sh", "-c", env + " exec sh -c 'echo $$; exec sleep 1000'"}, w)
	w.Close()
	var pid int
	if _, err := fmt.Fscan(r, &pid); err != nil {
		rr.t.Fatal(err)
	}
	return pid
}

// TestAttackProcesses: what is outside, pid 1, runners and the commands of
// another policy can be neither read, traced nor signalled.
func TestAttackProcesses(t *testing.T) {
	dir := t.TempDir()
	p, q := testPolicy(dir), testPolicy(dir)
	q.Filesystem.DenyWrite = paths("/usr")
	s := newTestSession(t, p)
	rr, other := newRawRunner(t, s, p), newRawRunner(t, s, q)
	victim := exec.Command("/bin/sleep", "1000")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { victim.Process.Kill(); victim.Wait() }()
	foreign, own := other.sleeper("SECRET=1"), rr.sleeper("")

	for _, pid := range []int{1, rr.r.pid, other.r.pid, foreign} {
		for _, file := range []string{"environ", "mem", "maps", "auxv", "pagemap"} {
			rr.checkAll(check{fmt.Sprintf("read,/proc/%d/%s", pid, file), "EACCES"})
		}
		for _, link := range []string{"cwd", "root", "exe", "fd/0", "ns/mnt"} {
			rr.checkAll(check{fmt.Sprintf("readlink,/proc/%d/%s", pid, link), "EACCES"})
		}
		rr.checkAll(
			check{sysProbe(unix.SYS_PTRACE, unix.PTRACE_ATTACH, pid), "EPERM"},
			check{sysProbe(unix.SYS_PTRACE, unix.PTRACE_SEIZE, pid), "EPERM"},
			check{sysProbe(unix.SYS_PROCESS_VM_READV, pid, 0, 0, 0, 0, 0), "EPERM"},
			check{sysProbe(unix.SYS_PROCESS_VM_WRITEV, pid, 0, 0, 0, 0, 0), "EPERM"},
			check{sysProbe(unix.SYS_KCMP, pid, pid, 0, 0, 0), "EPERM"},
			check{fmt.Sprint("pidfd-getfd,", pid), "EPERM"},
			check{fmt.Sprint("prlimit,", pid), "EPERM"},
		)
	}
	for _, pid := range []int{1, other.r.pid, foreign} {
		rr.checkAll(
			check{fmt.Sprintf("signal,%d,9", pid), "EPERM"},
			check{fmt.Sprint("pidfd-signal,", pid), "EPERM"},
			check{fmt.Sprint("sigqueue,", pid), "EPERM"},
			check{sysProbe(unix.SYS_TGKILL, pid, pid, 9), "EPERM"},
			check{sysProbe(unix.SYS_TKILL, pid, 9), "EPERM"},
		)
	}
	rr.check(
		check{"read,/proc/self/environ", "ok"},
		check{"readlink,/proc/self/cwd", "ok"},
		check{fmt.Sprintf("read,/proc/%d/environ", own), "ok"},
		check{fmt.Sprintf("read,/proc/%d/environ", victim.Process.Pid), "ENOENT"},
		check{fmt.Sprintf("signal,%d,9", victim.Process.Pid), "ESRCH"},
		check{fmt.Sprintf("signal,%d,0", s.pid), "ESRCH"},
		check{fmt.Sprintf("signal,%d,0", own), "ok"},
		check{fmt.Sprint("pidfd-signal,", own), "ok"},
		check{"prlimit,0", "ok"},
	)
	if out, _ := rr.sh("ls -l /proc/self/fd | sed 's/.* -> //'"); strings.Contains(out, "socket") {
		t.Errorf("descriptors of the runner leak: %s", out)
	}
	// To everybody, which may end this runner but nothing else.
	rr.send([]string{"/bin/sh", "-c", "trap '' HUP; kill -HUP 0; kill -STOP -1; kill -CONT -1; kill -TERM -1; kill -9 -1"}, os.Stderr)
	if ws, ok := <-rr.r.gone; !ok || ws.Status.Signal() != syscall.SIGKILL {
		t.Errorf("the runner ended with %v %v", ws, ok)
	}
	other.check(check{fmt.Sprintf("signal,%d,0", foreign), "ok"})
	if err := victim.Process.Signal(syscall.Signal(0)); err != nil || statusOf(fmt.Sprintf("/proc/%d/status", victim.Process.Pid), "State") == "T (stopped)" {
		t.Error("a process outside was reached:", err)
	}
	newRawRunner(t, s, p).check(check{"read,/proc/self/environ", "ok"})
}

// TestAttackGroupFromOutside: commands may be in the process group of what
// started fsh, which has no number inside.
func TestAttackGroupFromOutside(t *testing.T) {
	before, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	const idle, process, group = 3 << 13, 1, 2 // linux/ioprio.h
	rr := inside(t, testPolicy(t.TempDir()))
	rr.checkAll(
		check{sysProbe(unix.SYS_SETPRIORITY, unix.PRIO_PGRP, 0, 19), "EPERM"},
		check{sysProbe(unix.SYS_SETPRIORITY, "0x100000001", "0x100000000", 19), "EPERM"},
		check{sysProbe(unix.SYS_IOPRIO_SET, group, 0, idle), "EPERM"},
		check{sysProbe(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, 19), "ok"},
		check{sysProbe(unix.SYS_IOPRIO_SET, process, 0, idle), "ok"},
	)
	if out, status := rr.sh("setsid sh -c 'renice -n 19 -g $$ >/dev/null && nice'"); out != "19" || status != 0 {
		t.Errorf("a group of its own: %q %d", out, status)
	}
	if after, err := unix.Getpriority(unix.PRIO_PROCESS, 0); after != before || err != nil {
		t.Errorf("priority outside: %d, was %d, %v", after, before, err)
	}
}

// TestAttackStoppedRunner: a command that stops everybody does not hang the
// shell. To stop $$ by its number is to stop the shell, as in any other.
func TestAttackStoppedRunner(t *testing.T) {
	rr := inside(t, testPolicy(t.TempDir()))
	for range 5 {
		for _, attack := range []string{"kill -STOP -1", "trap '' TSTP; kill -TSTP -1; kill -STOP -1", "kill -TSTP $PPID; kill -TTIN $PPID; kill -STOP -1"} {
			if out, status := rr.sh(attack + "; echo survived"); out != "survived" || status != 0 {
				t.Fatalf("%s: %q %d", attack, out, status)
			}
		}
	}
}

// TestAttackPrivileges: nothing gives a command rights that it was not
// started with.
func TestAttackPrivileges(t *testing.T) {
	dir := outside(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	copyTest(t, dir+"/set-id")
	if os.Geteuid() == 0 { // an ordinary user cannot make one that would matter
		if err := os.Chown(dir+"/set-id", otherUser, otherUser); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir+"/set-id", 0o6755); err != nil {
			t.Fatal(err)
		}
	}
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	rr := inside(t, p)
	const none = "0000000000000000"
	strange := "EINVAL" // an ordinary user's sandbox knows no other numbers
	if os.Geteuid() == 0 {
		strange = "EPERM"
	}
	rr.checkAll(
		check{"status,NoNewPrivs", "1"}, check{"status,Seccomp", "2"},
		check{"status,CapEff", none}, check{"status,CapPrm", none}, check{"status,CapInh", none},
		check{"status,CapBnd", none}, check{"status,CapAmb", none},
		check{"all-caps,", "EPERM"},
		check{sysProbe(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_CHOWN, 0, 0), "EPERM"},
		check{sysProbe(unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, 0), "EPERM"},
		check{sysProbe(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), "EINVAL"},
		check{sysProbe(unix.SYS_SETUID, 12345), strange},
		check{sysProbe(unix.SYS_SETRESGID, 12345, 12345, 12345), strange},
		check{sysProbe(unix.SYS_SETGROUPS, 0, 0), "EPERM"},
		check{"chown," + dir + "/set-id,12345,12345", "EPERM"},
		check{"mknod," + dir + "/disk,060666", "EPERM"},
		check{"chroot," + dir, "EPERM"},
		check{"mount,none," + dir + ",tmpfs", "EPERM"},
		check{sysProbe(unix.SYS_CLONE, unix.CLONE_NEWUSER|unix.CLONE_NEWNS|int(syscall.SIGCHLD), 0, 0, 0, 0), "EPERM"},
	)
	ids := fmt.Sprintf("%d %d", os.Geteuid(), os.Getegid())
	rr.check(check{"ids,", ids})
	for _, file := range []string{dir + "/set-id", "/bin/su", "/usr/bin/passwd", "/usr/bin/newgrp"} {
		if st, err := os.Stat(file); err != nil || st.Mode()&(os.ModeSetuid|os.ModeSetgid) == 0 {
			continue
		}
		// A shell with a set-id image drops it; /proc shows what execve gave.
		out, _ := rr.sh("exec 9<&0; " + file + " ids, </dev/null >/dev/null 2>&1 & wait; cat /proc/self/status | grep -c 'NoNewPrivs:.1'")
		if out != "1" {
			t.Errorf("%s: %q", file, out)
		}
	}
	if out, _ := rr.sh("exec -a " + probeName + " " + dir + "/set-id ids,"); out != ids && !strings.Contains(out, "not found") {
		out, _ = rr.run("/bin/bash", "-c", "exec -a "+probeName+" "+dir+"/set-id ids,")
		if out != ids {
			t.Errorf("a set-id program runs as %q", out)
		}
	}
}

// TestAttackQueues: the queues of the session's programs are theirs, and those of
// the host's out of reach.
func TestAttackQueues(t *testing.T) {
	name := fmt.Sprintf("fsh-test-%d", os.Getpid())
	if err := openQueue(name, unix.O_CREAT|unix.O_RDWR); err == unix.ENOSYS {
		if os.Getenv("FSH_REQUIRE") == "all" {
			t.Fatal("a kernel without queues")
		}
		t.Skip("a kernel without queues")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		text, err := unix.BytePtrFromString(name)
		must(t, err)
		if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(text)), 0, 0); errno != 0 {
			t.Error(errno)
		}
	})
	inside(t, testPolicy(t.TempDir())).checkAll(
		check{"queue," + name + ",2", "ENOENT"}, check{"read,/dev/mqueue/" + name, "ENOENT"},
		check{fmt.Sprintf("queue,own,%d", unix.O_CREAT|unix.O_RDWR), "ok"}, check{"queue,own,2", "ok"}, check{"read,/dev/mqueue/own", "ok"},
	)
}

// TestAttackSystemCalls asks the kernel about what TestFilter interprets, and
// the ABIs that it cannot.
func TestAttackSystemCalls(t *testing.T) {
	dir := outside(t)
	p := testPolicy(dir)
	p.Filesystem.AllowWrite = paths(dir)
	rr := inside(t, p)
	var all []check
	for _, r := range seccompRows {
		if nr := nativeArch.number(r.kernelCall); nr != no && len(r.tests) == 0 {
			all = append(all, check{sysProbe(nr, 0, 0, 0, 0, 0, 0), unix.ErrnoName(r.errno)})
		}
	}
	rr.checkAll(all...)
	rr.checkAll(
		check{sysProbe(unix.SYS_PERSONALITY, 0x0400000), "EPERM"}, // READ_IMPLIES_EXEC
		check{sysProbe(unix.SYS_PERSONALITY, 0x0140000), "EPERM"}, // MMAP_PAGE_ZERO and the one below
		check{sysProbe(unix.SYS_PERSONALITY, 0x0040000), "ok"},    // ADDR_NO_RANDOMIZE: the process's own business
		check{sysProbe(unix.SYS_PERSONALITY, 0xffffffff), "ok"},
		check{sysProbe(unix.SYS_SOCKETPAIR, unix.AF_TIPC, unix.SOCK_STREAM, 0, 0), "ENOTSUP"},
		check{sysProbe(unix.SYS_IOCTL, 0, "0xdeadbeef0000541C", 0), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, "0x100005423", 0), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, unix.TIOCEXCL, 0), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, unix.TCXONC, unix.TCOOFF), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, unix.TCXONC, unix.TCOON), "ENOTTY"},
		check{sysProbe(unix.SYS_IOCTL, 0, ioctlSetMode, 1), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, ioctlKeyboardMode, 4), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, ioctlKeyboardMute, 1), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, ioctlSetMode+1, 0), "ENOTTY"}, // KDGETMODE
		check{sysProbe(unix.SYS_IOCTL, 0, unix.FS_IOC_ADD_ENCRYPTION_KEY, 0), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, unix.FS_IOC_REMOVE_ENCRYPTION_KEY, 0), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, unix.FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS, 0), "EPERM"},
		check{sysProbe(unix.SYS_IOCTL, 0, unix.FS_IOC_GET_ENCRYPTION_KEY_STATUS, 0), "ENOTTY"},
		check{sysProbe(600), "ENOSYS"},
	)
	if runtime.GOARCH != "amd64" {
		return
	}
	rr.check(check{sysProbe(0x40000000 | unix.SYS_MOUNT), "ENOSYS"})
	if err := os.WriteFile(dir+"/int80", int80Program(20), 0o755); err != nil { // getpid
		t.Fatal(err)
	}
	if out, status := rr.run(dir + "/int80"); status != int(syscall.ENOSYS) {
		t.Errorf("getpid by int 0x80: %q %d", out, status)
	}
}

// int80Program is an executable of amd64 that makes a call by the door of
// i386 and exits with the errno it gets, or with 0.
func int80Program(nr byte) []byte {
	return programOf([]byte{
		0xb8, nr, 0, 0, 0, // mov eax, nr
		0xcd, 0x80, // int 0x80
		0xf7, 0xd8, // neg eax
		0x89, 0xc7, // mov edi, eax
		0xb8, 60, 0, 0, 0, // mov eax, SYS_exit
		0x0f, 0x05, // syscall
	})
}

// forkProgram is one that is never the same process for long, until some time. It
// pauses, or what it leaves would fill the machine's table of processes.
func forkProgram(end time.Time) []byte {
	code := []byte{
		0x48, 0x83, 0xec, 16, // sub rsp, 16
		0x48, 0xc7, 0x04, 0x24, 0, 0, 0, 0, // mov qword [rsp], 0
		0x48, 0xc7, 0x44, 0x24, 8, 0, 0, 0, 0, // mov qword [rsp+8], pause
		0x48, 0x89, 0xe7, // mov rdi, rsp
		0x31, 0xf6, // xor esi, esi
		0xb8, 35, 0, 0, 0, // mov eax, SYS_nanosleep
		0x0f, 0x05, // syscall
		0x48, 0x83, 0xc4, 16, // add rsp, 16
		0xb8, 57, 0, 0, 0, // mov eax, SYS_fork
		0x0f, 0x05, // syscall
		0x85, 0xc0, // test eax, eax
		0x7f, 0x10, // jg to the exit
		0xb8, 201, 0, 0, 0, // mov eax, SYS_time
		0x31, 0xff, // xor edi, edi
		0x0f, 0x05, // syscall
		0x3d, 0, 0, 0, 0, // cmp eax, end
		0x76, 0xc0, // jbe to the first
		0xb8, 60, 0, 0, 0, // mov eax, SYS_exit
		0x31, 0xff, // xor edi, edi
		0x0f, 0x05, // syscall
	}
	binary.LittleEndian.PutUint32(code[17:], uint32(200*time.Microsecond))
	binary.LittleEndian.PutUint32(code[58:], uint32(end.Unix()))
	return programOf(code)
}

// programOf is an executable of amd64.
func programOf(code []byte) []byte {
	const base, start = 0x400000, 64 + 56
	elf := make([]byte, start, start+len(code))
	copy(elf, "\x7fELF\x02\x01\x01")
	le := func(off, size int, v uint64) {
		for i := range size {
			elf[off+i] = byte(v >> (8 * i))
		}
	}
	le(16, 2, 2)  // ET_EXEC
	le(18, 2, 62) // EM_X86_64
	le(20, 4, 1)
	le(24, 8, base+start)
	le(32, 8, 64) // program headers
	le(52, 2, 64)
	le(54, 2, 56)
	le(56, 2, 1)
	le(64, 4, 1) // PT_LOAD
	le(68, 4, 5) // read, execute
	le(80, 8, base)
	le(88, 8, base)
	le(96, 8, uint64(start+len(code)))
	le(104, 8, uint64(start+len(code)))
	le(112, 8, 0x1000)
	return append(elf, code...)
}

// TestAttackRoot goes through what uid 0 owns even without capabilities, under
// the default policy. For an ordinary user the answers may be stricter.
func TestAttackRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("about root")
	}
	t.Setenv("XDG_STATE_HOME", t.TempDir()) // not the user's own
	dir := t.TempDir()
	p, _, err := policy.Load(policy.Options{Dir: dir, Home: os.Getenv("HOME")})
	if err != nil {
		t.Fatal(err)
	}
	rr := inside(t, p)
	var all []check
	for path, want := range map[string]string{
		"/proc/sys/kernel/core_pattern": "EROFS", "/proc/sys/kernel/modprobe": "EROFS", "/proc/sys/vm/drop_caches": "EROFS",
		"/proc/sys/kernel/sysrq": "EROFS", "/proc/sys/net/ipv4/ip_forward": "EROFS",
		"/proc/sysrq-trigger": "EROFS", "/proc/irq/default_smp_affinity": "EROFS", "/proc/kcore": "EACCES",
		"/sys/kernel/uevent_helper": "EROFS", "/sys/power/state": "EROFS", "/sys/fs/cgroup/cgroup.procs": "EROFS",
		"/sys/kernel/mm/transparent_hugepage/enabled": "EROFS", "/sys/module/printk/parameters/time": "EROFS",
		"/etc/passwd": "EROFS", "/etc/shadow": "EACCES", "/etc/ssh/ssh_host_rsa_key": "EACCES", "/boot": "EISDIR",
		"/root/.bashrc": "EROFS", "/var/spool/cron": "EISDIR", "/usr/bin/env": "EROFS",
	} {
		if _, err := os.Lstat(path); err == nil {
			all = append(all, check{"own-append," + path, want})
		}
	}
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/vmallocinfo",
		"/proc/slabinfo", "/proc/pagetypeinfo", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/etc/shadow", "/etc/gshadow",
		"/etc/shadow-", "/etc/ssh/ssh_host_ed25519_key", "/root/.ssh", "/sys/kernel/debug", "/sys/kernel/tracing",
		"/sys/kernel/security", "/sys/fs/bpf", "/sys/firmware", "/proc/acpi", "/proc/scsi", "/etc/ssl/private"} {
		if _, err := os.Lstat(path); err == nil {
			all = append(all, check{"read," + path, "EACCES"})
		}
	}
	for _, node := range []string{"/dev/mem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/loop-control", "/dev/fuse", "/dev/kvm",
		"/dev/net/tun", "/dev/console-host", "/dev/disk", "/dev/mapper", "/dev/vsock", "/dev/uinput"} {
		all = append(all, check{"read," + node, "ENOENT"})
	}
	rr.checkAll(append(all,
		check{"read,/dev/urandom", "ok"}, check{"read,/etc/passwd", "ok"}, check{"read,/proc/sys/kernel/ostype", "ok"},
		check{"mknod,/tmp/mem,020666", "EPERM"}, check{"create,/tmp/f", "ok"}, check{"chown,/tmp/f,1,1", "EPERM"},
		check{"chmod,/tmp/f,06755", "EPERM"}, check{"own-append,/proc/self/oom_score_adj", "ok"})...)
}
