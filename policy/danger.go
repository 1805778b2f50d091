package policy

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// manyOwners are hosts where anybody can have a place: to allow them is to
// allow whoever asks to receive data. Domains of the public suffix list's
// private section, such as github.io, are recognised without being here.
var manyOwners = []string{
	"github.com", "gist.github.com", "api.github.com", "raw.githubusercontent.com", "objects.githubusercontent.com", "gitlab.com", "bitbucket.org",
	"codeberg.org", "pastebin.com", "paste.rs", "transfer.sh", "file.io", "0x0.st", "webhook.site", "requestbin.com", "pipedream.net", "ngrok.io", "ngrok.app",
	"discord.com", "discordapp.com", "api.telegram.org", "hooks.slack.com", "slack.com", "amazonaws.com", "storage.googleapis.com", "googleapis.com",
	"firebaseio.com", "blob.core.windows.net", "cloudfront.net", "azureedge.net", "dropboxapi.com", "docs.google.com", "drive.google.com", "forms.gle",
	"httpbin.org", "archive.org", "huggingface.co",
}

// strongSockets let whoever can connect do more than the sandbox may: by the
// end of the path, with the reason.
var strongSockets = []struct{ end, why string }{
	{"docker.sock", "who can use it is root on this machine"},
	{"podman.sock", "who can use it can start containers with your files"},
	{"containerd.sock", "who can use it is root on this machine"},
	{"crio.sock", "who can use it is root on this machine"},
	{"lxd/unix.socket", "who can use it is root on this machine"},
	{"libvirt-sock", "who can use it is root on this machine"},
	{"system_bus_socket", "it leads to the services of the system"},
	{"/bus", "it leads to the services of your session, which can start programs outside"},
	{"systemd/private", "it starts programs outside"},
	{"snapd.socket", "who can use it is root on this machine"},
	{"S.gpg-agent", "it signs and decrypts with your keys"},
}

// danger says in plain words what can come of a right, or nothing.
func (c *comparison) danger(change Change) string {
	if c.program != "" {
		if inner := c.dangerOf(change); inner != "" {
			return inner
		}
		return "everything that " + c.program + " can be made to run gets it, too"
	}
	return c.dangerOf(change)
}

func (c *comparison) dangerOf(change Change) string {
	value := change.Text[strings.LastIndexByte(change.Text, ' ')+1:]
	switch change.Group {
	case "read", "write":
		if path, ok := strings.CutSuffix(change.Text, ", which is protected otherwise"); ok {
			return c.liftedDanger(change.Group, path)
		}
		if change.Group == "write" && !strings.Contains(change.Text, "a copy") {
			return c.writeDanger(change.Text[len("write "):])
		}
	case "network":
		if name, ok := strings.CutPrefix(change.Text, "reach "); ok {
			return pinDanger(name, value)
		}
		return c.hostDanger(value)
	case "services":
		return c.serviceDanger(change)
	case "variables":
		return c.variableDanger(change)
	case "commands":
		if strings.HasPrefix(change.Text, "run, ") {
			return "fsh refuses it for a reason"
		}
	}
	return ""
}

func (c *comparison) liftedDanger(group, text string) string {
	if group == "read" {
		return "it can read keys or passwords, and send them to every host that it may reach"
	}
	return "what it writes there runs later, outside of the sandbox"
}

// writeDanger: a tree that holds what runs later.
func (c *comparison) writeDanger(pattern string) string {
	home := c.after.Home
	p := Path{Pattern: pattern, Glob: hasMeta(pattern)}
	fixed := pattern
	if p.Glob {
		parts := split(pattern)
		fixed = "/" + strings.Join(parts[:fixedParts(parts)], "/")
	}
	switch {
	case fixed == "/":
		return "it can write everywhere"
	case home != "" && within(home, fixed):
		return "it can write your whole home directory: programs, configuration, documents"
	case home != "" && fixed != c.after.Dir && slices.ContainsFunc(startFiles, func(name string) bool { return within(home+"/"+name, fixed) }):
		return "files below it run or configure what runs later, outside of the sandbox"
	}
	for _, dir := range []string{home + "/.local", home + "/.local/bin", home + "/bin", "/usr", "/etc", "/opt", "/boot", "/lib", "/bin", "/sbin", "/var", "/root", "/home"} {
		if within(fixed, dir) && filepath.IsAbs(dir) && !within(fixed, home+"/.local/share") && !within(c.after.Dir, fixed) {
			return "programs there run later, outside of the sandbox"
		}
	}
	return ""
}

func pinDanger(name, addr string) string {
	if a, err := netip.ParseAddr(addr); err == nil && (a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified()) {
		return "it reaches this machine or your own network under that name"
	}
	return ""
}

func (c *comparison) hostDanger(entry string) string {
	f, m := parseHost(entry)
	if m != nil {
		return ""
	}
	switch {
	case f.prefix.IsValid() && f.prefix.Addr().IsLinkLocalUnicast():
		return "cloud machines hand out their credentials there"
	case f.prefix.IsValid() && (f.prefix.Addr().IsPrivate() || f.prefix.Addr().IsLoopback() || f.prefix.Bits() < 8):
		return "it reaches this machine or your own network"
	case f.wildcard && f.name == "":
		return "it can send what it reads anywhere"
	case f.prefix.IsValid():
		return ""
	}
	if suffix := c.after.PublicSuffix; f.wildcard && suffix != nil && suffix(f.name) == f.name {
		return "anybody can have a name below " + f.name + ", and receive what is sent there"
	}
	if slices.ContainsFunc(manyOwners, func(host string) bool {
		return f.name == host || f.wildcard && strings.HasSuffix(host, "."+f.name)
	}) {
		return "anybody can have an account there, and receive what is sent there"
	}
	return ""
}

func (c *comparison) serviceDanger(change Change) string {
	socket, isSocket := strings.CutPrefix(change.Text, "use the socket ")
	switch {
	case strings.HasPrefix(change.Text, "connect to "):
		return "services of this machine trust who can reach them: databases, debuggers, other sandboxes"
	case strings.HasSuffix(change.Text, " to other machines"):
		return "who can reach this machine can connect to it"
	case !isSocket:
		return ""
	}
	for _, s := range strongSockets {
		if strings.HasSuffix(socket, s.end) {
			return s.why
		}
	}
	if strings.Contains(socket, "ssh") || strings.HasSuffix(socket, "agent.sock") || strings.Contains(change.Rule.Value, "SSH_AUTH_SOCK") {
		return "it can log in with your keys wherever it may connect"
	}
	if strings.Contains(socket, "X11") || strings.Contains(socket, "wayland") {
		return "it sees your screen and your keys"
	}
	return ""
}

func (c *comparison) variableDanger(change Change) string {
	if rest, ok := strings.CutPrefix(change.Text, "set "); ok {
		name, _, _ := strings.Cut(rest, "=")
		if name == "PATH" || slices.ContainsFunc(hijackVariables, func(pattern string) bool { return matchName(pattern, name) }) {
			return "it decides which code programs run"
		}
		return ""
	}
	name := strings.TrimPrefix(change.Text, "get the variable ")
	if slices.ContainsFunc(secretVariables, func(pattern string) bool { return matchName(pattern, strings.ToUpper(name)) }) {
		return "a secret of yours, by its name"
	}
	return ""
}
