package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Change is one right more or less.
type Change struct {
	// Group is what it is about: "read", "write", "network", "services",
	// "variables", "commands", "limits".
	Group string `json:"group"`
	// Gained tells rights from restrictions.
	Gained bool   `json:"gained"`
	Text   string `json:"text"` // "write ~/src/app"
	Rule   Rule   `json:"rule"`
	// Danger says in plain words what can come of it; empty for most.
	Danger string `json:"danger,omitempty"`
	// Program is the [program] table that it belongs to.
	Program string `json:"program,omitempty"`
}

// Difference lists what after allows and before does not, and what it denies
// in addition, programs of their own included.
func Difference(before, after *Policy) []Change {
	changes := differ(before, after, "")
	for _, prog := range after.Programs {
		was := before.ForProgram(prog.Name)
		for _, c := range differ(was, prog.Policy, prog.Name) {
			// What everything gets is not said again for each program.
			if !slices.ContainsFunc(changes, func(o Change) bool { return o.Program == "" && o.Text == c.Text && o.Gained == c.Gained }) {
				changes = append(changes, c)
			}
		}
	}
	return changes
}

// comparison collects changes.
type comparison struct {
	before, after *Policy
	program       string
	changes       []Change
}

func differ(before, after *Policy, program string) []Change {
	c := &comparison{before: before, after: after, program: program}
	b, a := &before.Filesystem, &after.Filesystem
	c.paths("read", true, "read", b.AllowRead, a.AllowRead)
	c.paths("read", false, "not read", b.DenyRead, a.DenyRead)
	c.paths("write", true, "write", b.AllowWrite, a.AllowWrite)
	c.paths("write", true, "write a copy kept for this project of", b.PrivateWrite, a.PrivateWrite)
	c.paths("write", false, "not write", b.DenyWrite, a.DenyWrite)
	c.paths("write", false, "not write the name", b.Protected, a.Protected)
	c.network()
	c.rest()
	return c.changes
}

func (c *comparison) add(group string, gained bool, text string, rule Rule) {
	change := Change{Group: group, Gained: gained, Text: text, Rule: rule, Program: c.program}
	if gained {
		change.Danger = c.danger(change)
	}
	c.changes = append(c.changes, change)
}

// paths compares lists by what they name. For denials, the ones that are gone
// are rights gained.
func (c *comparison) paths(group string, allows bool, verb string, before, after []Path) {
	missing := func(list []Path, p Path) bool {
		return !slices.ContainsFunc(list, func(o Path) bool { return o.Pattern == p.Pattern && slices.Equal(o.Except, p.Except) })
	}
	for _, p := range after {
		if missing(before, p) && !(allows && coveredBy(before, p)) {
			c.add(group, allows, verb+" "+p.Pattern, p.Rule)
		}
	}
	for _, p := range before {
		gone := missing(after, p)
		if gone && allows {
			// The built-in caches are a convenience: without them a tool fails or
			// keeps its cache elsewhere.
			cache := p.Rule.Origin.Layer == "defaults" && strings.Contains(verb, "a copy")
			if !cache && !coveredBy(after, p) {
				c.add(group, false, "no longer "+verb+" "+p.Pattern, p.Rule)
			}
		} else if gone {
			text := strings.TrimPrefix(verb, "not ") + " " + p.Pattern
			c.add(group, true, text+", which is protected otherwise", lifted(c.after, p))
		}
	}
}

func coveredBy(list []Path, p Path) bool {
	return slices.ContainsFunc(list, func(o Path) bool { return coversPath(o, p) })
}

// lifted is the entry that takes a built-in denial away.
func lifted(p *Policy, gone Path) Rule {
	for _, list := range [][]Path{p.Filesystem.AllowWrite, p.Filesystem.AllowRead} {
		for _, entry := range list {
			if !entry.Glob && (gone.Matches(entry.Pattern) || strings.HasSuffix(entry.Pattern, "/"+gone.Pattern)) {
				return entry.Rule
			}
		}
	}
	return gone.Rule
}

func (c *comparison) network() {
	b, a := &c.before.Network, &c.after.Network
	hosts := func(gained bool, verb string, before, after []HostRule) {
		for _, h := range after {
			if !slices.ContainsFunc(before, func(o HostRule) bool { return o.Entry == h.Entry }) {
				c.add("network", gained, verb+" "+h.Entry, h.Rule)
			}
		}
	}
	hosts(true, "connect to", b.AllowedDomains, a.AllowedDomains)
	hosts(false, "not connect to", b.DeniedDomains, a.DeniedDomains)
	for _, h := range a.Hosts {
		if !slices.ContainsFunc(b.Hosts, func(o HostAddr) bool { return o.Name == h.Name && o.Addr == h.Addr }) {
			c.add("network", true, fmt.Sprintf("reach %s at %s", h.Name, h.Addr), h.Rule)
		}
	}
	switch ranks := map[string]int{"none": 0, "ports": 1, "all": 2}; {
	case ranks[a.LocalOutbound.Mode] > ranks[b.LocalOutbound.Mode] || a.LocalOutbound.Mode == "ports" && !slices.Equal(a.LocalOutbound.Ports, b.LocalOutbound.Ports):
		text := "connect to all services of this machine"
		if a.LocalOutbound.Mode == "ports" {
			text = fmt.Sprintf("connect to ports %v of this machine", a.LocalOutbound.Ports)
		}
		c.add("services", true, text, a.LocalOutbound.Rule)
	case ranks[a.LocalOutbound.Mode] < ranks[b.LocalOutbound.Mode]:
		c.add("services", false, "fewer services of this machine", a.LocalOutbound.Rule)
	}
	if a.LocalBinding != b.LocalBinding {
		c.add("services", a.LocalBinding, map[bool]string{true: "listen", false: "not listen"}[a.LocalBinding]+" on its own loopback",
			c.after.setting("network.allow_local_binding"))
	}
	for _, e := range a.ExposePorts {
		if !slices.ContainsFunc(b.ExposePorts, func(o Exposed) bool { return o.covers(e) }) {
			to := map[bool]string{true: "this machine", false: "other machines"}[e.Loopback()]
			c.add("services", true, fmt.Sprintf("offer port %s to %s", e, to), c.after.settingOf("network.expose_ports", e.String()))
		}
	}
	for _, s := range a.UnixSockets {
		if !slices.ContainsFunc(b.UnixSockets, func(o Path) bool { return o.Pattern == s.Pattern }) {
			c.add("services", true, "use the socket "+s.Pattern, s.Rule)
		}
	}
}

func (p *Policy) setting(key string) Rule {
	for _, r := range p.Settings {
		if strings.HasSuffix(r.Key, key) {
			return r
		}
	}
	return Rule{Key: key}
}

// settingOf is setting for a key with several values.
func (p *Policy) settingOf(key, value string) Rule {
	for _, r := range p.Settings {
		if r.Key == key && r.Value == value {
			return r
		}
	}
	return p.setting(key)
}

func (c *comparison) rest() {
	// What is built in for programs with rights is not something the files ask for.
	asked := func(r Rule) bool { return r.Origin.Layer != "defaults" }
	env := func(gained bool, verb string, before, after []EnvRule) {
		for _, r := range after {
			if asked(r.Rule) && !slices.ContainsFunc(before, func(o EnvRule) bool { return o.Pattern == r.Pattern }) {
				c.add("variables", gained, verb+" "+r.Pattern, r.Rule)
			}
		}
	}
	b, a := c.before, c.after
	env(true, "get the variable", b.Environment.Pass, a.Environment.Pass)
	env(false, "not get the variable", b.Environment.Deny, a.Environment.Deny)
	for _, v := range a.Environment.Set {
		if asked(v.Rule) && !slices.ContainsFunc(b.Environment.Set, func(o EnvVar) bool { return o.Name == v.Name && o.Value == v.Value }) {
			c.add("variables", true, "set "+v.Name+"="+v.Value, v.Rule)
		}
	}
	commands := func(gained bool, verb string, before, after []CommandRule) {
		for _, r := range after {
			if !slices.ContainsFunc(before, func(o CommandRule) bool { return slices.Equal(o.Words, r.Words) }) {
				c.add("commands", gained, verb+" "+strings.Join(r.Words, " "), r.Rule)
			}
		}
	}
	commands(true, "run", b.Command.Allow, a.Command.Allow)
	commands(false, "not run", b.Command.Deny, a.Command.Deny)
	commands(true, "run, which is refused otherwise,", a.Command.Deny, b.Command.Deny)
	if a.Privileges != b.Privileges {
		on := a.Privileges.FileOwnership
		c.add("privileges", on, map[bool]string{true: "change owners and set-id bits of what may be written (root)",
			false: "not change owners of files"}[on], a.setting("privileges.file_ownership"))
	}
	was := b.Limits.byKey()
	for _, key := range sortedKeys(was) {
		if value := a.Limits.byKey()[key]; value != was[key] {
			c.add("limits", value == 0 || was[key] != 0 && value > was[key], fmt.Sprintf("%s = %d", key, value), a.setting(key))
		}
	}
}
