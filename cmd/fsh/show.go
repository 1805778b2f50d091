//go:build linux

package main

import (
	"fmt"
	"strings"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// listing writes rules in columns, each with its place.
type listing struct {
	b   strings.Builder
	all bool // built-in ones as well
	// rows of the present key
	key     string
	rows    int
	builtin int
}

// describePolicy is the policy as people read it.
func describePolicy(p *policy.Policy, all bool) string {
	l := &listing{all: all}
	fmt.Fprintf(&l.b, "policy of %s\n", events.Printable(p.Dir))
	for _, s := range p.Sources {
		state := ""
		if !s.Trusted {
			state = ", not trusted: only what it denies is used"
		}
		fmt.Fprintf(&l.b, "  from %s (%s%s)\n", events.Printable(s.File), s.Layer, state)
	}
	l.policy(p)
	for _, prog := range p.Programs {
		fmt.Fprintf(&l.b, "\n[program %q] has the above, but:\n", prog.Name)
		l.b.WriteString(describeChanges(policy.Difference(p, prog.Policy)))
	}
	return l.b.String()
}

func (l *listing) policy(p *policy.Policy) {
	l.b.WriteString("\n[filesystem]\n")
	fs := &p.Filesystem
	for _, list := range []struct {
		key   string
		paths []policy.Path
	}{{"allow_read", fs.AllowRead}, {"deny_read", fs.DenyRead}, {"allow_write", fs.AllowWrite}, {"deny_write", fs.DenyWrite},
		{"private_write", fs.PrivateWrite}, {"protected", fs.Protected}} {
		l.begin(list.key)
		for _, entry := range list.paths {
			l.row(entry.Pattern, entry.Rule)
		}
		l.end()
	}
	l.network(&p.Network, p.Settings)
	l.b.WriteString("\n[command]\n")
	for _, list := range []struct {
		key   string
		rules []policy.CommandRule
	}{{"deny", p.Command.Deny}, {"allow", p.Command.Allow}} {
		l.begin(list.key)
		for _, r := range list.rules {
			l.row(strings.Join(r.Words, " "), r.Rule)
		}
		l.end()
	}
	l.environment(&p.Environment)
	l.b.WriteString("\n[limits]\n")
	l.begin("")
	for _, r := range p.Settings {
		if name, ok := strings.CutPrefix(r.Key, "limits."); ok {
			l.row(name+" = "+r.Value, r)
		}
	}
	l.end()
	if !p.Privileges.FileOwnership {
		return
	}
	l.b.WriteString("\n[privileges]\n")
	l.begin("")
	for _, r := range p.Settings {
		if r.Key == "privileges.file_ownership" {
			l.row("file_ownership = true", r)
		}
	}
	l.end()
}

func (l *listing) network(n *policy.Network, settings []policy.Rule) {
	l.b.WriteString("\n[network]\n")
	host := func(r policy.HostRule) (string, policy.Rule) { return r.Entry, r.Rule }
	rows(l, "allowed_domains", n.AllowedDomains, host)
	rows(l, "denied_domains", n.DeniedDomains, host)
	rows(l, "hosts", n.Hosts, func(h policy.HostAddr) (string, policy.Rule) { return h.Name + " = " + h.Addr, h.Rule })
	rows(l, "allow_unix_sockets", n.UnixSockets, func(s policy.Path) (string, policy.Rule) { return s.Pattern, s.Rule })
	local := map[string]string{"none": "false", "all": "true", "ports": fmt.Sprint(n.LocalOutbound.Ports)}[n.LocalOutbound.Mode]
	l.begin("")
	l.row("allow_local_outbound = "+local, n.LocalOutbound.Rule)
	for _, r := range settings {
		if i := strings.LastIndex(r.Key, "network."); i >= 0 {
			l.row(r.Key[i+len("network."):]+" = "+r.Value, r)
		}
	}
	l.end()
}

func (l *listing) environment(e *policy.Environment) {
	l.b.WriteString("\n[environment]\n")
	name := func(r policy.EnvRule) (string, policy.Rule) { return r.Pattern, r.Rule }
	rows(l, "pass", e.Pass, name)
	rows(l, "deny", e.Deny, name)
	rows(l, "set", e.Set, func(v policy.EnvVar) (string, policy.Rule) { return v.Name + " = " + v.Value, v.Rule })
}

// rows are the rules of one key.
func rows[T any](l *listing, key string, list []T, row func(T) (string, policy.Rule)) {
	l.begin(key)
	for _, entry := range list {
		l.row(row(entry))
	}
	l.end()
}

// fewBuiltin is how many built-in rules of one key are shown without --all.
const fewBuiltin = 2

func (l *listing) begin(key string) { l.key, l.rows, l.builtin = key, 0, 0 }

func (l *listing) row(value string, r policy.Rule) {
	if r.Origin.Layer == "defaults" && r.Text == "" {
		if l.builtin++; l.builtin > fewBuiltin && !l.all {
			return
		}
	}
	where := r.Origin.Layer
	if r.Origin.File != "" {
		where = r.Origin.File
	}
	if r.Origin.Line > 0 {
		where = fmt.Sprintf("%s:%d", where, r.Origin.Line)
	}
	key := ""
	if l.rows++; l.rows == 1 {
		key = l.key
	}
	fmt.Fprintf(&l.b, "  %-19s %-42s %s\n", key, events.Printable(value), events.Printable(where))
}

func (l *listing) end() {
	if more := l.builtin - fewBuiltin; more > 0 && !l.all {
		fmt.Fprintf(&l.b, "  %-19s … and %d more built in\n", "", more)
	}
}
