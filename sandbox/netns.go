package sandbox

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A network namespace of a session has only a loopback. Every address is made
// local to it, all TCP and DNS is redirected to listeners made here, and the
// listeners are handed to the proxy, which accepts on them from the host's
// namespace.

// Doors are the names of the listeners, in the order in which they are handed
// over. tcp6 is absent where the kernel has no IPv6.
const (
	DoorTCP4   = "tcp4"  // transparent, 127.0.0.1:15001; SO_ORIGINAL_DST tells the target
	DoorTCP6   = "tcp6"  // transparent, [::1]:15001
	DoorHTTP   = "http"  // 127.0.0.1:3128
	DoorSOCKS  = "socks" // 127.0.0.1:1080
	DoorDNSUDP = "dns-udp"
	DoorDNSTCP = "dns-tcp"
	// DoorBell is no listener: over it the keeper tells who is at the doors.
	DoorBell = "bell"
)

// Ports of the doors.
const (
	PortTransparent = 15001
	PortHTTP        = 3128
	PortSOCKS       = 1080
	PortDNS         = 53
)

// door is a listener to be made.
type door struct {
	name string
	kind int // SOCK_STREAM, SOCK_DGRAM
	v6   bool
	any  bool // all addresses of both families, when v6
	port int
}

func doors(v6 bool) []door {
	ds := []door{{DoorTCP4, unix.SOCK_STREAM, false, false, PortTransparent}}
	if v6 {
		ds = append(ds, door{DoorTCP6, unix.SOCK_STREAM, true, false, PortTransparent})
	}
	return append(ds,
		door{DoorHTTP, unix.SOCK_STREAM, false, false, PortHTTP},
		door{DoorSOCKS, unix.SOCK_STREAM, false, false, PortSOCKS},
		// DNS answers both families on one socket.
		door{DoorDNSUDP, unix.SOCK_DGRAM, v6, true, PortDNS},
		door{DoorDNSTCP, unix.SOCK_STREAM, v6, true, PortDNS})
}

// network is one network namespace of the session.
type network struct {
	ns    int // descriptor of the namespace
	names []string
	doors []int
	watch *watch
	// logged: the watch answers what the guard refuses.
	logged bool
}

// makeNetwork sets up a namespace: own, which is begun already, or a new one.
func makeNetwork(p netPlace, own <-chan begunNetwork, pl *Plan) (*network, error) {
	type result struct {
		n   *network
		err error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // for ever: the thread's namespace may differ
		var begun begunNetwork
		if own != nil {
			defer runtime.UnlockOSThread()
			begun = <-own
		} else if begun.err = unix.Unshare(unix.CLONE_NEWNET); begun.err == nil {
			begun = beginNetwork(p.hostProc)
		}
		n, err := begun.finish(p, pl)
		done <- result{n, err}
	}()
	r := <-done
	return r.n, setupError("network", r.err, "")
}

// netPlace are the descriptors of /proc that a network needs: the host's, and
// the session's, whose numbers are those that commands see.
type netPlace struct{ hostProc, innerProc int }

// begunNetwork is what is the same for every plan. The keeper begins its own
// namespace while it sets everything else up.
type begunNetwork struct {
	n   *network
	v6  bool
	err error
}

func beginNetwork(hostProc int) (b begunNetwork) {
	n := &network{}
	b.n = n
	if n.ns, b.err = unix.Openat(hostProc, "thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); b.err != nil {
		return b
	}
	if b.v6, b.err = routes(); b.err != nil {
		return b
	}
	for _, d := range doors(b.v6) {
		fd, err := d.open()
		if err != nil {
			b.err = fmt.Errorf("listener %s: %w", d.name, err)
			return b
		}
		n.names, n.doors = append(n.names, d.name), append(n.doors, fd)
	}
	return b
}

// finish is called on a thread in the namespace.
func (b begunNetwork) finish(p netPlace, pl *Plan) (*network, error) {
	if b.err != nil {
		return nil, b.err
	}
	n := b.n
	w, far, err := newWatch(p.innerProc, b.v6)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	n.names, n.doors, n.logged = append(n.names, DoorBell), append(n.doors, far), w.log != nil
	if err := n.rules(pl); err != nil {
		return nil, &SetupError{Layer: "network", Err: fmt.Errorf("nftables: %w", err),
			Hint: "the kernel needs nf_tables with NAT, redirect and reject (CONFIG_NFT_REDIR, CONFIG_NFT_REJECT)"}
	}
	n.watch = w
	w.start(n.socket)
	return n, nil
}

// rules installs all rules. Where the kernel has no log expression, it resets
// by itself what is refused.
func (n *network) rules(pl *Plan) error {
	err := redirect(pl.Local, pl.Reach, n.logged)
	if n.logged && lacksExpression(err) {
		n.logged = false
		err = redirect(pl.Local, pl.Reach, false)
	}
	return err
}

// insideMark is on sockets that the keeper makes for the proxy: connections of
// theirs mean servers inside and are not redirected. Nobody else can set it:
// SO_MARK needs a capability, socket(7).
const insideMark = 0x667368

// inside runs a function on a thread in the namespace.
func (n *network) inside(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		err := unix.Setns(n.ns, unix.CLONE_NEWNET)
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}

// socket makes a TCP socket that belongs to the namespace whoever uses it.
func (n *network) socket(v6 bool) (f *os.File, err error) {
	family := unix.AF_INET
	if v6 {
		family = unix.AF_INET6
	}
	err = n.inside(func() error {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		f = os.NewFile(uintptr(fd), "inside")
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, insideMark)
	})
	if err != nil && f != nil {
		f.Close()
		f = nil
	}
	return f, err
}

// loopbackIndex is the number of lo in every namespace (LOOPBACK_IFINDEX).
const loopbackIndex = 1

// Addresses of the loopback besides the usual ones. Without any, glibc takes the
// machine for one without network: getaddrinfo(3) with AI_ADDRCONFIG then finds
// no name of one family. They are of the ranges that stand for names, and are
// given to none; what is bound to them is the sandbox's own.
var (
	ownAddress4 = netip.AddrFrom4([4]byte{198, 19, 255, 254})
	ownAddress6 = netip.MustParseAddr("100::ffff:0:0:1")
)

// routes brings the loopback up and makes every address local. The routes
// carry a source: without it a connection would also come from the address it
// goes to, and its answers would match the redirect again.
func routes() (v6 bool, err error) {
	if err := loopbackUp(); err != nil {
		return false, fmt.Errorf("loopback: %w", err)
	}
	for _, lo := range []struct{ src, own netip.Addr }{
		{netip.AddrFrom4([4]byte{127, 0, 0, 1}), ownAddress4}, {netip.IPv6Loopback(), ownAddress6},
	} {
		if lo.src.Is6() && !haveIPv6() {
			return false, nil
		}
		if err := sendNetlink(unix.NETLINK_ROUTE, []netlink.Message{localRoute(lo.src), localAddress(lo.own)}, 1); err != nil {
			return false, fmt.Errorf("route for %v: %w", lo.src, err)
		}
	}
	return true, nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// localRoute asks for a route that makes all addresses of a family our own:
// struct rtmsg and its attributes, rtnetlink(7).
func localRoute(src netip.Addr) netlink.Message {
	family := byte(unix.AF_INET)
	if src.Is6() {
		family = unix.AF_INET6
	}
	data := []byte{family, 0, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, unix.RT_SCOPE_HOST, unix.RTN_LOCAL, 0, 0, 0, 0}
	attribute := func(kind uint16, value []byte) {
		data = binary.NativeEndian.AppendUint16(data, uint16(unix.SizeofRtAttr+len(value)))
		data = append(binary.NativeEndian.AppendUint16(data, kind), value...) // all are multiples of 4
	}
	attribute(unix.RTA_PREFSRC, src.AsSlice())
	attribute(unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, loopbackIndex))
	return netlink.Message{
		Header: netlink.Header{Type: unix.RTM_NEWROUTE, Flags: netlink.Request | netlink.Create | netlink.Excl,
			Length: uint32(unix.NLMSG_HDRLEN + len(data)), Sequence: 1},
		Data: data,
	}
}

// localAddress asks for an address of the loopback: struct ifaddrmsg and its
// attributes, rtnetlink(7).
func localAddress(a netip.Addr) netlink.Message {
	family := byte(unix.AF_INET)
	if a.Is6() {
		family = unix.AF_INET6
	}
	data := []byte{family, byte(a.BitLen()), unix.IFA_F_NODAD, unix.RT_SCOPE_HOST}
	data = binary.NativeEndian.AppendUint32(data, loopbackIndex)
	for _, kind := range []uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS} {
		data = binary.NativeEndian.AppendUint16(data, uint16(unix.SizeofRtAttr+len(a.AsSlice())))
		data = append(binary.NativeEndian.AppendUint16(data, kind), a.AsSlice()...)
	}
	return netlink.Message{
		Header: netlink.Header{Type: unix.RTM_NEWADDR, Flags: netlink.Request | netlink.Create | netlink.Excl,
			Length: uint32(unix.NLMSG_HDRLEN + len(data)), Sequence: 2},
		Data: data,
	}
}

// haveIPv6 tells whether a socket can be bound to ::1.
func haveIPv6() bool {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}) == nil
}

// open makes the listener without package net, whose listeners are MPTCP,
// for which SO_ORIGINAL_DST is not answered.
func (d door) open() (fd int, err error) {
	family := unix.AF_INET
	if d.v6 {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, d.kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if d.kind == unix.SOCK_STREAM {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return -1, err
		}
	}
	if d.kind == unix.SOCK_DGRAM {
		// As much as may be (net.core.rmem_max): what has no room is a question that
		// is asked again after five seconds.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
	}
	if err := unix.Bind(fd, d.address()); err != nil {
		return -1, err
	}
	if d.kind == unix.SOCK_STREAM {
		if err := unix.Listen(fd, 4096); err != nil {
			return -1, err
		}
	}
	return fd, nil
}

func (d door) address() unix.Sockaddr {
	switch {
	case d.v6 && d.any:
		return &unix.SockaddrInet6{Port: d.port}
	case d.v6:
		return &unix.SockaddrInet6{Port: d.port, Addr: [16]byte{15: 1}}
	default:
		return &unix.SockaddrInet4{Port: d.port, Addr: [4]byte{127, 0, 0, 1}}
	}
}
