package interp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

var (
	errTooDeep = errors.New("maximum nesting depth exceeded")
	errTooMuch = errors.New("the output of a command substitution is too long")
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// errText is strerror(3) with the capital it has there; other errors are
// their own text.
func errText(err error) string {
	if no, ok := err.(syscall.Errno); ok {
		if s := no.Error(); s != "" && s[0] >= 'a' && s[0] <= 'z' {
			return string(s[0]-'a'+'A') + s[1:]
		}
	}
	return err.Error()
}

// worded picks the words of a message: scripts compare those of bash.
func (sh *shell) worded(text, bash string) string {
	if sh.bash() {
		return bash
	}
	return text
}

// errorf writes a message to standard error, with the script's name and line.
func (sh *shell) errorf(format string, args ...any) {
	where := sh.source()
	line := "line " + strconv.Itoa(sh.line) + ": "
	if sh.interactive() && sh.evalDepth == 0 {
		line = ""
	}
	sh.write(2, []byte(where+": "+line+fmt.Sprintf(format, args...)+"\n"))
}

// fatalFlow ends a script, or goes back to the prompt.
func (sh *shell) fatalFlow() flow {
	if sh.prompting() {
		return flowAbort
	}
	return flowExit
}

// expansionFailed is an expansion error (XCU 2.8.1): it ends a script.
func (sh *shell) expansionFailed(err error) flow {
	if err == errInterrupted {
		return sh.attend()
	}
	if errors.Is(err, errNotRead) {
		sh.status = 1
		return sh.fatalFlow()
	}
	sh.errorf("%s", err)
	sh.status = 2
	if !sh.bash() {
		return sh.fatalFlow()
	}
	// bash drops the rest of the line; the script goes on, unless the error
	// is one that was asked for.
	sh.status = 1
	if endsBash(err) || err == errTooDeep || err == errTooMuch {
		if sh.opts.on(optCommand) && sh.parent == nil {
			sh.status = 127
		}
		return sh.fatalFlow()
	}
	return flowAbort
}

// endsBash reports whether an expansion error ends a script of bash, rather
// than only its line.
func endsBash(err error) bool {
	var asked *unsetError
	var bad *badTransformError
	return errors.As(err, &asked) || errors.As(err, &bad) || errors.Is(err, errNotRead)
}

// errNotRead is that of $(<file) when -e is on in bash: whatever the command
// around is, the script ends there. The message is out by then.
var errNotRead = errors.New("a file could not be read")

// errInterrupted is returned by an expansion that a signal ended.
var errInterrupted = errors.New("interrupted")

// assignmentFailed is a variable assignment error, such as readonly.
func (sh *shell) assignmentFailed(err error) flow {
	f := sh.expansionFailed(err)
	var name *nameError
	if f == flowAbort && sh.opts.on(optErrexit) && errors.As(err, &name) {
		return flowExit
	}
	return f
}

// redirectFailed reports a redirection that failed and sets $?.
func (sh *shell) redirectFailed(err error) flow {
	if sh.jump != flowNext {
		return flowNext // interrupted
	}
	var word *wordError
	if errors.As(err, &word) && !sh.bash() {
		return sh.expansionFailed(word.err)
	}
	if sh.bash() && endsBash(err) {
		return sh.expansionFailed(err)
	}
	sh.status = 2
	if sh.bash() {
		sh.status = 1
	}
	var r *redirError
	if errors.As(err, &r) && !sh.bash() {
		switch r.err {
		case syscall.ENOENT, syscall.ENOTDIR, syscall.EACCES, syscall.EEXIST, syscall.EISDIR:
			verb := "create"
			if r.reading {
				verb = "open"
			}
			sh.errorf("cannot %s %s: %s", verb, r.what, errText(r.err))
			return flowNext
		}
	}
	sh.errorf("%s", err)
	return flowNext
}

// assignFailed reports a builtin's assignment that failed. bash then says of
// most what is wrong with the variable, and not which builtin it was.
func (sh *shell) assignFailed(name string, err error) {
	var bad *nameError
	if sh.costsLine(name+": ", err) {
		return
	}
	if sh.bash() && errors.As(err, &bad) && !strings.HasPrefix(bad.name, "`") {
		sh.errorf("%s", err)
		return
	}
	sh.errorf("%s: %s", name, err)
}

// costsLine gives up the line for a valueError, in bash. who begins the message.
func (sh *shell) costsLine(who string, err error) bool {
	var value *valueError
	if !sh.bash() || !errors.As(err, &value) {
		return false
	}
	sh.jump = sh.expansionFailed(fmt.Errorf("%s%w", who, err))
	return true
}

// builtinFailed reports an error of a builtin and returns the status. A
// special builtin's error ends a POSIX script; at a prompt, the line goes on.
func (sh *shell) builtinFailed(status int, format string, args ...any) int {
	sh.errorf(format, args...)
	if sh.special && !sh.bash() && !sh.prompting() {
		sh.jump = flowExit
	}
	return status
}
