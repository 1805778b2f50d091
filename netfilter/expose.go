package netfilter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

// exposeRetry is how long a connection waits between attempts while nobody
// listens inside yet, and exposeWait how long altogether: a browser that is
// opened before the server has started should not see an error.
const (
	exposeRetry = 50 * time.Millisecond
	exposeWait  = 2 * time.Second
)

// insideWait is for connect(2) to a server inside, which the loopback answers
// at once unless the server has too many waiting.
const insideWait = time.Second

// exposedPort is a port at an address of this machine. Several namespaces of a
// session may have it; a connection is the first one's that listens.
type exposedPort struct {
	listener net.Listener // nil: the host does not have the address family
	cancel   context.CancelFunc

	mu     sync.Mutex
	spaces []*space
}

// expose opens the ports of a namespace. The caller holds p.mu.
func (p *proxyProcess) expose(sp *space) error {
	for _, at := range sp.expose {
		e := p.exposed[at]
		if e == nil {
			var err error
			if e, err = listenExposed(at); err != nil {
				p.unexpose(sp)
				return fmt.Errorf("expose port %d: %w", at.Port(), err)
			}
			p.exposed[at] = e
		}
		e.mu.Lock()
		e.spaces = append(e.spaces, sp)
		e.mu.Unlock()
	}
	return nil
}

// unexpose is the opposite. The caller holds p.mu.
func (p *proxyProcess) unexpose(sp *space) {
	for _, at := range sp.expose {
		e := p.exposed[at]
		if e == nil {
			continue
		}
		e.mu.Lock()
		var rest []*space
		for _, s := range e.spaces {
			if s != sp {
				rest = append(rest, s)
			}
		}
		e.spaces = rest
		e.mu.Unlock()
		if len(rest) == 0 {
			e.close()
			delete(p.exposed, at)
		}
	}
}

// exposedAt are the addresses of entries: both of the loopback for one without
// an address. One that another, for all addresses of its family, has too is
// left out: the kernel gives a port to one of them only.
func exposedAt(list []policy.Exposed) []netip.AddrPort {
	var all, out []netip.AddrPort
	for _, e := range list {
		addrs := loopbackAddrs[:]
		if e.Addr.IsValid() {
			addrs = []netip.Addr{e.Addr}
		}
		for _, a := range addrs {
			all = append(all, netip.AddrPortFrom(a, uint16(e.Port)))
		}
	}
	for i, at := range all {
		wider := func(o netip.AddrPort) bool {
			return o.Port() == at.Port() && o.Addr().IsUnspecified() && o.Addr().Is4() == at.Addr().Is4() && o != at
		}
		if !slices.ContainsFunc(all, wider) && !slices.Contains(all[:i], at) {
			out = append(out, at)
		}
	}
	return out
}

// listenExposed listens at one address, of one family even when that is all.
func listenExposed(at netip.AddrPort) (*exposedPort, error) {
	ctx, cancel := context.WithCancel(context.Background())
	e := &exposedPort{cancel: cancel}
	network := "tcp6"
	if at.Addr().Is4() {
		network = "tcp4"
	}
	var err error
	e.listener, err = net.Listen(network, at.String())
	if at.Addr() == netip.IPv6Loopback() && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
		e.listener = nil
		return e, nil // a host without IPv6
	}
	if err != nil {
		cancel()
		return nil, err
	}
	go e.accept(ctx, e.listener, int(at.Port()), make(chan struct{}, maxConns()))
	return e, nil
}

func (e *exposedPort) close() {
	e.cancel()
	if e.listener != nil {
		e.listener.Close()
	}
}

func (e *exposedPort) accept(ctx context.Context, l net.Listener, port int, slots chan struct{}) {
	for {
		outer, err := l.Accept()
		switch {
		case err == nil:
		case isTemporary(err):
			time.Sleep(acceptPause)
			continue
		default:
			return
		}
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				e.serve(ctx, outer, port)
			}()
		default:
			abort(outer)
		}
	}
}

// serve joins one connection with the server inside. One that no server takes
// is reset rather than ended, which would look like an empty answer.
func (e *exposedPort) serve(ctx context.Context, outer net.Conn, port int) {
	tick := time.NewTicker(exposeRetry)
	defer tick.Stop()
	limit := time.After(exposeWait)
	for {
		e.mu.Lock()
		spaces := e.spaces
		e.mu.Unlock()
		for _, sp := range spaces {
			if inner, err := sp.server.dialInside(port); err == nil {
				join(ctx, outer, inner)
				return
			}
		}
		select {
		case <-tick.C:
			continue
		case <-limit:
		case <-ctx.Done():
		}
		abort(outer)
		return
	}
}

// dialInside connects to a server on the sandbox's own loopback, over IPv4 or
// else IPv6.
func (s *Server) dialInside(port int) (net.Conn, error) {
	c, err := s.connectInside(netip.AddrPortFrom(loopbackAddrs[0], uint16(port)))
	if err != nil {
		c, err = s.connectInside(netip.AddrPortFrom(loopbackAddrs[1], uint16(port)))
	}
	return c, err
}

func (s *Server) connectInside(to netip.AddrPort) (net.Conn, error) {
	bell := s.cfg.Listeners.Bell
	if bell == nil {
		return nil, errors.New("no way inside")
	}
	f, err := bell.Socket(to.Addr().Is6())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := connectFile(f, to); err != nil {
		return nil, err
	}
	return net.FileConn(f)
}

// connectFile connects a socket that does not block, waiting without a thread.
func connectFile(f *os.File, to netip.AddrPort) error {
	var addr unix.Sockaddr = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	if to.Addr().Is4() {
		addr = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = unix.Connect(int(fd), addr) }); err != nil {
		return err
	}
	if inner != unix.EINPROGRESS {
		return inner
	}
	if err := f.SetWriteDeadline(time.Now().Add(insideWait)); err != nil {
		return err
	}
	err = raw.Write(func(fd uintptr) bool {
		var code int
		code, inner = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if inner != nil || code != 0 {
			inner = errors.Join(inner, syscall.Errno(code))
			return true
		}
		_, inner = unix.Getpeername(int(fd))
		return inner != unix.ENOTCONN // then wait until it can be written to
	})
	return errors.Join(err, inner)
}

// join copies both ways; the end of one direction is passed on alone.
func join(ctx context.Context, a, b net.Conn) {
	defer a.Close()
	defer b.Close()
	defer context.AfterFunc(ctx, func() { a.Close(); b.Close() })()
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			if _, err := io.Copy(pair[0], pair[1]); err != nil {
				abort(pair[0])
				return
			}
			closeWrite(pair[0])
		})
	}
	both.Wait()
}
