package interp

import (
	"os/signal"
	"slices"
	"sync"
	"syscall"
)

// The default action of most signals is death, for a shell as well, and at
// once: the next command must not run. The Go runtime catches them all, and
// survives them or dies in another way. So those that it does not need get
// their default action back, except while there is a trap.

// mortal are the signals that the runtime survives, takes for its own, or dies
// of so slowly that the next command may begin.
var mortal = []syscall.Signal{
	syscall.SIGHUP, syscall.SIGTERM, syscall.SIGABRT, syscall.SIGSYS, syscall.SIGILL, syscall.SIGTRAP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGVTALRM,
	syscall.SIGPROF, syscall.SIGIO, syscall.SIGPWR, syscall.SIGXCPU, syscall.SIGXFSZ, syscall.SIGSTKFLT,
}

// faults are how the runtime learns of errors of this program. Sent by others
// they end the shell as soon as it looks.
var faults = []syscall.Signal{syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE}

// The real-time signals; of those below the first the runtime's are two, and
// it leaves all three alone.
const (
	firstRealTime = 35
	lastRealTime  = 64
)

// ours are the signals whose action is changed behind the runtime's back, and
// its handlers of them.
type ours struct {
	mu      sync.Mutex
	actions map[syscall.Signal]kernelSigaction
}

// armMortal gives the mortal signals their default action, and has those
// ignored that were when the shell began.
func (rt *runtime) armMortal() {
	rt.ours.actions = map[syscall.Signal]kernelSigaction{}
	for sig := range rt.ignored {
		if isMortal(sig) || slices.Contains(interrupts, sig) {
			signal.Ignore(sig)
		}
	}
	for _, sig := range mortal {
		if !(rt.main.interactive() && isSessions(sig)) {
			rt.release(sig)
		}
	}
	for sig := syscall.Signal(firstRealTime); sig <= lastRealTime; sig++ {
		rt.release(sig)
	}
	for _, sig := range faults {
		if !rt.ignored[sig] {
			signal.Notify(rt.notify, sig)
		}
	}
}

// interrupts are the signals of the keyboard. A script ends of them at once, as
// other shells do, as long as nothing of the shell would have to outlive it:
// lists in the background ignore them, a subshell may have a trap. In bash a
// foreground command decides whether the script goes on.
var interrupts = []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT}

// catchInterrupts has them reported from now on.
func (rt *runtime) catchInterrupts() {
	if rt.interrupts.Swap(true) {
		return
	}
	for _, sig := range interrupts {
		if !rt.ignored[sig] && rt.main.traps.disposition(sig) != trapIgnore {
			rt.catch(sig)
		}
	}
}

// catchMortal is for bash, whose EXIT trap runs when a signal ends it.
func (rt *runtime) catchMortal() {
	rt.mortalCaught.Store(true)
	for _, sig := range mortal {
		if rt.main.traps.disposition(sig) == trapDefault {
			rt.catch(sig)
		}
	}
}

// release makes the kernel take the default action.
func (rt *runtime) release(sig syscall.Signal) {
	if rt.ignored[sig] {
		return
	}
	rt.ours.mu.Lock()
	defer rt.ours.mu.Unlock()
	signal.Reset(sig)
	act := getAction(sig)
	if act.handler == sigIgn { // Reset alone leaves an ignored signal ignored
		signal.Notify(rt.notify, sig)
		signal.Reset(sig)
		act = getAction(sig)
	}
	if act.handler > sigIgn {
		rt.ours.actions[sig] = act
	}
	resetAction(sig) // SIGHUP is ignored even so
}

// lendSignals gives the runtime its handlers back for whom passes signals on, and
// the function returned takes them again.
func (rt *runtime) lendSignals() (end func()) {
	rt.ours.mu.Lock()
	defer rt.ours.mu.Unlock()
	for sig, act := range rt.ours.actions {
		setAction(sig, act)
	}
	return func() {
		rt.ours.mu.Lock()
		defer rt.ours.mu.Unlock()
		for sig := range rt.ours.actions {
			resetAction(sig)
		}
	}
}

// catch has a signal reported to rt.notify.
func (rt *runtime) catch(sig syscall.Signal) {
	rt.ours.mu.Lock()
	defer rt.ours.mu.Unlock()
	if act, ok := rt.ours.actions[sig]; ok {
		setAction(sig, act)
		delete(rt.ours.actions, sig)
	}
	signal.Notify(rt.notify, sig)
}

// setDisposition is the process's own reaction to a signal.
func (rt *runtime) setDisposition(sig syscall.Signal, command string, remove bool) {
	switch {
	case sig == syscall.SIGKILL || sig == syscall.SIGSTOP:
	case sig == syscall.SIGCHLD || sig == syscall.SIGURG:
		// The first is raised by childEnded; ignored, it would take the statuses
		// of children (wait(2)). The second the Go runtime sends itself all the
		// time. Those that are meant for the shell come from the System.
	case !remove && command == "":
		signal.Ignore(sig)
	case !remove:
		rt.catch(sig)
	case slices.Contains(interrupts, sig) && rt.interrupts.Load() || isFault(sig) || rt.main.interactive() && isSessions(sig):
		signal.Notify(rt.notify, sig)
	case isMortal(sig) || slices.Contains(interrupts, sig):
		if _, onExit := rt.main.traps.get(trapOnExit); onExit && rt.bash {
			rt.catch(sig)
			return
		}
		rt.release(sig)
	default:
		signal.Notify(rt.notify, sig) // Reset alone leaves an ignored signal ignored
		signal.Reset(sig)
		if getAction(sig).handler == sigIgn { // SIGHUP even so
			resetAction(sig)
		}
	}
}

func isMortal(sig syscall.Signal) bool {
	return sig >= firstRealTime && sig <= lastRealTime || slices.Contains(mortal, sig)
}

func isFault(sig syscall.Signal) bool { return slices.Contains(faults, sig) }
