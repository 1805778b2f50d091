package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Settings of Fence, Greywall and srt have nearly the same keys. What they
// mean there: a bare domain is any port of it; everything can be read that is
// not denied; a pattern "dir/**" is what is below a directory.

// Imported is a policy made from settings of another sandbox.
type Imported struct {
	TOML string
	// Notes say what could not be carried over, and what to do about it.
	Notes []string
}

// importer collects keys of the new file in order.
type importer struct {
	from   *settings
	within string // what comes before the keys there
	exists func(path string) bool
	lists  map[string][]string // by key
	values map[string]string   // TOML values by key
	notes  []string
}

// Import turns settings of Fence, Greywall or srt (JSON, with comments) into a
// policy file. exists tells whether a path is there, with ~ as written: what
// is not cannot be granted.
func Import(file string, src []byte, exists func(path string) bool) (*Imported, error) {
	if len(src) > maxFile {
		return nil, &Error{File: file, Msg: "larger than 1 MiB", Hint: "are these settings?"}
	}
	from, err := parseJSONC(file, src)
	if err != nil {
		return nil, err
	}
	tree := from.tree
	im := &importer{from: from, exists: exists, lists: map[string][]string{}, values: map[string]string{}}
	if inner, ok := tree["sandbox"].(map[string]any); ok && tree["filesystem"] == nil && tree["network"] == nil {
		im.note("only the table \"sandbox\" was read")
		tree, im.within = inner, "sandbox."
	}
	for _, key := range sortedKeys(tree) {
		if err := im.top(key, tree[key]); err != nil {
			return nil, err
		}
	}
	return &Imported{im.toml(file), im.notes}, nil
}

func (im *importer) note(format string, args ...any) {
	im.notes = append(im.notes, fmt.Sprintf(format, args...))
}

// notCarried are settings without a counterpart, each with what to do instead.
var notCarried = map[string]string{
	"allowPty":                   "needs no setting: terminals and job control work",
	"forceNewSession":            "needs no setting: the terminal is protected by seccomp",
	"enableWeakerNestedSandbox":  "there is no such mode: fsh inside of fsh narrows only",
	"ignoreViolations":           "denials are shown under -m only",
	"mandatoryDenySearchDepth":   "needs no setting",
	"ripgrep":                    "needs no setting",
	"network.httpProxyPort":      "needs no setting: there are no ports on the host",
	"network.socksProxyPort":     "needs no setting: there are no ports on the host",
	"network.upstreamProxy":      "set HTTPS_PROXY in the environment of fsh",
	"network.proxyUrl":           "set HTTPS_PROXY in the environment of fsh",
	"filesystem.wslInterop":      "there is no counterpart",
	"filesystem.allowExecute":    "what can be read can be executed",
	"command.runtimeExecPolicy":  "rules about commands hold at any depth",
	"ssh":                        "name the hosts in network.allowed_domains as host:22; remote commands are not looked at",
	"devices":                    "a minimal /dev is always used",
	"macos":                      "there is no counterpart",
	"allowAppleEvents":           "there is no counterpart",
	"network.allowMachLookup":    "there is no counterpart",
	"command.acceptSharedBinary": "there is no counterpart",
	"command.acceptSharedBinaryCannotRuntimeDeny": "needs no setting: rules are about names and arguments",
}

func (im *importer) leave(key string) {
	if why, ok := notCarried[key]; ok {
		im.note("%s is left out: %s", key, why)
	} else {
		im.note("%s is not known: left out", key)
	}
}

func (im *importer) top(key string, value any) error {
	table, isTable := value.(map[string]any)
	wrong := func(want string) error { return im.from.wrong(im.within+key, want) }
	switch key {
	case "$schema", "version":
	case "extends":
		im.note("extends %v is left out: import that file, or name a preset (%s)", value, strings.Join(Presets(), ", "))
	case "filesystem", "network", "command":
		if !isTable {
			return wrong("a table")
		}
		for _, name := range sortedKeys(table) {
			if err := im.key(key, name, table[name], table); err != nil {
				return err
			}
		}
	case "unsetEnvVars":
		list, ok := stringList(value)
		if !ok {
			return wrong("a list of strings")
		}
		im.add("environment.deny", list...)
	case "setEnvVars":
		if !isTable {
			return wrong("a table")
		}
		for _, name := range sortedKeys(table) {
			if !isName(name) {
				im.note("environment.set: %q is no name of a variable: left out", name)
				continue
			}
			im.add("environment.set", fmt.Sprintf("%s = %s", name, quoteTOML(fmt.Sprint(table[name]))))
		}
	default:
		im.leave(key)
	}
	return nil
}

// key carries one setting over, as importedKeys says.
func (im *importer) key(table, name string, value any, all map[string]any) error {
	full := table + "." + name
	k, known := importedKeys[full]
	wrong := func(want string) error { return im.from.wrong(im.within+full, want) }
	switch {
	case !known:
		im.leave(full)
	case k.list != nil:
		list, ok := stringList(value)
		if !ok {
			return wrong("a list of strings")
		}
		k.list(im, list, all)
	case k.on != nil:
		on, ok := value.(bool)
		if !ok {
			return wrong("true or false")
		}
		k.on(im, on, all)
	default:
		if want := k.any(im, value, all); want != "" {
			return wrong(want)
		}
	}
	return nil
}

func (im *importer) add(key string, entries ...string) {
	for _, e := range entries {
		if key == "environment.deny" {
			if checkEnvPattern(e) != nil {
				im.note("%s: %q is no name of a variable: left out", key, e)
				continue
			}
			e = quoteTOML(e)
		}
		if !slices.Contains(im.lists[key], e) {
			im.lists[key] = append(im.lists[key], e)
		}
	}
}

// readableSystem is what Fence's defaultDenyRead leaves readable.
var readableSystem = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/var/lib", "/nix"}

func (im *importer) allowRead(list []string, all map[string]any) {
	byDefault, _ := all["defaultDenyRead"].(bool)
	strict, _ := all["strictDenyRead"].(bool)
	switch {
	case strict:
		im.paths("filesystem.allow_read", list, false)
	case byDefault:
		im.paths("filesystem.allow_read", append(slices.Clone(readableSystem), list...), false)
	case len(list) > 0:
		im.note("allowRead is left out: everything can be read that no entry denies, and a denial has no exceptions")
	}
}

// paths carries patterns over. What is granted must exist.
func (im *importer) paths(key string, list []string, grant bool) {
	r := resolver{base: "/", home: "/home", getenv: func(string) string { return "/x" }}
	for _, entry := range list {
		for _, p := range expandBraces(entry) {
			for strings.HasSuffix(p, "/**") && p != "/**" {
				p = strings.TrimSuffix(p, "/**")
			}
			if p != "/" {
				p = strings.TrimSuffix(p, "/")
			}
			if _, m := r.path(p); m != nil {
				im.note("%s: %q is left out: %s", key, entry, m.msg)
				continue
			}
			switch clean := strings.TrimPrefix(p, "/private"); {
			case grant && (clean == "/tmp" || clean == "/var/tmp" || clean == "/dev/shm"):
				im.note("%s: %q is left out: every session has its own", key, entry)
			case grant && strings.HasPrefix(p, "/dev/"):
				im.note("%s: %q is left out: a minimal /dev is always there", key, entry)
			case grant && !hasMeta(p) && im.exists != nil && !im.exists(p):
				im.note("%s: %q is left out: it does not exist here, and only what exists can be granted", key, entry)
			default:
				im.add(key, quoteTOML(p))
			}
		}
	}
}

// expandBraces writes {a,b} out, up to a bound.
func expandBraces(s string) []string {
	open := strings.IndexByte(s, '{')
	shut := strings.IndexByte(s, '}')
	if open < 0 || shut < open || strings.Count(s, "{") > 4 {
		return []string{s}
	}
	var out []string
	for alternative := range strings.SplitSeq(s[open+1:shut], ",") {
		out = append(out, expandBraces(s[:open]+alternative+s[shut+1:])...)
	}
	return out
}

func (im *importer) hosts(key string, list []string) {
	for _, entry := range list {
		host := entry
		if _, ports := splitPort(entry); ports == "" {
			if strings.Count(entry, ":") > 1 && !strings.HasPrefix(entry, "[") {
				host = "[" + entry + "]" // an address needs brackets before a port
			}
			host += ":*" // a bare domain is any port there
		}
		if _, m := parseHost(host); m != nil {
			hint := ""
			if strings.Contains(entry, "localhost") || strings.HasPrefix(entry, "127.") {
				hint = "; network.allow_local_outbound names ports of this machine"
			}
			im.note("%s: %q is left out: %s%s", key, entry, m.msg, hint)
			continue
		}
		im.add(key, quoteTOML(host))
	}
}

func (im *importer) ports(value any, all map[string]any) (want string) {
	items, ok := value.([]any)
	var ports []string
	for _, item := range items {
		n, isNumber := item.(float64)
		if ok = ok && isNumber && n == float64(int(n)) && n >= 1 && n <= 65535; !ok {
			break
		}
		ports = append(ports, strconv.Itoa(int(n)))
	}
	if !ok {
		return "a list of ports"
	}
	if on, has := all["allowLocalOutbound"].(bool); has && !on {
		im.note("allowLocalOutboundPorts is left out: allowLocalOutbound is false")
	} else {
		im.values["network.allow_local_outbound"] = "[" + strings.Join(ports, ", ") + "]"
	}
	return ""
}

func (im *importer) commands(key string, list []string) {
	for _, entry := range list {
		words, m := parseCommand(entry)
		switch {
		case m != nil:
			im.note("%s: %q is left out: %s", key, entry, m.msg)
		case strings.HasSuffix(words[len(words)-1], "="):
			im.note("%s: %q is left out: words are compared as a whole", key, entry)
		default:
			im.add(key, quoteTOML(strings.Join(words, " ")))
		}
	}
}

// toml writes the file, tables and keys in the order of the form.
func (im *importer) toml(file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Imported from %s.\n", strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, file))
	for _, n := range im.notes {
		fmt.Fprintf(&b, "# Note: %s\n", strings.ReplaceAll(strings.ReplaceAll(n, "\n", " "), "\r", " "))
	}
	b.WriteString("version = 1\n")
	for _, table := range []string{"filesystem", "network", "command", "environment"} {
		head := "\n[" + table + "]\n"
		for _, key := range sortedKeys(tables[table]) {
			full := table + "." + key
			list, value := im.lists[full], im.values[full]
			switch {
			case len(list) > 0 && full == "environment.set":
				value = "{ " + strings.Join(list, ", ") + " }"
			case len(list) > 0:
				value = "[\n  " + strings.Join(list, ",\n  ") + ",\n]"
			case value == "":
				continue
			}
			fmt.Fprintf(&b, "%s%s = %s\n", head, key, value)
			head = ""
		}
	}
	return b.String()
}

func stringList(v any) ([]string, bool) {
	items, ok := v.([]any)
	list := []string{}
	for _, item := range items {
		s, isString := item.(string)
		ok = ok && isString
		list = append(list, s)
	}
	return list, ok
}

// quoteTOML is a basic string.
func quoteTOML(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
