package sandbox

import (
	"encoding/binary"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// architectures are those that fsh is built for, with a table of calls that
// somebody else made.
var architectures = map[string]struct {
	own   *architecture
	other *arch.Info
}{
	"amd64": {archAMD64, arch.X86_64},
	"arm64": {archARM64, arch.AARCH64},
}

// judge interprets a program as the kernel does, for one call.
func judge(t *testing.T, vm *bpf.VM, audit uint32, nr uint32, args ...uint64) string {
	t.Helper()
	// The interpreter reads big-endian words, the kernel native ones.
	data := make([]byte, offArgs+8*6)
	be := binary.BigEndian
	be.PutUint32(data[offNr:], nr)
	be.PutUint32(data[offArch:], audit)
	for i, a := range args {
		be.PutUint32(data[offArgs+8*i:], uint32(a))
		be.PutUint32(data[offArgs+8*i+4:], uint32(a>>32))
	}
	verdict, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	switch v := uint32(verdict); v & unix.SECCOMP_RET_ACTION_FULL {
	case unix.SECCOMP_RET_ALLOW:
		return "ok"
	case unix.SECCOMP_RET_ERRNO:
		return unix.ErrnoName(syscall.Errno(v & unix.SECCOMP_RET_DATA))
	default:
		return "an action that the filter does not use"
	}
}

func interpreter(t *testing.T, a *architecture, m filterMode) *bpf.VM {
	t.Helper()
	prog := a.program(m)
	if _, err := assemble(prog); err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	return vm
}

// TestFilterNumbers: both tables know the same numbers by the same names, and
// every call that exists has been judged once.
func TestFilterNumbers(t *testing.T) {
	var calls []kernelCall
	calls = append(calls, allowedCalls...)
	calls = append(calls, callSocket)
	for _, r := range append(filterMode{}.rows(), shellRows(1)...) {
		if r.why.text == "" || r.why.ref == "" {
			t.Errorf("%s has no reason or no reference", r.name)
		}
		calls = append(calls, r.kernelCall)
	}
	for name, a := range architectures {
		own := map[int]string{}
		for _, c := range calls {
			nr := a.own.number(c)
			if nr == no {
				continue
			}
			if was, ok := own[nr]; ok && was != c.name {
				t.Errorf("%s: %d is both %s and %s", name, nr, was, c.name)
			}
			own[nr] = c.name
			their, known := a.other.SyscallNumbers[nr]
			if known && their != c.name && "new"+their != c.name { // newfstatat
				t.Errorf("%s: %d is %s, not %s", name, nr, their, c.name)
			}
		}
		for nr, their := range a.other.SyscallNumbers {
			// Numbers 403 to 423 are for the 64-bit clocks of 32-bit machines.
			if own[nr] == "" && !slices.Contains(relics, their) && !(nr >= 403 && nr <= 423) {
				t.Errorf("%s: nobody has judged %s (%d)", name, their, nr)
			}
		}
	}
}

// TestFilterIsCompiled: what is embedded is what the tables say.
//
//go:generate env FSH_UPDATE=1 go test -count=1 -run TestFilterIsCompiled .
func TestFilterIsCompiled(t *testing.T) {
	for name, a := range architectures {
		for kind, m := range map[string]filterMode{"commands": {}, "shell": {shell: anyShell}} {
			prog, err := assemble(a.own.program(m))
			if err != nil {
				t.Fatal(err)
			}
			want, err := binary.Append(nil, binary.LittleEndian, prog)
			if err != nil {
				t.Fatal(err)
			}
			file := "seccomp_" + name + "." + kind
			if os.Getenv("FSH_UPDATE") != "" {
				if err := os.WriteFile(file, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			embedded := map[string]string{nativeFile("commands"): commandFilter, nativeFile("shell"): shellFilter}[file]
			if file == nativeFile(kind) && embedded != string(want) && os.Getenv("FSH_UPDATE") == "" {
				t.Errorf("%s is not what the tables say: go generate ./sandbox", file)
			}
			if text, err := os.ReadFile(file); err == nil && string(text) != string(want) {
				t.Errorf("%s is not what the tables say: go generate ./sandbox", file)
			}
		}
	}
	if os.Getenv("FSH_UPDATE") != "" {
		return // what is embedded is of before
	}
	for _, m := range []filterMode{{}, {shell: 77}} {
		got, err := seccompProgram(m)
		want, _ := assemble(nativeArch.program(m))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v: another program than the tables'", m)
		}
	}
}

func nativeFile(kind string) string { return "seccomp_" + runtime.GOARCH + "." + kind }

// relics are calls that kernels do not have any more, or that nobody needs.
var relics = strings.Fields(`_sysctl afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms
	get_thread_area getpmsg nfsservctl putpmsg query_module security set_thread_area sysfs tuxcall uselib vserver
	listns arch_specific_syscall`)

// filterRow is a call and what a filter says to it.
type filterRow struct {
	name string
	args []uint64
	want string
}

var shellFilterRows = []filterRow{
	{"execve", nil, "EPERM"}, {"socket", []uint64{unix.AF_UNIX}, "EPERM"}, {"unshare", []uint64{unix.CLONE_FILES}, "EPERM"},
	{"clone", []uint64{uint64(syscall.SIGCHLD)}, "EPERM"}, {"clone", []uint64{unix.CLONE_THREAD}, "ok"},
	{"clone", []uint64{unix.CLONE_THREAD | unix.CLONE_NEWUSER}, "EPERM"},
	{"kill", []uint64{77, 9}, "ok"}, {"kill", []uint64{78, 9}, "EPERM"}, {"kill", []uint64{^uint64(0), 9}, "EPERM"},
	{"tgkill", []uint64{77, 80, 9}, "ok"}, {"openat", nil, "ok"}, {"mount", nil, "EPERM"}, {"recvmsg", nil, "ok"},
}

// TestFilter interprets the filter for both architectures, whichever the test
// runs on. A call is asked for by its name; what x/net's interpreter says is
// checked against the kernel by TestAttackSystemCalls.
func TestFilter(t *testing.T) {
	const ioctlSTI, ioctlLINUX, ioctlSETD = 0x5412, 0x541C, 0x5423 // asm-generic/ioctls.h
	high := uint64(0xffffffff) << 32
	rows := []filterRow{
		{"read", nil, "ok"}, {"execve", nil, "ok"}, {"wait4", nil, "ok"}, {"futex", nil, "ok"},
		{"mount", nil, "EPERM"}, {"move_mount", nil, "EPERM"}, {"fsopen", nil, "EPERM"}, {"open_tree_attr", nil, "EPERM"},
		{"clone3", nil, "ENOSYS"}, {"openat2", nil, "ENOSYS"}, {"io_uring_setup", nil, "ENOSYS"},
		{"clone", []uint64{uint64(syscall.SIGCHLD)}, "ok"},
		{"clone", []uint64{unix.CLONE_VM | unix.CLONE_VFORK | uint64(syscall.SIGCHLD)}, "ok"},
		{"clone", []uint64{unix.CLONE_NEWUSER}, "EPERM"}, {"clone", []uint64{unix.CLONE_NEWPID | unix.CLONE_VM}, "EPERM"},
		{"clone", []uint64{unix.CLONE_NEWCGROUP}, "EPERM"}, {"clone", []uint64{high}, "ok"},
		{"unshare", []uint64{unix.CLONE_FILES}, "ok"}, {"unshare", []uint64{unix.CLONE_NEWNS}, "EPERM"},
		{"unshare", []uint64{unix.CLONE_NEWTIME}, "EPERM"}, {"setns", []uint64{3, 0}, "EPERM"},
		{"ioctl", []uint64{0, ioctlSTI}, "EPERM"}, {"ioctl", []uint64{0, high | ioctlSTI}, "EPERM"},
		{"ioctl", []uint64{0, high | ioctlLINUX}, "EPERM"}, {"ioctl", []uint64{0, 1<<32 | ioctlSETD}, "EPERM"},
		// BTRFS_IOC_SNAP_CREATE, _V2, SUBVOL_CREATE, _V2, SNAP_DESTROY_V2; but FICLONE.
		{"ioctl", []uint64{3, 0x50009401}, "EPERM"}, {"ioctl", []uint64{3, high | 0x50009417}, "EPERM"}, {"ioctl", []uint64{3, 0x5000940e}, "EPERM"},
		{"ioctl", []uint64{3, 0x50009418}, "EPERM"}, {"ioctl", []uint64{3, 0x5000943f}, "EPERM"}, {"ioctl", []uint64{3, unix.FICLONE}, "ok"},
		{"ioctl", []uint64{3, 0x4020bc10}, "EPERM"}, {"ioctl", []uint64{3, 0x4020bc11}, "EPERM"}, {"ioctl", []uint64{3, 0x40186f04}, "EPERM"},
		{"ioctl", []uint64{0, 0x5401}, "ok"}, {"ioctl", []uint64{ioctlSTI, 0x5413}, "ok"},
		{"socket", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM, 0}, "ok"},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM, 6}, "ok"},
		{"socket", []uint64{unix.AF_INET6, unix.SOCK_DGRAM, 17}, "ok"},
		{"socket", []uint64{high | unix.AF_INET, unix.SOCK_STREAM, 0}, "ok"},
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM, 262}, "EPROTONOSUPPORT"}, // MPTCP
		{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM, 132}, "EPROTONOSUPPORT"}, // SCTP
		{"socket", []uint64{unix.AF_INET, unix.SOCK_RAW, 255}, "EPROTONOSUPPORT"},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, "ok"},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}, "EPROTONOSUPPORT"},
		{"socket", []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, "EPROTONOSUPPORT"},
		{"socket", []uint64{unix.AF_PACKET, unix.SOCK_RAW, 0}, "EAFNOSUPPORT"},
		{"socket", []uint64{unix.AF_VSOCK, unix.SOCK_STREAM, 0}, "EAFNOSUPPORT"},
		{"socket", []uint64{unix.AF_ALG, unix.SOCK_SEQPACKET, 0}, "EAFNOSUPPORT"},
		{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, "ok"},
		{"socketpair", []uint64{unix.AF_TIPC, unix.SOCK_STREAM}, "ENOTSUP"},
		{"openat", []uint64{0, 0, unix.O_CREAT, 0o644}, "ok"}, {"openat", []uint64{0, 0, unix.O_CREAT, 0o4755}, "EPERM"},
		{"openat", []uint64{0, 0, 020000000, 0o2755}, "EPERM"}, {"openat", []uint64{0, 0, 0, 0o4755}, "ok"},
		{"fchmodat", []uint64{0, 0, 0o755}, "ok"}, {"fchmodat", []uint64{0, 0, 0o6755}, "EPERM"},
		{"fchmodat", []uint64{0, 0, 0o2755}, "ok"}, {"fchmod", []uint64{0, 0o2755, 0}, "ok"}, {"fchmod", []uint64{0, 0o4755, 0}, "EPERM"}, // the keeper is asked
		{"fchmodat2", []uint64{0, 0, high | 0o4000}, "EPERM"}, {"mkdirat", []uint64{0, 0, 0o2755}, "ok"}, // the kernel drops the bit
		{"mknodat", []uint64{0, 0, 0o104755}, "EPERM"}, {"mknodat", []uint64{0, 0, 0o10644}, "ok"},
		{"personality", []uint64{0xffffffff}, "ok"}, {"personality", []uint64{0}, "ok"},
		{"personality", []uint64{0x0040000}, "ok"}, {"personality", []uint64{0x0060008}, "ok"}, {"personality", []uint64{0x0400000}, "EPERM"},
		{"personality", []uint64{0x0440000}, "EPERM"}, {"personality", []uint64{0x0140000}, "EPERM"}, {"personality", []uint64{0xfffbffff}, "EPERM"},
		{"prlimit64", []uint64{0, 7, 1}, "ok"}, {"prlimit64", []uint64{5, 7, 0}, "ok"},
		{"prlimit64", []uint64{5, 7, 1}, "EPERM"}, {"prlimit64", []uint64{5, 7, 1 << 32}, "EPERM"},
		{"ptrace", nil, "EPERM"}, {"pidfd_getfd", nil, "EPERM"}, {"process_vm_writev", nil, "EPERM"},
		{"bpf", nil, "EPERM"}, {"keyctl", nil, "EPERM"}, {"open_by_handle_at", nil, "EPERM"}, {"kexec_file_load", nil, "EPERM"},
	}
	for name, a := range architectures {
		vm := interpreter(t, a.own, filterMode{})
		for _, r := range rows {
			nr, ok := a.other.SyscallNames[r.name]
			if !ok {
				t.Errorf("%s: no call %s", name, r.name)
			} else if got := judge(t, vm, a.own.audit, uint32(nr), r.args...); got != r.want {
				t.Errorf("%s: %s%#x = %s, want %s", name, r.name, r.args, got, r.want)
			}
		}
		for _, nr := range []uint32{472, 1000, 0x40000000, 0x40000000 | 39, 0x7fffffff, 0xffffffff} {
			if got := judge(t, vm, a.own.audit, nr); got != "ENOSYS" {
				t.Errorf("%s: call %#x = %s", name, nr, got)
			}
		}
		for _, audit := range []uint32{unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, 0, a.own.audit ^ 1} {
			if got := judge(t, vm, audit, 0); got != "ENOSYS" {
				t.Errorf("%s: architecture %#x = %s", name, audit, got)
			}
		}
		for _, r := range shellFilterRows {
			vm := interpreter(t, a.own, filterMode{shell: 77})
			if got := judge(t, vm, a.own.audit, uint32(a.other.SyscallNames[r.name]), r.args...); got != r.want {
				t.Errorf("%s: the shell's %s%#x = %s, want %s", name, r.name, r.args, got, r.want)
			}
		}
		vm = interpreter(t, a.own, filterMode{setID: true})
		for _, call := range []string{"fchmod", "openat", "mkdirat", "mknodat"} {
			nr := a.other.SyscallNames[call]
			if got := judge(t, vm, a.own.audit, uint32(nr), 0, 0o4755, unix.O_CREAT, 0o4755); got != "ok" {
				t.Errorf("%s: %s with file_ownership = %s", name, call, got)
			}
		}
	}
	if nativeArch != architectures[runtime.GOARCH].own {
		t.Errorf("the filter of %s is another's", runtime.GOARCH)
	}
}
