package sandbox

import (
	"fmt"
	"path"
	"path/filepath"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// Some sockets give whoever can connect to them more than the sandbox leaves:
// their servers run programs, mount or write on behalf of clients. A rule may
// grant them, but nobody should do it without knowing.

// powerfulSocket is a socket by its usual path (a pattern of path.Match), and
// what it gives.
type powerfulSocket struct{ pattern, gives string }

const (
	givesRoot = "root on this machine: its server mounts and runs whatever a client asks for"
	givesUser = "all that you can do outside the sandbox: its server starts programs for clients"
)

var powerfulSockets = []powerfulSocket{
	{"/run/docker.sock", givesRoot},
	{"/run/docker/*.sock", givesRoot},
	{"/run/user/*/docker.sock", givesUser},
	{"/home/*/.docker/run/docker.sock", givesUser},
	{"/home/*/.docker/desktop/docker.sock", givesUser},
	{"/run/podman/podman.sock", givesRoot},
	{"/run/user/*/podman/podman.sock", givesUser},
	{"/run/containerd/*.sock", givesRoot},
	{"/run/containerd/*/*.sock", givesRoot},
	{"/run/k3s/containerd/*.sock", givesRoot},
	{"/run/crio/*.sock", givesRoot},
	{"/run/buildkit/*.sock", givesRoot},
	{"/var/lib/lxd/unix.socket", givesRoot},
	{"/var/snap/lxd/common/lxd/unix.socket", givesRoot},
	{"/var/lib/incus/unix.socket", givesRoot},
	{"/run/libvirt/*-sock", givesRoot},
	{"/run/snapd.socket", givesRoot},
	{"/run/dbus/system_bus_socket", "the system bus: services that act as root, within their own rules"},
	{"/run/systemd/private", givesRoot},
	{"/run/systemd/*", "a service of systemd, most of which act as root"},
	{"/run/user/*/bus", givesUser},
	{"/run/user/*/systemd/*", givesUser},
	{"/tmp/.X11-unix/*", "the screen and keyboard of every window"},
	{"/run/user/*/wayland-*", "windows and the clipboard"},
	{"/run/user/*/at-spi/*", "the screen and keyboard of every window"},
	{"/run/user/*/gvfs*/*", "your files, through another process"},
}

// warnSockets says what dangerous sockets a policy grants.
func (s *Session) warnSockets(p *policy.Policy) {
	for _, r := range p.Network.UnixSockets {
		if gives := socketGives(r.Pattern); gives != "" {
			rule := r.Rule
			s.emit(events.Event{
				Kind: events.Warning, Action: "connect", Target: r.Pattern, Rule: &rule,
				Message: fmt.Sprintf("allow_unix_sockets grants %s, which gives %s", r.Pattern, gives),
			})
		}
	}
}

// socketGives is empty for a socket that is not known to be dangerous.
func socketGives(socket string) string {
	names := []string{socket}
	if real, err := filepath.EvalSymlinks(socket); err == nil {
		names = append(names, real)
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(socket)); err == nil { // /var/run is /run
		names = append(names, filepath.Join(dir, filepath.Base(socket)))
	}
	for _, name := range names {
		for _, p := range powerfulSockets {
			if ok, _ := path.Match(p.pattern, filepath.Clean(name)); ok {
				return p.gives
			}
		}
	}
	return ""
}
