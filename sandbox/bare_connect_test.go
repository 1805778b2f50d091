package sandbox

import (
	"net"
	"os"
	"testing"

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
