package sandbox

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/sandbox/internal/startlimit"
)

// A child of the keeper must give up its rights before it executes anything,
// and between fork and exec in a program with threads only raw system calls
// are safe: no allocation, no lock, no stack growth. So everything the child
// does is prepared as a list of system calls, and the child only walks it.

// rawCall is one system call of a child. The kernel's answer must not be an
// error, unless optional.
type rawCall struct {
	nr       uintptr
	args     [6]uintptr
	optional bool
	tell     bool   // the answer goes to the parent
	what     string // for messages: the layer that failed
}

// childProgram is what a forked child does, in order; it ends with execve.
type childProgram struct {
	flags uint64 // CLONE_NEW* of the child
	calls []rawCall
	keep  []any // what the uintptrs of calls point to
	// take receives the answer of the call with tell.
	take func(pid, answer int) error
	// unshared is the call, if any, until which the child shares the table of
	// descriptors.
	unshared string
}

func (p *childProgram) add(what string, nr uintptr, args ...uintptr) {
	c := rawCall{nr: nr, what: what}
	copy(c.args[:], args)
	p.calls = append(p.calls, c)
}

func (p *childProgram) try(what string, nr uintptr, args ...uintptr) {
	p.add(what, nr, args...)
	p.calls[len(p.calls)-1].optional = true
}

// str gives the address of a NUL-terminated copy of s that lives as long as p.
func (p *childProgram) str(s string) uintptr {
	b := append([]byte(s), 0)
	p.keep = append(p.keep, &b[0])
	return uintptr(unsafe.Pointer(&b[0]))
}

// addr gives the address of v, a pointer, and keeps it alive.
func addr[T any](p *childProgram, v *T) uintptr {
	p.keep = append(p.keep, v)
	return uintptr(unsafe.Pointer(v))
}

// exec ends the program. Signals other than those blocked are let in only
// when no handler of this process is left: one that ran in the child would be
// in a broken runtime.
func (p *childProgram) exec(path string, argv, env []string, blocked uint64) {
	dfl, ign, mask := addr(p, new(sigaction)), addr(p, &sigaction{handler: sigIgn}), addr(p, &blocked)
	for sig := uintptr(1); sig <= 64; sig++ {
		act := dfl
		if slices.Contains(unblockedAtStart, syscall.Signal(sig)) {
			act = ign
		}
		p.try("signals", unix.SYS_RT_SIGACTION, sig, act, 0, 8)
	}
	p.add("signals", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, mask, 0, 8)
	p.add("exec "+path, unix.SYS_EXECVE, p.str(path), p.strs(argv), p.strs(env))
}

// strs is the address of a list as execve(2) takes it.
func (p *childProgram) strs(list []string) uintptr {
	ptrs := make([]uintptr, 0, len(list)+1)
	for _, s := range list {
		ptrs = append(ptrs, p.str(s))
	}
	ptrs = append(ptrs, 0)
	p.keep = append(p.keep, ptrs)
	return uintptr(unsafe.Pointer(&ptrs[0]))
}

// files makes descriptor i of the new program a copy of fds[i]. All of fds
// are above the highest number that is made here.
func (p *childProgram) files(fds []int) {
	for i, fd := range fds {
		p.add("descriptors", unix.SYS_DUP3, uintptr(fd), uintptr(i), 0)
	}
	p.add("descriptors", unix.SYS_CLOSE_RANGE, uintptr(len(fds)), ^uintptr(0)>>32, unix.CLOSE_RANGE_CLOEXEC)
}

// openFiles undoes what the Go runtime did to the limit when it started.
func (p *childProgram) openFiles() {
	if cur, max, ok := startlimit.OpenFiles(); ok {
		p.try("limit", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, addr(p, &unix.Rlimit{Cur: cur, Max: max}), 0)
	}
}

// maxQueued is far more real-time signals and timers than programs use. The
// queue is the user's (RLIMIT_SIGPENDING): whoever fills it inside would also
// stop timers and thread-wide calls of the user's processes outside.
const maxQueued = 1024

func (p *childProgram) signalQueue() {
	p.try("limit", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_SIGPENDING, addr(p, &unix.Rlimit{Cur: maxQueued, Max: maxQueued}), 0)
}

// Securebits of capabilities(7): uid 0 is nothing special, and all of it locked. Whether
// capabilities are kept does not matter where there are none, and setpriv asks for it.
const (
	secNoRoot            = 1<<0 | 1<<1
	secNoSetuidFixup     = 1<<2 | 1<<3
	secKeepCapsLocked    = 1 << 5
	secNoAmbientRaise    = 1<<6 | 1<<7
	allSecurebits        = secNoRoot | secNoSetuidFixup | secNoAmbientRaise
	capabilityVersion3   = 0x20080522
	highestCapabilityBit = 63 // the kernel answers EINVAL above its own last one
)

// dropCaps gives up every capability for good. The bounding set goes first:
// dropping from it needs CAP_SETPCAP.
func (p *childProgram) dropCaps() {
	p.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	p.add("securebits", unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, allSecurebits)
	p.try("ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	for c := range uintptr(highestCapabilityBit + 1) {
		p.try("bounding set", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c)
	}
	hdr := &unix.CapUserHeader{Version: capabilityVersion3}
	data := &[2]unix.CapUserData{}
	p.add("capabilities", unix.SYS_CAPSET, addr(p, hdr), addr(p, data))
}

// ownershipCaps are what installing packages needs: to change owners, modes
// and set-id bits, to write what another user owns, and to become one. They
// count for files that mounts and Landlock let be written, and nowhere else:
// capabilities of a user namespace give no right to the machine.
var ownershipCaps = []uint{
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_SETGID, unix.CAP_SETUID,
}

// keepOwnership gives up all other capabilities for good. Uid 0 keeps these
// over execve, which makes them from the bounding set; whoever becomes another
// user loses them. So the securebits that take the meaning from uid 0 are not
// set here, and cannot be changed for want of CAP_SETPCAP.
func (p *childProgram) keepOwnership() {
	var keep [2]unix.CapUserData
	kept := map[uintptr]bool{}
	for _, c := range ownershipCaps {
		kept[uintptr(c)] = true
		keep[c/32].Effective |= 1 << (c % 32)
		keep[c/32].Permitted |= 1 << (c % 32)
	}
	p.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	p.add("securebits", unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, secKeepCapsLocked|secNoAmbientRaise)
	p.try("ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	for c := range uintptr(highestCapabilityBit + 1) {
		if !kept[c] {
			p.try("bounding set", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c)
		}
	}
	p.add("capabilities", unix.SYS_CAPSET, addr(p, &unix.CapUserHeader{Version: capabilityVersion3}), addr(p, &keep))
}

// cloneArgs is struct clone_args of clone3(2), up to set_tid_size.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal uint64
	stack, stackSize, tls                         uint64
	setTID, setTIDSize                            uint64
}

// start forks a child that carries out the program. wantPid, if not 0, is the
// number it should get in the innermost pid namespace; when that is not to be
// had it gets another one. The calling goroutine must be locked to its
// thread, whose namespaces the child inherits.
func (p *childProgram) start(wantPid int) (pid int, err error) {
	var report [2]int
	if err := syscall.Pipe2(report[:], syscall.O_CLOEXEC); err != nil {
		return 0, err
	}
	defer syscall.Close(report[0])
	pid, err = p.fork(report[1], wantPid)
	closeReport := sync.OnceFunc(func() { syscall.Close(report[1]) })
	defer closeReport()
	if err != nil {
		return 0, fmt.Errorf("fork: %w", err)
	}
	if p.unshared == "" {
		closeReport()
	}
	for {
		var msg [3]uint64
		n, err := readRetry(report[0], unsafe.Slice((*byte)(unsafe.Pointer(&msg[0])), unsafe.Sizeof(msg)))
		if n == 0 && err == nil {
			return pid, nil // the pipe was closed by execve
		}
		if n == int(unsafe.Sizeof(msg)) && msg[1] == 0 && msg[0] < uint64(len(p.calls)) && p.calls[msg[0]].what == p.unshared {
			closeReport()
			continue
		}
		if n == int(unsafe.Sizeof(msg)) && msg[1] == 0 && p.take != nil {
			taken := p.take(pid, int(msg[2]))
			if taken == nil {
				continue
			}
			_ = syscall.Kill(pid, syscall.SIGKILL)
			_, _ = syscall.Wait4(pid, nil, 0, nil)
			return 0, taken
		}
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		if err != nil || n != int(unsafe.Sizeof(msg)) || msg[0] >= uint64(len(p.calls)) {
			return 0, fmt.Errorf("child ended before exec: %v", err)
		}
		return 0, &layerError{p.calls[msg[0]].what, syscall.Errno(msg[1])}
	}
}

// layerError is the failure of one step of a child.
type layerError struct {
	what string
	err  syscall.Errno
}

func (e *layerError) Error() string { return e.what + ": " + e.err.Error() }
func (e *layerError) Unwrap() error { return e.err }

func (p *childProgram) fork(report, wantPid int) (int, error) {
	all := ^uint64(0)
	old := new(uint64)
	set := &all
	tid := []int32{int32(wantPid)}
	p.keep = append(p.keep, tid) // on the heap, where it does not move
	args := &cloneArgs{flags: p.flags, exitSignal: uint64(syscall.SIGCHLD)}
	if wantPid > 0 {
		args.setTID, args.setTIDSize = uint64(uintptr(unsafe.Pointer(&tid[0]))), 1
	}
	msg := new([3]uint64)
	calls := p.calls
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	rawMask(set, old)
	pid, errno := forkAndRun(args, calls, msg, report)
	if errno != 0 && wantPid > 0 {
		args.setTID, args.setTIDSize = 0, 0
		pid, errno = forkAndRun(args, calls, msg, report)
	}
	rawMask(old, nil)
	runtime.KeepAlive(p)
	if errno != 0 {
		return 0, errno
	}
	return int(pid), nil
}

func rawMask(set, old *uint64) {
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK,
		uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}

// forkAndRun forks and, in the child, never returns. All signals are blocked
// by the caller, so no handler of the Go runtime runs in the child; the
// memory is a copy, so nothing it does is seen by the parent.
//
//go:norace
//go:nosplit
//go:noinline
func forkAndRun(args *cloneArgs, calls []rawCall, msg *[3]uint64, report int) (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE3, uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args), 0, 0, 0, 0)
	if errno == syscall.ENOSYS && args.setTIDSize == 0 {
		pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(args.flags)|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	}
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	for i := range calls {
		c := &calls[i]
		r, _, errno := syscall.RawSyscall6(c.nr, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		msg[0], msg[1], msg[2] = uint64(i), uint64(errno), uint64(r)
		if errno != 0 && !c.optional {
			break
		}
		if c.tell {
			syscall.RawSyscall6(unix.SYS_WRITE, uintptr(report), uintptr(unsafe.Pointer(msg)), unsafe.Sizeof(*msg), 0, 0, 0)
		}
	}
	syscall.RawSyscall6(unix.SYS_WRITE, uintptr(report), uintptr(unsafe.Pointer(msg)), unsafe.Sizeof(*msg), 0, 0, 0)
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 127, 0, 0, 0, 0, 0)
	}
}

func readRetry(fd int, b []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, b)
		if err != syscall.EINTR {
			return n, err
		}
	}
}
