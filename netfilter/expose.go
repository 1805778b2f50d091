package netfilter

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// exposeRetry is how long a connection waits between attempts while nobody
// listens inside yet, and exposeWait how long altogether: a browser that is
// opened before the server has started should not see an error.
const (
	exposeRetry = 50 * time.Millisecond
	exposeWait  = 2 * time.Second
)

// Expose makes a port of the sandbox's loopback reachable through a listener
// of the host: see Proxy.Listen. socket makes an unconnected TCP socket inside
// the network namespace. Close the listener to end it.
func Expose(l net.Listener, port int, socket func(v6 bool) (*os.File, error)) {
	go func() {
		for {
			outer, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				go expose(outer, port, socket)
			}
		}
	}()
}

// expose joins one connection with the server inside, over IPv4 or else IPv6.
func expose(outer net.Conn, port int, socket func(v6 bool) (*os.File, error)) {
	defer outer.Close()
	for start := time.Now(); time.Since(start) < exposeWait; time.Sleep(exposeRetry) {
		for _, v6 := range []bool{false, true} {
			if inner, err := connectInside(port, v6, socket); err == nil {
				join(outer, inner)
				return
			}
		}
	}
}

func connectInside(port int, v6 bool, socket func(v6 bool) (*os.File, error)) (net.Conn, error) {
	f, err := socket(v6)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var addr unix.Sockaddr = &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	if v6 {
		addr = &unix.SockaddrInet6{Port: port, Addr: [16]byte{15: 1}}
	}
	fd := int(f.Fd())
	// Blocking: on a loopback, connect(2) succeeds or fails at once.
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, addr); err != nil {
		return nil, err
	}
	return net.FileConn(f)
}

// join copies both ways; the end of one direction is passed on alone.
func join(a, b net.Conn) {
	defer b.Close()
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() {
			io.Copy(pair[0], pair[1])
			if c, ok := pair[0].(*net.TCPConn); ok {
				c.CloseWrite()
			}
		})
	}
	both.Wait()
}
