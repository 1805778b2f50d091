package interp

import (
	"strconv"
	"syscall"
	"time"
)

// firstSubstFD is the descriptor of the first process substitution; more go
// downwards, as in bash, out of the way of those that scripts name.
const firstSubstFD = 63

// processSubst starts the commands of <(…) or, with out, >(…) in a subshell
// that nobody waits for, and returns the name of the other end of the pipe: a
// descriptor of the shell, open until the statement ends.
func (sh *shell) processSubst(body substBody, out bool) (string, error) {
	n := firstSubstFD
	for n > 9 && sh.fdFile(n) != nil {
		n--
	}
	if n == 9 {
		return "", &nameError{"process substitution", "too many at once"}
	}
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return "", &nameError{"process substitution", errText(err)}
	}
	ours, theirs, number := fds[0], fds[1], 1
	if out {
		ours, theirs, number = fds[1], fds[0], 0
	}
	sub := sh.subshell(true)
	for _, fd := range sh.substFDs {
		sub.setFile(fd, nil).drop()
	}
	sub.substFDs = nil
	sub.setFile(number, newFile(theirs)).drop()
	sh.setFile(n, newFile(ours)).drop()
	sh.substFDs = append(sh.substFDs[:len(sh.substFDs):len(sh.substFDs)], n)
	sh.rt.work.resume()
	late := &lateJob{done: make(chan struct{}), attn: sub.attn, text: body.text}
	if sh.rt.bash {
		sh.late = late
	}
	if !out {
		go late.run(sub, body.node)
	} else {
		sh.rt.outputs.Add(1)
		sh.rt.running.Add(1)
		go func() {
			late.run(sub, body.node)
			sh.rt.running.Add(-1)
			sh.rt.outputs.Done()
		}()
	}
	return "/dev/fd/" + strconv.Itoa(n), nil
}

// substBody are the commands of a process substitution.
type substBody struct {
	node node
	text func() string
}

// lateJob is a process substitution, which in bash is $! and can be waited
// for. It becomes a job, with a process to stand for it, when a script asks.
type lateJob struct {
	done   chan struct{}
	status int // once done
	attn   *attention
	text   func() string
}

func (l *lateJob) run(sub *shell, n node) {
	l.status = sub.runMember(n)
	sub.rt.work.rest()
	close(l.done)
}

// backgroundPid is $!.
func (sh *shell) backgroundPid() int {
	l := sh.late
	if l == nil {
		return sh.lastBg
	}
	sh.late = nil
	st, err := sh.rt.sys.StandIn(&Command{
		Paths: []string{sh.rt.inside}, Argv: []string{sh.name}, Env: []string{}, Dir: sh.dir,
		Umask: sh.umask, Ignored: sh.traps.ignoredSignals(), Group: -1, Terminal: -1,
		Report: ReportStart, Where: sh.where("$!"),
	})
	if err != nil {
		return sh.lastBg
	}
	pid, err := st.Pid()
	if err != nil {
		return sh.lastBg
	}
	j := sh.newChild(l.text())
	j.pid, j.pids = pid, []int{pid}
	go func() {
		for sig := range st.Signals() {
			l.attn.die(sig)
		}
	}()
	go func() {
		j.follow(st)
		if j.ws.Signaled() {
			l.attn.die(j.ws.Signal())
		}
	}()
	go func() {
		<-l.done
		st.End(l.status)
	}()
	sh.jobs.add(j)
	sh.lastBg = pid
	return pid
}

// closingSubsts makes a statement close the descriptors of its process
// substitutions.
func closingSubsts(n node) node {
	return func(sh *shell) flow {
		open := len(sh.substFDs)
		f := n(sh)
		for _, fd := range sh.substFDs[min(open, len(sh.substFDs)):] {
			sh.setFile(fd, nil).drop()
		}
		sh.substFDs = sh.substFDs[:min(open, len(sh.substFDs))]
		return f
	}
}

// outputGrace is how long the end of the shell waits for its >(…) to take in
// what was written to them. Other shells leave them running; here they would
// end with the session. It is bounded, as a command in the background may
// hold the pipe open.
const outputGrace = 5 * time.Second

// closeOutputs closes the pipes to >(…), so that these find the end.
func (sh *shell) closeOutputs() {
	if sh.rt.running.Load() == 0 {
		return
	}
	for n, f := range sh.fds {
		if f != nil && f.fd > 2 {
			sh.setFile(n, nil).drop()
		}
	}
}

// awaitOutputs waits for what >(…) still have to do.
func (sh *shell) awaitOutputs() {
	if sh.rt.running.Load() == 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		sh.rt.outputs.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(outputGrace):
	}
}
