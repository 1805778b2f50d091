package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// build folds the layers into the policy of the directory and one per program.
//
// The order of layers matters for environment.set and hosts alone, where the
// inner one wins: all other lists are unions from which the denials are
// subtracted, an explicit "false" beats any "true", and limits are the least.
func (l *loader) build() *Policy {
	p := l.fold("")
	var names []string
	for _, layer := range l.layers {
		for _, prog := range layer.programs {
			names = append(names, prog.name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		p.Programs = append(p.Programs, Program{Name: name, Files: l.places.files(name), Policy: l.fold(name)})
	}
	return p
}

// fold is the policy of one program, or of everything without a table of its
// own.
func (l *loader) fold(program string) *Policy {
	var sections []*section
	hijack := false
	for _, layer := range l.layers {
		sections = append(sections, layer.section)
		for _, p := range layer.programs {
			if program != "" && l.places.sameProgram(p.name, program) {
				sections = append(sections, p.section)
				hijack = hijack || p.section.trusted
			}
		}
	}
	m := &merger{loader: l, quiet: program != "", p: &Policy{Home: l.Home, Dir: l.Dir, Sources: l.sources, PublicSuffix: l.PublicSuffix}}
	m.ceiling = newCeiling(sections)
	m.filesystem(sections)
	m.network(sections)
	m.command(sections)
	m.environment(sections, hijack)
	for _, s := range sections {
		m.p.Limits = m.p.Limits.least(s.limits)
	}
	m.p.Privileges.FileOwnership, _ = decide(sections, func(s *section) *flagRule { return s.fileOwnership }, false)
	m.settings(sections)
	return m.p
}

// settings keeps where each value that holds is written, once.
func (m *merger) settings(sections []*section) {
	holds := map[string]bool{}
	for key, value := range m.p.Limits.byKey() {
		holds[key+"\x00"+strconv.FormatInt(value, 10)] = true
	}
	for _, e := range m.p.Network.ExposePorts {
		holds["network.expose_ports\x00"+e.String()] = true
	}
	for _, s := range sections {
		for _, r := range s.settings {
			if id := r.Key + "\x00" + r.Value; holds[id] {
				delete(holds, id)
				m.p.Settings = append(m.p.Settings, r)
			}
		}
	}
	for _, flag := range []func(*section) *flagRule{
		func(s *section) *flagRule { return s.localBinding },
		func(s *section) *flagRule { return s.fileOwnership },
	} {
		if _, rule := decide(sections, flag, false); rule != nil {
			m.p.Settings = append(m.p.Settings, *rule)
		}
	}
}

func (l Limits) byKey() map[string]int64 {
	return map[string]int64{"limits.memory": l.Memory, "limits.processes": l.Processes, "limits.cpu_time": l.CPUTime,
		"limits.open_files": l.OpenFiles, "limits.file_size": l.FileSize}
}

type merger struct {
	*loader
	quiet   bool // the same warnings were given for the whole directory
	ceiling ceiling
	p       *Policy
}

// paths joins one list of all sections, as far as the ceiling goes.
func (m *merger) paths(sections []*section, key string, list func(*section) []Path) []Path {
	joined := []Path{}
	for _, s := range sections {
		for _, p := range list(s) {
			if m.ceiling.given[key] && s.layer != "system" && !slices.ContainsFunc(list(m.ceiling.section), func(c Path) bool { return coversPath(c, p) }) {
				m.above(p.Rule)
				continue
			}
			joined = append(joined, p)
		}
	}
	return joined
}

// explicit tells whether a file has a list. Flags add to what there is; they
// do not replace a default.
func explicit(sections []*section, key string) bool {
	return slices.ContainsFunc(sections, func(s *section) bool { return s.trusted && s.layer != "flag" && s.given[key] })
}

func (m *merger) filesystem(sections []*section) {
	fs := &m.p.Filesystem
	fs.AllowRead = m.paths(sections, "filesystem.allow_read", func(s *section) []Path { return s.allowRead })
	if !explicit(sections, "filesystem.allow_read") {
		fs.AllowRead = append([]Path{literalPath("filesystem.allow_read", "/", "/")}, fs.AllowRead...)
	}
	fs.AllowWrite = m.paths(sections, "filesystem.allow_write", func(s *section) []Path { return s.allowWrite })
	if m.Inherited && len(fs.AllowWrite) == 0 {
		fs.AllowWrite = []Path{literalPath("filesystem.allow_write", "/", "/")}
	}
	fs.PrivateWrite = m.paths(sections, "filesystem.private_write", func(s *section) []Path { return s.privateWrite })
	if !explicit(sections, "filesystem.private_write") && m.Home != "" {
		var caches []Path
		for _, name := range privateCaches {
			caches = append(caches, literalPath("filesystem.private_write", m.Home+"/"+name, "~/"+name))
		}
		fs.PrivateWrite = append(caches, fs.PrivateWrite...)
	}

	builtin := builtinDenials(m.Home)
	builtin.lift(fs.AllowRead, fs.AllowWrite)
	fs.DenyRead, fs.DenyWrite, fs.Protected = builtin.denyRead, builtin.denyWrite, builtin.protected
	var files []string
	for _, s := range m.sources {
		files = append(files, s.File)
	}
	denyRead, denyWrite := m.ownFiles(files)
	fs.DenyRead = append(fs.DenyRead, denyRead...)
	fs.DenyWrite = append(fs.DenyWrite, denyWrite...)
	for _, s := range sections {
		fs.DenyRead = append(fs.DenyRead, s.denyRead...)
		fs.DenyWrite = append(fs.DenyWrite, s.denyWrite...)
	}
	m.useless(fs)
}

// lift takes what trusted entries name exactly, or exactly below them, out of
// the built-in denials: ~/.ssh/known_hosts is readable in a hidden ~/.ssh.
// The entries are trusted: narrowed leaves untrusted files none.
func (d *liftable) lift(reads, writes []Path) {
	for _, w := range writes {
		d.denyRead = except(d.denyRead, w)
		d.denyWrite = except(d.denyWrite, w)
		for i, p := range d.protected {
			if !w.Glob && strings.HasSuffix(w.Pattern, "/"+p.Pattern) {
				d.protected[i].Except = append(d.protected[i].Except, w.Pattern)
			}
		}
	}
	for _, r := range reads {
		d.denyRead = except(d.denyRead, r)
	}
}

func except(denials []Path, allowed Path) []Path {
	if allowed.Glob {
		return denials
	}
	var kept []Path
	for _, p := range denials {
		if p.Covers(allowed.Pattern) {
			if !p.Glob && p.Matches(allowed.Pattern) {
				continue
			}
			p.Except = append(slices.Clone(p.Except), allowed.Pattern)
		}
		kept = append(kept, p)
	}
	return kept
}

// useless warns of entries that a denial of a directory above makes void.
func (m *merger) useless(fs *Filesystem) {
	for _, list := range [][]Path{fs.AllowRead, fs.AllowWrite} {
		for _, p := range list {
			if p.Glob || m.quiet {
				continue
			}
			if deny := covering(fs.DenyRead, p.Pattern); deny != nil {
				m.warn(fmt.Sprintf("%s %q at %s has no effect: %s %q at %s denies it", p.Rule.Key, p.Rule.Value, at(p.Rule.Origin),
					deny.Rule.Key, deny.Rule.Value, at(deny.Rule.Origin)), "")
			}
		}
	}
}

// decide is the value of a key that is true or false: false wins.
func decide(sections []*section, field func(*section) *flagRule, otherwise bool) (bool, *Rule) {
	on, rule := otherwise, (*Rule)(nil)
	for _, s := range sections {
		switch f := field(s); {
		case f == nil:
		case !f.on:
			return false, &f.rule
		default:
			on, rule = true, &f.rule
		}
	}
	return on, rule
}

func (m *merger) command(sections []*section) {
	c := &m.p.Command
	// An explicit true is a wish for more denials, so here true wins.
	off, layer := false, "defaults"
	for _, s := range sections {
		if s.layer == "system" && s.useDefaults != nil && s.useDefaults.on {
			layer = "system" // no inner layer makes exceptions
		}
		off = off || s.useDefaults != nil && !s.useDefaults.on
		c.Deny = append(c.Deny, s.commandDeny...)
		c.Allow = append(c.Allow, s.commandAllow...)
	}
	for _, list := range [][]CommandRule{c.Deny, c.Allow} {
		for i := range list {
			list[i].Files = m.places.files(list[i].Words[0])
		}
	}
	on := !off || slices.ContainsFunc(sections, func(s *section) bool { return s.useDefaults != nil && s.useDefaults.on })
	if on {
		var builtin []CommandRule
		for _, words := range commandDenials {
			builtin = append(builtin, CommandRule{Words: slices.Clone(words), Rule: Rule{Key: "command.deny", Value: strings.Join(words, " "), Origin: Origin{Layer: layer}}})
		}
		c.Deny = append(builtin, c.Deny...)
	}
}

func (m *merger) environment(sections []*section, hijack bool) {
	e := &m.p.Environment
	e.Pass, e.Deny = []EnvRule{}, []EnvRule{}
	if !explicit(sections, "environment.pass") {
		e.Pass = append(e.Pass, EnvRule{"*", defaultRule("environment.pass", "*")})
	}
	for _, name := range secretVariables {
		if m.Inherited {
			break // what the session passes it passes to all
		}
		e.Deny = append(e.Deny, EnvRule{name, defaultRule("environment.deny", name)})
	}
	if hijack {
		for _, name := range hijackVariables {
			e.Deny = append(e.Deny, EnvRule{name, Rule{Key: "environment.deny", Value: name, Origin: Origin{Layer: "defaults"},
				Text: "a program with rights of its own does not get it"}})
		}
		if m.Home != "" { // where its configuration is, whatever the script says
			e.Set = append(e.Set, EnvVar{"HOME", m.Home, defaultRule("environment.set", "HOME")})
		}
	}
	for _, s := range sections {
		for _, p := range s.envPass {
			if m.ceiling.given["environment.pass"] && s.layer != "system" && !slices.ContainsFunc(m.ceiling.section.envPass,
				func(c EnvRule) bool {
					return c.Pattern == p.Pattern || isName(p.Pattern) && matchName(c.Pattern, p.Pattern)
				}) {
				m.above(p.Rule)
				continue
			}
			e.Pass = append(e.Pass, p)
		}
		e.Deny = append(e.Deny, s.envDeny...)
		for _, v := range s.envSet {
			if s.layer != "system" && m.ceiling.deniesVariable(v.Name) {
				m.above(v.Rule)
				continue
			}
			e.Set = slices.DeleteFunc(e.Set, func(old EnvVar) bool { return old.Name == v.Name })
			e.Set = append(e.Set, v)
		}
	}
}

// least is the narrower of two sets of limits.
func (l Limits) least(o Limits) Limits {
	pick := func(a, b int64) int64 {
		if a == 0 || b != 0 && b < a {
			return b
		}
		return a
	}
	return Limits{Memory: pick(l.Memory, o.Memory), Processes: pick(l.Processes, o.Processes), CPUTime: pick(l.CPUTime, o.CPUTime),
		OpenFiles: pick(l.OpenFiles, o.OpenFiles), FileSize: pick(l.FileSize, o.FileSize)}
}
