package netfilter

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/events/doorbell"
)

// Listeners are the doors, made inside the sandbox's network namespace. Each
// may be absent.
type Listeners struct {
	Transparent []net.Listener // connections redirected by the kernel
	HTTP        net.Listener
	SOCKS       net.Listener
	DNS         net.PacketConn
	DNSTCP      net.Listener
	// Bell tells who is at the doors and what was refused before them.
	Bell *doorbell.Proxy
}

// Config of a Server. Rules, Listeners and Emit are required.
type Config struct {
	Rules     *Rules
	Listeners Listeners
	Emit      func(events.Event)

	// Attribute names the process behind a connection; the zero value means
	// unknown, and then the event says so. Nil asks the bell.
	Attribute func(doorbell.Flow) doorbell.Process
	// AttributeAll names the processes of allowed connections, too, which
	// costs a question for each.
	AttributeAll bool

	// Upstream is the proxy of the user's own environment; nil dials directly.
	Upstream *Upstream

	// What follows is for tests; nil means the real thing.
	Dial        func(ctx context.Context, network, addr string) (net.Conn, error)
	Resolve     func(ctx context.Context, name string) ([]netip.Addr, error)
	OwnAddrs    func() []netip.Addr
	IsOwn       func(netip.Addr) bool // besides those
	OriginalDst func(net.Conn) (netip.AddrPort, error)

	// MaxNames bounds the fake addresses of names that only patterns of the rules
	// match; 0 means defaultMaxNames.
	MaxNames int

	// MaxConns bounds the connections at a time; 0 means maxConns.
	MaxConns int

	// names are those of the session, of which this may be one network of
	// several; nil makes new ones.
	names *nameTable
}

// Server serves the doors of one network namespace.
type Server struct {
	cfg     Config
	rules   atomic.Pointer[Rules]
	names   *nameTable
	quota   nameQuota
	own     ownListeners
	doors   ownListeners    // all doors, for who reaches them from inside
	free    chan struct{}   // see slots
	dnsIn   *handedListener // TCP connections to port 53 of any address
	buffers buffers

	mu   sync.Mutex
	live map[*gated]struct{}
	said map[string]time.Time // DNS denials told lately, see sayOnce
}

// New makes a Server; nothing runs before Serve.
func New(cfg Config) (*Server, error) {
	if cfg.Rules == nil || cfg.Emit == nil {
		return nil, errors.New("netfilter: Rules and Emit are required")
	}
	setDefaults(&cfg)
	if cfg.names == nil {
		cfg.names = newNameTable()
	}
	s := &Server{cfg: cfg, names: cfg.names, quota: nameQuota{max: cfg.MaxNames},
		live: map[*gated]struct{}{}, said: map[string]time.Time{}, dnsIn: newHandedListener(),
		free: make(chan struct{}, cfg.MaxConns), buffers: newBuffers()}
	s.rules.Store(cfg.Rules)
	s.own, s.doors = findOwnListeners(cfg.Listeners)
	if bell := cfg.Listeners.Bell; bell != nil && cfg.Attribute == nil {
		s.cfg.Attribute = bell.Who
	}
	return s, nil
}

// Serve is New and Server.Serve.
func Serve(ctx context.Context, cfg Config) error {
	s, err := New(cfg)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// Serve runs all doors until ctx ends or one of them fails; then all are
// closed, and connections with them: half a filter is no filter.
func (s *Server) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := s.cfg.Listeners
	var run []func() error
	for _, ln := range l.Transparent {
		run = append(run, func() error { return s.accept(ctx, s.limit(ln), s.serveTransparent) })
	}
	if l.SOCKS != nil {
		run = append(run, func() error { return s.accept(ctx, s.limit(l.SOCKS), s.serveSOCKS) })
	}
	if l.HTTP != nil {
		run = append(run, func() error { return s.serveHTTP(ctx, s.limit(l.HTTP)) })
	}
	run = append(run, s.dnsServers(ctx)...)
	if l.Bell != nil {
		run = append(run, func() error {
			defer context.AfterFunc(ctx, l.Bell.Drain)()
			l.Bell.Serve(s.refusedOutside)
			<-ctx.Done() // without the keeper nobody is left to serve
			return nil
		})
	}

	done := make(chan error, len(run))
	for _, f := range run {
		go func() { done <- f() }()
	}
	var err error
	left := len(run)
	select {
	case <-ctx.Done():
	case err = <-done:
		left--
	}
	ended := ctx.Err() != nil
	cancel()
	s.closeAll()
	for range left {
		<-done
	}
	if ended {
		return nil
	}
	return err
}

func (s *Server) closeAll() {
	l := s.cfg.Listeners
	for _, ln := range append(slices.Clone(l.Transparent), l.HTTP, l.SOCKS, l.DNSTCP, s.dnsIn) {
		if ln != nil {
			ln.Close()
		}
	}
	if l.DNS != nil {
		l.DNS.Close()
	}
	for _, c := range s.liveConns() {
		c.Close()
	}
}

// SetRules replaces the rules. Connections that the new rules deny are reset.
func (s *Server) SetRules(r *Rules) {
	s.rules.Store(r)
	for _, c := range s.liveConns() {
		s.recheck(c, r)
	}
}

func (s *Server) recheck(c *gated, r *Rules) {
	d := r.Decide(c.decision.Target)
	if d.Allow && c.addr.IsValid() {
		d = r.CheckAddr(d, c.addr, s.ownAddrs(c.addr))
	}
	if !d.Allow {
		c.deny(d)
	}
}

func (s *Server) liveConns() []*gated {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*gated, 0, len(s.live))
	for c := range s.live {
		out = append(out, c)
	}
	return out
}

// acceptPause is how long a door waits when the process is out of descriptors.
const acceptPause = 10 * time.Millisecond

// accept runs serve for every connection. serve owns the connection.
func (s *Server) accept(ctx context.Context, ln net.Listener, serve func(context.Context, net.Conn)) error {
	for {
		c, err := ln.Accept()
		switch {
		case err == nil:
			go serve(ctx, c)
		case errors.Is(err, net.ErrClosed) || ctx.Err() != nil:
			return err
		case isTemporary(err):
			time.Sleep(acceptPause)
		default:
			return err
		}
	}
}

// handedListener is a listener whose connections another door accepted.
type handedListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandedListener() *handedListener {
	return &handedListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (h *handedListener) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handedListener) hand(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		c.Close()
	}
}

func (h *handedListener) Close() error   { h.once.Do(func() { close(h.done) }); return nil }
func (h *handedListener) Addr() net.Addr { return &net.TCPAddr{} }
