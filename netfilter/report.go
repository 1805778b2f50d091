package netfilter

import (
	"net"
	"net/netip"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/events/doorbell"
	"github.com/fsh-sh/fsh/policy"
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

// client is what is known of the client of a connection: its flow, and once
// that was asked, its process.
type client struct {
	flow doorbell.Flow
	who  doorbell.Process
}

// clientOf is for doors that clients mean to reach.
func clientOf(c net.Conn) client { return clientTo(c, addrPort(c.LocalAddr())) }

// clientTo is for clients that meant to reach something else.
func clientTo(c net.Conn, to netip.AddrPort) client {
	return client{flow: doorbell.Flow{Proto: "tcp", From: addrPort(c.RemoteAddr()), To: to}, who: doorbell.ClientOf(c.RemoteAddr())}
}

// addrPort is the zero value for what is no address.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		return unmapped(a.AddrPort())
	case *net.UDPAddr:
		return unmapped(a.AddrPort())
	}
	return netip.AddrPort{}
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// identify finds the process while the connection is there.
func (s *Server) identify(c *client) {
	if s.cfg.Attribute != nil && c.who == (doorbell.Process{}) && c.flow.From.IsValid() {
		c.who = s.cfg.Attribute(c.flow)
	}
}

func (s *Server) event(kind events.Kind, d Decision, c client) events.Event {
	e := events.Event{Time: time.Now(), Kind: kind, Denied: !d.Allow, Action: string(kind), Hint: d.Hint}
	e.Target = d.Target.String()
	if kind == events.Resolve {
		e.Target = d.Target.Host.String()
	}
	rule := d.Rule
	e.Rule = &rule
	if !d.Allow {
		s.identify(&c)
	}
	e.Program, e.Pid = c.who.Name, c.who.Pid
	return e
}

// refusedOutside explains what the guard in the namespace refused, see Reach.
func (s *Server) refusedOutside(f doorbell.Flow, who doorbell.Process) {
	d := s.decideDst(f.To)
	c := client{who: who} // and if nobody, the socket is gone already
	if f.Proto == "udp" {
		if !s.sayOnce("udp "+f.To.String()+" "+who.Name, time.Now()) {
			return
		}
		d.Allow, d.Hint = false, ""
		d.Rule = policy.Rule{Key: keyAllow, Text: "no UDP but DNS leaves the sandbox; programs that can use TCP fall back"}
	}
	if d.Allow {
		return // the rules have changed since
	}
	e := s.event(events.Connect, d, c)
	e.Errno = "ECONNREFUSED"
	if f.Proto == "udp" {
		e.Action, e.Errno = "send udp to", "EPERM"
	}
	s.cfg.Emit(e)
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
