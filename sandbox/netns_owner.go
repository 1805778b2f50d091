package sandbox

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events/doorbell"
)

// sockDiag asks the kernel for the inode of a socket, sock_diag(7).
type sockDiag struct {
	mu sync.Mutex
	c  *netlink.Conn
}

func newSockDiag() (*sockDiag, error) {
	c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	if err != nil {
		return nil, err
	}
	return &sockDiag{c: c}, nil
}

const (
	sockDiagByFamily = 20         // SOCK_DIAG_BY_FAMILY
	noCookie         = 0xffffffff // INET_DIAG_NOCOOKIE, twice
	allStates        = 0xffffffff
	diagRequestSize  = 56 // struct inet_diag_req_v2
	diagMessageSize  = 72 // struct inet_diag_msg
)

// inode is 0 when there is no such socket any more.
func (d *sockDiag) inode(f doorbell.Flow) uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.Proto == "udp" {
		return d.udp(f)
	}
	messages, err := d.c.Execute(netlink.Message{
		Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Request},
		Data:   diagRequest(unix.IPPROTO_TCP, f.From, f.To),
	})
	if err != nil || len(messages) != 1 {
		return 0
	}
	// A listener answers for connections that are gone.
	m, ok := parseDiag(messages[0].Data)
	if !ok || m.from.Port() != f.From.Port() || m.to.Port() != f.To.Port() {
		return 0
	}
	return m.inode
}

// udp looks through all sockets: most are connected to nothing, and some to
// an address that was redirected. The port belongs to one of them, unless it
// is shared on purpose.
func (d *sockDiag) udp(f doorbell.Flow) uint32 {
	families := []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	for _, family := range families {
		any := netip.AddrPortFrom(family, 0)
		messages, err := d.c.Execute(netlink.Message{
			Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Request | netlink.Dump},
			Data:   diagRequest(unix.IPPROTO_UDP, any, any),
		})
		if err != nil {
			continue
		}
		for _, m := range messages {
			s, ok := parseDiag(m.Data)
			local := s.from.Addr().Unmap()
			if ok && s.from.Port() == f.From.Port() && (local.IsUnspecified() || local == f.From.Addr().Unmap()) {
				return s.inode
			}
		}
	}
	return 0
}

// diagRequest is struct inet_diag_req_v2 with its inet_diag_sockid; ports and
// addresses are in network order, the rest in the machine's.
func diagRequest(proto byte, from, to netip.AddrPort) []byte {
	b := make([]byte, diagRequestSize)
	b[0], b[1] = unix.AF_INET, proto
	if from.Addr().Is6() {
		b[0] = unix.AF_INET6
	}
	binary.NativeEndian.PutUint32(b[4:], allStates)
	binary.BigEndian.PutUint16(b[8:], from.Port())
	binary.BigEndian.PutUint16(b[10:], to.Port())
	copy(b[12:28], from.Addr().AsSlice())
	copy(b[28:44], to.Addr().AsSlice())
	binary.NativeEndian.PutUint32(b[48:], noCookie)
	binary.NativeEndian.PutUint32(b[52:], noCookie)
	return b
}

type diagMessage struct {
	from, to netip.AddrPort
	inode    uint32
}

func parseDiag(b []byte) (m diagMessage, ok bool) {
	if len(b) < diagMessageSize {
		return m, false
	}
	address := func(at int) netip.Addr {
		if b[0] == unix.AF_INET {
			return netip.AddrFrom4([4]byte(b[at : at+4]))
		}
		return netip.AddrFrom16([16]byte(b[at : at+16]))
	}
	m.from = netip.AddrPortFrom(address(8), binary.BigEndian.Uint16(b[4:]))
	m.to = netip.AddrPortFrom(address(24), binary.BigEndian.Uint16(b[6:]))
	m.inode = binary.NativeEndian.Uint32(b[68:])
	return m, true
}

// maxLooks bounds the descriptors that one search reads, some ten milliseconds'
// worth: a program with a million of them stays unknown rather than keeping
// the keeper busy.
const maxLooks = 20_000

// of gives the process that has a socket open.
func (s *socketOwners) of(inode uint32) doorbell.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := maxLooks
	link := "socket:[" + strconv.FormatUint(uint64(inode), 10) + "]"
	if s.last != 0 && s.holds(s.last, link, &left) {
		return s.process(s.last)
	}
	pids := s.numbers(".", left)
	slices.Sort(pids)
	for _, pid := range pids {
		if left <= 0 {
			break
		}
		if s.holds(pid, link, &left) {
			s.last = pid
			return s.process(pid)
		}
	}
	return doorbell.Process{}
}

// numbers lists the entries of a directory in /proc that are numbers, about as
// many as are wanted.
func (s *socketOwners) numbers(dir string, want int) []int {
	fd, err := unix.Openat(s.proc, dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var out []int
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 || len(out) >= want {
			return out
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			if number, err := strconv.Atoi(name); err == nil {
				out = append(out, number)
			}
		}
	}
}

func (s *socketOwners) holds(pid int, link string, left *int) bool {
	dir := strconv.Itoa(pid) + "/fd"
	var buf [64]byte
	for _, fd := range s.numbers(dir, *left) {
		*left--
		n, err := unix.Readlinkat(s.proc, dir+"/"+strconv.Itoa(fd), buf[:])
		if err == nil && string(buf[:n]) == link {
			return true
		}
	}
	return false
}

func (s *socketOwners) process(pid int) doorbell.Process {
	p := doorbell.Process{Pid: pid}
	fd, err := unix.Openat(s.proc, strconv.Itoa(pid)+"/comm", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return p
	}
	defer unix.Close(fd)
	var buf [64]byte
	if n, err := readRetry(fd, buf[:]); err == nil {
		p.Name = strings.TrimRight(string(buf[:n]), "\n")
	}
	return p
}
