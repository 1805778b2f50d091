package main_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWhy(t *testing.T) {
	dir := home(t)
	put(t, filepath.Join(dir, "p.toml"), "version = 1\n[filesystem]\nallow_write = ['w']\ndeny_write = ['w/no']\n[network]\nallowed_domains = ['a.test:22']\n"+
		"denied_domains = ['*.b.test']\nhosts = { 'p.test' = '127.0.0.1' }\n[command]\ndeny = ['git push']\n[program.'ls']\nfilesystem.deny_read = ['public']\n", 0o644)
	put(t, filepath.Join(dir, "w/f"), "", 0o644)
	for _, test := range []struct {
		args   string
		status int
		out    string
	}{
		{"write w/f", 0, "allowed: write HOME/w/f\nrule: filesystem.allow_write \"w\" at HOME/p.toml:3\n"},
		{"write w/no/x", 1, "denied: create HOME/w/no/x\nrule: filesystem.deny_write \"w/no\" at HOME/p.toml:4\nalso: filesystem.allow_write \"w\" at HOME/p.toml:3\nhint: remove the entry at HOME/p.toml:4\n"},
		{"write public", 1, "denied: write HOME/public\nrule: no allow_write entry matches (defaults; ./p.toml)\nhint: --allow-write=HOME/public for one run, or filesystem.allow_write in ~/.config/fsh/policy.toml\n"},
		{"write new", 1, "denied: create HOME/new\nrule: no allow_write entry matches (defaults; ./p.toml)\nhint: --allow-write=HOME for one run, or filesystem.allow_write in ~/.config/fsh/policy.toml\n"},
		{"net a.test:22", 0, "allowed: net a.test:22\nrule: network.allowed_domains \"a.test:22\" at HOME/p.toml:6\nnote: an address of this machine or a private network that the name resolves to is refused all the same\n"},
		{"net a.test", 1, "denied: net a.test:443\nrule: the allowed_domains entry \"a.test:22\" does not include port 443 at HOME/p.toml:6\nhint: --allow-net=a.test:443\n"},
		{"net x.b.test", 1, "denied: net x.b.test:443\nrule: network.denied_domains \"*.b.test\" at HOME/p.toml:7\nhint: remove the entry at HOME/p.toml:7\n"},
		{"exec git -C x push -f", 1, "denied: exec git -C x push -f\nrule: command.deny \"git push\" at HOME/p.toml:10\nhint: remove the entry at HOME/p.toml:10\n"},
		{"exec ls --json", 0, "allowed: exec ls --json\nrule: no command.deny entry matches (defaults)\nnote: it runs with the rights of its [program] table\n"},
		{"--program=ls read public", 1, "denied: read HOME/public\nrule: program.\"ls\".filesystem.deny_read \"public\" at HOME/p.toml:12\nalso: filesystem.allow_read \"/\" (defaults)\nhint: remove the entry at HOME/p.toml:12\n"},
		{"env A_TOKEN --allow-env=A_TOKEN", 0, "allowed: env A_TOKEN\nrule: environment.pass \"A_TOKEN\" at --allow-env\nalso: environment.deny \"*_TOKEN\" (defaults)\nalso: environment.pass \"*\" (defaults)\n"},
		{"read /run/x", 1, "denied: read /run/x\nrule: the session has a /run of its own (defaults)\nalso: filesystem.allow_read \"/\" (defaults)\n"},
	} {
		got := fsh(t, dir, append([]string{"why", "--policy=p.toml"}, strings.Fields(test.args)...)...)
		want := strings.ReplaceAll(test.out, "HOME", dir)
		if got.status != test.status || got.stdout != want || got.stderr != "" {
			t.Errorf("%s: %d %q\n%s\nwant %d\n%s", test.args, got.status, got.stderr, got.stdout, test.status, want)
		}
	}
	for args, want := range map[string]string{
		"frob x":      "fsh: why: unknown action frob\nfsh: hint: actions are read, write, create, exec, net, env\n",
		"read":        "fsh: why: an action and a target expected\nfsh: hint: fsh why read|write|create|exec|net|env TARGET\n",
		"net a:b:c:d": "fsh: why: host \"a:b:c:d\": not host:port\nfsh: hint: write it like example.com:443\n",
	} {
		if got := fsh(t, dir, append([]string{"why"}, strings.Fields(args)...)...); got.status != 2 || got.stderr != want {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := fsh(t, dir, "why", "--policy=gone.toml", "read", "/"); got.status != 125 || !strings.Contains(got.stderr, "gone.toml: cannot read it: no such file or directory") {
		t.Errorf("no policy: %+v", got)
	}
}
