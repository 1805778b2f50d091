package interp

import (
	"errors"
	"io"
	"syscall"

	"github.com/fsh-sh/fsh/interp/parse"
)

// RunInteractive reads commands from standard input, with prompts, until its
// end or until a command ends the shell.
func (s *Shell) RunInteractive() Result {
	sh := s.main
	sh.opts |= optStdin
	sh.file = "stdin"
	sh.past()
	sh.started = sh.rt.start
	f := sh.readProfiles()
	if f == flowNext || f == flowAbort {
		f = sh.readEnvFile()
	}
	if sh.rt.bash {
		sh.switchOption(optHistory|optHistexpand, true)
	}
	if f == flowNext || f == flowAbort {
		f = sh.session()
	}
	return s.end(f, sh.status)
}

// readEnvFile runs the file that $ENV names (XCU sh, ENV).
func (sh *shell) readEnvFile() flow {
	env, ok := sh.getVar("ENV")
	if !ok || env == "" || syscall.Getuid() != syscall.Geteuid() || syscall.Getgid() != syscall.Getegid() {
		return flowNext
	}
	f, _ := sh.readStartup(sh.expandPrompt(env), "ENV")
	return f
}

// readProfiles is what a login shell does first. Its files are scripts like any
// other: under the policy, and what the policy hides is not there.
func (sh *shell) readProfiles() flow {
	if !sh.rt.login || syscall.Getuid() != syscall.Geteuid() || syscall.Getgid() != syscall.Getegid() {
		return flowNext
	}
	f, _ := sh.readStartup("/etc/profile", "profile")
	home, ok := sh.getVar("HOME")
	if f == flowExit || !ok || home == "" {
		return f
	}
	names := []string{".profile"}
	if sh.bash() {
		names = []string{".bash_profile", ".bash_login", ".profile"}
	}
	for _, name := range names {
		if f, found := sh.readStartup(home+"/"+name, "profile"); found || f == flowExit {
			return f
		}
	}
	return flowNext
}

// readStartup runs a file if there is one. A return ends the file, exit the
// shell.
func (sh *shell) readStartup(path, what string) (f flow, found bool) {
	text, err := sh.readScript(path, what)
	if err != nil {
		if err != syscall.ENOENT {
			sh.errorf("%s: %s", path, errText(err))
		}
		return flowNext, false
	}
	file := sh.file
	sh.file = path
	f = sh.runCommands(parse.New(parse.String(text), sh.parseOptions(path, 1)))
	sh.file = file
	if f == flowReturn {
		f = flowNext
	}
	return f, true
}

var (
	errLineAborted = errors.New("the line was given up")
	errLeave       = errors.New("a signal or its trap ends the shell")
)

// session is the loop of the prompt. Every error drops what was typed so far.
func (sh *shell) session() flow {
	next := sh.recorded(sh.promptedLine)
	for {
		p := parse.New(parse.Lines(next), sh.parseOptions("stdin", 1))
		if f, over := sh.converse(p); over {
			return f
		}
		sh.loopDepth, sh.funcDepth, sh.evalDepth, sh.noErrexit = 0, 0, 0, 0
	}
}

// converse runs commands until the parser has to be replaced, or with over
// the shell to be left.
func (sh *shell) converse(p *parse.Parser) (f flow, over bool) {
	for {
		sh.typed = sh.typed[:0]
		stmts, err := p.Next()
		sh.rememberTyped()
		switch {
		case err == io.EOF:
			return flowExit, sh.endOfInput()
		case err == errLineAborted:
			sh.status = 130
			return flowNext, false
		case err == errLeave:
			return flowExit, true
		case err != nil:
			sh.syntaxFailed(err)
			return flowNext, false
		}
		n, err := compile(sh.file, stmts)
		if err != nil {
			sh.syntaxFailed(err)
			return flowNext, false
		}
		sh.countEOF, sh.interrupted = 0, false
		sh.leaveWarned = max(sh.leaveWarned-1, 0)
		f := n(sh)
		if sh.attn.pending.Load() != 0 && f != flowExit {
			f = sh.attend()
		}
		switch f {
		case flowExit:
			return f, true
		case flowNext:
		default:
			sh.loopDepth, sh.funcDepth, sh.evalDepth, sh.noErrexit = 0, 0, 0, 0
			if sh.interrupted {
				sh.status, sh.interrupted = 130, false
				sh.write(2, []byte("\n"))
				return flowNext, false // and the rest of the line is dropped
			}
		}
	}
}

// maxEOF is how many ends of input -o ignoreeof ignores: a terminal that is
// gone gives no others.
const maxEOF = 50

// endOfInput reports whether the end of input is to end the shell.
func (sh *shell) endOfInput() bool {
	if sh.opts.on(optIgnoreeof) && sh.countEOF < maxEOF && sh.condIsTTY(0) {
		sh.countEOF++
		sh.write(2, []byte("\nUse \"exit\" to leave shell.\n"))
		return false
	}
	sh.write(2, []byte("\n"))
	return sh.mayLeave()
}

// mayLeave warns of stopped jobs, once: who asks to leave again, right after
// that, means it.
func (sh *shell) mayLeave() bool {
	if !sh.interactive() || sh.parent != nil || sh.leaveWarned > 0 || !sh.jobs.anyStopped() {
		return true
	}
	sh.write(2, []byte("You have stopped jobs.\n"))
	sh.leaveWarned = 2 // one is for the command that asked
	return false
}

// promptedLine reads one line after a prompt: the secondary one inside an
// unfinished command.
func (sh *shell) promptedLine(more bool) (string, error) {
	if !more {
		sh.tell()
		sh.beforePrompt()
	}
	text := sh.firstPrompt()
	if more {
		text = sh.promptText("PS2", sh.getOr("PS2", ""))
	}
	sh.write(2, []byte(text))
	sh.attn.idle.Store(sh.opts.on(optNotify))
	line, err := sh.typedLine()
	sh.attn.idle.Store(false)
	if err != nil {
		return line, err
	}
	sh.typed = append(sh.typed, line...)
	sh.echoInput(line)
	return line, nil
}

// firstPrompt is the prompt for a command.
func (sh *shell) firstPrompt() string {
	text := sh.promptText("PS1", sh.getOr("PS1", ""))
	if sh.rt.promptMark != nil {
		text = sh.rt.promptMark() + text
	}
	return text
}

// tell writes what happened to jobs since the last prompt.
func (sh *shell) tell() {
	if text := sh.jobs.notices(); text != "" {
		sh.write(2, []byte(text))
	}
}

// tellNow does it in the middle of a prompt.
func (sh *shell) tellNow() {
	if text := sh.jobs.notices(); text != "" {
		sh.write(2, []byte("\n"+text+sh.firstPrompt()))
	}
}

func (sh *shell) typedLine() (string, error) {
	in, err := sh.openInput(0)
	if err != nil {
		return "", io.EOF
	}
	defer in.close()
	var line []byte
	for {
		c, err := in.next()
		switch {
		case errors.Is(err, syscall.EINTR):
			f := sh.jump
			sh.jump = flowNext
			if f == flowExit {
				return "", errLeave
			}
			sh.write(2, []byte("\n"))
			return "", errLineAborted
		case err != nil && len(line) == 0:
			return "", io.EOF
		case err != nil:
			return string(line), nil
		}
		if line = append(line, c); c == '\n' || len(line) > maxScript {
			return string(line), nil
		}
	}
}
