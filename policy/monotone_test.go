package policy

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// questions are what the rules in these tests can decide about.
var questions = func() (q [][2]string) {
	for _, target := range []string{"/usr/x", "HOME", "HOME/.ssh/id", "HOME/.profile", "HOME/pub", "HOME/.npm/x", "DIR", "DIR/a", "DIR/a/b", "DIR/b/c",
		"DIR/.git/hooks/x", "DIR/a/.envrc", "HOME/.config/fsh/policy.toml", "/etc/shadow", "/root/.aws/x"} {
		q = append(q, [2]string{"read", target}, [2]string{"write", target})
	}
	for _, name := range []string{"PATH", "CI", "A_TOKEN", "AWS_X", "LD_PRELOAD"} {
		q = append(q, [2]string{"env", name})
	}
	for _, command := range []string{"git push", "git push origin docs", "git pull", "reboot", "ls"} {
		q = append(q, [2]string{"exec", command})
	}
	return q
}()

var (
	somePaths    = []string{".", "a", "a/b", "./b", "~", "~/.ssh", "~/.profile", "~/pub", "/", "/usr", "a/*", "**/b", ".git/hooks", "~/.npm"}
	someHosts    = []string{"x.test", "*.x.test", "*", "10.0.0.0/8:*", "y.test:22"}
	someNames    = []string{"*", "CI", "PATH", "A_TOKEN", "*_X"}
	someCommands = []string{"git", "git push", "git push origin docs", "reboot", "ls"}
)

// allowKeys and denyKeys make entries; each line is one key.
var (
	allowKeys = map[string][]string{"filesystem.allow_read": somePaths, "filesystem.allow_write": somePaths, "network.allowed_domains": someHosts,
		"environment.pass": someNames, "command.allow": someCommands, "filesystem.private_write": {"~/.npm", "~/pub", "a"}}
	denyKeys = map[string][]string{"filesystem.deny_read": somePaths, "filesystem.deny_write": somePaths, "network.denied_domains": someHosts,
		"environment.deny": someNames, "command.deny": someCommands}
	otherLines = []string{"network.allow_local_binding = true", "network.allow_local_binding = false", "network.allow_local_outbound = [1, 2]", "network.allow_local_outbound = true",
		"network.allow_local_outbound = false", "command.use_defaults = false", "command.use_defaults = true", "environment.set = { CI = '1', LD_PRELOAD = 'x' }",
		"network.expose_ports = [1]", "network.expose_ports = ['0.0.0.0:1', '[::]:2']", "network.hosts = { 'x.test' = '127.0.0.1' }", "limits.memory = '1GiB'", "limits.memory = '2GiB'", "extends = ['go']",
		"network.allow_unix_sockets = ['/run/x.sock']", "privileges.file_ownership = true", "privileges.file_ownership = false",
		"limits.processes = 5", "limits.cpu_time = '1m'", "limits.open_files = 10", "limits.file_size = '1MiB'"}
)

// TestEveryKeyIsTried: a key that is new has to be among those that the
// properties are tried with.
func TestEveryKeyIsTried(t *testing.T) {
	tried := map[string]bool{}
	for _, keys := range []map[string][]string{allowKeys, denyKeys} {
		for key := range keys {
			tried[key] = true
		}
	}
	for _, line := range otherLines {
		tried[strings.Fields(line)[0]] = true
	}
	for table, keys := range tables {
		for key := range keys {
			if !tried[table+"."+key] {
				t.Errorf("no property is tried with %s.%s", table, key)
			}
		}
	}
}

// untrustedHas are the parts of a section that an untrusted file may have: all
// that they do is to deny. Of those with a question mark, one value.
var untrustedHas = map[string]bool{"denyRead": true, "denyWrite": true, "deniedDomains": true, "commandDeny": true, "envDeny": true, "limits": true, "layer": true,
	"localBinding?": true, "localOutbound?": true, "useDefaults?": true, "fileOwnership?": true, "settings?": true, "given?": true}

// TestNarrowedKeepsDenialsOnly, whatever fields a section gets.
func TestNarrowedKeepsDenialsOnly(t *testing.T) {
	w := newWorld(t, nil)
	d := &decoder{file: "x", origin: "project", trusted: true, resolve: resolver{base: w.proj, home: w.home, getenv: w.opts.Getenv}}
	var text strings.Builder
	for _, keys := range []map[string][]string{allowKeys, denyKeys} {
		for _, key := range sortedKeys(keys) {
			fmt.Fprintf(&text, "%s = ['%s']\n", key, keys[key][0])
		}
	}
	for _, line := range []string{"network.allow_local_binding = true", "network.allow_local_outbound = [1]", "command.use_defaults = false", "environment.set = { LD_PRELOAD = 'x' }",
		"network.expose_ports = [1]", "network.allow_unix_sockets = ['/run/x']", "network.hosts = { 'x.test' = '127.0.0.1' }", "privileges.file_ownership = true", "limits.memory = '1GiB'"} {
		text.WriteString(line + "\n")
	}
	tree, err := parse("x", text.String())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := d.document(tree)
	if err != nil {
		t.Fatal(err)
	}
	full, narrow := reflect.ValueOf(doc.top).Elem(), reflect.ValueOf(doc.top.narrowed()).Elem()
	for i := range full.NumField() {
		name := full.Type().Field(i).Name
		switch {
		case full.Field(i).IsZero():
			t.Errorf("%s: the file does not set it", name)
		case untrustedHas[name] && narrow.Field(i).IsZero():
			t.Errorf("%s: an untrusted file has lost it", name)
		case untrustedHas[name], name == "settings" || name == "given":
		case !narrow.Field(i).IsZero():
			t.Errorf("%s: an untrusted file has it", name)
		}
	}
	for _, r := range doc.top.narrowed().settings {
		if !strings.HasPrefix(r.Key, "limits.") {
			t.Errorf("setting %s", r.Key)
		}
	}
}

// TestCeiling: what the system's file denies or bounds, no inner layer gives.
func TestCeiling(t *testing.T) {
	system := "filesystem.allow_read = ['/usr', '~/pub']\nfilesystem.allow_write = ['~/pub']\nfilesystem.deny_read = ['~/.netrc']\nfilesystem.private_write = []\n" +
		"network.allowed_domains = ['*.x.test', '10.1.0.0/16']\nnetwork.allow_local_binding = false\nnetwork.allow_local_outbound = false\nnetwork.expose_ports = []\nnetwork.allow_unix_sockets = []\n" +
		"environment.deny = ['LD_*']\nenvironment.pass = ['PATH', 'LD_*']\ncommand.deny = ['git push']\ncommand.use_defaults = true\nprivileges.file_ownership = false\nlimits.memory = '1GiB'\n"
	rounds(t, func(t *testing.T, r *rand.Rand) {
		w := newWorld(t, map[string]string{"system": system})
		before := w.effective()
		file := someFile(r)
		for _, layer := range []string{"user", "project"} {
			w.write(layer, withoutExtends(file))
			w.trusted[w.path(layer)] = true
		}
		after := w.effective()
		// Pins and variables may be given within the bounds.
		after.Network.Hosts = slices.DeleteFunc(after.Network.Hosts, func(h HostAddr) bool { return strings.HasPrefix(h.Addr, "10.1.") })
		after.Environment.Set = slices.DeleteFunc(after.Environment.Set, func(v EnvVar) bool { return !strings.HasPrefix(v.Name, "LD_") })
		entries := after.Network.AllowedDomains
		after.Network.AllowedDomains = slices.DeleteFunc(slices.Clone(entries), func(h HostRule) bool {
			return h.Entry == "*.x.test" || strings.HasPrefix(h.Entry, "10.1.") || h.Entry == "x.test"
		})
		before.Network.AllowedDomains = nil
		if got := w.widens(before, after); got != "" && got != "[env CI]" {
			t.Errorf("\n%sallows %s", file, got)
		}
	})
	w := newWorld(t, map[string]string{"system": system, "user": "environment.set = { LD_PRELOAD = 'x' }\ncommand.allow = ['git push origin docs']\n" +
		"network.hosts = { 'a.x.test' = '127.0.0.1', 'b.x.test' = '10.1.2.3' }\n"})
	p, _ := w.load()
	w.check(p, "-exec git push origin docs", "-env LD_PRELOAD")
	if len(p.Network.Hosts) != 1 || p.Network.Hosts[0].Name != "b.x.test" {
		t.Errorf("pins: %v", p.Network.Hosts)
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// someFile is a random valid file; keys are there once.
func someFile(r *rand.Rand) string {
	lines := map[string]string{}
	for _, keys := range []map[string][]string{allowKeys, denyKeys} {
		for _, key := range sortedKeys(keys) {
			if r.IntN(3) == 0 {
				lines[key] = fmt.Sprintf("%s = ['%s']", key, pick(r, keys[key]))
			}
		}
	}
	for range r.IntN(4) {
		line := pick(r, otherLines)
		lines[strings.Fields(line)[0]] = line
	}
	var b strings.Builder
	for _, key := range sortedKeys(lines) {
		b.WriteString(lines[key] + "\n")
	}
	return b.String()
}

// widens tells what the second policy allows and the first does not.
func (w *world) widens(before, after *Policy) string {
	for _, q := range questions {
		target := w.expand(q[1])
		b, _ := before.Why(q[0], target)
		if a, rule := after.Why(q[0], target); a && !b {
			return fmt.Sprintf("%v by %+v", q, rule)
		}
	}
	entries := func(list []HostRule) map[string]bool {
		m := map[string]bool{}
		for _, h := range list {
			m[h.Entry] = true
		}
		return m
	}
	was := entries(before.Network.AllowedDomains)
	for e := range entries(after.Network.AllowedDomains) {
		if !was[e] {
			return "host " + e
		}
	}
	denied := entries(after.Network.DeniedDomains)
	// What a connection would be told, whatever the entries are called.
	reaches := func(p *Policy, host string) bool {
		f, _ := parseHost(host)
		covered := func(list []HostRule) bool {
			return slices.ContainsFunc(list, func(h HostRule) bool {
				outer, m := parseHost(h.Entry)
				return m == nil && outer.covers(f)
			})
		}
		return covered(p.Network.AllowedDomains) && !covered(p.Network.DeniedDomains)
	}
	for _, host := range []string{"x.test:80", "a.x.test:443", "y.test:22", "10.1.1.1:5432", "elsewhere.test:443"} {
		if reaches(after, host) && !reaches(before, host) {
			return "connections to " + host
		}
	}
	for e := range entries(before.Network.DeniedDomains) {
		if !denied[e] {
			return "no longer denied " + e
		}
	}
	n, m := before.Network, after.Network
	rank := map[string]int{"none": 0, "ports": 1, "all": 2}
	switch {
	case m.LocalBinding && !n.LocalBinding:
		return "local binding"
	case after.Privileges.FileOwnership && !before.Privileges.FileOwnership:
		return "ownership of files"
	case rank[m.LocalOutbound.Mode] > rank[n.LocalOutbound.Mode] || m.LocalOutbound.Mode == "ports" && n.LocalOutbound.Mode == "ports" && len(m.LocalOutbound.Ports) > len(n.LocalOutbound.Ports):
		return "local outbound"
	case slices.ContainsFunc(m.ExposePorts, func(e Exposed) bool {
		return !slices.ContainsFunc(n.ExposePorts, func(o Exposed) bool { return o.covers(e) })
	}), len(m.Hosts) > len(n.Hosts), len(m.UnixSockets) > len(n.UnixSockets), len(after.Environment.Set) > len(before.Environment.Set):
		return "ports, hosts, sockets or variables"
	case after.Limits.least(before.Limits) != after.Limits:
		return fmt.Sprintf("limits %+v", after.Limits)
	}
	return ""
}

// someWorld has random trusted layers.
func someWorld(t *testing.T, r *rand.Rand) *world {
	w := newWorld(t, map[string]string{"user": someFile(r)})
	if r.IntN(2) == 0 {
		w.write("outer", someFile(r))
		w.trusted[w.path("outer")] = r.IntN(2) == 0
	}
	if r.IntN(3) == 0 {
		w.write("system", someFile(r))
	}
	return w
}

func rounds(t *testing.T, f func(*testing.T, *rand.Rand)) {
	n := 60
	if testing.Short() {
		n = 20
	}
	for seed := range n {
		f(t, rand.New(rand.NewPCG(uint64(seed), 1)))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// effective is a policy whose test home is not in a private place.
func (w *world) effective() *Policy {
	w.t.Helper()
	p, _ := w.load()
	p.Dir = w.root
	return p
}

func TestDenyNeverWidens(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		w := someWorld(t, r)
		before := w.effective()
		key := pick(r, sortedKeys(denyKeys))
		line := fmt.Sprintf("%s = ['%s']\n", key, pick(r, denyKeys[key]))
		layer := pick(r, []string{"project", "flag"})
		if layer == "project" {
			w.write("project", line)
			w.trusted[w.path("project")] = r.IntN(2) == 0
		} else {
			w.opts.Flags = []Flag{pick(r, []Flag{{Kind: "deny-read", Value: "a"}, {Kind: "deny-write", Value: "~"}, {Kind: "deny-net", Value: "*"}, {Kind: "deny-env", Value: "*"}})}
		}
		if got := w.widens(before, w.effective()); got != "" {
			t.Errorf("adding %s to %s allows %s", line, layer, got)
		}
	})
}

func TestUntrustedNeverWidens(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		w := someWorld(t, r)
		before := w.effective()
		file := someFile(r)
		if r.IntN(3) == 0 {
			w.opts.Script = "#!/bin/fsh\n#: " + strings.ReplaceAll(strings.TrimSuffix(file, "\n"), "\n", "\n#: ")
		} else {
			w.write("project", file)
		}
		if got := w.widens(before, w.effective()); got != "" {
			t.Errorf("untrusted\n%sallows %s", file, got)
		}
	})
}

func TestTrustedCanWiden(t *testing.T) {
	w := newWorld(t, nil)
	before := w.effective()
	w.write("project", "filesystem.allow_write = ['.']")
	w.trusted[w.path("project")] = true
	if w.widens(before, w.effective()) == "" {
		t.Error("the comparison sees nothing")
	}
}

// TestNothingNeverWidens: an absent, an empty and an almost empty file are the
// same, and none is wider than the defaults.
func TestNothingNeverWidens(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "version = 1\n", "[filesystem]\n[network]\n[command]\n[environment]\n[limits]\n",
		"filesystem.allow_read = []\nfilesystem.allow_write = []\nfilesystem.deny_read = []\nnetwork.allowed_domains = []\nenvironment.pass = []\nenvironment.deny = []\ncommand.deny = []\nfilesystem.private_write = []\n",
		"extends = []\n", "[program]\n[directory]\n"} {
		for _, layer := range []string{"system", "user", "project"} {
			w := newWorld(t, nil)
			before := w.effective()
			w.write(layer, strings.ReplaceAll(text, "[directory]\n", map[string]string{"user": "[directory]\n"}[layer]))
			w.trusted[w.path("project")] = true
			if got := w.widens(before, w.effective()); got != "" {
				t.Errorf("%s file %q allows %s", layer, text, got)
			}
		}
	}
}

// TestBrokenNeverWidens: a file that is damaged anywhere is an error at a
// place and no policy at all; or it is valid, and then whatever is allowed
// beyond the defaults is allowed by a rule of this file.
func TestBrokenNeverWidens(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		w := newWorld(t, nil)
		nothing := w.effective()
		text := someFile(r)
		if text == "" {
			return
		}
		for range 10 {
			broken := []byte(text)
			switch at := r.IntN(len(broken)); r.IntN(3) {
			case 0:
				broken = broken[:at] // a write that stopped
			case 1:
				broken[at] = byte(r.IntN(256))
			default:
				broken = append(broken[:at:at], broken[min(at+1+r.IntN(8), len(broken)):]...)
			}
			w.write("user", string(broken))
			p, _, err := Load(w.opts)
			var e *Error
			if err != nil {
				if p != nil || !errors.As(err, &e) || e.File != w.path("user") || e.Line == 0 {
					t.Errorf("%q: %v %v", broken, p, err)
				}
				continue
			}
			p.Dir = w.root
			for _, q := range questions {
				target := w.expand(q[1])
				before, _ := nothing.Why(q[0], target)
				after, rule := p.Why(q[0], target)
				byFile := rule.Origin.File == w.path("user") || strings.HasPrefix(rule.Origin.File, "preset ")
				if after && !before && !byFile && !(q[0] == "exec" && strings.Contains(string(broken), "command.")) {
					t.Errorf("%q allows %v by %+v", broken, q, rule)
				}
			}
		}
	})
}

// TestNarrowedInNeverWidens: whatever a directory's file says.
func TestNarrowedInNeverWidens(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		w := someWorld(t, r)
		outer := w.effective()
		w.write("inner/.fsh.toml", someFile(r))
		w.trusted[w.path("inner/.fsh.toml")] = r.IntN(2) == 0
		narrow, err := outer.NarrowedIn(w.path("inner"), w.opts)
		if err != nil {
			t.Fatal(err)
		}
		narrow.Dir = w.root
		if got := w.widens(outer, narrow); got != "" {
			t.Errorf("cd allows %s", got)
		}
	})
}

// TestOrderDoesNotMatter: of keys in a file, and of [directory] tables.
func TestOrderDoesNotMatter(t *testing.T) {
	rounds(t, func(t *testing.T, r *rand.Rand) {
		w := newWorld(t, nil)
		tables := []string{"[directory.\"~/src\"]\n" + withoutExtends(someFile(r)), "[directory.\"~\"]\n" + withoutExtends(someFile(r))}
		w.write("user", tables[0]+tables[1])
		first := w.effective()
		w.write("user", tables[1]+tables[0])
		second := w.effective()
		if got := w.widens(first, second) + w.widens(second, first); got != "" {
			t.Errorf("order of\n%sand\n%smatters: %s", tables[0], tables[1], got)
		}
	})
}

func withoutExtends(file string) string {
	return strings.ReplaceAll(file, "extends = ['go']\n", "")
}
