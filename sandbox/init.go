package sandbox

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Names of the roles, in argv[0] of a re-execution.
const (
	nameKeeper = "fsh-keeper"
	nameInit   = "fsh-init"
	nameRunner = "fsh-runner"
)

// startInit makes pid 1 of the session's pid namespace. The child mounts the
// namespace's own /proc, which only a process inside it can, and has no
// rights any more when it executes.
func (k *keeper) startInit() error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(pair[1])
	filter, err := seccompProgram(filterMode{})
	if err != nil {
		return err
	}
	end, err := unix.FcntlInt(uintptr(pair[1]), unix.F_DUPFD_CLOEXEC, firstSafeFD)
	if err != nil {
		return err
	}
	defer syscall.Close(end)
	// init may read and execute its own image and nothing else, so that the
	// domain can be entered before exec: entering it later, on all threads,
	// needs signals, and a full signal queue of the user would hang it.
	ruleset, err := landlockRuleset([]grant{{at: k.base.hostProc, path: "self/exe", rights: rightsRead, must: true}}, false)
	if err != nil {
		return err
	}
	defer syscall.Close(ruleset)
	domain, err := unix.FcntlInt(uintptr(ruleset), unix.F_DUPFD_CLOEXEC, firstSafeFD)
	if err != nil {
		return err
	}
	defer syscall.Close(domain)
	p := &childProgram{flags: unix.CLONE_NEWPID}
	p.files([]int{k.null, k.null, k.null, end})
	p.add("proc", unix.SYS_MOUNT, p.str("proc"), p.str("/proc"), p.str("proc"),
		unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, 0)
	p.dropCaps()
	p.landlock(domain)
	p.seccomp(filter)
	p.exec("/proc/self/exe", []string{nameInit}, 0)
	pid, err := p.start(0)
	if err != nil {
		syscall.Close(pair[0])
		return childError(err)
	}
	k.initPid, k.initSock = pid, pair[0]
	return nil
}

// initMain is pid 1: it ends, and with it the namespace, when the keeper is
// gone. It opens nothing, signals nobody and takes no signal: the kernel keeps
// from pid 1 what it has no handler for, and reaps orphans for a parent that
// ignores SIGCHLD (wait(2)).
func initMain() int {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return 1
	}
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		act := sigaction{}
		if sig == syscall.SIGCHLD {
			act.handler = sigIgn
		}
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	}
	var b [1]byte
	_, _ = readRetry(3, b[:])
	return 0
}
