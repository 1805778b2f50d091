package netfilter

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/fsh-sh/fsh/policy"
)

// Target is what a client wants to reach.
type Target struct {
	Host Host
	Port uint16
}

func (t Target) String() string {
	return net.JoinHostPort(t.Host.String(), strconv.Itoa(int(t.Port)))
}

// ParseTarget reads "host:port" strictly.
func ParseTarget(text string) (Target, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Target{}, &HostError{clip(text), "not host:port"}
	}
	if len(text) > 0 && text[0] == '[' {
		host = "[" + host + "]" // only IPv6 addresses may stand in brackets
	}
	h, err := ParseHost(host)
	if err != nil {
		return Target{}, err
	}
	p, ok := parsePort(port)
	if !ok {
		return Target{}, &HostError{clip(text), "not a port number"}
	}
	return Target{h, p}, nil
}

// Decision is the answer for one target. The zero value denies.
type Decision struct {
	Allow  bool
	Target Target
	Rule   policy.Rule
	// Hint is the option that would allow it; empty when none would.
	Hint string
	// Local: the target is a service on the loopback of this machine.
	Local bool
}

// Keys of the rules that decide.
const (
	keyAllow = "network.allowed_domains"
	keyDeny  = "network.denied_domains"
	keyHosts = "network.hosts"
	keyLocal = "network.allow_local_outbound"
)

// Decide is the decision for a target as the client named it. An allowed name
// is only a permission to resolve: what it resolves to goes through CheckAddr.
func (r *Rules) Decide(t Target) Decision {
	d := Decision{Target: t}
	if t.Host.IsZero() || t.Port == 0 {
		d.Rule = policy.Rule{Key: keyAllow, Text: "not a host and port"}
		return d
	}
	if e := best(r.deny, t); e != nil {
		d.Rule = e.rule
		return d
	}
	if t.Host.IsLocalhost() {
		return r.decideLocal(d)
	}
	addr, isAddr := t.Host.Addr()
	if isAddr {
		if e := r.explicit(netip.AddrPortFrom(addr, t.Port)); e != nil {
			d.Allow, d.Rule = true, e.rule
			return d
		}
		if isLoopback(addr) {
			return r.decideLocal(d)
		}
	}
	e := best(r.allow, t)
	if e == nil {
		return r.noEntry(d)
	}
	if reason := specialReason(addr, nil); isAddr && reason != "" {
		d.Rule = policy.Rule{Key: keyAllow, Value: e.rule.Value, Origin: e.rule.Origin,
			Text: fmt.Sprintf("%s is %s; only an entry that names it allows it", addr, reason)}
		d.Hint = hint(t)
		return d
	}
	d.Allow, d.Rule = true, e.rule
	return d
}

// noEntry explains a denial by absence, and says when only the port is wrong.
func (r *Rules) noEntry(d Decision) Decision {
	d.Rule = policy.Rule{Key: keyAllow, Text: "no allowed_domains entry matches"}
	for i := range r.allow {
		if e := &r.allow[i]; e.match != matchAny && e.hasHost(d.Target.Host) {
			d.Rule.Value, d.Rule.Origin = e.rule.Value, e.rule.Origin
			d.Rule.Text = fmt.Sprintf("the allowed_domains entry %q does not include port %d", e.rule.Value, d.Target.Port)
		}
	}
	d.Hint = hint(d.Target)
	return d
}

// decideLocal judges services on the loopback of this machine. The sandbox's
// own loopback never gets here: it does not pass through a door. But all ports
// may be the sandbox's own at any address, which dial finds out.
func (r *Rules) decideLocal(d Decision) Decision {
	d.Local = true
	if addr, ok := d.Target.Host.Addr(); ok && !isHostLoopback(addr) && r.local.Mode != "all" {
		d.Rule = r.local.Rule
		d.Rule.Key = keyLocal
		d.Rule.Text = "allow_local_outbound is about 127.0.0.1 and ::1; only an allowed_domains entry names another address of the loopback"
		d.Hint = hint(d.Target)
		return d
	}
	for _, p := range r.localPorts {
		if p.has(d.Target.Port) {
			d.Allow, d.Rule = true, r.local.Rule
			return d
		}
	}
	d.Rule = r.local.Rule
	d.Rule.Key = keyLocal
	d.Rule.Text = fmt.Sprintf("allow_local_outbound does not include port %d of this machine"+
		" (the sandbox's own loopback is reached without a proxy)", d.Target.Port)
	d.Hint = fmt.Sprintf("allow_local_outbound = [%d] in [network]", d.Target.Port)
	return d
}

// CheckAddr judges an address that an allowed target resolved to; own are the
// addresses of this machine. The address that passes is the one to dial.
func (r *Rules) CheckAddr(d Decision, addr netip.Addr, own []netip.Addr) Decision {
	addr = addr.Unmap()
	ap := netip.AddrPortFrom(addr, d.Target.Port)
	if !d.Allow {
		return d
	}
	denied := func(rule policy.Rule, hint string) Decision {
		return Decision{Target: d.Target, Rule: rule, Hint: hint, Local: d.Local}
	}
	if addr.Zone() != "" {
		return denied(policy.Rule{Key: keyAllow, Text: "the resolved address has a zone"}, "")
	}
	if e := bestPrefix(r.deny, ap); e != nil {
		return denied(e.rule, "")
	}
	if d.Local && isHostLoopback(addr) || r.explicit(ap) != nil || r.pinned(d.Target.Host, addr) {
		return d
	}
	if reason := specialReason(addr, own); reason != "" {
		rule := policy.Rule{Key: keyAllow, Value: d.Rule.Value, Origin: d.Rule.Origin,
			Text: fmt.Sprintf("%s is at %s, %s; only a rule or hosts entry that names it allows that", d.Target.Host, addr, reason)}
		return denied(rule, hint(Target{AddrHost(addr), d.Target.Port}))
	}
	return d
}

// Pinned returns the addresses that `hosts` gives to a name, if any.
func (r *Rules) Pinned(h Host) []netip.Addr {
	var out []netip.Addr
	for _, p := range r.pins[h.name] {
		out = append(out, p.addr)
	}
	return out
}

func (r *Rules) pinned(h Host, a netip.Addr) bool {
	for _, p := range r.pins[h.name] {
		if h.name != "" && p.addr == a {
			return true
		}
	}
	return false
}

// DecideName is the answer of the DNS door: allowed if some port of the name
// can be reached. Nothing is looked up.
func (r *Rules) DecideName(h Host) Decision {
	d := Decision{Target: Target{Host: h}}
	if h.name == "" {
		d.Rule = policy.Rule{Key: keyAllow, Text: "not a name"}
		return d
	}
	for i := range r.deny {
		if e := &r.deny[i]; e.hasHost(h) && !r.reachable(h) {
			d.Rule = e.rule
			return d
		}
	}
	for i := range r.allow {
		if e := &r.allow[i]; e.hasHost(h) {
			d.Allow, d.Rule = true, e.rule
			return d
		}
	}
	d.Rule = policy.Rule{Key: keyAllow, Text: "no allowed_domains entry matches"}
	d.Hint = "--allow-net=" + h.String()
	return d
}

// spells tells whether the rules have the very name, not only a pattern for it.
func (r *Rules) spells(h Host) bool {
	for i := range r.allow {
		if e := &r.allow[i]; e.name == h.name && (e.match == matchName || e.match == matchNameBelow) {
			return true
		}
	}
	return len(r.pins[h.name]) > 0
}

// reachable: some port is allowed and not denied. Only ports next to an edge
// of a range need a look, because between edges the answer does not change.
func (r *Rules) reachable(h Host) bool {
	var edges []int
	for _, list := range [][]entry{r.allow, r.deny} {
		for i := range list {
			if list[i].hasHost(h) {
				for _, p := range list[i].ports {
					edges = append(edges, int(p.lo), int(p.hi)+1)
				}
			}
		}
	}
	for _, port := range edges {
		if port < 1 {
			port = 1
		}
		if t := (Target{h, uint16(min(port, 65535))}); best(r.deny, t) == nil && best(r.allow, t) != nil {
			return true
		}
	}
	return false
}

// DeniedName reports the denied_domains entry for a name that a client shows
// on a connection to an address (in SNI or Host).
func (r *Rules) DeniedName(t Target) (policy.Rule, bool) {
	if e := best(r.deny, t); e != nil {
		return e.rule, true
	}
	return policy.Rule{}, false
}

// deniesNames tells whether a name could be denied on a port.
func (r *Rules) deniesNames(port uint16) bool {
	for i := range r.deny {
		if e := &r.deny[i]; e.match != matchPrefix && e.hasPort(port) {
			return true
		}
	}
	return false
}

// explicit returns an allow entry that names an address or its range.
func (r *Rules) explicit(ap netip.AddrPort) *entry {
	for i := range r.allow {
		e := &r.allow[i]
		if e.match == matchPrefix && e.hasPort(ap.Port()) && namesSpecial(e.prefix, ap.Addr()) {
			return e
		}
	}
	return nil
}

func bestPrefix(list []entry, ap netip.AddrPort) *entry {
	var found *entry
	for i := range list {
		e := &list[i]
		if e.match == matchPrefix && e.prefix.Contains(ap.Addr()) && e.hasPort(ap.Port()) &&
			(found == nil || e.rank() > found.rank()) {
			found = e
		}
	}
	return found
}

// best returns the most specific entry for a target, the first among equals.
func best(list []entry, t Target) *entry {
	var found *entry
	for i := range list {
		e := &list[i]
		if e.hasPort(t.Port) && e.hasHost(t.Host) && (found == nil || e.rank() > found.rank()) {
			found = e
		}
	}
	return found
}

// isLoopback: the addresses that reach this machine when connected to.
func isLoopback(a netip.Addr) bool { return a.IsLoopback() || a.IsUnspecified() }

// isHostLoopback: those of isLoopback that allow_local_outbound is about. What
// listens at another one (a name server's stub, a tunnel to another machine) has
// the port of some service, and is another service.
func isHostLoopback(a netip.Addr) bool {
	return a.IsUnspecified() || a == loopbackAddrs[0] || a == loopbackAddrs[1]
}

func hint(t Target) string { return "--allow-net=" + t.String() }
