package interp

import (
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// jobControl reports whether commands get process groups of their own.
// Subshells do not: they are part of their parent's group.
func (sh *shell) jobControl() bool { return sh.opts.on(optMonitor) && sh.parent == nil }

// foreground runs one program in a process group of its own and hands it the
// terminal.
func (sh *shell) foreground(cmd *Command, args []string) (int, error) {
	cmd.Group = 0
	cmd.Report = ReportStart | ReportStops
	cmd.Terminal = sh.rt.terminal
	p, err := sh.rt.sys.Start(cmd)
	if err != nil {
		return 0, err
	}
	pid, err := p.Pid()
	if err == syscall.ENOEXEC {
		if cmd, err = sh.nested(cmd, cmd.Paths[0]); err != nil {
			return 0, err
		}
		if p, err = sh.rt.sys.Start(cmd); err == nil {
			pid, err = p.Pid()
		}
	}
	if err != nil {
		sh.takeTerminal()
		return 0, err
	}
	j := newJob(joinQuoted(args))
	j.pid, j.pids, j.pgid = pid, []int{pid}, pid
	go j.follow(p)
	return sh.foregroundJob(j), nil
}

// foregroundJob waits until a job ends or stops.
func (sh *shell) foregroundJob(j *job) int {
	state, status, changed := j.look()
	for state == jobRunning {
		<-changed
		state, status, changed = j.look()
	}
	sh.takeTerminal()
	if state == jobStopped {
		if j.id == 0 {
			sh.jobs.add(j)
		}
		sh.jobs.promote(j)
		j.mu.Lock()
		j.told = true
		j.mu.Unlock()
		sh.write(2, []byte("\n"+sh.jobs.describe(j, false)))
		return status
	}
	if j.id != 0 {
		sh.jobs.remove(j)
	}
	if j.ws.Signaled() {
		if j.ws.Signal() == syscall.SIGINT && !sh.interactive() {
			sh.attn.die(syscall.SIGINT)
		}
		sh.announceDeath(j.ws)
	}
	return status
}

// takeTerminal makes the shell's group the terminal's foreground group again.
func (sh *shell) takeTerminal() { sh.rt.giveTerminal(unix.Getpgrp()) }

// runJob runs a pipeline, or a subshell as a pipeline of one, under job
// control: its programs share a process group, which the terminal is given to
// and which can be stopped as a whole.
func (p *pipeline) runJob(sh *shell, subs []*shell) flow {
	j := newJob(p.text())
	group := &pipeGroup{job: j}
	var wg sync.WaitGroup
	statuses := make([]int, len(subs))
	for i := range subs {
		subs[i].group = group
		wg.Add(1)
		go func() {
			defer wg.Done()
			statuses[i] = subs[i].runMember(p.members[i])
		}()
	}
	go func() {
		wg.Wait()
		j.become(jobDone, group.ended(), statuses[len(statuses)-1])
	}()
	status := sh.foregroundJob(j)
	if state, _, _ := j.look(); state != jobDone {
		sh.status = status
		return flowNext
	}
	sh.pipelineStatus(statuses)
	return sh.failed()
}

// pipeGroup is the process group that the programs of a pipeline share: that
// of the one that started first.
type pipeGroup struct {
	mu   sync.Mutex
	pgid int
	last syscall.WaitStatus
	job  *job
}

func (g *pipeGroup) ended() syscall.WaitStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

// start starts a member of a pipeline in the common group. When the first
// one has ended and its group with it, the next makes a new one.
func (g *pipeGroup) start(sh *shell, cmd *Command) (Process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	cmd.Report |= ReportStart | ReportStops
	if g.pgid != 0 {
		cmd.Group = g.pgid
		p, err := sh.rt.sys.Start(cmd)
		if err != nil {
			return nil, err
		}
		if _, err := p.Pid(); err != syscall.EPERM && err != syscall.ESRCH {
			return p, nil
		}
	}
	cmd.Group, cmd.Terminal = 0, sh.rt.terminal
	p, err := sh.rt.sys.Start(cmd)
	if err != nil {
		return nil, err
	}
	if pid, err := p.Pid(); err == nil {
		g.pgid = pid
		g.job.adopt(pid)
	}
	return p, nil
}

// adopt makes a process group that of the job.
func (j *job) adopt(pgid int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pgid = pgid
	if j.pid == 0 {
		j.pid = pgid
	}
	j.pids = append(j.pids, pgid)
}

// wait waits for the end of a member and tells the job of stops in between.
func (g *pipeGroup) wait(p Process) (syscall.WaitStatus, error) {
	for {
		ws, _, err := p.Wait()
		switch {
		case err != nil:
			return 0, err
		case ws.Stopped():
			g.job.become(jobStopped, ws, 128+int(ws.StopSignal()))
		case ws.Continued():
			g.job.become(jobRunning, 0, 0)
		default:
			g.mu.Lock()
			g.last = ws
			g.mu.Unlock()
			return ws, nil
		}
	}
}

// setMonitor prepares the process for job control: it must not be stopped
// when it takes the terminal back.
func (rt *runtime) setMonitor(on bool) {
	for _, sig := range []syscall.Signal{syscall.SIGTTOU, syscall.SIGTTIN, syscall.SIGTSTP} {
		switch {
		case rt.terminal < 0 || rt.ignored[sig]:
		case on:
			// Caught rather than ignored: commands must not inherit it.
			signal.Notify(rt.notify, sig)
		default:
			signal.Reset(sig)
		}
	}
}

// giveTerminal makes a group the terminal's foreground group. From the
// background that is allowed only with SIGTTOU blocked (tcsetpgrp(3)); to
// ignore it would be inherited by commands.
func (rt *runtime) giveTerminal(pgid int) {
	if rt.terminal < 0 || pgid <= 0 {
		return
	}
	unlock := blockSignal(syscall.SIGTTOU)
	defer unlock()
	unix.IoctlSetPointerInt(rt.terminal, unix.TIOCSPGRP, pgid)
}
