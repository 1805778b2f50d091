package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// privatePlaces are fresh in every session (DESIGN §4).
var privatePlaces = []string{"/tmp", "/var/tmp", "/dev/shm"}

const privateText = "a private place of the session"

// ownPlace is fsh's, in every session.
const (
	ownPlace = "/run/fsh"
	ownText  = "fsh itself is in every session, read-only"
)

// devices are what every sandbox has writable.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts"}

// Why tells whether the policy allows an action, and the rule that decides.
// Actions are "read", "write", "create", "search" of a directory, "env", and "exec" with the words
// of a command as target. A relative target is below Dir; symbolic links are
// not resolved. The network is netfilter's to decide: any other action is
// denied.
func (p *Policy) Why(action, target string) (bool, Rule) {
	switch action {
	case "read", "write", "create":
		target = p.absolute(target)
		if action == "read" {
			return p.mayRead(target)
		}
		return p.mayWrite(target, action == "create")
	case "search":
		if deny := covering(p.Filesystem.DenyRead, p.absolute(target)); deny != nil {
			return false, deny.Rule
		}
		return true, Rule{Text: "no deny_read entry matches", Origin: Origin{Layer: "defaults"}}
	case "env":
		return p.mayPass(target)
	case "exec":
		if rule, denied := p.DeniedCommand(strings.Fields(target)); denied {
			return false, rule
		}
		return true, Rule{Text: "no command.deny entry matches", Origin: Origin{Layer: "defaults"}}
	}
	return false, Rule{Text: fmt.Sprintf("the policy of files knows no action %q", action)}
}

func (p *Policy) mayRead(path string) (bool, Rule) {
	fs := &p.Filesystem
	if deny := covering(fs.DenyRead, path); deny != nil {
		return false, deny.Rule
	}
	if rule, ok := p.given(path); ok {
		return true, rule
	}
	if within(path, ownPlace) {
		return true, Rule{Text: ownText, Origin: Origin{Layer: "defaults"}}
	}
	if rule, allowed, ok := p.kernel(path, "read"); ok {
		return allowed, rule
	}
	if rule, ok := p.replaced(path); ok {
		return false, rule
	}
	for _, list := range [][]Path{fs.AllowRead, fs.PrivateWrite, fs.AllowWrite} {
		if allow := covering(list, path); allow != nil {
			return true, allow.Rule
		}
	}
	return false, p.NoMatch("filesystem.allow_read")
}

// mayWrite: a pattern grants what it finds when the session starts. To create
// a name, it must have found a directory above.
func (p *Policy) mayWrite(path string, create bool) (bool, Rule) {
	fs := &p.Filesystem
	for _, list := range [][]Path{fs.DenyRead, fs.DenyWrite} {
		if deny := covering(list, path); deny != nil {
			return false, deny.Rule
		}
	}
	if rule, ok := p.given(path); ok {
		return true, rule
	}
	if within(path, ownPlace) {
		return false, Rule{Text: ownText, Origin: Origin{Layer: "defaults"}}
	}
	if rule, allowed, ok := p.kernel(path, map[bool]string{false: "write", true: "create"}[create]); ok {
		return allowed, rule
	}
	if rule, ok := p.replaced(path); ok {
		return false, rule
	}
	if private := covering(fs.PrivateWrite, path); private != nil {
		return true, private.Rule
	}
	if rule, ok := p.ProtectedName(path); ok {
		return false, rule
	}
	for _, allow := range fs.AllowWrite {
		if allow.Covers(path) && !(create && allow.Glob && !allow.Covers(filepath.Dir(path))) {
			return true, covering(fs.AllowWrite, path).Rule
		}
	}
	return false, p.NoMatch("filesystem.allow_write")
}

// given tells whether a path is what every session has: a device, or a place
// that is fresh. A working directory below such a place stays what it is.
func (p *Policy) given(path string) (Rule, bool) {
	for _, place := range privatePlaces {
		ownDir := within(p.Dir, place) && p.Dir != place && within(path, p.Dir)
		if within(path, place) && !ownDir {
			return Rule{Text: privateText, Origin: Origin{Layer: "defaults"}}, true
		}
	}
	for _, device := range devices {
		if within(path, device) {
			return Rule{Text: "a device that every session has", Origin: Origin{Layer: "defaults"}}, true
		}
	}
	return Rule{}, false
}

// replaced tells whether a path is in a place of which the session sees only
// what is granted by name: sockets and processes of the host, raw devices.
func (p *Policy) replaced(path string) (Rule, bool) {
	fs := &p.Filesystem
	for _, place := range []string{"/run", "/dev"} {
		if path == place || path == "/run/lock" || !within(path, place) || within(path, ownPlace) || within(path, p.Dir) && p.Dir != "/" {
			continue
		}
		for _, list := range [][]Path{fs.AllowWrite, fs.PrivateWrite, p.Network.UnixSockets} {
			if entry := covering(list, path); entry != nil && within(entry.Pattern, place) {
				return Rule{}, false
			}
		}
		return Rule{Text: "the session has a " + place + " of its own", Origin: Origin{Layer: "defaults"}}, true
	}
	return Rule{}, false
}

// ProtectedName tells whether a path is, or is below, a name that is protected
// in writable trees. Trees that an allow_write entry names inside of one are
// not (Except).
func (p *Policy) ProtectedName(path string) (Rule, bool) {
	for _, protected := range p.Filesystem.Protected {
		if !protected.excepts(path) && strings.Contains(path+"/", "/"+protected.Pattern+"/") {
			return protected.Rule, true
		}
	}
	return Rule{}, false
}

// covering is the most specific entry that covers a path: the longest.
func covering(list []Path, path string) *Path {
	var best *Path
	for i := range list {
		if list[i].Covers(path) && (best == nil || len(list[i].Pattern) > len(best.Pattern)) {
			best = &list[i]
		}
	}
	return best
}

// NoMatch is the Rule for "nothing allows it", with the files that were looked
// at but not believed.
func (p *Policy) NoMatch(key string) Rule {
	_, name, _ := strings.Cut(key, ".")
	said := []string{"defaults"}
	for _, s := range p.Sources {
		file := s.File
		if rel, ok := strings.CutPrefix(file, strings.TrimSuffix(p.Dir, "/")+"/"); ok {
			file = "./" + rel
		}
		if !s.Trusted {
			said = append(said, file+" not trusted")
		} else {
			said = append(said, file)
		}
	}
	return Rule{Key: key, Origin: Origin{Layer: "defaults"}, Text: fmt.Sprintf("no %s entry matches (%s)", name, strings.Join(said, "; "))}
}

// ForProgram is the policy for a program that the shell starts: by absolute
// path first, then by its name. It is p itself for most.
func (p *Policy) ForProgram(path string) *Policy {
	if i := p.ProgramOf(path); i >= 0 {
		return p.Programs[i].Policy
	}
	return p
}

// ProgramOf is which of Programs a path is, or -1.
func (p *Policy) ProgramOf(path string) int {
	named := func(prog Program) bool { return prog.Name == path || slices.Contains(prog.Files, path) }
	if i := slices.IndexFunc(p.Programs, named); i >= 0 {
		return i
	}
	base := filepath.Base(path)
	return slices.IndexFunc(p.Programs, func(prog Program) bool { return prog.Name == base })
}

func (p *Policy) mayPass(name string) (bool, Rule) {
	e := &p.Environment
	for _, v := range e.Set {
		if v.Name == name {
			return true, v.Rule
		}
	}
	var passed *EnvRule
	for i, r := range e.Pass {
		// An entry that names the variable wins over a pattern.
		if matchName(r.Pattern, name) && (passed == nil || r.Pattern == name) {
			passed = &e.Pass[i]
		}
	}
	for _, r := range e.Deny {
		// What is named exactly was meant: that lifts built-in secrets, but not
		// what protects a program with rights of its own.
		lifted := passed != nil && passed.Pattern == name && r.secret()
		if r.covers(name) && !lifted {
			return false, r.Rule
		}
	}
	if passed == nil {
		return false, p.NoMatch("environment.pass")
	}
	return true, passed.Rule
}

// FilterEnv is the environment that commands get: NAME=value strings in the
// order of env, then what the policy sets. It is for what comes from outside,
// once per session or per program with a table; it is too slow for each command.
func (p *Policy) FilterEnv(env []string) []string {
	out := make([]string, 0, len(env)+len(p.Environment.Set))
	for _, entry := range env {
		name, _, ok := strings.Cut(entry, "=")
		if !ok || slices.ContainsFunc(p.Environment.Set, func(v EnvVar) bool { return v.Name == name }) {
			continue
		}
		if allowed, _ := p.mayPass(name); allowed {
			out = append(out, entry)
		}
	}
	for _, v := range p.Environment.Set {
		out = append(out, v.Name+"="+v.Value)
	}
	return out
}

// Digest identifies a policy: equal digests, equal rules from equal places.
func (p *Policy) Digest() string {
	q := *p
	q.Sources = nil
	data, err := json.Marshal(q)
	if err != nil {
		// Strings, numbers and slices of them cannot fail to marshal.
		return fmt.Sprintf("unmarshalable %p", p)
	}
	// The encoder takes all bytes that are not UTF-8 for the same.
	fs := &p.Filesystem
	for _, list := range [][]Path{fs.AllowRead, fs.DenyRead, fs.AllowWrite, fs.DenyWrite, fs.PrivateWrite, fs.Protected, p.Network.UnixSockets} {
		for i := range list {
			if !utf8.ValidString(list[i].Pattern) {
				data = append(append(data, 0), list[i].Pattern...)
			}
		}
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
