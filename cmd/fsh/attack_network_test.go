package main_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// What has brought down walls like ours, tried from inside in one session:
// each line says what became of it, and must be what the table has. The
// markers are servers of this test on the host's loopback; none may be
// reached but the allowed one.
const networkAttacks = `
import ctypes, errno, socket, struct, sys
web, echo = int(sys.argv[1]), int(sys.argv[2])
abstract, path = sys.argv[3], sys.argv[4]
PROXY, SOCKS = ("127.0.0.1", 3128), ("127.0.0.1", 1080)

def say(name, f):
    try:
        r = f()
        r = "ok" if r is None else r
    except OSError as e:
        r = errno.errorcode.get(e.errno, type(e).__name__)
    print(name, "=", r)

def sock(*a):
    def f():
        socket.socket(*a).close()
    return f

def connect(fam, addr):
    def f():
        s = socket.socket(fam); s.settimeout(5); s.connect(addr); s.close()
    return f

def talk(to, data, size=2000):
    s = socket.create_connection(to, 5); s.settimeout(5); s.sendall(data)
    got = b""
    while len(got) < size:
        try: b = s.recv(size)
        except ConnectionResetError: break
        if not b: break
        got += b
        if b"\r\n\r\n" in got: break
    s.close()
    return got

def http(line, host="x"):
    def f():
        got = talk(PROXY, (line + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n").encode("latin-1"))
        return got.split(b" ")[1].decode() if got else "closed"
    return f

def socks(atyp, dst, port, cmd=1):
    def f():
        s = socket.create_connection(SOCKS, 5); s.settimeout(5)
        s.sendall(b"\x05\x01\x00"); s.recv(2)
        s.sendall(bytes([5, cmd, 0, atyp]) + dst + struct.pack(">H", port))
        r = s.recv(10)
        return "granted" if len(r) > 1 and r[1] == 0 else "refused"
    return f

def name(n): return bytes([len(n)]) + n
def resolve(n): return lambda: "resolved" if socket.getaddrinfo(n, 80) else "empty"

A4, A6 = socket.AF_INET, socket.AF_INET6
say("raw", sock(A4, socket.SOCK_RAW, socket.IPPROTO_ICMP))
say("ping", sock(A4, socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
say("packet", sock(socket.AF_PACKET, socket.SOCK_RAW, 3))
say("vsock", sock(40, socket.SOCK_STREAM, 0))
say("alg", sock(38, socket.SOCK_SEQPACKET, 0))
say("netfilter netlink", sock(socket.AF_NETLINK, socket.SOCK_RAW, 12))
say("sctp", sock(A4, socket.SOCK_STREAM, 132))
say("mptcp", sock(A4, socket.SOCK_STREAM, 262))
say("udplite", sock(A4, socket.SOCK_DGRAM, 136))
def mark(): socket.socket().setsockopt(socket.SOL_SOCKET, 36, 0x667368)
say("mark", mark)
def transparent(): socket.socket().setsockopt(socket.SOL_IP, 19, 1)
say("transparent", transparent)
def fastopen(): socket.socket().sendto(b"x", 0x20000000, ("192.0.2.1", 80))
say("fastopen", fastopen)
def nonblocking():
    s = socket.socket(); s.setblocking(False)
    e = s.connect_ex(("192.0.2.1", 80))
    import select; select.select([], [s], [], 5)
    return errno.errorcode[s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)] if e == errno.EINPROGRESS else errno.errorcode[e]
say("nonblocking", nonblocking)
def routed():
    s = socket.socket(); s.setsockopt(socket.SOL_IP, socket.IP_OPTIONS, b"\x83\x07\x04\x7f\x00\x00\x01\x00"); s.settimeout(5); s.connect(("192.0.2.1", 80))
say("source route", routed)
say("host loopback", connect(A4, ("127.0.0.1", web)))
say("host loopback v6", connect(A6, ("::1", web)))
say("this host 0.0.0.0", connect(A4, ("0.0.0.0", web)))
say("mapped loopback", connect(A6, ("::ffff:127.0.0.1", web)))
say("metadata", connect(A4, ("169.254.169.254", 80)))
say("multicast", lambda: socket.socket(A4, socket.SOCK_DGRAM).sendto(b"x", ("224.0.0.251", 5353)) and None)
def broadcast():
    s = socket.socket(A4, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); s.sendto(b"x", ("255.255.255.255", 67))
say("broadcast", broadcast)
say("quic", lambda: socket.socket(A4, socket.SOCK_DGRAM).sendto(b"x", ("198.18.0.1", 443)) and None)
say("big datagram", lambda: socket.socket(A4, socket.SOCK_DGRAM).sendto(b"x" * 60000, ("192.0.2.1", 9)) and None)
say("abstract socket", lambda: socket.socket(socket.AF_UNIX).connect("\0" + abstract))
say("abstract datagram", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", "\0" + abstract + "d") and None)
say("path socket", lambda: socket.socket(socket.AF_UNIX).connect(path))
say("resolve denied", resolve("denied.test"))
say("tunnel", resolve("c2VjcmV0.denied.test"))
say("resolve allowed", resolve("allowed.test"))
for form in "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "localhost.", "127.0.0.1.nip.test", "0":
    say("connect " + form, http("CONNECT %s:%d" % (form, web)))
for form in "denied.test", "DENIED.test.", "allowed.test.denied.test", "allowed.test@denied.test", "denied.test\\@allowed.test", "allowed.test%00.denied.test", "d\u00e9nied.test":
    say("get " + ascii(form), http("GET http://%s:%d/" % (form, web), "allowed.test"))
say("host mismatch", http("GET http://allowed.test:%d/ok" % web, "denied.test"))
say("allowed", http("GET http://allowed.test:%d/ok" % web, "allowed.test"))
say("trailing dot", http("GET http://allowed.test.:%d/ok" % web, "allowed.test"))
say("header in target", http("GET http://allowed.test:%d/\rX-Y: z" % web, "allowed.test"))
say("socks nul", socks(3, name(b"denied.test\0.allowed.test"), web))
say("socks name", socks(3, name(b"denied.test"), web))
say("socks v4", socks(1, socket.inet_aton("127.0.0.1"), web))
say("socks mapped", socks(4, socket.inet_pton(A6, "::ffff:127.0.0.1"), web))
say("socks bind", socks(3, name(b"allowed.test"), web, 2))
say("socks udp", socks(3, name(b"allowed.test"), web, 3))
say("socks allowed", socks(3, name(b"allowed.test"), web))
def front(data):
    def f():
        got = talk(("allowed.test", web), data)
        return got.split(b" ")[1].decode() if got else "reset"
    return f
say("front host", front(b"GET /ok HTTP/1.1\r\nHost: denied.test\r\n\r\n"))
say("front absolute", front(b"GET http://denied.test/ok HTTP/1.1\r\nHost: allowed.test\r\n\r\n"))
say("front own", front(b"GET /ok HTTP/1.1\r\nHost: allowed.test\r\n\r\n"))
say("smuggle", front(b"POST /ok HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
def uring(): 
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(425, 8, 0) < 0: raise OSError(ctypes.get_errno(), "")
say("io_uring", uring)
`

// networkOutcomes is what has to come of each attack.
const networkOutcomes = `raw = EPROTONOSUPPORT|EPERM
ping = EACCES
packet = EAFNOSUPPORT
vsock = EAFNOSUPPORT
alg = EAFNOSUPPORT
netfilter netlink = EPROTONOSUPPORT
sctp = EPROTONOSUPPORT
mptcp = EPROTONOSUPPORT
udplite = EPROTONOSUPPORT
mark = EPERM
transparent = EPERM
fastopen = ENOTSUP
nonblocking = ECONNREFUSED
source route = ECONNREFUSED|EPERM|EINVAL
host loopback = ECONNREFUSED
host loopback v6 = ECONNREFUSED
this host 0.0.0.0 = ECONNREFUSED
mapped loopback = ECONNREFUSED
metadata = ECONNREFUSED
multicast = EPERM
broadcast = EPERM|EACCES|ENETUNREACH
quic = EPERM
big datagram = EPERM
abstract socket = EPERM|ECONNREFUSED
abstract datagram = EACCES|EPERM|ECONNREFUSED
path socket = EACCES|ENOENT
resolve denied = gaierror
tunnel = gaierror
resolve allowed = resolved
connect 2130706433 = 403
connect 0x7f000001 = 403
connect 0177.0.0.1 = 403
connect 127.1 = 403
connect [::1] = 403
connect [::ffff:127.0.0.1] = 403
connect localhost = 403
connect localhost. = 403
connect 127.0.0.1.nip.test = 403
connect 0 = 403
get 'denied.test' = 403
get 'DENIED.test.' = 403
get 'allowed.test.denied.test' = 403
get 'allowed.test@denied.test' = 403|400
get 'denied.test\\@allowed.test' = 400|403
get 'allowed.test%00.denied.test' = 400|403
get 'd\xe9nied.test' = 400|403
host mismatch = 200
allowed = 200
trailing dot = 200
header in target = 400|403
socks nul = refused
socks name = refused
socks v4 = refused
socks mapped = refused
socks bind = refused
socks udp = refused
socks allowed = granted
front host = reset
front absolute = reset
front own = 200
smuggle = reset
io_uring = ENOSYS`

func TestNetworkAttacks(t *testing.T) {
	require(t, "python3")
	dir := home(t)
	in := startInternet(t, dir)
	in.file("attack.py", []byte(networkAttacks))
	abstract := fmt.Sprintf("fsh-test-%d", os.Getpid())
	for _, l := range []struct{ network, name string }{{"unix", "@" + abstract}, {"unix", dir + "/sock"}} {
		ln, err := net.Listen(l.network, l.name)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
	}
	d, err := net.ListenPacket("unixgram", "@"+abstract+"d")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rules := writeRules(t, dir, fmt.Sprintf(`allowed_domains = ["allowed.test:%d"]
hosts = { "allowed.test" = "127.0.0.1", "denied.test" = "127.0.0.1" }`, in.ports["WEB"]))
	got := fsh(t, dir, rules, "-c", in.words("python3 DIR/attack.py {WEB} {ECHO} "+abstract+" DIR/sock", ""))
	if got.status != 0 {
		t.Errorf("%+v", got)
	}
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	want := strings.Split(networkOutcomes, "\n")
	if len(lines) != len(want) {
		t.Errorf("%d outcomes, want %d", len(lines), len(want))
	}
	for i := range min(len(lines), len(want)) {
		name, outcomes, _ := strings.Cut(want[i], " = ")
		if has, out, _ := strings.Cut(lines[i], " = "); has != name || !strings.Contains("|"+outcomes+"|", "|"+out+"|") {
			t.Errorf("%s, want %s", lines[i], want[i])
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for host := range in.asked {
		if !strings.HasPrefix(host, "allowed.test") {
			t.Errorf("a request for %s arrived", host)
		}
	}
}
