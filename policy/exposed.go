package policy

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Exposed is a port of the sandbox that can be connected to from outside: at
// both loopback addresses of this machine, or at the one address that is given.
type Exposed struct {
	Addr netip.Addr // zero: the loopback
	Port int
}

// String is the entry as it is written in a file.
func (e Exposed) String() string {
	if !e.Addr.IsValid() {
		return strconv.Itoa(e.Port)
	}
	return netip.AddrPortFrom(e.Addr, uint16(e.Port)).String()
}

// Loopback tells whether nobody but this machine can connect.
func (e Exposed) Loopback() bool { return !e.Addr.IsValid() || e.Addr.IsLoopback() }

// covers tells whether e is at every address that o is at.
func (e Exposed) covers(o Exposed) bool {
	switch {
	case e.Port != o.Port:
		return false
	case e == o:
		return true
	case !e.Addr.IsValid():
		return o.Addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || o.Addr == netip.IPv6Loopback()
	}
	return o.Addr.IsValid() && e.Addr.IsUnspecified() && e.Addr.Is4() == o.Addr.Is4()
}

// MarshalJSON writes what a file has: a number or a string.
func (e Exposed) MarshalJSON() ([]byte, error) {
	if !e.Addr.IsValid() {
		return json.Marshal(e.Port)
	}
	return json.Marshal(e.String())
}

// UnmarshalJSON is the opposite.
func (e *Exposed) UnmarshalJSON(text []byte) error {
	var port int
	if json.Unmarshal(text, &port) == nil {
		*e = Exposed{Port: port}
		return nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	var m *mistake
	if *e, m = parseExposed(s); m != nil {
		return &Error{Msg: m.msg, Hint: m.hint}
	}
	return nil
}

const exposedHint = `an entry is like 3000, for this machine alone, or "0.0.0.0:3000" or "[2001:db8::1]:3000" for an address`

// parseExposed reads an address with a port.
func parseExposed(s string) (Exposed, *mistake) {
	bad := func(format string, args ...any) (Exposed, *mistake) {
		return Exposed{}, &mistake{msg: fmt.Sprintf("%q is not an address with a port", s) + fmt.Sprintf(format, args...), hint: exposedHint}
	}
	ap, err := netip.ParseAddrPort(s)
	switch {
	case err != nil && !strings.ContainsAny(s, ":."):
		return Exposed{}, &mistake{msg: fmt.Sprintf("%q is not an address with a port", s), hint: "a port alone is written without quotation marks"}
	case err != nil:
		return bad("")
	case ap.Port() == 0 || s != ap.String() && !strings.HasPrefix(s, "["):
		return bad(": %s is not a port", s[strings.LastIndexByte(s, ':')+1:])
	case ap.Addr().Zone() != "":
		return bad(": it has a zone")
	case ap.Addr().IsMulticast():
		return bad(": nobody can have a multicast address")
	}
	return Exposed{ap.Addr().Unmap(), int(ap.Port())}, nil
}

// exposed reads expose_ports.
func (d *decoder) exposed(n *node, key string) ([]Exposed, *Error) {
	if n.kind != arrayNode {
		return nil, d.wrongType(n, key, "a list of ports", "write it like [3000]")
	}
	list := []Exposed{}
	for _, item := range n.items {
		if text, ok := item.value.(string); ok {
			e, m := parseExposed(text)
			if m != nil {
				return nil, d.errorAt(item.pos, m)
			}
			list = append(list, e)
			continue
		}
		port, err := d.port(item, key)
		if err != nil {
			return nil, err
		}
		list = append(list, Exposed{Port: port})
	}
	return list, nil
}
