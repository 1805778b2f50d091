package sandbox

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A command differs from the runner in directory, umask, signals, limits,
// process group and descriptors. All of that is set in the child, between
// vfork and execve, so nothing is ever process-wide in the runner and no
// second program is needed. syscall.ForkExec cannot be used: it gives the
// child the signal mask of the forking thread, so that the runner would have
// to unblock signals around every fork, and one that arrives just then would
// kill it.
//
// The child shares the parent's memory (CLONE_VM) while the forking thread
// waits: it only makes raw system calls, on prepared memory, without growing
// the stack, and tells a failure by writing to the plan.

// forkPlan is everything that a child needs.
type forkPlan struct {
	paths      []*byte // candidates for execve, nil-terminated
	argv, envv []*byte // nil-terminated
	dir        int     // descriptor, -1 to stay
	umask      uint32
	group      int // as interp.Command.Group
	tty        int // descriptor, or -1
	src        []int
	dst        []int
	above      int // greater than every dst
	limits     []forkLimit
	ignored    uint64 // bit n-1 is signal n
	harmless   uint64 // signals with signalHandler or none
	lent       []int  // what a stand-in closes when it has forked; -1: has closed
	telling    bool   // a stand-in reports the start
	mask       uint64 // signal mask of the program

	// Scratch for the child.
	dfl, ign  sigaction
	cpus      unix.CPUSet // the runner's own
	here      unix.CPUSet // the one of them that it is on
	tied      bool        // to it, as the child is at its start
	pgrp      int32
	errno     syscall.Errno // of what failed, 0 when the program runs
	regrouped bool          // the group did not exist any more
}

type forkLimit struct {
	resource uintptr
	value    unix.Rlimit
}

// sigaction is the kernel's struct for rt_sigaction(2), the same on amd64 and
// arm64.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

func rawVfork(flags uintptr) (pid, errno uintptr)

// fork starts the plan and returns the child's number once it runs. If the
// program could not be executed pid is the number of a child that has ended,
// and errno says why. The goroutine must be locked to its thread.
func (p *forkPlan) fork() (pid int, errno syscall.Errno) {
	p.begin()
	all, old := ^uint64(0), uint64(0)
	syscall.ForkLock.Lock()
	rawMask(&all, &old)
	p.tied = p.stayHere()
	n, e := vforkExec(p)
	if p.tied {
		rawAffinity(&p.cpus)
	}
	p.tied = false
	rawMask(&old, nil)
	syscall.ForkLock.Unlock()
	runtime.KeepAlive(p)
	if e != 0 {
		return 0, syscall.Errno(e)
	}
	return int(n), p.errno
}

// begin sets what the child finds.
func (p *forkPlan) begin() {
	p.dfl, p.ign = sigaction{}, sigaction{handler: sigIgn}
	p.errno, p.regrouped = 0, false
}

// stayHere has the child start on the processor of the runner, which waits for
// it anyway. The kernel would look for an idle one, and waking that, and being
// woken from there, costs a tenth of what a short command takes. The child
// gives up the tie before execve(2), where the kernel looks again.
func (p *forkPlan) stayHere() bool {
	// It fails with more processors than CPUSet has room for. What was true at the
	// last command may have been changed from outside (taskset(1)).
	if unix.SchedGetaffinity(0, &p.cpus) != nil || p.cpus.Count() < 2 {
		return false
	}
	var cpu uint32
	if _, _, errno := syscall.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); errno != 0 {
		return false
	}
	p.here.Zero()
	p.here.Set(int(cpu))
	return rawAffinity(&p.here)
}

// rawAffinity ties the calling thread to cpus.
//
//go:norace
//go:nosplit
func rawAffinity(cpus *unix.CPUSet) bool {
	_, _, errno := syscall.RawSyscall(unix.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(*cpus), uintptr(unsafe.Pointer(cpus)))
	return errno == 0
}

// vforkExec has a frame of its own, which the parent leaves at once: the
// child has used the stack below it.
//
//go:noinline
//go:norace
//go:nosplit
func vforkExec(p *forkPlan) (pid, errno uintptr) {
	pid, errno = rawVfork(unix.CLONE_VM | unix.CLONE_VFORK | uintptr(syscall.SIGCHLD))
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	p.errno = childSetup(p)
	if p.errno == 0 {
		p.errno = childExec(p)
	}
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, 127, 0, 0)
	}
}

// childSetup makes the child what the command is to be. All signals are
// blocked, which also lets a background process take the terminal.
//
//go:noinline
//go:norace
//go:nosplit
func childSetup(p *forkPlan) syscall.Errno {
	var errno syscall.Errno
	if p.group >= 0 {
		_, _, errno = syscall.RawSyscall(unix.SYS_SETPGID, 0, uintptr(p.group), 0)
		if errno == syscall.EPERM && p.group > 0 {
			p.regrouped = true
			_, _, errno = syscall.RawSyscall(unix.SYS_SETPGID, 0, 0, 0)
		}
		if errno != 0 {
			return errno
		}
	}
	if p.tty >= 0 {
		pgrp, _, _ := syscall.RawSyscall(unix.SYS_GETPGID, 0, 0, 0)
		p.pgrp = int32(pgrp)
		// Failure (not our terminal any more) is not the command's: it runs
		// in the background, as in other shells.
		syscall.RawSyscall(unix.SYS_IOCTL, uintptr(p.tty), unix.TIOCSPGRP, uintptr(unsafe.Pointer(&p.pgrp)))
	}
	if p.dir >= 0 {
		_, _, errno = syscall.RawSyscall(unix.SYS_FCHDIR, uintptr(p.dir), 0, 0)
		if errno != 0 {
			return errno
		}
	}
	syscall.RawSyscall(unix.SYS_UMASK, uintptr(p.umask), 0, 0)
	if p.tied {
		rawAffinity(&p.cpus)
	}
	if errno = childFiles(p); errno != 0 {
		return errno
	}
	for i := range p.limits {
		l := &p.limits[i]
		_, _, errno = syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, l.resource, uintptr(unsafe.Pointer(&l.value)), 0, 0, 0)
		if errno != 0 {
			return errno
		}
	}
	return 0
}

// childFiles gives the child exactly the descriptors it is to have; all
// others are close-on-exec.
//
//go:noinline
//go:norace
//go:nosplit
func childFiles(p *forkPlan) syscall.Errno {
	for i, fd := range p.src {
		if fd >= p.above {
			continue
		}
		n, _, errno := syscall.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_DUPFD_CLOEXEC, uintptr(p.above))
		if errno != 0 {
			return errno
		}
		p.src[i] = int(n)
	}
	for i, fd := range p.src {
		_, _, errno := syscall.RawSyscall(unix.SYS_DUP3, uintptr(fd), uintptr(p.dst[i]), 0)
		if errno != 0 {
			return errno
		}
	}
	return 0
}

// childExec sets signals and executes the first candidate that can be, as
// execvp(3) goes along PATH.
//
//go:noinline
//go:norace
//go:nosplit
func childExec(p *forkPlan) syscall.Errno {
	// Handlers of the Go runtime must be gone before signals are let in; the
	// other one does no harm (signalHandler), and is gone with execve.
	for sig := uintptr(1); sig <= 64; sig++ {
		act := &p.dfl
		if p.ignored>>(sig-1)&1 != 0 {
			act = &p.ign
		} else if p.harmless>>(sig-1)&1 != 0 {
			continue
		}
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(act)), 0, 8, 0, 0)
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&p.mask)), 0, 8, 0, 0)
	failed := syscall.ENOENT
	for _, path := range p.paths {
		if path == nil {
			break
		}
		_, _, errno := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)),
			uintptr(unsafe.Pointer(unsafe.SliceData(p.argv))), uintptr(unsafe.Pointer(unsafe.SliceData(p.envv))))
		switch errno {
		case syscall.EACCES:
			failed = errno
		case syscall.ENOENT, syscall.ENOTDIR:
		default:
			return errno
		}
	}
	return failed
}
