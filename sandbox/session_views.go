package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// startedRunner is a running runner. The descriptors belong to the receiver.
type startedRunner struct {
	sock, events int
	pid          int // inner
	// gone gives the runner's end; closed without a value when everything ended.
	gone <-chan ending
	view uint32 // 0: the keeper does not know it
	// child is the runner, where it is one of this process.
	child *nestedRunner
}

// startRunner makes a view and a runner for a policy.
func (s *Session) startRunner(p *policy.Policy) (*startedRunner, error) {
	if Inside() {
		return s.startNested(p)
	}
	s.warnSockets(p)
	up := make(chan error, 1)
	go func() { up <- s.startHelpers() }() // while the plan is made
	text, err := s.viewRequest(p)
	if err := errors.Join(<-up, err); err != nil {
		return nil, err
	}
	if s.bare != nil { // known only now
		if text, err = s.viewRequest(p); err != nil {
			return nil, err
		}
	}
	ends, fds, err := runnerSockets()
	if err != nil {
		return nil, err
	}
	defer closeAll(fds)
	r := &startedRunner{sock: ends[0], events: ends[1]}
	send := fds
	if s.cfg.Log != nil {
		send = append(slices.Clone(fds), int(s.cfg.Log.Fd()))
	}
	id, a := s.ask(opView, text, p, send)
	if s.bare == nil && !s.strict && refusedNamespaces(a.err) {
		why := a.err
		if a.err = s.fallBack(why); a.err == nil {
			if text, a.err = s.viewRequest(p); a.err == nil {
				id, a = s.ask(opView, text, p, send)
			}
		}
	}
	if a.err == nil {
		a.err = s.network(p, netKey(&p.Network), a)
	}
	if a.err == nil {
		a.err = s.lock()
	}
	if a.err != nil {
		closeAll([]int{r.sock, r.events})
		return nil, a.err
	}
	for _, dir := range a.reply.Unkept {
		s.emit(events.Event{Kind: events.Warning, Message: "caches cannot be written: too much is in " + dir,
			Hint: "make the directories of private_write"})
	}
	r.pid, r.gone, r.view = a.reply.Pid, s.goneChannel(id), id
	s.tookNumber(id, r.pid)
	return r, nil
}

// startHelpers starts the processes that a session has once.
func (s *Session) startHelpers() error {
	err := s.ensure()
	if err == nil && s.cfg.Proxy != nil {
		s.cfg.Proxy.Prepare()
	}
	return err
}

// viewRequest makes the plan for a policy, as a request to the keeper.
func (s *Session) viewRequest(p *policy.Policy) ([]byte, error) {
	facts, err := s.facts(p)
	if err != nil {
		return nil, err
	}
	req := viewRequest{Plan: NewPlan(p, facts)}
	if s.bare != nil {
		if err := s.barePlan(p, req.Plan); err != nil {
			return nil, err
		}
	} else {
		s.homeless.Do(func() { s.bareEnv = homelessEnviron(p.Home, req.Plan) })
	}
	if req.Plan.Monitor || req.Plan.Commands {
		req.Policy = p
	}
	req.WantPid = s.wantedNumber()
	var e encoder
	if err := req.encode(&e); err != nil {
		return nil, setupError("mounts", fmt.Errorf("the plan: %w", err), "a path holds a NUL")
	}
	return e.b, nil
}

// wantedNumber is the number that a new runner should get: the shell's own for
// the first one, and again for one in its place, so that $$ stays true. 0 is
// any; 1 is taken, by init.
func (s *Session) wantedNumber() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.shellView == 0:
		if pid := os.Getpid(); pid != 1 {
			return pid
		}
	case s.gone[s.shellView] == nil:
		return s.number
	}
	return 0
}

func (s *Session) tookNumber(view uint32, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shellView == 0 || s.gone[s.shellView] == nil && s.number == pid {
		s.shellView, s.number = view, pid
	}
}

// goneChannel tells of a runner's end. It may have come already.
func (s *Session) goneChannel(id uint32) <-chan ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	fate := s.fates[id]
	delete(s.fates, id)
	return fate
}
