package interp

import (
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runtime is what the main shell and all of its subshells share.
type runtime struct {
	sys        System
	builtins   map[string]*builtin
	script     string // the file that is run; "": commands from elsewhere
	bash       bool   // the dialect asked for at start
	inside     string
	login      bool // a login shell
	insideArgs []string
	oddEnv     []string // environment entries whose names are no variable names
	start      time.Time
	ignored    map[syscall.Signal]bool // on entry; POSIX: cannot be trapped
	terminal   int                     // descriptor of the controlling terminal, or -1

	main  *shell
	check func(text string) error // Config.Check
	// own is Config.Own where there is one; startDir is where the shell began.
	own      *Own
	startDir Dir
	// openTerminal finds the controlling terminal when it is first needed.
	openTerminal func() int
	// promptMark is Config.PromptMark.
	promptMark func() string
	modes      *unix.Termios            // of the terminal, for the shell
	away       atomic.Bool              // the terminal is another group's
	front      atomic.Pointer[jobGroup] // the job in the foreground

	work work
	ours ours
	over atomic.Bool // the main shell has ended

	mu sync.Mutex
	// outputs counts the >(…) that run.
	outputs  sync.WaitGroup
	running  atomic.Int32    // of these
	replaced atomic.Bool     // a program runs in the main shell's place
	dirs     atomic.Uint32   // opened so far
	jobs     map[*job]bool   // of an interactive shell
	live     map[*shell]bool // subshells whose goroutines run
	gate     chan struct{}   // not nil: these are to wait for its end
	regexps  regexpCache
	notify   chan os.Signal
	handled  atomic.Uint64 // signals of the System
	// interrupts: SIGINT and SIGQUIT are caught, not left to the kernel.
	interrupts   atomic.Bool
	mortalCaught atomic.Bool  // see catchMortal
	trapped      atomic.Int32 // real signals that have traps in the main shell
	settled      chan struct{}
	barrier      sync.Once
	stop         chan struct{}
}

func (rt *runtime) enter(sh *shell) {
	rt.mu.Lock()
	rt.live[sh] = true
	if rt.gate != nil {
		sh.attn.pending.Or(attnStop)
	}
	rt.mu.Unlock()
}

func (rt *runtime) leave(sh *shell) {
	rt.mu.Lock()
	delete(rt.live, sh)
	rt.mu.Unlock()
}

// alone tells whether no subshell runs, and no >(…).
func (rt *runtime) alone() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return len(rt.live) == 0 && rt.running.Load() == 0
}

// listen starts delivering signals to the main shell.
func (rt *runtime) listen() {
	rt.notify = make(chan os.Signal, 64)
	rt.stop = make(chan struct{})
	rt.settled = make(chan struct{}, 1)
	for _, sig := range sessionSignals {
		if rt.main.interactive() && !rt.ignored[sig] {
			signal.Notify(rt.notify, sig)
		}
	}
	rt.armMortal()
	if rt.bash || rt.main.interactive() {
		rt.catchInterrupts()
	} else {
		for _, sig := range interrupts {
			rt.release(sig)
		}
	}
	go rt.dispatch()
}

// sessionSignals are not simply death for an interactive shell: it passes the
// first on and ignores the second.
var sessionSignals = []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM}

func isSessions(sig syscall.Signal) bool {
	return sig == syscall.SIGHUP || sig == syscall.SIGTERM
}

func (rt *runtime) dispatch() {
	for {
		select {
		case s := <-rt.notify:
			sig, _ := s.(syscall.Signal)
			if sig == barrierSignal {
				rt.drain()
				continue
			}
			rt.deliver(sig)
		case sig := <-rt.sys.Signals():
			rt.deliver(sig)
			rt.handled.Add(1)
		case <-rt.stop:
			return
		}
	}
}

// childEnded raises SIGCHLD for the main shell. The kernel's is of no use: what
// other shells fork for may be no process here, and processes may be children
// of somebody else, or of a subshell that is none.
func (rt *runtime) childEnded() {
	if rt.trapped.Load() > 0 {
		rt.deliver(syscall.SIGCHLD)
	}
}

// barrierSignal is the last real-time signal: the kernel hands out pending
// signals in the order of their numbers (signal(7)).
const barrierSignal = syscall.Signal(64)

// settleLimit bounds the wait for the barrier; it usually takes microseconds.
const settleLimit = time.Second

// deliverLimit bounds the wait for the goroutine that delivers.
const deliverLimit = 500 * time.Millisecond

// settle waits until the signals sent so far have reached the shell, so that
// a trap runs before the command that follows the one which sent the signal.
func (rt *runtime) settle() {
	if c, ok := rt.sys.(signalCounter); ok {
		for start := time.Now(); c.SignalsSent() > rt.handled.Load() && time.Since(start) < deliverLimit; {
			time.Sleep(20 * time.Microsecond)
		}
	}
	if rt.trapped.Load() > 0 || rt.mortalCaught.Load() {
		rt.cross()
	}
}

// signalCounter is a System that counts what it gave to Signals.
type signalCounter interface{ SignalsSent() uint64 }

func (rt *runtime) cross() {
	rt.barrier.Do(func() { rt.catch(barrierSignal) })
	select { // left over from a wait that was given up
	case <-rt.settled:
	default:
	}
	if syscall.Kill(syscall.Getpid(), barrierSignal) != nil {
		return
	}
	select {
	case <-rt.settled:
	case <-time.After(settleLimit):
	}
}

// drain delivers what is queued behind the barrier's back and reports it.
func (rt *runtime) drain() {
	for {
		select {
		case sig := <-rt.sys.Signals():
			rt.deliver(sig)
			rt.handled.Add(1)
			continue
		default:
		}
		break
	}
	select {
	case rt.settled <- struct{}{}:
	default:
	}
}

// deliver hands a signal to the main shell, and a terminal's interrupt to the
// subshells in the foreground, which in other shells are processes of the
// same group.
func (rt *runtime) deliver(sig syscall.Signal) {
	if rt.replaced.Load() {
		return // it is the program's, and System.Exec passes it on
	}
	if g := rt.front.Load(); g != nil && g.lent.Load() {
		switch sig {
		case syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP:
			// The shell has the terminal because the job reads from it.
			rt.sys.Kill(-g.pgid, sig)
			return
		}
	}
	switch rt.main.traps.disposition(sig) {
	case trapIgnore:
		return
	case trapCommand:
		rt.main.attn.raise(sig)
	default:
		switch {
		case sigStops(sig):
			rt.halt(sig)
			return
		case !sigEnds(sig):
			return
		case !rt.survives(sig):
			rt.endBy(sig)
		}
	}
	if sig == syscall.SIGINT || sig == syscall.SIGQUIT {
		rt.interruptForeground(sig)
	}
}

// endBy ends the main shell by a signal.
func (rt *runtime) endBy(sig syscall.Signal) {
	if _, onExit := rt.main.traps.get(trapOnExit); sig != syscall.SIGINT && !(onExit && rt.bash) {
		if sig == syscall.SIGHUP {
			rt.hangUp()
		}
		DieOf(sig) // at once, whatever the shell is doing
	}
	rt.main.attn.die(sig)
}

// halt stops this process for a signal that was sent to $$ inside. Caught are
// these only where job control needs it, and then they do nothing.
func (rt *runtime) halt(sig syscall.Signal) {
	if !rt.main.opts.on(optMonitor) {
		_ = syscall.Kill(syscall.Getpid(), sig) // the kernel spares orphans
	}
}

func sigStops(sig syscall.Signal) bool {
	return sig == syscall.SIGTSTP || sig == syscall.SIGTTIN || sig == syscall.SIGTTOU
}

// survives: an interactive shell ignores SIGTERM and SIGQUIT, bash the second
// always. Programs and subshells do not inherit that.
func (rt *runtime) survives(sig syscall.Signal) bool {
	switch sig {
	case syscall.SIGTERM:
		return rt.main.interactive()
	case syscall.SIGQUIT:
		return rt.main.interactive() || rt.bash
	}
	return false
}

// interruptForeground reaches the subshells that the main shell waits for.
func (rt *runtime) interruptForeground(sig syscall.Signal) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for sub := range rt.live {
		if sub.background() {
			continue
		}
		switch sub.traps.disposition(sig) {
		case trapIgnore:
		case trapCommand:
			sub.attn.raise(sig)
		default:
			sub.attn.die(sig)
		}
	}
}

// sigEnds reports whether the default action of a signal ends a process
// (signal(7)).
func sigEnds(sig syscall.Signal) bool {
	switch sig {
	case syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGURG, syscall.SIGWINCH,
		syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU:
		return false
	}
	return true
}
