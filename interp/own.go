package interp

import (
	"io"
	"strings"
)

// Own is a command of the program that the shell is a part of, at its prompt:
// `fsh trust` asks the session, where a program of that name would ask another
// one. It exists in interactive shells alone, not in POSIX mode, and only where
// the user has typed it: in functions, files, aliases and traps the name means
// the program, for what they say need not be the user's wish.
type Own struct {
	Name string
	// Takes tells whether the command is meant by these arguments, or the
	// program of its name.
	Takes func(args []string) bool
	Run   func(c *OwnCall) int
	// Prompt is called before every prompt, with $?. It returns whether other
	// rules hold from now on, so that the working directory is to be opened anew.
	Prompt func(status int, dir func() (string, error)) bool
}

// OwnCall is one run of Own.
type OwnCall struct {
	Args []string // after the name
	Env  []string
	Dir  func() (string, error)
	Out  io.Writer
	Err  io.Writer
	// Direct: by the shell itself, not by a member of a pipeline.
	Direct bool
	// Changed is set by Run when other rules hold from now on.
	Changed bool

	sh *shell
}

// HoldJobs keeps the shell's own jobs from running, until release is called:
// those that are programs are the System's.
func (c *OwnCall) HoldJobs() (release func()) { return c.sh.rt.holdJobs() }

// Export gives the shell a variable, for its commands too. One that is readonly
// stays.
func (c *OwnCall) Export(name, value string) {
	if c.sh.setVar(name, value) == nil {
		_ = c.sh.setAttrs(name, attrExport, 0) // it is there
	}
}

// Unset removes a variable.
func (c *OwnCall) Unset(name string) { _ = c.sh.unsetVar(name) }

// ownCommand is the builtin that an Own is.
func ownCommand(own *Own) *builtin {
	return &builtin{name: own.Name, own: true, run: func(sh *shell, args []string) int {
		if sh.opts.on(optPosix) || !sh.typedName(own.Name) || !own.Takes(args[1:]) {
			return sh.runExternal(args)
		}
		c := &OwnCall{
			Args: args[1:], Env: sh.environ(), Dir: sh.physicalDir, Direct: sh.parent == nil,
			Out: fdWriter{sh, 1}, Err: fdWriter{sh, 2}, sh: sh,
		}
		status := own.Run(c)
		if c.Changed {
			sh.reopenDir()
		}
		return status
	}}
}

// typedName tells whether the command being run begins what was typed at the
// prompt, and was not made by anything else.
func (sh *shell) typedName(name string) bool {
	if !sh.interactive() || sh.background() || sh.funcDepth > 0 || sh.evalDepth > 0 || sh.entered != nil || sh.file != "stdin" || !sh.condIsTTY(0) {
		return false
	}
	if _, aliased := sh.alias(name); aliased {
		return false
	}
	rest, ok := strings.CutPrefix(strings.TrimLeft(string(sh.typed), " \t"), name)
	return ok && rest != "" && strings.ContainsAny(rest[:1], " \t\n")
}

// physicalDir is the physical working directory; "" is still the one that the
// shell was started in, for which nothing has to be asked.
func (sh *shell) physicalDir() (string, error) {
	if sh.dir == sh.rt.startDir {
		return "", nil
	}
	return sh.dir.Getcwd()
}

// reopenDir opens the working directory under the rules that hold now.
func (sh *shell) reopenDir() {
	dir, err := sh.rt.sys.OpenDir(sh.dir, ".")
	if err != nil {
		sh.errorf("working directory: %s", errText(err))
		return
	}
	sh.dir = dir
}

// beforePrompt lets the program look at where the shell is.
func (sh *shell) beforePrompt() {
	if own := sh.rt.own; own != nil && own.Prompt != nil && sh.parent == nil && own.Prompt(sh.status, sh.physicalDir) {
		sh.reopenDir()
	}
}

// fdWriter writes to a descriptor of the shell.
type fdWriter struct {
	sh *shell
	fd int
}

func (w fdWriter) Write(b []byte) (int, error) {
	if err := w.sh.write(w.fd, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// holdJobs closes a gate before every subshell that runs beside the main shell.
func (rt *runtime) holdJobs() (release func()) {
	gate := make(chan struct{})
	rt.mu.Lock()
	rt.gate = gate
	for sub := range rt.live {
		sub.attn.pending.Or(attnStop)
		sub.attn.ring()
	}
	rt.mu.Unlock()
	return func() {
		rt.mu.Lock()
		rt.gate = nil
		rt.mu.Unlock()
		close(gate)
	}
}

// heldBy is the gate of holdJobs, nil when it is open.
func (rt *runtime) heldBy() chan struct{} {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.gate
}
