package interp

import (
	"sync"
	"syscall"
)

// standFor gives a subshell a process when it asks for its id, or a program of
// its does, so that a signal sent there reaches it and nothing else. Without one
// it goes on with its parent's.
func (sh *shell) standFor(report Report) {
	group := -1
	if sh.group != nil && sh.group.pgid != 0 {
		group = sh.group.pgid
	}
	st, err := sh.rt.sys.StandIn(&Command{
		Paths: []string{sh.rt.inside}, Argv: []string{sh.name}, Env: []string{}, Dir: sh.dir,
		Umask: sh.umask, Ignored: sh.traps.ignoredSignals(), Group: group, Terminal: -1,
		Report: report | ReportStops, Where: sh.where("$BASHPID"),
	})
	if err != nil {
		return
	}
	sh.standIn, sh.standInGone, sh.gate = st, make(chan struct{}), &gate{}
	sh.killed = &fateShared{}
	if caught, _ := sh.traps.wanted(); len(caught) > 0 {
		sh.updateStandIn()
	}
	go sh.relay(st)
	go func(gone chan struct{}) {
		defer close(gone)
		sh.share(st)
	}(sh.standInGone)
}

// share has a subshell stop, go on and die with the process that stands for it,
// and returns how that has ended.
func (sh *shell) share(st StandIn) (syscall.WaitStatus, error) {
	attn, killed, gate := sh.attn, sh.killed, sh.gate
	defer gate.open()
	for {
		ws, _, err := st.Wait()
		switch {
		case err != nil:
			return 0, err
		case ws.Stopped():
			gate.shut(attn)
		case ws.Continued():
			gate.open()
		default:
			if ws.Signaled() {
				attn.die(ws.Signal())
				killed.kill(ws.Signal())
			}
			return ws, nil
		}
	}
}

// ownPid is the process that stands for a subshell, 0 without one.
func (sh *shell) ownPid() int {
	st := sh.standIn
	if st == nil && sh.leadsAlone() {
		st = sh.group.leader
	}
	if st == nil {
		return 0
	}
	pid, err := st.Pid()
	if err != nil {
		return 0
	}
	return pid
}

// relay passes on the signals that reach the stand-in of a subshell.
func (sh *shell) relay(st StandIn) {
	for sig := range st.Signals() {
		if sig == 0 {
			continue
		}
		switch sh.traps.disposition(sig) {
		case trapIgnore:
		case trapCommand:
			sh.attn.raise(sig)
		default: // the trap has gone meanwhile
			if sigEnds(sig) {
				sh.attn.die(sig)
			}
		}
	}
}

// fateShared are the programs that a background list runs in its foreground.
// When a signal kills the stand-in they get it, too: the last one of a list
// would have replaced the subshell in shells that fork.
type fateShared struct {
	mu   sync.Mutex
	pids map[int]bool
	sys  System
	sig  syscall.Signal // not 0: over
}

// track adds a program; the function returned removes it.
func (k *fateShared) track(sys System, p Process) (untrack func()) {
	pid, err := p.Pid()
	if err != nil {
		return func() {}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.sig != 0 {
		sys.Kill(pid, k.sig)
	}
	if k.pids == nil {
		k.pids = map[int]bool{}
	}
	k.sys, k.pids[pid] = sys, true
	return func() {
		k.mu.Lock()
		delete(k.pids, pid)
		k.mu.Unlock()
	}
}

func (k *fateShared) kill(sig syscall.Signal) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sig = sig
	for pid := range k.pids {
		k.sys.Kill(pid, sig)
	}
}

// runStoodFor runs a body to its end and lets the stand-in end the same way.
func (sh *shell) runStoodFor(body node, st StandIn) {
	sh.complete(body(sh))
	st.End(sh.status)
	sh.close()
	sh.rt.work.rest()
}
