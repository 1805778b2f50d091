package interp

import (
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strconv"
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

// ignoredOnEntry finds the signals the Go runtime left ignored; it takes
// over all but these, and the caller may know more.
func ignoredOnEntry(known []syscall.Signal) map[syscall.Signal]bool {
	set := map[syscall.Signal]bool{}
	for _, sig := range known {
		set[sig] = true
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) {
			set[sig] = true
		}
	}
	// The runtime takes these over when asked to.
	for _, sig := range []syscall.Signal{syscall.SIGCONT, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU} {
		if getAction(sig).handler == sigIgn {
			set[sig] = true
		}
	}
	return set
}

// adoptFiles takes over descriptors. Directories and O_PATH descriptors are
// closed, for a command could walk out of its confinement through them, and
// sockets from which one can send to anybody.
func (sh *shell) adoptFiles(files map[int]int) error {
	if files == nil {
		files = inheritedFiles(sh.rt.sys)
	}
	for n, fd := range files {
		if n < 0 || n >= maxFD {
			return fmt.Errorf("descriptor %d is out of range", n)
		}
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) != nil {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_PATH != 0 || st.Mode&syscall.S_IFMT == syscall.S_IFDIR || isAimless(fd) {
			syscall.Close(fd)
			continue
		}
		unix.CloseOnExec(fd)
		sh.setFile(n, newFile(fd)).drop()
	}
	return nil
}

// isAimless tells whether a descriptor is a socket that is neither connected nor
// listens, or whose packets go wherever each of them says. Streams of the unix
// family are somebody's only once they are connected.
func isAimless(fd int) bool {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return false // no socket
	}
	if kind != unix.SOCK_STREAM && kind != unix.SOCK_SEQPACKET {
		return true
	}
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err == nil && family == unix.AF_UNIX {
		return false
	}
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err == nil && listens != 0 {
		return false
	}
	_, err = unix.Getpeername(fd)
	return err != nil
}

// inheritedLimit bounds the search for inherited descriptors.
const inheritedLimit = 1024

// inheritedFiles are the open descriptors without FD_CLOEXEC: what Go itself
// and the packages here open has it.
func inheritedFiles(System) map[int]int {
	files := map[int]int{}
	// A limit that was lowered later leaves those above it open, where no command
	// could be given them.
	last := uint64(inheritedLimit)
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		last = min(last, limit.Max)
	}
	// One poll(2) tells which are open.
	polled := make([]unix.PollFd, last)
	for fd := range polled {
		polled[fd].Fd = int32(fd)
	}
	_, _ = unix.Poll(polled, 0) // EINVAL above the soft limit: all may be open then
	for fd := range polled {
		if polled[fd].Revents&unix.POLLNVAL != 0 {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && (flags&unix.FD_CLOEXEC == 0 || fd < 3) {
			files[fd] = fd
		}
	}
	return files
}

// adoptEnv makes the variables that a shell starts with, of which some come
// from the environment.
func (sh *shell) adoptEnv(env []string) {
	for _, entry := range env {
		sh.adoptEntry(entry)
	}
	sh.setOwn("IFS", " \t\n")
	sh.setOwn("OPTIND", "1")
	sh.setOwn("PPID", strconv.Itoa(sh.rt.sys.Ppid()))
	for name, h := range variableHooks {
		if h == hookDynamic && (sh.rt.bash || name == "LINENO") {
			sh.vars.set(name, &variable{hook: h, attrs: attrSet | dynamicArrays[name]})
		}
	}
	if _, ok := sh.getVar("PATH"); !ok {
		sh.setOwn("PATH", defaultPath)
	}
	if v, ok := sh.getVar("PS4"); !ok || v == "" {
		sh.setOwn("PS4", "+ ")
	}
	if !sh.rt.bash {
		sh.setOwn("PS2", sh.getOr("PS2", "> "))
	}
	if sh.interactive() {
		sh.setOwn("PS1", sh.getOr("PS1", "$ "))
		sh.setOwn("PS2", sh.getOr("PS2", "> "))
	}
	sh.initPWD()
	if sh.rt.bash {
		sh.initBash()
	}
}

func (sh *shell) adoptEntry(entry string) {
	name, value, ok := strings.Cut(entry, "=")
	if !ok {
		return
	}
	if fn, is := functionEntry(name); is && sh.rt.bash {
		sh.importFunction(fn, value)
		return
	}
	if !validName(name) {
		if name != "" {
			sh.rt.oddEnv = append(sh.rt.oddEnv, entry)
		}
		return
	}
	if name == "IFS" || variableHooks[name] == hookDynamic {
		return // XCU 2.5.3: IFS is not taken from the environment
	}
	sh.setOwn(name, value)
	sh.setAttrs(name, attrExport, 0)
}

// initBash makes the variables that bash(1) lists as set by the shell.
func (sh *shell) initBash() {
	if _, ok := sh.vars.get("SHELL"); !ok {
		sh.vars.set("SHELL", &variable{hook: hookDynamic, attrs: attrSet})
	}
	var uts unix.Utsname
	_ = unix.Uname(&uts) // EFAULT only
	machine := unix.ByteSliceToString(uts.Machine[:])
	level, _ := strconv.Atoi(sh.getOr("SHLVL", "0"))
	for _, v := range []struct {
		name, value string
		attrs       attr
	}{
		{"BASH", sh.rt.inside, 0},
		{"BASH_ARGV0", sh.name, 0},
		{"BASH_VERSION", bashVersion, 0},
		{"EUID", strconv.Itoa(syscall.Geteuid()), attrReadonly | attrInteger},
		{"HOSTNAME", unix.ByteSliceToString(uts.Nodename[:]), 0},
		{"HOSTTYPE", machine, 0},
		{"MACHTYPE", machine + "-pc-linux-gnu", 0},
		{"OPTERR", "1", 0},
		{"OSTYPE", "linux-gnu", 0},
		{"SHLVL", strconv.Itoa(max(level, 0) + 1), attrExport},
		{"UID", strconv.Itoa(syscall.Getuid()), attrReadonly | attrInteger},
	} {
		sh.setOwn(v.name, v.value)
		sh.setAttrs(v.name, v.attrs, 0)
	}
	sh.setAttrs("PPID", attrReadonly|attrInteger, 0)
	sh.setArray("BASH_VERSINFO", []string{"5", "2", "0", "1", "release", "fsh"})
	sh.setArray("GROUPS", groupNumbers())
	for _, name := range []string{"BASHOPTS", "SHELLOPTS", "BASH_VERSINFO"} {
		sh.setAttrs(name, attrReadonly, 0)
	}
}

// groupNumbers are the groups of the process, its own first.
func groupNumbers() []string {
	own := syscall.Getgid()
	groups := []string{strconv.Itoa(own)}
	others, _ := syscall.Getgroups()
	for _, g := range others {
		if g != own {
			groups = append(groups, strconv.Itoa(g))
		}
	}
	return groups
}

// bashVersion is what scripts test to know what they may use.
const bashVersion = "5.2.0(1)-fsh"

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
	sh.linger()
	sh.finishOutputs()
	sh.rt.over.Store(true)
	sh.peek.close()
	sh.peek = nil
	close(sh.rt.stop)
	return Result{Status: sh.status & 0xff, Signal: sh.endBy}
}

// echoLines serves text line by line, showing it with -v.
func (sh *shell) echoLines(text string) func(bool) (string, error) {
	return func(bool) (string, error) {
		if text == "" {
			return "", io.EOF
		}
		line := text
		if n := strings.IndexByte(text, '\n'); n >= 0 {
			line = text[:n+1]
		}
		text = text[len(line):]
		sh.echoInput(line)
		return line, nil
	}
}

func (sh *shell) echoInput(line string) {
	if sh.opts.on(optVerbose) {
		sh.write(2, []byte(line))
	}
}

// stdinLine reads one line of the script from standard input and leaves the
// rest there for the commands.
func (sh *shell) stdinLine(bool) (string, error) {
	in, err := sh.openInput(0)
	if err != nil {
		return "", &readError{err}
	}
	defer in.close()
	var line []byte
	for {
		c, err := in.next()
		if _, ok := err.(syscall.Errno); ok && err != syscall.EINTR {
			return "", &readError{err} // and what was read does not run
		}
		if err != nil {
			if len(line) == 0 {
				return "", io.EOF
			}
			break
		}
		if line = append(line, c); c == '\n' || len(line) > maxScript {
			break
		}
	}
	sh.echoInput(string(line))
	return string(line), nil
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
