package interp

import (
	"strconv"
	"strings"
)

var flowBuiltins = []builtin{
	{name: ":", special: true, run: func(*shell, []string) int { return 0 }},
	{name: "true", run: func(*shell, []string) int { return 0 }},
	{name: "false", run: func(*shell, []string) int { return 1 }},
	{name: "break", special: true, run: runLoopExit, usage: "break [n]"},
	{name: "continue", special: true, run: runLoopExit, usage: "continue [n]"},
	{name: "return", special: true, run: runReturn, usage: "return [n]"},
	{name: "exit", special: true, run: runExit, usage: "exit [n]"},
	{name: "exec", special: true, run: runExec, usage: "exec [-cl] [-a name] [command [argument ...]] [redirection ...]"},
	{name: "shift", special: true, run: runShift, usage: "shift [n]"},
}

// operands drops a leading -- from the arguments of a builtin without options.
func operands(args []string) []string {
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		return args[1:]
	}
	return args
}

func runLoopExit(sh *shell, args []string) int {
	n := 1
	if rest := operands(args); len(rest) > 0 {
		var err error
		switch n, err = strconv.Atoi(unblanked(rest[0])); {
		case err == nil && n > 0:
		case !sh.bash():
			return sh.builtinFailed(2, "%s: %s", args[0], sh.illegal(rest[0]))
		case err != nil:
			sh.errorf("%s: %s", args[0], sh.illegal(rest[0]))
			sh.jump = flowExit
			return 128
		default: // bash complains and leaves all loops
			sh.errorf("%s: %s: loop count out of range", args[0], rest[0])
			sh.levels, sh.jump = sh.loopDepth, flowBreak
			return 1
		}
	}
	if sh.loopDepth == 0 {
		if sh.bash() {
			sh.errorf("%s: only meaningful in a `for', `while', or `until' loop", args[0])
		}
		return 0
	}
	sh.levels = min(n, sh.loopDepth)
	sh.jump = flowBreak
	if args[0] == "continue" {
		sh.jump = flowContinue
	}
	return 0
}

// badNumber is the status of a builtin that was given what it cannot use.
func (sh *shell) badNumber() int {
	if sh.bash() {
		return 1
	}
	return 2
}

// unblanked is a number without the white space that strtol(3) skips: wc(1)
// writes some in places.
func unblanked(s string) string { return strings.TrimLeft(s, " \t\n\v\f\r") }

func (sh *shell) illegal(s string) string {
	if sh.bash() {
		return s + ": numeric argument required"
	}
	return "Illegal number: " + s
}

// exitStatus is the operand of exit and return, $? without one.
func (sh *shell) exitStatus(args []string) (int, bool) {
	rest := operands(args)
	if len(rest) == 0 {
		if t := sh.entered; t != nil && (args[0] == "exit" || sh.funcDepth == t.funcDepth) {
			return t.status, true
		}
		return sh.status, true
	}
	if len(rest) > 1 && sh.bash() {
		sh.errorf("%s: too many arguments", args[0])
		sh.jump = flowAbort
		return 1, false
	}
	if len(rest) > 1 {
		return sh.builtinFailed(2, "%s: too many arguments", args[0]), false
	}
	n, err := strconv.ParseInt(unblanked(rest[0]), 10, 64)
	if err != nil || n < 0 && !sh.bash() {
		sh.builtinFailed(2, "%s: %s", args[0], sh.illegal(rest[0]))
		return 2, false
	}
	return int(n & 0xff), true
}

func runReturn(sh *shell, args []string) int {
	if sh.funcDepth == 0 && sh.bash() {
		sh.errorf("return: can only `return' from a function or sourced script")
		return 2
	}
	status, ok := sh.exitStatus(args)
	if ok || sh.bash() && sh.jump == flowNext {
		sh.jump = flowReturn
	}
	return status
}

func runExit(sh *shell, args []string) int {
	status, ok := sh.exitStatus(args)
	if ok && len(operands(args)) == 0 && sh.trapExit {
		status = sh.exitBefore
	}
	if ok || sh.bash() && sh.jump == flowNext {
		if !sh.mayLeave() {
			return 1
		}
		if sh.bash() {
			// The EXIT trap sees local variables and redirections as here.
			sh.status = status
			sh.finish(flowExit)
			status = sh.status
		}
		sh.jump = flowExit
	} else if !sh.bash() && len(operands(args)) == 1 {
		sh.jump = flowExit // `command exit x`, and at a prompt
	}
	return status
}

func runShift(sh *shell, args []string) int {
	n := 1
	if rest := operands(args); len(rest) > 0 {
		var err error
		if n, err = strconv.Atoi(unblanked(rest[0])); err == nil && sh.bash() && (len(rest) > 1 || n < 0) {
			return sh.badShift(rest)
		}
		if err != nil || n < 0 {
			return sh.builtinFailed(sh.badNumber(), "shift: %s", sh.illegal(rest[0]))
		}
		if len(rest) > 1 {
			return sh.builtinFailed(2, "shift: too many arguments")
		}
	}
	if n > len(sh.params) {
		if !sh.bash() || sh.acceptedShopt("shift_verbose") {
			sh.errorf("shift: %d: shift count out of range", n)
		}
		return 1
	}
	sh.params = sh.params[n:]
	return 0
}

// badShift reports what bash finds wrong with numbers that shift is given. Too
// many of them cost the line.
func (sh *shell) badShift(rest []string) int {
	if len(rest) > 1 {
		sh.errorf("shift: too many arguments")
		sh.jump, sh.status = flowAbort, 1
		return 1
	}
	sh.errorf("shift: %s: shift count out of range", rest[0])
	return 1
}

// runExec replaces the shell. Its redirections, which the caller made, stay.
func runExec(sh *shell, args []string) int {
	if len(args) > 1 && sh.mayNot(args[0]) {
		return 1
	}
	clean, login := false, false
	argv0 := ""
	rest := args[1:]
	for sh.rt.bash && len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' && rest[0] != "--" {
		switch rest[0] {
		case "-c":
			clean = true
		case "-l":
			login = true
		case "-a":
			if len(rest) < 2 {
				return sh.badCall(args[0], &optionError{"-a", true})
			}
			argv0, rest = rest[1], rest[1:]
		default:
			return sh.badOption(args[0], rest[0])
		}
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return 0
	}
	argv := append([]string(nil), rest...)
	if argv0 != "" {
		argv[0] = argv0
	}
	if login {
		argv[0] = "-" + argv[0]
	}
	return sh.execProgram(rest[0], argv, clean)
}
