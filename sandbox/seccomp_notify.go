package sandbox

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Some calls wait for the keeper's word before they run (seccomp_unotify(2)):
// those that make a name, move one, or open a file to change it. Telling the
// kernel to go on would let another thread change the path after it was read,
// so the keeper carries such a call out itself and hands over the result
// (keeper_create.go). With a monitor every call that opens or changes a name
// is looked at, so that a refusal can be explained. For signals see
// keeper_kills.go.

// watchedCall is a call by which names are made, opened or removed. The
// numbers are places of arguments, or none.
type watchedCall struct {
	nr   uintptr
	kind callKind
	// at and path name the target; an at of none is the working directory.
	at, path int
	// fromAt and from are what is moved or linked, or a symbolic link's text.
	fromAt, from int
	flags        int
	mode         int // or a device's number in the one behind it
}

const none = -1

type callKind uint8

const (
	kindOpen callKind = iota // creates or changes only with the flags
	kindCreat
	kindMkdir
	kindMknod
	kindRename
	kindLink
	kindSymlink
	kindTruncate
	kindRemove // of interest to a monitor only
	kindStack  // another Landlock domain
	kindRule
	kindUmask
	kindBind
	kindConnect
	kindListen
	kindExec // of interest when commands have rules; argv follows path
)

// watchedCalls are those that all architectures have; archWatched adds to
// them.
var watchedCalls = []watchedCall{
	{unix.SYS_OPENAT, kindOpen, 0, 1, none, none, 2, 3},
	{unix.SYS_MKDIRAT, kindMkdir, 0, 1, none, none, none, 2},
	{unix.SYS_MKNODAT, kindMknod, 0, 1, none, none, none, 2},
	{unix.SYS_RENAMEAT2, kindRename, 2, 3, 0, 1, 4, none},
	{unix.SYS_LINKAT, kindLink, 2, 3, 0, 1, 4, none},
	{unix.SYS_SYMLINKAT, kindSymlink, 1, 2, none, 0, none, none},
	{unix.SYS_TRUNCATE, kindTruncate, none, 0, none, none, none, 1},
	{unix.SYS_UNLINKAT, kindRemove, 0, 1, none, none, none, none},
	{unix.SYS_EXECVE, kindExec, none, 0, none, none, none, none},
	{unix.SYS_EXECVEAT, kindExec, 0, 1, none, none, 4, none},
	{unix.SYS_UMASK, kindUmask, none, none, none, none, none, none},
	{unix.SYS_BIND, kindBind, none, none, none, none, none, none},
	{unix.SYS_CONNECT, kindConnect, none, none, none, none, none, none},
	{unix.SYS_LISTEN, kindListen, none, none, none, none, none, none},
	{unix.SYS_LANDLOCK_RESTRICT_SELF, kindStack, none, none, none, none, none, none},
	{unix.SYS_LANDLOCK_ADD_RULE, kindRule, none, none, none, none, none, none},
}

// aboutSockets: by which a socket is aimed.
func (c *watchedCall) aboutSockets() bool {
	return c.kind == kindConnect || c.kind == kindBind || c.kind == kindListen
}

func watched() []watchedCall {
	return append(watchedCalls[:len(watchedCalls):len(watchedCalls)], archWatched...)
}

// changing are the flags of open(2) with which it makes or changes a file.
// O_RDWR|O_WRONLY covers every access mode but reading; 3 is for ioctls.
const changing = unix.O_CREAT | unix.O_WRONLY | unix.O_RDWR | unix.O_TRUNC

// notifyProgram asks the keeper about SIGKILL, SIGSTOP, and calls that make, bind
// or connect sockets; where files are lent, about those that change attributes;
// where some of them were opened to append to, about those that change what is
// there; with names, about calls that make or change some, with a monitor about all
// that open or change one, and with rules about commands about those that execute.
// The other filter has judged first.
func notifyProgram(pl *Plan, names bool) ([]unix.SockFilter, error) {
	prog := []bpf.Instruction{bpf.LoadAbsolute{Off: offNr, Size: 4}}
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	for _, c := range sendingCalls {
		for _, sig := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP} {
			prog = append(prog, notifyTests(c.nr, ask, []argTest{equal(c.sig, uint32(sig))})...)
		}
	}
	prog = append(prog, socketNotices(pl.Listen)...)
	if pathsAreOurs() {
		prog = append(prog, datagramNotices()...)
	}
	prog = append(prog, fastopenRefusals()...)
	if pl.NoCores {
		prog = append(prog, coreNotices()...)
	}
	prog = append(prog, setGroupNotices()...)
	if uid := unix.Geteuid(); uid != 0 {
		prog = append(prog, ownerRefusals(uint32(uid), uint32(unix.Getegid()))...)
	}
	if pl.Lent {
		prog = append(prog, attributeNotices()...)
	}
	if pl.Appended {
		prog = append(prog, appendNotices()...)
	}
	for _, w := range watched() {
		switch {
		case w.aboutSockets():
			prog = append(prog, notifyTests(w.nr, ask, nil)...)
		case !names:
		case w.kind == kindExec && !pl.Commands:
		case w.kind == kindOpen && !pl.Monitor:
			prog = append(prog, notifyTests(w.nr, ask, []argTest{anyBit(w.flags, changing)})...)
		case w.kind != kindRemove || pl.Monitor:
			prog = append(prog, notifyTests(w.nr, ask, nil)...)
		}
	}
	prog = append(prog, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	return assemble(prog)
}

// notifyTests gives instructions that begin and end with the call's number in
// the accumulator.
func notifyTests(nr uintptr, action bpf.Instruction, tests []argTest) []bpf.Instruction {
	body := compileTests(action, tests)
	if len(tests) > 0 {
		body = append(body, bpf.LoadAbsolute{Off: offNr, Size: 4})
	}
	return onCall(uint32(nr), body)
}

// notifier makes the child install the program, hand its listener to take,
// which runs in the parent, and wait until that is done.
func (p *childProgram) notifier(filter []unix.SockFilter, wait int, take func(pid, fd int) error) {
	fprog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	p.keep = append(p.keep, filter, fprog)
	p.add("seccomp notification", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(fprog)))
	p.calls[len(p.calls)-1].tell = true
	p.take = take
	p.add("seccomp notification", unix.SYS_READ, uintptr(wait), addr(p, new([8]byte)), 1)
}

// sharedNotifier is notifier for a keeper that may not take descriptors out of
// its children (pidfd_getfd(2) is refused in containers): until the listener
// is made, both have one table of descriptors.
func (p *childProgram) sharedNotifier(filter []unix.SockFilter, take func(pid, fd int) error) {
	fprog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	p.keep = append(p.keep, filter, fprog)
	p.flags |= unix.CLONE_FILES
	p.take, p.unshared = take, "own descriptors"
	p.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	p.add("seccomp notification", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(fprog)))
	p.calls[len(p.calls)-1].tell = true
	// Not unshare(2), which containers refuse whatever it is for. The range is empty.
	p.add(p.unshared, unix.SYS_CLOSE_RANGE, noDescriptor, noDescriptor, unix.CLOSE_RANGE_UNSHARE)
	p.calls[len(p.calls)-1].tell = true
}

// noDescriptor is a number above all.
const noDescriptor = 1<<32 - 1

// notification is struct seccomp_notif.
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// verdict is struct seccomp_notif_resp.
type verdict struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// handover is struct seccomp_notif_addfd.
type handover struct {
	id                          uint64
	flags, src, dst, newFDFlags uint32
}

// notifAddFD is SECCOMP_IOCTL_NOTIF_ADDFD: _IOW('!', 3, struct seccomp_notif_addfd).
const notifAddFD = 0x40182103

// addFD hands a descriptor over and answers the call with its number. A signal
// (the Go runtime sends SIGURG to threads that it wants to look up) must not
// interrupt it: the kernel takes the descriptor back then, but not the answer,
// which is 0 at that time, so that the process would take its standard input for
// the file that it opened (seccomp_notify_addfd).
func addFD(listen int, h *handover) error {
	_, err := addNumber(listen, h)
	return err
}

// addNumber is addFD that tells the number; without SECCOMP_ADDFD_FLAG_SEND the
// process goes on waiting.
func addNumber(listen int, h *handover) (number uintptr, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, old := ^uint64(0), uint64(0)
	rawMask(&all, &old)
	defer rawMask(&old, nil)
	return notifyValue(listen, notifAddFD, unsafe.Pointer(h))
}

func notifyIoctl(fd int, request uint, arg unsafe.Pointer) error {
	_, err := notifyValue(fd, request, arg)
	return err
}

func notifyValue(fd int, request uint, arg unsafe.Pointer) (uintptr, error) {
	for {
		v, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg))
		switch errno {
		case 0:
			return v, nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
