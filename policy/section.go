package policy

import (
	"fmt"
	"slices"
	"strings"
)

// section is what one place of one file says: its top level, or one of its
// [program] or [directory] tables. Nil and false mean "says nothing".
type section struct {
	trusted bool
	layer   string

	allowRead, denyRead, allowWrite, denyWrite, privateWrite []Path

	allowedDomains, deniedDomains []HostRule
	localBinding                  *flagRule
	localOutbound                 *LocalOutbound
	exposePorts                   []Exposed
	unixSockets                   []Path
	hosts                         []HostAddr

	commandDeny, commandAllow []CommandRule
	useDefaults               *flagRule
	fileOwnership             *flagRule

	envPass, envDeny []EnvRule
	envSet           []EnvVar

	limits Limits
	// settings say where limits and exposed ports are written.
	settings []Rule

	// given are the keys that are there, if only as an empty list.
	given map[string]bool
}

type flagRule struct {
	on   bool
	rule Rule
}

// narrowed is what an untrusted section may have: the parts that can only
// take rights away.
func (s *section) narrowed() *section {
	n := &section{layer: s.layer, given: map[string]bool{},
		denyRead: s.denyRead, denyWrite: s.denyWrite, deniedDomains: s.deniedDomains,
		commandDeny: s.commandDeny, envDeny: s.envDeny, limits: s.limits,
		settings: slices.DeleteFunc(slices.Clone(s.settings), func(r Rule) bool { return !strings.HasPrefix(r.Key, "limits.") })}
	if s.localBinding != nil && !s.localBinding.on {
		n.localBinding = s.localBinding
	}
	if s.localOutbound != nil && s.localOutbound.Mode == "none" {
		n.localOutbound = s.localOutbound
	}
	if s.useDefaults != nil && s.useDefaults.on {
		n.useDefaults = s.useDefaults
	}
	if s.fileOwnership != nil && !s.fileOwnership.on {
		n.fileOwnership = s.fileOwnership
	}
	return n
}

// asks tells whether a section wants more than narrowed leaves it.
func (s *section) asks() bool {
	return len(s.allowRead)+len(s.allowWrite)+len(s.privateWrite)+len(s.allowedDomains)+len(s.exposePorts)+
		len(s.unixSockets)+len(s.hosts)+len(s.commandAllow)+len(s.envPass)+len(s.envSet) > 0 ||
		s.localBinding != nil && s.localBinding.on ||
		s.fileOwnership != nil && s.fileOwnership.on ||
		s.localOutbound != nil && s.localOutbound.Mode != "none" ||
		s.useDefaults != nil && !s.useDefaults.on
}

// document is one decoded file.
type document struct {
	extends     []extension
	top         *section
	programs    []named
	directories []namedDirectory
}

type extension struct {
	name string
	at   pos
}

type named struct {
	name    string
	section *section
}

type namedDirectory struct {
	path     Path
	section  *section
	programs []named
}

// decoder turns the tree of a file into a document.
type decoder struct {
	file    string
	origin  string // the layer
	resolve resolver
	trusted bool
	unset   []unsetEntry
	// checkHost is Options.CheckHost.
	checkHost func(string) error
}

// unsetEntry is an entry that allowed something by a variable that is not set.
type unsetEntry struct {
	at  pos
	msg string
}

func (d *decoder) errorAt(at pos, m *mistake) *Error {
	return &Error{File: d.file, Line: at.line, Col: at.col, Msg: m.msg, Hint: m.hint}
}

func (d *decoder) rule(key, value string, at pos) Rule {
	return Rule{Key: key, Value: value, Origin: Origin{Layer: d.origin, File: d.file, Line: at.line}}
}

// reader reads the value of one key into a section. prefix+name is the key as
// rules show it.
type reader func(d *decoder, s *section, key string, n *node) *Error

// tables are the keys of a policy. The same readers serve the top level,
// [program] and [directory].
var tables = map[string]map[string]reader{
	"filesystem": {
		"allow_read":    pathList(func(s *section) *[]Path { return &s.allowRead }, allowing),
		"deny_read":     pathList(func(s *section) *[]Path { return &s.denyRead }, denying),
		"allow_write":   pathList(func(s *section) *[]Path { return &s.allowWrite }, allowing),
		"deny_write":    pathList(func(s *section) *[]Path { return &s.denyWrite }, denying),
		"private_write": pathList(func(s *section) *[]Path { return &s.privateWrite }, literal),
	},
	"network": {
		"allowed_domains":      hostList(func(s *section) *[]HostRule { return &s.allowedDomains }),
		"denied_domains":       hostList(func(s *section) *[]HostRule { return &s.deniedDomains }),
		"allow_local_binding":  boolean(func(s *section) **flagRule { return &s.localBinding }),
		"allow_local_outbound": readLocalOutbound,
		"expose_ports":         readExposePorts,
		"allow_unix_sockets":   pathList(func(s *section) *[]Path { return &s.unixSockets }, literal),
		"hosts":                readHosts,
	},
	"command": {
		"deny":         commandList(func(s *section) *[]CommandRule { return &s.commandDeny }),
		"allow":        commandList(func(s *section) *[]CommandRule { return &s.commandAllow }),
		"use_defaults": boolean(func(s *section) **flagRule { return &s.useDefaults }),
	},
	"environment": {
		"pass": envList(func(s *section) *[]EnvRule { return &s.envPass }),
		"deny": envList(func(s *section) *[]EnvRule { return &s.envDeny }),
		"set":  readEnvSet,
	},
	"privileges": {
		"file_ownership": boolean(func(s *section) **flagRule { return &s.fileOwnership }),
	},
	"limits": {
		"memory":     limit(func(l *Limits) *int64 { return &l.Memory }, parseSize, sizeHint),
		"file_size":  limit(func(l *Limits) *int64 { return &l.FileSize }, parseSize, sizeHint),
		"cpu_time":   limit(func(l *Limits) *int64 { return &l.CPUTime }, parseSeconds, durationHint),
		"processes":  limit(func(l *Limits) *int64 { return &l.Processes }, nil, "a number of 1 or more"),
		"open_files": limit(func(l *Limits) *int64 { return &l.OpenFiles }, nil, "a number of 1 or more"),
	},
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (d *decoder) document(tree *node) (*document, *Error) {
	doc := &document{top: d.section()}
	for _, key := range tree.keys {
		n, at := tree.table[key], tree.keyAt[key]
		var err *Error
		switch key {
		case "version":
			err = d.version(n)
		case "extends":
			err = d.extends(doc, n)
		case "program":
			doc.programs, err = d.programs("", n)
		case "directory":
			err = d.directories(doc, n)
		default:
			err = d.table(doc.top, "", key, n, at, append(sortedKeys(tables), "directory", "extends", "program", "version"))
		}
		if err != nil {
			return nil, err
		}
	}
	return doc, nil
}

func (d *decoder) section() *section {
	return &section{trusted: d.trusted, layer: d.origin, given: map[string]bool{}}
}

// table reads one of tables into a section.
func (d *decoder) table(s *section, prefix, name string, n *node, at pos, known []string) *Error {
	readers, ok := tables[name]
	if !ok {
		return d.errorAt(at, &mistake{msg: fmt.Sprintf("unknown key %q", name), hint: didYouMean(name, known)})
	}
	if n.kind != tableNode {
		return d.wrongType(n, name, "a table", fmt.Sprintf("write [%s] and its keys below", name))
	}
	for _, key := range n.keys {
		read, ok := readers[key]
		if !ok {
			return d.errorAt(n.keyAt[key], &mistake{msg: fmt.Sprintf("unknown key %q in [%s]", key, name), hint: didYouMean(key, sortedKeys(readers))})
		}
		s.given[name+"."+key] = true
		if err := read(d, s, prefix+name+"."+key, n.table[key]); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) version(n *node) *Error {
	v, ok := n.value.(int64)
	if !ok {
		return d.wrongType(n, "version", "a number", "write version = 1")
	}
	if v != 1 {
		return d.errorAt(n.pos, &mistake{msg: fmt.Sprintf("version %d is not known", v), hint: "this fsh reads version = 1"})
	}
	return nil
}

func (d *decoder) extends(doc *document, n *node) *Error {
	return d.strings(n, "extends", func(s string, at pos) *Error {
		if s == "" {
			return d.errorAt(at, &mistake{msg: "an empty name in extends", hint: "name a preset or a file"})
		}
		doc.extends = append(doc.extends, extension{s, at})
		return nil
	})
}

func (d *decoder) programs(prefix string, n *node) ([]named, *Error) {
	if n.kind != tableNode {
		return nil, d.wrongType(n, "program", "tables", `write [program."npm"] and its keys below`)
	}
	var programs []named
	for _, name := range n.keys {
		if m := checkProgram(name); m != nil {
			return nil, d.errorAt(n.keyAt[name], m)
		}
		s := d.section()
		if err := d.subtables(s, fmt.Sprintf("%sprogram.%q.", prefix, name), n.table[name], n.keyAt[name], nil); err != nil {
			return nil, err
		}
		programs = append(programs, named{name, s})
	}
	return programs, nil
}

// subtables reads the tables of a [program] or [directory]; special takes the
// keys that are no ordinary table.
func (d *decoder) subtables(s *section, prefix string, n *node, at pos, special map[string]func(*node) *Error) *Error {
	if n.kind != tableNode {
		return d.errorAt(n.pos, &mistake{msg: "must be a table, not " + describe(n), hint: "its keys are like those of the file: filesystem, network, …"})
	}
	for _, key := range n.keys {
		var err *Error
		if read := special[key]; read != nil {
			err = read(n.table[key])
		} else {
			err = d.table(s, prefix, key, n.table[key], n.keyAt[key], append(sortedKeys(tables), sortedKeys(special)...))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) directories(doc *document, n *node) *Error {
	if n.kind != tableNode {
		return d.wrongType(n, "directory", "tables", `write [directory."~/src/app"] and its keys below`)
	}
	for _, name := range n.keys {
		at := n.keyAt[name]
		if d.origin != "user" && d.origin != "system" {
			return d.errorAt(at, &mistake{msg: "[directory] outside the user's policy", hint: "a .fsh.toml is for its own directory: write the tables themselves"})
		}
		path, m := d.resolve.path(name)
		if m == nil && name[0] != '/' && name[0] != '~' && name[0] != '$' {
			m = &mistake{msg: fmt.Sprintf("the directory %q is relative", name), hint: "begin it with / or ~/"}
		}
		if m != nil {
			return d.errorAt(at, m)
		}
		dir := namedDirectory{path: path, section: d.section()}
		prefix := fmt.Sprintf("directory.%q.", name)
		err := d.subtables(dir.section, prefix, n.table[name], at, map[string]func(*node) *Error{
			"program": func(p *node) (err *Error) { dir.programs, err = d.programs(prefix, p); return err },
		})
		if err != nil {
			return err
		}
		doc.directories = append(doc.directories, dir)
	}
	return nil
}
