package main_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Landlock and seccomp have to keep by themselves where there are no
// namespaces, tried from inside: the network is the machine's own there, and
// every process of it is visible. Each line says what became of an attack.
const bareAttacks = `
import ctypes, errno, os, signal, socket, struct, sys, threading, time
web, path, home, host = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
libc = ctypes.CDLL(None, use_errno=True)
A4, A6, UN = socket.AF_INET, socket.AF_INET6, socket.AF_UNIX

def say(name, f):
    try:
        r = f()
        r = "ok" if r is None else r
    except OSError as e:
        r = errno.errorcode.get(e.errno, type(e).__name__)
    print(name, "=", r, flush=True)

def call(nr, *a):
    def f():
        if libc.syscall(nr, *a) < 0: raise OSError(ctypes.get_errno(), "")
    return f

def sock(*a): return lambda: socket.socket(*a).close()
def connect(fam, to, *options):
    def f():
        s = socket.socket(fam)
        for o in options: s.setsockopt(*o)
        s.connect(to)
    return f

for kind in "STREAM", "DGRAM", "SEQPACKET":
    say("unix " + kind, sock(UN, getattr(socket, "SOCK_" + kind)))
say("udp", sock(A4, socket.SOCK_DGRAM))
say("udp6", sock(A6, socket.SOCK_DGRAM))
say("raw", sock(A4, socket.SOCK_RAW, 1))
say("netlink", sock(socket.AF_NETLINK, socket.SOCK_RAW, 0))
say("packet", sock(socket.AF_PACKET, socket.SOCK_RAW, 3))
say("vsock", sock(40, socket.SOCK_STREAM))
say("mptcp", sock(A4, socket.SOCK_STREAM, 262))
def pair():
    a, b = socket.socketpair()
    a.sendall(b"x"); return b.recv(1).decode()
say("pair", pair)
say("pair to a path", lambda: socket.socketpair()[0].sendto(b"x", path) and None)
say("pair of packets to a path", lambda: socket.socketpair(UN, socket.SOCK_SEQPACKET)[0].sendto(b"x", path) and None)
say("pair message to a path", lambda: socket.socketpair()[0].sendmsg([b"x"], [], 0, path) and None)
say("pair of datagrams", lambda: socket.socketpair(UN, socket.SOCK_DGRAM) and None)
say("host", connect(A4, ("127.0.0.1", web)))
say("host v6", connect(A6, ("::1", web)))
say("host mapped", connect(A6, ("::ffff:127.0.0.1", web)))
say("host 0.0.0.0", connect(A4, ("0.0.0.0", web)))
say("proxy mapped", connect(A6, ("::ffff:127.0.0.1", 3128)))
say("proxy", connect(A4, ("127.0.0.1", 3128)))
say("deferred fast open", connect(A4, ("127.0.0.1", web), (socket.IPPROTO_TCP, 30, 1)))
say("fast open", lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", web)) and None)
say("fast open message", lambda: socket.socket().sendmsg([b"x"], [], 0x20000000, ("127.0.0.1", web)) and None)
say("addressed message", lambda: socket.socket().sendmsg([b"x"], [], 0, ("127.0.0.1", web)) and None)
def unspec():
    s = socket.socket(); s.connect(("127.0.0.1", 3128))
    if libc.connect(s.fileno(), b"\0" * 16, 16) < 0: raise OSError(ctypes.get_errno(), "")
say("disconnect", unspec)
def twice():
    s = socket.socket(); s.connect(("127.0.0.1", 3128)); s.connect(("127.0.0.1", web))
say("connect again", twice)
def nonblocking():
    s = socket.socket(); s.setblocking(False); return errno.errorcode[s.connect_ex(("127.0.0.1", web))]
say("nonblocking", nonblocking)
say("bind", lambda: socket.socket().bind(("127.0.0.1", 0)))
say("listen", lambda: socket.socket().listen())

# The address, or the descriptor, changes while it is looked at.
def addr(port): return struct.pack("=H", A4) + struct.pack(">H", port) + socket.inet_aton("127.0.0.1") + b"\0" * 8
def race(change):
    def f():
        buf = ctypes.create_string_buffer(addr(3128), 16)
        stop = []
        def flip():
            good, bad = addr(3128), addr(web)
            while not stop: change(buf, good, bad)
        t = threading.Thread(target=flip); t.start()
        won = tried = 0
        for i in range(300):
            s = socket.socket(); s.settimeout(2)
            spare = os.dup(s.fileno())
            race.fd = s.fileno()
            if libc.connect(s.fileno(), buf, 16) == 0:
                tried += 1
                # Only the web server speaks first; the proxy waits for a request.
                try:
                    s.setblocking(False); time.sleep(0.0005)
                    if s.recv(10): won += 1
                except OSError: pass
            os.close(spare); s.close()
        stop.append(1); t.join()
        return "reached" if won else "never"
    return f
def memory(buf, good, bad):
    ctypes.memmove(buf, bad, 16); ctypes.memmove(buf, good, 16)
say("address race", race(memory))
other = socket.socket()
def swap(buf, good, bad):
    try: os.dup2(other.fileno(), race.fd)
    except OSError: pass
say("descriptor race", race(swap))

def reads(p):
    def f():
        fd = os.open(p, os.O_RDONLY)
        try: return "read" if os.read(fd, 1) is not None else "ok"
        finally: os.close(fd)
    return f
h = "/proc/%d/" % host
for p in "environ", "mem", "maps", "auxv", "fd/0", "cwd/x", "root/etc/passwd", "exe", "io", "stack":
    say("host " + p, reads(h + p))
say("host fd link", lambda: os.readlink(h + "fd/0") and None)
say("host memory", call(310, host, 0, 0, 0, 0, 0))
say("host pidfd_getfd", lambda: call(438, os.pidfd_open(host), 0, 0)())
say("host signal", lambda: os.kill(host, 0))
say("host pidfd signal", lambda: signal.pidfd_send_signal(os.pidfd_open(host), 0))
say("everybody", lambda: os.kill(-1, 0))
say("host limits", call(302, host, 7, b"\0" * 16, 0))
say("host comm", lambda: open(h + "comm", "w") and None)
say("host oom", lambda: open(h + "oom_score_adj", "w") and None)
say("init environ", reads("/proc/1/environ"))
for name, p in ("secret", home + "/.ssh/id_ed25519"), ("secret by proc", "/proc/self/root" + home + "/.ssh/id_ed25519"), \
        ("secret by cwd", "/proc/self/cwd/.ssh/id_ed25519"), ("secret by dots", home + "/public/../.ssh/id_ed25519"), ("netrc", home + "/.netrc"), \
        ("shadow", "/etc/shadow"), ("ptmx", "/dev/ptmx"), ("terminals", "/dev/pts/0"), ("disk", "/dev/sda"), ("memory", "/dev/mem"):
    say(name, reads(p))
say("public", reads(home + "/public"))
def link(): os.symlink(home + "/.ssh/id_ed25519", os.environ["TMPDIR"] + "/l"); return reads(os.environ["TMPDIR"] + "/l")()
say("secret by link", link)
say("secret by hard link", lambda: os.link(home + "/.ssh/id_ed25519", os.environ["TMPDIR"] + "/hl"))
say("secret by handle", call(304, -100, b"\0" * 16, 0))
def reopen():
    fd = os.open(home + "/public", os.O_RDONLY); os.open("/proc/self/fd/%d" % fd, os.O_RDWR)
say("reopen for writing", reopen)
for p in home + "/new", "/tmp/fsh-x", "/var/tmp/fsh-x", "/dev/shm/fsh-x", "/run/fsh-x", "/sys/kernel/uevent_helper", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger":
    say("write " + p.replace(home, "~"), lambda: os.open(p, os.O_WRONLY | os.O_CREAT, 0o600) and None)
say("own file", lambda: open(os.environ["TMPDIR"] + "/own", "w").close())
say("io_uring", call(425, 8, 0))
say("namespace", call(272, 0x10000000))
say("mount", call(165, b"x", b"/tmp", b"tmpfs", 0, 0))
say("keyring", call(250, 0, -3, 0))
`

// bareOutcomes is what has to come of each.
const bareOutcomes = `unix STREAM = EACCES
unix DGRAM = EACCES
unix SEQPACKET = EACCES
udp = EACCES
udp6 = EACCES
raw = EACCES
netlink = EAFNOSUPPORT
packet = EAFNOSUPPORT
vsock = EAFNOSUPPORT
mptcp = EPROTONOSUPPORT
pair = x
pair to a path = EACCES
pair of packets to a path = EACCES
pair message to a path = EISCONN|EOPNOTSUPP|ENOTSUP
pair of datagrams = EOPNOTSUPP|ENOTSUP
host = ECONNREFUSED
host v6 = ECONNREFUSED
host mapped = ECONNREFUSED
host 0.0.0.0 = ECONNREFUSED
proxy mapped = ok
proxy = ok
deferred fast open = ECONNREFUSED
fast open = EACCES
fast open message = EACCES
addressed message = BrokenPipeError|EPIPE
disconnect = EACCES
connect again = ECONNREFUSED
nonblocking = ECONNREFUSED
bind = EACCES
listen = EACCES
address race = never
descriptor race = never
host environ = EACCES
host mem = EACCES
host maps = EACCES
host auxv = EACCES
host fd/0 = EACCES
host cwd/x = EACCES
host root/etc/passwd = EACCES
host exe = EACCES
host io = EACCES
host stack = EACCES
host fd link = EACCES
host memory = EPERM
host pidfd_getfd = EPERM
host signal = EPERM
host pidfd signal = EPERM
everybody = ok|EPERM
host limits = EPERM
host comm = EACCES
host oom = EACCES
init environ = EACCES
secret = EACCES
secret by proc = EACCES
secret by cwd = EACCES
secret by dots = ENOTDIR|EACCES
netrc = EACCES
shadow = EACCES
ptmx = EACCES
terminals = EACCES|ENOENT
disk = EACCES|ENOENT
memory = EACCES|ENOENT
public = read
secret by link = EACCES
secret by hard link = EXDEV|EPERM|EACCES
secret by handle = EPERM
reopen for writing = EACCES
write ~/new = EACCES
write /tmp/fsh-x = EACCES
write /var/tmp/fsh-x = EACCES
write /dev/shm/fsh-x = ok
write /run/fsh-x = EACCES
write /sys/kernel/uevent_helper = EACCES|ENOENT
write /proc/sys/kernel/core_pattern = EACCES
write /proc/sysrq-trigger = EACCES|ENOENT
own file = ok
io_uring = ENOSYS
namespace = EPERM
mount = EPERM
keyring = EPERM`

func TestAttacksWithoutNamespaces(t *testing.T) {
	require(t, "python3")
	dir := home(t)
	in := &internet{t: t, dir: dir, ports: map[string]int{}, asked: map[string]int{}}
	in.serve("WEB", func(c net.Conn) { // speaks first, so that a race that is won shows
		fmt.Fprintf(c, "reached\n")
	})
	put(t, filepath.Join(dir, "attack.py"), bareAttacks, 0o644)
	ln, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	rules := writeRules(t, dir, `allowed_domains = ["allowed.test:*"]
hosts = { "allowed.test" = "127.0.0.1" }`)
	cmd := withoutNamespaces(t, rules, "-c", in.words("python3 DIR/attack.py {WEB} DIR/sock DIR "+fmt.Sprint(os.Getpid()), ""))
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	got := outcomeOf(t, cmd)
	lines, want := strings.Split(strings.TrimSpace(got.stdout), "\n"), strings.Split(bareOutcomes, "\n")
	if got.status != 0 || len(lines) != len(want) {
		t.Errorf("%d outcomes, want %d, status %d, %s", len(lines), len(want), got.status, got.stderr)
	}
	for i := range min(len(lines), len(want)) {
		name, outcomes, _ := strings.Cut(want[i], " = ")
		if has, out, _ := strings.Cut(lines[i], " = "); has != name || !strings.Contains("|"+outcomes+"|", "|"+out+"|") {
			t.Errorf("%s, want %s", lines[i], want[i])
		}
	}
	if _, err := os.Lstat("/dev/shm/fsh-x"); err == nil { // the session's own, not the machine's
		t.Error("a file came to /dev/shm")
	}
}

// TestManyConnectionsWithoutNamespaces: the keeper carries each connection to the
// proxy, and has descriptors for everything else all the same.
func TestManyConnectionsWithoutNamespaces(t *testing.T) {
	require(t, "python3")
	require(t, "curl")
	dir := home(t)
	rules, port := site(t, dir, "")
	script := fmt.Sprintf(`ulimit -n 1024; python3 -c '
import collections, errno, socket
keep, said = [], collections.Counter()
for i in range(200):
    s = socket.socket(); keep.append(s)
    said[errno.errorcode.get(s.connect_ex(("127.0.0.1", 3128)), "ok")] += 1
print(*sorted(said), said["ok"] == 1200 // 24)
open("/dev/null").close()'
until curl -sS http://allowed.test:%d/x 2>/dev/null; do :; done`, port)
	cmd := withoutNamespaces(t, "-m", "--policy="+rules, "-c", script)
	cmd.Args = append([]string{"sh", "-c", `ulimit -n 1200; exec "$@"`, "sh"}, cmd.Args...)
	cmd.Path = "/bin/sh"
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	got := outcomeOf(t, cmd)
	if got.stdout != "EAGAIN ok True\nserved allowed.test/x\n" || strings.Count(got.stderr, "too many network connections") != 1 {
		t.Errorf("%+v", got)
	}
}
