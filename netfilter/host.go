package netfilter

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Host is a name or an address in canonical form: what is matched is what is
// resolved, checked and dialled. Names are ASCII (A-labels), lower case, have
// no trailing dot and no byte outside letters, digits, '-', '_' and '.'.
// Addresses have no zone and are never v4-mapped. Host is comparable; the zero
// value is no host.
type Host struct {
	name string
	addr netip.Addr
}

// HostError says why a text is not a host.
type HostError struct{ Text, Reason string }

func (e *HostError) Error() string { return fmt.Sprintf("host %q: %s", e.Text, e.Reason) }

// AddrHost is the Host of an address.
func AddrHost(a netip.Addr) Host { return Host{addr: a.Unmap().WithZone("")} }

// Addr returns the address and true if h is an address.
func (h Host) Addr() (netip.Addr, bool) { return h.addr, h.addr.IsValid() }

// Name returns the name, or "" if h is an address.
func (h Host) Name() string { return h.name }

// IsZero reports whether h is no host.
func (h Host) IsZero() bool { return h == Host{} }

func (h Host) String() string {
	if h.addr.IsValid() {
		return h.addr.String()
	}
	return h.name
}

// IsLocalhost: localhost and names below it are the loopback, whatever any
// resolver says (RFC 6761 section 6.3).
func (h Host) IsLocalhost() bool {
	return h.name == "localhost" || strings.HasSuffix(h.name, ".localhost")
}

// lookup is UTS 46 non-transitional mapping as browsers and curl use it.
// Hyphen and STD3 checks are off because real names break them
// ("r3---sn-x.googlevideo.com", "_dmarc.x"); checkName has the byte rule.
var lookup = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false),
	idna.CheckHyphens(false), idna.StrictDomainName(false), idna.VerifyDNSLength(false))

const (
	maxName  = 253 // RFC 1035 section 2.3.4, in text form without the root dot
	maxLabel = 63
	// maxText bounds the work done on hostile input before any check: a name
	// of 253 bytes cannot come from more than this many bytes of UTF-8.
	maxText = 1024
)

// ParseHost returns the canonical form of a host as written in a rule, a
// request line, a SOCKS request, a DNS question or an SNI. It refuses what two
// programs may read differently rather than repairing it.
func ParseHost(text string) (Host, error) {
	fail := func(reason string) (Host, error) { return Host{}, &HostError{clip(text), reason} }
	if text == "" {
		return fail("empty")
	}
	if len(text) > maxText {
		return fail("too long")
	}
	if strings.HasPrefix(text, "[") || strings.Contains(text, ":") {
		return parseIPv6(text)
	}
	name := text
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == 0x7f {
			return fail("contains a space or control character")
		} else if strings.IndexByte("%@/\\?#[]", c) >= 0 {
			return fail(fmt.Sprintf("contains %q", c))
		}
	}
	if !isPlainASCII(name) {
		mapped, ok := mapInternational(name)
		if !ok {
			return fail("not a valid international name")
		}
		name = mapped
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if endsInNumber(name) {
		addr, ok := parseInetAton(name)
		if !ok {
			return fail("ends in a number but is not an IPv4 address")
		}
		return Host{addr: addr}, nil
	}
	if reason := checkName(name); reason != "" {
		return fail(reason)
	}
	return Host{name: name}, nil
}

// mapInternational turns U-labels into A-labels. The result must map to
// itself, or the same host would have two spellings.
func mapInternational(name string) (string, bool) {
	if !utf8.ValidString(name) {
		return "", false
	}
	mapped, err := lookup.ToASCII(name)
	if err != nil {
		return "", false
	}
	again, err := lookup.ToASCII(mapped)
	return mapped, err == nil && again == mapped
}

// isPlainASCII: no mapping can change it except lower-casing. A-labels are
// checked by the mapping too, so that "xn--" forms have one spelling.
func isPlainASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return !strings.Contains(strings.ToLower(s), "xn--")
}

func checkName(name string) string {
	if name == "" || len(name) > maxName {
		return "empty or longer than 253 bytes"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel {
			return "has an empty label or one longer than 63 bytes"
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return fmt.Sprintf("contains %q", c)
			}
		}
	}
	return ""
}

func parseIPv6(text string) (Host, error) {
	fail := func(reason string) (Host, error) { return Host{}, &HostError{clip(text), reason} }
	inner := text
	if strings.HasPrefix(text, "[") {
		if !strings.HasSuffix(text, "]") {
			return fail("bracket without its partner")
		}
		inner = text[1 : len(text)-1]
	}
	if strings.Contains(inner, "%") {
		return fail("zones are not supported")
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || !addr.Is6() {
		return fail("not an IPv6 address")
	}
	return AddrHost(addr), nil
}

// endsInNumber is the test of the WHATWG URL standard, section 3.5: a name
// whose last label is a number is an IPv4 address or an error, never a name,
// because inet_aton in libc, curl and browsers would read it as an address.
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" {
		return false
	}
	if isDigits(last) {
		return true
	}
	_, ok := parseNumber(last)
	return ok
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// parseInetAton reads the forms of inet_aton(3): one to four parts in
// decimal, octal (leading 0) or hexadecimal (0x), the last filling the rest.
func parseInetAton(name string) (netip.Addr, bool) {
	parts := strings.Split(name, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, part := range parts {
		n, ok := parseNumber(part)
		if !ok {
			return netip.Addr{}, false
		}
		if i < len(parts)-1 {
			if n > 255 {
				return netip.Addr{}, false
			}
			value = value<<8 | n
			continue
		}
		bits := 8 * uint(5-len(parts))
		if n >= 1<<bits {
			return netip.Addr{}, false
		}
		value = value<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

func parseNumber(s string) (uint64, bool) {
	base, digits := 10, s
	switch {
	case strings.HasPrefix(s, "0x"):
		base, digits = 16, s[2:]
		if digits == "" { // "0x" alone is zero for inet_aton
			return 0, true
		}
	case len(s) > 1 && s[0] == '0':
		base, digits = 8, s[1:]
	}
	if strings.ContainsAny(digits, "+-_") {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, base, 33)
	return n, err == nil
}

// clip keeps hostile texts out of error messages beyond a readable length.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
