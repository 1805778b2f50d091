package sandbox

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

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
