package sandbox

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/policy"
)

// Plan is what the keeper does to make the view of one effective policy: an
// ordered list of steps, and what cannot be said as a step. It is made from a
// policy without looking at the machine, so it can be printed and tested as
// text. Globs, symbolic links and absent paths are resolved when the steps
// are carried out, in the host's view as the user sees it.
type Plan struct {
	Steps []Step `json:"steps"`
	// Read are the trees that Landlock lets be read; "/" means no limit.
	Read []string `json:"read"`
	// ReadGlobs are patterns of more such trees.
	ReadGlobs []string `json:"read_globs,omitempty"`
	// Listen tells whether TCP ports may be bound.
	Listen bool `json:"listen"`
	// Net is equal for policies that share a network namespace.
	Net string `json:"net"`
	// Local are the ports of 127.0.0.1 that lead to the host's loopback.
	Local localPorts `json:"local"`
	// Reach is what the guard of the network lets pass to the proxy.
	Reach Reach `json:"reach,omitempty"`
	// Ownership keeps the capabilities of [privileges] file_ownership.
	Ownership bool `json:"ownership,omitempty"`
	// Limits of setrlimit(2) for commands.
	Limits []planLimit `json:"limits,omitempty"`
	// Group is the directory for a control group that counts processes, or "".
	Group string `json:"group,omitempty"`
	// MemoryGroup is the same for one that counts memory.
	MemoryGroup string `json:"memory_group,omitempty"`
	// Temp is the TMPDIR of a bare session, BareNet that it has the host's
	// network.
	Temp    string `json:"temp,omitempty"`
	BareNet bool   `json:"bare_net,omitempty"`
	// Quarantine is where names go that a command made in spite of the rules.
	Quarantine string `json:"quarantine,omitempty"`
	// Lent says that commands may get descriptors of files from outside.
	Lent bool `json:"lent,omitempty"`
	// Appended says that one of them may have been opened to append to.
	Appended bool `json:"appended,omitempty"`
	// NoCores says that a crash would have a program outside read the memory.
	NoCores bool `json:"no_cores,omitempty"`
	// Monitor asks for a report of every file that is opened or changed.
	Monitor bool `json:"monitor,omitempty"`
	// Commands asks for a look at every program that is executed.
	Commands bool `json:"commands,omitempty"`

	have map[string]bool // the steps, while the plan is made
}

type planLimit struct {
	Name     string `json:"name"`
	Resource int    `json:"resource"`
	Max      uint64 `json:"max"`
}

// localPorts says which loopback ports are the host's.
type localPorts struct {
	All   bool  `json:"all,omitempty"`
	Ports []int `json:"ports,omitempty"`
}

// Op is the kind of a step. The order of the constants is the order in which
// steps take effect: later ones win.
type Op string

const (
	OpWrite    Op = "write"     // the tree stays writable
	OpKeep     Op = "keep"      // stays visible although a step below hides its place
	OpPrivate  Op = "private"   // replaced by a directory of this project
	OpReadOnly Op = "read-only" // everything else cannot be changed
	OpFresh    Op = "fresh"     // an empty memory file system
	OpDevices  Op = "devices"   // a minimal /dev
	OpRun      Op = "run"       // an empty directory, with this program below fsh/
	OpResolver Op = "resolver"  // resolv.conf names the sandbox's own server
	OpSocket   Op = "socket"    // this socket of the host stays reachable
	OpSeal     Op = "seal"      // becomes read-only where it was not
	OpProtect  Op = "protect"   // this name below every writable tree becomes read-only
	OpHide     Op = "hide"      // unreadable
)

// Step is one of a Plan's.
type Step struct {
	Op   Op     `json:"op"`
	Path string `json:"path"`
	Glob bool   `json:"glob,omitempty"`
	// Except are paths that a pattern, or a protected name, is not about.
	Except []string `json:"except,omitempty"`
	// Must says that an absent path is an error.
	Must bool `json:"must,omitempty"`
	// Rule is the key and place of the rule behind the step, for messages.
	Rule string `json:"rule,omitempty"`
	// From is the host directory that takes the place of a private path.
	From string `json:"from,omitempty"`
	// Size limits a memory file system, in bytes; 0: half of the memory.
	Size int64 `json:"size,omitempty"`
}

// Facts are the things about user, machine and session that a plan needs
// besides the policy.
type Facts struct {
	UID     int
	Homes   []string // of all users, when UID is 0: their secrets are readable too
	Script  string   // absolute path of the script file, or ""
	Dir     string   // where the session started
	TTY     string   // path of the controlling terminal's node, or ""
	Sockets []string // paths that unix sockets of the host are bound to
	// Private gives the directory that stands for a private_write path.
	Private map[string]string
	// Quarantine is the store of what slipped through.
	Quarantine string
	// OwnState and OwnConfig are fsh's own directories: nobody inside reads
	// the one or writes the other.
	OwnState  []string
	OwnConfig []string
	// GitHooks are where git looks for hooks instead of in a repository.
	GitHooks []string
	Monitor  bool
	// Reach is what the network rules can name.
	Reach    Reach
	Lent     bool // see Plan
	Appended bool
	NoCores  bool
	// Group and MemoryGroup are where control groups can be made, or "".
	Group       string
	MemoryGroup string
}

// privatePlaces are fresh in every session.
var privatePlaces = []string{"/tmp", "/var/tmp", "/dev/shm"}

// NewPlan turns a policy into a plan. It does not look at the machine.
func NewPlan(p *policy.Policy, f Facts) *Plan {
	pl := &Plan{Quarantine: f.Quarantine, Listen: p.Network.LocalBinding, Monitor: f.Monitor, Lent: f.Lent, Appended: f.Appended, NoCores: f.NoCores, Commands: p.NamesCommands()}
	fs := &p.Filesystem
	pl.paths(OpWrite, fs.AllowWrite, true)
	for _, keep := range []string{f.Dir, f.Script} {
		if keep != "" && keep != "/" {
			pl.add(Step{Op: OpKeep, Path: filepath.Clean(keep)})
		}
	}
	for _, r := range fs.PrivateWrite {
		step := Step{Op: OpPrivate, Path: r.Pattern, From: f.Private[r.Pattern], Rule: ruleText(r)}
		if step.From == "" {
			step.Size = p.Limits.Memory
		}
		pl.add(step)
	}
	pl.add(Step{Op: OpReadOnly, Path: "/"})
	pl.add(Step{Op: OpDevices, Path: "/dev", From: f.TTY})
	pl.places(p)
	pl.add(Step{Op: OpRun, Path: "/run"})
	pl.add(Step{Op: OpResolver, Path: "/etc/resolv.conf"})
	pl.sockets(p, f)
	for _, m := range policy.KernelPlaces() {
		op := OpSeal
		if m.Hidden {
			op = OpHide
		}
		pl.add(Step{Op: op, Path: m.Path, Rule: "built in: " + m.Why})
	}
	for _, r := range fs.Protected {
		pl.add(Step{Op: OpProtect, Path: r.Pattern, Glob: r.Glob, Except: r.Except, Rule: ruleText(r)})
	}
	pl.hooks(p, f.GitHooks)
	pl.paths(OpSeal, fs.DenyWrite, false)
	for _, d := range f.OwnConfig {
		pl.add(Step{Op: OpSeal, Path: d, Rule: "built in: fsh's own policy"})
	}
	pl.paths(OpHide, inEveryHome(fs.DenyRead, p.Home, f), false)
	for _, d := range f.OwnState {
		pl.add(Step{Op: OpHide, Path: d, Rule: "built in: fsh's own state"})
	}
	pl.reads(p)
	pl.Net = netKey(&p.Network)
	pl.Local = localPorts{All: p.Network.LocalOutbound.Mode == "all", Ports: p.Network.LocalOutbound.Ports}
	pl.Reach = f.Reach
	pl.Ownership = p.Privileges.FileOwnership && f.UID == 0
	pl.limits(&p.Limits)
	pl.Group, pl.MemoryGroup = f.Group, f.MemoryGroup
	pl.have = nil
	return pl
}

// add appends a step unless it is there already.
func (pl *Plan) add(s Step) {
	key := fmt.Sprint(s.Op, "\x00", s.Path, "\x00", s.Glob, s.Except)
	if pl.have == nil {
		pl.have = map[string]bool{}
	}
	if !pl.have[key] {
		pl.have[key] = true
		pl.Steps = append(pl.Steps, s)
	}
}

func (pl *Plan) paths(op Op, rules []policy.Path, must bool) {
	for _, r := range rules {
		pl.add(Step{Op: op, Path: r.Pattern, Glob: r.Glob, Except: r.Except, Must: must && !r.Glob, Rule: ruleText(r)})
	}
}

// places: a private place that the policy itself makes writable is the
// host's; everything else about it stays fresh.
func (pl *Plan) places(p *policy.Policy) {
	for _, place := range privatePlaces {
		explicit := func(r policy.Path) bool { return r.Pattern == place }
		if !slices.ContainsFunc(p.Filesystem.AllowWrite, explicit) {
			pl.add(Step{Op: OpFresh, Path: place, Size: p.Limits.Memory})
		}
	}
}

// sockets: whatever service of the host has a socket in the view is covered,
// since neither read-only mounts nor Landlock below ABI 9 keep a process from
// connecting. For those that are bound later see keeper_connect.go.
func (pl *Plan) sockets(p *policy.Policy, f Facts) {
	allowed := map[string]bool{}
	for _, r := range p.Network.UnixSockets {
		pl.add(Step{Op: OpSocket, Path: r.Pattern, Glob: r.Glob, Rule: ruleText(r)})
		allowed[r.Pattern] = true
	}
	for _, s := range f.Sockets {
		if !allowed[s] && !below(s, "/run") {
			pl.add(Step{Op: OpHide, Path: s, Rule: "built in: a service of the host"})
		}
	}
}

// inEveryHome repeats, for root, the rules below root's home for every other
// home: uid 0 owns the right to read them even without capabilities.
func inEveryHome(rules []policy.Path, home string, f Facts) []policy.Path {
	if f.UID != 0 || home == "" || home == "/" {
		return rules
	}
	out := slices.Clone(rules)
	for _, r := range rules {
		rest, ok := strings.CutPrefix(r.Pattern, home+"/")
		if !ok {
			continue
		}
		for _, other := range f.Homes {
			if other != home && other != "/" && !below(home, other) {
				o := r
				o.Pattern = other + "/" + rest
				out = append(out, o)
			}
		}
	}
	return out
}

func (pl *Plan) reads(p *policy.Policy) {
	for _, r := range p.Filesystem.AllowRead {
		if r.Glob {
			pl.ReadGlobs = append(pl.ReadGlobs, r.Pattern)
		} else {
			pl.Read = append(pl.Read, r.Pattern)
		}
	}
	if slices.Contains(pl.Read, "/") {
		pl.Read, pl.ReadGlobs = []string{"/"}, nil
	}
}

// limits: memory is the writable private memory of each process
// (RLIMIT_DATA): RLIMIT_AS would stop every program that reserves addresses
// it never uses.
func (pl *Plan) limits(l *policy.Limits) {
	for _, e := range []struct {
		name     string
		resource int
		max      int64
	}{
		{"memory", rlimitData, l.Memory},
		{"processes", rlimitNproc, l.Processes},
		{"cpu_time", rlimitCPU, l.CPUTime},
		{"open_files", rlimitNofile, l.OpenFiles},
		{"file_size", rlimitFsize, l.FileSize},
	} {
		if e.max > 0 {
			pl.Limits = append(pl.Limits, planLimit{e.name, e.resource, uint64(e.max)})
		}
	}
}

func ruleText(r policy.Path) string {
	o := r.Rule.Origin
	where := o.File
	if where == "" {
		where = o.Layer
	} else if o.Line > 0 {
		where = fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	return strings.TrimSpace(r.Rule.Key + " " + where)
}

// below tells whether path is dir or inside it. Both are clean.
func below(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}

// String lists the plan, one step a line.
func (pl *Plan) String() string {
	var b strings.Builder
	for _, s := range pl.Steps {
		fmt.Fprintf(&b, "%-9s %s", s.Op, s.Path)
		if s.Glob {
			b.WriteString(" (glob)")
		}
		if s.From != "" {
			fmt.Fprintf(&b, " <- %s", s.From)
		}
		if s.Size > 0 {
			fmt.Fprintf(&b, " size=%d", s.Size)
		}
		if s.Rule != "" {
			fmt.Fprintf(&b, "  # %s", s.Rule)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%-9s %s\n", "readable", strings.Join(append(slices.Clone(pl.Read), pl.ReadGlobs...), " "))
	fmt.Fprintf(&b, "%-9s %v\n", "listen", pl.Listen)
	for _, l := range pl.Limits {
		fmt.Fprintf(&b, "%-9s %s=%d\n", "limit", l.Name, l.Max)
	}
	return b.String()
}
