package netfilter

import (
	"net"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// DeniedError is what a dial returns when the rules say no.
type DeniedError struct{ Decision Decision }

func (e *DeniedError) Error() string {
	r := e.Decision.Rule
	if r.Text != "" {
		return r.Text
	}
	return r.Key + " entry " + r.Value
}

// client is the two ends of a connection to a door.
type client struct{ remote, door net.Addr }

func clientOf(c net.Conn) client { return client{c.RemoteAddr(), c.LocalAddr()} }

func (s *Server) event(kind events.Kind, d Decision, c client) events.Event {
	e := events.Event{Time: time.Now(), Kind: kind, Denied: !d.Allow, Action: string(kind), Hint: d.Hint}
	e.Target = d.Target.String()
	if kind == events.Resolve {
		e.Target = d.Target.Host.String()
	}
	rule := d.Rule
	e.Rule = &rule
	if s.cfg.Attribute != nil && c.remote != nil {
		e.Program, e.Pid = s.cfg.Attribute(c.remote, c.door)
	}
	return e
}

// sayAgain is how long a repeated DNS denial stays untold: resolvers ask for A
// and AAAA, and retry, for one wish of the program.
const (
	sayAgain = 5 * time.Second
	maxSaid  = 1024 // then the memory is dropped; repeating is better than growing
)

func (s *Server) sayOnce(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.said[key]; ok && now.Sub(t) < sayAgain {
		return false
	}
	if len(s.said) >= maxSaid {
		clear(s.said)
	}
	s.said[key] = now
	return true
}
