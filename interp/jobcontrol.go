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
	j := sh.newChild(sh.joinTraced(args))
	j.pid, j.pids, j.pgid = pid, []int{pid}, pid
	if sh.entered == nil {
		j.source = sh.current
	}
	go j.follow(p)
	return sh.foregroundJob(j), nil
}

// foregroundJob waits until a job ends or stops.
func (sh *shell) foregroundJob(j *job) int {
	sh.rt.away.Store(sh.rt.terminal >= 0)
	if j.group != nil {
		j.group.front.Store(true)
		sh.rt.front.Store(j.group)
	}
	state, status, changed := j.look()
	for state == jobRunning {
		sh.passInterrupt(j)
		sh.rt.work.rest()
		select {
		case <-changed:
		case <-sh.attn.bell:
		}
		sh.rt.work.resume()
		state, status, changed = j.look()
	}
	if j.group != nil {
		sh.rt.front.Store(nil)
		j.group.front.Store(false)
		j.group.lent.Store(false)
	}
	sh.takeTerminal()
	if state == jobStopped {
		return sh.stoppedInFront(j, status)
	}
	sh.rt.settle()
	sh.rt.cross() // with job control the shell catches what interrupts it
	if j.id != 0 {
		sh.jobs.remove(j)
	}
	if !j.ws.Signaled() {
		sh.rt.modes = sh.rt.terminalModes() // those that the job left are meant
		return status
	}
	sh.rt.setModes(sh.rt.modes)
	if j.ws.Signal() == syscall.SIGINT {
		// As if the shell had been interrupted as well.
		switch sh.traps.disposition(syscall.SIGINT) {
		case trapIgnore:
		case trapCommand:
			sh.attn.raise(syscall.SIGINT)
		default:
			sh.attn.die(syscall.SIGINT)
		}
	}
	sh.announceDeath(j.ws)
	return status
}

// passInterrupt gives the job an interrupt that reached the shell because the
// job did not have the terminal yet. A script ends of it as well.
func (sh *shell) passInterrupt(j *job) {
	j.mu.Lock()
	pgid := j.pgid
	j.mu.Unlock()
	if pgid == 0 || sh.rt.terminal < 0 || sh.attn.cancel.Load() != int32(syscall.SIGINT) {
		return
	}
	if sh.interactive() && sh.attn.cancel.CompareAndSwap(int32(syscall.SIGINT), 0) {
		sh.attn.pending.And(^uint32(attnCancel))
	}
	sh.rt.sys.Kill(-pgid, syscall.SIGINT)
}

// stoppedInFront makes the job that stopped the current one.
func (sh *shell) stoppedInFront(j *job, status int) int {
	j.modes = sh.rt.terminalModes()
	sh.rt.setModes(sh.rt.modes)
	// Where the job's redirections hold for the shell as well, the next prompt
	// tells.
	now := !sh.interactive() || sh.condIsTTY(2)
	j.mu.Lock()
	j.told = now
	if j.source != nil {
		j.text, j.source = sh.commandText(j.source), nil
	}
	j.mu.Unlock()
	if j.id == 0 {
		sh.addJob(j)
	}
	sh.jobs.promote(j)
	if now && sh.interactive() {
		sh.write(2, []byte("\n"+sh.jobs.describe(j, false)))
	}
	if sh.interactive() && sh.loopDepth > 0 {
		// As in bash: who stops a step of a loop wants the prompt.
		sh.levels, sh.jump = sh.loopDepth, flowBreak
	}
	return status
}

// addJob enters a job in the table, and among those that a hang-up is for.
func (sh *shell) addJob(j *job) {
	sh.jobs.add(j)
	if !sh.interactive() || sh.parent != nil || j.pgid == 0 {
		return
	}
	sh.rt.mu.Lock()
	defer sh.rt.mu.Unlock()
	for old := range sh.rt.jobs {
		if state, _, _ := old.look(); state == jobDone {
			delete(sh.rt.jobs, old)
		}
	}
	if sh.rt.jobs == nil {
		sh.rt.jobs = map[*job]bool{}
	}
	sh.rt.jobs[j] = true
}

// hangUp tells the jobs of an interactive shell that it ends by SIGHUP.
func (rt *runtime) hangUp() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for j := range rt.jobs {
		state, _, _ := j.look()
		if state == jobDone {
			continue
		}
		rt.sys.Kill(-j.pgid, syscall.SIGHUP)
		if state == jobStopped {
			rt.sys.Kill(-j.pgid, syscall.SIGCONT)
		}
	}
}

// terminalModes are the modes of the terminal, nil without one.
func (rt *runtime) terminalModes() *unix.Termios {
	if rt.terminal < 0 {
		return nil
	}
	t, err := unix.IoctlGetTermios(rt.terminal, unix.TCGETS)
	if err != nil {
		return nil
	}
	return t
}

func (rt *runtime) setModes(t *unix.Termios) {
	if rt.terminal >= 0 && t != nil {
		unblock := blockSignal(syscall.SIGTTOU)
		unix.IoctlSetTermios(rt.terminal, unix.TCSETSW, t)
		unblock()
	}
}

// takeTerminal makes the shell's group the terminal's foreground group again.
func (sh *shell) takeTerminal() {
	sh.rt.giveTerminal(unix.Getpgrp())
	sh.rt.away.Store(false)
}

// runJob runs a pipeline, or a subshell as a pipeline of one, under job
// control: it is in a process group of its own, which the terminal is given
// to and which can be stopped as a whole.
func (p *pipeline) runJob(sh *shell, subs []*shell) flow {
	j := newJob(p.text(sh))
	g := &jobGroup{rt: sh.rt, job: j, size: len(subs), members: len(subs), bare: map[*shell]bool{}}
	j.group = g
	g.front.Store(true)
	for i, name := range p.names {
		if sh.isProgram(name) {
			g.bare[subs[i]] = true
		}
	}
	if len(g.bare) < len(subs) {
		if err := g.lead(sh, sh.rt.terminal); err != nil {
			for _, sub := range subs {
				sub.close()
			}
			sh.errorf("cannot start a job: %s", errText(err))
			sh.status = 2
			return sh.fatalFlow()
		}
	}
	var wg sync.WaitGroup
	statuses := make([]int, len(subs))
	for i := range subs {
		subs[i].group = g
		g.enter(subs[i])
		wg.Add(1)
		sh.rt.work.resume()
		go func() {
			defer wg.Done()
			statuses[i] = subs[i].runMember(p.members[i])
			sh.rt.work.rest()
			g.memberEnded()
		}()
	}
	go func() {
		wg.Wait()
		last := statuses[len(statuses)-1]
		j.become(jobDone, g.finish(last), last)
	}()
	status := sh.foregroundJob(j)
	if state, _, _ := j.look(); state != jobDone {
		sh.status = status
		return sh.takeJump()
	}
	sh.pipelineStatus(statuses)
	if p.names == nil { // a subshell, see judged
		return flowNext
	}
	return sh.failed()
}

// isProgram reports, as far as can be told, whether a command of a constant
// name is a program: a job of nothing else needs nobody to stand for the shell.
func (sh *shell) isProgram(name string) bool {
	if name == "" {
		return false
	}
	fn, b := sh.findInternal(name)
	return fn == nil && b == nil
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

// setMonitor prepares the process for job control: it must not be stopped
// when it takes the terminal back.
func (rt *runtime) setMonitor(on bool) {
	if on && rt.terminal < 0 && rt.openTerminal != nil {
		rt.terminal = rt.openTerminal()
		rt.modes = rt.terminalModes()
	}
	if on {
		rt.catchInterrupts() // they may be meant for the job in the foreground
	}
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

// lendTerminal makes the group of a job the terminal's foreground group. The
// number is one of the System's: a process of its tells the kernel.
func (sh *shell) lendTerminal(j *job) {
	if sh.rt.terminal < 0 {
		return
	}
	sh.rt.away.Store(true)
	if j.modes != nil {
		sh.rt.modes = sh.rt.terminalModes()
		sh.rt.setModes(j.modes)
	}
	st, err := sh.rt.sys.StandIn(&Command{
		Argv: []string{sh.name}, Env: []string{}, Dir: sh.dir, Umask: sh.umask,
		Group: j.pgid, Terminal: sh.rt.terminal, Report: ReportStart, Where: sh.where("fg"),
	})
	if err != nil {
		return // the job will be told by SIGTTIN
	}
	if _, err := st.Pid(); err == nil {
		st.End(0)
	}
	st.Wait()
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
