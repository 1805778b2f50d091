package doorbell

import (
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func pair(t *testing.T) (*Keeper, *Proxy) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKeeper(os.NewFile(uintptr(fds[0]), ""))
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewProxy(os.NewFile(uintptr(fds[1]), ""))
	if err != nil {
		t.Fatal(err)
	}
	return k, p
}

func flow(port uint16) Flow {
	return Flow{"tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), netip.MustParseAddrPort("[2001:db8::1]:80")}
}

func TestConversation(t *testing.T) {
	k, p := pair(t)
	go k.Serve(Answers{
		Who: func(f Flow) Process { return Process{int(f.From.Port()), "p\xff\n" + f.To.String()} },
		Socket: func(v6 bool) (*os.File, error) {
			if v6 {
				return nil, os.ErrInvalid
			}
			return os.Open("/dev/null")
		},
	})
	heard := make(chan Flow, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Serve(func(f Flow, who Process) {
			if who.Pid != int(f.From.Port()) {
				t.Errorf("%+v is %+v", f, who)
			}
			heard <- f
		})
	}()
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			port := uint16(i + 1)
			if who := p.Who(flow(port)); who.Pid != int(port) || !strings.HasSuffix(who.Name, "[2001:db8::1]:80") {
				t.Errorf("port %d is %+v", port, who)
			}
			k.Refused(flow(port), Process{Pid: int(port)})
		})
	}
	all.Wait()
	for range 50 {
		<-heard
	}
	if f, err := p.Socket(false); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	if _, err := p.Socket(true); err == nil || err.Error() != os.ErrInvalid.Error() {
		t.Errorf("a refused socket: %v", err)
	}
	// What was said before the end is heard.
	k.Refused(flow(7), Process{Pid: 7})
	p.Drain()
	<-ended
	if f := <-heard; f != flow(7) {
		t.Errorf("last words %+v", f)
	}
	if who := p.Who(flow(1)); who != (Process{}) {
		t.Errorf("after the end: %+v", who)
	}
}

// A keeper that does not answer holds nobody up for long, nor does a proxy
// that does not listen.
func TestSilence(t *testing.T) {
	_, p := pair(t)
	go p.Serve(func(Flow, Process) {})
	if who := p.Who(flow(1)); who != (Process{}) {
		t.Errorf("nobody answered %+v", who)
	}
	p.Drain()
	k2, _ := pair(t)
	for range 400 {
		k2.Refused(flow(1), Process{})
	}
}

// However many flows there are to ask about, few questions wait: what is too much
// is unknown at once.
func TestManyQuestions(t *testing.T) {
	_, p := pair(t) // a keeper that stands still
	go p.Serve(func(Flow, Process) {})
	defer p.Drain()
	var all sync.WaitGroup
	for i := range 10 * maxAsking {
		all.Go(func() { p.Who(flow(uint16(i))) })
	}
	for busy := false; !busy; {
		p.mu.Lock()
		busy = len(p.waiting) >= maxAsking || p.last >= maxAsking
		if len(p.waiting) > maxAsking {
			t.Errorf("%d questions wait", len(p.waiting))
		}
		p.mu.Unlock()
		runtime.Gosched()
	}
	all.Wait()
	if p.last > 2*maxAsking {
		t.Errorf("%d questions were asked", p.last)
	}
}
