package netfilter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// exposeRetry is how long a connection waits between attempts while nobody
// listens inside yet, and exposeWait how long altogether: a browser that is
// opened before the server has started should not see an error. maxExposed
// bounds the connections of one port at a time.
const (
	exposeRetry = 50 * time.Millisecond
	exposeWait  = 2 * time.Second
	maxExposed  = 4096
)

// insideWait is for connect(2) to a server inside, which the loopback answers
// at once unless the server has too many waiting.
const insideWait = time.Second

// exposedPort is a port of the host's loopback. Several namespaces of a
// session may have it; a connection is the first one's that listens.
type exposedPort struct {
	listeners []net.Listener
	cancel    context.CancelFunc

	mu     sync.Mutex
	spaces []*space
}

// expose opens the ports of a namespace. The caller holds p.mu.
func (p *proxyProcess) expose(sp *space) error {
	for _, port := range sp.expose {
		e := p.exposed[port]
		if e == nil {
			var err error
			if e, err = listenExposed(port); err != nil {
				p.unexpose(sp)
				return fmt.Errorf("expose port %d: %w", port, err)
			}
			p.exposed[port] = e
		}
		e.mu.Lock()
		e.spaces = append(e.spaces, sp)
		e.mu.Unlock()
	}
	return nil
}

// unexpose is the opposite. The caller holds p.mu.
func (p *proxyProcess) unexpose(sp *space) {
	for _, port := range sp.expose {
		e := p.exposed[port]
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
			delete(p.exposed, port)
		}
	}
}

// listenExposed listens on both loopback addresses, and on no other.
func listenExposed(port int) (*exposedPort, error) {
	ctx, cancel := context.WithCancel(context.Background())
	e := &exposedPort{cancel: cancel}
	for _, addr := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(addr, strconv.Itoa(port)))
		if addr == "::1" && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue // a host without IPv6
		}
		if err != nil {
			e.close()
			return nil, err
		}
		e.listeners = append(e.listeners, l)
	}
	slots := make(chan struct{}, maxExposed)
	for _, l := range e.listeners {
		go e.accept(ctx, l, port, slots)
	}
	return e, nil
}

func (e *exposedPort) close() {
	e.cancel()
	for _, l := range e.listeners {
		l.Close()
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
