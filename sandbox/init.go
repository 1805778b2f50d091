package sandbox

import (
	"os"
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

// startInit makes pid 1 of the session's pid namespace. It is a fork that
// executes nothing and only waits for the end of the keeper: a program would
// take 3 ms to start for that. The child mounts the namespace's own /proc,
// which only a process inside it can, and gives up its rights as all others.
func (k *keeper) startInit() error {
	filter, err := seccompProgram(filterMode{})
	if err != nil {
		return err
	}
	end, err := k.lifeline()
	if err != nil {
		return err
	}
	defer syscall.Close(end)
	ruleset, err := landlockRuleset(nil, false)
	if err != nil {
		return err
	}
	defer syscall.Close(ruleset)
	files, closeFiles, err := safeFDs(k.null, k.null, k.null, end, ruleset)
	if err != nil {
		return err
	}
	defer closeFiles()
	p := &childProgram{flags: unix.CLONE_NEWPID}
	p.files(files[:4])
	p.add("proc", unix.SYS_MOUNT, p.str("proc"), p.str("/proc"), p.str("proc"),
		unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, 0)
	name, err := p.rename(nameInit)
	if err != nil {
		return err
	}
	defer name()
	p.dropCaps()
	p.landlock(files[4])
	p.outlive(filter)
	p.add("end", unix.SYS_EXIT_GROUP, 0)
	k.initPid, err = p.start(0)
	return childError(err)
}

// lifeline is a socket for init that ends with this process.
func (k *keeper) lifeline() (end int, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	k.initSock = pair[0]
	return pair[1], nil
}

// rename gives the child another name in /proc. done closes what it reads it
// from: argv[0] is memory, which only a system call can write to here.
func (p *childProgram) rename(name string) (done func(), err error) {
	p.add("name", unix.SYS_PRCTL, unix.PR_SET_NAME, p.str(name))
	argv := os.Args[0] // Go's strings of them are those of execve
	if len(argv) < len(name) {
		return func() {}, nil
	}
	text := make([]byte, len(argv))
	copy(text, name)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, err
	}
	done = func() { unix.Close(pipe[0]); unix.Close(pipe[1]) }
	if _, err := unix.Write(pipe[1], text); err != nil {
		done()
		return nil, err
	}
	p.try("name", unix.SYS_READ, uintptr(pipe[0]), uintptr(unsafe.Pointer(unsafe.StringData(argv))), uintptr(len(text)))
	return done, nil
}

// outlive is for a program that executes nothing: it waits until descriptor 3
// ends. It opens nothing and takes no signal: the kernel keeps from pid 1 what it
// has no handler for, and reaps orphans for a parent that ignores SIGCHLD
// (wait(2)).
func (p *childProgram) outlive(filter []unix.SockFilter) {
	dfl, ign, mask := addr(p, new(sigaction)), addr(p, &sigaction{handler: sigIgn}), addr(p, new(uint64))
	for sig := uintptr(1); sig <= 64; sig++ {
		act := dfl
		if syscall.Signal(sig) == syscall.SIGCHLD {
			act = ign
		}
		p.try("signals", unix.SYS_RT_SIGACTION, sig, act, 0, 8)
	}
	p.add("signals", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, mask, 0, 8)
	p.add("not dumpable", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0)
	// A process group whose parents are gone is an orphan only if init is in
	// another session (setpgid(2)); otherwise reading from the terminal would
	// stop it for ever.
	p.try("session", unix.SYS_SETSID)
	p.seccomp(filter)
	// Without the report, too: its end tells the keeper that all went well.
	p.add("descriptors", unix.SYS_CLOSE_RANGE, 4, ^uintptr(0)>>32, 0)
	p.try("wait", unix.SYS_READ, 3, addr(p, new([8]byte)), 1)
}
