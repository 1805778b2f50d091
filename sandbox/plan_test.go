package sandbox

import (
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

func TestPlanAsText(t *testing.T) {
	rule := func(pattern, key, file string, line int) policy.Path {
		return policy.Path{Pattern: pattern, Glob: strings.Contains(pattern, "*"),
			Rule: events.Rule{Key: key, Origin: events.Origin{Layer: "user", File: file, Line: line}}}
	}
	p := &policy.Policy{Home: "/home/u", Dir: "/home/u/p"}
	fs := &p.Filesystem
	fs.AllowRead = paths("/usr", "/")
	fs.AllowWrite = []policy.Path{rule("/home/u/p", "filesystem.allow_write", "p.toml", 3)}
	fs.DenyWrite = paths("/home/u/p/vendor")
	fs.DenyRead = []policy.Path{rule("/home/u/p/*.env", "filesystem.deny_read", "p.toml", 4)}
	fs.PrivateWrite = paths("/home/u/.npm")
	fs.Protected = paths(".git/hooks")
	p.Network.UnixSockets = paths("/run/agent")
	p.Limits.Memory = 1 << 30
	plan := NewPlan(p, Facts{
		UID: 1000, Dir: "/tmp/d", Script: "/tmp/s.sh", TTY: "/dev/pts/3",
		Sockets:  []string{"/run/agent", "/run/docker.sock", "/home/u/sock"},
		Private:  map[string]string{"/home/u/.npm": "/state/npm"},
		OwnState: []string{"/state"}, OwnConfig: []string{"/etc/fsh"},
	})
	var kernel strings.Builder
	for _, m := range policy.KernelPlaces() {
		kernel.WriteString(map[bool]string{true: "hide      ", false: "seal      "}[m.Hidden] + m.Path + "  # built in: " + m.Why + "\n")
	}
	want := `write     /home/u/p  # filesystem.allow_write p.toml:3
keep      /tmp/d
keep      /tmp/s.sh
private   /home/u/.npm <- /state/npm
read-only /
devices   /dev <- /dev/pts/3
fresh     /tmp size=1073741824
fresh     /var/tmp size=1073741824
fresh     /dev/shm size=1073741824
run       /run
resolver  /etc/resolv.conf
socket    /run/agent
hide      /home/u/sock  # built in: a service of the host
` + kernel.String() + `protect   .git/hooks
seal      /home/u/p/vendor
seal      /etc/fsh  # built in: fsh's own policy
hide      /home/u/p/*.env (glob)  # filesystem.deny_read p.toml:4
hide      /state  # built in: fsh's own state
readable  /
listen    false
limit     memory=1073741824
`
	if got := plan.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Rules that mean the same share a network; others do not.
func TestNetKey(t *testing.T) {
	host := func(h, file string) policy.HostRule {
		return policy.HostRule{Entry: h, Rule: events.Rule{Origin: events.Origin{File: file}}}
	}
	base := policy.Network{AllowedDomains: []policy.HostRule{host("a.test", "x")}}
	same := policy.Network{AllowedDomains: []policy.HostRule{host("a.test", "y")}}
	denied := policy.Network{DeniedDomains: base.AllowedDomains}
	ports := base
	ports.LocalOutbound = policy.LocalOutbound{Mode: "ports", Ports: []int{1}}
	if netKey(&base) != netKey(&same) {
		t.Error("the place of a rule changes the network")
	}
	for _, other := range []policy.Network{denied, ports, {}} {
		if netKey(&base) == netKey(&other) {
			t.Errorf("%+v shares a network with %+v", other, base)
		}
	}
}

func FuzzIDMap(f *testing.F) {
	f.Add("0 0 4294967295\n")
	f.Add("0 1000 1\n1 100000 65536\n")
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := parseIDMap(text)
		for _, id := range ids {
			if err == nil && (id.ContainerID < 0 || id.Size < 0 || id.ContainerID != id.HostID) {
				t.Errorf("%+v", id)
			}
		}
	})
}
