package sandbox

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"

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

// initMain is pid 1: it reaps what others left, and ends, and with it the
// namespace, when the keeper is gone. It opens nothing and signals nobody.
func initMain() int {
	sigs := make(chan os.Signal, 16)
	signal.Notify(sigs) // pid 1 takes only signals that it handles; these are dropped
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return 1
	}
	go func() {
		var b [1]byte
		_, _ = readRetry(3, b[:])
		os.Exit(0)
	}()
	runtime.GC() // nothing is allocated from here on
	for {
		reap()
		for s := range sigs {
			if s == syscall.SIGCHLD {
				break
			}
		}
	}
}

func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
	}
}
