package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"sync"

	"github.com/fsh-sh/fsh/policy"
)

// sessionNets are the networks of a session and how their rules have changed
// since the policies were read.
type sessionNets struct {
	mu     sync.Mutex
	change func(policy.Network) policy.Network
	// rules are those of the policies, by what names the network.
	rules map[string]*policy.Network
}

// effective are the rules of a policy after what has changed.
func (n *sessionNets) effective(rules *policy.Network) *policy.Network {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.change == nil {
		return rules
	}
	changed := n.change(*rules)
	return &changed
}

func (n *sessionNets) add(id string, rules *policy.Network) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rules == nil {
		n.rules = map[string]*policy.Network{}
	}
	n.rules[id] = rules
}

// ChangeNetwork changes the hosts that rules allow and deny for the rest of
// the session, in all its networks, those to come included: change gets the
// rules of a policy and returns what holds instead. Connections that are
// denied now are reset. Each call replaces the change before; ports of the
// host's loopback and names in hosts are fixed when a network is made.
//
// An error leaves networks in which the change does not hold: the proxy is
// told first, so they refuse more than they should rather than less.
func (s *Session) ChangeNetwork(change func(policy.Network) policy.Network) error {
	s.nets.mu.Lock()
	s.nets.change = change
	networks := map[string]*policy.Network{}
	for id, rules := range s.nets.rules {
		networks[id] = rules
	}
	s.nets.mu.Unlock()
	var errs []error
	for id, rules := range networks {
		errs = append(errs, s.setNetwork(id, s.nets.effective(rules)))
	}
	return errors.Join(errs...)
}

func (s *Session) setNetwork(id string, rules *policy.Network) error {
	if s.cfg.Proxy != nil {
		if err := s.cfg.Proxy.SetNetwork(id, rules); err != nil {
			return err
		}
	}
	if s.cfg.Reach == nil || s.bare != nil {
		return nil
	}
	reach, err := s.cfg.Reach(rules)
	if err != nil {
		return err
	}
	text, err := json.Marshal(reachRequest{id, reach})
	if err != nil {
		return err
	}
	_, a := s.ask(opReach, text, nil, nil)
	return a.err
}

// network hands the doors of a new namespace to the proxy.
func (s *Session) network(p *policy.Policy, id string, a answer) error {
	if len(a.reply.Doors) != len(a.fds) {
		closeAll(a.fds)
		return &SetupError{Layer: "network", Err: errors.New("listeners were lost")}
	}
	if len(a.fds) == 0 {
		return nil
	}
	doors := map[string]*os.File{}
	for i, name := range a.reply.Doors {
		doors[name] = os.NewFile(uintptr(a.fds[i]), name)
	}
	if s.cfg.Proxy == nil {
		for _, f := range doors {
			s.keepOpen(f)
		}
		return nil
	}
	if err := s.cfg.Proxy.AddNamespace(id, doors, s.nets.effective(&p.Network)); err != nil {
		return setupError("network", err, "")
	}
	s.nets.add(id, &p.Network)
	return nil
}

// keepOpen holds listeners that nobody serves until the session ends.
func (s *Session) keepOpen(f *os.File) {
	go func() {
		<-s.ended
		f.Close()
	}()
}
