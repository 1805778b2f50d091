package policy

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// units of sizes. "K" and "M" alone are left out: some read 1000, some 1024.
var units = map[string]int64{
	"B":  1,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

const sizeHint = `a size is like "512MiB" or "4GiB"`

func parseSize(s string) (int64, *mistake) {
	digits := strings.TrimRight(s, "BKMGTki")
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	unit, ok := units[s[len(digits):]]
	if err != nil || !ok || n <= 0 || n > math.MaxInt64/unit {
		return 0, &mistake{msg: fmt.Sprintf("%q is not a size", s), hint: sizeHint}
	}
	return n * unit, nil
}

const durationHint = `a time is like "90s", "30m" or "2h"`

func parseSeconds(s string) (int64, *mistake) {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return 0, &mistake{msg: fmt.Sprintf("%q is not a time of a second or more", s), hint: durationHint}
	}
	return int64(d / time.Second), nil
}

// hostForm is an entry of allowed_domains taken apart, for checks of form and
// for the ceiling only; netfilter decides about connections.
type hostForm struct {
	name     string // lower case; of "*.x" and "**.x" it is "x"; of "*" it is empty
	wildcard bool
	itself   bool         // "**.x" is x too
	prefix   netip.Prefix // valid for addresses and networks
	ports    string       // "", "*", "22", "8000-8100"
}

const hostHint = `an entry is like "github.com", "*.npmjs.org:443", "host:*", "10.1.0.0/16:5432" or "[2001:db8::1]:22"`

func parseHost(entry string) (hostForm, *mistake) {
	bad := func(format string, args ...any) (hostForm, *mistake) {
		return hostForm{}, &mistake{msg: fmt.Sprintf("%q is not a host: ", entry) + fmt.Sprintf(format, args...), hint: hostHint}
	}
	if entry == "" {
		return bad("it is empty")
	}
	if strings.Contains(entry, "://") {
		return bad("it is a URL")
	}
	if strings.ContainsFunc(entry, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }) {
		return bad("it has a space or an invisible character")
	}
	host, ports := splitPort(entry)
	f := hostForm{ports: ports}
	if m := checkPorts(ports); m != "" {
		return bad("%s", m)
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if prefix, ok := parsePrefix(bare); ok {
		f.prefix = prefix
		return f, nil
	}
	if strings.ContainsAny(host, "/[]:@\\") {
		return bad("it is neither a name nor an address")
	}
	f.name = strings.ToLower(strings.TrimSuffix(host, "."))
	if rest, ok := strings.CutPrefix(f.name, "**."); ok {
		f.wildcard, f.itself, f.name = true, true, rest
	} else if rest, ok := strings.CutPrefix(f.name, "*"); ok {
		f.wildcard = true
		if rest != "" && (len(rest) == 1 || rest[0] != '.') {
			return bad("'*' must be a whole label")
		}
		f.name = strings.TrimPrefix(rest, ".")
		if rest == "" {
			return f, nil
		}
	}
	if m := checkName(f.name); m != "" {
		return bad("%s", m)
	}
	return f, nil
}

// splitPort separates ":22", ":*" and ":1-9"; what follows the last colon of
// a bare IPv6 address is no port.
func splitPort(entry string) (host, ports string) {
	i := strings.LastIndexByte(entry, ':')
	if i < 0 || strings.Count(entry, ":") > 1 && !strings.Contains(entry[:i], "]") {
		return entry, ""
	}
	if entry[i+1:] == "" {
		return entry[:i], "-" // an empty port is a mistake, not the default
	}
	return entry[:i], entry[i+1:]
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil && p.Masked() == p {
		return p, true
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}

func checkPorts(ports string) string {
	if ports == "" || ports == "*" {
		return ""
	}
	low, high, isRange := strings.Cut(ports, "-")
	a, err := strconv.ParseUint(low, 10, 16)
	b := a
	if err == nil && isRange {
		b, err = strconv.ParseUint(high, 10, 16)
	}
	if err != nil || a == 0 || b < a {
		return fmt.Sprintf("%q is not a port", ports)
	}
	return ""
}

// checkName applies the lengths of RFC 1035 and leaves IDNA to netfilter.
func checkName(name string) string {
	if len(name) > 253 {
		return "it is longer than 253 bytes"
	}
	if strings.Trim(name, "0123456789.") == "" {
		return "it is a malformed address"
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return "it has an empty label"
		case len(label) > 63:
			return "it has a label longer than 63 bytes"
		case strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-"):
			return "a label begins or ends with '-'"
		}
		for _, r := range label {
			if r == '*' {
				return "'*' is not its first label"
			}
			if r < 0x80 && !isBareKey(byte(r)) {
				return fmt.Sprintf("it has the character %q", r)
			}
		}
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return "localhost is the sandbox's own loopback; allow_local_outbound reaches the host's"
	}
	return ""
}

// covers tells whether inner reaches no more than outer. It answers no when
// that is not certain.
func (outer hostForm) covers(inner hostForm) bool {
	if !coversPorts(outer.ports, inner.ports) {
		return false
	}
	if outer.prefix.IsValid() || inner.prefix.IsValid() {
		return outer.prefix.IsValid() && inner.prefix.IsValid() &&
			outer.prefix.Bits() <= inner.prefix.Bits() && outer.prefix.Contains(inner.prefix.Addr())
	}
	switch {
	case outer.wildcard && outer.name == "":
		return true
	case inner.wildcard && inner.name == "":
		return false
	case outer.wildcard && inner.name == outer.name:
		return outer.itself || inner.wildcard && !inner.itself
	case outer.wildcard:
		return strings.HasSuffix(inner.name, "."+outer.name)
	}
	return !inner.wildcard && inner.name == outer.name
}

func coversPorts(outer, inner string) bool {
	if outer == "*" || outer == inner {
		return true
	}
	if inner == "" {
		return coversPorts(outer, "80") && coversPorts(outer, "443")
	}
	if inner == "*" {
		return false
	}
	if outer == "" {
		return inner == "80" || inner == "443"
	}
	a, b := portRange(outer)
	c, d := portRange(inner)
	return a <= c && d <= b
}

func portRange(s string) (low, high int) {
	l, h, ok := strings.Cut(s, "-")
	low, _ = strconv.Atoi(l)
	if !ok {
		return low, low
	}
	high, _ = strconv.Atoi(h)
	return low, high
}
