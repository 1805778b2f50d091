package policy

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
)

func describe(n *node) string {
	switch n.kind {
	case tableNode:
		return "a table"
	case arrayNode:
		return "a list"
	}
	switch n.value.(type) {
	case string:
		return "a string"
	case int64:
		return "a number"
	case float64:
		return "a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a date"
	}
	return "a value"
}

func (d *decoder) wrongType(n *node, key, want, hint string) *Error {
	return d.errorAt(n.pos, &mistake{msg: fmt.Sprintf("%s must be %s, not %s", key, want, describe(n)), hint: hint})
}

// strings calls f for each element of a list of strings.
func (d *decoder) strings(n *node, key string, f func(string, pos) *Error) *Error {
	if n.kind != arrayNode {
		hint := "write [ ] around the entries"
		if s, ok := n.value.(string); ok {
			hint = fmt.Sprintf("write [%q]", s)
		}
		return d.wrongType(n, key, "a list of strings", hint)
	}
	for _, item := range n.items {
		s, ok := item.value.(string)
		if !ok {
			return d.wrongType(item, "an entry of "+key, "a string", "write it between quotation marks")
		}
		if err := f(s, item.pos); err != nil {
			return err
		}
	}
	return nil
}

// pathUse is what a list of paths is for.
type pathUse int

const (
	denying  pathUse = iota // a variable that is not set is an error
	allowing                // … is nothing to allow
	literal                 // like allowing, and takes no wildcards
)

func pathList(list func(*section) *[]Path, use pathUse) reader {
	return func(d *decoder, s *section, key string, n *node) *Error {
		return d.strings(n, key, func(entry string, at pos) *Error {
			p, m := d.resolve.path(entry)
			switch {
			case m != nil && m.unset && use != denying:
				d.unset = append(d.unset, unsetEntry{at, fmt.Sprintf("%s: %q allows nothing: %s", key, entry, m.msg)})
				return nil
			case m != nil && m.unset:
				return d.errorAt(at, &mistake{msg: m.msg, hint: "a rule that denies must name its path"})
			case m != nil:
				return d.errorAt(at, m)
			case p.Glob && use == literal:
				return d.errorAt(at, &mistake{msg: fmt.Sprintf("%s takes no wildcards", key), hint: "name each path"})
			}
			p.Rule = d.rule(key, entry, at)
			*list(s) = append(*list(s), p)
			return nil
		})
	}
}

func hostList(list func(*section) *[]HostRule) reader {
	return func(d *decoder, s *section, key string, n *node) *Error {
		return d.strings(n, key, func(entry string, at pos) *Error {
			if m := checkEntry(entry, d.checkHost); m != nil {
				return d.errorAt(at, m)
			}
			*list(s) = append(*list(s), HostRule{Entry: entry, Rule: d.rule(key, entry, at)})
			return nil
		})
	}
}

func checkEntry(entry string, more func(string) error) *mistake {
	if _, m := parseHost(entry); m != nil {
		return m
	}
	if more != nil {
		if err := more(entry); err != nil {
			return &mistake{msg: fmt.Sprintf("%q is not a host: %s", entry, err), hint: hostHint}
		}
	}
	return nil
}

func boolean(field func(*section) **flagRule) reader {
	return func(d *decoder, s *section, key string, n *node) *Error {
		v, ok := n.value.(bool)
		if !ok {
			return d.wrongType(n, key, "true or false", "without quotation marks")
		}
		*field(s) = &flagRule{v, d.rule(key, strconv.FormatBool(v), n.pos)}
		return nil
	}
}

func (d *decoder) ports(n *node, key string) ([]int, *Error) {
	if n.kind != arrayNode {
		return nil, d.wrongType(n, key, "a list of ports", "write it like [3000]")
	}
	ports := []int{}
	for _, item := range n.items {
		port, err := d.port(item, key)
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}

func (d *decoder) port(n *node, key string) (int, *Error) {
	port, ok := n.value.(int64)
	if !ok {
		return 0, d.wrongType(n, "an entry of "+key, "a port number", "without quotation marks")
	}
	if port < 1 || port > 65535 {
		return 0, d.errorAt(n.pos, &mistake{msg: fmt.Sprintf("%d is not a port", port), hint: "ports are 1 to 65535"})
	}
	return int(port), nil
}

func readLocalOutbound(d *decoder, s *section, key string, n *node) *Error {
	if all, ok := n.value.(bool); ok {
		s.localOutbound = &LocalOutbound{Mode: "none", Rule: d.rule(key, strconv.FormatBool(all), n.pos)}
		if all {
			s.localOutbound.Mode = "all"
		}
		return nil
	}
	if n.kind != arrayNode {
		return d.wrongType(n, key, "true, false or a list of ports", "write it like [6379]")
	}
	ports, err := d.ports(n, key)
	if err != nil {
		return err
	}
	out := &LocalOutbound{Mode: "ports", Ports: ports, Rule: d.rule(key, fmt.Sprint(ports), n.pos)}
	if len(ports) == 0 {
		out.Mode, out.Ports = "none", nil
	}
	s.localOutbound = out
	return nil
}

func readExposePorts(d *decoder, s *section, key string, n *node) (err *Error) {
	s.exposePorts, err = d.exposed(n, key)
	for i, e := range s.exposePorts {
		s.settings = append(s.settings, d.rule("network.expose_ports", e.String(), n.items[i].pos))
	}
	return err
}

func readHosts(d *decoder, s *section, key string, n *node) *Error {
	if n.kind != tableNode {
		return d.wrongType(n, key, "a table", `write { "mirror.test" = "10.1.2.3" }`)
	}
	for _, name := range n.keys {
		at := n.keyAt[name]
		f, m := parseHost(name)
		if m == nil && (f.name == "" || f.wildcard || f.ports != "") {
			m = &mistake{msg: fmt.Sprintf("%q is not one name", name), hint: "hosts gives addresses to names, without ports"}
		}
		if m != nil {
			return d.errorAt(at, m)
		}
		value := n.table[name]
		text, ok := value.value.(string)
		if !ok {
			return d.wrongType(value, "the address of "+name, "a string", `such as "10.1.2.3"`)
		}
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return d.errorAt(value.pos, &mistake{msg: fmt.Sprintf("%q is not an address", text), hint: "write an IPv4 or IPv6 address"})
		}
		s.hosts = append(s.hosts, HostAddr{Name: name, Addr: addr.String(), Rule: d.rule(key, name+" = "+text, at)})
	}
	return nil
}

func commandList(list func(*section) *[]CommandRule) reader {
	return func(d *decoder, s *section, key string, n *node) *Error {
		return d.strings(n, key, func(entry string, at pos) *Error {
			words, m := parseCommand(entry)
			if m != nil {
				return d.errorAt(at, m)
			}
			*list(s) = append(*list(s), CommandRule{Words: words, Rule: d.rule(key, entry, at)})
			return nil
		})
	}
}

func parseCommand(entry string) ([]string, *mistake) {
	words := strings.Fields(entry)
	switch {
	case len(words) == 0:
		return nil, &mistake{msg: "an empty command", hint: `write a program and leading arguments, such as "git push"`}
	case strings.ContainsAny(entry, `'"\*?[`):
		return nil, &mistake{msg: fmt.Sprintf("%q has quoting or a wildcard", entry), hint: "words are compared as they are, separated by spaces"}
	case strings.ContainsFunc(entry, unicode.IsControl):
		return nil, &mistake{msg: "a command with a control character", hint: "words are separated by spaces"}
	}
	return words, nil
}

func checkEnvPattern(s string) *mistake {
	for i := range len(s) {
		if c := s[i]; c != '*' && c != '?' && c != '%' && !isName("_"+string(rune(c))) {
			return &mistake{msg: fmt.Sprintf("%q is not a pattern for names of variables", s), hint: "letters, digits, '_', '*' and '?'"}
		}
	}
	if s == "" {
		return &mistake{msg: "an empty name of a variable", hint: `"*" is all of them`}
	}
	return nil
}

func envList(list func(*section) *[]EnvRule) reader {
	return func(d *decoder, s *section, key string, n *node) *Error {
		return d.strings(n, key, func(entry string, at pos) *Error {
			if m := checkEnvPattern(entry); m != nil {
				return d.errorAt(at, m)
			}
			*list(s) = append(*list(s), EnvRule{Pattern: entry, Rule: d.rule(key, entry, at)})
			return nil
		})
	}
}

func readEnvSet(d *decoder, s *section, key string, n *node) *Error {
	if n.kind != tableNode {
		return d.wrongType(n, key, "a table", `write { CI = "1" }`)
	}
	for _, name := range n.keys {
		at, value := n.keyAt[name], n.table[name]
		if !isName(name) {
			return d.errorAt(at, &mistake{msg: fmt.Sprintf("%q is not the name of a variable", name), hint: "letters, digits and '_'"})
		}
		text, ok := value.value.(string)
		if !ok {
			return d.wrongType(value, name, "a string", "write it between quotation marks")
		}
		if strings.ContainsRune(text, 0) {
			return d.errorAt(value.pos, &mistake{msg: "a value with a NUL character", hint: "no variable can hold it"})
		}
		s.envSet = append(s.envSet, EnvVar{Name: name, Value: text, Rule: d.rule(key, name, at)})
	}
	return nil
}

// limit reads a number, or a string where text knows a form for it.
func limit(field func(*Limits) *int64, text func(string) (int64, *mistake), hint string) reader {
	return func(d *decoder, s *section, key string, n *node) *Error {
		switch v := n.value.(type) {
		case int64:
			if v <= 0 {
				return d.errorAt(n.pos, &mistake{msg: fmt.Sprintf("%s = %d", key, v), hint: "leave the key out for no limit; " + hint})
			}
			*field(&s.limits) = v
			s.settings = append(s.settings, d.rule("limits."+key[strings.LastIndexByte(key, '.')+1:], strconv.FormatInt(v, 10), n.pos))
			return nil
		case string:
			if text == nil {
				break
			}
			number, m := text(v)
			if m != nil {
				return d.errorAt(n.pos, m)
			}
			*field(&s.limits) = number
			s.settings = append(s.settings, d.rule("limits."+key[strings.LastIndexByte(key, '.')+1:], strconv.FormatInt(number, 10), n.pos))
			return nil
		}
		want := "a number"
		if text != nil {
			want = "a number or a string"
		}
		return d.wrongType(n, key, want, hint)
	}
}

func checkProgram(name string) *mistake {
	switch {
	case name == "", strings.ContainsFunc(name, unicode.IsControl), hasMeta(name):
		return &mistake{msg: fmt.Sprintf("%q is not the name of a program", name), hint: "a command name, or an absolute path"}
	case strings.Contains(name, "/") && (!filepath.IsAbs(name) || filepath.Clean(name) != name):
		return &mistake{msg: fmt.Sprintf("%q is neither a name nor an absolute path", name), hint: "write it like npm or /usr/bin/npm"}
	}
	return nil
}
