// Package policy turns TOML files into one immutable Policy for a directory,
// with the origin of every rule.
package policy

import (
	"strings"

	"github.com/fsh-sh/fsh/events"
)

// Origin and Rule say which line of which file decided something.
type (
	Origin = events.Origin
	Rule   = events.Rule
)

// Policy is what one directory (or script, or program) may do. It is
// immutable after Load, contains no nil-means-allow fields, and marshals to
// JSON and back without loss: it is how fsh's processes tell each other.
type Policy struct {
	Filesystem  Filesystem  `json:"filesystem"`
	Network     Network     `json:"network"`
	Command     Command     `json:"command"`
	Environment Environment `json:"environment"`
	Limits      Limits      `json:"limits"`
	Privileges  Privileges  `json:"privileges"`
	// Programs are the complete policies of the programs that have a table of
	// their own; see ForProgram. Those policies have no Programs.
	Programs []Program `json:"programs,omitempty"`
	// Settings are the keys with one value that some file gives, limits and
	// exposed ports among them: Value is what holds.
	Settings []Rule `json:"settings,omitempty"`
	// Sources are the files that took part, for `policy show` and events.
	Sources []Source `json:"sources,omitempty"`
	// Home and Dir are absolute paths: the user's home, and the directory the
	// policy was made for.
	Home string `json:"home"`
	Dir  string `json:"dir"`
	// PublicSuffix is that of Options, for Difference.
	PublicSuffix func(domain string) string `json:"-"`
}

// Program is the policy of one program that the shell itself starts.
type Program struct {
	Name string `json:"name"` // a command name, or an absolute path
	// Files are the paths of a program that is named by one: its directory may
	// have several names.
	Files  []string `json:"files,omitempty"`
	Policy *Policy  `json:"policy"`
}

// Source is one file that was looked at.
type Source struct {
	Origin
	Trusted bool `json:"trusted"` // false: only its narrowing part was used
}

// Path is one filesystem rule: an absolute, cleaned path or glob (`*`, `?`,
// `[…]` within a component, `**` across components), with ~, $VAR and
// relative forms already resolved. Symbolic links are not resolved here.
type Path struct {
	Pattern string `json:"pattern"`
	Glob    bool   `json:"glob"`
	// Except are absolute paths that the rule does not cover, with all below
	// them: what a trusted file or a flag named exactly. Only built-in denials
	// have it. To overlook it denies more, never less.
	Except []string `json:"except,omitempty"`
	Rule   Rule     `json:"rule"` // Key, the entry as written, origin
}

// Filesystem rules. Deny beats allow; more specific beats less specific
// between equals of one list. What may be written may be read as well, and
// what may not be read may not be written.
type Filesystem struct {
	AllowRead    []Path `json:"allow_read"`
	DenyRead     []Path `json:"deny_read"` // includes the default secrets
	AllowWrite   []Path `json:"allow_write"`
	DenyWrite    []Path `json:"deny_write"`
	PrivateWrite []Path `json:"private_write"`
	// Protected names inside writable trees (DESIGN §4 "always protected"):
	// relative paths without wildcards, such as ".git/hooks", that may not be
	// written wherever they are in a writable tree, at any depth.
	Protected []Path `json:"protected"`
}

// Network rules.
type Network struct {
	AllowedDomains []HostRule `json:"allowed_domains"`
	DeniedDomains  []HostRule `json:"denied_domains"`
	// LocalOutbound: host services on the loopback. Mode is "none", "all" or
	// "ports".
	LocalOutbound LocalOutbound `json:"local_outbound"`
	LocalBinding  bool          `json:"local_binding"`
	ExposePorts   []Exposed     `json:"expose_ports,omitempty"`
	UnixSockets   []Path        `json:"unix_sockets,omitempty"`
	Hosts         []HostAddr    `json:"hosts,omitempty"`
}

// LocalOutbound says which services of the host's loopback are reachable.
type LocalOutbound struct {
	Mode  string `json:"mode"` // "none", "all", "ports"
	Ports []int  `json:"ports,omitempty"`
	Rule  Rule   `json:"rule"`
}

// HostRule is one entry of allowed_domains or denied_domains as written,
// checked for form; netfilter compiles it.
type HostRule struct {
	Entry string `json:"entry"`
	Rule  Rule   `json:"rule"`
}

// HostAddr pins a name to an address, as in /etc/hosts.
type HostAddr struct {
	Name string `json:"name"`
	Addr string `json:"addr"`
	Rule Rule   `json:"rule"`
}

// Command rules: guardrails on evaluated argv.
type Command struct {
	Deny  []CommandRule `json:"deny,omitempty"`
	Allow []CommandRule `json:"allow,omitempty"`
}

// CommandRule is a program name and leading arguments.
type CommandRule struct {
	Words []string `json:"words"`
	// Files are the paths of a program that Words names by one.
	Files []string `json:"files,omitempty"`
	Rule  Rule     `json:"rule"`
}

// Environment filter: names are glob patterns; deny beats pass, set wins.
type Environment struct {
	Pass []EnvRule `json:"pass"`
	Deny []EnvRule `json:"deny"`
	Set  []EnvVar  `json:"set,omitempty"`
}

// EnvRule is one name pattern.
type EnvRule struct {
	Pattern string `json:"pattern"`
	Rule    Rule   `json:"rule"`
}

// covers tells whether the rule is about a variable. What is a secret by its name
// is one in small letters, too.
func (r *EnvRule) covers(name string) bool {
	if r.secret() {
		name = strings.ToUpper(name)
	}
	return matchName(r.Pattern, name)
}

// secret tells whether the rule is a built-in one about secrets; those that protect
// programs with rights of their own have a text.
func (r *EnvRule) secret() bool {
	return r.Rule.Key == "environment.deny" && r.Rule.Origin.Layer == "defaults" && r.Rule.Text == ""
}

// EnvVar is one variable to set.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Rule  Rule   `json:"rule"`
}

// Privileges that root keeps; other users have none to keep.
type Privileges struct {
	// FileOwnership lets owners, modes and set-id bits of files be changed as
	// installing packages does, wherever files may be written.
	FileOwnership bool `json:"file_ownership,omitempty"`
}

// Limits; zero means unlimited.
type Limits struct {
	Memory    int64 `json:"memory,omitempty"`     // bytes
	Processes int64 `json:"processes,omitempty"`  // count
	CPUTime   int64 `json:"cpu_time,omitempty"`   // seconds
	OpenFiles int64 `json:"open_files,omitempty"` // count
	FileSize  int64 `json:"file_size,omitempty"`  // bytes
}
