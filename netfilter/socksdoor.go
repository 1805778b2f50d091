package netfilter

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"strconv"
	"time"

	"github.com/armon/go-socks5"
	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// socksTimeout bounds the greeting and request of a SOCKS client.
const socksTimeout = time.Minute

// socksConn is one SOCKS connection. The library keeps no state between
// connections, so each gets its own server, whose hooks know the client.
type socksConn struct {
	s      *Server
	conn   net.Conn
	target Target
}

func (s *Server) serveSOCKS(ctx context.Context, c net.Conn) {
	sc := &socksConn{s: s, conn: c}
	srv, err := socks5.New(&socks5.Config{
		Resolver: unresolved{},
		Rules:    sc,
		Dial:     func(_ context.Context, network, addr string) (net.Conn, error) { return sc.dial(ctx) },
		Logger:   log.New(io.Discard, "", 0),
	})
	if err != nil {
		abort(c)
		return
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	c.SetDeadline(time.Now().Add(socksTimeout))
	srv.ServeConn(c)
}

// unresolved leaves names as names: they are resolved after the decision.
type unresolved struct{}

func (unresolved) Resolve(ctx context.Context, _ string) (context.Context, net.IP, error) {
	return ctx, nil, nil
}

// Allow judges a request. BIND and UDP ASSOCIATE would open doors from the
// outside or carry datagrams, so they are refused whatever the rules say.
func (sc *socksConn) Allow(ctx context.Context, r *socks5.Request) (context.Context, bool) {
	d := sc.decide(r)
	if d.Allow {
		return ctx, true
	}
	e := sc.s.event(events.Connect, d, clientOf(sc.conn))
	if d.Target.Host.IsZero() {
		e.Target = clip(net.JoinHostPort(r.DestAddr.FQDN, strconv.Itoa(r.DestAddr.Port)))
	}
	sc.s.cfg.Emit(e)
	return ctx, false
}

func (sc *socksConn) decide(r *socks5.Request) Decision {
	no := func(text string) Decision {
		return Decision{Target: sc.target, Rule: policy.Rule{Key: keyAllow, Text: text}}
	}
	text := r.DestAddr.FQDN
	if text == "" {
		text = r.DestAddr.IP.String()
	}
	h, err := ParseHost(text)
	if err != nil {
		return no(err.Error())
	}
	sc.target = Target{h, uint16(r.DestAddr.Port)}
	if r.Command != socks5.ConnectCommand {
		return no("SOCKS BIND and UDP ASSOCIATE are not supported")
	}
	d := sc.s.decide(sc.target)
	sc.target = d.Target
	return d
}

// dial connects to what Allow judged: never to the text that the library made
// of the request.
func (sc *socksConn) dial(ctx context.Context) (net.Conn, error) {
	d := sc.s.rules.Load().Decide(sc.target)
	conn, err := sc.s.dial(ctx, d)
	if err != nil {
		var denied *DeniedError
		if errors.As(err, &denied) {
			sc.s.cfg.Emit(sc.s.event(events.Connect, denied.Decision, clientOf(sc.conn)))
		} else {
			sc.s.failed(d, clientOf(sc.conn), err)
		}
		return nil, err
	}
	sc.conn.SetDeadline(time.Time{})
	return sc.s.wrap(conn, d, clientOf(sc.conn), true, func() { abort(sc.conn) }), nil
}
