package sandbox

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events/doorbell"
)

// A door that has no room for a connection at the moment has some soon.
func TestKnockWaits(t *testing.T) {
	path := t.TempDir() + "/door"
	door, err := listenAt(path, 0)
	must(t, err)
	defer unix.Close(door)
	must(t, unix.SetsockoptTimeval(door, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}))
	way, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(way)
	who := doorbell.Process{Pid: os.Getpid(), Name: "test"}
	const clients = 5
	results := make(chan error, clients)
	for range clients {
		go func() {
			c, err := knock(way, who)
			if err == nil {
				defer c.Close()
			}
			results <- err
		}()
	}
	must(t, <-results) // the first has filled it
	for range clients {
		fd, from, err := unix.Accept(door)
		for err == unix.EINTR { // a signal of the runtime's
			fd, from, err = unix.Accept(door)
		}
		must(t, err)
		unix.Close(fd)
		if got := doorbell.ClientOf(&net.UnixAddr{Net: "unix", Name: from.(*unix.SockaddrUnix).Name}); got != who {
			t.Errorf("client %+v", got)
		}
	}
	for range clients - 1 {
		must(t, <-results)
	}
}

// A connection that the proxy has closed costs the keeper nothing, whatever the
// client does with its end; one that is half closed goes on.
func TestRelayEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*net.UnixConn)
		ends bool
	}{
		{"closed", func(c *net.UnixConn) { c.Close() }, true},
		{"half closed", func(c *net.UnixConn) { must(t, c.CloseWrite()) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			ln, err := net.Listen("tcp4", "127.0.0.1:0")
			must(t, err)
			defer ln.Close()
			client, err := net.Dial("tcp4", ln.Addr().String())
			must(t, err)
			defer client.Close()
			there, err := ln.Accept()
			must(t, err)
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			must(t, err)
			var doors [2]*net.UnixConn
			for i, fd := range fds {
				f := os.NewFile(uintptr(fd), "door")
				c, err := net.FileConn(f)
				must(t, err)
				must(t, f.Close())
				doors[i] = c.(*net.UnixConn)
			}
			defer doors[1].Close()
			ended := make(chan struct{})
			go func() { relay(there.(*net.TCPConn), doors[0]); close(ended) }()
			_, err = doors[1].Write([]byte("last words"))
			must(t, err)
			test.end(doors[1])
			text, err := io.ReadAll(client)
			if string(text) != "last words" || err != nil {
				t.Errorf("the client got %q %v", text, err)
			}
			if !test.ends {
				_, err = client.Write([]byte("more"))
				must(t, err)
				must(t, client.(*net.TCPConn).CloseWrite())
				if text, err := io.ReadAll(doors[1]); string(text) != "more" || err != nil {
					t.Errorf("the proxy got %q %v", text, err)
				}
			}
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				t.Error("the relay goes on")
			}
		})
	}
}

// A door relays as many connections as there are slots, and one that has ended
// leaves its own.
func TestRelaySlots(t *testing.T) {
	path := t.TempDir() + "/door"
	ln, err := net.Listen("unix", path)
	must(t, err)
	defer ln.Close()
	way, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	must(t, err)
	slots := make(chan struct{}, 1)
	for range 3 {
		slots <- struct{}{} // blocks for ever unless the last has left
		c, err := throughDoor(way, slots, false, doorbell.Process{})
		must(t, err)
		door, err := ln.Accept()
		must(t, err)
		must(t, door.Close())
		c.Close()
	}
	unix.Close(way)
	slots <- struct{}{}
	if _, err := throughDoor(way, slots, false, doorbell.Process{}); err == nil {
		t.Error("a door that is none")
	}
	slots <- struct{}{}
}
