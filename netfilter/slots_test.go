package netfilter

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/events/doorbell"
)

// One connection too many is reset at every door, and told; when another has
// ended, the next is served.
func TestTooManyConnections(t *testing.T) {
	const most = 3
	d := startDoors(t, network{allow: []string{"good.test:7"}}, func(c *Config) { c.MaxConns = most })
	d.site("good.test", "203.0.113.1", 7, echo(t))
	idle := func(addr string) net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	held := []net.Conn{idle(d.httpAddr), idle(d.socksAddr), d.throughName("good.test", 7)}
	d.held(most)
	for _, door := range []string{d.httpAddr, d.socksAddr, d.trans, d.DNSTCP()} {
		c, err := net.Dial("tcp", door)
		if err == nil {
			c.SetDeadline(time.Now().Add(10 * time.Second))
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("one too many at %s: %v", door, err)
		}
	}
	roundTrip(t, held[2]) // goes on
	for _, c := range held {
		c.Close()
	}
	d.held(0)
	roundTrip(t, d.throughName("good.test", 7))
	d.mu.Lock()
	defer d.mu.Unlock()
	said := 0
	for _, e := range d.events {
		if e.Kind == events.Warning && strings.Contains(e.Message, "too many network connections") {
			said++
		}
	}
	if said != 1 {
		t.Errorf("said %d times", said)
	}
}

// held waits until so many slots are taken.
func (d *doors) held(n int) {
	d.t.Helper()
	for end := time.Now().Add(30 * time.Second); len(d.Server.free) != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("%d slots are taken, want %d", len(d.Server.free), n)
		}
	}
}

func (d *doors) DNSTCP() string { return d.Server.cfg.Listeners.DNSTCP.Addr().String() }

// What a client may have the HTTP door remember of one request is bounded.
func TestHugeRequestHead(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test"}})
	d.site("good.test", "203.0.113.1", 80, origin(t))
	for size, want := range map[int]int{maxHead / 2: http.StatusOK, 2 * maxHead: http.StatusRequestHeaderFieldsTooLarge} {
		if code := raw(t, d, "GET http://good.test/ HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", size)+"\r\n\r\n"); code != want {
			t.Errorf("a head of %d bytes: %d", size, code)
		}
	}
}

// Nor may a server have it remember more of an answer.
func TestHugeAnswerHead(t *testing.T) {
	d := startDoors(t, network{allow: []string{"good.test"}})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		w.Header().Set("X", strings.Repeat("x", n))
	}))
	t.Cleanup(srv.Close)
	d.site("good.test", "203.0.113.1", 80, srv.Listener.Addr().String())
	for size, want := range map[int]int{maxAnswerHead / 2: http.StatusOK, 2 * maxAnswerHead: http.StatusBadGateway} {
		if code := raw(t, d, fmt.Sprintf("GET http://good.test/%d HTTP/1.1\r\nHost: x\r\n\r\n", size)); code != want {
			t.Errorf("an answer with a head of %d bytes: %d", size, code)
		}
	}
}

// With all ports of the machine granted, what the sandbox serves comes first: but
// the doors themselves, each connection to which would make another.
func TestNoLoopsInside(t *testing.T) {
	var made atomic.Int32
	d := startDoors(t, network{allLocal: true}, func(c *Config) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		k, err := doorbell.NewKeeper(os.NewFile(uintptr(pair[0]), ""))
		if err != nil {
			t.Fatal(err)
		}
		if c.Listeners.Bell, err = doorbell.NewProxy(os.NewFile(uintptr(pair[1]), "")); err != nil {
			t.Fatal(err)
		}
		go k.Serve(doorbell.Answers{Who: func(doorbell.Flow) doorbell.Process { return doorbell.Process{} },
			Socket: func(bool) (*os.File, error) {
				if made.Add(1) > 20 {
					return nil, errors.New("enough")
				}
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
				return os.NewFile(uintptr(fd), "inside"), err
			}})
		c.OriginalDst = originalDst
	})
	for _, door := range []string{d.trans, d.httpAddr, d.socksAddr} {
		if code := raw(t, d, "CONNECT "+door+" HTTP/1.1\r\nHost: x\r\n\r\n"); code != http.StatusForbidden {
			t.Errorf("the HTTP door led to %s: %d", door, code)
		}
	}
	c, err := net.Dial("tcp", d.trans)
	if err == nil { // else it was reset at once
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		_, err = io.ReadAll(c)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the transparent door led to itself: %v", err)
	}
	if n := made.Load(); n > 0 {
		t.Errorf("%d connections to doors were begun", n)
	}
	server := echo(t) // the honest twin: a server inside
	to, ok := strings.CutPrefix(server, "127.0.0.1:")
	if code := raw(t, d, "CONNECT localhost:"+to+" HTTP/1.1\r\nHost: x\r\n\r\n"); !ok || code != http.StatusOK || made.Load() != 1 {
		t.Errorf("a server inside: %d, %d sockets", code, made.Load())
	}
}
