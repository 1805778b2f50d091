package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events/doorbell"
)

// A bare session has the host's network, so connect(2) waits for the keeper.
// It never lets the call happen: for the addresses of the proxies, which
// programs know from their variables, it puts a connection of its own in the
// place of the process's socket (SECCOMP_IOCTL_NOTIF_ADDFD; pidfd_getfd is
// refused in containers), and every other address is refused. So the decision
// is made by the same proxies as ever, and nothing that the process does to
// its memory meanwhile matters. Datagrams and every way to name an address
// in a send are refused by the filter, listening by the keeper.

// msgFastopen is MSG_FASTOPEN of linux/socket.h.
const msgFastopen = 0x20000000

var (
	callConnect = kernelCall{"connect", 42, 203}
	callBind    = kernelCall{"bind", 49, 200}
	callListen  = kernelCall{"listen", 50, 201}
)

// bareSocketRows are the sockets of a bare session: TCP, and unconnected to
// anything by themselves; pairs that cannot be aimed at somebody else.
func bareSocketRows() []seccompRow {
	notStream := argTest{arg: 1, mask: 0xf, value: unix.SOCK_STREAM, not: true}
	notPackets := argTest{arg: 1, mask: 0xf, value: unix.SOCK_SEQPACKET, not: true}
	return []seccompRow{
		{callSocket, unix.EACCES, whyBareUnix, []argTest{equal(0, unix.AF_UNIX)}},
		{callSocket, unix.EAFNOSUPPORT, whyBareNet, []argTest{other(0, unix.AF_INET), other(0, unix.AF_INET6)}},
		{callSocket, unix.EACCES, whyBareNet, []argTest{notStream}},
		{callSocket, unix.EPROTONOSUPPORT, whyBareNet, []argTest{other(2, 0), other(2, unix.IPPROTO_TCP)}},
		// A pair of datagram sockets can send to any path: unix(7).
		{callSocketpair, unix.EOPNOTSUPP, whyBareUnix, []argTest{notStream, notPackets}},
		{kernelCall{"sendto", 44, 206}, unix.EACCES, whyBareNet, []argTest{nonZero(4)}},
		{kernelCall{"sendto", 44, 206}, unix.EACCES, whyBareNet, []argTest{highBits(4)}},
		{kernelCall{"sendto", 44, 206}, unix.EACCES, whyBareNet, []argTest{anyBit(3, msgFastopen)}},
		{kernelCall{"sendmsg", 46, 211}, unix.EACCES, whyBareNet, []argTest{anyBit(2, msgFastopen)}},
		{kernelCall{"sendmmsg", 307, 269}, unix.EACCES, whyBareNet, []argTest{anyBit(3, msgFastopen)}},
	}
}

// bareNet are the doors of one set of network rules: listeners that have no
// path any more, of which the keeper holds the way in.
type bareNet struct {
	names []string
	doors []int
	ways  map[uint16]int // port to an O_PATH descriptor of the socket
	slots chan struct{}  // of connections that the keeper relays
}

// Each connection is up to six descriptors of the keeper: two sockets, and the pipes
// of splice(2) for both directions. The rules of one network get a quarter of those
// that it may have, and need no more than the proxy takes at a time.
const (
	maxRelays       = 2048
	relayDescriptor = 6
	relayShare      = 4
)

// tooManyRelays is the errno by which such a refusal is known, connect(2).
const tooManyRelays = "EAGAIN"

func relaySlots() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		l.Cur = 1024
	}
	return int(min(maxRelays, max(1, l.Cur/relayDescriptor/relayShare)))
}

// bareNetwork gives the doors of a plan's rules; fresh says that the shell
// does not have them yet.
func (k *keeper) bareNetwork(pl *Plan) (n *bareNet, fresh bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := k.bareNets[pl.Net]; n != nil {
		return n, false, nil
	}
	n = &bareNet{ways: map[uint16]int{}, slots: make(chan struct{}, relaySlots())}
	// By a descriptor, as an address holds 108 bytes (unix(7)).
	dir, err := unix.Open(filepath.Dir(pl.Temp), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, false, err
	}
	defer unix.Close(dir)
	for _, d := range []struct {
		name string
		port uint16
	}{{DoorHTTP, PortHTTP}, {DoorSOCKS, PortSOCKS}} {
		path := fmt.Sprintf("/proc/self/fd/%d/door-%d-%d", dir, os.Getpid(), d.port)
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, false, err
		}
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			return nil, false, err
		}
		way, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		_ = os.Remove(path)
		if err == nil {
			err = unix.Listen(fd, 4096)
		}
		if err != nil {
			return nil, false, err
		}
		n.names, n.doors, n.ways[d.port] = append(n.names, d.name), append(n.doors, fd), way
	}
	if k.bareNets == nil {
		k.bareNets = map[string]*bareNet{}
	}
	k.bareNets[pl.Net] = n
	return n, true, nil
}

// connect answers a connect(2) call.
func (s *bareSupervisor) connect(n *notification) error {
	to, err := readSockaddr(s.memory(n), uintptr(n.args[1]), int(int32(n.args[2])))
	if err != nil {
		return err
	}
	way, ok := 0, false
	if s.net != nil && to.Addr().Unmap() == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		way, ok = s.net.ways[to.Port()]
	}
	if !ok {
		s.report(n, deniedNote{Action: actConnect, Path: to.String(), Errno: "ECONNREFUSED"})
		return unix.ECONNREFUSED
	}
	fd := int(int32(n.args[0]))
	flags, err := s.socketFlags(int(n.pid), fd)
	if err != nil {
		return err
	}
	select {
	case s.net.slots <- struct{}{}:
	default:
		s.report(n, deniedNote{Action: actConnect, Path: to.String(), Errno: tooManyRelays})
		return unix.EAGAIN
	}
	own, err := throughDoor(way, s.net.slots, to.Addr().Is4In6(), doorbell.Process{Pid: int(n.pid), Name: commOf(s.k.base.hostProc, n.pid)})
	if err != nil {
		return unix.ECONNREFUSED
	}
	defer own.Close()
	raw, err := own.(*net.TCPConn).File()
	if err != nil {
		return unix.ECONNREFUSED
	}
	defer raw.Close()
	if err := unix.SetNonblock(int(raw.Fd()), flags&unix.O_NONBLOCK != 0); err != nil {
		return unix.ECONNREFUSED
	}
	add := struct {
		id                          uint64
		flags, src, dst, descriptor uint32
	}{n.id, unix.SECCOMP_ADDFD_FLAG_SETFD, uint32(raw.Fd()), uint32(fd), uint32(flags & unix.O_CLOEXEC)}
	if err := notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_ADDFD, unsafe.Pointer(&add)); err != nil {
		return unix.ECONNREFUSED
	}
	return nil
}

// refuseListening answers bind(2) and listen(2).
func (s *bareSupervisor) refuseListening(n *notification) error {
	at, err := listenTarget(n, s.memory(n))
	if err != nil {
		return err
	}
	s.report(n, deniedNote{Action: actListen, Path: at, Errno: "EACCES"})
	return unix.EACCES
}

// socketFlags are the flags of a process's descriptor (proc_pid_fdinfo(5)).
func (s *bareSupervisor) socketFlags(pid, fd int) (int, error) {
	at := strconv.Itoa(pid)
	buf := make([]byte, 64)
	n, err := unix.Readlinkat(s.k.base.hostProc, at+"/fd/"+strconv.Itoa(fd), buf)
	if err != nil {
		return 0, unix.EBADF
	}
	if !strings.HasPrefix(string(buf[:n]), "socket:") {
		return 0, unix.ENOTSOCK
	}
	info, err := unix.Openat(s.k.base.hostProc, at+"/fdinfo/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, unix.EBADF
	}
	f := os.NewFile(uintptr(info), "fdinfo")
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, unix.EBADF
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "flags:"); ok {
			v, err := strconv.ParseInt(strings.TrimSpace(rest), 8, 64)
			return int(v), err
		}
	}
	return 0, unix.EBADF
}

// throughDoor makes a TCP connection whose other end is the proxy's door. The
// listener lives for this one connection, and takes it from nobody else. The slot
// that was taken is free when the connection has ended, or there is none. A socket of
// IPv6 (Java has no others) gets one of IPv6, to the same address.
func throughDoor(way int, slots <-chan struct{}, six bool, who doorbell.Process) (c net.Conn, err error) {
	defer func() {
		if err != nil {
			<-slots
		}
	}()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	own, err := dialLocal(ln.Addr().(*net.TCPAddr), six)
	if err != nil {
		return nil, err
	}
	for {
		there, err := ln.Accept()
		if err != nil {
			own.Close()
			return nil, err
		}
		if there.RemoteAddr().String() != own.LocalAddr().String() {
			there.Close() // another process of the machine was faster
			continue
		}
		door, err := knock(way, who)
		if err != nil {
			there.Close()
			own.Close()
			return nil, err
		}
		go func() {
			relay(there.(*net.TCPConn), door.(*net.UnixConn))
			<-slots
		}()
		return own, nil
	}
}

func dialLocal(to *net.TCPAddr, six bool) (net.Conn, error) {
	if !six {
		return net.Dial("tcp4", to.String())
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "own")
	defer f.Close()
	// Package net has no connections to mapped addresses (RFC 4291, 2.5.5.2).
	err = unix.EINTR
	for err == unix.EINTR {
		err = unix.Connect(fd, &unix.SockaddrInet6{Port: to.Port, Addr: [16]byte(to.IP.To16())})
	}
	if err != nil && err != unix.EISCONN { // as after an EINTR
		return nil, err
	}
	return net.FileConn(f)
}

// knockWait is how long the proxy may take until it has room for a connection.
const knockWait = time.Second

// knock connects to a door, in the name of a process. Where somebody has taken
// the name that says so, the process stays unknown. It waits for room, which a
// socket that does not block, as those of package net, would not.
func knock(way int, who doorbell.Process) (net.Conn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "door")
	defer f.Close()
	_ = unix.Bind(fd, &unix.SockaddrUnix{Name: doorbell.ClientName(who)})
	wait := unix.NsecToTimeval(int64(knockWait))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait); err != nil {
		return nil, err
	}
	if err := connectPath(fd, "/proc/self/fd/"+strconv.Itoa(way)); err != nil {
		return nil, err
	}
	return net.FileConn(f)
}

// connectPath goes on where the runtime's signals have interrupted it.
func connectPath(fd int, path string) error {
	for {
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != unix.EINTR {
			return err
		}
	}
}

// relay copies both ways until both have ended, or the proxy has closed the
// connection: what its client does with its own end is then no matter.
func relay(a *net.TCPConn, b *net.UnixConn) {
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(b, a)
		_ = b.CloseWrite()
		close(done)
	}()
	_, _ = io.Copy(a, b)
	_ = a.CloseWrite()
	if closedByPeer(b) {
		a.Close()
	}
	<-done
	a.Close()
	b.Close()
}

// closedByPeer: unlike one that has shut down only its own direction, poll(2).
func closedByPeer(c *net.UnixConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	closed := false
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		_, perr := unix.Poll(fds, 0)
		closed = perr == nil && fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
	})
	return closed || err != nil
}
