package sandbox

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events/doorbell"
	"github.com/fsh-sh/fsh/policy"
)

// bellProxy is a proxy that serves no door but the bell.
type bellProxy struct {
	t       *testing.T
	refused chan refusal
	bell    *doorbell.Proxy
	set     []*policy.Network
}

type refusal struct {
	flow doorbell.Flow
	who  doorbell.Process
}

func (b *bellProxy) Prepare() {}

func (b *bellProxy) AddNamespace(_ string, doors map[string]*os.File, _ *policy.Network) error {
	for name, f := range doors {
		if name != DoorBell {
			b.t.Cleanup(func() { f.Close() })
			continue
		}
		var err error
		if b.bell, err = doorbell.NewProxy(f); err != nil {
			return err
		}
		go b.bell.Serve(func(f doorbell.Flow, p doorbell.Process) { b.refused <- refusal{f, p} })
	}
	return nil
}

func (b *bellProxy) SetNetwork(_ string, n *policy.Network) error {
	b.set = append(b.set, n)
	return nil
}

// What no rule can name is refused when it is tried, and the process that
// tried is named.
func TestProcessesAreRefusedAtConnect(t *testing.T) {
	p := testPolicy(t.TempDir())
	proxy := &bellProxy{t: t, refused: make(chan refusal, 64)}
	open := netip.MustParsePrefix("203.0.113.0/24")
	s, err := New(Config{Policy: p, Dir: p.Dir, Log: os.Stderr, Proxy: proxy,
		Reach: func(n *policy.Network) (Reach, error) {
			if len(n.AllowedDomains) > 0 {
				return Reach{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Lo: 80, Hi: 80}}, nil
			}
			return Reach{
				{Prefix: netip.MustParsePrefix("203.0.113.7/32"), Lo: 1, Hi: 65535, Refuse: true},
				{Prefix: open, Except: []netip.Prefix{netip.MustParsePrefix("203.0.113.128/25")}, Lo: 80, Hi: 90},
				{Prefix: netip.MustParsePrefix("2001:db8:1::/48"), Lo: 80, Hi: 80},
			}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	rr := newRawRunner(t, s, p)
	rr.check(
		check{"connect,203.0.113.5,80", "ok"}, check{"connect,203.0.113.5,90", "ok"},
		check{"connect,203.0.113.5,91", "ECONNREFUSED"}, check{"connect,203.0.113.5,79", "ECONNREFUSED"},
		check{"connect,203.0.113.7,80", "ECONNREFUSED"}, check{"connect,203.0.113.200,80", "ECONNREFUSED"},
		check{"connect,2001:db8:1::5,80", "ok"}, check{"connect,2001:db8:2::5,80", "ECONNREFUSED"},
		check{"connect,192.0.2.1,80", "ECONNREFUSED"}, check{"connect,::ffff:192.0.2.1,80", "ECONNREFUSED"},
		check{"connect,169.254.169.254,80", "ECONNREFUSED"}, check{"connect,10.0.0.1,22", "ECONNREFUSED"},
		check{"connect,fc00::1,80", "ECONNREFUSED"}, check{"connect,198.18.0.1,80", "ECONNREFUSED"},
		// A source of its own must not keep the answer away.
		check{"connect,192.0.2.1,80,10.9.9.9", "ECONNREFUSED"},
		check{"connect,127.0.0.1,4", "ECONNREFUSED"}, check{"connect,::1,4", "ECONNREFUSED"},
		check{"connect,192.0.2.1,53", "ok"}, // name servers written into programs
		check{"udp,192.0.2.1,53", "ok"}, check{"udp,2001:db8:2::5,53", "ok"}, check{"udp,127.0.0.1,4000", "ok"}, check{"udp,::1,4000", "ok"},
		check{"udp,192.0.2.1,123", "EPERM"}, check{"udp,203.0.113.5,80", "EPERM"}, check{"udp,2001:db8:1::5,443", "EPERM"},
		check{"udp,224.0.0.251,5353", "EPERM"}, check{"udp,192.0.2.1,443,192.0.2.9", "EPERM"},
		check{"socket,2,2,1", "EACCES"}, check{"socket,10,2,58", "EACCES"}, // ping sockets
	)
	// One connection out of those above, and one of a process that stays.
	for r := range proxy.refused {
		if r.flow.Proto == "tcp" && r.flow.To == netip.MustParseAddrPort("192.0.2.1:80") {
			if r.who.Pid < 2 || r.who.Name == "" {
				t.Errorf("a connection of %+v", r.who)
			}
			break
		}
	}
	rr.run("/bin/bash", "-c", `echo $$; echo x >/dev/udp/192.0.2.77/9 2>/dev/null; (exec 3<>/dev/tcp/192.0.2.78/9) 2>&1 | grep -o 'onnection refused'`)
	for want := 2; want > 0; {
		r := <-proxy.refused
		if a := r.flow.To.Addr().String(); a == "192.0.2.77" || a == "192.0.2.78" {
			want--
			if r.flow.Proto == "tcp" && (r.who.Name != "bash" || r.who.Pid == 0) {
				t.Errorf("%+v: %+v", r.flow, r.who)
			}
		}
	}
	// New rules hold from the next connection on, and can be taken back.
	if err := s.ChangeNetwork(func(n policy.Network) policy.Network {
		n.AllowedDomains = []policy.HostRule{{Entry: "192.0.2.0/24:80"}}
		return n
	}); err != nil {
		t.Fatal(err)
	}
	rr.check(check{"connect,203.0.113.5,80", "ECONNREFUSED"}, check{"connect,192.0.2.1,80", "ok"})
	if err := s.ChangeNetwork(nil); err != nil {
		t.Fatal(err)
	}
	rr.check(check{"connect,203.0.113.5,80", "ok"}, check{"connect,192.0.2.1,80", "ECONNREFUSED"})
	if len(proxy.set) != 2 || len(proxy.set[0].AllowedDomains) != 1 || len(proxy.set[1].AllowedDomains) != 0 {
		t.Errorf("the proxy was told %+v", proxy.set)
	}
	// Nobody is claimed for a flow that does not exist.
	none := doorbell.Flow{Proto: "tcp", From: netip.MustParseAddrPort("127.0.0.1:9"), To: netip.MustParseAddrPort("127.0.0.1:3128")}
	if who := proxy.bell.Who(none); who != (doorbell.Process{}) {
		t.Errorf("nobody's flow is %+v", who)
	}
}

func TestResetChecksum(t *testing.T) {
	// A segment with a right checksum sums up to zero.
	from, to := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.1")
	segment := make([]byte, 20)
	segment[13] = tcpRST
	sum := checksum(from, to, segment)
	segment[16], segment[17] = byte(sum>>8), byte(sum)
	if got := checksum(from, to, segment); got != 0 {
		t.Errorf("checksum of the whole is %#x", got)
	}
}

func FuzzParsePacket(f *testing.F) {
	v4 := make([]byte, 40)
	v4[0], v4[9] = 0x45, unix.IPPROTO_TCP
	v6 := make([]byte, 60)
	v6[0], v6[6] = 0x60, unix.IPPROTO_UDP
	f.Add(v4)
	f.Add(v6)
	f.Add([]byte{0x4f, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, ok := parsePacket(raw)
		if ok && (!p.flow.From.IsValid() || !p.flow.To.IsValid() || p.flow.From.Addr().Is4() != p.flow.To.Addr().Is4()) {
			t.Errorf("%+v", p)
		}
		parseDiag(raw)
	})
}

// Where nobody can read the log the kernel itself refuses; and a guard can be
// replaced. (A thread of an ordinary user cannot make a namespace.)
func TestGuardWithoutLog(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root; users have the guard with a log, above")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for ever
		done <- guardAlone(t)
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func guardAlone(t *testing.T) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	if _, err := routes(); err != nil {
		return err
	}
	listener, err := door{DoorTCP4, unix.SOCK_STREAM, false, false, PortTransparent}.open()
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := redirect(localPorts{}, nil, false); err != nil {
		return err
	}
	try := func(kind int, addr, port string, want error) {
		if err := send(kind, []string{addr, port}); err != want {
			t.Errorf("%s:%s: %v, want %v", addr, port, err, want)
		}
	}
	try(unix.SOCK_STREAM, "192.0.2.1", "80", unix.ECONNREFUSED)
	try(unix.SOCK_STREAM, "2001:db8::1", "80", unix.ECONNREFUSED)
	try(unix.SOCK_DGRAM, "192.0.2.1", "80", unix.EPERM)
	if err := setGuard(Reach{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Lo: 80, Hi: 80}}, false); err != nil {
		return err
	}
	try(unix.SOCK_STREAM, "192.0.2.1", "80", nil)
	try(unix.SOCK_STREAM, "192.0.2.1", "81", unix.ECONNREFUSED)
	if err := setGuard(make(Reach, maxReach+1), false); err != nil {
		return err
	}
	try(unix.SOCK_STREAM, "192.0.2.1", "81", nil) // the proxy's to decide
	return nil
}

// Sockets of this very process are found, and a search has an end.
func TestSocketOwners(t *testing.T) {
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(proc)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	link := fmt.Sprintf("socket:[%d]", st.Ino)
	s := newSocketOwners(proc)
	left := maxLooks
	if !s.holds(os.Getpid(), link, &left) || left == maxLooks {
		t.Errorf("own socket is not found, %d looks left", left)
	}
	if left = 0; s.holds(1<<30, link, &left) {
		t.Error("a process that is not has a socket")
	}
	left = 1
	s.holds(os.Getpid(), "socket:[0]", &left)
	if who := s.process(os.Getpid()); who.Pid != os.Getpid() || who.Name == "" {
		t.Errorf("%+v", who)
	}
}
