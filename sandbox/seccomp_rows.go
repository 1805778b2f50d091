package sandbox

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// What a command may not ask of the kernel, and why. Mounts, namespaces and
// Landlock decide about files and hosts; this table takes away what would let
// a process change those decisions, reach another process or the terminal's
// input, or use parts of the kernel that no confined program needs. The calls
// that are left are in allowedCalls; what is in neither does not exist.

// kernelCall is a system call and its number on each architecture.
type kernelCall struct {
	name         string
	amd64, arm64 int
}

// no says that an architecture does not have the call.
const no = -1

// reason is why a call is refused, and where that is written.
type reason struct{ text, ref string }

var (
	whyMount = &reason{"would change what is visible and writable",
		"mount(2), open_tree(2), mount_setattr(2); fsopen needs no path"}
	whyNS = &reason{"new namespaces give capabilities inside them, and kernel code to attack",
		"user_namespaces(7); CVE-2022-0185, CVE-2023-32233"}
	whyPointer = &reason{"its flags are in memory, where a filter cannot read them; callers fall back",
		"seccomp(2) \"struct seccomp_data\"; clone3(2), openat2(2)"}
	whyProcess = &reason{"reads or changes another process",
		"ptrace(2), process_vm_readv(2), pidfd_getfd(2), kcmp(2), prlimit(2)"}
	whyKernel = &reason{"changes or instruments the kernel, or reaches code of it with a history of holes",
		"bpf(2), perf_event_open(2), userfaultfd(2), init_module(2), kexec_load(2), modify_ldt(2)"}
	whyClock     = &reason{"the clock is the machine's", "clock_settime(2), time_namespaces(7)"}
	whyKeys      = &reason{"keyrings are not namespaced", "keyrings(7); CVE-2016-0728"}
	whySetID     = &reason{"a set-id file would be left for somebody outside to run", "chmod(2), inode(7)"}
	whyTTY       = &reason{"types into the terminal, or changes what its lines mean", "TIOCSTI(2const); CVE-2017-5226, CVE-2023-28100"}
	whyExclusive = &reason{"nobody could open the terminal any more, after the session either", "TIOCEXCL(2const)"}
	whyStopped   = &reason{"what writes to the terminal would wait, the shell too, until somebody asks for the contrary; no key does", "tcflow(3), TCXONC(2const)"}
	whyConsole   = &reason{"nobody could read or type on the console any more, after the session either", "ioctl_console(2)"}
	whyRing      = &reason{"io_uring performs calls that no filter sees", "io_uring(7)"}
	whyHandle    = &reason{"opens files by number, past every mount", "open_by_handle_at(2)"}
	whyVolume    = &reason{"makes a name, and a copy of a whole tree, that no mount and no rule is on",
		"btrfs-subvolume(8): a snapshot of a home has its secrets in it"}
	whyLease = &reason{"whoever opens or changes the file outside waits, up to a minute for each lease",
		"F_SETLEASE(2const), /proc/sys/fs/lease-break-time: a file that may be read is enough"}
	whyAppend   = &reason{"writes to what is there through a descriptor that only appends", "RWF_NOAPPEND in pwritev2(2)"}
	whyFileKeys = &reason{"without them nobody can open the user's encrypted files, after the session either; no mount is asked",
		"FS_IOC_REMOVE_ENCRYPTION_KEY in Documentation/filesystems/fscrypt.rst"}
	whyHint     = &reason{"is about the file, which may be open to be read only", "F_SET_RW_HINT(2const)"}
	whyLeak     = &reason{"shows the kernel's memory layout or messages", "syslog(2)"}
	whyOther    = &reason{"another process, outside perhaps, would be changed", "prlimit(2), sched_setaffinity(2), setpriority(2)"}
	whyMark     = &reason{"says which Landlock domain a process is in, to the keeper, which makes calls for it there", "RLIMIT_RTTIME in getrlimit(2); it is about real-time processes only"}
	whyABI      = &reason{"other layouts and address rules weaken the program itself", "personality(2)"}
	whyIPC      = &reason{"without a namespace these belong to all processes of the user", "sysvipc(7), mq_overview(7)"}
	whyBareNet  = &reason{"without a namespace no rule about hosts can be enforced", "DESIGN §2 \"Fallback backend\""}
	whyBareUnix = &reason{"sockets with a path lead to services of the host, past Landlock", "unix(7), landlock(7)"}
	whyBareFile = &reason{"Landlock does not know attributes, and nothing else makes files read-only", "landlock(7)"}
	whyFamily   = &reason{"a family that the network rules do not see", "socketpair(2), address_families(7)"}
)

// argTest is true when arg&mask == value; with any, when arg&mask != 0; with
// not, when arg&mask != value. The kernel uses 32 bits of the arguments
// concerned, so only these are looked at; high looks at the others.
type argTest struct {
	arg   int
	mask  uint32
	value uint32
	any   bool
	not   bool
	high  bool
}

func anyBit(arg int, mask uint32) argTest { return argTest{arg: arg, mask: mask, any: true} }
func noBit(arg int, mask uint32) argTest  { return argTest{arg: arg, mask: mask} }
func nonZero(arg int) argTest             { return anyBit(arg, ^uint32(0)) }
func highBits(arg int) argTest            { return argTest{arg: arg, mask: ^uint32(0), any: true, high: true} }
func equal(arg int, v uint32) argTest     { return argTest{arg: arg, mask: ^uint32(0), value: v} }
func other(arg int, v uint32) argTest {
	return argTest{arg: arg, mask: ^uint32(0), value: v, not: true}
}

// seccompRow forbids a system call; with tests, only when all of them hold.
type seccompRow struct {
	kernelCall
	errno syscall.Errno
	why   *reason
	tests []argTest
}

const (
	setIDBits = unix.S_ISUID | unix.S_ISGID
	// newNamespace are the CLONE_NEW* flags that clone(2) takes.
	newNamespace = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	tmpfile = 020000000 // __O_TMPFILE
	// creating are the open flags with which the mode argument counts.
	creating = unix.O_CREAT | tmpfile
)

// Requests of ioctl(2) that make names of file systems' own.
const (
	// ioctlBtrfs are those of BTRFS_IOCTL_MAGIC with a struct of 4096 bytes with a
	// name, linux/btrfs.h: subvolumes and snapshots are made and removed by them.
	ioctlBtrfs = 0x50009400
	// ioctlBcachefs is BCH_IOCTL_SUBVOLUME_CREATE, and with 1 _DESTROY.
	ioctlBcachefs = 0x4020bc10
	// ioctlReflink is OCFS2_IOC_REFLINK.
	ioctlReflink = 0x40186f04
)

// Requests of ioctl(2) for the console of linux/kd.h: KDSETMODE, KDSKBMODE, KDSKBMUTE.
const (
	ioctlSetMode      = 0x4b3a
	ioctlKeyboardMode = 0x4b45
	ioctlKeyboardMute = 0x4b51
)

// setDelegation is F_SETDELEG of Linux 6.19: a lease of a file or a directory.
const setDelegation = 1024 + 16

// personalities are what personality(2) may be asked for: Linux and its
// 32-bit form, each also with UNAME26, all of them with addresses that are not
// random (setarch -R, ThreadSanitizer), and the present one (0xffffffff). The
// other flags that switch off protections are not among them.
var personalities = []argTest{
	withoutRandom(0), withoutRandom(8), withoutRandom(0x20000), withoutRandom(0x20008), other(0, ^uint32(0)),
}

// withoutRandom is other, with and without ADDR_NO_RANDOMIZE.
func withoutRandom(persona uint32) argTest {
	return argTest{arg: 0, mask: ^uint32(0x0040000), value: persona, not: true}
}

// bareRows hold where there is no pid namespace.
var bareRows = []seccompRow{
	{kernelCall{"sched_setaffinity", 203, 122}, unix.EPERM, whyOther, []argTest{nonZero(0)}},
	{kernelCall{"sched_setscheduler", 144, 119}, unix.EPERM, whyOther, []argTest{nonZero(0)}},
	{kernelCall{"sched_setparam", 142, 118}, unix.EPERM, whyOther, []argTest{nonZero(0)}},
	{kernelCall{"sched_setattr", 314, 274}, unix.EPERM, whyOther, []argTest{nonZero(0)}},
	{kernelCall{"setpriority", 141, 140}, unix.EPERM, whyOther, []argTest{nonZero(0)}},
	{kernelCall{"setpriority", 141, 140}, unix.EPERM, whyOther, []argTest{nonZero(1)}},
	{kernelCall{"ioprio_set", 251, 30}, unix.EPERM, whyOther, []argTest{other(0, 1)}}, // IOPRIO_WHO_PROCESS
	{kernelCall{"ioprio_set", 251, 30}, unix.EPERM, whyOther, []argTest{nonZero(1)}},
	{kernelCall{"shmget", 29, 194}, unix.EPERM, whyIPC, []argTest{nonZero(0)}},
	{kernelCall{"shmat", 30, 196}, unix.EPERM, whyIPC, nil},
	{kernelCall{"shmctl", 31, 195}, unix.EPERM, whyIPC, nil},
	{kernelCall{"semget", 64, 190}, unix.EPERM, whyIPC, nil},
	{kernelCall{"semop", 65, 193}, unix.EPERM, whyIPC, nil},
	{kernelCall{"semtimedop", 220, 192}, unix.EPERM, whyIPC, nil},
	{kernelCall{"semctl", 66, 191}, unix.EPERM, whyIPC, nil},
	{kernelCall{"msgget", 68, 186}, unix.EPERM, whyIPC, nil},
	{kernelCall{"msgsnd", 69, 189}, unix.EPERM, whyIPC, nil},
	{kernelCall{"msgrcv", 70, 188}, unix.EPERM, whyIPC, nil},
	{kernelCall{"msgctl", 71, 187}, unix.EPERM, whyIPC, nil},
	{kernelCall{"mq_open", 240, 180}, unix.EPERM, whyIPC, nil},
	{kernelCall{"mq_unlink", 241, 181}, unix.EPERM, whyIPC, nil},
}

// markerCall is a number that no kernel has. In a bare session it is answered
// with markerAnswer, which tells a program inside, and nobody outside, where
// it is.
const (
	markerCall   = 0x00667368 // "fsh"
	markerAnswer = unix.ENOANO
)

var callSocketpair = kernelCall{"socketpair", 53, 199}

// setIDRows keep set-id files from being made. Directories do not get the bits
// from mkdir(2), whatever is asked for.
var setIDRows = []seccompRow{
	{kernelCall{"chmod", 90, no}, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{kernelCall{"fchmod", 91, 52}, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{kernelCall{"fchmodat", 268, 53}, unix.EPERM, whySetID, []argTest{anyBit(2, setIDBits)}},
	{kernelCall{"fchmodat2", 452, 452}, unix.EPERM, whySetID, []argTest{anyBit(2, setIDBits)}},
	{kernelCall{"open", 2, no}, unix.EPERM, whySetID, []argTest{anyBit(1, creating), anyBit(2, setIDBits)}},
	{kernelCall{"openat", 257, 56}, unix.EPERM, whySetID, []argTest{anyBit(2, creating), anyBit(3, setIDBits)}},
	{kernelCall{"creat", 85, no}, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{kernelCall{"mknod", 133, no}, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{kernelCall{"mknodat", 259, 33}, unix.EPERM, whySetID, []argTest{anyBit(2, setIDBits)}},
}

// askedSetIDRows are setIDRows where the keeper is asked about S_ISGID
// (keeper_setgid.go).
func askedSetIDRows() []seccompRow {
	rows := slices.Clone(setIDRows)
	for i, r := range rows {
		if arg, ok := modeArguments[r.name]; ok {
			rows[i].tests = []argTest{anyBit(arg, unix.S_ISUID)}
		}
	}
	return rows
}

// seccompRows hold always. Those that ask for arguments are first: they are
// the ones that run often, the others are answered from the kernel's cache or
// not at all.
var seccompRows = []seccompRow{
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCSTI)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCLINUX)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCSETD)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyTTY, []argTest{equal(1, unix.TIOCCONS)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyExclusive, []argTest{equal(1, unix.TIOCEXCL)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyStopped, []argTest{equal(1, unix.TCXONC), equal(2, unix.TCOOFF)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyConsole, []argTest{equal(1, ioctlSetMode)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyConsole, []argTest{equal(1, ioctlKeyboardMode)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyConsole, []argTest{equal(1, ioctlKeyboardMute)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyVolume, []argTest{{arg: 1, mask: 0xffffff00, value: ioctlBtrfs}}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyVolume, []argTest{{arg: 1, mask: 0xfffffffe, value: ioctlBcachefs}}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyVolume, []argTest{equal(1, ioctlReflink)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyFileKeys, []argTest{equal(1, unix.FS_IOC_ADD_ENCRYPTION_KEY)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyFileKeys, []argTest{equal(1, unix.FS_IOC_REMOVE_ENCRYPTION_KEY)}},
	{kernelCall{"ioctl", 16, 29}, unix.EPERM, whyFileKeys, []argTest{equal(1, unix.FS_IOC_REMOVE_ENCRYPTION_KEY_ALL_USERS)}},

	{kernelCall{"pwritev2", 328, 287}, unix.EOPNOTSUPP, whyAppend, []argTest{anyBit(5, unix.RWF_NOAPPEND)}},

	{kernelCall{"fcntl", 72, 25}, unix.EACCES, whyLease, []argTest{equal(1, unix.F_SETLEASE)}},
	{kernelCall{"fcntl", 72, 25}, unix.EACCES, whyLease, []argTest{equal(1, setDelegation)}},
	{kernelCall{"fcntl", 72, 25}, unix.EPERM, whyHint, []argTest{equal(1, unix.F_SET_RW_HINT)}},
	{kernelCall{"fcntl", 72, 25}, unix.EPERM, whyHint, []argTest{equal(1, unix.F_SET_FILE_RW_HINT)}},

	{kernelCall{"clone", 56, 220}, unix.EPERM, whyNS, []argTest{anyBit(0, newNamespace)}},
	{kernelCall{"unshare", 272, 97}, unix.EPERM, whyNS, []argTest{anyBit(0, newNamespace|unix.CLONE_NEWTIME)}},
	{kernelCall{"personality", 135, 92}, unix.EPERM, whyABI, personalities},
	{callSocketpair, unix.EOPNOTSUPP, whyFamily, []argTest{other(0, unix.AF_UNIX)}},

	// Reading the limits of another process is harmless; setting them is not,
	// and asks for no right but the same user.
	{kernelCall{"prlimit64", 302, 261}, unix.EPERM, whyOther, []argTest{nonZero(0), nonZero(2)}},
	{kernelCall{"prlimit64", 302, 261}, unix.EPERM, whyOther, []argTest{nonZero(0), highBits(2)}},
	{kernelCall{"prlimit64", 302, 261}, unix.EPERM, whyMark, []argTest{equal(1, rlimitRTTime), nonZero(2)}},
	{kernelCall{"prlimit64", 302, 261}, unix.EPERM, whyMark, []argTest{equal(1, rlimitRTTime), highBits(2)}},
	{kernelCall{"setrlimit", 160, 164}, unix.EPERM, whyMark, []argTest{equal(0, rlimitRTTime)}},
	// 0 is the caller's own group, and what started fsh may be in it.
	{kernelCall{"setpriority", 141, 140}, unix.EPERM, whyOther, []argTest{equal(0, unix.PRIO_PGRP), equal(1, 0)}},
	{kernelCall{"ioprio_set", 251, 30}, unix.EPERM, whyOther, []argTest{equal(0, 2), equal(1, 0)}}, // IOPRIO_WHO_PGRP
	{kernelCall{"get_robust_list", 274, 100}, unix.EPERM, whyProcess, []argTest{nonZero(0)}},
	{kernelCall{"migrate_pages", 256, 238}, unix.EPERM, whyProcess, []argTest{nonZero(0)}},
	{kernelCall{"move_pages", 279, 239}, unix.EPERM, whyProcess, []argTest{nonZero(0)}},

	{kernelCall{"mount", 165, 40}, unix.EPERM, whyMount, nil},
	{kernelCall{"umount2", 166, 39}, unix.EPERM, whyMount, nil},
	{kernelCall{"pivot_root", 155, 41}, unix.EPERM, whyMount, nil},
	{kernelCall{"chroot", 161, 51}, unix.EPERM, whyMount, nil},
	{kernelCall{"open_tree", 428, 428}, unix.EPERM, whyMount, nil},
	{kernelCall{"open_tree_attr", 467, 467}, unix.EPERM, whyMount, nil},
	{kernelCall{"move_mount", 429, 429}, unix.EPERM, whyMount, nil},
	{kernelCall{"fsopen", 430, 430}, unix.EPERM, whyMount, nil},
	{kernelCall{"fsconfig", 431, 431}, unix.EPERM, whyMount, nil},
	{kernelCall{"fsmount", 432, 432}, unix.EPERM, whyMount, nil},
	{kernelCall{"fspick", 433, 433}, unix.EPERM, whyMount, nil},
	{kernelCall{"mount_setattr", 442, 442}, unix.EPERM, whyMount, nil},

	{kernelCall{"setns", 308, 268}, unix.EPERM, whyNS, nil},
	{kernelCall{"sethostname", 170, 161}, unix.EPERM, whyNS, nil},
	{kernelCall{"setdomainname", 171, 162}, unix.EPERM, whyNS, nil},

	{kernelCall{"clone3", 435, 435}, unix.ENOSYS, whyPointer, nil},
	{kernelCall{"openat2", 437, 437}, unix.ENOSYS, whyPointer, nil},

	{kernelCall{"ptrace", 101, 117}, unix.EPERM, whyProcess, nil},
	{kernelCall{"process_vm_readv", 310, 270}, unix.EPERM, whyProcess, nil},
	{kernelCall{"process_vm_writev", 311, 271}, unix.EPERM, whyProcess, nil},
	{kernelCall{"pidfd_getfd", 438, 438}, unix.EPERM, whyProcess, nil},
	{kernelCall{"kcmp", 312, 272}, unix.EPERM, whyProcess, nil},
	{kernelCall{"process_madvise", 440, 440}, unix.EPERM, whyProcess, nil},
	{kernelCall{"process_mrelease", 448, 448}, unix.EPERM, whyProcess, nil},

	{kernelCall{"bpf", 321, 280}, unix.EPERM, whyKernel, nil},
	{kernelCall{"perf_event_open", 298, 241}, unix.EPERM, whyKernel, nil},
	{kernelCall{"userfaultfd", 323, 282}, unix.EPERM, whyKernel, nil},
	{kernelCall{"fanotify_init", 300, 262}, unix.EPERM, whyKernel, nil},
	{kernelCall{"fanotify_mark", 301, 263}, unix.EPERM, whyKernel, nil},
	{kernelCall{"kexec_load", 246, 104}, unix.EPERM, whyKernel, nil},
	{kernelCall{"kexec_file_load", 320, 294}, unix.EPERM, whyKernel, nil},
	{kernelCall{"init_module", 175, 105}, unix.EPERM, whyKernel, nil},
	{kernelCall{"finit_module", 313, 273}, unix.EPERM, whyKernel, nil},
	{kernelCall{"delete_module", 176, 106}, unix.EPERM, whyKernel, nil},
	{kernelCall{"reboot", 169, 142}, unix.EPERM, whyKernel, nil},
	{kernelCall{"swapon", 167, 224}, unix.EPERM, whyKernel, nil},
	{kernelCall{"swapoff", 168, 225}, unix.EPERM, whyKernel, nil},
	{kernelCall{"acct", 163, 89}, unix.EPERM, whyKernel, nil},
	{kernelCall{"quotactl", 179, 60}, unix.EPERM, whyKernel, nil},
	{kernelCall{"quotactl_fd", 443, 443}, unix.EPERM, whyKernel, nil},
	{kernelCall{"vhangup", 153, 58}, unix.EPERM, whyKernel, nil},
	{kernelCall{"iopl", 172, no}, unix.EPERM, whyKernel, nil},
	{kernelCall{"ioperm", 173, no}, unix.EPERM, whyKernel, nil},
	{kernelCall{"modify_ldt", 154, no}, unix.EPERM, whyKernel, nil},
	{kernelCall{"lsm_set_self_attr", 460, 460}, unix.EPERM, whyKernel, nil},
	{kernelCall{"file_setattr", 469, 469}, unix.EPERM, whyKernel, nil},

	{kernelCall{"settimeofday", 164, 170}, unix.EPERM, whyClock, nil},
	{kernelCall{"clock_settime", 227, 112}, unix.EPERM, whyClock, nil},

	{kernelCall{"syslog", 103, 116}, unix.EPERM, whyLeak, nil},
	{kernelCall{"lookup_dcookie", 212, 18}, unix.EPERM, whyLeak, nil},

	{kernelCall{"open_by_handle_at", 304, 265}, unix.EPERM, whyHandle, nil},

	{kernelCall{"keyctl", 250, 219}, unix.EPERM, whyKeys, nil},
	{kernelCall{"add_key", 248, 217}, unix.EPERM, whyKeys, nil},
	{kernelCall{"request_key", 249, 218}, unix.EPERM, whyKeys, nil},

	{kernelCall{"io_uring_setup", 425, 425}, unix.ENOSYS, whyRing, nil},
	{kernelCall{"io_uring_enter", 426, 426}, unix.ENOSYS, whyRing, nil},
	{kernelCall{"io_uring_register", 427, 427}, unix.ENOSYS, whyRing, nil},
}
