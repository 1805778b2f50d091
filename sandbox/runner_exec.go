package sandbox

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// exec turns the runner into a program, which so takes over its number, its
// children and its place in the process tree, as after exec in any shell. The
// end of the socket is the only answer; after a failure the runner goes on.
//
// A thread of its own makes the attempt: it has descriptors, directory and
// umask to itself (CLONE_FILES, CLONE_FS), so that a failure leaves no trace
// of what was arranged, and it ends with it. Signals and limits belong to the
// whole process and are put back; only a hard limit that was lowered stays,
// as it does in the shell that asked.
func (r *runner) exec(f *frame, d *decoder) error {
	_, parent, errno := r.planStart(&r.plan, f, d)
	if errno == 0 && parent != 0 {
		errno = syscall.EPROTO
	}
	if errno == 0 {
		errno = r.plan.reachable()
	}
	if errno == 0 {
		failed := make(chan syscall.Errno)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread is spoilt
			failed <- r.plan.replace()
		}()
		errno = <-failed
	}
	return r.startFailed(f.id, errno)
}

// reachable finds before anything is touched what most failures are about.
func (p *forkPlan) reachable() syscall.Errno {
	failed := syscall.ENOENT
	for _, path := range p.paths {
		if path == nil {
			break
		}
		dir := p.dir
		if dir < 0 {
			dir = unix.AT_FDCWD
		}
		_, _, errno := syscall.RawSyscall(unix.SYS_FACCESSAT, uintptr(dir), uintptr(unsafe.Pointer(path)), unix.X_OK)
		switch errno {
		case 0:
			return 0
		case syscall.EACCES:
			failed = errno
		case syscall.ENOENT, syscall.ENOTDIR:
		default:
			return errno
		}
	}
	return failed
}

// replace returns only on failure.
func (p *forkPlan) replace() syscall.Errno {
	all := ^uint64(0)
	rawMask(&all, nil) // no handler runs here: it would write to the program's files
	restore, err := apart()
	if err != nil {
		return errnoOf(err)
	}
	defer restore()
	limits := p.currentLimits()
	errno := childSetup(p)
	if errno == 0 {
		actions := p.currentActions()
		p.dfl, p.ign, p.harmless = sigaction{}, sigaction{handler: sigIgn}, 0
		errno = childExec(p)
		rawMask(&all, nil)
		for i := range actions {
			syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(i+1), uintptr(unsafe.Pointer(&actions[i])), 0, 8, 0, 0)
		}
	}
	for _, l := range limits {
		var now unix.Rlimit
		if unix.Prlimit(0, int(l.resource), nil, &now) == nil {
			now.Cur = min(l.value.Cur, now.Max)
			_ = unix.Prlimit(0, int(l.resource), &now, nil) // cannot fail below the hard limit
		}
	}
	return errno
}

// apart gives the calling thread descriptors, directory and umask of its own.
// Where that call is refused, as containers do, the latter two are put back: the
// thread that works waits meanwhile.
func apart() (restore func(), err error) {
	if err := unix.Unshare(unix.CLONE_FILES | unix.CLONE_FS); err != unix.EPERM {
		return func() {}, err
	}
	if err := unix.CloseRange(noDescriptor, noDescriptor, unix.CLOSE_RANGE_UNSHARE); err != nil {
		return nil, err
	}
	dir, err := unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	mask := unix.Umask(0)
	unix.Umask(mask)
	return func() {
		unix.Umask(mask)
		_ = unix.Fchdir(dir)
	}, nil
}

func (p *forkPlan) currentActions() (actions [64]sigaction) {
	for i := range actions {
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(i+1), 0, uintptr(unsafe.Pointer(&actions[i])), 8, 0, 0)
	}
	return actions
}

func (p *forkPlan) currentLimits() (limits []forkLimit) {
	for _, l := range p.limits {
		if unix.Prlimit(0, int(l.resource), nil, &l.value) == nil {
			limits = append(limits, l)
		}
	}
	return limits
}
