package interp

import (
	"strings"
	"syscall"
)

// execProgram replaces the shell, or ends a subshell with the program's
// status: a subshell is no process of its own.
func (sh *shell) execProgram(name string, argv []string, clean bool) int {
	path, err := sh.findCommand(name)
	if err == nil {
		var cmd *Command
		if cmd, err = sh.newCommand(path, argv); err == nil {
			if clean {
				cmd.Env = []string{}
			}
			var ws syscall.WaitStatus
			ws, err = sh.replace(cmd, path)
			if err == nil {
				return sh.replaced(ws)
			}
		}
	}
	status := sh.notReplaced(name, err)
	if !sh.prompting() && !sh.acceptedShopt("execfail") {
		sh.jump = flowExit
	}
	return status
}

// notReplaced is execFailed for exec, of which bash speaks only if it did not
// find the command.
func (sh *shell) notReplaced(name string, err error) int {
	switch {
	case !sh.bash():
		name = "exec: " + name
	case err == syscall.ENOENT && strings.IndexByte(name, '/') < 0:
		sh.errorf("exec: %s: not found", name)
		return 127
	}
	return sh.execFailed(name, err)
}

func (sh *shell) replace(cmd *Command, path string) (syscall.WaitStatus, error) {
	run := func(cmd *Command) (syscall.WaitStatus, error) {
		if sh.parent == nil {
			cmd.Alone = sh.rt.alone()
			sh.rt.replaced.Store(true)
			defer sh.rt.replaced.Store(false)
			defer sh.rt.lendSignals()()
			return sh.rt.sys.Exec(cmd)
		}
		return sh.awaitProgram(cmd)
	}
	if sh.parent != nil {
		defer func(mark *soloMark) { sh.soloAt = mark }(sh.soloAt)
		sh.soloAt = &soloMark{funcDepth: sh.funcDepth, evalDepth: sh.evalDepth}
	}
	ws, err := run(cmd)
	if err == syscall.ENOEXEC {
		if cmd, err = sh.nested(cmd, path); err == nil {
			ws, err = run(cmd)
		}
	}
	if err == ErrParentGone {
		return 0, nil
	}
	return ws, err
}

// replaced ends the shell the way the program ended that replaced it. Traps
// do not run: there is no shell any more that could.
func (sh *shell) replaced(ws syscall.WaitStatus) int {
	sh.jump = flowExit
	sh.trapExit = true
	if ws.Signaled() {
		sh.endBy = ws.Signal()
	}
	return statusOf(ws)
}
