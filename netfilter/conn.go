package netfilter

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// gated is a connection to an allowed target. What the client writes passes
// its gate until the gate has seen enough; then both directions are copied as
// they come, see buffers. Closing it reports the bytes.
type gated struct {
	net.Conn
	s        *Server
	decision Decision
	addr     netip.Addr // that was dialled; zero when an upstream proxy chose it
	client   client
	reset    func() // breaks the client's connection; may be nil
	gate     *gate  // nil when the door itself checked the requests
	started  time.Time

	in, out  atomic.Int64
	denied   atomic.Bool
	watching bool // server bytes still interest the gate; reader's only
	once     sync.Once
}

// wrap registers a connection. reset is called when it is denied later.
func (s *Server) wrap(r reached, d Decision, c client, withGate bool, reset func()) *gated {
	if s.cfg.AttributeAll {
		s.identify(&c)
	}
	g := &gated{Conn: r.conn, addr: r.addr, s: s, decision: d, client: c, reset: reset, started: time.Now()}
	if withGate && !d.Local {
		g.gate, g.watching = newGate(d.Target, s.rules.Load()), true
	}
	s.mu.Lock()
	s.live[g] = struct{}{}
	s.mu.Unlock()
	s.recheck(g, s.rules.Load()) // they may have changed while dialling
	return g
}

var errGate = errors.New("denied by the gate")

func (g *gated) Write(p []byte) (int, error) {
	if g.gate == nil || g.gate.open {
		n, err := g.Conn.Write(p)
		g.out.Add(int64(n))
		return n, err
	}
	pass, err := g.gate.feed(p)
	if err != nil {
		return 0, g.refuse(err)
	}
	n, err := g.Conn.Write(pass)
	g.out.Add(int64(n))
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// ReadFrom copies from the client: through the gate first.
func (g *gated) ReadFrom(r io.Reader) (total int64, err error) {
	if g.gate != nil && !g.gate.open {
		buf := make([]byte, 16<<10)
		for !g.gate.open {
			n, rerr := r.Read(buf)
			if n > 0 {
				if _, err := g.Write(buf[:n]); err != nil {
					return total, err
				}
				total += int64(n)
			}
			if rerr == io.EOF {
				return total, g.flush()
			}
			if rerr != nil {
				return total, rerr
			}
		}
	}
	n, err := g.s.buffers.copy(g.Conn, r)
	g.out.Add(n)
	return total + n, err
}

// flush passes what the gate held when the client has no more to say.
func (g *gated) flush() error {
	if g.gate == nil || g.gate.open {
		return nil
	}
	rest, err := g.gate.end()
	if err != nil {
		return g.refuse(err)
	}
	n, err := g.Conn.Write(rest)
	g.out.Add(int64(n))
	return err
}

func (g *gated) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n > 0 && g.watching && g.gate != nil {
		g.watching = !g.gate.fromServer(p[:n])
	}
	g.in.Add(int64(n))
	return n, err
}

// WriteTo copies to the client. Bytes reach the gate before the client, so
// that a protocol switch is known before the client can react to it.
func (g *gated) WriteTo(w io.Writer) (total int64, err error) {
	buf := make([]byte, 4<<10)
	for g.watching && g.gate != nil {
		n, rerr := g.Read(buf)
		if n > 0 {
			m, err := w.Write(buf[:n])
			total += int64(m)
			if err != nil {
				return total, err
			}
		}
		if rerr == io.EOF {
			return total, nil
		}
		if rerr != nil {
			return total, rerr
		}
	}
	n, err := g.s.buffers.copy(w, g.Conn)
	g.in.Add(n)
	return total + n, err
}

func (g *gated) CloseWrite() error {
	if err := g.flush(); err != nil {
		return err
	}
	return closeWrite(g.Conn)
}

func (g *gated) refuse(err error) error {
	d := Decision{Target: g.decision.Target, Rule: g.decision.Rule}
	var ge *gateError
	if errors.As(err, &ge) {
		d.Rule.Text, d.Hint = ge.text, ge.hint
		if ge.rule != nil {
			d.Rule = *ge.rule
		}
	}
	g.deny(d)
	return errGate
}

// deny ends both connections with a reset and says why.
func (g *gated) deny(d Decision) {
	if g.denied.Swap(true) {
		return
	}
	e := g.s.event(events.Connect, d, g.client)
	g.s.cfg.Emit(e)
	if g.reset != nil { // first: who copies to the client must not end it in order
		g.reset()
	}
	abort(g.Conn)
	g.Close()
}

func (g *gated) Close() error {
	err := g.Conn.Close()
	g.once.Do(func() {
		g.s.mu.Lock()
		delete(g.s.live, g)
		g.s.mu.Unlock()
		if g.denied.Load() {
			return
		}
		e := g.s.event(events.Connect, g.decision, g.client)
		e.BytesIn, e.BytesOut = g.in.Load(), g.out.Load()
		e.Duration = time.Since(g.started).Seconds()
		g.s.cfg.Emit(e)
	})
	return err
}

// relay copies both ways until both sides are done, passing half-closes on,
// and closes both. An error in one direction ends the other.
func relay(client net.Conn, up *gated) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := up.ReadFrom(client)
		if err != nil {
			abort(up.Conn)
			return
		}
		if up.CloseWrite() != nil {
			abort(up.Conn)
		}
	}()
	_, err := up.WriteTo(client)
	if err != nil {
		abort(client)
		abort(up.Conn)
	} else {
		closeWrite(client)
	}
	<-done
	client.Close()
	up.Close()
}

type closeWriter interface{ CloseWrite() error }

func closeWrite(c net.Conn) error {
	if cw, ok := c.(closeWriter); ok {
		return cw.CloseWrite()
	}
	return nil
}

// abort closes with a reset: SO_LINGER 0, socket(7). What is unsent is lost.
func abort(c net.Conn) {
	inner := c
	switch t := c.(type) {
	case *gated:
		inner = t.Conn
	case *prefixed:
		inner = t.Conn
	}
	if l, ok := inner.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	inner.Close()
}
