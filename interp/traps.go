package interp

import (
	"slices"
	"sync"
	"syscall"
)

type trapAction uint8

const (
	trapDefault trapAction = iota
	trapIgnore
	trapCommand
)

// Pseudo-signals of the trap builtin, outside the range of real ones.
const (
	trapOnExit   = 0
	trapOnDebug  = 65
	trapOnErr    = 66
	trapOnReturn = 67

	firstPseudoTrap = trapOnDebug
)

// traps is the table of the trap builtin. The dispatcher reads dispositions
// while the shell changes them.
type traps struct {
	mu       *sync.RWMutex
	commands map[int]string // "" ignores; absent is the default
	// inherited are the traps of the parent, which a subshell shows (XCU
	// trap) until it sets one of its own.
	inherited map[int]string
	// detached are the interrupts that are ignored because the subshell is
	// asynchronous (XCU 2.11), and not by a trap.
	detached uint64
	pseudo   bool                    // ERR, DEBUG or RETURN was set at some time
	ignored  map[syscall.Signal]bool // on entry of the shell
}

func newTraps(ignored map[syscall.Signal]bool) traps {
	return traps{mu: new(sync.RWMutex), commands: map[int]string{}, ignored: ignored}
}

func (t *traps) get(n int) (string, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.commands[n]
	return s, ok
}

func (t *traps) disposition(sig syscall.Signal) trapAction {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.commands[int(sig)]
	switch {
	case t.ignored[sig], ok && s == "":
		return trapIgnore
	case ok:
		return trapCommand
	}
	return trapDefault
}

// forSubshell resets traps that run commands and keeps ignored signals, and
// bash's own traps as its options say.
func (t *traps) forSubshell(opts options) traps {
	sub := newTraps(t.ignored)
	sub.detached = t.detached
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.commands) > 0 {
		sub.inherited = make(map[int]string, len(t.commands))
	}
	for n, s := range t.commands {
		sub.inherited[n] = s
		switch {
		case s == "",
			n == trapOnErr && opts.on(optErrtrace),
			n >= firstPseudoTrap && n != trapOnErr && opts.on(optFunctrace):
			sub.commands[n] = s
			sub.pseudo = sub.pseudo || n >= firstPseudoTrap
		}
	}
	return sub
}

// detach ignores the interrupts in an asynchronous subshell.
func (t *traps) detach() {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if t.disposition(sig) != trapIgnore {
			t.detached |= 1 << uint(sig)
		}
		t.commands[int(sig)] = ""
	}
}

// ignoredSignals is what a command starts with.
func (t *traps) ignoredSignals() []syscall.Signal {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var list []syscall.Signal
	for n, s := range t.commands {
		if s == "" && n > 0 && n < firstPseudoTrap && !t.ignored[syscall.Signal(n)] {
			list = append(list, syscall.Signal(n))
		}
	}
	for sig := range t.ignored {
		list = append(list, sig)
	}
	return list
}

// ignoredSignals is what a command of this shell starts with. What the shell
// waits for inside of an expansion could not be continued if it stopped.
func (sh *shell) ignoredSignals() []syscall.Signal {
	list := sh.traps.ignoredSignals()
	if sh.noStop && sh.group == nil {
		list = append(list, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	}
	return list
}

// setTrap changes one trap. remove restores the default.
func (sh *shell) setTrap(n int, command string, remove bool) {
	sig := syscall.Signal(n)
	real := n > 0 && n < firstPseudoTrap
	if real && sh.traps.ignored[sig] && !sh.interactive() {
		return // POSIX: no error, no effect
	}
	was := sh.traps.disposition(sig)
	sh.traps.mu.Lock()
	sh.traps.inherited = nil
	if n >= firstPseudoTrap {
		sh.pseudoSetIn[n-firstPseudoTrap] = pseudoPlace{sh.thisCall, sh.funcDepth}
	}
	sh.traps.pseudo = sh.traps.pseudo || n >= firstPseudoTrap
	if real {
		sh.traps.detached &^= 1 << uint(n)
	}
	if remove {
		delete(sh.traps.commands, n)
	} else {
		sh.traps.commands[n] = command
	}
	sh.traps.mu.Unlock()
	if !real {
		if n == trapOnExit && sh.parent == nil && sh.bash() && !remove {
			sh.rt.catchMortal()
		}
		return
	}
	if sh.parent != nil && slices.Contains(interrupts, sig) {
		sh.rt.catchInterrupts()
	}
	if sh.standIn != nil {
		sh.updateStandIn()
	}
	if sh.group != nil {
		sh.group.catch()
		return
	}
	if sh.standIn != nil {
		return
	}
	if sh.parent == nil {
		if now := sh.traps.disposition(sig); was != now && now == trapCommand {
			sh.rt.trapped.Add(1)
		} else if was != now && was == trapCommand {
			sh.rt.trapped.Add(-1)
		}
		sh.rt.setDisposition(sig, command, remove)
	}
}

// updateStandIn tells the process that stands for this subshell which
// signals to report rather than die of.
func (sh *shell) updateStandIn() { sh.standIn.Catch(sh.traps.wanted()) }

// wanted are the signals that have a trap, and those that are ignored.
func (t *traps) wanted() (caught, ignored []syscall.Signal) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for sig := range t.ignored {
		ignored = append(ignored, sig)
	}
	for n, s := range t.commands {
		switch {
		case n <= 0 || n >= firstPseudoTrap:
		case s == "":
			ignored = append(ignored, syscall.Signal(n))
		default:
			caught = append(caught, syscall.Signal(n))
		}
	}
	return caught, ignored
}
