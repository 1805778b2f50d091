package interp

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

var jobBuiltins = []builtin{
	{name: "wait", run: runWait, usage: "wait [-fn] [-p var] [id ...]"},
	{name: "jobs", run: runJobs, usage: "jobs [-lnprs] [jobspec ...] or jobs -x command [args]"},
	{name: "fg", run: runForeground, usage: "fg [job_spec]"},
	{name: "bg", run: runBackground, usage: "bg [job_spec ...]"},
	{name: "suspend", run: runSuspend, usage: "suspend [-f]"},
	{name: "disown", run: runDisown, usage: "disown [-h] [-ar] [jobspec ... | pid ...]"},
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
