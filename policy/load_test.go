package policy

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/publicsuffix"

	"github.com/fsh-sh/fsh/events"
)

// world is a home and a project of a test, with files by short names.
type world struct {
	t          testing.TB
	root       string
	home, proj string
	trusted    map[string]bool
	env        map[string]string
	opts       Options
}

func newWorld(t testing.TB, files map[string]string) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{t: t, root: root, home: root + "/home", proj: root + "/home/src/app", trusted: map[string]bool{}, env: map[string]string{}}
	if err := os.MkdirAll(w.proj, 0o755); err != nil {
		t.Fatal(err)
	}
	w.opts = Options{Dir: w.proj, Home: w.home, SystemFile: root + "/system.toml",
		Getenv:  func(name string) string { return w.env[name] },
		Trusted: func(path string, sum []byte) bool { return w.trusted[path] && len(sum) == sha256.Size }}
	for name, text := range files {
		w.write(name, text)
	}
	return w
}

// suffixOf is what fsh itself gives as Options.PublicSuffix.
func suffixOf(domain string) string {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix
}

// path resolves "user", "system", "project" and paths below the project.
func (w *world) path(name string) string {
	switch name {
	case "user":
		return w.home + "/.config/fsh/policy.toml"
	case "system":
		return w.root + "/system.toml"
	case "project":
		return w.proj + "/.fsh.toml"
	case "outer":
		return w.home + "/src/.fsh.toml"
	}
	return filepath.Join(w.proj, name)
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := w.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) load() (*Policy, []events.Event) {
	w.t.Helper()
	p, warnings, err := Load(w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return p, warnings
}

func (w *world) expand(s string) string {
	return strings.NewReplacer("HOME", w.home, "DIR", w.proj).Replace(s)
}

// check runs lines like "+read HOME/x" (allowed) and "-write DIR" (denied).
func (w *world) check(p *Policy, lines ...string) {
	w.t.Helper()
	// The test's home is in a private place; a working directory there is not.
	q := *p
	q.Dir = w.root
	for _, line := range lines {
		action, target, _ := strings.Cut(w.expand(line[1:]), " ")
		if got, rule := q.Why(action, target); got != (line[0] == '+') {
			w.t.Errorf("%s: allowed %v by %+v", line, got, rule)
		}
	}
}

func TestDefaults(t *testing.T) {
	w := newWorld(t, nil)
	p, warnings := w.load()
	if len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
	w.check(p,
		"+read /usr/bin/ls", "+read DIR/main.c", "+read HOME/public", "+read HOME/.sshx", "+read HOME/.config",
		"-read HOME/.ssh", "-read HOME/.ssh/id_ed25519", "-read HOME/.aws/credentials", "-read HOME/.netrc",
		"-read HOME/.cargo/credentials.toml", "+read HOME/.cargo/registry/x", "-read HOME/.config/google-chrome-beta/Default",
		"-read /root/.ssh/id", "-read /home/other/.gnupg", "+read /home/other/public", "-read /home/other/.bash_history",
		"-read /etc/shadow", "-read /etc/shadow-", "-read /etc/ssh/ssh_host_ed25519_key", "+read /etc/ssh/ssh_host_ed25519_key.pub",
		"-read /var/backups/shadow.bak", "-read /var/backups/gshadow.bak", "+read /var/backups/dpkg.status.0",
		"-read /etc/letsencrypt/live/x/privkey.pem", "-read /etc/pki/tls/private/x", "+read /etc/pki/tls/certs/x", "-read /.snapshots/1/snapshot/etc/shadow",
		"-read /etc/ipsec.secrets", "+read /etc/ipsec.conf", "-read /etc/openvpn/client.key", "-read /etc/kubernetes/admin.conf", "-read /etc/rancher/k3s/k3s.yaml",
		"-read /etc/credstore/x", "-read /etc/credstore.encrypted/x", "-read /etc/wpa_supplicant/wpa_supplicant.conf", "-read /var/lib/iwd/home.psk",
		"-read /var/lib/bluetooth/x/info", "-read /home/.snapshots/1/snapshot/x/.ssh/id", "+read /var/lib/dpkg/status",
		"-read /var/lib/systemd/credential.secret", "+read /var/lib/systemd/random-seed",
		"+read /etc/passwd", "-read HOME/.local/state/fsh/trust", "-read HOME/.local/share/fsh",
		"-write DIR/x", "-write HOME/.bashrc", "-write /etc/passwd", "-write /usr/bin/x", "-create DIR/new",
		"+write HOME/.npm/_cacache/x", "+write HOME/.cache/go-build/00", "-write HOME/.cache", "-write HOME/.cache/other",
		"+write /dev/null", "-write /dev/sda", "+write /dev/pts/3", "+write /dev/shm/x",
		"+env PATH", "+env HOME", "-env GITHUB_TOKEN", "-env AWS_REGION", "-env MY_SECRET_KEY", "-env DB_PASSWORD", "+env TOKENS",
		"-exec reboot now", "-exec /sbin/reboot", "+exec git push", "+exec rebooting",
		"-net github.com:443",
	)
	if len(p.Network.AllowedDomains) != 0 || p.Network.LocalBinding || p.Network.LocalOutbound.Mode != "none" {
		t.Errorf("network: %+v", p.Network)
	}
}

// Layers, each with what it may do and what not.
func TestLayers(t *testing.T) {
	tests := []struct {
		name    string
		files   map[string]string
		trusted []string // names
		flags   []Flag
		script  string
		env     map[string]string
		checks  []string
		hosts   string // allowed domains, joined
		warns   string // part of a warning; empty: none
	}{
		{name: "user file", files: map[string]string{"user": "version = 1\n[filesystem]\nallow_write = ['.']\ndeny_write = ['./vendor']\n"},
			checks: []string{"+write DIR/x", "-write DIR/vendor/x", "-write DIR/../y", "-write DIR/.git/hooks/pre-commit", "-write DIR/sub/.git/config",
				"+write DIR/.git/index", "-write DIR/.envrc", "-write DIR/.fsh.toml", "+write DIR/.envrc.sample"}},
		{name: "allow_write of the home keeps start-up files", files: map[string]string{"user": "filesystem.allow_write = ['~']"},
			checks: []string{"+write HOME/x", "-write HOME/.bashrc", "-write HOME/.config/fish/config.fish", "-write HOME/.ssh/authorized_keys",
				"+write HOME/.local/bin/x", "-write HOME/.config/fsh/policy.toml", "-write HOME/.local/state/fsh/x"}},
		{name: "an exact entry lifts a built-in denial", files: map[string]string{"user": "filesystem.allow_write = ['~/.profile', '.', './.git/hooks']\nfilesystem.allow_read = ['/', '~/.aws']"},
			checks: []string{"+write HOME/.profile", "-write HOME/.bashrc", "+read HOME/.aws/config", "-write HOME/.aws/config", "-read HOME/.ssh/id",
				"+write DIR/.git/hooks/x", "-write DIR/sub/.git/hooks/x", "-write DIR/.git/config"}},
		{name: "an entry below a secret opens just itself", flags: []Flag{{Kind: "allow-read", Value: "~/.ssh/known_hosts"}},
			checks: []string{"+read HOME/.ssh/known_hosts", "-read HOME/.ssh", "-read HOME/.ssh/id", "-write HOME/.ssh/known_hosts"}},
		{name: "known hosts are no secret", checks: []string{"+read HOME/.ssh/known_hosts", "-write HOME/.ssh/known_hosts", "-read HOME/.ssh", "-read HOME/.ssh/id",
			"-read HOME/.ssh/known_hosts.old", "-read /root/.ssh/known_hosts", "-read /home/other/.ssh/known_hosts"}},
		{name: "unless the user says so", files: map[string]string{"user": "filesystem.deny_read = ['~/.ssh']"}, checks: []string{"-read HOME/.ssh/known_hosts"}},
		{name: "a deny of a file is not lifted", files: map[string]string{"user": "filesystem.deny_read = ['~/x']"}, flags: []Flag{{Kind: "allow-read", Value: "~/x"}},
			checks: []string{"-read HOME/x"}, warns: "has no effect"},
		{name: "allow_read replaces the default", files: map[string]string{"user": "filesystem.allow_read = ['/usr']"}, flags: []Flag{{Kind: "allow-read", Value: "/opt"}},
			checks: []string{"+read /usr/bin/ls", "-read /etc/passwd", "+read /opt/x"}},
		{name: "an empty allow_read allows nothing", files: map[string]string{"user": "filesystem.allow_read = []"},
			checks: []string{"-read /usr/bin/ls", "-read DIR"}},
		{name: "untrusted project narrows only", files: map[string]string{"project": `
[filesystem]
allow_write = ["."]
deny_read = ["./.env"]
private_write = ["~/.gitconfig"]
[network]
allowed_domains = ["evil.test"]
hosts = { "evil.test" = "127.0.0.1" }
allow_local_outbound = true
allow_local_binding = true
expose_ports = [1]
[environment]
pass = ["GITHUB_TOKEN"]
deny = ["EDITOR"]
set = { LD_PRELOAD = "/x" }
[command]
use_defaults = false
allow = ["reboot now"]
deny = ["git push"]
`}, checks: []string{"-write DIR/x", "-read DIR/.env", "-write HOME/.gitconfig", "-env GITHUB_TOKEN", "-env EDITOR", "+env LD_PRELOAD", "-exec reboot now", "-exec git push"},
			warns: ".fsh.toml is not trusted"},
		{name: "trusted project", files: map[string]string{"project": "filesystem.allow_write = ['.']\nnetwork.allowed_domains = ['ok.test']"}, trusted: []string{"project"},
			checks: []string{"+write DIR/x", "-write HOME/src/y"}, hosts: "ok.test"},
		{name: "untrusted narrowing alone is silent", files: map[string]string{"project": "filesystem.deny_read = ['x']"}, checks: []string{"-read DIR/x"}},
		{name: "chain of projects", files: map[string]string{"outer": "filesystem.deny_read = ['app/a']", "project": "filesystem.deny_read = ['b']"},
			checks: []string{"-read DIR/a", "-read DIR/b", "+read DIR/c"}},
		{name: "trust is per file", files: map[string]string{"outer": "filesystem.allow_write = ['app']", "project": "filesystem.allow_write = ['b']"}, trusted: []string{"project"},
			checks: []string{"+write DIR/b", "-write DIR/a"}, warns: "src/.fsh.toml is not trusted"},
		{name: "system deny beats a user's allow", files: map[string]string{"system": "filesystem.deny_write = ['~/.profile']", "user": "filesystem.allow_write = ['~/.profile']"},
			checks: []string{"-write HOME/.profile"}},
		{name: "system lists are a ceiling", files: map[string]string{
			"system": "[filesystem]\nallow_write = ['~/src']\n[network]\nallowed_domains = ['*.corp.test:*']\nexpose_ports = [3000]\nallow_local_outbound = [1]\n[environment]\npass = ['PATH', 'LC_*']",
			"user":   "[filesystem]\nallow_write = ['.', '~/other']\n[network]\nallowed_domains = ['a.corp.test', 'b.test']\nexpose_ports = [3000, 22]\nallow_local_outbound = true\n[environment]\npass = ['LC_ALL', '*']"},
			checks: []string{"+write DIR/x", "-write HOME/other/x", "+env PATH", "+env LC_ALL", "-env HOME"}, hosts: "*.corp.test:* a.corp.test", warns: "more than the system policy allows"},
		{name: "directory table applies below", files: map[string]string{"user": "[directory.\"~/src\"]\nfilesystem.allow_write = ['.']\n[directory.\"~/other\"]\nfilesystem.allow_write = ['~']"},
			checks: []string{"+write DIR/x", "-write HOME/x"}},
		{name: "script header is a request", script: "#!/usr/bin/env fsh\n#: network.allowed_domains = ['x.test']\n#: filesystem.deny_read = ['d']\necho\n",
			checks: []string{"-read DIR/d"}, warns: "is not trusted"},
		{name: "trusted script header", script: "#!/usr/bin/env fsh\n#: network.allowed_domains = ['x.test']\n", trusted: []string{"SCRIPT"}, hosts: "x.test"},
		{name: "text after the header is no policy", script: "#!/bin/sh\necho\n#: filesystem.deny_read = ['d']\n", checks: []string{"+read DIR/d"}},
		{name: "flags", flags: []Flag{{Kind: "allow-write", Value: "out"}, {Kind: "deny-read", Value: "~/pub*"}, {Kind: "allow-net", Value: "x.test:443"}, {Kind: "deny-env", Value: "PATH"}, {Kind: "allow-env", Value: "NPM_TOKEN"}},
			checks: []string{"+write DIR/out/x", "-write DIR/x", "-read HOME/public", "-env PATH", "+env NPM_TOKEN", "-env OTHER_TOKEN", "+env HOME"}, hosts: "x.test:443"},
		{name: "variables", files: map[string]string{"user": "filesystem.allow_write = ['$OUT/x', '${GONE}/y']"}, env: map[string]string{"OUT": "/srv/a*b"},
			checks: []string{"+write /srv/a*b/x/f", "-write /srv/aXb/x/f", "-write /y"}, warns: "$GONE is not set"},
		{name: "presets", files: map[string]string{"user": "extends = ['go']"}, checks: []string{"+write DIR/x", "-write HOME/x"}, hosts: "*.golang.org:443 go.dev:443"},
		{name: "presets of an untrusted file", files: map[string]string{"project": "extends = ['go']"}, checks: []string{"-write DIR/x"}},
		{name: "extends of a file", files: map[string]string{"user": "extends = ['./more.toml']", "../../.config/fsh/more.toml": "filesystem.allow_write = ['.']"},
			checks: []string{"+write DIR/x"}},
		{name: "a trusted project's extended file needs trust", files: map[string]string{"project": "extends = ['./more.toml']", "more.toml": "filesystem.allow_write = ['.']"}, trusted: []string{"project"},
			checks: []string{"-write DIR/x"}},
		{name: "false beats true", files: map[string]string{"user": "network.allow_local_outbound = false"}, flags: nil,
			checks: []string{"-write DIR/x"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, test.files)
			for _, name := range test.trusted {
				w.trusted[w.path(name)] = true
			}
			for k, v := range test.env {
				w.env[k] = v
			}
			w.opts.Flags, w.opts.Script, w.opts.ScriptName = test.flags, test.script, w.path("SCRIPT")
			sum := sha256.Sum256([]byte(test.script))
			w.opts.ScriptSum = sum[:]
			p, warnings := w.load()
			w.check(p, test.checks...)
			var hosts []string
			for _, h := range p.Network.AllowedDomains {
				hosts = append(hosts, h.Entry)
			}
			if got := strings.Join(hosts, " "); got != test.hosts {
				t.Errorf("allowed_domains: %q, want %q", got, test.hosts)
			}
			checkWarnings(t, warnings, test.warns)
			roundTrip(t, p)
		})
	}
}

func checkWarnings(t *testing.T, warnings []events.Event, want string) {
	t.Helper()
	var said []string
	for _, e := range warnings {
		said = append(said, e.Message)
	}
	if all := strings.Join(said, "\n"); want == "" && all != "" || !strings.Contains(all, want) {
		t.Errorf("warnings %q, want %q", all, want)
	}
}

func roundTrip(t *testing.T, p *Policy) {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Policy
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, &back, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("JSON changed it:\n%s", diff)
	}
	if p.Digest() != back.Digest() {
		t.Error("digest changed")
	}
}

func TestOrigins(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "version = 1\n\n[network]\nallowed_domains = [\n  \"a.test\", # one\n  \"b.test\",\n]\n[filesystem]\nallow_write = [\n\n\".\"]\n[program.npm]\nnetwork.allowed_domains = ['c.test']\n"})
	p, _ := w.load()
	want := map[string]int{"a.test": 5, "b.test": 6, "c.test": 13}
	for _, h := range p.ForProgram("/usr/bin/npm").Network.AllowedDomains {
		if h.Rule.Origin != (Origin{Layer: "user", File: w.path("user"), Line: want[h.Entry]}) {
			t.Errorf("%s: %+v", h.Entry, h.Rule.Origin)
		}
		delete(want, h.Entry)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if _, rule := p.Why("write", w.proj+"/x"); rule.Origin.Line != 11 || rule.Key != "filesystem.allow_write" || rule.Value != "." {
		t.Errorf("%+v", rule)
	}
}

func TestPrograms(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "[program.npm]\nnetwork.allowed_domains = ['c.test']\n[program.\"/usr/bin/curl\"]\nfilesystem.deny_read = ['.']\n"})
	p, _ := w.load()
	npm := p.ForProgram("/usr/local/bin/npm")
	if len(p.Network.AllowedDomains) != 0 || len(npm.Network.AllowedDomains) != 1 {
		t.Errorf("main %v, npm %v", p.Network.AllowedDomains, npm.Network.AllowedDomains)
	}
	w.check(npm, "-env LD_PRELOAD", "-env NODE_OPTIONS", "-env GIT_SSH_COMMAND", "+env HOME")
	w.check(npm, "-env OPENSSL_CONF", "-env WGETRC", "-env LESSOPEN", "-env MAKEFLAGS", "+env DEBUG", "+env npm_lifecycle_event")
	if got := npm.FilterEnv([]string{"HOME=/evil", "DEBUG=1"}); !slices.Equal(got, []string{"DEBUG=1", "HOME=" + p.Home}) {
		t.Errorf("the home of a program with rights is the script's: %q", got)
	}
	if got := p.FilterEnv([]string{"HOME=/other", "DEBUG=1"}); !slices.Equal(got, []string{"HOME=/other", "DEBUG=1"}) {
		t.Errorf("the home of other programs is not the script's: %q", got)
	}
	w.check(p, "+env LD_PRELOAD", "+read DIR/x")
	w.check(p.ForProgram("/usr/bin/curl"), "-read DIR/x")
	if p.ForProgram("/opt/bin/curl") != p || p.ForProgram("/bin/npmx") != p {
		t.Error("a table reaches other programs")
	}
}

func TestProjectFileOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give a file away")
	}
	w := newWorld(t, map[string]string{"project": "filesystem.deny_read = ['x']"})
	// nobody's number stands for root only where root has none
	if err := os.Chown(w.path("project"), 65534, -1); err != nil {
		t.Fatal(err)
	}
	_, warnings := w.load()
	checkWarnings(t, warnings, "is ignored: owned by user 65534")
	if err := os.Chown(w.path("project"), 12345, -1); err != nil {
		t.Fatal(err)
	}
	p, warnings := w.load()
	checkWarnings(t, warnings, "is ignored: owned by user 12345")
	w.check(p, "+read DIR/x")

	w.write("user", "version = 1")
	if err := os.Chown(w.path("user"), 12345, -1); err != nil {
		t.Fatal(err)
	}
	p, warnings = w.load()
	checkWarnings(t, warnings, "policy.toml is ignored: owned by user 12345")
	if len(p.Sources) != 0 {
		t.Errorf("sources: %v", p.Sources)
	}
	// What is named, and the ceiling, are not given up silently.
	w.opts.PolicyFile = w.path("user")
	if _, _, err := Load(w.opts); err == nil || !strings.HasSuffix(err.Error(), "policy.toml: owned by user 12345") {
		t.Errorf("--policy of others: %v", err)
	}
	w.opts.PolicyFile = ""
	w.write("system", "version = 1")
	if err := os.Chown(w.path("system"), 12345, -1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(w.opts); err == nil || !strings.HasSuffix(err.Error(), "system.toml: owned by user 12345") {
		t.Errorf("ceiling of others: %v", err)
	}
}

func TestPolicyFileReplacesUserFile(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "filesystem.deny_read = ['u']", "p.toml": "filesystem.deny_read = ['p']", "project": "filesystem.allow_write = ['.']"})
	w.opts.PolicyFile = "p.toml"
	p, _ := w.load()
	w.check(p, "+read DIR/u", "-read DIR/p", "-write DIR/x")
	w.opts.PolicyFile = w.path("project")
	p, warnings := w.load()
	w.check(p, "+write DIR/x", "-write DIR/p/../../x", "-write DIR/.fsh.toml")
	checkWarnings(t, warnings, "")
	w.opts.PolicyFile = "gone.toml"
	var e *Error
	if _, _, err := Load(w.opts); !errors.As(err, &e) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestFilterEnv(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "environment.set = { CI = '1', MY_TOKEN = 'mine' }"})
	p, _ := w.load()
	got := p.FilterEnv([]string{"PATH=/bin", "CI=0", "A_TOKEN=secret", "MY_TOKEN=theirs", "EMPTY=", "broken", "BASH_FUNC_f%%=() { :; }"})
	want := []string{"PATH=/bin", "EMPTY=", "BASH_FUNC_f%%=() { :; }", "CI=1", "MY_TOKEN=mine"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCommandRules(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "[command]\ndeny = ['git push', '/opt/x']\nallow = ['git push origin docs', 'reboot']\n"})
	p, _ := w.load()
	w.check(p, "-exec git push", "-exec /usr/bin/git push origin", "+exec git push origin docs", "+exec git pull", "+exec git", "+exec x", "-exec /opt/x", "+exec reboot", "-exec halt")
	w.write("user", "[command]\ndeny = ['git push', 'foo push', 'docker run -v /x:/y']\nallow = ['git push origin docs']\n")
	p, _ = w.load()
	w.check(p,
		// Options in between are skipped, with their values where they are known.
		"-exec git -C x push", "-exec git -c a=b --no-pager push origin", "-exec git --git-dir=x push", "-exec git --no-pager push",
		"+exec git -C push status", "+exec git --no-pager log push", "+exec git log push", "+exec git -C push", "+exec git --no-pager checkout push",
		"-exec foo -x push", "-exec foo -x y push", "-exec foo -x y -z push a", "+exec foo y push", "+exec foo --x=1 y push", "+exec foo -x y z push", "+exec foo",
		"-exec docker run -it -v /a:/b --rm -v /x:/y img", "+exec docker run -v /a:/b img /x:/y", "+exec docker -v run",
		"-exec docker run --rm --privileged img", "-exec docker --context c run --privileged img", "+exec docker run img --privileged",
		// An exception is literal: an option could change what it means.
		"+exec git push origin docs", "-exec git -c x=y push origin docs", "-exec git push -f origin docs", "-exec git push origin docsx",
		// Programs, not substrings; what wrappers run.
		"+exec mygit push", "+exec gitx push", "+exec echo git push", "+exec grep reboot", "+exec xargs grep reboot",
		"-exec env -i A=b git push", "-exec env -u X -C /d A=b git -C x push", "-exec xargs -n 1 git push", "-exec nohup nice -n 5 git push",
		"-exec timeout -s KILL 5 git push", "-exec busybox reboot", "-exec /bin/busybox reboot -f", "-exec sudo -u root reboot", "-exec timeout 5 -- reboot",
		"+exec timeout reboot", "+exec env reboot=1 ls", "+exec env", "+exec nice -n", "+exec busybox ls reboot", "-exec env env env env git push",
		"-exec systemctl --no-block poweroff", "+exec systemctl status poweroff.target", "+exec init 3", "-exec /sbin/init 0",
	)
	for _, files := range [][]string{{"/usr/bin/git"}, {"/opt/x", "/usr/lib/git"}} {
		if _, denied := p.DeniedCommand([]string{"innocent", "push"}, files...); !denied {
			t.Errorf("git by another name, executed as %v, is allowed", files)
		}
	}
	if _, denied := p.DeniedCommand([]string{"innocent", "push"}, "/usr/bin/got"); denied {
		t.Error("another program is denied")
	}
	long := make([]string, 200_000)
	for i := range long {
		long[i] = "-x"
	}
	long[0] = "foo"
	if _, denied := p.DeniedCommand(long); denied {
		t.Error("options alone are denied")
	}
	w.write("user", "")
	w.write("project", "command.deny = ['reboot']")
	p, _ = w.load()
	w.check(p, "-exec reboot")
}

func TestHints(t *testing.T) {
	w := newWorld(t, map[string]string{"user": "[filesystem]\ndeny_read = ['d']\nallow_write = ['.']"})
	p, _ := w.load()
	for _, test := range []struct{ action, target, want string }{
		{"read", "HOME/.ssh/id", "--allow-read=HOME/.ssh for one run, or filesystem.allow_read in ~/.config/fsh/policy.toml"},
		{"write", "/srv/a b", "--allow-write='/srv/a b' for one run, or filesystem.allow_write in ~/.config/fsh/policy.toml"},
		{"connect", "x.test:443", "--allow-net=x.test:443 for one run, or network.allowed_domains in ~/.config/fsh/policy.toml"},
		{"read", "DIR/d", "remove the entry at HOME/.config/fsh/policy.toml:2"},
		{"read", "HOME/.local/state/fsh/x", "fsh protects this itself: change it outside of fsh"},
		{"write", "DIR/.git/hooks/x", "--allow-write=DIR/.git/hooks for one run, or filesystem.allow_write in ~/.config/fsh/policy.toml"},
		{"read", "/usr", ""},
		{"env", "A_TOKEN", "--allow-env=A_TOKEN for one run, or environment.pass in ~/.config/fsh/policy.toml"},
		{"exec", "reboot now", "--allow-exec=reboot for one run, or command.allow in ~/.config/fsh/policy.toml"},
		{"frobnicate", "x", ""},
	} {
		if got := p.Hint(test.action, w.expand(test.target)); got != w.expand(test.want) {
			t.Errorf("%s %s: %q", test.action, test.target, got)
		}
	}
}

// TestPrivileges: only a trusted file can ask for a privilege, and anybody can
// take it away.
func TestPrivileges(t *testing.T) {
	for text, want := range map[string]bool{"": false, "file_ownership = true": true, "file_ownership = false": false} {
		dir := t.TempDir()
		file := filepath.Join(dir, "policy.toml")
		if err := os.WriteFile(file, []byte("version = 1\n[privileges]\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p, _, err := Load(Options{Dir: dir, Home: dir, PolicyFile: file})
		if err != nil || p.Privileges.FileOwnership != want {
			t.Errorf("%q: %v %v", text, p, err)
		}
		project := filepath.Join(dir, ".fsh.toml")
		if err := os.WriteFile(project, []byte("version = 1\n[privileges]\nfile_ownership = true\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if p, _, err = Load(Options{Dir: dir, Home: dir, PolicyFile: file}); err != nil || p.Privileges.FileOwnership != want {
			t.Errorf("%q with a project that asks: %v", text, err)
		}
		if err := os.WriteFile(project, []byte("version = 1\n[privileges]\nfile_ownership = false\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if p, _, err = Load(Options{Dir: dir, Home: dir, PolicyFile: file}); err != nil || p.Privileges.FileOwnership {
			t.Errorf("%q with a project that takes it away: %v", text, err)
		}
	}
}
