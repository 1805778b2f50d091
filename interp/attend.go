package interp

import (
	"math/bits"
	"syscall"
)

// attend deals with what other goroutines asked for: it runs the traps of
// pending signals, or ends the shell.
func (sh *shell) attend() flow {
	sh.hold()
	if sh.attn.pending.Load()&attnJobs != 0 {
		sh.attn.pending.And(^uint32(attnJobs))
		sh.attn.wake.quiet(sh.attn)
		sh.tellNow()
	}
	if sh.attn.pending.Load()&attnCancel != 0 {
		sig := syscall.Signal(sh.attn.cancel.Load())
		if sh.interactive() && sh.parent == nil && sig == syscall.SIGINT {
			sh.attn.cancel.Store(0)
			sh.attn.pending.And(^uint32(attnCancel))
			sh.status, sh.interrupted = 130, true
			return flowAbort
		}
		sh.endBy = sig
		if !sh.rt.bash { // which has the status of the last command in $? of an EXIT trap
			sh.status = 128 + int(sig)
		}
		return flowExit
	}
	for set := sh.attn.take(); set != 0; set &= set - 1 {
		n := bits.TrailingZeros64(set)
		command, ok := sh.traps.get(n)
		if !ok || command == "" || n == int(syscall.SIGCHLD) && sh.entered != nil {
			continue // a trap on children that starts one would never end
		}
		if f := sh.runTrap(command); f != flowNext {
			return f
		}
	}
	return flowNext
}

// runTrap runs a trap's command; $? is the same before and after.
func (sh *shell) runTrap(command string) flow {
	status, pipe, line := sh.status, sh.pipeStatus, sh.line
	noErrexit, outer := sh.noErrexit, sh.entered
	sh.entered = &trapEntry{status, sh.funcDepth}
	f := sh.evalText(command, "trap")
	sh.debugStatus = sh.status
	sh.noErrexit, sh.entered = noErrexit, outer
	sh.line = line
	if f == flowNext {
		sh.status, sh.pipeStatus = status, pipe
	}
	return f
}

func (sh *shell) runErrTrap() flow { return sh.pseudoTrap(trapOnErr, optErrtrace) }

func (sh *shell) runDebugTrap() flow { return sh.pseudoTrap(trapOnDebug, optFunctrace) }

// beforeCommand runs the DEBUG trap before a command, which with extdebug its
// status can forbid: 2 is as if the function or file returned.
func (sh *shell) beforeCommand() (f flow, skip bool) {
	if !sh.traps.pseudo {
		return flowNext, false
	}
	sh.debugStatus = 0
	f = sh.runDebugTrap()
	if f != flowNext || sh.debugStatus == 0 || !sh.shopts.on(shoptExtdebug) {
		return f, f != flowNext
	}
	if sh.debugStatus == 2 && sh.funcDepth > 0 {
		sh.status, f = 2, flowReturn
	}
	return f, true
}

func (sh *shell) runReturnTrap() flow { return sh.pseudoTrap(trapOnReturn, optFunctrace) }

// pseudoPlace is where a trap on ERR, DEBUG or RETURN was set: it holds there
// without the options that let functions inherit it.
type pseudoPlace struct{ call, depth int }

// holdsHere reports whether a trap was set in the function being run. What
// `.` reads inherits all but DEBUG.
func (sh *shell) holdsHere(n int) bool {
	place := sh.pseudoSetIn[n-firstPseudoTrap]
	return place.call == sh.thisCall && (n != trapOnDebug || place.depth == sh.funcDepth)
}

// tracedTraps are the DEBUG and RETURN traps that a function with declare -t
// finds when it is called now: one without hides them from all that it calls.
func (sh *shell) tracedTraps() (set uint32) {
	for _, n := range []int{trapOnDebug, trapOnReturn} {
		if bit := pseudoBit(n); sh.funcDepth == 0 || sh.traced&bit != 0 || sh.opts.on(optFunctrace) || sh.holdsHere(n) {
			set |= bit
		}
	}
	return set
}

func pseudoBit(n int) uint32 { return 1 << (n - firstPseudoTrap) }

// pseudoTrap runs bash's ERR, DEBUG and RETURN. Functions and subshells do
// not inherit them without the option.
func (sh *shell) pseudoTrap(n int, inherit options) flow {
	if !sh.traps.pseudo {
		return flowNext
	}
	command, ok := sh.traps.get(n)
	inside := pseudoBit(n)
	busy := inside
	if n == trapOnReturn {
		busy |= pseudoBit(trapOnDebug) // bash: nothing returns to a DEBUG trap
	}
	if !ok || command == "" || sh.inTrap&busy != 0 || sh.funcDepth > 0 && !sh.opts.on(inherit) && sh.traced&inside == 0 &&
		!sh.holdsHere(n) {
		return flowNext
	}
	sh.inTrap |= inside
	f := sh.runTrap(command)
	sh.inTrap &^= inside
	return f
}

// finish runs the EXIT trap when a shell ends. f is how its commands ended.
func (sh *shell) finish(f flow) {
	if sh.attn.pending.Load() != 0 && sh.endBy == 0 && f != flowExit {
		sh.attend()
	}
	if sh.trapExit {
		return
	}
	sh.trapExit = true
	command, ok := sh.traps.get(trapOnExit)
	if !ok || command == "" || sh.endBy != 0 && !sh.bash() {
		return
	}
	if sh.endBy != 0 {
		sh.attn.cancel.Store(0)
		sh.attn.pending.And(^uint32(attnCancel))
	}
	status := sh.status
	sh.exitBefore = status
	sh.loopDepth, sh.levels = 0, 0
	if f := sh.evalText(command, "trap"); f != flowExit {
		sh.status = status
	}
}

// background reports whether the subshell is, or is part of, something the
// main shell does not wait for.
func (sh *shell) background() bool {
	for s := sh; s != nil; s = s.parent {
		if s.async {
			return true
		}
	}
	return false
}
