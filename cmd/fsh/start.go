//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/interp/plain"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

const (
	exitUsage = 2   // bad option or syntax error (XCU 2.8.1)
	exitSetup = 125 // the sandbox or the policy; nothing has run
	// scriptHead is how much of a script is looked at for its "#!" and "#:"
	// lines.
	scriptHead = 64 << 10
)

// invocation is one run of fsh.
type invocation struct {
	*options
	name   string // argv[0]
	env    []string
	script string // path of the script file, or ""
	head   string // its beginning
	piped  string // the header of a script on standard input
	sum    []byte // sha256 of all of it, when it has a policy
	tty    int    // of an interactive shell; negative: none
	text   *events.Text
	sink   events.Sink
	weaker weakness
	closer []func()
	prompt *promptSession // of an interactive shell with a sandbox
	// startDir is the directory that the session was started in.
	startDir string
}

const (
	// gcPercent spares a shell, whose live heap is a few hundred kilobytes,
	// a collection per 4 MB: they were a third of the time of parsing.
	gcPercent = 400
	// gcLimit makes collections frequent again when a script holds much.
	gcLimit = 1 << 30
)

// start runs fsh with its arguments and returns the exit status.
func start(argv, env []string) int {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(gcLimit)
	name := "fsh"
	if len(argv) > 0 {
		name = argv[0]
		argv = argv[1:]
	}
	if sub := findSubcommand(name, argv, env); sub != nil {
		return runSubcommand(sub, argv[1:], env)
	}
	o, err := parseArgs(argv)
	if err != nil {
		return complain(exitUsage, err)
	}
	switch {
	case o.help:
		fmt.Print(usageText())
		return 0
	case o.version:
		fmt.Println("fsh", version)
		return 0
	}
	o.set = append(o.set, o.jobControl(strings.TrimPrefix(filepath.Base(name), "-"))...)
	in := &invocation{options: o, name: name, env: env}
	standard := findStandardFlags()
	defer standard.restore()
	defer in.close()
	if status, err := in.openScript(); err != nil {
		return complain(status, err)
	}
	if err := in.openSinks(); err != nil {
		return complain(exitSetup, err)
	}
	restore := func() {}
	if !in.command && in.script == "" && (in.interactive || isTerminal(0) && isTerminal(2)) {
		in.interactive = true
		in.tty, restore = leadTerminal()
		defer restore()
	}
	in.watchMemory(func() { standard.restore(); restore() })
	sys, err := in.system()
	if err != nil {
		return complain(exitSetup, err)
	}
	result, err := in.interpret(sys)
	if err != nil {
		return complain(exitSetup, err)
	}
	in.close()
	standard.restore()
	if result.Signal != 0 {
		interp.DieOf(result.Signal)
	}
	return result.Status
}

// complain prints an error with its hint and returns the status.
func complain(status int, err error) int {
	fmt.Fprintln(os.Stderr, "fsh:", err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintln(os.Stderr, "fsh: hint:", hint)
	}
	return status
}

// hintOf is what to do about an error, or empty.
func hintOf(err error) string {
	if e := (*usageError)(nil); errors.As(err, &e) {
		return e.hint
	} else if e := (*policy.Error)(nil); errors.As(err, &e) {
		return e.Hint
	} else if e := (*sandbox.SetupError)(nil); errors.As(err, &e) && e.Hint != "" {
		return e.Hint
	}
	return scarcityHint(err)
}

// openScript finds the script file among the operands and reads its
// beginning. A script's own header can ask for narrower rules.
func (in *invocation) openScript() (int, error) {
	switch {
	case in.command && len(in.operands) == 0:
		return exitUsage, &usageError{"-c: command string expected", "fsh -c 'command' [name [argument...]]"}
	case in.command:
		return 0, nil
	}
	if in.stdin || len(in.operands) == 0 {
		in.piped = peekHeader(0)
		return 0, nil
	}
	in.script = in.operands[0]
	f, err := os.Open(in.script)
	if errors.Is(err, os.ErrNotExist) && in.script != "" && !strings.Contains(in.script, "/") {
		// A name without a slash that is not here may be in PATH (XCU sh).
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			if path := filepath.Join(dir, in.script); dir != "" {
				if f, err = os.Open(path); err == nil {
					in.script = path
					break
				}
			}
		}
	}
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			return 126, fmt.Errorf("cannot open %s: %w", in.script, errors.Unwrap(err))
		}
		missing := &usageError{text: fmt.Sprintf("cannot open %s: %v", in.script, errors.Unwrap(err))}
		if near := nearSubcommand(in.script); near != "" && len(os.Args) > 1 && os.Args[1] == in.script {
			missing.hint = "did you mean 'fsh " + near + "'?"
		}
		return 127, missing
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return 0, nil // what is read of a pipe is not there any more
	}
	head, err := io.ReadAll(io.LimitReader(f, scriptHead))
	if err == nil && policy.HasHeader(string(head)) {
		// The policy and the sum are of one and the same reading.
		h := sha256.New()
		h.Write(head)
		_, err = io.Copy(h, f)
		in.sum = h.Sum(nil)
	}
	if err != nil {
		return 126, fmt.Errorf("cannot read %s: %w", in.script, errors.Unwrap(err))
	}
	in.head = string(head)
	return 0, nil
}

func (in *invocation) openSinks() error {
	in.text = events.NewText(os.Stderr, events.TextOptions{Monitor: in.monitor, Debug: in.debug})
	in.closer = append(in.closer, in.text.Close)
	in.sink = &marking{in.text, &in.weaker}
	if in.options.events == "" {
		return nil
	}
	var f *os.File
	if fd, err := strconv.Atoi(in.options.events); err == nil {
		f = os.NewFile(uintptr(fd), "events")
		if _, err := f.Stat(); err != nil {
			return fmt.Errorf("--events: descriptor %d is not open", fd)
		}
		syscall.CloseOnExec(fd)
	} else {
		flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
		if !strings.HasPrefix(in.options.events, "/dev/") {
			// A link may have been left by a command of an earlier session, to a file
			// outside that events, which have its words in them, would be added to.
			flags |= syscall.O_NOFOLLOW
		}
		f, err = os.OpenFile(in.options.events, flags, 0o600)
		if err != nil {
			return fmt.Errorf("--events: %w", err)
		}
	}
	lines := events.NewJSON(f, strconv.Itoa(os.Getpid()))
	in.closer = append(in.closer, func() { lines.Close(); f.Close() })
	in.sink = &marking{events.Multi{in.text, lines}, &in.weaker}
	return nil
}

// system is the door to the operating system that the command line asks for.
func (in *invocation) system() (interp.System, error) {
	if in.unsafe && sandbox.Inside() {
		return nil, &usageError{"--unsafe-no-sandbox: not inside of a session", "leave it out: the outer session's rules hold in any case"}
	}
	if in.unsafe {
		in.weaker.unsafe.Store(true)
		return plain.New("/proc/self/exe"), nil
	}
	if err := enoughForSandbox(); err != nil && !sandbox.Inside() {
		return nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("the working directory: %w", errors.Unwrap(err))
	}
	in.startDir = dir
	opts := in.policyOptions(dir)
	rules, warnings, err := policy.Load(opts)
	for _, w := range warnings {
		in.sink.Emit(w)
	}
	if err != nil {
		return nil, err
	}
	denials := in.keepDenials()
	inner := &cdPolicies{start: rules, opts: opts}
	in.env = insideEnv(in.env, rules)
	proxy := &proxy{sink: in.sink, env: os.Environ(), detail: in.debug || in.options.events != ""}
	script := ""
	if in.script != "" {
		if script, err = filepath.Abs(in.script); err != nil {
			return nil, err
		}
	}
	session, err := sandbox.New(sandbox.Config{
		Policy: rules, PolicyFor: inner.in, Sink: in.sink,
		Script: script, Dir: dir, Proxy: proxy, Reach: reach, Monitor: in.monitor || in.debug, DropRights: true, NoFiles: !startedWith.files, NoAppended: !startedWith.appended, Weaker: in.options.weaker,
		Unusable: in.unusable(slices.Clone(in.closer)),
	})
	if err != nil {
		return nil, err
	}
	in.weaker.session.Store(session)
	in.closer = append(in.closer, func() { session.Close(); proxy.close() })
	if denials != nil {
		in.prompt = newPromptSession(in, session, denials, inner, rules)
	}
	if env, err := session.Environ(in.env); err != nil {
		return nil, err
	} else if env != nil {
		in.env = env
	}
	return session.System(), nil
}

// checkSum makes sure that a script with a policy is the one that the policy
// was read from, and trusted: it is opened a second time to be run.
func (in *invocation) checkSum(text string) error {
	if in.sum == nil {
		return nil
	}
	if sum := sha256.Sum256([]byte(text)); !bytes.Equal(sum[:], in.sum) {
		return errors.New("has changed since its policy was read: nothing has run")
	}
	return nil
}

// prompting tells whether commands are typed at a prompt.
func (in *invocation) prompting() bool { return in.interactive && !in.command && in.script == "" }

// interpret runs the script.
func (in *invocation) interpret(sys interp.System) (interp.Result, error) {
	cfg := interp.Config{
		System: sys, Env: in.env, Options: in.set, SelfInside: "/run/fsh/fsh",
		Interactive: in.interactive, Login: in.login || strings.HasPrefix(in.name, "-"), Name: in.name, Args: in.operands,
		Terminal: controllingTerminal, Ignored: ignoredOnEntry(),
		Bash: !in.posix && (in.bash || wantsBash(in.head) || strings.TrimPrefix(filepath.Base(in.name), "-") == "bash"),
	}
	if in.unsafe { // what is in a sandbox is not there
		self, err := os.Executable()
		if err != nil {
			return interp.Result{}, err
		}
		cfg.SelfInside, cfg.SelfArgs = self, []string{"--unsafe-no-sandbox"}
	}
	switch {
	case in.command:
		cfg.Args = in.operands[1:]
		if len(cfg.Args) > 0 {
			cfg.Name, cfg.Args = cfg.Args[0], cfg.Args[1:]
		}
	case in.script != "":
		cfg.Name, cfg.Args, cfg.Check = in.operands[0], in.operands[1:], in.checkSum
	}
	prompting := in.prompting()
	if prompting {
		cfg.Terminal = func() int { return in.tty }
		cfg.Options = in.interactiveOptions()
		if in.prompt != nil && !in.posix && strings.TrimPrefix(filepath.Base(in.name), "-") == "fsh" {
			cfg.Own = in.prompt.own()
		}
		if isTerminal(2) {
			cfg.PromptMark = in.weaker.mark
		}
	}
	shell, err := interp.New(cfg)
	if err != nil {
		return interp.Result{}, err
	}
	switch {
	case in.command:
		return shell.RunString(in.operands[0]), nil
	case in.script != "":
		return shell.RunFile(in.script), nil
	case prompting:
		return shell.RunInteractive(), nil
	}
	return shell.RunStdin(), nil
}

// interactiveOptions has job control on where there is a terminal, unless the
// command line says otherwise.
func (in *invocation) interactiveOptions() []string {
	if in.tty >= 0 {
		return append([]string{"-o monitor"}, in.set...)
	}
	if in.jobs == "" {
		fmt.Fprintln(os.Stderr, "fsh: no terminal: job control is off")
	}
	return in.set
}

// wantsBash tells whether the script's first line names bash.
func wantsBash(head string) bool {
	line, _, _ := strings.Cut(head, "\n")
	if !strings.HasPrefix(line, "#!") {
		return false
	}
	for _, word := range strings.Fields(line[2:]) {
		if filepath.Base(word) == "bash" || word == "--bash" {
			return true
		}
	}
	return false
}

// close ends the session and what was opened for it, once, last first.
func (in *invocation) close() {
	for i := len(in.closer) - 1; i >= 0; i-- {
		in.closer[i]()
	}
	in.closer = nil
}
