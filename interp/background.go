package interp

import (
	"fmt"
	"syscall"

	"mvdan.cc/sh/v3/syntax"
)

// background compiles `command &`.
func (c *compiler) background(s *syntax.Stmt) node {
	fg := *s
	fg.Background = false
	fg.Semicolon = syntax.Pos{}
	return c.backgroundJob(&fg).run
}

func (c *compiler) backgroundJob(s *syntax.Stmt) *backgroundJob {
	fg := *s
	b := &backgroundJob{line: int(s.Pos().Line()), text: func(sh *shell) string { return sh.stmtText(&fg) }}
	if call, ok := fg.Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 && !fg.Negated && allPure(call, fg.Redirs) {
		b.simple = &simple{
			assigns: c.assigns(call.Assigns), words: c.words(call.Args),
			redirs: c.redirects(fg.Redirs), line: b.line,
		}
	}
	if in, ok := fg.Cmd.(*syntax.Subshell); ok && !fg.Negated {
		// The background environment is the subshell already.
		b.body = c.list(in.Stmts)
		if len(fg.Redirs) > 0 {
			b.body = redirected(c.redirects(fg.Redirs), b.body, (*shell).failed)
		}
		return b
	}
	b.body = c.stmt(&fg)
	return b
}

func allPure(call *syntax.CallExpr, redirs []*syntax.Redirect) bool {
	for _, a := range call.Assigns {
		if !isPure(a.Value) || a.Array != nil || a.Index != nil {
			return false
		}
	}
	for _, w := range call.Args {
		if !isPure(w) {
			return false
		}
	}
	for _, r := range redirs {
		if !isPure(r.Word) || r.Hdoc != nil && !isPure(r.Hdoc) || r.Op == syntax.RdrInOut {
			return false
		}
	}
	return true
}

// backgroundJob is `command &`. A program whose words expand without running
// anything is started directly and is its own $!; whatever else runs in a
// goroutine, with a stand-in for its number.
type backgroundJob struct {
	simple *simple
	body   node
	line   int
	text   func(*shell) string
}

func (b *backgroundJob) run(sh *shell) flow { return b.start(sh, nil) }

// start runs the job in a subshell that setup, if there is any, prepares.
func (b *backgroundJob) start(sh *shell, setup func(sub *shell)) flow {
	sh.line = b.line
	sh.jobs.trim()
	sub := sh.subshell(true)
	sub.noErrexit = 0
	j := sh.newChild(b.text(sh))
	if !sh.jobControl() {
		sub.detach()
	}
	sub.leaveCoproc()
	if setup != nil {
		setup(sub)
	}
	started, err := b.startDirect(sh, sub, j)
	if err == nil && !started {
		err = b.startBody(sh, sub, j)
	}
	if err != nil {
		sub.close()
		sh.errorf("cannot start a background job: %s", errText(err))
		sh.status = 2
		return sh.fatalFlow()
	}
	if sh.interactive() && sh.parent == nil {
		j.mu.Lock()
		j.tell = sh.attn
		j.mu.Unlock()
	}
	sh.addJob(j)
	sh.lastBg, sh.late = j.pid, nil
	sh.status = 0
	if sh.interactive() {
		sh.write(2, []byte(fmt.Sprintf("[%d] %d\n", j.id, j.pid)))
	}
	return flowNext
}

// detach is what XCU 2.9.3 and 2.12 say of asynchronous lists without job
// control: standard input from /dev/null, interrupts ignored.
func (sh *shell) detach() {
	if sh.stdin != stdinOwn && sh.rt.bash {
		// it stays
	} else if f, err := sh.open("/dev/null", syscall.O_RDONLY, "&"); err == nil {
		sh.setFile(0, f).drop()
	} else {
		sh.setFile(0, nil).drop()
	}
	sh.traps.detach()
}

// startDirect starts a program without a goroutine for the shell part. It
// reports false, with nothing done, when the command is not one.
func (b *backgroundJob) startDirect(sh, sub *shell, j *job) (bool, error) {
	if b.simple == nil {
		return false, nil
	}
	if fits, err := b.simple.blocks(sub); fits || err != nil {
		return false, nil
	}
	args, path, ok := b.simple.resolveExternal(sub)
	if !ok {
		return false, nil
	}
	b.simple.traceIf(sub, args)
	var saved savedFiles
	if flw, ok := b.simple.prefix(sub, &saved, sub.pushFrame(false), args); !ok || flw != flowNext {
		// That was told, and is not done again: what is left of the job is its status.
		sub.undo(&saved)
		status := sub.status
		told := backgroundJob{body: func(sub *shell) flow { sub.status = status; return flw }}
		return true, told.startBody(sh, sub, j)
	}
	sub.forget(&saved)
	cmd, err := sub.newCommand(path, args)
	if err != nil {
		return false, err
	}
	cmd.Report = ReportStart
	switch {
	case sh.jobControl():
		cmd.Group = 0
		cmd.Report |= ReportStops
	case sh.group != nil:
		cmd.Group = sh.group.pgid
	}
	p, err := sh.rt.sys.Start(cmd)
	if err != nil {
		return false, err
	}
	pid, err := p.Pid()
	if err != nil {
		// The words are expanded once more, in a goroutine that reports.
		return false, nil
	}
	j.pid, j.pids = pid, []int{pid}
	if sh.jobControl() {
		j.pgid = pid
	}
	sub.close()
	unwatch := sh.rt.work.watch(p, sh.background())
	go func() {
		j.follow(p)
		unwatch()
	}()
	return true, nil
}

func (s *simple) traceIf(sh *shell, args []string) {
	if sh.opts.on(optXtrace) {
		sh.traceBefore(s, args)
	}
}

// blocks reports whether a redirection could block: a fifo.
func (s *simple) blocks(sh *shell) (bool, error) {
	for i := range s.redirs {
		r := &s.redirs[i]
		if r.word == nil || r.op == syntax.DplIn || r.op == syntax.DplOut || r.op == syntax.WordHdoc {
			continue
		}
		path, err := r.target(sh)
		if err != nil {
			return true, err
		}
		var st syscall.Stat_t
		if sh.rt.sys.Stat(sh.dir, path, false, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFIFO {
			return true, nil
		}
	}
	return false, nil
}

// resolveExternal expands the words; ok when they name a program.
func (s *simple) resolveExternal(sh *shell) (args []string, path string, ok bool) {
	var err error
	for _, w := range s.words {
		if args, err = w.fields(sh, args); err != nil {
			return nil, "", false
		}
	}
	if len(args) == 0 {
		return nil, "", false
	}
	if fn, b := sh.findInternal(args[0]); fn != nil || b != nil {
		return nil, "", false
	}
	path, err = sh.findCommand(args[0])
	return args, path, err == nil
}

// follow records what happens to a program in the background.
func (j *job) follow(p Process) {
	for {
		ws, _, err := p.Wait()
		switch {
		case err != nil:
			j.become(jobDone, 0, 126)
			return
		case ws.Stopped():
			j.become(jobStopped, ws, 128+int(ws.StopSignal()))
		case ws.Continued():
			j.become(jobRunning, 0, 0)
		default:
			j.become(jobDone, ws, statusOf(ws))
			return
		}
	}
}

func statusOf(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}

// startBody runs a list in a goroutine, with a process to stand for it.
func (b *backgroundJob) startBody(sh, sub *shell, j *job) error {
	sh.rt.catchInterrupts() // the list outlives them
	if sh.jobControl() {
		return b.startGroup(sh, sub, j)
	}
	cmd := &Command{
		Paths: []string{sh.rt.inside}, Argv: []string{sh.name}, Env: []string{}, Dir: sub.dir,
		Umask: sub.umask, Ignored: sub.traps.ignoredSignals(), Group: -1, Terminal: -1,
		Report: ReportStart | ReportStops, Where: sub.where("&"),
	}
	if sub.group != nil {
		cmd.Group = sub.group.pgid
	}
	st, err := sh.rt.sys.StandIn(cmd)
	if err != nil {
		return err
	}
	pid, err := st.Pid()
	if err != nil {
		return err
	}
	sub.standIn = st
	j.pid, j.pids = pid, []int{pid}
	sub.killed, sub.gate = &fateShared{}, &gate{}
	go sub.relay(st)
	go func() {
		if ws, err := sub.share(st); err == nil {
			j.become(jobDone, ws, statusOf(ws))
		} else {
			j.become(jobDone, 0, 126)
		}
	}()
	sub.rt.work.resume()
	go sub.runStoodFor(b.body, st)
	return nil
}

// startGroup runs a list in a goroutine and a process group of its own.
func (b *backgroundJob) startGroup(sh, sub *shell, j *job) error {
	g := &jobGroup{rt: sh.rt, job: j, size: 1, members: 1}
	if err := g.lead(sub, -1); err != nil {
		return err
	}
	j.group, sub.group = g, g
	g.enter(sub)
	sub.rt.work.resume()
	go func() {
		status := sub.runMember(b.body)
		j.become(jobDone, g.finish(status), status)
		sub.rt.work.rest()
	}()
	return nil
}
