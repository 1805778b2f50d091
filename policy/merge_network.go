package policy

import (
	"slices"
	"strings"
)

func (m *merger) network(sections []*section) {
	n := &m.p.Network
	n.AllowedDomains, n.DeniedDomains = []HostRule{}, []HostRule{}
	n.UnixSockets = m.paths(sections, "network.allow_unix_sockets", func(s *section) []Path { return s.unixSockets })
	if len(n.UnixSockets) == 0 {
		n.UnixSockets = nil
	}
	for _, s := range sections {
		n.DeniedDomains = append(n.DeniedDomains, s.deniedDomains...)
		for _, h := range s.allowedDomains {
			if s.layer != "system" && !m.ceiling.host(h) {
				m.above(h.Rule)
				continue
			}
			n.AllowedDomains = append(n.AllowedDomains, h)
		}
		for _, h := range s.hosts {
			if s.layer != "system" && !m.ceiling.pin(h) {
				m.above(h.Rule)
				continue
			}
			n.Hosts = slices.DeleteFunc(n.Hosts, func(old HostAddr) bool { return strings.EqualFold(old.Name, h.Name) })
			n.Hosts = append(n.Hosts, h)
		}
		m.exposed(s)
	}
	n.LocalBinding, _ = decide(sections, func(s *section) *flagRule { return s.localBinding }, m.Inherited)
	n.LocalOutbound = localOutbound(sections)
}

func (m *merger) exposed(s *section) {
	for _, e := range s.exposePorts {
		covered := func(c Exposed) bool { return c.covers(e) }
		switch {
		case m.ceiling.given["network.expose_ports"] && !slices.ContainsFunc(m.ceiling.section.exposePorts, covered):
			if i := slices.IndexFunc(s.settings, func(r Rule) bool { return r.Key == "network.expose_ports" && r.Value == e.String() }); i >= 0 {
				m.above(s.settings[i])
			}
		case !slices.ContainsFunc(m.p.Network.ExposePorts, covered):
			m.p.Network.ExposePorts = append(m.p.Network.ExposePorts, e)
		}
	}
}

// localOutbound joins the ports, except that "none" wins over all, and that
// the system's word bounds the others.
func localOutbound(sections []*section) LocalOutbound {
	out := LocalOutbound{Mode: "none", Rule: defaultRule("network.allow_local_outbound", "false")}
	var bound *LocalOutbound
	for _, s := range sections {
		o := s.localOutbound
		if o == nil {
			continue
		}
		if o.Mode == "none" {
			return *o
		}
		if s.layer == "system" {
			bound = o
		}
		switch {
		case out.Mode == "none":
			out = *o
			out.Ports = slices.Clone(o.Ports)
		case o.Mode == "all":
			out = *o
		case out.Mode == "ports":
			out.Ports = append(out.Ports, o.Ports...)
		}
	}
	if bound != nil && bound.Mode == "ports" {
		out = *bound
	}
	slices.Sort(out.Ports)
	out.Ports = slices.Compact(out.Ports)
	return out
}
