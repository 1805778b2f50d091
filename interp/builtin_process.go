package interp

import (
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/interp/startlimit"
)

// processBuiltins are the builtins about properties that commands inherit.
var processBuiltins = []builtin{
	{name: "umask", run: runUmask, usage: "umask [-p] [-S] [mode]"},
	{name: "ulimit", run: runUlimit, usage: "ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]"},
	{name: "times", special: true, run: runTimes, usage: "times"},
	{name: "kill", run: runKill, usage: "kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]"},
}

func runUmask(sh *shell, args []string) int {
	symbolic, reusable := false, false
	opts := optionScanner{args: args[1:], spec: "Sp"}
	for opts.next() {
		symbolic = symbolic || opts.letter == 'S'
		reusable = reusable || opts.letter == 'p'
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	rest := opts.rest()
	if len(rest) == 0 {
		text := formatUmask(sh.umask, symbolic) + "\n"
		if reusable && symbolic {
			text = "umask -S " + text
		} else if reusable {
			text = "umask " + text
		}
		return sh.emit(args[0], append(sh.scratch[:0], text...))
	}
	mask, err := parseUmask(rest[0], sh.umask)
	if err != nil {
		sh.errorf("%s: %s", args[0], sh.worded(err.Error()+": "+rest[0], badMask(rest[0])))
		return sh.badNumber()
	}
	sh.umask = mask
	if symbolic && sh.bash() {
		return sh.emit(args[0], append(sh.scratch[:0], formatUmask(mask, true)+"\n"...))
	}
	return 0
}

// limitOf is a limit as commands started now have it.
func (sh *shell) limitOf(resource int) Limit {
	if resource == ulimitPipe {
		const pipeBuf = 4096 // PIPE_BUF, limits.h
		return Limit{Resource: resource, Cur: pipeBuf, Max: pipeBuf}
	}
	for _, l := range sh.limits {
		if l.Resource == resource {
			return l
		}
	}
	cur, max := startlimit.Get(resource)
	return Limit{Resource: resource, Cur: cur, Max: max}
}

// setLimit changes a limit for commands. It is a copy on write: subshells
// share the slice.
func (sh *shell) setLimit(next Limit) {
	limits := make([]Limit, 0, len(sh.limits)+1)
	for _, l := range sh.limits {
		if l.Resource != next.Resource {
			limits = append(limits, l)
		}
	}
	sh.limits = append(limits, next)
}

// raisable is how far a hard limit can be raised. Only the privileged can,
// and not above what the shell has: inside a sandbox even root has no
// CAP_SYS_RESOURCE, and every command after it would fail to start.
func (sh *shell) raisable(old Limit) uint64 {
	if syscall.Geteuid() != 0 {
		return old.Max
	}
	_, max := startlimit.Get(old.Resource)
	return max
}

func runUlimit(sh *shell, args []string) int {
	dash := !sh.bash()
	f, err := parseUlimit(args[1:], dash)
	if err != nil {
		sh.badCall(args[0], err)
		return 2
	}
	if f.all {
		return sh.emit(args[0], appendLimits(sh.scratch[:0], f, dash, sh.limitOf))
	}
	out := sh.scratch[:0]
	for i := range f.requests {
		r := &f.requests[i]
		old := sh.limitOf(r.res.resource)
		if !r.set {
			out = appendOneLimit(out, r.res, old, f, dash)
			continue
		}
		next, err := r.newLimit(old, f, dash, sh.raisable(old))
		if err != nil {
			sh.errorf("%s: %s", args[0], ulimitError(r, err, sh.bash()))
			return max(1, sh.emit(args[0], out))
		}
		sh.setLimit(next)
	}
	return sh.emit(args[0], out)
}

// appendOneLimit prints a limit, with its name if it is not the only one.
func appendOneLimit(dst []byte, r *ulimitResource, l Limit, f *ulimitFlags, dash bool) []byte {
	v := l.Cur
	if f.hard && !f.soft {
		v = l.Max
	}
	text := formatLimit(v, r.blockUnit(dash))
	if len(f.requests) > 1 {
		unit := "(" + r.unitName + "-" + string(r.letter) + ")"
		return fmt.Appendf(dst, "%-20s%20s %s\n", r.name, unit, text)
	}
	return append(append(dst, text...), '\n')
}

func ulimitError(r *ulimitRequest, err error, bash bool) string {
	if err == errBadLimit && bash {
		return r.value + ": invalid number"
	}
	if _, ok := err.(syscall.Errno); ok {
		return "error setting limit (" + errText(err) + ")"
	}
	return r.value + ": " + err.Error()
}

func runTimes(sh *shell, args []string) int {
	var self syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		sh.errorf("%s: %s", args[0], errText(err))
		return 1
	}
	user, system := sh.rt.sys.ChildTimes()
	out := appendTimes(sh.scratch[:0], self.Utime, self.Stime, sh.bash())
	return sh.emit(args[0], appendTimes(out, user, system, sh.bash()))
}

// appendTimes prints as POSIX's times does; bash shows milliseconds.
func appendTimes(dst []byte, user, system syscall.Timeval, short bool) []byte {
	for i, tv := range [...]syscall.Timeval{user, system} {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if short {
			dst = fmt.Appendf(dst, "%dm%d.%03ds", tv.Sec/60, tv.Sec%60, tv.Usec/1000)
		} else {
			dst = fmt.Appendf(dst, "%dm%d.%06ds", tv.Sec/60, tv.Sec%60, tv.Usec)
		}
	}
	return append(dst, '\n')
}

// killCall is a parsed kill command.
type killCall struct {
	list    bool
	sig     int
	targets []string
}

func runKill(sh *shell, args []string) int {
	c, err := parseKill(args[1:])
	if bad, ok := err.(*nameError); ok && sh.bash() {
		sh.errorf("%s: %s", args[0], bad)
		return 1
	} else if ok {
		sh.errorf("%s: invalid signal number or name: %s", args[0], bad.name)
		return 2
	} else if lacking, ok := err.(*optionError); ok && sh.bash() {
		sh.errorf("%s: %s: option requires an argument", args[0], lacking.option)
		return 1
	} else if err != nil {
		sh.errorf("%s: %s", args[0], err)
		return 2
	}
	if c.list {
		return sh.listSignals(args[0], c.targets)
	}
	if len(c.targets) == 0 {
		return sh.usageError(args[0])
	}
	status := 0
	for _, target := range c.targets {
		if err := sh.killTarget(target, syscall.Signal(c.sig)); err != nil {
			text := killText(target, err)
			if bad, ok := err.(*illegalTarget); ok && sh.bash() {
				text = bad.text + ": arguments must be process or job IDs"
			}
			sh.errorf("%s: %s", args[0], text)
			status = 1
		}
	}
	return status
}

// illegalTarget is an operand of kill that is neither a number nor a job.
type illegalTarget struct{ text string }

func (e *illegalTarget) Error() string { return "Illegal number: " + e.text }

func killText(target string, err error) string {
	if _, ok := err.(syscall.Errno); ok {
		return "(" + target + ") - " + errText(err)
	}
	if target != "" && target[0] == '%' {
		return target + ": " + err.Error()
	}
	return err.Error()
}

// parseKill reads the options. A number behind the first option, as in
// `kill -9 -1`, is a process group.
func parseKill(args []string) (*killCall, error) {
	c := &killCall{sig: int(syscall.SIGTERM)}
	if len(args) == 0 || !isOption(args[0]) {
		c.targets = args
		return c, nil
	}
	option, rest := args[0], args[1:]
	var name string
	switch {
	case option == "--":
		c.targets = rest
		return c, nil
	case option == "-l" || option == "-L":
		c.list = true
		if len(rest) > 0 && rest[0] == "--" {
			rest = rest[1:]
		}
		c.targets = rest
		return c, nil
	case option == "-s" || option == "-n":
		if len(rest) == 0 {
			return nil, &optionError{option, true}
		}
		name, rest = rest[0], rest[1:]
	default:
		name = option[1:]
		if sig, ok := signalByName(name); !ok || sig < 0 {
			if len(name) > 1 && (name[0] == 's' || name[0] == 'n') {
				name = name[1:]
			}
		}
	}
	sig, ok := signalByName(name)
	if !ok {
		return nil, &nameError{name, "invalid signal specification"}
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	c.sig, c.targets = sig, rest
	return c, nil
}

func (sh *shell) killTarget(target string, sig syscall.Signal) error {
	if target != "" && target[0] == '%' {
		return sh.killJob(target, sig)
	}
	pid, err := strconv.Atoi(target)
	if err != nil || pid != int(int32(pid)) {
		return &illegalTarget{target}
	}
	if pid == sh.rt.sys.Pid() && sig != 0 && sig != syscall.SIGKILL && !sh.rt.replaced.Load() {
		return sh.killMain(pid, sig)
	}
	if sh.standIn != nil && sh.isOwn(pid) && (sigEnds(sig) || sh.traps.disposition(sig) == trapCommand) && sig != 0 {
		sh.signalSelf(sig)
		return nil
	}
	err = sh.rt.sys.Kill(pid, sig)
	if err == nil && (sig == syscall.SIGCONT || sig == syscall.SIGKILL) {
		sh.jobs.resumed(pid)
	}
	if err == syscall.ESRCH {
		sh.jobs.awaitEnd(pid)
	}
	if own := sh.group; err == nil && own != nil && own.leader != nil && (pid == own.pgid || pid == -own.pgid) ||
		err == nil && sh.standIn != nil && sh.isOwn(pid) {
		sh.awaitOwnSignal(sig)
	}
	if err == nil && (pid <= 0 || sig == syscall.SIGKILL && pid == sh.rt.sys.Pid()) {
		sh.awaitOwnSignal(sig)
	}
	return err
}

// killMain signals the shell that has the number $$. kill(2) delivers a
// signal to the caller before it returns; by the detour through the kernel
// and the dispatcher it would come later, after the next commands.
func (sh *shell) killMain(pid int, sig syscall.Signal) error {
	main := sh.rt.main
	switch main.traps.disposition(sig) {
	case trapIgnore:
		return nil
	case trapCommand:
		main.attn.raise(sig)
		return nil
	}
	if !sigEnds(sig) {
		return sh.rt.sys.Kill(pid, sig)
	}
	if sh.rt.survives(sig) {
		return nil
	}
	main.attn.die(sig)
	return nil
}

// isOwn reports whether a process stands for this subshell.
func (sh *shell) isOwn(pid int) bool {
	own := sh.ownPid()
	return own != 0 && own == pid
}

// signalSelf is what kill $BASHPID does to a subshell: at once, which the
// detour through its process would not be.
func (sh *shell) signalSelf(sig syscall.Signal) {
	disposition := sh.traps.disposition(sig)
	switch {
	case sig == syscall.SIGKILL || disposition != trapIgnore && disposition != trapCommand:
		sh.attn.die(sig)
	case disposition == trapCommand:
		sh.attn.raise(sig)
	}
}

// ownSignalDelay is how long a signal to all processes of the group may take
// to reach this shell, one of them.
const ownSignalDelay = 50 * time.Millisecond

func (sh *shell) awaitOwnSignal(sig syscall.Signal) {
	action := sh.traps.disposition(sig)
	stops := (sh.group != nil || sh.gate != nil) && (sigStops(sig) || sig == syscall.SIGSTOP)
	if sig == 0 || action == trapIgnore || action == trapDefault && !sigEnds(sig) && !stops {
		return
	}
	if sh.attn.pending.Load() == 0 {
		select {
		case <-sh.attn.bell:
		case <-time.After(ownSignalDelay):
		}
	}
	if stops && !sh.hold() {
		sh.awaitContinue() // it has been stopped, and told to go on already
	}
}

// listSignals is kill -l: all names, or a name for each number or exit
// status, or a number for each name.
func (sh *shell) listSignals(name string, operands []string) int {
	out := sh.scratch[:0]
	if len(operands) == 0 {
		return sh.emit(name, appendSignalList(out, sh.bash()))
	}
	status := 0
	for _, s := range operands {
		v, n := digits(s, 10, 9)
		number := int(v)
		if n == len(s) && number > 128 {
			number -= 128
		}
		sig, ok := signalByName(s)
		switch {
		case n == len(s) && number <= signalRTMax:
			out = append(append(out, signalName(number)...), '\n')
		case ok && n != len(s):
			out = append(strconv.AppendInt(out, int64(sig), 10), '\n')
		default:
			if sh.bash() {
				sh.errorf("%s: %s: invalid signal specification", name, s)
			} else {
				sh.errorf("%s: invalid signal number or exit status: %s", name, s)
			}
			status = 1
		}
	}
	return max(status, sh.emit(name, out))
}
