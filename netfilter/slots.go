package netfilter

import (
	"net"
	"sync"
	"time"

	"github.com/fsh-sh/fsh/events"
	"golang.org/x/sys/unix"
)

// defaultMaxConns bounds the connections that the doors of one network have at a time.
// Each of them holds memory of the proxy, which no limit of the policy is about:
// up to maxHead of a request that is not complete, and some buffers.
const defaultMaxConns = 2048

// Each takes up to six descriptors: two sockets, and the pipes of splice(2) for both
// directions. Half of those that the proxy may have are for other networks, and for
// what is asked of it meanwhile.
const connDescriptors, connShare = 6, 2

func maxConns() int {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		l.Cur = 1024
	}
	return int(min(defaultMaxConns, max(1, l.Cur/connDescriptors/connShare)))
}

// slots is a listener whose connections are counted with those of other doors.
// One too many is reset: a client that waits in the kernel's queue could not tell
// that from a server that does not answer.
type slots struct {
	net.Listener
	free chan struct{}
	full func() // tells that there are too many
}

// limit makes the listeners of all doors share their slots.
func (s *Server) limit(ln net.Listener) net.Listener {
	return &slots{Listener: ln, free: s.free, full: s.tooMany}
}

func (s *Server) tooMany() {
	if now := time.Now(); s.sayOnce("too many connections", now) {
		s.cfg.Emit(events.Event{Time: now, Kind: events.Warning, Message: "too many network connections at once; more are reset"})
	}
}

func (l *slots) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return l.hold(c), nil
		default:
			abort(c)
			l.full()
		}
	}
}

// hold keeps what splice(2) and the doors want to know of a connection.
func (l *slots) hold(c net.Conn) net.Conn {
	s := &slot{free: l.free}
	switch c := c.(type) {
	case *net.TCPConn:
		return &tcpInSlot{c, s}
	case *net.UnixConn:
		return &unixInSlot{c, s}
	}
	return &connInSlot{c, s}
}

// slot is given back when its connection is closed.
type slot struct {
	free chan struct{}
	once sync.Once
}

func (s *slot) leave() { s.once.Do(func() { <-s.free }) }

type (
	tcpInSlot struct {
		*net.TCPConn
		slot *slot
	}
	unixInSlot struct {
		*net.UnixConn
		slot *slot
	}
	connInSlot struct {
		net.Conn
		slot *slot
	}
)

func (c *tcpInSlot) Close() error  { defer c.slot.leave(); return c.TCPConn.Close() }
func (c *unixInSlot) Close() error { defer c.slot.leave(); return c.UnixConn.Close() }
func (c *connInSlot) Close() error { defer c.slot.leave(); return c.Conn.Close() }
