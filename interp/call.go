package interp

func (s *simple) callFunction(sh *shell, fn *function, args []string) flow {
	var saved savedFiles
	outer := sh.pushFrame(false)
	defer sh.popFrame()
	defer sh.undo(&saved)
	sh.traceBefore(s, args)
	if f, ok := s.prefix(sh, &saved, outer, args); !ok {
		return f
	}
	return sh.call(fn, args)
}

// call runs a function's body with args as positional parameters.
func (sh *shell) call(fn *function, args []string) flow {
	if limit := sh.functionLimit; limit > 0 && sh.funcDepth >= limit {
		sh.errorf("%s: maximum function nesting level exceeded (%d)", fn.name, limit)
		sh.status = 1
		return flowAbort
	}
	if !sh.deeper(fn.name) {
		return sh.depthFlow()
	}
	params, loops, wasSet := sh.params, sh.loopDepth, sh.paramsSet
	sh.params, sh.loopDepth = args[1:], 0
	var shown uint32
	if fn.traced {
		shown = sh.tracedTraps()
	}
	sh.funcDepth++
	caller := sh.thisCall
	sh.calls++
	sh.thisCall = sh.calls
	sh.callStack = append(sh.callStack, callSite{fn.name, fn.file, sh.line})
	dropArguments := sh.pushArguments(args[1:])
	sh.pushFrame(true)
	traced := sh.traced
	sh.traced = shown
	f := flowNext
	if sh.traps.pseudo && (shown != 0 || sh.opts.on(optFunctrace)) {
		f = sh.enterTraced(fn)
	}
	if f == flowNext {
		f = fn.body(sh)
	}
	if f != flowReturn && sh.traps.pseudo {
		sh.line = fn.bodyLine // of $LINENO in the trap
	}
	if f == flowReturn || f == flowBreak || f == flowContinue {
		f = flowNext
	}
	if f == flowNext {
		if g := sh.runReturnTrap(); g != flowNext {
			f = g
		}
	}
	sh.thisCall = caller
	sh.traced = traced
	sh.popFrame()
	dropArguments()
	sh.callStack = sh.callStack[:len(sh.callStack)-1]
	sh.funcDepth--
	sh.params, sh.loopDepth, sh.paramsSet = params, loops, wasSet
	sh.evalDepth--
	return f
}

// enterTraced runs the DEBUG trap before the first command of a function.
func (sh *shell) enterTraced(fn *function) flow {
	line := sh.line
	sh.line = fn.bodyLine
	f := sh.runDebugTrap()
	sh.line = line
	return f
}

// depthFlow is what exceeding the nesting limit does: end the script.
func (sh *shell) depthFlow() flow {
	if sh.prompting() {
		return flowAbort
	}
	return flowExit
}

func (s *simple) callBuiltin(sh *shell, b *builtin, args []string) flow {
	sh.traceBefore(s, args)
	if len(s.redirs) == 0 && len(s.assigns) == 0 {
		return sh.runBuiltin(b, args)
	}
	var saved savedFiles
	var f *frame
	persist := b.special && !sh.bash()
	if !persist {
		f = sh.pushFrame(false)
		defer sh.popFrame()
	}
	if b.name == "exec" || commandsExec(args) {
		saved.keep = true
	}
	flw, ok := s.prefix(sh, &saved, f, args)
	if !ok {
		sh.undo(&saved)
		if flw == flowNext && b.special && !sh.bash() && !sh.prompting() {
			return flowExit
		}
		return flw
	}
	flw = sh.runBuiltin(b, args)
	if saved.keep && flw == flowNext {
		sh.forget(&saved)
		sh.checkCoproc()
		return flw
	}
	sh.undo(&saved)
	return flw
}

// runBuiltin runs a builtin and takes the control flow it leaves.
func (sh *shell) runBuiltin(b *builtin, args []string) flow {
	was := sh.special
	sh.special = b.special
	sh.status = sh.helpOrRun(b, args)
	sh.special = was
	return sh.takeJump()
}

func (sh *shell) takeJump() flow {
	f := sh.jump
	sh.jump = flowNext
	return f
}
