package netfilter

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

// serveTransparent handles one redirected connection: which address was
// meant, which name that is, may it be reached.
func (s *Server) serveTransparent(ctx context.Context, c net.Conn) {
	dst, err := s.cfg.OriginalDst(c)
	if err != nil {
		abort(c)
		return
	}
	cl := clientTo(c, unmapped(dst))
	d := s.decideDst(dst)
	if !d.Allow && dst.Port() == 53 {
		// A resolver written into a program: answered here like any other.
		s.dnsIn.hand(c)
		return
	}
	if !d.Allow {
		s.refuse(c, d, cl)
		return
	}
	conn, err := s.dial(ctx, d)
	if err != nil {
		var denied *DeniedError
		if errors.As(err, &denied) {
			s.refuse(c, denied.Decision, cl)
			return
		}
		s.failed(d, cl, err)
		abort(c)
		return
	}
	relay(c, s.wrap(conn, d, cl, true, func() { abort(c) }))
}

// decide is about what a client names to a proxy: an address that stands for a
// name is from a program that has asked the DNS door itself.
func (s *Server) decide(t Target) Decision {
	if addr, ok := t.Host.Addr(); ok && isFake(addr) {
		return s.decideDst(netip.AddrPortFrom(addr, t.Port))
	}
	return s.rules.Load().Decide(t)
}

func (s *Server) decideDst(dst netip.AddrPort) Decision {
	addr := dst.Addr().Unmap().WithZone("")
	if !isFake(addr) {
		return s.rules.Load().Decide(Target{AddrHost(addr), dst.Port()})
	}
	if name, ok := s.names.lookup(addr); ok {
		return s.rules.Load().Decide(Target{name, dst.Port()})
	}
	return Decision{Target: Target{AddrHost(addr), dst.Port()},
		Rule: policy.Rule{Key: keyAllow, Text: "the address was not given out for any name in this session"}}
}

// refuse says why and resets: connect(2) has succeeded by now, so ECONNRESET
// is the earliest the client can learn of it.
func (s *Server) refuse(c net.Conn, d Decision, cl client) {
	e := s.event(events.Connect, d, cl)
	e.Errno = "ECONNRESET"
	s.cfg.Emit(e)
	abort(c)
}

// failed records that an allowed target could not be reached.
func (s *Server) failed(d Decision, c client, err error) {
	e := s.event(events.Connect, d, c)
	e.Message = err.Error()
	s.cfg.Emit(e)
}

// soOriginalDst is SO_ORIGINAL_DST of linux/netfilter_ipv4.h and
// IP6T_SO_ORIGINAL_DST of linux/netfilter_ipv6/ip6_tables.h.
const soOriginalDst = 80

// originalDst asks the kernel where a redirected connection was going. Where
// the listener itself is bound to the wanted port (no NAT), the connection's
// own address is the answer.
func originalDst(c net.Conn) (netip.AddrPort, error) {
	addr, isTCP := c.LocalAddr().(*net.TCPAddr)
	raw, ok := c.(syscall.Conn)
	if !isTCP || !ok {
		return netip.AddrPort{}, errors.New("not a TCP connection")
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	local := addr.AddrPort()
	var dst netip.AddrPort
	var inner error
	err = rc.Control(func(fd uintptr) {
		if local.Addr().Unmap().Is4() {
			dst, inner = originalDst4(fd)
		} else {
			dst, inner = originalDst6(fd)
		}
	})
	if err != nil {
		return netip.AddrPort{}, err
	}
	if errors.Is(inner, syscall.ENOENT) || errors.Is(inner, syscall.ENOPROTOOPT) {
		return local, nil
	}
	return dst, inner
}

func originalDst4(fd uintptr) (netip.AddrPort, error) {
	var sa unix.RawSockaddrInet4
	if err := getsockopt(fd, unix.SOL_IP, soOriginalDst, unsafe.Pointer(&sa), unsafe.Sizeof(sa)); err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), bigEndianPort(sa.Port)), nil
}

func originalDst6(fd uintptr) (netip.AddrPort, error) {
	var sa unix.RawSockaddrInet6
	if err := getsockopt(fd, unix.SOL_IPV6, soOriginalDst, unsafe.Pointer(&sa), unsafe.Sizeof(sa)); err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), bigEndianPort(sa.Port)), nil
}

// bigEndianPort: the field holds network byte order whatever the machine's.
func bigEndianPort(p uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], p)
	return binary.BigEndian.Uint16(b[:])
}

func getsockopt(fd uintptr, level, name int, p unsafe.Pointer, size uintptr) error {
	n := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, uintptr(level), uintptr(name),
		uintptr(p), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}
