package interp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var jobBuiltins = []builtin{
	{name: "wait", run: runWait, usage: "wait [-fn] [-p var] [id ...]"},
	{name: "jobs", run: runJobs, usage: "jobs [-lnprs] [jobspec ...] or jobs -x command [args]"},
	{name: "fg", run: runForeground, usage: "fg [job_spec]"},
	{name: "bg", run: runBackground, usage: "bg [job_spec ...]"},
	{name: "suspend", run: runSuspend, usage: "suspend [-f]"},
	{name: "disown", run: runDisown, usage: "disown [-h] [-ar] [jobspec ... | pid ...]"},
}

func runWait(sh *shell, args []string) int {
	defer sh.reapCoproc()
	rest := args[1:]
	any, into := false, ""
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		switch a := rest[0]; {
		case a == "--":
		case a == "-n":
			any = true
		case a == "-f":
		case a == "-p" && len(rest) > 1:
			into, rest = rest[1], rest[1:]
		case a == "-p":
			return sh.badCall(args[0], &optionError{a, true})
		default:
			return sh.badOption(args[0], a)
		}
		rest = rest[1:]
		if args[len(args)-len(rest)-1] == "--" {
			break
		}
	}
	if into != "" && !sh.validTarget(into) {
		sh.errorf("%s: `%s': not a valid identifier", args[0], into)
		return 1
	}
	if into != "" {
		refs := sh.arrayRefs
		runUnset(sh, []string{"unset", "-v", into})
		sh.arrayRefs = refs
	}
	if any {
		return sh.waitAny(rest, into)
	}
	if len(rest) == 0 {
		return sh.waitAll()
	}
	status := 0
	for _, id := range rest {
		var interrupted bool
		if status, interrupted = sh.waitOne(id, into); interrupted {
			return status
		}
	}
	return status
}

// noteWaited assigns which process it was that was waited for.
func (sh *shell) noteWaited(name string, pid int) {
	if err := sh.assignTo(name, strconv.Itoa(pid)); err != nil {
		sh.errorf("wait: %s", err)
	}
}

func (sh *shell) waitAll() int {
	for _, j := range append([]*job(nil), sh.jobs.jobs...) {
		if interrupted, status := sh.waitJob(j); interrupted {
			return status
		}
		if state, _, _ := j.look(); state == jobDone {
			sh.jobs.remove(j)
		}
	}
	if !sh.bash() {
		sh.jobs.done, sh.jobs.order = nil, nil // no process ID is known any more (XCU wait)
	}
	return 0
}

// waitJob waits until a job is done, or a signal with a trap arrives.
func (sh *shell) waitJob(j *job) (interrupted bool, status int) {
	for waited := false; ; waited = true {
		state, status, changed := j.look()
		if state == jobDone || state == jobStopped && sh.jobControl() {
			return sh.waitOver(status, waited)
		}
		sh.rt.work.rest()
		select {
		case <-changed:
			sh.rt.work.resume()
			continue
		case <-sh.attn.bell:
			sh.rt.work.resume()
		}
		if sh.bash() && sh.onlyChildren() {
			if sh.jump = sh.attend(); sh.jump != flowNext {
				return true, sh.status
			}
			continue
		}
		if interrupted, status := sh.interruption(); interrupted {
			return true, status
		}
	}
}

// interruption runs the traps that interrupt wait: its status tells which.
func (sh *shell) interruption() (bool, int) {
	sh.hold()
	if sh.attn.pending.Load() == 0 {
		return false, 0
	}
	status := sh.interruptedStatus()
	sh.jump = sh.attend()
	if sh.jump != flowNext {
		return true, sh.status
	}
	return true, status
}

// onlyChildren reports whether nothing but SIGCHLD is pending. Its trap does
// not end bash's wait outside of the POSIX mode.
func (sh *shell) onlyChildren() bool {
	return sh.attn.pending.Load() == attnSignal && sh.attn.signals.Load() == 1<<uint(syscall.SIGCHLD)
}

// childTrapDelay bounds how long SIGCHLD may take from the kernel to here
// after its process was awaited.
const childTrapDelay = 50 * time.Millisecond

// waitOver ends a wait for what has ended. In bash the trap on the SIGCHLD that
// came with it runs before that; elsewhere it has interrupted the wait, as any
// signal with a trap would (XCU 2.12), whichever of the two was seen first.
func (sh *shell) waitOver(status int, waited bool) (interrupted bool, _ int) {
	if !waited && !sh.bash() || sh.traps.disposition(syscall.SIGCHLD) != trapCommand {
		return false, status
	}
	if sh.attn.pending.Load() == 0 {
		select {
		case <-sh.attn.bell:
		case <-time.After(childTrapDelay):
		}
	}
	if !sh.onlyChildren() {
		return false, status
	}
	if !sh.bash() {
		return sh.interruption()
	}
	if sh.jump = sh.attend(); sh.jump != flowNext {
		return true, sh.status
	}
	return false, status
}

func (sh *shell) waitOne(id, into string) (status int, interrupted bool) {
	var j *job
	if strings.HasPrefix(id, "%") {
		found, err := sh.jobs.find(id)
		if err != nil {
			sh.errorf("wait: %s: %s", id, err)
			return 127, false
		}
		j = found
	} else {
		pid, err := strconv.Atoi(id)
		if err != nil || pid < 0 {
			if sh.bash() {
				sh.errorf("wait: `%s': not a pid or valid job spec", id)
				return 1, false
			}
			return sh.builtinFailed(2, "wait: %s", sh.illegal(id)), false
		}
		if j = sh.jobs.byPid(pid); j == nil {
			if status, ok := sh.jobs.done[pid]; ok {
				if !sh.bash() {
					delete(sh.jobs.done, pid)
				}
				return status, false
			}
			if sh.bash() {
				sh.errorf("wait: pid %d is not a child of this shell", pid)
			}
			return 127, false
		}
	}
	if interrupted, status := sh.waitJob(j); interrupted {
		return status, true
	}
	state, status, _ := j.look()
	if into != "" {
		sh.noteWaited(into, j.pid)
	}
	if state == jobDone { // not one that stopped
		sh.jobs.remove(j)
		if !sh.bash() {
			delete(sh.jobs.done, j.pid) // not known any more (XCU wait)
		}
	}
	return status, false
}

// waitAny is wait -n: for the first of several jobs to end.
func (sh *shell) waitAny(ids []string, into string) int {
	list := slices.DeleteFunc(sh.jobs.sorted(), (*job).overlooked)
	if len(ids) > 0 {
		list = nil
		for _, id := range ids {
			var j *job
			if pid, err := strconv.Atoi(id); err == nil {
				j = sh.jobs.byPid(pid)
			} else {
				j, _ = sh.jobs.find(id)
			}
			if j != nil && !j.overlooked() {
				list = append(list, j)
			} else if sh.bash() {
				sh.errorf("wait: %s: no such job", id)
			}
		}
	}
	if len(list) == 0 {
		return 127
	}
	done := make(chan struct{})
	defer close(done)
	ended := make(chan *job, len(list))
	for _, j := range list {
		go func() {
			for {
				state, _, changed := j.look()
				if state == jobDone {
					ended <- j
					return
				}
				select {
				case <-changed:
				case <-done:
					return
				}
			}
		}()
	}
	sh.rt.work.rest()
	defer sh.rt.work.resume()
	for {
		select {
		case j := <-ended:
			_, status, _ := j.look()
			if into != "" {
				sh.noteWaited(into, j.pid)
			}
			sh.jobs.remove(j)
			return status
		case <-sh.attn.bell:
			if interrupted, status := sh.interruption(); interrupted {
				return status
			}
		}
	}
}

// runSuspend stops the shell itself, until somebody continues it.
func runSuspend(sh *shell, args []string) int {
	what := "suspend"
	if sh.bash() {
		what += ": cannot suspend"
	}
	if !sh.needJobControl(what) {
		return 1
	}
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGSTOP); err != nil {
		sh.errorf("suspend: %s", errText(err))
		return 1
	}
	return 0
}

// runWithJobs is jobs -x: a command whose job IDs become process groups.
func (sh *shell) runWithJobs(words []string) int {
	words = append([]string(nil), words...)
	for i, w := range words {
		if !strings.HasPrefix(w, "%") {
			continue
		}
		if j, err := sh.jobs.find(w); err == nil {
			words[i] = strconv.Itoa(max(j.pgid, j.pid))
		}
	}
	if len(words) == 0 {
		return 0
	}
	sh.jump = (&simple{line: sh.line}).command(sh, words)
	return sh.status
}

func runJobs(sh *shell, args []string) int {
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "-x" {
		return sh.runWithJobs(rest[1:])
	}
	long, pids, running, stopped := false, false, false, false
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		a := rest[0]
		rest = rest[1:]
		if a == "--" {
			break
		}
		for _, c := range a[1:] {
			switch c {
			case 'l':
				long = true
			case 'p':
				pids = true
			case 'r':
				running = true
			case 's':
				stopped = true
			case 'n':
			default:
				return sh.badOption(args[0], "-"+string(c))
			}
		}
	}
	t := sh.jobs
	if sh.parent != nil && len(t.jobs) == 0 {
		t = &jobTable{jobs: t.parents, current: t.parents, bash: t.bash, posix: t.posix}
	}
	list := t.sorted()
	if len(rest) > 0 {
		list = nil
		for _, id := range rest {
			j, err := t.find(id)
			if err != nil {
				sh.errorf("jobs: %s: %s", id, err)
				return 1
			}
			list = append(list, j)
		}
	}
	var b strings.Builder
	for _, j := range list {
		state, _, _ := j.look()
		switch {
		case running && state != jobRunning, stopped && state != jobStopped:
			continue
		case state == jobDone && sh.bash() && sh.opts.on(optCommand) && !sh.jobControl(): // forgotten by then
		case pids:
			b.WriteString(strconv.Itoa(j.pid) + "\n")
		default:
			b.WriteString(t.describe(j, long))
		}
		if state == jobDone && t == sh.jobs && !pids {
			t.remove(j)
		}
	}
	return sh.output("jobs", []byte(b.String()))
}

func (sh *shell) jobOperand(name string, args []string) *job {
	spec := ""
	if rest := operands(args); len(rest) > 0 {
		spec = rest[0]
	}
	j, err := sh.jobs.find(spec)
	if pid, bad := strconv.Atoi(spec); err != nil && bad == nil && name == "disown" {
		if j = sh.jobs.byPid(pid); j != nil {
			return j
		}
	}
	if err != nil {
		if spec == "" {
			spec = "current"
		}
		sh.errorf("%s: %s: %s", name, spec, err)
		return nil
	}
	return j
}

func (sh *shell) needJobControl(name string) bool {
	if sh.jobControl() {
		return true
	}
	sh.errorf("%s: no job control", name)
	return false
}

func runForeground(sh *shell, args []string) int {
	if !sh.needJobControl("fg") {
		return 1
	}
	j := sh.jobOperand("fg", args)
	if j == nil {
		return 1
	}
	sh.lendTerminal(j) // first: who sees the text may type ^C
	sh.output("fg", []byte(j.text+"\n"))
	if j.group != nil {
		j.group.front.Store(true)
	}
	if err := sh.continueJob(j); err != nil {
		sh.errorf("fg: %s", errText(err))
		return 1
	}
	return sh.foregroundJob(j)
}

func (sh *shell) continueJob(j *job) error {
	j.resume()
	err := sh.rt.sys.Kill(-j.pgid, syscall.SIGCONT)
	if err == syscall.ESRCH {
		err = nil // it has just ended
	}
	return err
}

func runBackground(sh *shell, args []string) int {
	if !sh.needJobControl("bg") {
		return 1
	}
	specs := operands(args)
	if len(specs) == 0 {
		specs = []string{""}
	}
	status := 0
	for _, spec := range specs {
		status = max(status, sh.resumeBehind(spec))
	}
	return status
}

// resumeBehind lets one job go on in the background.
func (sh *shell) resumeBehind(spec string) int {
	j := sh.jobOperand("bg", []string{"bg", "--", spec})
	if j == nil {
		return 1
	}
	line := "[" + strconv.Itoa(j.id) + "] " + j.text + "\n"
	if sh.bash() {
		line = fmt.Sprintf("[%d]%s %s &\n", j.id, sh.jobs.mark(j), j.text)
	} else if sh.rt.bash {
		line = fmt.Sprintf("[%d] %s &\n", j.id, j.text)
	}
	status := sh.output("bg", []byte(line)) // before what the job writes
	if err := sh.continueJob(j); err != nil {
		sh.errorf("bg: %s", errText(err))
		return 1
	}
	return status
}

func runDisown(sh *shell, args []string) int {
	rest := operands(args)
	if len(rest) > 0 && rest[0] == "-a" {
		sh.jobs.jobs, sh.jobs.current = nil, nil
		return 0
	}
	if len(rest) > 0 && (rest[0] == "-h" || rest[0] == "-r") {
		return 0
	}
	if sh.bash() && len(rest) > 0 && isOption(rest[0]) {
		return sh.badOption(args[0], rest[0][:2])
	}
	j := sh.jobOperand("disown", args)
	if j == nil {
		return 1
	}
	sh.jobs.remove(j)
	sh.rt.mu.Lock()
	delete(sh.rt.jobs, j)
	sh.rt.mu.Unlock()
	return 0
}
