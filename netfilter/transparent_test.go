package netfilter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// These tests use the real interception: a process in a network namespace of
// its own, whose connections the kernel redirects to listeners that were made
// there and are served here. As an ordinary user a user namespace comes along.

const (
	childVar        = "FSH_NETFILTER_CHILD" // value: the script to run inside
	interceptPort   = 15001
	childControl    = 3
	natOutputOutput = -100 // NF_IP_PRI_NAT_DST
)

// runTransparentChild is the process inside.
func runTransparentChild() (code int, child bool) {
	script, ok := os.LookupEnv(childVar)
	if !ok {
		return 0, false
	}
	if err := setUpInside(); err != nil {
		fmt.Fprintln(os.Stderr, "set up:", err)
		return 99, true
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

func setUpInside() error {
	if err := raiseLoopback(); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	if err := redirect(); err != nil {
		return fmt.Errorf("nft: %w", err)
	}
	resolv := os.Getenv("FSH_TEST_RESOLV")
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	target, err := os.Readlink("/etc/resolv.conf")
	if err != nil {
		target = "/etc/resolv.conf"
	}
	if err := unix.Mount(resolv, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("resolv.conf: %w", err)
	}
	return sendDoors()
}

func raiseLoopback() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	for _, r := range []struct{ dst, src string }{{"0.0.0.0/0", "127.0.0.1"}, {"::/0", "::1"}} {
		_, dst, _ := net.ParseCIDR(r.dst)
		route := &netlink.Route{LinkIndex: lo.Attrs().Index, Dst: dst, Src: net.ParseIP(r.src), Type: unix.RTN_LOCAL}
		if len(dst.IP) == net.IPv4len {
			route.Scope = netlink.SCOPE_HOST
		}
		if err := netlink.RouteAdd(route); err != nil {
			return err
		}
	}
	return nil
}

// redirect: TCP that does not go to the loopback, and DNS to anywhere.
func redirect() error {
	c := &nftables.Conn{}
	for _, f := range []struct {
		family nftables.TableFamily
		offset uint32 // of the destination address in the IP header
		mask   []byte
		own    []byte
	}{
		{nftables.TableFamilyIPv4, 16, []byte{255, 0, 0, 0}, []byte{127, 0, 0, 0}},
		{nftables.TableFamilyIPv6, 24, net.CIDRMask(128, 128), net.IPv6loopback},
	} {
		table := c.AddTable(&nftables.Table{Family: f.family, Name: "fsh"})
		chain := c.AddChain(&nftables.Chain{Name: "out", Table: table, Type: nftables.ChainTypeNAT,
			Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityRef(natOutputOutput)})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: f.offset, Len: uint32(len(f.own))},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(len(f.own)), Mask: f.mask, Xor: make([]byte, len(f.own))},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: f.own},
			&expr.Verdict{Kind: expr.VerdictReturn},
		}})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: redirectProto(unix.IPPROTO_TCP, 0, interceptPort)})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: redirectProto(unix.IPPROTO_UDP, 53, 53)})
	}
	return c.Flush()
}

func redirectProto(proto byte, dport, to uint16) []expr.Any {
	list := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}},
	}
	if dport != 0 {
		list = append(list,
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(dport)})
	}
	return append(list,
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(to)},
		&expr.Redir{RegisterProtoMin: 1})
}

// sendDoors makes the listeners and passes them out, then waits for the word
// that they are served.
func sendDoors() error {
	var files []*os.File
	for _, addr := range []string{"127.0.0.1:15001", "[::1]:15001", "127.0.0.1:3128", "127.0.0.1:1080", "udp", "127.0.0.1:53"} {
		var f *os.File
		if addr == "udp" {
			c, err := net.ListenPacket("udp", "127.0.0.1:53")
			if err != nil {
				return err
			}
			f, _ = c.(*net.UDPConn).File()
		} else {
			l, err := net.Listen("tcp", addr)
			if err != nil {
				return err
			}
			f, _ = l.(*net.TCPListener).File()
		}
		files = append(files, f)
	}
	ch, err := newChannel(os.NewFile(childControl, "control"))
	if err != nil {
		return err
	}
	if err := ch.send(message{Op: opAdd, Doors: doorOrder[:len(files)], files: files}); err != nil {
		return err
	}
	_, err = ch.receive()
	return err
}

// inside runs a script in a namespace whose doors a test Server serves.
type inside struct {
	*doors
	cmd    *exec.Cmd
	ch     *channel
	output strings.Builder
}

func enter(t *testing.T, n network, script string) *inside {
	t.Helper()
	for _, tool := range []string{"curl", "nc", "getent"} {
		if _, err := exec.LookPath(tool); err != nil {
			unavailable(t, err)
		}
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs := os.NewFile(uintptr(fds[0]), ""), os.NewFile(uintptr(fds[1]), "")
	resolv := t.TempDir() + "/resolv.conf"
	if err := os.WriteFile(resolv, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	in := &inside{}
	in.cmd = exec.Command("/proc/self/exe")
	in.cmd.Env = append(os.Environ(), childVar+"="+script, "FSH_TEST_RESOLV="+resolv)
	in.cmd.ExtraFiles = []*os.File{theirs}
	in.cmd.Stdout, in.cmd.Stderr = &in.output, &in.output
	in.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		in.cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		in.cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		in.cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	if err := in.cmd.Start(); err != nil {
		unavailable(t, err)
	}
	theirs.Close()
	if in.ch, err = newChannel(mine); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.ch.conn.Close(); in.cmd.Process.Kill(); in.cmd.Wait() })
	m, err := in.ch.receive()
	if err != nil {
		in.cmd.Wait()
		unavailable(t, errors.New(in.output.String()))
	}
	l, err := listen(m.Doors, m.files)
	if err != nil {
		t.Fatal(err)
	}
	in.doors = startDoors(t, n, func(c *Config) { c.Listeners, c.OriginalDst = l, nil; setDefaults(c) })
	return in
}

// run lets the script go and returns what it printed.
func (in *inside) run(t *testing.T) string {
	t.Helper()
	if err := in.ch.send(message{Op: opAnswer}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- in.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("script: %v\n%s", err, in.output.String())
		}
	case <-time.After(60 * time.Second):
		in.cmd.Process.Kill()
		t.Fatalf("script hangs:\n%s", in.output.String())
	}
	return in.output.String()
}

func unavailable(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("FSH_REQUIRE") == "all" {
		t.Fatal(err)
	}
	t.Skip("the machine lacks what this test needs: ", err)
}

func TestInterception(t *testing.T) {
	in := enter(t, network{
		allow: []string{"web.test", "echo.test:7", "203.0.113.9:7", "[2001:db8:9::1]:7", "data.test:8080"},
		deny:  []string{"no.web.test"},
	}, `
try() { printf '%s: ' "$1"; shift; timeout 10 "$@" 2>&1; echo " [$?]"; }
try web curl -sS --noproxy '*' http://web.test/x
try web6 curl -sS -6 --noproxy '*' http://web.test/x
try proxy curl -sS -x http://127.0.0.1:3128 http://web.test/x
try socks curl -sS -x socks5h://127.0.0.1:1080 http://web.test/x
try denied curl -sS --noproxy '*' http://bad.test/
try deniedport curl -sS --noproxy '*' http://web.test:81/
try address sh -c 'echo a | nc -N -w 5 203.0.113.9 7'
try address6 sh -c 'echo b | nc -N -w 5 2001:db8:9::1 7'
try name sh -c 'echo c | nc -N -w 5 echo.test 7'
try baddress sh -c 'echo d | nc -N -w 5 203.0.113.10 7'
try metadata curl -sS --noproxy '*' http://169.254.169.254/latest/
try getent getent ahosts web.test
try getentbad getent ahosts bad.test
try fronting curl -sS --noproxy '*' -H 'Host: other.test' http://web.test/x
try size sh -c 'curl -sS --noproxy "*" http://data.test:8080/ | wc -c'
`)
	in.site("web.test", "203.0.113.1", 80, origin(t))
	server := echo(t)
	in.site("echo.test", "203.0.113.7", 7, server)
	in.forward["203.0.113.9:7"] = server
	in.forward["[2001:db8:9::1]:7"] = server
	in.site("data.test", "203.0.113.8", 8080, bulk(t, 8<<20))
	out := in.run(t)
	want := []struct{ label, has string }{
		{"web", "host=web.test path=/x body= [0]"},
		{"web6", "host=web.test path=/x body= [0]"},
		{"proxy", "host=web.test path=/x body= [0]"},
		{"socks", "host=web.test path=/x body= [0]"},
		{"denied", "Could not resolve host: bad.test"},
		{"deniedport", ""},
		{"address", "a\n [0]"},
		{"address6", "b\n [0]"},
		{"name", "c\n [0]"},
		{"metadata", ""},
		{"getent", "198.18.0."},
		{"getentbad", " [2]"},
		{"fronting", ""},
		{"size", "8388608"},
	}
	for _, w := range want {
		text := section(out, w.label)
		if !strings.Contains(text, w.has) {
			t.Errorf("%s: %q lacks %q", w.label, text, w.has)
		}
		if w.has == "" && strings.Contains(text, "[0]") {
			t.Errorf("%s succeeded: %q", w.label, text)
		}
	}
	for _, target := range []string{"web.test:81", "203.0.113.10:7", "169.254.169.254:80", "web.test:80", "bad.test"} {
		in.waitDenied(target)
	}
	e := in.wait(func(e events.Event) bool { return !e.Denied && e.Target == "data.test:8080" })
	if e.BytesIn < 8<<20 {
		t.Errorf("bytes in: %d", e.BytesIn)
	}
	if t.Failed() {
		t.Log(out)
	}
}

// section is what one `try` of a script printed.
func section(out, label string) string {
	_, rest, ok := strings.Cut("\n"+out, "\n"+label+": ")
	if !ok {
		return "(missing)"
	}
	for i := range rest {
		if rest[i] == ']' && (i+1 == len(rest) || rest[i+1] == '\n') {
			return rest[:i+1]
		}
	}
	return rest
}

// bulk answers every connection with an HTTP response of n bytes.
func bulk(t *testing.T, n int) string {
	l := tcpListener(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				if _, err := c.Read(buf); err != nil {
					return
				}
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", n)
				io.CopyN(c, zeros{}, int64(n))
			}()
		}
	}()
	return l.Addr().String()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Hard-coded resolvers over UDP and TCP get our answers, not theirs.
func TestHardCodedResolvers(t *testing.T) {
	if _, err := exec.LookPath("dig"); err != nil {
		unavailable(t, err)
	}
	in := enter(t, network{allow: []string{"ok.test"}}, `
echo udp=$(dig +short +tries=1 +time=5 @8.8.8.8 ok.test A)
echo tcp=$(dig +short +tcp +tries=1 +time=5 @1.1.1.1 ok.test AAAA)
echo v6tcp=$(dig +short +tcp +tries=1 +time=5 @2001:4860:4860::8888 ok.test A)
echo txt=$(dig +short +tries=1 +time=5 @8.8.8.8 data.ok.test TXT; dig +tries=1 +time=5 @8.8.8.8 data.ok.test TXT | grep -o 'status: [A-Z]*')
echo ptr=$(dig +short +tries=1 +time=5 @8.8.8.8 -x 198.18.0.1)
`)
	out := in.run(t)
	for _, want := range []string{"udp=198.18.0.1\n", "tcp=100::1\n", "v6tcp=198.18.0.1\n", "txt=status: REFUSED\n", "ptr=ok.test.\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if len(in.asked) != 0 {
		t.Errorf("asked upstream: %v", in.asked)
	}
}

func TestOriginalDstWithoutNAT(t *testing.T) {
	l := tcpListener(t)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := originalDst(s)
	if err != nil || got != netip.MustParseAddrPort(l.Addr().String()) {
		t.Errorf("%v, %v", got, err)
	}
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], bigEndianPort(0x1234))
	if b != [2]byte{0x12, 0x34} {
		t.Errorf("port bytes %x", b)
	}
}
