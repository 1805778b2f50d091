package policy

import (
	"slices"
	"strings"
	"testing"
)

// lintPreset says what a preset grants that none may: a protected place, a
// service of the machine, a variable that decides which code runs.
func lintPreset(before, after *Policy) []string {
	var bad []string
	for _, c := range Difference(before, after) {
		forge := c.Group == "network" && strings.Contains(c.Danger, "have an account there")
		key := c.Group == "variables" && strings.HasSuffix(c.Rule.Value, "_API_KEY") // an agent's own
		listen := c.Text == "listen on its own loopback"
		switch {
		case !c.Gained, forge, key, listen:
		case c.Danger != "", c.Group == "services", c.Group == "commands", c.Group == "variables" && strings.HasPrefix(c.Text, "set "):
			bad = append(bad, c.Text+": "+c.Danger)
		}
	}
	return bad
}

// TestPresetsAreHonest: few, each with a comment that says what it is, and
// none opens what is protected.
func TestPresetsAreHonest(t *testing.T) {
	names := Presets()
	if want := []string{"agent", "base", "c", "git", "go", "node", "python", "rust"}; !slices.Equal(names, want) {
		t.Errorf("presets %v, want %v", names, want)
	}
	for _, name := range names {
		text, err := presets.ReadFile("presets/" + name + ".toml")
		if err != nil || !strings.HasPrefix(string(text), "# ") || !strings.Contains(string(text), "\nversion = 1\n") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		w := newWorld(t, nil)
		w.opts.PublicSuffix = suffixOf
		before, _ := w.load()
		w.write("user", "extends = ['"+name+"']")
		after, warnings := w.load()
		checkWarnings(t, warnings, "")
		for _, bad := range lintPreset(before, after) {
			t.Errorf("%s: %s", name, bad)
		}
		q := *after
		q.Dir = w.root
		w.check(&q, "+write DIR/x", "-write HOME/x", "-write HOME/.bashrc", "-write DIR/.git/hooks/x", "-write DIR/.fsh.toml", "-read HOME/.ssh/id", "-read HOME/.netrc",
			"-read HOME/.npmrc", "-read HOME/.aws/credentials", "-env GITHUB_TOKEN", "-env AWS_SECRET_ACCESS_KEY", "-exec reboot", "-write HOME/.local/bin/x")
		for _, h := range after.Network.AllowedDomains {
			if f, m := parseHost(h.Entry); m != nil || f.ports != "443" || f.wildcard && strings.Count(f.name, ".") == 0 {
				t.Errorf("%s: %s is not one name by HTTPS", name, h.Entry)
			}
		}
	}
}

// TestPresetLintSees what it is for.
func TestPresetLintSees(t *testing.T) {
	for _, text := range []string{"filesystem.allow_write = ['~']", "filesystem.allow_read = ['/', '~/.ssh']", "filesystem.allow_write = ['~/.profile']", "filesystem.allow_write = ['.', './.git/hooks']",
		"network.allowed_domains = ['*']", "network.allowed_domains = ['*.github.io']", "network.allow_unix_sockets = ['/run/docker.sock']", "network.allow_local_outbound = true",
		"environment.set = { PATH = '/x' }", "environment.pass = ['*', 'GITHUB_TOKEN']", "command.use_defaults = false", "network.hosts = { 'a.test' = '127.0.0.1' }", "filesystem.allow_write = ['~/.local/bin']"} {
		w := newWorld(t, nil)
		w.opts.PublicSuffix = suffixOf
		before, _ := w.load()
		w.write("user", text)
		after, _ := w.load()
		if len(lintPreset(before, after)) == 0 {
			t.Errorf("the lint lets %s pass", text)
		}
	}
}
