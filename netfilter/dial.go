package netfilter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	dialTimeout    = 30 * time.Second
	attemptTimeout = 10 * time.Second
	// attemptDelay is RFC 8305's Connection Attempt Delay.
	attemptDelay = 250 * time.Millisecond
	// maxAddrs bounds what one name may make us try.
	maxAddrs = 16
	// ownFor is how long the list of this machine's addresses is believed.
	ownFor = 2 * time.Second
)

func setDefaults(cfg *Config) {
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: attemptTimeout}).DialContext
	}
	if cfg.Resolve == nil {
		cfg.Resolve = resolveSystem
	}
	if cfg.OwnAddrs == nil {
		cfg.OwnAddrs = cachedOwnAddrs()
	}
	if cfg.IsOwn == nil {
		cfg.IsOwn = leadsHere
	}
	if cfg.OriginalDst == nil {
		cfg.OriginalDst = originalDst
	}
	if cfg.MaxNames == 0 {
		cfg.MaxNames = defaultMaxNames
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = maxConns()
	}
}

// resolveSystem asks the host's resolver. A name with a dot is absolute, so
// that the host's search domains cannot turn an allowed name into another one;
// a single label may mean a machine of the local domain.
func resolveSystem(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", absoluteName(name))
}

func absoluteName(name string) string {
	if strings.Contains(name, ".") {
		return name + "."
	}
	return name
}

func cachedOwnAddrs() func() []netip.Addr {
	var mu sync.Mutex
	var list []netip.Addr
	var at time.Time
	return func() []netip.Addr {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(at) < ownFor {
			return list
		}
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			return list
		}
		list, at = nil, time.Now()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					list = append(list, ip.Unmap())
				}
			}
		}
		return list
	}
}

// ownAddrs are the addresses of this machine, with one to be looked at if it is.
func (s *Server) ownAddrs(a netip.Addr) []netip.Addr {
	own := s.cfg.OwnAddrs()
	if !slices.Contains(own, a) && s.cfg.IsOwn(a) {
		return append(slices.Clone(own), a)
	}
	return own
}

// reached is a connection and the address that was checked and dialled; no
// address when an upstream proxy chooses it.
type reached struct {
	conn net.Conn
	addr netip.Addr
}

// dial connects to an allowed target and returns the ungated connection. It is
// the only way from a door to the network.
func (s *Server) dial(ctx context.Context, d Decision) (reached, error) {
	if !d.Allow {
		return reached{}, &DeniedError{d}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	rules := s.rules.Load()
	if up := s.cfg.Upstream.proxyFor(d, rules); up != nil {
		if d.Target.Port == 80 {
			conn, err := s.plainTunnel(up, d)
			return reached{conn: conn}, err
		}
		conn, err := s.dialUpstream(ctx, up, d.Target)
		return reached{conn: conn}, err
	}
	addrs, err := s.resolve(ctx, rules, d)
	if err != nil {
		return reached{}, err
	}
	if d.Local && rules.local.Mode == "all" {
		// All ports lead out, but what the sandbox itself serves comes first. A door
		// would come back here.
		for _, a := range addrs {
			to := netip.AddrPortFrom(a, d.Target.Port)
			if s.doors.has(to) {
				continue
			}
			if conn, err := s.connectInside(to); err == nil {
				return reached{conn: conn}, nil
			}
		}
	}
	good, refused := s.check(rules, d, addrs)
	if len(good) == 0 {
		return reached{}, &DeniedError{refused}
	}
	return s.race(ctx, good, d.Target.Port)
}

func (s *Server) resolve(ctx context.Context, rules *Rules, d Decision) ([]netip.Addr, error) {
	h := d.Target.Host
	if a, ok := h.Addr(); ok {
		if a.IsUnspecified() { // connect(0.0.0.0) is the loopback
			return loopbackAddrs[:], nil
		}
		return []netip.Addr{a}, nil
	}
	if h.IsLocalhost() {
		return loopbackAddrs[:], nil
	}
	if pins := rules.Pinned(h); len(pins) > 0 {
		return pins, nil
	}
	addrs, err := s.cfg.Resolve(ctx, h.Name())
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", h, err)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("resolve %s: no address", h)
	}
	return addrs, nil
}

var loopbackAddrs = [...]netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// check keeps the addresses that may be dialled, families alternating, and the
// first refusal. A Decision without Allow comes back only with no address.
func (s *Server) check(rules *Rules, d Decision, addrs []netip.Addr) ([]netip.Addr, Decision) {
	refused := Decision{Target: d.Target, Rule: d.Rule}
	found := false
	var v4, v6 []netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		c := rules.CheckAddr(d, a, s.ownAddrs(a))
		if c.Allow && s.own.has(netip.AddrPortFrom(a, d.Target.Port)) {
			c = Decision{Target: d.Target, Rule: c.Rule}
			c.Rule.Text = "that is the proxy itself"
		}
		switch {
		case !c.Allow && !found:
			refused, found = c, true
		case c.Allow && a.Is4() && !slices.Contains(v4, a):
			v4 = append(v4, a)
		case c.Allow && a.Is6() && !slices.Contains(v6, a):
			v6 = append(v6, a)
		}
	}
	return interleave(addrs, v4, v6), refused
}

// byFamily splits addresses.
func byFamily(addrs []netip.Addr) (v4, v6 []netip.Addr) {
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	return v4, v6
}

// interleave alternates families, the resolver's first choice first.
func interleave(order, v4, v6 []netip.Addr) []netip.Addr {
	a, b := v6, v4
	if len(order) > 0 && order[0].Unmap().Is4() {
		a, b = v4, v6
	}
	var out []netip.Addr
	for i := 0; i < max(len(a), len(b)); i++ {
		if i < len(a) {
			out = append(out, a[i])
		}
		if i < len(b) {
			out = append(out, b[i])
		}
	}
	return out[:min(len(out), maxAddrs)]
}

type attempt struct {
	reached
	err error
}

// race connects to the addresses in order, starting the next when the last
// one failed or is slow, and returns the first connection (RFC 8305).
func (s *Server) race(ctx context.Context, addrs []netip.Addr, port uint16) (reached, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt, len(addrs))
	next, pending := 0, 0
	start := func() {
		addr := addrs[next]
		next++
		pending++
		go func() {
			c, err := s.cfg.Dial(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
			results <- attempt{reached{c, addr}, err}
		}()
	}
	start()
	timer := time.NewTimer(attemptDelay)
	defer timer.Stop()
	var firstErr error
	for pending > 0 {
		select {
		case r := <-results:
			pending--
			if r.err == nil {
				go closeRest(results, pending)
				return r.reached, nil
			}
			if firstErr == nil {
				firstErr = r.err
			}
			if next < len(addrs) {
				start()
			}
		case <-timer.C:
			if next < len(addrs) {
				start()
				timer.Reset(attemptDelay)
			}
		}
	}
	return reached{}, firstErr
}

func closeRest(results <-chan attempt, n int) {
	for range n {
		if r := <-results; r.conn != nil {
			r.conn.Close()
		}
	}
}

// ownListeners are doors in the network namespace that dial uses, too: a
// connection to them would be a loop. In a session the doors are in another
// namespace and their ports here belong to somebody else.
type ownListeners map[netip.AddrPort]struct{}

func (o ownListeners) has(ap netip.AddrPort) bool {
	if len(o) == 0 {
		return false
	}
	if _, ok := o[ap]; ok {
		return true
	}
	any4, any6 := netip.AddrPortFrom(netip.IPv4Unspecified(), ap.Port()), netip.AddrPortFrom(netip.IPv6Unspecified(), ap.Port())
	_, ok4 := o[any4]
	_, ok6 := o[any6]
	return ok4 || ok6
}

// findOwnListeners returns these, and all doors wherever they are.
func findOwnListeners(l Listeners) (own, all ownListeners) {
	own, all = ownListeners{}, ownListeners{}
	here, err := hereCookie()
	for _, ln := range append(slices.Clone(l.Transparent), l.HTTP, l.SOCKS, l.DNSTCP) {
		if ln == nil {
			continue
		}
		sc, ok := ln.(syscall.Conn)
		addr, okAddr := ln.Addr().(*net.TCPAddr)
		if !ok || !okAddr {
			continue
		}
		ap := netip.AddrPortFrom(addr.AddrPort().Addr().Unmap(), addr.AddrPort().Port())
		all[ap] = struct{}{}
		there, errThere := netnsCookie(sc)
		if err != nil || errThere != nil || here == there {
			own[ap] = struct{}{}
		}
	}
	return own, all
}

// netnsCookie names the network namespace of a socket: SO_NETNS_COOKIE,
// socket(7), Linux 5.14. When it cannot be had, the caller assumes the worst.
func netnsCookie(c syscall.Conn) (cookie uint64, err error) {
	rc, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var inner error
	err = rc.Control(func(fd uintptr) {
		cookie, inner = unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	})
	return cookie, errors.Join(err, inner)
}

func hereCookie() (uint64, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
}

// isTemporary: accept(2) may fail for one connection or for want of
// descriptors without the listener being broken.
func isTemporary(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.EINTR, syscall.EAGAIN, syscall.EPROTO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
