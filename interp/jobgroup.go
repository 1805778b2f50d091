package interp

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// jobGroup is the process group of a job under job control. Where the shell's
// own code is a part of the job, a stand-in leads the group: it takes the
// signals of the terminal and of kill, and what happens to it happens to the
// goroutines, which stop at a gate. A job of nothing but programs needs none:
// its first program leads.
type jobGroup struct {
	rt    *runtime
	job   *job
	size  int         // shells and programs that it is made of
	front atomic.Bool // the job is in the foreground
	lent  atomic.Bool // the shell took the terminal back, to read from it

	catching sync.Mutex // held while the leader is told what to report

	mu     sync.Mutex
	pgid   int
	leader StandIn
	shells map[*shell]bool // that belong to the job
	gate   chan struct{}   // not nil: stopped; closed when it goes on
	// What tells whether all of the job is stopped.
	members  int              // that have not ended
	programs map[Process]bool // that have not ended; true: stopped
	bare     map[*shell]bool  // members that are nothing but a program
	direct   map[Process]bool // the programs of these
	asleep   bool
	stop     syscall.WaitStatus // of the last stop
	last     syscall.WaitStatus // of the program that ended last
	fate     syscall.Signal     // what killed the leader
	wakeup   *time.Timer
}

// stopGrace is how long a job whose leader has stopped is given until its
// programs have: some restore the terminal first.
const stopGrace = 300 * time.Millisecond

// lead starts the stand-in. With terminal it is put in the foreground.
func (g *jobGroup) lead(sh *shell, terminal int) error {
	st, err := g.rt.sys.StandIn(&Command{
		Paths: []string{sh.rt.inside}, Argv: []string{sh.name}, Env: []string{}, Dir: sh.dir,
		Umask: sh.umask, Ignored: sh.traps.ignoredSignals(), Group: 0, Terminal: terminal,
		Report: ReportStart | ReportStops, Where: sh.where("job"),
	})
	if err != nil {
		return err
	}
	pid, err := st.Pid()
	if err != nil {
		return err
	}
	g.leader, g.pgid = st, pid
	g.job.adopt(pid)
	go g.relay(st)
	go g.follow(st)
	return nil
}

// enter makes a shell a part of the job.
func (g *jobGroup) enter(sh *shell) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shells == nil {
		g.shells = map[*shell]bool{}
	}
	g.shells[sh] = true
	switch {
	case g.fate != 0:
		sh.attn.die(g.fate)
	case g.gate != nil:
		sh.attn.pending.Or(attnStop)
	}
}

func (g *jobGroup) leave(sh *shell) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.shells, sh)
}

// relay hands the signals that the leader reports to the shells of the job.
func (g *jobGroup) relay(st StandIn) {
	for sig := range st.Signals() {
		if sig == 0 {
			continue
		}
		g.mu.Lock()
		for sh := range g.shells {
			switch sh.traps.disposition(sig) {
			case trapIgnore:
			case trapCommand:
				sh.attn.raise(sig)
			default:
				if sigEnds(sig) {
					sh.attn.die(sig)
				}
			}
		}
		g.mu.Unlock()
	}
}

// catch tells the leader which signals the shells want to decide about.
func (g *jobGroup) catch() {
	g.catching.Lock()
	defer g.catching.Unlock()
	if g.leader != nil {
		g.leader.Catch(g.wanted()) // without mu: it may report a signal first
	}
}

func (g *jobGroup) wanted() (caught, ignored []syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	wanted := map[int]bool{}
	for sh := range g.shells {
		sh.traps.mu.RLock()
		for n := range sh.traps.commands {
			wanted[n] = n > 0 && n < firstPseudoTrap
		}
		sh.traps.mu.RUnlock()
	}
	for n, ok := range wanted {
		if ok {
			caught = append(caught, syscall.Signal(n))
		}
	}
	for sig := range g.rt.ignored {
		ignored = append(ignored, sig)
	}
	return caught, ignored
}

// follow makes the shells of the job share the fate of its leader.
func (g *jobGroup) follow(st StandIn) {
	for {
		ws, _, err := st.Wait()
		g.mu.Lock()
		switch {
		case err == nil && ws.Stopped():
			if g.gate == nil {
				g.gate = make(chan struct{})
			}
			for sh := range g.shells {
				sh.attn.pending.Or(attnStop)
				sh.attn.ring()
			}
			g.stop = ws
			g.wakeup = time.AfterFunc(stopGrace, func() { g.settle(true) })
		case err == nil && ws.Continued():
			g.open()
		default:
			if err == nil && ws.Signaled() {
				g.fate = ws.Signal()
				for sh := range g.shells {
					sh.attn.die(g.fate)
				}
			}
			g.open()
			g.mu.Unlock()
			if g.fate != 0 {
				g.rt.sys.Kill(-g.pgid, g.fate) // if only the leader was meant
			}
			return
		}
		g.mu.Unlock()
		g.settle(false)
	}
}

// open lets the shells go on, with mu held.
func (g *jobGroup) open() {
	if g.wakeup != nil {
		g.wakeup.Stop()
	}
	if g.gate == nil {
		return
	}
	close(g.gate)
	g.gate = nil
	for sh := range g.shells {
		sh.attn.pending.And(^uint32(attnStop))
		sh.attn.wake.quiet(sh.attn)
	}
}

// settle tells the job whether it is stopped or runs. late: programs that did
// not stop with their leader are not waited for any longer.
func (g *jobGroup) settle(late bool) {
	g.mu.Lock()
	halted, direct := 0, 0
	for p, stopped := range g.programs {
		if stopped {
			halted++
		}
		if stopped && g.direct[p] {
			direct++
		}
	}
	var asleep bool
	if g.leader != nil {
		asleep = g.gate != nil && (late || g.asleep || halted == len(g.programs)) ||
			direct > 0 && direct == g.members // none of the job's shells is left to be stopped
	} else {
		asleep = halted > 0 && halted >= g.members
	}
	if late && !asleep || asleep == g.asleep {
		g.mu.Unlock()
		return
	}
	g.asleep = asleep
	ws := g.stop
	g.mu.Unlock()
	if asleep {
		g.job.become(jobStopped, ws, 128+int(ws.StopSignal()))
	} else {
		g.job.become(jobRunning, 0, 0)
	}
}

// resumed is called when the job has been told to go on. What still says that
// it is stopped is old.
func (g *jobGroup) resumed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range g.programs {
		g.programs[p] = false
	}
	g.asleep = false
	g.open()
}

// start starts a program of the job in its group. When the first one has
// ended and its group with it, the next makes a new one.
func (g *jobGroup) start(sh *shell, cmd *Command) (Process, error) {
	sh.hold()
	parent, _ := sh.parentFor(cmd)
	g.mu.Lock()
	defer g.mu.Unlock()
	p, err := g.launch(sh, parent, cmd)
	if err == nil && g.fate != 0 { // what killed the job has missed this one
		if pid, err := p.Pid(); err == nil {
			g.rt.sys.Kill(pid, g.fate)
		}
	}
	return p, err
}

// launch is start with mu held.
func (g *jobGroup) launch(sh *shell, parent Parent, cmd *Command) (Process, error) {
	cmd.Report |= ReportStart | ReportStops
	if g.front.Load() && (g.pgid == 0 || g.lent.Swap(false)) {
		cmd.Terminal = g.rt.terminal
	}
	if g.pgid != 0 && parent != nil {
		cmd.Group = g.pgid
		// Its number is not asked for: the program may stop its parent before
		// that has told.
		if p, err := parent.Start(cmd); err == nil {
			g.started(sh, p)
			return p, nil
		}
	}
	if g.pgid != 0 {
		cmd.Group = g.pgid
		p, err := g.rt.sys.Start(cmd)
		if err != nil {
			return nil, err
		}
		if _, err := p.Pid(); err != syscall.EPERM && err != syscall.ESRCH {
			g.started(sh, p)
			return p, nil
		}
		if g.front.Load() {
			cmd.Terminal = g.rt.terminal
		}
	}
	cmd.Group = 0
	p, err := g.rt.sys.Start(cmd)
	if err != nil {
		return nil, err
	}
	if pid, err := p.Pid(); err == nil {
		g.pgid = pid
		g.job.adopt(pid)
	}
	g.started(sh, p)
	return p, nil
}

// started notes a program of the job that sh has started, with mu held.
func (g *jobGroup) started(sh *shell, p Process) {
	if g.programs == nil {
		g.programs, g.direct = map[Process]bool{}, map[Process]bool{}
	}
	g.programs[p] = false
	if g.bare[sh] || sh.isSolo() && sh.group != sh.parent.group { // it is in the place of a member
		g.direct[p] = true
	}
}

// wait waits for the end of a program and takes notice of stops in between.
func (g *jobGroup) wait(sh *shell, p Process) (syscall.WaitStatus, error) {
	for {
		ws, _, err := p.Wait()
		over := err != nil || !ws.Stopped() && !ws.Continued()
		g.mu.Lock()
		switch {
		case over:
			delete(g.programs, p)
			delete(g.direct, p)
			g.last = ws
		case ws.Stopped():
			g.programs[p] = true
			if g.gate == nil {
				g.stop = ws
			}
		default:
			g.programs[p] = false
		}
		g.mu.Unlock()
		g.settle(false)
		if over {
			if err == nil && ws.Signaled() {
				g.awaitFate(sh, ws.Signal())
			}
			return ws, err
		}
	}
}

// memberEnded is called when a member of a pipeline has ended.
func (g *jobGroup) memberEnded() {
	g.mu.Lock()
	g.members--
	g.mu.Unlock()
	g.settle(false)
}

// finish ends the leader and returns what the job died of, or how its last
// program ended, unless a shell of the job went on after that.
func (g *jobGroup) finish(status int) syscall.WaitStatus {
	if g.leader != nil {
		g.leader.End(status)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fate != 0 {
		return syscall.WaitStatus(g.fate)
	}
	if g.last.Signaled() && status != 128+int(g.last.Signal()) {
		return syscall.WaitStatus(status << 8)
	}
	return g.last
}

// ready is called before the shell itself reads from or writes to f for the
// job: a terminal is for the foreground (XBD 11.1.4).
func (g *jobGroup) ready(sh *shell, f *file, writing bool) error {
	if g.rt.terminal < 0 || f.regular() {
		return nil
	}
	t, err := unix.IoctlGetTermios(f.fd, unix.TCGETS)
	if err != nil || writing && t.Lflag&unix.TOSTOP == 0 {
		return nil // not a terminal
	}
	sig := syscall.SIGTTIN
	if writing {
		sig = syscall.SIGTTOU
	}
	for !g.front.Load() {
		if sh.traps.disposition(sig) == trapIgnore {
			if writing {
				return nil
			}
			return syscall.EIO
		}
		if err := g.rt.sys.Kill(-g.pgid, sig); err != nil {
			return syscall.EIO
		}
		g.rt.work.rest()
		for sh.attn.pending.Load() == 0 {
			<-sh.attn.bell
		}
		g.rt.work.resume()
		if sh.attn.pending.Load()&attnStop == 0 {
			return syscall.EINTR
		}
		sh.hold()
	}
	if !writing && !g.lent.Swap(true) {
		sh.takeTerminal()
	}
	return nil
}
