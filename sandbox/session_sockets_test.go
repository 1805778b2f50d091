package sandbox

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
)

func TestSocketGives(t *testing.T) {
	for socket, dangerous := range map[string]bool{
		"/run/docker.sock": true, "/var/run/docker.sock": true, "/run/user/1000/podman/podman.sock": true,
		"/run/containerd/containerd.sock": true, "/run/dbus/system_bus_socket": true, "/run/user/0/bus": true,
		"/run/systemd/private": true, "/run/user/7/systemd/private": true, "/run//docker.sock": true,
		"/run/user/1000/keyring/ssh": false, "/tmp/ssh-x/agent.1": false, "/run/postgresql/.s.PGSQL.5432": false, "/run/docker.sock.d/x": false,
	} {
		if got := socketGives(socket); (got != "") != dangerous {
			t.Errorf("%s gives %q", socket, got)
		}
	}
}

// A socket by any name that leads to a dangerous one is warned of; what is no
// socket is refused, for it would become writable.
func TestHostSocketsAreNamedOneByOne(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", dir+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Symlink("/run/docker.sock", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	sink := make(chanSink, 16)
	p := testPolicy(dir)
	p.Network.UnixSockets = paths(dir+"/s", dir+"/absent", "/run/docker.sock")
	s, err := New(Config{Policy: p, Dir: dir, Sink: sink, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	newRawRunner(t, s, p).check(check{"unix," + dir + "/s", "ok"})
	select {
	case e := <-sink:
		if e.Kind != events.Warning || !strings.Contains(e.Message, "/run/docker.sock, which gives root") {
			t.Errorf("%+v", e)
		}
	case <-time.After(5 * time.Second):
		t.Error("no warning")
	}
	for _, bad := range []string{dir, "/etc/passwd"} {
		q := testPolicy(dir)
		q.Network.UnixSockets = paths(bad)
		if _, err := newTestSession(t, q).startRunner(q); err == nil || !strings.Contains(err.Error(), "is not a socket") {
			t.Errorf("%s as a socket: %v", bad, err)
		}
	}
}

// A socket that is granted can be connected to. Its mode and owner, and so who else
// can, stay as they are.
func TestAttackAttributesOfGrantedSockets(t *testing.T) {
	dir := t.TempDir()
	hidden, err := os.MkdirTemp("/tmp", "fsh-test") // where the session has a place of its own
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(hidden) })
	l, err := net.Listen("unix", hidden+"/s")
	must(t, err)
	defer l.Close()
	p := testPolicy(dir)
	p.Network.UnixSockets = paths(hidden + "/s")
	inside(t, p).attacks(hidden, []attack{
		{"mode", "chmod,@/s,0777", "EROFS", "unix,@/s"},
		{"owner", "own,@/s", "EROFS", "touch,/tmp/f"},
		{"times", "utimens,@/s", "EROFS", "utimens,/tmp/f"},
		{"attribute", "setxattr,@/s", "EROFS", "unix,@/s"},
		{"place", "rename,@/s,@/t", "EBUSY", "unix,@/s"},
	})
}

// A service that starts after the session is none the less the host's.
func TestAttackSocketsBoundLater(t *testing.T) {
	for name, tree := range map[string]string{"nothing writable": "", "a tree": "w"} {
		t.Run(name, func(t *testing.T) {
			dir := attackTree(t)
			kept, err := os.MkdirTemp("/tmp", "fsh-test") // visible where /tmp is the session's
			must(t, err)
			t.Cleanup(func() { os.RemoveAll(kept) })
			p := testPolicy(kept)
			if tree != "" {
				p = attackPolicy(dir)
			}
			granted, err := net.Listen("unix", dir+"/granted")
			must(t, err)
			defer granted.Close()
			p.Network.UnixSockets = paths(dir + "/granted")
			s, err := New(Config{Policy: p, Dir: kept, Log: os.Stderr})
			must(t, err)
			t.Cleanup(func() { s.Close() })
			rr := newRawRunner(t, s, p)
			for _, path := range []string{dir + "/ro/late", dir + "/w/late2", kept + "/late5"} {
				l, err := net.Listen("unix", path)
				must(t, err)
				defer l.Close()
				d, err := net.ListenPacket("unixgram", path+"d")
				must(t, err)
				defer d.Close()
				rr.attacks(dir, []attack{
					{"connect", "unix," + path, "ECONNREFUSED", "serve,/tmp/" + filepath.Base(path)},
					{"without connecting", "unix-dgram," + path + "d", "EACCES", "unix,@/granted"},
					{"by a message", "unix-sendmsg," + path + "d", "EACCES", "unix-packets"},
					{"on a stream", "stream-sendmsg," + path + ",1", "ENOTSUP", ""},
					{"on packets", "stream-sendmsg," + path + ",5", "ENOTCONN", ""},
					{"of a pair", "unix-pair," + path + "d", "ok", "unix-pair-nobody"},
					{"dots", "unix," + filepath.Dir(path) + "/../" + filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path), "ECONNREFUSED", ""},
					{"link", "symlink," + path + ",/tmp/link-" + filepath.Base(path), "ok", "serve,/dev/shm/" + filepath.Base(path)},
					{"by a link", "unix,/tmp/link-" + filepath.Base(path), "ECONNREFUSED", ""},
					{"by /proc", "unix,/proc/self/root" + path, "ECONNREFUSED", ""},
					{"to the directory", "chdir," + filepath.Dir(path), "ok", ""},
					{"relative", "unix," + filepath.Base(path), "ECONNREFUSED", ""},
					{"by the working directory", "unix,/proc/self/cwd/" + filepath.Base(path), "ECONNREFUSED", ""},
					{"absent", "unix,@/absent", "ENOENT", ""},
					{"no socket", "unix,@/ro/f", "ECONNREFUSED", ""},
				})
				if n, err := waits(d); err != unix.EAGAIN {
					t.Errorf("%sd was sent %d bytes: %v", path, n, err)
				}
			}
			if tree != "" {
				rr.attacks(dir, []attack{{"move it", "rename,@/w/late2,@/w/late3", "ok", "serve,@/w/own"},
					{"as another name", "unix,@/w/late3", "ECONNREFUSED", "serve,@/w/sub/own"},
					{"a name for it", "link,@/w/late3,@/w/late4", "ok", ""}, {"by that", "unix,@/w/late4", "ECONNREFUSED", ""}})
			}
		})
	}
}

// waits is what is there for a socket to be read.
func waits(c net.PacketConn) (n int, err error) {
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var got error
	err = raw.Control(func(fd uintptr) { n, _, got = unix.Recvfrom(int(fd), make([]byte, 16), unix.MSG_DONTWAIT) })
	if err == nil {
		err = got
	}
	return n, err
}

// What the keeper looked at is what it connects to, however fast the address
// changes.
func TestAttackChangingAddress(t *testing.T) {
	dir := attackTree(t)
	rr := inside(t, attackPolicy(dir))
	l, err := net.Listen("unix", dir+"/ro/late")
	must(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	rr.attacks(dir, []attack{{"swap", "unix-swap,/tmp/own-of-the-session," + dir + "/ro/late,20000", "ok", ""}})
}

// Abstract names are those of the runner's commands, of whichever runner they are.
func TestAttackAbstractNames(t *testing.T) {
	dir := attackTree(t)
	p := attackPolicy(dir)
	s, err := New(Config{Policy: p, Dir: dir, Log: os.Stderr})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	rr := newRawRunner(t, s, p)
	q := attackPolicy(dir)
	q.Filesystem.DenyRead = append(q.Filesystem.DenyRead, paths(dir+"/ro/f")...)
	other := newRawRunner(t, s, q)
	rr.checkAll(check{"abstract-hold,mine", "ok"}, check{"unix,@mine", "ok"}, check{"unix,@nobodys", "ECONNREFUSED"}, check{"autobind", "ok"},
		check{"unix-busy,/tmp/busy", "ok"})
	other.checkAll(check{"unix,@mine", "EPERM"}, check{"abstract-hold,mine", "EADDRINUSE"}, check{"abstract-hold,theirs", "ok"}, check{"unix,@theirs", "ok"})
	rr.checkAll(check{"unix,@theirs", "EPERM"})
}

// The threads that connect are as many as wait, not as many as there were
// domains: a program may make one for itself each time it is run.
func TestConnectorsOfManyDomains(t *testing.T) {
	p := attackPolicy(attackTree(t))
	rr := newRawRunner(t, newTestSession(t, p), p)
	for range maxConnectors + 2 {
		rr.check(check{"stacked-connect,9", "ECONNREFUSED"})
	}
}

// More clients at once than there are connectors wait for one, and those that wait
// for a server that takes nobody are in nobody's way.
func TestMoreClientsThanConnectors(t *testing.T) {
	p := attackPolicy(attackTree(t))
	rr := newRawRunner(t, newTestSession(t, p), p)
	for _, c := range []check{{"unix-crowd,/tmp/crowd,150", "ok"}, {"unix-stuck,/tmp/stuck,/tmp/other,150", "ok"}, {"unix-crowd,/tmp/again,2", "ok"}} {
		rr.check(c)
	}
}
