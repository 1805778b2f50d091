package interp

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"syscall"
)

// external runs a program in the foreground and waits for it.
func (s *simple) external(sh *shell, args []string) flow {
	var saved savedFiles
	defer sh.undo(&saved)
	sh.traceBefore(s, args)
	if len(s.assigns) > 0 {
		f := sh.pushFrame(false)
		defer sh.popFrame()
		if flw, ok := s.prefix(sh, &saved, f, args); !ok {
			return flw
		}
	} else if err := sh.redirect(s.redirs, &saved); err != nil {
		if f := sh.redirectFailed(err); !sh.bash() { // which redirects in the child
			return f
		}
		return flowNext
	}
	if handled, f := sh.notFoundHandle(args); handled {
		return f
	}
	sh.status = sh.runExternal(args)
	return sh.takeJump()
}

// defaultPath is what `command -p` searches, and PATH where the environment
// has none.
//
// bash's command -p takes confstr(3)'s instead, see standardPath.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// runExternal finds, starts and awaits a program, and returns its status.
func (sh *shell) runExternal(args []string) int {
	path, err := sh.findCommand(args[0])
	if err == nil {
		var status int
		status, err = sh.startAndWait(path, args)
		if err == syscall.ENOENT && path != args[0] {
			// The remembered place is out of date.
			sh.hashed.set(args[0], "")
			if path, err = sh.searchPath(args[0], sh.path()); err == nil {
				status, err = sh.startAndWait(path, args)
			}
		}
		if err == nil {
			return status
		}
	}
	return sh.execFailed(args[0], err)
}

func (sh *shell) startAndWait(path string, args []string) (int, error) {
	cmd, err := sh.newCommand(path, args)
	if err != nil {
		return 0, err
	}
	if sh.jobControl() {
		return sh.foreground(cmd, args)
	}
	status, err := sh.await(cmd)
	if err == syscall.ENOEXEC {
		if cmd, err = sh.nested(cmd, path); err != nil {
			return 0, err
		}
		return sh.await(cmd)
	}
	return status, err
}

// await runs a command as the next one of the shell.
func (sh *shell) await(cmd *Command) (int, error) {
	ws, err := sh.awaitProgram(cmd)
	if err == ErrParentGone {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	sh.childEnded()
	return sh.foregroundEnded(ws), nil
}

// awaitProgram starts a program and waits for its end.
func (sh *shell) awaitProgram(cmd *Command) (syscall.WaitStatus, error) {
	var p Process
	var adopted bool
	var err error
	if sh.group != nil {
		p, err = sh.group.start(sh, cmd)
	} else {
		p, adopted, err = sh.startProgram(cmd)
	}
	if err != nil {
		return 0, err
	}
	if sh.killed != nil && !adopted {
		defer sh.killed.track(sh.rt.sys, p)()
	}
	done := sh.waiting(p)
	var ws syscall.WaitStatus
	if sh.group != nil {
		ws, err = sh.group.wait(sh, p)
	} else {
		ws, _, err = p.Wait()
	}
	done()
	if err == ErrParentGone {
		sh.orphaned()
	}
	return ws, err
}

// foregroundEnded turns a wait status into $?. In bash a SIGINT that arrived
// while the command ran counts only if the command died of it: a command that
// handles it (an editor) is to be followed by the rest of the script. In other
// shells it counts.
func (sh *shell) foregroundEnded(ws syscall.WaitStatus) int {
	sh.rt.settle()
	sh.overlookJobs()
	if !ws.Signaled() {
		if sh.rt.bash && sh.parent == nil && sh.attn.cancel.CompareAndSwap(int32(syscall.SIGINT), 0) {
			sh.attn.pending.And(^uint32(attnCancel))
		}
		if sh.rt.bash && sh.attn.pending.Load()&attnCancel != 0 {
			return sh.status // what an EXIT trap sees: bash dies while it waits
		}
		return ws.ExitStatus()
	}
	sig := ws.Signal()
	if sig == syscall.SIGINT {
		sh.rt.cross() // the terminal's interrupt is for the shell, too
	}
	sh.announceDeath(ws)
	return 128 + int(sig)
}

// announceDeath says what killed a foreground command, as other shells do.
func (sh *shell) announceDeath(ws syscall.WaitStatus) {
	core := ""
	if ws.CoreDump() {
		core = " (core dumped)"
	}
	sh.announceSignal(ws.Signal(), core)
}

func (sh *shell) announceSignal(sig syscall.Signal, more string) {
	if sig != 0 && sig != syscall.SIGINT && sig != syscall.SIGPIPE && sh.parent == nil {
		sh.write(2, []byte(signalText(sig)+more+"\n"))
	}
}

// newCommand describes a program to the System.
func (sh *shell) newCommand(path string, args []string) (*Command, error) {
	files, err := sh.copyFiles()
	if err != nil {
		return nil, err
	}
	return &Command{
		Paths: []string{path}, Argv: args, Env: sh.commandEnv(path), Dir: sh.dir,
		Files: files, Umask: sh.umask, Ignored: sh.ignoredSignals(),
		Limits: sh.limits, Group: -1, Terminal: -1,
		Where: sh.where(args[0]),
	}, nil
}

// commandEnv is the environment; bash tells a command its own path in $_.
func (sh *shell) commandEnv(path string) []string {
	env := sh.environ()
	if sh.rt.bash {
		env = append(env[:len(env):len(env)], "_="+path)
	}
	return env
}

// nested is the command that runs a text file without #!: another fsh,
// inside, so that whatever confines commands confines it.
func (sh *shell) nested(cmd *Command, path string) (*Command, error) {
	if sh.rt.inside == "" {
		return nil, syscall.ENOEXEC
	}
	fd, err := sh.rt.sys.Open(&OpenRequest{Dir: sh.dir, Path: path, Flags: syscall.O_RDONLY, Where: sh.where(path)})
	if err != nil {
		return nil, err
	}
	head := make([]byte, 128)
	n, _ := syscall.Read(fd, head)
	syscall.Close(fd)
	head = head[:max(n, 0)]
	if line, _, _ := bytes.Cut(head, []byte{'\n'}); bytes.IndexByte(line, 0) >= 0 || bytes.HasPrefix(head, []byte("\x7fELF")) {
		return nil, syscall.ENOEXEC
	}
	again := *cmd
	again.Paths = []string{sh.rt.inside}
	name := "fsh"
	if sh.bash() {
		name = "bash" // the dialect goes by the name
	}
	again.Argv = slices.Concat([]string{name}, sh.rt.insideArgs, []string{path}, cmd.Argv[1:])
	return &again, nil
}

func (sh *shell) path() string { return sh.getOr("PATH", "") }

// findCommand is where a command's program is: a name with a slash as it
// is, any other from the hash table or PATH.
func (sh *shell) findCommand(name string) (string, error) {
	if strings.IndexByte(name, '/') >= 0 {
		if sh.opts.on(optRestricted) {
			return "", errRestricted
		}
		return name, nil
	}
	if path, ok := sh.hashed.get(name); ok && path != "" {
		sh.hit(name, 1)
		return path, nil
	}
	path, err := sh.searchPath(name, sh.path())
	if err == nil && path[0] == '/' && (sh.opts.on(optHashall) || !sh.bash()) {
		sh.hashed.set(name, path)
		sh.hit(name, 1)
	}
	return path, err
}

// searchPath looks for an executable file in a list of directories. EACCES
// means that there was only one that is not executable.
func (sh *shell) searchPath(name, path string) (string, error) {
	if name == "" {
		return "", syscall.ENOENT
	}
	var candidates []string
	for _, dir := range strings.Split(path, ":") {
		switch {
		case dir == "":
			candidates = append(candidates, "./"+name)
		case strings.HasSuffix(dir, "/"):
			candidates = append(candidates, dir+name)
		default:
			candidates = append(candidates, dir+"/"+name)
		}
	}
	sts, errs := sh.rt.sys.StatAll(sh.dir, candidates)
	found := ""
	for i, c := range candidates {
		if i >= len(errs) || errs[i] != nil || sts[i].Mode&syscall.S_IFMT != syscall.S_IFREG {
			continue
		}
		mode := sts[i].Mode & 0o111
		if mode == 0o111 || mode != 0 && sh.rt.sys.Access(sh.dir, c, accessExec) == nil { // nobody is left out, or not we
			return c, nil
		}
		if found == "" {
			found = c
		}
	}
	if found != "" {
		return found, syscall.EACCES
	}
	return "", syscall.ENOENT
}

// execFailed reports why a program could not be executed (XCU 2.8.2).
func (sh *shell) execFailed(name string, err error) int {
	if errors.Is(err, syscall.ECANCELED) {
		return 126 // the whole shell ends, and with it what ran in the background
	}
	switch err {
	case syscall.ENOENT, syscall.ENOTDIR:
		text := "not found"
		if sh.bash() && strings.IndexByte(name, '/') < 0 {
			text = "command not found"
		} else if sh.bash() {
			text = errText(err)
		}
		sh.errorf("%s: %s", name, text)
		return 127
	case errRestricted:
		sh.errorf("%s: restricted: cannot specify `/' in command names", name)
		return 1
	}
	if err == syscall.EACCES && sh.bash() && strings.IndexByte(name, '/') >= 0 {
		var st syscall.Stat_t
		if sh.rt.sys.Stat(sh.dir, name, false, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR {
			err = syscall.EISDIR
		}
	}
	sh.errorf("%s: %s", name, errText(err))
	return 126
}

// notFoundHandle runs bash's command_not_found_handle, in a subshell.
func (sh *shell) notFoundHandle(args []string) (bool, flow) {
	fn, ok := sh.funcs.get("command_not_found_handle")
	if !ok || fn == nil || !sh.bash() || strings.IndexByte(args[0], '/') >= 0 {
		return false, flowNext
	}
	if _, err := sh.findCommand(args[0]); err == nil {
		return false, flowNext
	}
	sub := sh.subshell(false)
	sub.complete(sub.call(fn, append([]string{fn.name}, args...)))
	sh.status = sub.status
	sub.close()
	return true, flowNext
}
