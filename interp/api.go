package interp

import (
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp/parse"
	"golang.org/x/sys/unix"
)

// Config is what a shell is started with.
type Config struct {
	System System
	Env    []string
	Name   string   // $0
	Args   []string // $1…
	// Options are arguments of set: "-e", "-o pipefail", "+m".
	Options []string
	Bash    bool // bash's dialect where it contradicts POSIX
	// SelfInside is where this program is for commands: it runs scripts
	// without #!, and stands in for jobs.
	SelfInside string
	// SelfArgs are its arguments before the name of such a script.
	SelfArgs []string
	// Files are the open descriptors: number in the shell → number here.
	// Nil means all that this process inherited. The shell owns them.
	Files       map[int]int
	Interactive bool
	// Login has the shell read /etc/profile and the profile in $HOME first.
	Login bool
	// PromptMark comes before every prompt for a command, whatever PS1 is.
	PromptMark func() string
	// Terminal opens the controlling terminal when job control is switched
	// on, and waits until this process is in its foreground; negative: there
	// is none. Nil: never.
	Terminal func() int
	// Check, if not nil, is asked about the text of a script file before any of
	// it runs. An error ends the shell with status 125.
	Check func(text string) error
	// Own, if not nil, is a command of an interactive shell.
	Own *Own
	// Ignored are signals that were ignored when the process started, which
	// POSIX forbids to trap. HUP and INT are found out without.
	Ignored []syscall.Signal
}

// Result is how a shell ended.
type Result struct {
	Status int
	Signal syscall.Signal // not 0: the shell is to die of it, see DieOf
}

// Shell is a shell ready to run one script, command string or session.
type Shell struct {
	main *shell
}

// New prepares a shell. It changes how this process reacts to signals.
func New(cfg Config) (*Shell, error) {
	if cfg.System == nil {
		return nil, errors.New("a System is needed")
	}
	rt := &runtime{
		sys: cfg.System, builtins: indexBuiltins(), bash: cfg.Bash, inside: cfg.SelfInside, insideArgs: cfg.SelfArgs,
		start: time.Now(), live: map[*shell]bool{}, terminal: -1,
		ignored: ignoredOnEntry(cfg.Ignored), openTerminal: cfg.Terminal, login: cfg.Login, check: cfg.Check, promptMark: cfg.PromptMark,
	}
	sh := &shell{
		rt: rt, name: cfg.Name, params: cfg.Args, traps: newTraps(rt.ignored),
		jobs: &jobTable{bash: cfg.Bash}, attn: newAttention(), ifs: newIFS(" \t\n", true),
		started: rt.start, file: cfg.Name,
	}
	rt.main = sh
	rt.work.resume()
	if cfg.Bash {
		rt.addBuiltins(helpBuiltins)
	}
	sh.opts = (optHashall | optBraceexpand | optComments) * boolOption(cfg.Bash)
	sh.umask = uint32(unix.Umask(0))
	unix.Umask(int(sh.umask))
	if cfg.Interactive && cfg.Own != nil {
		rt.own = cfg.Own
		rt.builtins[cfg.Own.Name] = ownCommand(cfg.Own)
	}
	if cfg.Interactive {
		sh.opts |= optInteractive
		sh.shopts |= shoptExpandAliases
	}
	sh.shopts |= shoptSourcepath | shoptGlobskipdots
	dir, err := cfg.System.StartDir()
	if err != nil {
		return nil, fmt.Errorf("working directory: %w", err)
	}
	sh.dir, rt.startDir = dir, dir
	if err := sh.adoptFiles(cfg.Files); err != nil {
		return nil, err
	}
	sh.adoptEnv(cfg.Env)
	rt.listen()
	for _, o := range cfg.Options {
		if status := runSet(sh, append([]string{"set"}, strings.Fields(o)...)); status != 0 {
			return nil, fmt.Errorf("%s: no such option", o)
		}
	}
	if sh.opts.on(optRestricted) {
		sh.restrict()
	}
	return &Shell{main: sh}, nil
}

func boolOption(on bool) options {
	if on {
		return 1
	}
	return 0
}

// RunString runs a command string, as -c does.
func (s *Shell) RunString(text string) Result {
	s.main.opts |= optCommand
	s.main.file = "-c"
	if s.main.bash() {
		return s.run(parse.Lines(s.main.recorded(s.main.echoLines(text))), "-c")
	}
	return s.run(parse.String(text), "-c") // no input that -v could show
}

// RunFile runs a script. A file that cannot be read has status 127, or 126.
func (s *Shell) RunFile(path string) Result {
	sh := s.main
	text, err := sh.readScript(path, path)
	if err != nil {
		sh.write(2, []byte(sh.name+": "+path+": "+errText(err)+"\n"))
		status := 127
		if err != syscall.ENOENT {
			status = 126
		}
		return s.end(flowExit, status)
	}
	if check := sh.rt.check; check != nil {
		if err := check(text); err != nil {
			sh.write(2, []byte(sh.name+": "+path+": "+err.Error()+"\n"))
			return s.end(flowExit, 125)
		}
	}
	if head, _, _ := strings.Cut(text[:min(len(text), 128)], "\n"); strings.IndexByte(head, 0) >= 0 {
		sh.write(2, []byte(sh.name+": "+path+": cannot execute binary file\n"))
		return s.end(flowExit, 126)
	}
	sh.file, sh.rt.script = path, path
	return s.run(parse.Lines(sh.recorded(sh.echoLines(text))).Sized(len(text)), path)
}

// RunStdin runs commands from standard input, which they share.
func (s *Shell) RunStdin() Result {
	s.main.opts |= optStdin
	s.main.file = "stdin"
	return s.run(parse.Lines(s.main.recorded(s.main.stdinLine)), "stdin")
}

func (s *Shell) run(src parse.Source, name string) Result {
	sh := s.main
	f := sh.readProfiles()
	if f == flowNext && sh.interactive() {
		f = sh.readEnvFile()
	}
	if f != flowNext && f != flowAbort {
		return s.end(f, sh.status)
	}
	p := parse.New(src, sh.parseOptions(name, 1))
	f = sh.runCommands(p)
	return s.end(f, sh.status)
}

// RunCommands runs text in a shell that goes on afterwards, for a prompt.
// Exited tells that the shell is to end, by Close.
func (s *Shell) RunCommands(text string) (status int, exited bool) {
	sh := s.main
	f := sh.evalText(text, sh.file)
	sh.loopDepth, sh.noErrexit = 0, 0
	if sh.attn.pending.Load() != 0 && f != flowExit {
		f = sh.attend()
	}
	return sh.status, f == flowExit
}

// Notices describes the jobs that ended or stopped since the last call.
func (s *Shell) Notices() string { return s.main.jobs.notices() }

// Close ends a shell used with RunCommands.
func (s *Shell) Close() Result { return s.end(flowNext, s.main.status) }

func (s *Shell) end(f flow, status int) Result {
	sh := s.main
	sh.status = status
	sh.finish(f)
	sh.saveHistory()
	sh.closeOutputs()
	sh.linger()
	sh.awaitOutputs()
	sh.rt.over.Store(true)
	sh.peek.close()
	sh.peek = nil
	close(sh.rt.stop)
	return Result{Status: sh.status & 0xff, Signal: sh.endBy}
}

// DieOf ends this process by a signal with its default action, as a shell
// that a signal killed; it returns only if the kernel refuses.
func DieOf(sig syscall.Signal) {
	signal.Reset(sig)
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // core(5): not of the Go runtime
	resetAction(sig)
	syscall.Kill(syscall.Getpid(), sig)
	time.Sleep(time.Second) // the signal may go to any thread
}
