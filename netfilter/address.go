package netfilter

import (
	"net/netip"
	"slices"
)

// special lists address ranges that a name must not lead to unless a rule or a
// hosts entry names the range: what listens there trusts the machine or the
// local network. From the IANA special-purpose registries (RFC 6890). The
// first match explains, so specific ranges come first.
var special = []struct {
	prefix netip.Prefix
	reason string
}{
	{netip.MustParsePrefix("169.254.169.254/32"), "a cloud metadata address"},
	{netip.MustParsePrefix("169.254.170.2/32"), "a cloud metadata address"},   // AWS ECS credentials
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud metadata address"},   // Azure wire server
	{netip.MustParsePrefix("100.100.100.200/32"), "a cloud metadata address"}, // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), "a cloud metadata address"},     // Oracle
	{netip.MustParsePrefix("fd00:ec2::/32"), "a cloud metadata address"},      // AWS over IPv6
	{netip.MustParsePrefix("fd20:ce::254/128"), "a cloud metadata address"},   // Google over IPv6
	{netip.MustParsePrefix("0.0.0.0/8"), "this host"},                         // RFC 1122; connect(0.0.0.0) is loopback
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier-grade NAT address"}, // RFC 6598; Tailscale
	{netip.MustParsePrefix("192.0.0.0/24"), "a protocol assignment address"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"}, // and broadcast
	{netip.MustParsePrefix("::/128"), "this host"},
	{netip.MustParsePrefix("::1/128"), "a loopback address"},
	{netip.MustParsePrefix("::/96"), "an address that embeds an IPv4 address"},           // RFC 4291, deprecated
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "an address that embeds an IPv4 address"}, // RFC 2765 translated
	{netip.MustParsePrefix("64:ff9b::/96"), "a NAT64 address"},                           // RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a NAT64 address"},                         // RFC 8215
	{netip.MustParsePrefix("2001::/32"), "an address that embeds an IPv4 address"},       // Teredo
	{netip.MustParsePrefix("2002::/16"), "an address that embeds an IPv4 address"},       // 6to4
	{netip.MustParsePrefix("100::/64"), "a discard-only address"},                        // RFC 6666; our own answers
	{netip.MustParsePrefix("fc00::/7"), "a private address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
}

// 198.18.0.0/15 is missing above on purpose: VPN clients on the host answer
// with it just as our DNS door does. A client inside that uses it as a literal
// is caught by the name table, never by this list.

// specialReason says why an address is special, or "".
func specialReason(a netip.Addr, own []netip.Addr) string {
	a = a.Unmap().WithZone("")
	for _, s := range special {
		if s.prefix.Contains(a) {
			return s.reason
		}
	}
	if slices.Contains(own, a) {
		return "an address of this machine"
	}
	return ""
}

// namesSpecial reports whether a range in a rule means the address a: a range
// that reaches beyond the special one, such as 0.0.0.0/0 for a private address
// or 169.254.0.0/16 for the metadata address in it, was written with something
// else in mind.
func namesSpecial(rule netip.Prefix, a netip.Addr) bool {
	if !rule.Contains(a) {
		return false
	}
	for _, s := range special {
		if s.prefix.Contains(a) {
			return rule.Bits() >= s.prefix.Bits()
		}
	}
	return rule.Bits() > 0
}
