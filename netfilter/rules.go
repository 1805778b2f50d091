package netfilter

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/fsh-sh/fsh/policy"
)

// Rules is a compiled policy.Network. It is immutable.
type Rules struct {
	allow, deny []entry
	pins        map[string][]pin
	local       policy.LocalOutbound
	localPorts  []ports
}

type pin struct {
	addr netip.Addr
	rule policy.Rule
}

// EntryError says which entry of a policy cannot be understood, and why.
type EntryError struct {
	Entry  string
	Rule   policy.Rule
	Reason string
}

func (e *EntryError) Error() string { return fmt.Sprintf("%q: %s", clip(e.Entry), e.Reason) }

// ports is an inclusive range.
type ports struct{ lo, hi uint16 }

func (p ports) has(port uint16) bool { return p.lo <= port && port <= p.hi }

var (
	allPorts = []ports{{0, 65535}}
	webPorts = []ports{{80, 80}, {443, 443}} // an entry without a port
)

type match uint8

const (
	matchName      match = iota // x
	matchBelow                  // *.x: below x, not x
	matchNameBelow              // **.x: x and below
	matchAny                    // *: any name and any public address
	matchPrefix                 // an address or CIDR range
)

// entry is one line of allowed_domains or denied_domains.
type entry struct {
	match  match
	name   string // canonical, without wildcard
	prefix netip.Prefix
	ports  []ports
	rule   policy.Rule
}

func (e *entry) hasPort(port uint16) bool {
	for _, p := range e.ports {
		if p.has(port) {
			return true
		}
	}
	return false
}

// hasHost: names are matched by names, addresses by ranges, "*" matches both.
// An address that a name resolved to is judged separately, see checkAddr.
func (e *entry) hasHost(h Host) bool {
	switch e.match {
	case matchAny:
		return true
	case matchPrefix:
		return h.addr.IsValid() && e.prefix.Contains(h.addr)
	}
	if h.name == "" {
		return false
	}
	below := strings.HasSuffix(h.name, e.name) && len(h.name) > len(e.name) &&
		h.name[len(h.name)-len(e.name)-1] == '.'
	switch e.match {
	case matchBelow:
		return below
	case matchNameBelow:
		return below || h.name == e.name
	default:
		return h.name == e.name
	}
}

// rank orders entries by how specific they are, for "the more specific rule
// wins among equals": it decides only which entry is named as the reason.
func (e *entry) rank() int {
	switch e.match {
	case matchAny:
		return 0
	case matchPrefix:
		return 1 + e.prefix.Bits()
	case matchName:
		return 1000
	default:
		return 1 + len(e.name)
	}
}

// Compile turns the network rules of a policy into Rules. It fails on the
// first entry that it does not understand: no rule is ever ignored.
func Compile(n policy.Network) (*Rules, error) {
	r := &Rules{pins: map[string][]pin{}, local: n.LocalOutbound}
	var err error
	if r.allow, err = compileList(n.AllowedDomains); err != nil {
		return nil, err
	}
	if r.deny, err = compileList(n.DeniedDomains); err != nil {
		return nil, err
	}
	for _, h := range n.Hosts {
		if err := r.addPin(h); err != nil {
			return nil, err
		}
	}
	return r, r.compileLocal()
}

func compileList(list []policy.HostRule) ([]entry, error) {
	out := make([]entry, 0, len(list))
	for _, hr := range list {
		e, err := parseEntry(hr.Entry)
		if err != nil {
			return nil, &EntryError{hr.Entry, hr.Rule, err.Error()}
		}
		e.rule = hr.Rule
		out = append(out, e)
	}
	return out, nil
}

func (r *Rules) addPin(h policy.HostAddr) error {
	host, err := ParseHost(h.Name)
	if err != nil {
		return &EntryError{h.Name, h.Rule, err.Error()}
	}
	if host.name == "" || host.IsLocalhost() {
		return &EntryError{h.Name, h.Rule, "hosts gives addresses to names other than localhost"}
	}
	addr, err := ParseHost(h.Addr)
	if err != nil || !addr.addr.IsValid() {
		return &EntryError{h.Addr, h.Rule, "not an IP address"}
	}
	r.pins[host.name] = append(r.pins[host.name], pin{addr.addr, h.Rule})
	return nil
}

func (r *Rules) compileLocal() error {
	switch r.local.Mode {
	case "all":
		r.localPorts = allPorts
	case "ports":
		for _, p := range r.local.Ports {
			if p < 1 || p > 65535 {
				return &EntryError{strconv.Itoa(p), r.local.Rule, "not a port number"}
			}
			r.localPorts = append(r.localPorts, ports{uint16(p), uint16(p)})
		}
	case "none", "":
	default:
		return &EntryError{r.local.Mode, r.local.Rule, "allow_local_outbound is false, true or a list of ports"}
	}
	return nil
}

// CheckEntry reports whether text is a valid entry of allowed_domains or
// denied_domains, so that the policy package can say so with a line number.
func CheckEntry(text string) error {
	_, err := parseEntry(text)
	return err
}

// PublicSuffix is the part of a domain below which anybody can have a name.
func PublicSuffix(domain string) string {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix
}

// parseEntry reads name, *.name, **.name, *, address or range, each with an
// optional :port, :lo-hi or :*.
func parseEntry(text string) (entry, error) {
	host, portText, hasPort := splitEntry(text)
	e := entry{ports: webPorts}
	if hasPort {
		p, err := parsePorts(portText)
		if err != nil {
			return entry{}, err
		}
		e.ports = p
	}
	switch {
	case host == "*":
		e.match = matchAny
		return e, nil
	case strings.HasPrefix(host, "**."):
		e.match, host = matchNameBelow, host[3:]
	case strings.HasPrefix(host, "*."):
		e.match, host = matchBelow, host[2:]
	case strings.Contains(host, "/"):
		return parseRange(e, host)
	}
	if strings.Contains(host, "*") {
		return entry{}, fmt.Errorf("a wildcard stands for whole labels at the start: *.name or **.name")
	}
	h, err := ParseHost(host)
	if err != nil {
		return entry{}, err
	}
	if h.IsLocalhost() {
		return entry{}, fmt.Errorf("localhost is the sandbox's own loopback; use network.allow_local_outbound for services of this machine")
	}
	if a, ok := h.Addr(); ok {
		if e.match != matchName {
			return entry{}, fmt.Errorf("an address has no wildcard; use a range such as 10.0.0.0/8")
		}
		e.match, e.prefix = matchPrefix, netip.PrefixFrom(a, a.BitLen())
		return e, nil
	}
	e.name = h.name
	return e, nil
}

// splitEntry cuts the port off. More than one colon outside brackets is an
// IPv6 address without a port.
func splitEntry(text string) (host, port string, has bool) {
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return text, "", false
		}
		rest := text[end+1:]
		host = text[:end+1]
		if i := strings.IndexByte(rest, ':'); i >= 0 {
			return host + rest[:i], rest[i+1:], true
		}
		return host + rest, "", false
	}
	if slash := strings.IndexByte(text, '/'); slash >= 0 { // fd00::/8:443
		if i := strings.IndexByte(text[slash:], ':'); i >= 0 {
			return text[:slash+i], text[slash+i+1:], true
		}
		return text, "", false
	}
	if strings.Count(text, ":") != 1 {
		return text, "", false
	}
	return strings.Cut(text, ":")
}

// parseRange reads "10.0.0.0/8", "fd00::/8", "[fd00::/8]" and "[fd00::]/8".
func parseRange(e entry, text string) (entry, error) {
	if strings.HasPrefix(text, "[") {
		text = strings.Replace(text[1:], "]", "", 1)
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return entry{}, fmt.Errorf("not an address range")
	}
	if p.Addr().Is4In6() {
		return entry{}, fmt.Errorf("write the IPv4 range instead of a mapped one")
	}
	if p != p.Masked() {
		return entry{}, fmt.Errorf("has bits set beyond /%d; did you mean %s?", p.Bits(), p.Masked())
	}
	e.match, e.prefix = matchPrefix, p
	return e, nil
}

func parsePorts(text string) ([]ports, error) {
	if text == "*" {
		return allPorts, nil
	}
	lo, hi, isRange := strings.Cut(text, "-")
	if !isRange {
		hi = lo
	}
	l, okLo := parsePort(lo)
	h, okHi := parsePort(hi)
	if !okLo || !okHi || l > h {
		return nil, fmt.Errorf("port is a number from 1 to 65535, lo-hi or *")
	}
	return []ports{{l, h}}, nil
}

// parsePort is strict: no sign, no leading zero, 1 to 65535.
func parsePort(s string) (uint16, bool) {
	if !isDigits(s) || s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil
}
