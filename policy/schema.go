package policy

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// The form of a policy file, for people and editors: the JSON Schema and the
// texts of "fsh policy explain" are made from these types. The decoder has
// readers for the same keys; a test compares the two.

type fileForm struct {
	Version   int                      `key:"version" doc:"The form of this file: 1." const:"1"`
	Extends   []string                 `key:"extends" doc:"Presets by name, or files by a path with a slash, whose rules come first."`
	Programs  map[string]tablesForm    `key:"program" doc:"The same tables for one program, by name or absolute path (/bin/x is /usr/bin/x where the directory is one), and all that it starts. A file that the session could write, or reach by a link that it could, has no table; directories that it could write are taken out of PATH."`
	Directory map[string]directoryForm `key:"directory" doc:"The same tables for one tree; in the user's and the system's policy only."`
	tablesForm
}

type directoryForm struct {
	Programs map[string]tablesForm `key:"program" doc:"The same tables for one program in this tree."`
	tablesForm
}

type tablesForm struct {
	Filesystem  filesystemForm  `key:"filesystem" doc:"Files: absolute paths, ~/…, $VARIABLE/…, relative to the working directory (in a .fsh.toml: to its own), with *, ?, […] and ** as patterns. Deny beats allow."`
	Network     networkForm     `key:"network" doc:"Connections. Nothing is reachable that no entry allows."`
	Command     commandForm     `key:"command" doc:"Guardrails on commands as they are executed: a program and leading arguments, options in between skipped. They stop accidents, not attackers."`
	Environment environmentForm `key:"environment" doc:"Variables that programs get."`
	Limits      limitsForm      `key:"limits" doc:"Resources of each process, or of all together."`
	Privileges  privilegesForm  `key:"privileges" doc:"What root keeps of its privileges."`
}

type filesystemForm struct {
	AllowRead    []string `key:"allow_read" doc:"What may be read. Default: everything but secrets. Naming a secret exactly lifts its protection."`
	DenyRead     []string `key:"deny_read" doc:"What may not be read, nor written."`
	AllowWrite   []string `key:"allow_write" doc:"What may be written. Default: nothing but /tmp and its kind, which are fresh in every session. The paths must exist."`
	DenyWrite    []string `key:"deny_write" doc:"What may not be written in an otherwise writable tree."`
	PrivateWrite []string `key:"private_write" doc:"Directories that programs write, kept apart for each project: caches. No patterns."`
}

type networkForm struct {
	AllowedDomains     []string          `key:"allowed_domains" doc:"Hosts: names, *.names below, **.names with itself, addresses, networks; :port, :low-high or :*. Without a port: 80 and 443."`
	DeniedDomains      []string          `key:"denied_domains" doc:"Hosts that may not be reached although an entry allows them."`
	AllowLocalBinding  bool              `key:"allow_local_binding" doc:"Listen on the sandbox's own loopback."`
	AllowLocalOutbound portsOrAll        `key:"allow_local_outbound" doc:"Services of this machine on 127.0.0.1: false, true, or their ports."`
	ExposePorts        []exposedForm     `key:"expose_ports" doc:"Ports of the sandbox that this machine can connect to; as \"0.0.0.0:3000\" or another address, that other machines can, too."`
	AllowUnixSockets   []string          `key:"allow_unix_sockets" doc:"Sockets of this machine. Some are as good as root: /run/docker.sock."`
	Hosts              map[string]string `key:"hosts" doc:"Addresses of names, as in /etc/hosts. They may be local ones."`
}

type commandForm struct {
	Deny        []string `key:"deny" doc:"Commands that are refused, like \"git push\"."`
	Allow       []string `key:"allow" doc:"Exceptions: longer than the denial, or the same as a built-in one."`
	UseDefaults bool     `key:"use_defaults" doc:"The built-in denials: reboot, mkfs and their kind."`
}

type environmentForm struct {
	Pass []string          `key:"pass" doc:"Names, with * and ?. Default: all but secrets. Naming a secret exactly lifts its protection."`
	Deny []string          `key:"deny" doc:"Names that are not passed on."`
	Set  map[string]string `key:"set" doc:"Variables with their values."`
}

type limitsForm struct {
	Memory    sizeForm     `key:"memory" doc:"Private memory of each process, and where a control group can be made for it, all memory of a policy's commands together."`
	Processes countForm    `key:"processes" doc:"Processes and threads at a time."`
	CPUTime   durationForm `key:"cpu_time" doc:"Processor time of each process."`
	OpenFiles countForm    `key:"open_files" doc:"Open files of each process."`
	FileSize  sizeForm     `key:"file_size" doc:"Size of each file that is written."`
}

type privilegesForm struct {
	FileOwnership bool `key:"file_ownership" doc:"Change owners, modes and set-id bits of files that may be written, as installing packages does. For root only."`
}

type (
	exposedForm  struct{}
	countForm    int
	sizeForm     string
	durationForm string
	portsOrAll   struct{}
)

// schemaNode is a part of a JSON Schema, draft 2020-12.
type schemaNode map[string]any

// scalarSchemas are the types that are no lists or tables.
var scalarSchemas = map[reflect.Type]schemaNode{
	reflect.TypeFor[exposedForm]():  {"oneOf": []any{schemaNode{"type": "integer", "minimum": 1, "maximum": 65535}, schemaNode{"type": "string", "pattern": "^([0-9.]+|\\[[0-9a-fA-F:.]+\\]):[1-9][0-9]*$"}}},
	reflect.TypeFor[countForm]():    {"type": "integer", "minimum": 1},
	reflect.TypeFor[sizeForm]():     {"oneOf": []any{schemaNode{"type": "integer", "minimum": 1}, schemaNode{"type": "string", "pattern": "^[0-9]+ *(B|[kKMGT]B|[KMGT]iB)$"}}},
	reflect.TypeFor[durationForm](): {"oneOf": []any{schemaNode{"type": "integer", "minimum": 1}, schemaNode{"type": "string", "pattern": "^([0-9.]+(h|m|s|ms))+$"}}},
	reflect.TypeFor[portsOrAll]():   {"oneOf": []any{schemaNode{"type": "boolean"}, schemaNode{"type": "array", "items": schemaNode{"type": "integer", "minimum": 1, "maximum": 65535}}}},
}

// schemaOf makes the schema of a Go type. Tables are defined once.
func schemaOf(t reflect.Type, defs schemaNode) schemaNode {
	if s, ok := scalarSchemas[t]; ok {
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		name := strings.TrimSuffix(t.Name(), "Form")
		if _, ok := defs[name]; !ok {
			defs[name] = nil // for the ones that refer to themselves
			properties := schemaNode{}
			addProperties(t, properties, defs)
			defs[name] = schemaNode{"type": "object", "additionalProperties": false, "properties": properties}
		}
		return schemaNode{"$ref": "#/$defs/" + name}
	case reflect.Map:
		return schemaNode{"type": "object", "additionalProperties": schemaOf(t.Elem(), defs)}
	case reflect.Slice:
		return schemaNode{"type": "array", "items": schemaOf(t.Elem(), defs)}
	case reflect.Bool:
		return schemaNode{"type": "boolean"}
	case reflect.Int:
		return schemaNode{"type": "integer"}
	}
	return schemaNode{"type": "string"}
}

func addProperties(t reflect.Type, properties, defs schemaNode) {
	for f := range fields(t) {
		s := schemaNode{"description": f.Tag.Get("doc")}
		for k, v := range schemaOf(f.Type, defs) {
			s[k] = v
		}
		if f.Tag.Get("const") != "" {
			s["const"] = 1
		}
		properties[f.Tag.Get("key")] = s
	}
}

// fields are the keys of a table, those of embedded types included.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.Anonymous {
				if !yield(f) {
					return
				}
				continue
			}
			for inner := range fields(f.Type) {
				if !yield(inner) {
					return
				}
			}
		}
	}
}

//go:embed policy.schema.json
var schemaText string

// Schema is the JSON Schema of a policy file.
func Schema() string { return schemaText }

// makeSchema makes the text of policy.schema.json.
func makeSchema() (string, error) {
	defs := schemaNode{}
	schemaOf(reflect.TypeFor[fileForm](), defs)
	root, _ := defs["file"].(schemaNode)
	delete(defs, "file")
	root["$schema"], root["title"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema", "fsh policy", defs
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(root)
	return b.String(), err
}

// KeyDoc is what a key of a policy file means.
type KeyDoc struct{ Key, Doc string }

// Keys are all keys of a policy file with their meaning, in order.
func Keys() []KeyDoc {
	var docs []KeyDoc
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for f := range fields(t) {
			key := prefix + f.Tag.Get("key")
			docs = append(docs, KeyDoc{key, f.Tag.Get("doc")})
			if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[portsOrAll]() {
				walk(f.Type, key+".")
			}
		}
	}
	walk(reflect.TypeFor[fileForm](), "")
	slices.SortFunc(docs, func(a, b KeyDoc) int { return strings.Compare(a.Key, b.Key) })
	return docs
}
