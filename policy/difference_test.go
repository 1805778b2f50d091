package policy

import (
	"strings"
	"testing"
)

// TestDifference: what a trusted project file gains, and which rights come
// with a warning. A line is "+text" or "-text", and "!" before a dangerous one.
func TestDifference(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"filesystem.allow_write = ['.']\nnetwork.allowed_domains = ['pkg.example.org:443']", "+write DIR\n+connect to pkg.example.org:443"},
		{"filesystem.allow_read = ['/usr']", "-no longer read /"},
		{"filesystem.allow_write = ['~']", "!+write HOME"},
		{"filesystem.allow_write = ['~/.config']", "!+write HOME/.config"},
		{"filesystem.allow_write = ['~/*']", "!+write HOME/*"},
		{"filesystem.allow_write = ['/']", "!+write /"},
		{"filesystem.allow_write = ['~/.local/bin']", "!+write HOME/.local/bin"},
		{"filesystem.allow_write = ['out']", "+write DIR/out"},
		{"filesystem.allow_write = ['~/.emacs']", "!+write HOME/.emacs\n!+write HOME/.emacs, which is protected otherwise"},
		{"filesystem.allow_read = ['/', '~/.ssh']", "!+read HOME/.ssh, which is protected otherwise"},
		{"filesystem.private_write = ['~/.cache/x']", "+write a copy kept for this project of HOME/.cache/x"},
		{"filesystem.deny_read = ['.env']\nlimits.memory = '1GiB'", "-not read DIR/.env\n-limits.memory = 1073741824"},
		{"network.allowed_domains = ['*', '*.github.io', '*.com', 'github.com', '*.amazonaws.com', 'registry.example.net', '10.0.0.0/8', '169.254.169.254', '*.example.net']",
			"!+connect to *\n!+connect to *.github.io\n!+connect to *.com\n!+connect to github.com\n!+connect to *.amazonaws.com\n+connect to registry.example.net\n" +
				"!+connect to 10.0.0.0/8\n!+connect to 169.254.169.254\n+connect to *.example.net"},
		{"network.hosts = { 'a.test' = '127.0.0.1', 'b.test' = '192.0.2.1' }", "!+reach a.test at 127.0.0.1\n+reach b.test at 192.0.2.1"},
		{"network.allow_local_outbound = [6379]\nnetwork.expose_ports = [3000]\nnetwork.allow_local_binding = true", "!+connect to ports [6379] of this machine\n+listen on its own loopback\n+offer port 3000 to this machine"},
		{"network.expose_ports = ['127.0.0.2:3000', '0.0.0.0:3000', '[2001:db8::1]:80', 3000]",
			"+offer port 127.0.0.2:3000 to this machine\n!+offer port 0.0.0.0:3000 to other machines\n!+offer port [2001:db8::1]:80 to other machines\n+offer port 3000 to this machine"},
		{"network.allow_unix_sockets = ['/run/docker.sock', '$SSH_AUTH_SOCK', '/srv/x.sock']",
			"!+use the socket /run/docker.sock\n!+use the socket /run/user/1/keyring/ssh\n+use the socket /srv/x.sock"},
		{"environment.pass = ['*', 'NPM_TOKEN']\nenvironment.set = { CI = '1', LD_PRELOAD = 'x' }", "!+get the variable NPM_TOKEN\n+set CI=1\n!+set LD_PRELOAD=x"},
		{"command.allow = ['git push']\ncommand.deny = ['curl']", "+run git push\n-not run curl"},
		{"[program.npm]\nnetwork.allowed_domains = ['registry.example.net']\n", "!+connect to registry.example.net [npm]"},
	} {
		w := newWorld(t, nil)
		w.opts.PublicSuffix = suffixOf
		w.env["SSH_AUTH_SOCK"] = "/run/user/1/keyring/ssh"
		before, _ := w.load()
		w.write("project", test.text)
		w.trusted[w.path("project")] = true
		after, _ := w.load()
		var got []string
		for _, c := range Difference(before, after) {
			if strings.Contains(c.Text, ".fsh.toml") || c.Program != "" && c.Group == "variables" {
				continue // the file protects itself, programs are protected from variables
			}
			line := map[bool]string{true: "+", false: "-"}[c.Gained] + c.Text
			if c.Danger != "" {
				line = "!" + line
			}
			if c.Program != "" {
				line += " [" + c.Program + "]"
			}
			if c.Gained && c.Rule.Origin.File != w.path("project") {
				t.Errorf("%s: %q comes from %+v", test.text, c.Text, c.Rule)
			}
			got = append(got, line)
		}
		if want := w.expand(test.want); strings.Join(got, "\n") != want {
			t.Errorf("%s:\n%s\nwant\n%s", test.text, strings.Join(got, "\n"), want)
		}
		if d := Difference(after, after); len(d) > 0 {
			t.Errorf("a policy differs from itself: %v", d)
		}
	}
}
