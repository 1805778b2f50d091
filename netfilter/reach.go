package netfilter

import (
	"cmp"
	"net/netip"
	"slices"
)

// Reach is a range of addresses and ports that connections may be about. A
// list of them lets the kernel refuse everything that Decide would deny
// whatever is known of names, so that connect(2) fails. The first that matches
// counts, and what none matches is refused.
type Reach struct {
	Prefix netip.Prefix
	Except []netip.Prefix // parts that this is not about
	Lo, Hi uint16
	Refuse bool
}

var everywhere = [...]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// Reach lists what the rules can name: never less than Decide allows.
func (r *Rules) Reach() []Reach {
	var out []Reach
	for i := range r.deny {
		e := &r.deny[i]
		if e.amongFakes() {
			continue
		}
		switch e.match {
		case matchAny:
			for _, all := range everywhere {
				out = appendPorts(out, Reach{Prefix: all, Refuse: true}, e.ports)
			}
		case matchPrefix:
			out = appendPorts(out, Reach{Prefix: e.prefix, Except: within(e.prefix, fakes), Refuse: true}, e.ports)
		}
	}
	var names []ports // of all entries that a name can match
	for i := range r.allow {
		e := &r.allow[i]
		if e.amongFakes() {
			continue
		}
		switch e.match {
		case matchPrefix:
			out = appendPorts(out, Reach{Prefix: e.prefix, Except: append(within(e.prefix, specials()), within(e.prefix, fakes)...)}, e.ports)
		case matchAny:
			for _, all := range everywhere {
				out = appendPorts(out, Reach{Prefix: all, Except: append(within(all, specials()), within(all, fakes)...)}, e.ports)
			}
			names = append(names, e.ports...)
		default:
			names = append(names, e.ports...)
		}
	}
	for _, fake := range fakes {
		out = appendPorts(out, Reach{Prefix: fake}, union(names))
	}
	return out
}

var fakes = []netip.Prefix{fakeRange4, fakeRange6}

// amongFakes: fake addresses stand for names, which no range is about.
func (e *entry) amongFakes() bool {
	return e.match == matchPrefix && slices.ContainsFunc(fakes, func(f netip.Prefix) bool {
		return f.Bits() <= e.prefix.Bits() && f.Contains(e.prefix.Addr())
	})
}

func specials() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range special {
		out = append(out, s.prefix)
	}
	return out
}

// within are the parts of a range that only a narrower rule can mean, see
// namesSpecial: those below it, without what is below another of them.
func within(p netip.Prefix, parts []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range parts {
		if s.Bits() > p.Bits() && p.Contains(s.Addr()) {
			out = append(out, s)
		}
	}
	return slices.DeleteFunc(slices.Clone(out), func(s netip.Prefix) bool {
		return slices.ContainsFunc(out, func(o netip.Prefix) bool { return o.Bits() < s.Bits() && o.Contains(s.Addr()) })
	})
}

func appendPorts(out []Reach, r Reach, list []ports) []Reach {
	for _, p := range list {
		r.Lo, r.Hi = p.lo, p.hi
		out = append(out, r)
	}
	return out
}

// union is the same ports in as few ranges as there can be.
func union(list []ports) []ports {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b ports) int { return cmp.Compare(a.lo, b.lo) })
	var out []ports
	for _, p := range list {
		if n := len(out); n > 0 && int(p.lo) <= int(out[n-1].hi)+1 {
			out[n-1].hi = max(out[n-1].hi, p.hi)
			continue
		}
		out = append(out, p)
	}
	return out
}
