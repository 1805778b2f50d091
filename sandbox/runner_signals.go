package sandbox

import (
	"encoding/binary"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signals sent to a runner are meant for the shell, so a runner must receive
// them without being killed, and tell who sent them: what the terminal sends
// to a whole process group reaches the shell by itself. os/signal does not
// say, and signalfd(2) needs them blocked on all threads, while the Go runtime
// unblocks those that end programs on every thread it makes. Hence a handler
// of our own, of a few instructions, that writes siginfo to a pipe, or for
// SIGCHLD adds one to an eventfd, which never fills up.
//
// A child of vfork has the handlers until it executes. There, where the
// process is not the one that installed it, the handler takes the default
// action instead: it resets the signal and sends it again.

// What signalHandler needs: a handler has no arguments of its own, so these
// are the variables that a runner or stand-in process has. They are set once,
// before the handler is installed.

//lint:ignore U1000 assembler reads it
var signalPipe int32 = -1

//lint:ignore U1000 assembler reads it
var signalChanges int32 = -1 // eventfd

//lint:ignore U1000 assembler reads it
var signalOwner int32 // the process

//lint:ignore U1000 assembler reads it
var signalOne = uint64(1)

//lint:ignore U1000 assembler reads it
var signalDefault sigaction

// signalEntered counts the signals that the handler has begun to write.
var signalEntered uint32

// signalShared are the signals that the Go runtime needs as well, bit n for
// signal n: what the kernel raises, or the process sends itself, is its own.
//
//lint:ignore U1000 assembler reads it
var signalShared = sharedSet()

//lint:ignore U1000 assembler reads it
var signalRuntime uintptr // the runtime's handler

func signalHandlerPC() uintptr

// signalRecord is how much of siginfo_t is written: si_signo, si_errno,
// si_code, padding, si_pid and si_uid, 32 bits each.
const signalRecord = 24

// kickSignal interrupts an open that is to be cancelled.
const kickSignal = 64

func sigBit(s syscall.Signal) uint64 { return 1 << (uint(s) - 1) }

// sharedSignals report an error of the program itself, or (SIGURG) preempt its
// goroutines, unless another process sent them.
var sharedSignals = []syscall.Signal{
	syscall.SIGILL, syscall.SIGTRAP, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV, syscall.SIGSYS, syscall.SIGURG,
}

func sharedSet() (set uint64) {
	for _, s := range sharedSignals {
		set |= sigBit(s) << 1
	}
	return set
}

// runtimeSignals cannot be blocked, or the Go runtime does not let them be, or
// they are needed while it starts (32 to 34: setxid and AllThreadsSyscall), or
// by R (SIGCHLD).
var runtimeSignals = []syscall.Signal{
	syscall.SIGKILL, syscall.SIGSTOP, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGBUS, syscall.SIGFPE,
	syscall.SIGSEGV, syscall.SIGSTKFLT, syscall.SIGSYS, syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPROF,
	32, 33, 34,
}

// unblockedAtStart are let in by the Go runtime whatever the mask says, as they
// end programs. New programs ignore them until the runtime handles them, and
// HUP and INT until their own handler is there.
var unblockedAtStart = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGTERM,
}

// blockedSignals is the mask that runners and stand-ins are started with, so
// that they are not killed by signals before they are ready. The runtime does
// not honour it for unblockedAtStart.
func blockedSignals() uint64 {
	set := ^uint64(0)
	for _, s := range runtimeSignals {
		set &^= sigBit(s)
	}
	return set
}

// signalReader makes the pipe of the handler and returns its reading end.
func signalReader() (int, error) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return -1, err
	}
	// The handler must never wait.
	if err := unix.SetNonblock(p[1], true); err != nil {
		return -1, err
	}
	signalPipe, signalOwner = int32(p[1]), int32(os.Getpid())
	signalRuntime = runtimeAction().handler
	return p[0], nil
}

// handledSignals are all that a process can have an action for but SIGCHLD,
// which is R's.
func handledSignals() uint64 {
	return ^(sigBit(syscall.SIGKILL) | sigBit(syscall.SIGSTOP) | sigBit(syscall.SIGCHLD))
}

// setActions has the caught signals handled and the ignored ones ignored; all
// others take their default action. It goes past the Go runtime, whose own
// handlers it takes the flags and the way back (SA_RESTORER) from.
func setActions(caught, ignored uint64) {
	handler := runtimeAction()
	handler.handler, handler.mask = signalHandlerPC(), ^uint64(0)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if handledSignals()&sigBit(sig) == 0 {
			continue
		}
		act := sigaction{}
		switch {
		case caught&sigBit(sig) != 0:
			act = handler
		case ignored&sigBit(sig) != 0:
			act.handler = sigIgn
		}
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	}
}

// swallowSignals has this process take no notice of signals, but of SIGCHLD what the
// Go runtime takes: the pipe of the handler is not there. They are caught, for ignored
// ones would be inherited. os/signal would do the same by two changes of threads for
// each of them, a millisecond in all.
func swallowSignals() {
	signalOwner, signalRuntime = int32(os.Getpid()), runtimeAction().handler
	setActions(handledSignals(), 0)
}

// runtimeAction is how the Go runtime handles SIGCHLD, and all others: nothing
// here changes that one before it is asked for the last time.
func runtimeAction() (act sigaction) {
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD), 0, uintptr(unsafe.Pointer(&act)), 8, 0, 0)
	return act
}

// sigIgn is SIG_IGN.
const sigIgn = 1

// readSignal waits for a caught signal. user tells that a process sent it, not
// the terminal or the kernel (si_code > 0: sigaction(2)); sender is its
// number, 0 if it is outside of the pid namespace.
func readSignal(fd int) (sig syscall.Signal, sender int, user bool, err error) {
	var b [signalRecord]byte
	n, err := readRetry(fd, b[:])
	if err == nil && n < len(b) {
		err = syscall.EIO
	}
	ne := binary.NativeEndian
	code := int32(ne.Uint32(b[8:]))
	return syscall.Signal(ne.Uint32(b[:])), int(ne.Uint32(b[16:])), code <= 0, err
}

// blockHere keeps signals away from the calling goroutine's thread, which it
// is locked to: R goes on with its work under a storm of signals.
// A fault of R's own is its end all the same, and the runtime need not preempt it.
func blockHere() {
	set := handledSignals() &^ sigBit(syscall.SIGURG)
	rawMask(&set, nil)
}

// catchSignals starts forwarding what is sent to the runner's number, on a
// thread that lets all signals in.
func (r *runner) catchSignals() error {
	fd, err := signalReader()
	if err != nil {
		return err
	}
	if r.changes, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	signalChanges = int32(r.changes)
	// SIGKILL and SIGSTOP have no action to reset.
	r.plan.harmless = ^sigBit(kickSignal)
	setActions(handledSignals()&^sigBit(kickSignal), 0)
	r.opens.init()
	act := runtimeAction()
	act.handler, act.mask = signalHandlerPC(), ^uint64(0)
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD), uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	go func() {
		runtime.LockOSThread()
		none := uint64(0)
		rawMask(&none, nil)
		for {
			sig, sender, user, err := readSignal(fd)
			if err == nil && user {
				r.events.signal(0, sig, sender)
			}
			r.forwarded.Add(1)
		}
	}()
	return nil
}

// flushLimit bounds how long the news of a child's end waits for signals.
const flushLimit = 100 * time.Millisecond

// flushSignals returns when the signals sent so far are on their way to the
// shell: what a command sent to $$ comes before its end. They are pending here,
// where they are blocked, until the other thread has them.
//
// A limit: that thread may have taken one and not yet begun to handle it, which
// cannot be seen from here at a price that each command could pay. A shell on a
// machine with more to do than it can may then run one command more.
func (r *runner) flushSignals() {
	var start time.Time
	for {
		var pending uint64
		syscall.RawSyscall(unix.SYS_RT_SIGPENDING, uintptr(unsafe.Pointer(&pending)), 8, 0)
		entered := atomic.LoadUint32(&signalEntered)
		if pending&^(sigBit(syscall.SIGURG)|sigBit(syscall.SIGCHLD)|sigBit(kickSignal)) == 0 && entered == r.forwarded.Load() {
			return
		}
		switch now := time.Now(); {
		case start.IsZero():
			start = now
		case now.Sub(start) > flushLimit: // the pipe was full: some were lost
			r.forwarded.Store(entered)
			return
		}
		_ = syscall.Nanosleep(&syscall.Timespec{Nsec: 10_000}, nil)
	}
}

// kill is kill(2) as the shell would call it. The runner stands for the shell:
// what reaches its own number is reported, not suffered.
func (r *runner) kill(pid int, sig syscall.Signal) syscall.Errno {
	if pid == r.pid {
		if sig != 0 {
			r.events.signal(0, sig, 0)
		}
		return 0
	}
	r.reapEnding(max(pid, -pid))
	if pid < -1 {
		if to, ok := r.groups[-pid]; ok {
			pid = -to
		}
	}
	return errnoOf(syscall.Kill(pid, sig))
}

func errnoOf(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EIO
}
