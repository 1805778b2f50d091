package sandbox

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// What Landlock and the kernel refuse of sockets they refuse without a word.
// The calls are notified, so that it can be said who tried; those that are none
// of our business go on, and the walls stay where they are.

// actions of denials of sockets, as people read them.
const (
	actListen  = "listen on"
	actSocket  = "open"
	actConnect = "connect"
	actUnix    = "connect to"
)

// foreignSocket is what a refusal of one of the host's network is called.
const foreignSocket = "another connection of a socket from outside"

// unixDatagrams is what a refusal of them is called.
const unixDatagrams = "a socket of unix datagrams"

// socketNotices are the calls about sockets that a plan refuses.
func socketNotices(listens bool) []bpf.Instruction {
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	var prog []bpf.Instruction
	if !listens {
		prog = append(prog, notifyTests(unix.SYS_BIND, ask, nil)...)
		// A socket that was not bound gets a port when it listens.
		prog = append(prog, notifyTests(unix.SYS_LISTEN, ask, nil)...)
	}
	for _, inet := range [...]struct{ family, icmp uint32 }{{unix.AF_INET, unix.IPPROTO_ICMP}, {unix.AF_INET6, unix.IPPROTO_ICMPV6}} {
		prog = append(prog, notifyTests(unix.SYS_SOCKET, ask, []argTest{equal(0, inet.family), {arg: 1, mask: 0xf, value: unix.SOCK_RAW}})...)
		prog = append(prog, notifyTests(unix.SYS_SOCKET, ask, []argTest{equal(0, inet.family), equal(2, inet.icmp)})...)
	}
	return prog
}

// datagramNotices are the calls that make sockets of unix datagrams, which can be
// sent to any path (keeper_connect.go); SOCK_RAW is another word for them, unix(7).
func datagramNotices() []bpf.Instruction {
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	var prog []bpf.Instruction
	for _, nr := range []uintptr{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		for _, kind := range []uint32{unix.SOCK_DGRAM, unix.SOCK_RAW} {
			prog = append(prog, notifyTests(nr, ask, []argTest{equal(0, unix.AF_UNIX), {arg: 1, mask: 0xf, value: kind}})...)
		}
	}
	return prog
}

// judgeSocket answers a call about a socket; ok is false for other calls.
func (s *supervisor) judgeSocket(n *notification) (v verdict, ok bool) {
	switch n.nr {
	case unix.SYS_SOCKET, unix.SYS_SOCKETPAIR:
		if uint32(n.args[0]) == unix.AF_UNIX {
			s.report(n, deniedNote{Action: actSocket, Path: unixDatagrams, Errno: "EACCES"})
			return failed(unix.EACCES), true
		}
		kind, errno := "a raw socket", unix.EPERM
		if n.args[1]&0xf != unix.SOCK_RAW {
			errno = unix.EACCES // as where net.ipv4.ping_group_range has nobody, icmp(7)
		}
		if p := uint32(n.args[2]); p == unix.IPPROTO_ICMP || p == unix.IPPROTO_ICMPV6 {
			kind = "an ICMP socket"
		}
		s.report(n, deniedNote{Action: actSocket, Path: kind, Errno: unix.ErrnoName(errno)})
		return failed(errno), true
	case unix.SYS_BIND, unix.SYS_LISTEN:
		if s.t.v.plan.Listen || !s.isTCP(n) {
			_, carried := s.calls[n.nr] // by the keeper, keeper_bind.go
			return goOn, !carried
		}
		at, err := listenTarget(n, processMemory{s.t.k.base.hostProc, int(n.pid)})
		if err != nil {
			return goOn, true // for the kernel to refuse
		}
		s.report(n, deniedNote{Action: actListen, Path: at, Errno: "EACCES"})
		return failed(unix.EACCES), true
	}
	return verdict{}, false
}

// listenTarget is where a bind(2) or listen(2) wants to be.
func listenTarget(n *notification, memory processMemory) (string, error) {
	if n.nr == unix.SYS_LISTEN {
		return "a port", nil
	}
	addr, err := readSockaddr(memory, uintptr(n.args[1]), int(int32(n.args[2])))
	return addr.String(), err
}

// isTCP looks at the socket itself.
func (s *supervisor) isTCP(n *notification) bool {
	pidfd, err := unix.PidfdOpen(int(n.pid), pidfdThread)
	if err != nil {
		return false
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, int(int32(n.args[0])), 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_INET && domain != unix.AF_INET6 {
		return false
	}
	proto, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return err == nil && proto == unix.IPPROTO_TCP
}

// pidfdThread is PIDFD_THREAD of linux/pidfd.h: the number is a thread's.
const pidfdThread = unix.O_EXCL

// readSockaddr copies an internet address out of a process: sockaddr_in, ip(7),
// and sockaddr_in6, ipv6(7).
func readSockaddr(memory processMemory, at uintptr, size int) (netip.AddrPort, error) {
	var buf [128]byte
	if size < 2 || size > len(buf) {
		return netip.AddrPort{}, unix.EINVAL
	}
	n, err := memory.read(at, buf[:size])
	if err != nil || n != size {
		return netip.AddrPort{}, unix.EFAULT
	}
	port := binary.BigEndian.Uint16(buf[2:])
	switch family := binary.NativeEndian.Uint16(buf[:]); {
	case family == unix.AF_INET && size >= unix.SizeofSockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(buf[4:8])), port), nil
	case family == unix.AF_INET6 && size >= unix.SizeofSockaddrInet6-4: // RFC 2133 had no scope
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(buf[8:24])), port), nil
	}
	return netip.AddrPort{}, unix.EACCES
}

// socketDenial is the event of a refusal that this file has told; ok is false
// for others.
func socketDenial(p *policy.Policy, n deniedNote) (e events.Event, ok bool) {
	e = events.Event{Kind: events.Connect, Denied: true, Program: n.Program, Pid: n.Pid, Action: n.Action, Target: n.Path, Errno: n.Errno}
	switch n.Action {
	case actListen:
		rule := policy.Rule{Key: "network.allow_local_binding", Origin: policy.Origin{Layer: "defaults"}}
		for _, r := range p.Settings {
			if strings.HasSuffix(r.Key, "network.allow_local_binding") {
				rule = r
			}
		}
		rule.Text = "allow_local_binding is not true"
		e.Rule, e.Hint = &rule, "allow_local_binding = true in [network]"
	case actSocket:
		if n.Path == unixDatagrams {
			e.Rule = &policy.Rule{Key: "network", Text: "unix datagrams can be sent to any service of this machine, which Landlock cannot tell apart before ABI 9"}
			break
		}
		if n.Path == foreignSocket {
			e.Rule = &policy.Rule{Key: "network", Text: "what fsh is started with is one connection; others are made inside"}
			break
		}
		e.Rule = &policy.Rule{Key: "network", Text: "no rule is about ICMP and raw packets: only TCP and DNS leave the sandbox"}
	case actUnix:
		e.Rule = &policy.Rule{Key: "network", Text: "no allow_unix_sockets entry matches"}
		e.Hint = "allow_unix_sockets = [\"" + n.Path + "\"] in [network]"
	case actConnect:
		if n.Errno == tooManyRelays {
			e.Rule = &policy.Rule{Key: "network", Text: "too many network connections at once for the descriptors that fsh may have (ulimit -Hn)"}
			break
		}
		e.Rule = &policy.Rule{Key: "network", Text: "without user namespaces only the proxies can be connected to; they allow what the rules do"}
		e.Hint = "use the proxy that http_proxy names"
	default:
		return e, false
	}
	return e, true
}
