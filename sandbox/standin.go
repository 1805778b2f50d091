package sandbox

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A stand-in is a process for what the shell runs itself: a job, or a subshell.
// It has the number, is in the process group, takes the signals, and is the
// parent of the programs. Uncaught signals are left to the kernel; caught ones
// are reported.
//
// It is a clone of the runner that goes on with its memory and descriptors, on
// a stack of its own: that costs a tenth of what a new program does, and it can
// fork what the runner has prepared. It has the runner's restrictions, like
// everything inside. As in a child of vfork, there is no Go runtime here: bare
// system calls, nothing that grows the stack, allocates, stores a pointer, or
// can panic. It dies with the runner.

// standIn is what a stand-in and its runner share. What is written by the
// runner is not read before the order that it belongs to, and the other way
// round before the report: the kernel has both pass one after the other.
type standIn struct {
	// By the runner, before the start.
	id      uint32
	runner  uintptr
	dir     int
	wake    uintptr // eventfd: orders that were given
	signals uintptr // signalfd
	out     uintptr // pipe to the runner
	caught  uint64
	ignored uint64
	orders  [standInOrders]standInOrder
	stack   [standInStack]byte
	quiet   bool // nobody waits for it to be ready

	// By the stand-in.
	next    uint32 // order
	begun   bool   // the runner's handlers are gone
	dead    uint64 // signals that are ignored
	mask    uint64
	all     uint64
	action  sigaction
	count   uint64
	poll    [2]unix.PollFd
	arrived signalInfo
	// forking: a child is not a program yet, and has the stack and the plan.
	forking  bool
	children [standInChildren]struct{ pid, order uint32 } // 0: free
	said     standInReport                                // of orders and signals
	changed  standInReport                                // of a child
}

// standInChildren bounds the programs of a stand-in.
const standInChildren = 64

// standInOrder is something to do.
type standInOrder struct {
	kind, id uint32
	v, w     uint64
	plan     *forkPlan
}

// standInOrders may be under way at a time: to one that is stopped, which a sane
// shell has little to say to.
const standInOrders = 2 * standInChildren

const (
	orderCatch = iota + 1 // v and w are the sets of caught and ignored signals
	orderEnd              // v is the exit status
	orderStart            // plan, whose request is id
)

// standInReport is the news of a stand-in. Its size is less than PIPE_BUF, so
// that it is in the pipe as a whole or not at all (pipe(7)).
type standInReport struct {
	id     uint32 // of the stand-in
	kind   uint32
	pid    int32 // of a child
	value  int32 // errno, wait status, signal
	order  uint32
	_      uint32
	rusage syscall.Rusage
}

const (
	reportReady   = iota + 1 // it takes signals as it should
	reportCaught             // the answer to orderCatch
	reportSignal             // a caught signal
	reportStarted            // of orderStart, if that is asked for
	reportFailed
	reportChild // a child has changed state
)

const standInReportSize = unsafe.Sizeof(standInReport{})

// signalInfo is struct signalfd_siginfo (signalfd(2)).
type signalInfo struct {
	signo uint32
	errno int32
	code  int32
	pid   uint32
	_     [112]byte
}

// standInStack is more than twice what the linker allows functions that do not
// grow the stack.
const standInStack = 4 << 10

// standInFlags for clone(2). Without CLONE_SIGHAND the handlers are a copy.
const standInFlags = unix.CLONE_VM | unix.CLONE_FILES | uintptr(syscall.SIGCHLD)

// rawStandIn has the child run main on a stack that ends below top. Whatever is
// called there must not be instrumented: the thread that goes on has the same
// goroutine, whose stacks and race detector's state are in use.
func rawStandIn(flags, top uintptr, main func(*standIn), s *standIn) (pid, errno uintptr)

// standInMain is the whole life of the process. All signals are blocked.
//
//go:norace
//go:nosplit
func standInMain(s *standIn) {
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0, 0)
	if parent, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0); parent != s.runner {
		standInExit(1)
	}
	if s.dir >= 0 {
		syscall.RawSyscall(unix.SYS_FCHDIR, uintptr(s.dir), 0, 0)
	}
	s.all = ^uint64(0)
	standInSettle(s)
	if !s.quiet {
		standInSay(s, reportReady, 0, 0, 0)
	}
	s.poll[0] = unix.PollFd{Fd: int32(s.wake), Events: unix.POLLIN}
	s.poll[1] = unix.PollFd{Fd: int32(s.signals), Events: unix.POLLIN}
	for {
		syscall.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&s.poll)), 2, 0, 0, 0, 0)
		if standInSignals(s) {
			standInReap(s)
		}
		s.count = 0
		syscall.RawSyscall(unix.SYS_READ, s.wake, uintptr(unsafe.Pointer(&s.count)), 8)
		for ; s.count > 0; s.count-- {
			standInObey(s, &s.orders[s.next%standInOrders])
			s.next++
		}
	}
}

//go:norace
//go:nosplit
func standInExit(status uintptr) {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, status, 0, 0)
	}
}

//go:norace
//go:nosplit
func standInObey(s *standIn, o *standInOrder) {
	switch o.kind {
	case orderCatch:
		s.caught, s.ignored = o.v, o.w
		standInSettle(s)
		standInSay(s, reportCaught, 0, 0, 0)
	case orderEnd:
		standInExit(uintptr(o.v))
	case orderStart:
		standInFork(s, o.plan, o.id)
	}
}

// standInSettle has the caught signals wait for signalfd, ignores the ignored
// ones, and leaves the others to the kernel. SIGCHLD waits, too, and cannot be
// ignored: that would take the statuses of children (wait(2)).
//
//go:norace
//go:nosplit
func standInSettle(s *standIn) {
	ignored := s.ignored &^ (s.caught | 1<<(syscall.SIGCHLD-1))
	for sig := uintptr(1); sig <= 64; sig++ {
		if s.begun && (ignored^s.dead)>>(sig-1)&1 == 0 {
			continue
		}
		s.action.handler = uintptr(ignored >> (sig - 1) & 1 * sigIgn)
		syscall.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&s.action)), 0, 8, 0, 0)
	}
	s.dead, s.begun = ignored, true
	s.mask = s.caught | 1<<(syscall.SIGCHLD-1)
	syscall.RawSyscall6(unix.SYS_SIGNALFD4, s.signals, uintptr(unsafe.Pointer(&s.mask)), 8, 0, 0, 0)
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&s.mask)), 0, 8, 0, 0)
}

// standInSignals reports the signals that have arrived, and returns whether a
// child may have changed state. What the kernel says of children is not for the
// shell.
//
//go:norace
//go:nosplit
func standInSignals(s *standIn) (children bool) {
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, s.signals, uintptr(unsafe.Pointer(&s.arrived)), unsafe.Sizeof(s.arrived))
		if errno != 0 || n != unsafe.Sizeof(s.arrived) {
			return children
		}
		sig := s.arrived.signo
		if sig == uint32(syscall.SIGCHLD) {
			children = true
			if s.arrived.code > 0 || s.caught>>(sig-1)&1 == 0 {
				continue
			}
		}
		standInSay(s, reportSignal, 0, int32(sig), 0)
	}
}

// standInReap reports what became of children, behind the signals that they
// have sent.
//
//go:norace
//go:nosplit
func standInReap(s *standIn) {
	for {
		pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, ^uintptr(0), uintptr(unsafe.Pointer(&s.changed.value)),
			unix.WNOHANG|unix.WUNTRACED|unix.WCONTINUED, uintptr(unsafe.Pointer(&s.changed.rusage)), 0, 0)
		if errno != 0 || pid == 0 {
			return
		}
		s.changed.id, s.changed.kind, s.changed.pid = s.id, reportChild, int32(pid)
		s.changed.order = standInOrderOf(s, uint32(pid))
		standInSignals(s) // of another child it learns in the next round
		standInWrite(s, &s.changed)
	}
}

// standInOrderOf is the order that a child came from, which is forgotten when it
// is over: a stop has 0x7f in the low byte, and 0xffff is a continuation (wait(2)).
//
//go:norace
//go:nosplit
func standInOrderOf(s *standIn, pid uint32) uint32 {
	for i := range s.children {
		if c := &s.children[i]; c.pid == pid {
			if status := uint32(s.changed.value); status&0xff != 0x7f && status != 0xffff {
				c.pid = 0
			}
			return c.order
		}
	}
	return 0
}

// standInFork starts a program and waits until it runs.
//
//go:norace
//go:nosplit
func standInFork(s *standIn, p *forkPlan, order uint32) {
	p.harmless = ^s.dead
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&s.all)), 0, 8, 0, 0)
	s.forking = true
	pid, errno := vforkExec(p)
	s.forking = false
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&s.mask)), 0, 8, 0, 0)
	if errno == 0 && p.errno != 0 {
		errno = uintptr(p.errno)
		syscall.RawSyscall6(unix.SYS_WAIT4, pid, 0, 0, 0, 0, 0)
	}
	for i, fd := range p.lent {
		p.lent[i] = -1
		syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	}
	if errno != 0 {
		standInSay(s, reportFailed, 0, int32(errno), order)
		return
	}
	for i := range s.children {
		if c := &s.children[i]; c.pid == 0 {
			c.pid, c.order = uint32(pid), order
			break
		}
	}
	if p.telling || p.regrouped {
		standInSay(s, reportStarted, int32(pid), 0, order)
	}
}

//go:norace
//go:nosplit
func standInSay(s *standIn, kind uint32, pid, value int32, order uint32) {
	s.said.id, s.said.kind, s.said.pid, s.said.value, s.said.order = s.id, kind, pid, value, order
	standInWrite(s, &s.said)
}

//go:norace
//go:nosplit
func standInWrite(s *standIn, r *standInReport) {
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_WRITE, s.out, uintptr(unsafe.Pointer(r)), standInReportSize)
		if n == standInReportSize || errno != 0 && errno != syscall.EINTR {
			return
		}
	}
}
