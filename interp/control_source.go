package interp

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"unsafe"

	"github.com/fsh-sh/fsh/interp/parse"
)

var sourceBuiltins = []builtin{
	{name: ".", special: true, run: runDot, usage: ". filename [arguments]"},
	{name: "source", alias: true, run: runDot, usage: "source filename [arguments]"},
	{name: "eval", special: true, run: runEval, usage: "eval [arg ...]"},
}

func runEval(sh *shell, args []string) int {
	if len(args) > 1 && len(args[1]) > 1 && args[1][0] == '-' && args[1] != "--" && sh.bash() {
		return sh.badOption(args[0], args[1][:2])
	}
	text := strings.Join(operands(args), " ")
	if strings.TrimSpace(text) == "" {
		return 0
	}
	if !sh.deeper("eval") {
		sh.jump = sh.depthFlow()
		return sh.status
	}
	special, current := sh.special, sh.current
	sh.jump = sh.evalText(text, "eval")
	sh.special, sh.current = special, current
	sh.evalDepth--
	return sh.status
}

// evalText runs text in this environment, one complete command at a time.
func (sh *shell) evalText(text, what string) flow {
	line := sh.line
	p := parse.New(parse.String(text), sh.parseOptions(what, line))
	sh.indirect++
	f := sh.runCommands(p)
	sh.indirect--
	sh.line = line
	return f
}

func (sh *shell) parseOptions(name string, line int) parse.Options {
	return parse.Options{Name: name, Bash: sh.rt.bash, Aliases: sh.alias, Line: line,
		Interactive: sh.interactive() && sh.parent == nil && sh.evalDepth == 0}
}

// runCommands is the loop of every source of commands: each complete command
// has run before the next is read.
func (sh *shell) runCommands(p *parse.Parser) flow {
	sh.status, sh.statusBefore = 0, sh.status
	first := true
	for {
		p.SetPosix(sh.opts.on(optPosix))
		stmts, err := p.Next()
		if first {
			// $? of an eval's first command is that of the command before.
			sh.status, first = sh.statusBefore, false
			if err == io.EOF {
				sh.status = 0
			}
		}
		if err == io.EOF {
			return flowNext
		}
		if err != nil {
			f := sh.syntaxFailed(err)
			if !(f == flowAbort && sh.file == "stdin" && sh.evalDepth == 0) && !sh.dropsLine(err) {
				return f
			}
			continue
		}
		if sh.opts.on(optNoexec) && !sh.interactive() {
			p.Recycle()
			continue
		}
		n, err := compile(sh.file, stmts)
		if err != nil {
			return sh.syntaxFailed(err)
		}
		loops, ignored := sh.loopDepth, sh.noErrexit
		if f := n(sh); f == flowAbort && sh.survivesAbort() {
			sh.loopDepth, sh.noErrexit = loops, ignored
		} else if f != flowNext {
			return f
		}
		if sh.opts.on(optOnecmd) && sh.evalDepth == 0 {
			return flowExit
		}
	}
}

// dropsLine reports whether a syntax error costs only its line, as one within
// a=(…) does in bash.
func (sh *shell) dropsLine(err error) bool {
	var e *parse.Error
	if !errors.As(err, &e) || !e.LineOnly || sh.interactive() {
		return false
	}
	sh.status = 1
	return true
}

// survivesAbort reports whether the source being run goes on with its next
// command after one that was given up: in bash any source does, at the prompt
// and in a subshell none.
func (sh *shell) survivesAbort() bool {
	return sh.parent == nil && (!sh.interactive() || sh.file == "stdin" && sh.evalDepth == 0)
}

// maxScript bounds the text of one script.
const maxScript = 256 << 20

// maxNULs is how many NUL bytes bash takes in what is no binary file.
const maxNULs = 256

func runDot(sh *shell, args []string) int {
	rest := operands(args)
	if len(rest) == 0 {
		status := sh.builtinFailed(2, "%s: filename argument required", args[0])
		if sh.bash() {
			sh.usageError(args[0])
		}
		return status
	}
	if sh.bash() && len(args) > 1 && isOption(args[1]) && args[1] != "--" {
		return sh.badOption(args[0], args[1][:2])
	}
	if sh.mayNotName(args[0], rest[0]) {
		return 1
	}
	text, err := sh.findDot(rest[0])
	if err != nil {
		return sh.dotFailed(args[0], rest[0], err)
	}
	if strings.Count(text, "\x00") > maxNULs && sh.bash() {
		return sh.builtinFailed(126, "%s: %s: cannot execute binary file", args[0], rest[0])
	}
	if !sh.deeper(args[0]) {
		sh.jump = sh.depthFlow()
		return sh.status
	}
	defer func() { sh.evalDepth-- }()
	shown := rest[1:]
	if len(shown) == 0 {
		shown = rest[:1]
	}
	defer sh.pushArguments(shown)()
	f := sh.runSourced(rest, text)
	if f != flowReturn && f != flowNext {
		sh.jump = f
	} else if status := sh.status; sh.traps.pseudo {
		sh.jump = sh.runReturnTrap() // still without the DEBUG trap
		sh.status = status
	}
	sh.funcDepth--
	return sh.status
}

// runSourced runs the text of a file with what follows its name as parameters; the
// caller leaves the level of functions that it enters.
func (sh *shell) runSourced(rest []string, text string) flow {
	file, line, params, loops := sh.file, sh.line, sh.params, sh.loopDepth
	wasSet := sh.paramsSet
	sh.paramsSet = false
	if len(rest) > 1 {
		sh.params = append([]string(nil), rest[1:]...)
	}
	sh.callStack = append(sh.callStack, callSite{"source", rest[0], line})
	sh.file = rest[0]
	sh.funcDepth++
	special, current := sh.special, sh.current
	sh.indirect++
	f := sh.runCommands(parse.New(parse.String(text), sh.parseOptions(rest[0], 1)))
	sh.indirect--
	sh.special, sh.current = special, current
	sh.callStack = sh.callStack[:len(sh.callStack)-1]
	sh.file, sh.line, sh.loopDepth = file, line, loops
	if len(rest) > 1 && !(sh.paramsSet && sh.rt.bash && sh.localFrame() == nil) {
		sh.params = params
	}
	sh.paramsSet = wasSet && len(rest) == 1
	return f
}

func (sh *shell) dotFailed(command, name string, err error) int {
	switch {
	case sh.bash() && err == syscall.EISDIR:
		return sh.builtinFailed(1, "%s: %s: is a directory", command, name)
	case sh.bash():
		return sh.builtinFailed(1, "%s: %s", name, errText(err))
	}
	return sh.builtinFailed(2, "%s: %s: %s", command, name, dotErrText(sh, err))
}

func dotErrText(sh *shell, err error) string {
	if err == syscall.ENOENT && !sh.bash() {
		return "not found"
	}
	return errText(err)
}

// findDot reads the file of `.`: without a slash it is looked for in PATH;
// bash also looks in the working directory.
func (sh *shell) findDot(name string) (string, error) {
	if strings.IndexByte(name, '/') >= 0 {
		return sh.readScript(name, ".")
	}
	for _, dir := range strings.Split(sh.path(), ":") {
		if dir == "" {
			dir = "."
		}
		path := strings.TrimSuffix(dir, "/") + "/" + name
		var st syscall.Stat_t
		if sh.rt.sys.Stat(sh.dir, path, false, &st) == nil && st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
			return sh.readScript(path, ".")
		}
	}
	if sh.bash() {
		return sh.readScript(name, ".")
	}
	return "", syscall.ENOENT
}

// readScript reads a whole file of commands; a fifo or a terminal may take
// its time, which a signal can end.
func (sh *shell) readScript(path, what string) (string, error) {
	f, err := sh.open(path, syscall.O_RDONLY, what)
	if err != nil {
		return "", err
	}
	defer f.drop()
	text := make([]byte, 0, scriptSize(f))
	for {
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
		n, err := sh.readFile(f, text[len(text):cap(text)])
		if err != nil || n == 0 {
			return unsafe.String(unsafe.SliceData(text), len(text)), err // never written again
		}
		if text = text[:len(text)+n]; len(text) > maxScript {
			return "", syscall.EFBIG
		}
	}
}

// scriptSize is the room that reading a file up to its end takes, as far as is
// known: a file in /proc has size 0, and files grow.
func scriptSize(f *file) int64 {
	const least = 4096
	var st syscall.Stat_t
	if syscall.Fstat(f.fd, &st) != nil {
		return least
	}
	return min(max(st.Size+1, least), 16<<20)
}
