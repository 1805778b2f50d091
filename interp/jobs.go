package interp

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/syntax"
)

// job is a background list, or with job control a stopped one. pid is what
// $! shows.
type job struct {
	id   int
	pid  int
	pids []int // all processes known, pid included
	pgid int   // process group to signal, 0 without job control
	text string
	// source is the command where the text is to be written when the job stops.
	source syntax.Node
	tell   *attention    // of the shell to be told of changes
	group  *jobGroup     // nil: a single program
	modes  *unix.Termios // of the terminal when it stopped
	// raise is SIGCHLD for the shell whose child the job is, or nil.
	raise func()

	mu      sync.Mutex
	state   jobState
	ws      syscall.WaitStatus
	status  int
	changed chan struct{} // closed and replaced at every change
	told    bool          // the end was reported to the user
	passed  bool          // it ended before a command that the shell waited for
}

type jobState uint8

const (
	jobRunning jobState = iota
	jobStopped
	jobDone
)

func newJob(text string) *job { return &job{text: text, changed: make(chan struct{})} }

// become changes the state and wakes everybody who waits. The signal comes
// first, so that who waits finds it.
func (j *job) become(state jobState, ws syscall.WaitStatus, status int) {
	if j.raise != nil {
		j.raise()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state == jobDone {
		return
	}
	j.state, j.ws, j.status, j.told = state, ws, status, false
	close(j.changed)
	j.changed = make(chan struct{})
	if j.tell != nil {
		j.tell.jobChanged()
	}
}

func (j *job) look() (jobState, int, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.state, j.status, j.changed
}

// jobTable holds the jobs of one shell. A subshell can see its parent's but
// not wait for them.
type jobTable struct {
	jobs    []*job // by age
	current []*job // most recent last: %+ and %-
	parents []*job
	// done remembers the statuses of jobs already removed, as XCU wait wants.
	done  map[int]int
	order []int
	bash  bool // lists them the way of bash
	posix bool // in its POSIX mode
}

// maxDone is how many statuses of finished jobs are kept (CHILD_MAX ≥ 25).
const maxDone = 1024

func (t *jobTable) forSubshell() *jobTable {
	sub := &jobTable{}
	if t != nil {
		sub.bash, sub.posix = t.bash, t.posix
		sub.parents = append(append(sub.parents, t.parents...), t.jobs...)
	}
	return sub
}

func (t *jobTable) add(j *job) {
	j.id = 1
	for _, other := range t.jobs {
		j.id = max(j.id, other.id+1)
	}
	t.jobs = append(t.jobs, j)
	t.current = append(t.current, j)
}

func (t *jobTable) remove(j *job) {
	t.jobs = without(t.jobs, j)
	t.current = without(t.current, j)
	if t.done == nil {
		t.done = map[int]int{}
	}
	_, status, _ := j.look()
	if _, ok := t.done[j.pid]; !ok {
		t.order = append(t.order, j.pid)
	}
	t.done[j.pid] = status
	if len(t.order) > maxDone {
		delete(t.done, t.order[0])
		t.order = t.order[1:]
	}
}

// overlookJobs is what bash's scripts do whenever they have waited for a
// command: jobs that ended until then are nothing for wait -n.
func (sh *shell) overlookJobs() {
	if sh.jobs == nil || len(sh.jobs.jobs) == 0 || !sh.bash() || sh.interactive() {
		return
	}
	for _, j := range sh.jobs.jobs {
		j.mu.Lock()
		j.passed = j.passed || j.state == jobDone
		j.mu.Unlock()
	}
}

// overlooked reports whether wait -n is to say that there is no such job.
func (j *job) overlooked() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.passed
}

func without(list []*job, j *job) []*job {
	for i := range list {
		if list[i] == j {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// promote makes a job the current one.
func (t *jobTable) promote(j *job) {
	t.current = append(without(t.current, j), j)
}

// ranked are the jobs by how much they are the current one, the most last: one
// that is stopped always before one that runs (XCU jobs).
func (t *jobTable) ranked() []*job {
	var running, stopped []*job
	for _, j := range t.current {
		if state, _, _ := j.look(); state == jobStopped {
			stopped = append(stopped, j)
		} else {
			running = append(running, j)
		}
	}
	return append(running, stopped...)
}

// trim forgets finished jobs, so that a long script does not collect them.
func (t *jobTable) trim() {
	for _, j := range append([]*job(nil), t.jobs...) {
		if state, _, _ := j.look(); state == jobDone {
			t.remove(j)
		}
	}
}

func (t *jobTable) byPid(pid int) *job {
	for i := len(t.jobs) - 1; i >= 0; i-- {
		if t.jobs[i].pid == pid {
			return t.jobs[i]
		}
	}
	for i := len(t.jobs) - 1; i >= 0; i-- {
		for _, p := range t.jobs[i].pids {
			if p == pid {
				return t.jobs[i]
			}
		}
	}
	return nil
}

var (
	errNoSuchJob    = errors.New("no such job")
	errAmbiguousJob = errors.New("ambiguous job")
)

// fromTop is the current job for 1, the previous one for 2.
func (t *jobTable) fromTop(n int) (*job, error) {
	if n < 1 || n > len(t.current) {
		return nil, errNoSuchJob
	}
	ranked := t.ranked()
	return ranked[len(ranked)-n], nil
}

// find resolves a job ID (XBD 3.182), or a bare number where the shell's
// builtins take one.
func (t *jobTable) find(spec string) (*job, error) {
	switch spec {
	case "%", "%%", "%+", "":
		return t.fromTop(1)
	case "%-":
		return t.fromTop(min(2, len(t.current)))
	}
	s := strings.TrimPrefix(spec, "%")
	if n, err := strconv.Atoi(s); err == nil {
		for _, j := range t.jobs {
			if j.id == n {
				return j, nil
			}
		}
		return nil, errNoSuchJob
	}
	var found *job
	for _, j := range t.jobs {
		match := strings.HasPrefix(j.text, s)
		if sub, ok := strings.CutPrefix(s, "?"); ok {
			match = strings.Contains(j.text, sub)
		}
		if match && found != nil {
			return nil, errAmbiguousJob
		}
		if match {
			found = j
		}
	}
	if found == nil {
		return nil, errNoSuchJob
	}
	return found, nil
}

// sorted are the jobs by number.
func (t *jobTable) sorted() []*job {
	list := append([]*job(nil), t.jobs...)
	sort.Slice(list, func(a, b int) bool { return list[a].id < list[b].id })
	return list
}

// killJob sends a signal to the processes of a job.
func (sh *shell) killJob(spec string, sig syscall.Signal) error {
	j, err := sh.jobs.find(spec)
	if err != nil {
		return err
	}
	if j.pgid != 0 {
		err = sh.rt.sys.Kill(-j.pgid, sig)
	} else {
		err = sh.rt.sys.Kill(j.pid, sig)
	}
	if state, _, _ := j.look(); err == nil && state == jobStopped && j.pgid != 0 {
		switch sig {
		case syscall.SIGTERM, syscall.SIGHUP:
			// A stopped job could not obey.
			err = sh.rt.sys.Kill(-j.pgid, syscall.SIGCONT)
			j.resume()
		case syscall.SIGCONT, syscall.SIGKILL:
			j.resume()
		}
	}
	return err
}

func (j *job) resume() {
	if state, _, _ := j.look(); state == jobStopped {
		if j.group != nil {
			j.group.resumed()
		}
		j.become(jobRunning, 0, 0)
	}
}

// resumed notes that the leader of a job, or its group, was told to go on.
func (t *jobTable) resumed(pid int) {
	for _, j := range t.jobs {
		if pid == j.pid || pid == -j.pgid && pid != 0 {
			j.resume()
		}
	}
}

// awaitEnd waits for the news of the end of a job whose one process is known to be
// gone: other shells have both from the same call of wait(2).
func (t *jobTable) awaitEnd(pid int) {
	j := t.byPid(pid)
	if j == nil || j.pid != pid || len(j.pids) > 1 {
		return
	}
	late := time.After(deliverLimit)
	for {
		state, _, changed := j.look()
		if state == jobDone {
			return
		}
		select {
		case <-changed:
		case <-late:
			return
		}
	}
}

func (t *jobTable) anyStopped() bool {
	for _, j := range t.jobs {
		if state, _, _ := j.look(); state == jobStopped {
			return true
		}
	}
	return false
}

// mark tells the current job and the previous one.
func (t *jobTable) mark(j *job) string {
	if top, err := t.fromTop(1); err == nil && top == j {
		return "+"
	}
	if next, err := t.fromTop(2); err == nil && next == j {
		return "-"
	}
	return " "
}

// bashStops is what bash's jobs -l says of stops by other signals than SIGTSTP.
var bashStops = map[syscall.Signal]string{
	syscall.SIGSTOP: " (signal)", syscall.SIGTTIN: " (tty input)", syscall.SIGTTOU: " (tty output)",
}

// describe is one line of the jobs builtin (XCU jobs, STDOUT).
func (t *jobTable) describe(j *job, long bool) string {
	mark := t.mark(j)
	j.mu.Lock()
	defer j.mu.Unlock()
	state := "Running"
	switch {
	case j.state == jobStopped && t.bash && long:
		state = "Stopped" + bashStops[j.ws.StopSignal()]
	case j.state == jobStopped && t.bash && !t.posix:
		state = "Stopped"
	case j.state == jobStopped:
		state = "Stopped"
		if j.ws.StopSignal() != syscall.SIGTSTP && j.ws.Stopped() {
			state = "Stopped(" + "SIG" + signalName(int(j.ws.StopSignal())) + ")"
		}
	case j.state == jobDone && j.status > 128 && j.ws.Signaled():
		state = signalText(j.ws.Signal())
	case j.state == jobDone && j.status != 0 && t.bash && !t.posix:
		state = fmt.Sprintf("Exit %d", j.status)
	case j.state == jobDone && j.status != 0:
		state = fmt.Sprintf("Done(%d)", j.status)
	case j.state == jobDone:
		state = "Done"
	}
	pid := ""
	if long {
		pid = strconv.Itoa(j.pid) + " "
	}
	if t.bash {
		text := j.text
		if j.state == jobRunning {
			text += " &"
		}
		if long {
			return fmt.Sprintf("[%d]%s %5d %-24s%s\n", j.id, mark, j.pid, state, text)
		}
		return fmt.Sprintf("[%d]%s  %-24s%s\n", j.id, mark, state, text)
	}
	return fmt.Sprintf("[%d] %s %s%-25s %s\n", j.id, mark, pid, state, j.text)
}

// notices are the jobs that ended or stopped since the last call, as an
// interactive shell tells them before a prompt.
func (t *jobTable) notices() string {
	text := ""
	for _, j := range t.sorted() {
		j.mu.Lock()
		tell := j.state != jobRunning && !j.told
		j.told = true
		done := j.state == jobDone
		j.mu.Unlock()
		if tell {
			text += t.describe(j, false)
		}
		if done {
			t.remove(j)
		}
	}
	return text
}
