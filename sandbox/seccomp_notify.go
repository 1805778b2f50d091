package sandbox

import (
	"syscall"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Some calls wait for the keeper's word before they run (seccomp_unotify(2)).
// Calls that create names may not create protected ones; with a monitor, every
// call that opens or changes a name is looked at, so that a refusal can be
// explained. The word "go on" is advice: another thread can change the path
// after it was read. What must not be written is read-only, whatever is said
// here; an absent protected name that appears all the same is masked at once.

// watchedCall is a call by which names are made, opened or removed.
type watchedCall struct {
	nr   uintptr
	kind callKind
	// dir and path are the arguments that name the target; a dir of -1 is
	// the working directory. flags is the argument of open's flags, or -1.
	dir, path, flags int
}

type callKind uint8

const (
	kindOpen   callKind = iota // creates only with the flags
	kindCreate                 // makes a name
	kindRemove                 // of interest to a monitor only
	kindExec                   // of interest when commands have rules; argv follows path
)

// watchedCalls are those that all architectures have; archWatched adds to them.
var watchedCalls = []watchedCall{
	{unix.SYS_OPENAT, kindOpen, 0, 1, 2},
	{unix.SYS_MKDIRAT, kindCreate, 0, 1, -1},
	{unix.SYS_MKNODAT, kindCreate, 0, 1, -1},
	{unix.SYS_RENAMEAT2, kindCreate, 2, 3, -1},
	{unix.SYS_LINKAT, kindCreate, 2, 3, -1},
	{unix.SYS_SYMLINKAT, kindCreate, 1, 2, -1},
	{unix.SYS_UNLINKAT, kindRemove, 0, 1, -1},
	{unix.SYS_EXECVE, kindExec, -1, 0, -1},
	{unix.SYS_EXECVEAT, kindExec, 0, 1, -1},
}

func watched() []watchedCall {
	return append(watchedCalls[:len(watchedCalls):len(watchedCalls)], archWatched...)
}

// notifyProgram asks the keeper about calls that create names, with a monitor
// about all that open or change one, and with rules about commands about those
// that execute. The other filter has judged first.
func notifyProgram(pl *Plan) ([]unix.SockFilter, error) {
	prog := []bpf.Instruction{bpf.LoadAbsolute{Off: offNr, Size: 4}}
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	for _, w := range watched() {
		switch {
		case w.kind == kindExec && !pl.Commands:
		case pl.Monitor, w.kind == kindCreate, w.kind == kindExec:
			prog = append(prog, notifyTests(w.nr, ask, nil)...)
		case w.kind == kindOpen:
			prog = append(prog, notifyTests(w.nr, ask, []argTest{anyBit(w.flags, unix.O_CREAT)})...)
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

func notifyIoctl(fd int, request uint, arg unsafe.Pointer) error {
	for {
		_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg))
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
		default:
			return errno
		}
	}
}
