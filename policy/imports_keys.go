package policy

import "strconv"

// importedKey is how a setting of another sandbox is carried over: a list of
// strings, a flag, or something else, of which any says what it should be if it
// is wrong. all are the settings of its table.
type importedKey struct {
	list func(im *importer, list []string, all map[string]any)
	on   func(im *importer, on bool, all map[string]any)
	any  func(im *importer, value any, all map[string]any) (want string)
}

// importedKeys are the settings that have a counterpart, or need a word; see
// notCarried for the others.
var importedKeys = map[string]importedKey{
	"filesystem.denyRead":             pathsTo("filesystem.deny_read", false),
	"filesystem.denyWrite":            pathsTo("filesystem.deny_write", false),
	"filesystem.allowWrite":           pathsTo("filesystem.allow_write", true),
	"filesystem.allowRead":            {list: (*importer).allowRead},
	"filesystem.defaultDenyRead":      {on: (*importer).denyReading},
	"filesystem.strictDenyRead":       {on: (*importer).denyReading},
	"filesystem.allowGitConfig":       noteIf("allowGitConfig is left out: add \".git/config\" to filesystem.allow_write where it is needed"),
	"network.allowedDomains":          hostsTo("network.allowed_domains"),
	"network.deniedDomains":           hostsTo("network.denied_domains"),
	"network.defaultAction":           {any: (*importer).defaultAction},
	"network.allowLocalBinding":       flagTo("network.allow_local_binding"),
	"network.allowLocalOutbound":      {on: (*importer).localOutbound},
	"network.allowLocalOutboundPorts": {any: (*importer).ports},
	"network.allowUnixSockets":        pathsTo("network.allow_unix_sockets", false),
	"network.allowAllUnixSockets":     noteIf("allowAllUnixSockets is left out: name each in network.allow_unix_sockets"),
	"command.deny":                    commandsTo("command.deny"),
	"command.allow":                   commandsTo("command.allow"),
	"command.useDefaults":             flagTo("command.use_defaults"),
}

func pathsTo(key string, grant bool) importedKey {
	return importedKey{list: func(im *importer, list []string, _ map[string]any) { im.paths(key, list, grant) }}
}

func hostsTo(key string) importedKey {
	return importedKey{list: func(im *importer, list []string, _ map[string]any) { im.hosts(key, list) }}
}

func commandsTo(key string) importedKey {
	return importedKey{list: func(im *importer, list []string, _ map[string]any) { im.commands(key, list) }}
}

func flagTo(key string) importedKey {
	return importedKey{on: func(im *importer, on bool, _ map[string]any) { im.values[key] = strconv.FormatBool(on) }}
}

func noteIf(text string) importedKey {
	return importedKey{on: func(im *importer, on bool, _ map[string]any) {
		if on {
			im.note("%s", text)
		}
	}}
}

// denyReading leaves it to allowRead, if there is one, to look at the flag.
func (im *importer) denyReading(on bool, all map[string]any) {
	if _, has := all["allowRead"]; on && !has {
		im.allowRead(nil, all)
	}
}

func (im *importer) defaultAction(value any, _ map[string]any) (want string) {
	switch value {
	case "allow":
		im.add("network.allowed_domains", quoteTOML("*:*"))
	case "deny":
	default:
		return `"allow" or "deny"`
	}
	return ""
}

// localOutbound yields to a list of ports.
func (im *importer) localOutbound(on bool, all map[string]any) {
	if _, has := all["allowLocalOutboundPorts"]; !has || !on {
		im.values["network.allow_local_outbound"] = strconv.FormatBool(on)
	}
}
