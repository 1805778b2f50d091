package sandbox

import (
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// viewThread is the thread of one view. It lives in the view's mount
// namespace and keeps the keeper's capabilities, to put masks back.
type viewThread struct {
	k   *keeper
	v   *view
	id  uint32
	net *network
	// answered is closed when the shell has been told.
	answered chan struct{}
}

// makeView builds a view and starts its runner; fds are the runner's socket
// and events, and perhaps what its standard error is to be.
func (k *keeper) makeView(id uint32, req *viewRequest, fds []int) {
	t := &viewThread{k: k, id: id, v: &view{plan: req.Plan, base: k.base}, answered: make(chan struct{})}
	rp, rep, doors, err := t.start(req, fds)
	closeAll(fds) // now, or the end of the runner's sockets would not be seen
	if err != nil {
		k.reply(id, viewReply{Error: toWire(err)}, nil)
		return
	}
	k.answer(id, rp, rep, doors)
	close(t.answered)
	k.follow(id, rp)
}

func (t *viewThread) start(req *viewRequest, fds []int) (rp *runnerProc, rep viewReply, doors []int, err error) {
	type made struct {
		net   *network
		fresh bool
		err   error
	}
	netDone := make(chan made, 1)
	go func() {
		n, fresh, err := t.k.network(req.Plan)
		netDone <- made{n, fresh, err}
	}()
	built, start, result := make(chan error, 1), make(chan bool, 1), make(chan startResult, 1)
	go t.run(built, start, result, req, fds)
	err = <-built
	n := <-netDone
	if err == nil {
		err = n.err
	}
	t.net = n.net
	start <- err == nil
	if err != nil {
		return nil, rep, nil, setupError("mounts", err, "")
	}
	r := <-result
	if r.err != nil {
		return nil, rep, nil, setupError("runner", r.err, "")
	}
	rep.Pid, rep.Unkept = r.inner, t.v.unkept
	if n.fresh {
		rep.Doors, doors = n.net.names, n.net.doors
	}
	return r.runner, rep, doors, nil
}

type startResult struct {
	runner *runnerProc
	inner  int
	err    error
}

// run is the thread: it never leaves the view, and ends with the process.
func (t *viewThread) run(built chan<- error, start <-chan bool, result chan<- startResult, req *viewRequest, fds []int) {
	runtime.LockOSThread()
	err := t.build()
	built <- err
	if !<-start {
		t.v.close()
		return
	}
	rp, inner, err := t.startRunner(req, fds)
	result <- startResult{rp, inner, err}
	if err == nil {
		<-t.answered // who waits for the runner should not wait for what follows
		t.guard()
	}
}

func (t *viewThread) build() error {
	v := t.v
	v.host = newResolver()
	if err := v.collect(); err != nil {
		return err
	}
	exe, err := t.k.base.binary()
	if err != nil {
		return fmt.Errorf("this program: %w", err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		unix.Close(exe)
		return fmt.Errorf("new mount namespace: %w", err)
	}
	if v.ns, err = t.k.base.ownMounts(); err != nil {
		unix.Close(exe)
		return err
	}
	if err := v.build(exe); err != nil {
		return err
	}
	v.host = nil
	return unix.Chdir("/")
}

// startRunner forks the runner from the view. Everything it loses, it loses
// before it executes.
func (t *viewThread) startRunner(req *viewRequest, fds []int) (rp *runnerProc, inner int, err error) {
	if err := t.enterNamespaces(); err != nil {
		return nil, 0, err
	}
	ruleset, err := landlockRuleset(t.v.grants(), t.v.plan.Listen)
	if err != nil {
		return nil, 0, err
	}
	defer unix.Close(ruleset)
	filter, err := seccompProgram(filterMode{setID: t.v.plan.Ownership})
	if err != nil {
		return nil, 0, err
	}
	stderr := t.k.null
	if len(fds) > 2 {
		stderr = fds[2]
	}
	files, closeFiles, err := safeFDs(t.k.null, t.k.null, stderr, fds[0], fds[1], ruleset)
	if err != nil {
		return nil, 0, err
	}
	defer closeFiles()
	p := &childProgram{}
	p.files(files[:5])
	p.openFiles()
	p.signalQueue()
	if t.v.plan.NoCores {
		p.noCores()
	}
	joined := func() {}
	if err := t.v.onBase(func() (err error) { joined, err = t.k.joinGroups(p, t.v.plan, t.id); return err }); err != nil {
		return nil, 0, err
	}
	defer joined()
	if t.v.plan.Ownership {
		p.keepOwnership()
	} else {
		p.dropCaps()
	}
	p.landlock(files[5])
	gate, err := t.supervise(p, req)
	if err != nil {
		return nil, 0, err
	}
	defer gate.close()
	p.seccomp(filter)
	p.exec(Marker+"/fsh", append([]string{nameRunner}, t.limitArgs()...), runnerEnv, blockedSignals())
	pid, err := p.start(req.WantPid)
	if err != nil {
		return nil, 0, childError(err)
	}
	if gate.sup.runner == nil { // its namespace ended before it got that far
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return nil, 0, fmt.Errorf("killed before it ran: %w", unix.ESRCH)
	}
	inner, err = t.k.innerPid(pid)
	return gate.sup.runner, inner, err
}

// enterNamespaces has the children of the thread in the session's network and
// pid namespaces.
func (t *viewThread) enterNamespaces() error {
	if err := unix.Setns(t.net.ns, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the network: %w", err)
	}
	if err := unix.Setns(t.k.pidNS, unix.CLONE_NEWPID); err != nil {
		return fmt.Errorf("enter the pid namespace: %w", err)
	}
	return nil
}

// safeFDs are copies of fds above the numbers that a child's own will get.
func safeFDs(fds ...int) (safe []int, closeSafe func(), err error) {
	for _, fd := range fds {
		n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstSafeFD)
		if err != nil {
			closeAll(safe)
			return nil, nil, err
		}
		safe = append(safe, n)
	}
	return safe, func() { closeAll(safe) }, nil
}

func (t *viewThread) limitArgs() []string {
	others := uint64(0) // what a limit of processes has to leave room for
	if len(t.v.plan.Limits) > 0 {
		others = t.k.ownProcesses()
	}
	return limitArgs(t.v.plan.Limits, others)
}

// gate is where the child waits until the supervisor has its listener.
type gate struct {
	sup         *supervisor
	read, write int
}

func (g *gate) close() {
	unix.Close(g.read)
	unix.Close(g.write)
}

// supervise adds the notifying filter to a child's program.
func (t *viewThread) supervise(p *childProgram, req *viewRequest) (*gate, error) {
	sup := newSupervisor(t, req.Policy)
	filter, err := notifyProgram(t.v.plan, t.v.supervises())
	if err != nil {
		return nil, err
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	g := &gate{sup: sup, read: pipe[0], write: pipe[1]}
	safe, err := unix.FcntlInt(uintptr(g.read), unix.F_DUPFD_CLOEXEC, firstSafeFD)
	if err != nil {
		g.close()
		return nil, err
	}
	unix.Close(g.read)
	g.read = safe
	p.notifier(filter, g.read, func(pid, fd int) error {
		mountNS, err := unix.Openat(t.k.base.hostProc, "thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := sup.take(pid, fd, g.write); err != nil {
			unix.Close(mountNS)
			return err
		}
		// It must answer before the child executes the runner.
		go sup.run(mountNS)
		return nil
	})
	return g, nil
}
