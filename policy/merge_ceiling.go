package policy

import (
	"fmt"
	"slices"
	"strings"
)

// ceiling is what the system's file bounds: a list that it has is the most
// that other layers can get.
type ceiling struct {
	given   map[string]bool
	section *section
}

func newCeiling(sections []*section) ceiling {
	c := ceiling{map[string]bool{}, &section{}}
	for _, s := range sections {
		if s.layer != "system" {
			continue
		}
		for k := range s.given {
			c.given[k] = true
		}
		c.section.allowRead = append(c.section.allowRead, s.allowRead...)
		c.section.allowWrite = append(c.section.allowWrite, s.allowWrite...)
		c.section.privateWrite = append(c.section.privateWrite, s.privateWrite...)
		c.section.unixSockets = append(c.section.unixSockets, s.unixSockets...)
		c.section.allowedDomains = append(c.section.allowedDomains, s.allowedDomains...)
		c.section.envDeny = append(c.section.envDeny, s.envDeny...)
		c.section.envPass = append(c.section.envPass, s.envPass...)
		c.section.exposePorts = append(c.section.exposePorts, s.exposePorts...)
	}
	return c
}

func (m *merger) above(r Rule) {
	if !m.quiet {
		m.warn(fmt.Sprintf("%s %q at %s is more than the system policy allows: ignored", r.Key, r.Value, at(r.Origin)), "")
	}
}

// at is where a rule is, for people.
func at(o Origin) string {
	if o.Line > 0 {
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	if o.File != "" {
		return o.File
	}
	return o.Layer
}

func (c ceiling) host(h HostRule) bool {
	if !c.given["network.allowed_domains"] {
		return true
	}
	inner, _ := parseHost(h.Entry) // was checked when it was decoded
	return slices.ContainsFunc(c.section.allowedDomains, func(r HostRule) bool {
		outer, _ := parseHost(r.Entry)
		return outer.covers(inner)
	})
}

// deniesVariable: no inner layer gives a value to what the system's file denies.
func (c ceiling) deniesVariable(name string) bool {
	return slices.ContainsFunc(c.section.envDeny, func(r EnvRule) bool { return matchName(r.Pattern, name) })
}

// pin tells whether a name may be given an address: one that the system's file
// allows by itself, where that file says what may be reached.
func (c ceiling) pin(h HostAddr) bool {
	if !c.given["network.allowed_domains"] && !c.given["network.hosts"] {
		return true
	}
	entry := h.Addr + ":*"
	if strings.Contains(h.Addr, ":") {
		entry = "[" + h.Addr + "]:*"
	}
	inner, _ := parseHost(entry) // an address
	inner.ports = ""
	return slices.ContainsFunc(c.section.allowedDomains, func(r HostRule) bool {
		outer, _ := parseHost(r.Entry)
		outer.ports = ""
		return outer.prefix.IsValid() && outer.covers(inner)
	})
}
