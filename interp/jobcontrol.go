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
// The shell ignores SIGTTOU while job control is on, see setMonitor.
func (sh *shell) takeTerminal() {
	if sh.rt.terminal >= 0 {
		unix.IoctlSetPointerInt(sh.rt.terminal, unix.TIOCSPGRP, unix.Getpgrp())
	}
}

// runJob runs a pipeline under job control. Members that are programs share
// the group of a stand-in, which the terminal is given to.
func (p *pipeline) runJob(sh *shell, subs []*shell) flow {
	// Members run with the process group of the first program: the shell's
	// own group when the whole pipeline is builtins.
	group := &pipeGroup{}
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
	wg.Wait()
	sh.takeTerminal()
	sh.pipelineStatus(statuses)
	return sh.failed()
}

// pipeGroup is the process group that the programs of a pipeline share: that
// of the one that started first.
type pipeGroup struct {
	mu   sync.Mutex
	pgid int
}

// start starts a member of a pipeline in the common group.
func (g *pipeGroup) start(sh *shell, cmd *Command) (Process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	cmd.Group = g.pgid
	if g.pgid == 0 {
		cmd.Report |= ReportStart
		cmd.Terminal = sh.rt.terminal
	}
	p, err := sh.rt.sys.Start(cmd)
	if err == nil && g.pgid == 0 {
		if pid, err := p.Pid(); err == nil {
			g.pgid = pid
		}
	}
	return p, err
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

// giveTerminal makes a job's group the foreground group.
func (rt *runtime) giveTerminal(pgid int) {
	if rt.terminal >= 0 {
		unix.IoctlSetPointerInt(rt.terminal, unix.TIOCSPGRP, pgid)
	}
}
