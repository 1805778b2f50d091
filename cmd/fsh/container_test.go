package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// filterCalls are refused by the filters that stand for a container's, with EPERM.
var filterCalls = map[string][]uint32{
	// Docker's default profile without capabilities; clone by its flags besides,
	// and clone3 is ENOSYS.
	"docker": {
		unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT,
		unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSCONFIG, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_KEYCTL, unix.SYS_ADD_KEY,
		unix.SYS_REQUEST_KEY, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_USERFAULTFD,
		unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_PROCESS_MADVISE, unix.SYS_IO_URING_SETUP, unix.SYS_QUOTACTL, unix.SYS_SYSLOG,
		unix.SYS_FANOTIFY_INIT, unix.SYS_CLOCK_SETTIME, unix.SYS_SETTIMEOFDAY, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_ACCT,
	},
	// Ubuntu's unprivileged_userns: the namespace can be had, its capabilities not.
	"apparmor": {unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_MOVE_MOUNT, unix.SYS_FSMOUNT, unix.SYS_MOUNT_SETATTR, unix.SYS_PIVOT_ROOT},
}

// newNamespaces are the flags of clone(2) that make some.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// install restricts this thread, which then executes a program: seccomp(2).
func installFilter(name string) error {
	const load, jumpEqual, jumpAny, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	const allow, refuse = 0x7fff0000, 0x00050000 // SECCOMP_RET_ALLOW, _ERRNO
	prog := []unix.SockFilter{{Code: load}}      // the number
	for _, nr := range filterCalls[name] {
		prog = append(prog, unix.SockFilter{Code: jumpEqual, Jf: 1, K: nr}, unix.SockFilter{Code: ret, K: refuse | uint32(unix.EPERM)})
	}
	if name == "docker" {
		prog = append(prog,
			unix.SockFilter{Code: jumpEqual, Jf: 1, K: unix.SYS_CLONE3}, unix.SockFilter{Code: ret, K: refuse | uint32(unix.ENOSYS)},
			unix.SockFilter{Code: jumpEqual, Jf: 3, K: unix.SYS_CLONE}, unix.SockFilter{Code: load, K: 16}, // its first argument
			unix.SockFilter{Code: jumpAny, Jf: 1, K: newNamespaces}, unix.SockFilter{Code: ret, K: refuse | uint32(unix.EPERM)})
	}
	prog = append(prog, unix.SockFilter{Code: ret, K: allow})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	p := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&p)), 0, 0)
}

// TestContainerEntry is not a test: it turns into fsh behind a filter.
func TestContainerEntry(t *testing.T) {
	name, rest, ok := strings.Cut(os.Getenv("FSH_TEST_CONTAINER"), "\x1f")
	if !ok {
		t.Skip("only as a subprocess")
	}
	runtime.LockOSThread()
	if err := installFilter(name); err != nil {
		t.Fatal(err)
	}
	argv := strings.Split(rest, "\x1f")
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "FSH_TEST_CONTAINER=") {
			env = append(env, e)
		}
	}
	t.Fatal(syscall.Exec(argv[0], argv, env))
}

// contained is fsh behind a filter, or in a tree with a masked /proc.
func contained(t *testing.T, where, dir string, args ...string) *exec.Cmd {
	t.Helper()
	argv := append([]string{fshBinary(t)}, args...)
	env := []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "TMPDIR=/tmp"}
	var cmd *exec.Cmd
	if where == "masked /proc" {
		require(t, "unshare")
		flags := []string{"-m"}
		if os.Geteuid() != 0 {
			flags = []string{"-m", "-U", "--map-current-user", "--keep-caps"}
		}
		cmd = exec.Command("unshare", append(append(flags, "sh", "-c",
			`mount -t tmpfs -o ro none /proc/acpi 2>/dev/null || mount -t tmpfs -o ro none /proc/tty && mount --bind /dev/null /proc/keys &&
			mount --rbind /proc/sys /proc/sys && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"`, "sh"), argv...)...)
	} else {
		cmd = exec.Command("/proc/self/exe", "-test.run", "^TestContainerEntry$")
		env = append(env, "FSH_TEST_CONTAINER="+where+"\x1f"+strings.Join(argv, "\x1f"))
	}
	cmd.Dir, cmd.Env = dir, env
	return cmd
}

// TestContainers: where a container or a distribution refuses namespaces or what
// they are good for, the default policy holds by other means, one line says what
// is weaker, a policy that needs more is refused by the layer's name, and doctor
// knows a remedy.
func TestContainers(t *testing.T) {
	unmask := "mount /proc without anything over it"
	for _, marker := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(marker); err == nil { // these tests run in a container
			unmask = "unmask"
		}
	}
	for where, want := range map[string]struct{ layer, remedy string }{
		"docker":       {"user namespace", "--security-opt seccomp="},
		"apparmor":     {"user namespace", "--security-opt apparmor="}, // a filter shows: a container
		"masked /proc": {"proc", unmask},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			dir := home(t)
			run := func(args ...string) outcome { return outcomeOf(t, contained(t, where, dir, args...)) }
			before := tree(t, dir)
			got := run("-c", `echo x >"$TMPDIR/f" && chmod 600 "$TMPDIR/f" && cat "$TMPDIR/f" | cat; cat ~/.ssh/id_ed25519 || echo refused
				echo x >~/.bashrc || echo refused; touch ~/new || echo refused; (exit 3); echo $?
				exec 9>"$TMPDIR/g"; (cd /; exec /nonexistent 2>/dev/null); pwd >&9; exec sh -c 'cat "$TMPDIR/g"; umask; exit 7'`)
			if got.status != 7 || got.stdout != "x\nrefused\nrefused\nrefused\n3\n"+dir+"\n0022\n" || strings.Contains(got.stderr, "t0psecret") {
				t.Errorf("%+v", got)
			}
			if strings.Count(got.stderr, "weaker sandbox") != 1 {
				t.Errorf("not told once what is weaker: %s", got.stderr)
			}
			got = run("--allow-write=.", "-c", "/bin/true; echo ran")
			if got.status != 125 || got.stdout != "" || !strings.Contains(got.stderr, "sandbox: mounts") || !strings.Contains(got.stderr, "hint: ") {
				t.Errorf("a policy that needs more: %+v", got)
			}
			got = run("doctor")
			if got.status != 1 || !strings.Contains(got.stdout, want.layer) || !strings.Contains(got.stdout, want.remedy) {
				t.Errorf("doctor does not name %q and %q: %+v", want.layer, want.remedy, got)
			}
			homeless := contained(t, where, dir, "-c", `echo x >"$TMPDIR/f" && cat "$TMPDIR/f"; echo y >/tmp/y || echo refused; dirname "$TMPDIR"`)
			homeless.Env = append(homeless.Env, "HOME=/proc/none")
			base := fmt.Sprint("/tmp/fsh-", os.Geteuid())
			if got := outcomeOf(t, homeless); got.status != 0 || got.stdout != "x\nrefused\n"+base+"\n" {
				t.Errorf("without a home: %+v", got)
			}
			if after := tree(t, dir); after != before {
				t.Errorf("home changed:\n%s\nwas:\n%s", after, before)
			}
		})
	}
}
