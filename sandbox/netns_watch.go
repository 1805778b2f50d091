package sandbox

import (
	"encoding/binary"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events/doorbell"
)

// A watch belongs to a network namespace. It answers connections that the
// guard refused, tells the proxy of them, and tells it which process is behind
// a connection. Its sockets are made inside the namespace.
type watch struct {
	log  *netlink.Conn // what the guard refused; nil where the kernel cannot log
	diag *sockDiag
	raw4 int // for resets; -1: none
	raw6 int
	bell *doorbell.Keeper
	busy atomic.Bool // telling
	// processes finds who holds a socket.
	processes *socketOwners
}

// newWatch is called on a thread in the namespace; far is the proxy's end.
func newWatch(proc int, v6 bool) (w *watch, far int, err error) {
	w = &watch{raw4: -1, raw6: -1, processes: newSocketOwners(proc)}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, -1, err
	}
	if w.bell, err = doorbell.NewKeeper(os.NewFile(uintptr(pair[0]), "doorbell")); err != nil {
		unix.Close(pair[1])
		return nil, -1, err
	}
	if w.diag, err = newSockDiag(); err != nil {
		return nil, pair[1], err
	}
	if w.log, err = openLog(); err != nil {
		w.log = nil // refusals are then the kernel's own and have no name
		return w, pair[1], nil
	}
	// IPPROTO_RAW: the header is ours, and with it the source, raw(7).
	if w.raw4, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW); err != nil {
		return nil, pair[1], err
	}
	if v6 {
		if w.raw6, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW); err != nil {
			return nil, pair[1], err
		}
	}
	return w, pair[1], nil
}

// start serves until the process ends.
func (w *watch) start(socket func(v6 bool) (*os.File, error)) {
	go w.bell.Serve(doorbell.Answers{Who: w.who, Socket: socket})
	if w.log != nil {
		go w.read()
	}
}

// Numbers of linux/netfilter/nfnetlink_log.h.
const (
	nfulaConfigCommand   = 1
	nfulaConfigMode      = 2
	nfulaConfigThreshold = 5
	nfulaPayload         = 9
	nfulCommandBind      = 1
	nfulCopyPacket       = 2
	nfulMsgPacket        = 0
	nfulMsgConfig        = 1
	// logBuffer holds some thousand refusals; a program that makes more
	// before they are read waits for its next attempt, a second later.
	logBuffer = 1 << 20
)

func openLog() (*netlink.Conn, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(logBuffer)
	e := netlink.NewAttributeEncoder()
	e.Bytes(nfulaConfigCommand, []byte{nfulCommandBind})
	// struct nfulnl_msg_config_mode: copy_range (be32), copy_mode, padding.
	e.Bytes(nfulaConfigMode, append(binary.BigEndian.AppendUint32(nil, guardSnap), nfulCopyPacket, 0))
	e.Bytes(nfulaConfigThreshold, binary.BigEndian.AppendUint32(nil, 1))
	attrs, err := e.Encode()
	if err == nil {
		// struct nfgenmsg: family, version, the group as be16.
		head := []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, guardGroup}
		_, err = c.Execute(netlink.Message{
			Header: netlink.Header{Type: unix.NFNL_SUBSYS_ULOG<<8 | nfulMsgConfig, Flags: netlink.Request | netlink.Acknowledge},
			Data:   append(head, attrs...),
		})
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// read answers what the guard refused.
func (w *watch) read() {
	for {
		messages, err := w.log.Receive()
		if err != nil {
			continue // ENOBUFS: some were lost, and will be tried again
		}
		w.busy.Store(true)
		for _, m := range messages {
			if m.Header.Type != unix.NFNL_SUBSYS_ULOG<<8|nfulMsgPacket || len(m.Data) < 4 {
				continue
			}
			d, err := netlink.NewAttributeDecoder(m.Data[4:])
			if err != nil {
				continue
			}
			for d.Next() {
				if d.Type() == nfulaPayload {
					w.refused(d.Bytes())
				}
			}
		}
		w.busy.Store(false)
	}
}

// settle waits, not for long, until all that was refused has been told; the
// processes are dead by now.
func (w *watch) settle() {
	if w.log == nil {
		return
	}
	raw, err := w.log.SyscallConn()
	if err != nil {
		return
	}
	for range 20 {
		unread := false
		_ = raw.Control(func(fd uintptr) {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			unread = err == nil && n > 0
		})
		if !unread && !w.busy.Load() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// refused names the process first: a connection's socket lives until it is
// answered.
func (w *watch) refused(raw []byte) {
	p, ok := parsePacket(raw)
	if !ok {
		return
	}
	w.bell.Refused(p.flow, w.who(p.flow))
	if p.flow.Proto == "tcp" {
		w.reset(p)
	}
}

func (w *watch) who(f doorbell.Flow) doorbell.Process {
	inode := w.diag.inode(f)
	if inode == 0 {
		return doorbell.Process{}
	}
	return w.processes.of(inode)
}

// reset answers a SYN as a closed port does: RST and ACK (RFC 9293, 3.10.7.1).
func (w *watch) reset(p packet) {
	from, to := p.flow.To, p.flow.From
	head := make([]byte, 20)
	binary.BigEndian.PutUint16(head[0:], from.Port())
	binary.BigEndian.PutUint16(head[2:], to.Port())
	binary.BigEndian.PutUint32(head[8:], p.seq+1)
	head[12], head[13] = 5<<4, tcpRST|tcpACK
	binary.BigEndian.PutUint16(head[16:], checksum(from.Addr(), to.Addr(), head))
	if to.Addr().Is4() {
		ip := make([]byte, 20, 40) // the kernel fills in id and checksum
		ip[0], ip[3], ip[8], ip[9] = 0x45, 40, 64, unix.IPPROTO_TCP
		copy(ip[12:], from.Addr().AsSlice())
		copy(ip[16:], to.Addr().AsSlice())
		_ = unix.Sendto(w.raw4, append(ip, head...), 0, &unix.SockaddrInet4{Addr: to.Addr().As4()})
		return
	}
	ip := make([]byte, 40, 60)
	ip[0], ip[5], ip[6], ip[7] = 0x60, 20, unix.IPPROTO_TCP, 64
	copy(ip[8:], from.Addr().AsSlice())
	copy(ip[24:], to.Addr().AsSlice())
	_ = unix.Sendto(w.raw6, append(ip, head...), 0, &unix.SockaddrInet6{Addr: to.Addr().As16()})
}

// checksum is TCP's (RFC 9293, 3.1), with its pseudo-header.
func checksum(from, to netip.Addr, segment []byte) uint16 {
	var sum uint32
	add := func(b []byte) {
		for i := 0; i+1 < len(b); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	add(from.AsSlice())
	add(to.AsSlice())
	sum += unix.IPPROTO_TCP + uint32(len(segment))
	add(segment)
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// packet is what is read of a refused one.
type packet struct {
	flow doorbell.Flow
	seq  uint32 // TCP
}

// parsePacket reads an IP packet that the kernel made for a socket; so there
// are no extension headers but those that programs set, which make it unknown.
func parsePacket(b []byte) (p packet, ok bool) {
	if len(b) < 20 {
		return p, false
	}
	var proto byte
	var from, to netip.Addr
	var rest []byte
	switch b[0] >> 4 {
	case 4:
		n := int(b[0]&15) * 4
		if n < 20 || len(b) < n {
			return p, false
		}
		proto, rest = b[9], b[n:]
		from, to = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	case 6:
		if len(b) < 40 {
			return p, false
		}
		proto, rest = b[6], b[40:]
		from, to = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	default:
		return p, false
	}
	if len(rest) < 8 {
		return p, false
	}
	switch proto {
	case unix.IPPROTO_TCP:
		p.flow.Proto, p.seq = "tcp", binary.BigEndian.Uint32(rest[4:])
	case unix.IPPROTO_UDP:
		p.flow.Proto = "udp"
	default:
		return p, false
	}
	p.flow.From = netip.AddrPortFrom(from, binary.BigEndian.Uint16(rest[0:]))
	p.flow.To = netip.AddrPortFrom(to, binary.BigEndian.Uint16(rest[2:]))
	return p, true
}

// socketOwners finds the process that holds a socket, in the session's /proc.
type socketOwners struct {
	proc int // descriptor
	mu   sync.Mutex
	last int // the process that was found last: most make several connections
}

func newSocketOwners(proc int) *socketOwners { return &socketOwners{proc: proc} }
