package sandbox

import (
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What a command may not ask of the kernel. Mounts, namespaces and Landlock
// decide about files and hosts; this list takes away what would let a process
// change those decisions, reach another process or the terminal's input, or
// use parts of the kernel that no confined program needs.
//
// elastic/go-seccomp-bpf was considered: it lets a foreign architecture pass
// and compares all 64 bits of an argument, where the kernel looks at 32.

// argTest is true when arg&mask == value, or, with not, when it differs. Only
// the low 32 bits of an argument are looked at.
type argTest struct {
	arg   int
	mask  uint32
	value uint32
	not   bool
}

func anyBit(arg int, mask uint32) argTest { return argTest{arg: arg, mask: mask, not: true} }
func noBit(arg int, mask uint32) argTest  { return argTest{arg: arg, mask: mask} }
func equal(arg int, v uint32) argTest     { return argTest{arg: arg, mask: ^uint32(0), value: v} }
func other(arg int, v uint32) argTest {
	return argTest{arg: arg, mask: ^uint32(0), value: v, not: true}
}

// seccompRow forbids a system call; with tests, only when all of them hold.
type seccompRow struct {
	nr     uintptr
	errno  syscall.Errno
	reason string
	tests  []argTest
}

const (
	setIDBits = unix.S_ISUID | unix.S_ISGID
	// newNamespace are the CLONE_NEW* flags that clone(2) takes.
	newNamespace = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	// creating are the open flags with which the mode argument counts.
	creating = unix.O_CREAT | 020000000 // __O_TMPFILE
)

const (
	whyMount   = "would change what is visible and writable"
	whyNS      = "new namespaces give capabilities inside them, and kernel code to attack"
	whyPointer = "its flags are in memory, where a filter cannot read them; callers fall back"
	whyProcess = "reads or changes another process"
	whyKernel  = "changes or instruments the kernel"
	whyKeys    = "keyrings are not namespaced"
	whySetID   = "a set-id file would be left for somebody outside to run"
	whyTTY     = "types into the terminal, or changes what its lines mean"
	whyRing    = "io_uring performs calls that no filter sees"
	whyHandle  = "opens files by number, past every mount"
	whyLeak    = "shows the kernel's memory layout or messages"
)

// seccompRows has the rows that all architectures have.
var seccompRows = []seccompRow{
	{unix.SYS_MOUNT, unix.EPERM, whyMount, nil},
	{unix.SYS_UMOUNT2, unix.EPERM, whyMount, nil},
	{unix.SYS_PIVOT_ROOT, unix.EPERM, whyMount, nil},
	{unix.SYS_CHROOT, unix.EPERM, whyMount, nil},
	{unix.SYS_OPEN_TREE, unix.EPERM, whyMount, nil},
	{sysOpenTreeAttr, unix.EPERM, whyMount, nil},
	{unix.SYS_MOVE_MOUNT, unix.EPERM, whyMount, nil},
	{unix.SYS_FSOPEN, unix.EPERM, whyMount, nil},
	{unix.SYS_FSCONFIG, unix.EPERM, whyMount, nil},
	{unix.SYS_FSMOUNT, unix.EPERM, whyMount, nil},
	{unix.SYS_FSPICK, unix.EPERM, whyMount, nil},
	{unix.SYS_MOUNT_SETATTR, unix.EPERM, whyMount, nil},

	{unix.SYS_SETNS, unix.EPERM, whyNS, nil},
	{unix.SYS_UNSHARE, unix.EPERM, whyNS, []argTest{anyBit(0, newNamespace|unix.CLONE_NEWTIME)}},
	{unix.SYS_CLONE, unix.EPERM, whyNS, []argTest{anyBit(0, newNamespace)}},
	{unix.SYS_CLONE3, unix.ENOSYS, whyPointer, nil},
	{unix.SYS_OPENAT2, unix.ENOSYS, whyPointer, nil},

	{unix.SYS_PTRACE, unix.EPERM, whyProcess, nil},
	{unix.SYS_PROCESS_VM_READV, unix.EPERM, whyProcess, nil},
	{unix.SYS_PROCESS_VM_WRITEV, unix.EPERM, whyProcess, nil},
	{unix.SYS_PIDFD_GETFD, unix.EPERM, whyProcess, nil},
	{unix.SYS_KCMP, unix.EPERM, whyProcess, nil},
	{unix.SYS_PROCESS_MADVISE, unix.EPERM, whyProcess, nil},

	{unix.SYS_BPF, unix.EPERM, whyKernel, nil},
	{unix.SYS_PERF_EVENT_OPEN, unix.EPERM, whyKernel, nil},
	{unix.SYS_USERFAULTFD, unix.EPERM, whyKernel, nil},
	{unix.SYS_FANOTIFY_INIT, unix.EPERM, whyKernel, nil},
	{unix.SYS_KEXEC_LOAD, unix.EPERM, whyKernel, nil},
	{unix.SYS_KEXEC_FILE_LOAD, unix.EPERM, whyKernel, nil},
	{unix.SYS_INIT_MODULE, unix.EPERM, whyKernel, nil},
	{unix.SYS_FINIT_MODULE, unix.EPERM, whyKernel, nil},
	{unix.SYS_DELETE_MODULE, unix.EPERM, whyKernel, nil},
	{unix.SYS_REBOOT, unix.EPERM, whyKernel, nil},
	{unix.SYS_SWAPON, unix.EPERM, whyKernel, nil},
	{unix.SYS_SWAPOFF, unix.EPERM, whyKernel, nil},
	{unix.SYS_ACCT, unix.EPERM, whyKernel, nil},
	{unix.SYS_QUOTACTL, unix.EPERM, whyKernel, nil},
	{unix.SYS_QUOTACTL_FD, unix.EPERM, whyKernel, nil},
	{unix.SYS_SYSLOG, unix.EPERM, whyLeak, nil},
	{unix.SYS_OPEN_BY_HANDLE_AT, unix.EPERM, whyHandle, nil},

	{unix.SYS_KEYCTL, unix.EPERM, whyKeys, nil},
	{unix.SYS_ADD_KEY, unix.EPERM, whyKeys, nil},
	{unix.SYS_REQUEST_KEY, unix.EPERM, whyKeys, nil},

	{unix.SYS_IO_URING_SETUP, unix.ENOSYS, whyRing, nil},
	{unix.SYS_IO_URING_ENTER, unix.ENOSYS, whyRing, nil},
	{unix.SYS_IO_URING_REGISTER, unix.ENOSYS, whyRing, nil},

	{unix.SYS_IOCTL, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCSTI)}},
	{unix.SYS_IOCTL, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCLINUX)}},
	{unix.SYS_IOCTL, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCSETD)}},
	{unix.SYS_IOCTL, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCCONS)}},

	{unix.SYS_FCHMOD, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{unix.SYS_FCHMODAT, unix.EPERM, whySetID, []argTest{anyBit(2, setIDBits)}},
	{unix.SYS_FCHMODAT2, unix.EPERM, whySetID, []argTest{anyBit(2, setIDBits)}},
	{unix.SYS_OPENAT, unix.EPERM, whySetID, []argTest{anyBit(2, creating), anyBit(3, setIDBits)}},
	{unix.SYS_MKDIRAT, unix.EPERM, whySetID, []argTest{anyBit(2, setIDBits)}},
	{unix.SYS_MKNODAT, unix.EPERM, whySetID, []argTest{anyBit(2, setIDBits)}},
}

// sysOpenTreeAttr is open_tree_attr(2), Linux 6.15; one number everywhere.
const sysOpenTreeAttr = 467

// Offsets in struct seccomp_data.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// seccompProgram is the filter of commands.
func seccompProgram() ([]unix.SockFilter, error) {
	return compileRows(append(slices.Clone(seccompRows), archRows...), socketRule())
}

// compileRows gives a program that allows what no row and no rule of last,
// which sees the call's number in the accumulator, forbids.
func compileRows(rows []seccompRow, last []bpf.Instruction) ([]unix.SockFilter, error) {
	prog := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		ret(unix.ENOSYS),
		bpf.LoadAbsolute{Off: offNr, Size: 4},
	}
	if x32Bit != 0 { // the third ABI of amd64 has numbers of its own
		prog = append(prog,
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32Bit, SkipFalse: 1},
			ret(unix.ENOSYS))
	}
	for _, r := range rows {
		prog = append(prog, compileRow(r)...)
	}
	prog = append(prog, last...)
	prog = append(prog, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	return assemble(prog)
}

func ret(e syscall.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(e)}
}

// compileRow gives instructions that begin and end with the call's number in
// the accumulator.
func compileRow(r seccompRow) []bpf.Instruction {
	return compileTests(r.nr, ret(r.errno), r.tests)
}

func compileTests(nr uintptr, action bpf.Instruction, tests []argTest) []bpf.Instruction {
	var body []bpf.Instruction
	// From the end: every test that fails jumps to the reload behind the return.
	for i := len(tests) - 1; i >= 0; i-- {
		t := tests[i]
		skip := uint8(len(body) + 1)
		test := []bpf.Instruction{
			bpf.LoadAbsolute{Off: uint32(offArgs + 8*t.arg), Size: 4},
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: t.mask},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: t.value, SkipFalse: skip},
		}
		if t.not {
			test[2] = bpf.JumpIf{Cond: bpf.JumpEqual, Val: t.value, SkipTrue: skip}
		}
		body = append(test, body...)
	}
	body = append(body, action)
	if len(tests) > 0 {
		body = append(body, bpf.LoadAbsolute{Off: offNr, Size: 4})
	}
	return append([]bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(nr), SkipTrue: uint8(len(body))},
	}, body...)
}

// Protocols of IANA numbers and linux/in.h that an inet socket may have:
// default, ICMP, TCP, UDP, ICMPv6. Others (MPTCP, SCTP, DCCP, UDP-Lite, raw)
// skip hooks that Landlock and the redirect rely on.
var inetProtocols = []uint32{0, 1, 6, 17, 58}

// socketRule: AF_UNIX; AF_INET and AF_INET6 with ordinary protocols;
// AF_NETLINK for routes only. It returns in every case.
func socketRule() []bpf.Instruction {
	domain := bpf.LoadAbsolute{Off: offArgs, Size: 4}
	protocol := bpf.LoadAbsolute{Off: offArgs + 16, Size: 4}
	allow := bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	inet := []bpf.Instruction{protocol}
	for _, p := range inetProtocols {
		inet = append(inet, bpf.JumpIf{Cond: bpf.JumpEqual, Val: p, SkipFalse: 1}, allow)
	}
	inet = append(inet, ret(unix.EPROTONOSUPPORT))
	body := []bpf.Instruction{
		domain,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_UNIX, SkipFalse: 1}, allow,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_NETLINK, SkipFalse: 4},
		protocol,
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.NETLINK_ROUTE, SkipFalse: 1}, allow,
		ret(unix.EPROTONOSUPPORT),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AF_INET6, SkipTrue: 1},
		ret(unix.EAFNOSUPPORT),
	}
	body = append(body, inet...)
	return append([]bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_SOCKET, SkipTrue: uint8(len(body))},
	}, body...)
}

func assemble(prog []bpf.Instruction) ([]unix.SockFilter, error) {
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, fmt.Errorf("seccomp program: %w", err)
	}
	out := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		out[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return out, nil
}

// seccomp makes the child install the filter. It must come after everything
// that the filter forbids.
func (p *childProgram) seccomp(filter []unix.SockFilter) {
	fprog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	p.keep = append(p.keep, filter)
	p.add("seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(fprog)))
	p.keep = append(p.keep, fprog)
}
