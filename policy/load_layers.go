package policy

import (
	"crypto/sha256"
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

func (l *loader) system() *Error {
	path := l.SystemFile
	if path == "" {
		path = systemFile
	}
	text, err := readFile(path, true)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.file(input{path: path, text: text, layer: "system", base: l.Dir, trusted: true})
}

// userFile is the path of the user's file; empty when there is no home.
func (o *Options) userFile() string {
	if o.PolicyFile != "" {
		return o.PolicyFile
	}
	if dir := o.configDir(); dir != "" {
		return filepath.Join(dir, "policy.toml")
	}
	return ""
}

// configDir is where the user's policy is; empty when there is no home. The
// XDG base directory specification ignores relative paths.
func (o *Options) configDir() string {
	switch {
	case filepath.IsAbs(o.ConfigHome):
		return filepath.Join(o.ConfigHome, "fsh")
	case o.Home != "":
		return filepath.Join(o.Home, ".config/fsh")
	}
	return ""
}

func (l *loader) user() *Error {
	path := l.userFile()
	if path == "" {
		return nil
	}
	text, err := readFile(path, true)
	switch {
	case l.PolicyFile != "" || err == nil:
	case absent(err):
		return nil
	case errors.Is(err, errForeign):
		// What is left are the defaults, which allow no more.
		l.warn(path+" is ignored: "+err.Msg, err.Hint)
		return nil
	}
	if err != nil {
		return err
	}
	in := input{path: path, text: text, layer: "user", base: l.Dir, trusted: true}
	if filepath.Base(path) == ProjectFile {
		// The user agreed to a project's file for once: it means what it would.
		in.base = filepath.Dir(path)
	}
	return l.file(in)
}

// project reads the .fsh.toml files from the outermost directory inwards.
func (l *loader) project() *Error {
	var dirs []string
	for dir := l.Dir; ; dir = filepath.Dir(dir) {
		if dirs = append(dirs, dir); dir == "/" {
			break
		}
	}
	for _, dir := range slices.Backward(dirs) {
		path := filepath.Join(dir, ProjectFile)
		if path == l.PolicyFile {
			continue
		}
		text, err := readFile(path, false)
		switch {
		case absent(err):
			continue
		case err != nil && (errors.Is(err, errForeign) || errors.Is(err, errShared)):
			// Anybody may put a file into /tmp: it must not end the shells of
			// others, and has nothing to say.
			l.warn(path+" is ignored: "+err.Msg, err.Hint)
			continue
		case err != nil:
			return err
		}
		if err := l.file(input{path: path, text: text, layer: "project", base: dir, trusted: l.trusts(path, text)}); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) trusts(path, text string) bool {
	sum := sha256.Sum256([]byte(text))
	return l.Trusted != nil && l.Trusted(path, sum[:])
}

func (l *loader) script() *Error {
	text := headerText(l.Script)
	if strings.TrimSpace(text) == "" {
		return nil
	}
	name := l.ScriptName
	if name == "" {
		name = "script"
	}
	return l.file(input{path: name, text: text, layer: "script", base: l.Dir,
		trusted: l.Inherited || l.ScriptSum != nil && l.Trusted != nil && l.Trusted(name, l.ScriptSum)})
}

// FlagKinds are the flags that Options.Flags knows, without the dashes.
func FlagKinds() []string {
	return []string{"allow-env", "allow-exec", "allow-net", "allow-read", "allow-write",
		"deny-env", "deny-exec", "deny-net", "deny-read", "deny-write"}
}

func (l *loader) flags() *Error {
	if len(l.Flags) == 0 {
		return nil
	}
	r := resolver{base: l.Dir, home: l.Home, getenv: l.Getenv}
	s := &section{trusted: true, layer: "flag", given: map[string]bool{}}
	for _, f := range l.Flags {
		if m := s.flag(r, l.CheckHost, f); m != nil {
			return &Error{File: f.String(), Msg: m.msg, Hint: m.hint}
		}
	}
	l.layers = append(l.layers, layered{s, nil})
	return nil
}

func (s *section) flag(r resolver, checkHost func(string) error, f Flag) *mistake {
	rule := func(key string) Rule {
		return Rule{Key: key, Value: f.Value, Origin: Origin{Layer: "flag", File: f.origin()}}
	}
	paths := map[string]struct {
		key  string
		list *[]Path
	}{
		"allow-read": {"filesystem.allow_read", &s.allowRead}, "deny-read": {"filesystem.deny_read", &s.denyRead},
		"allow-write": {"filesystem.allow_write", &s.allowWrite}, "deny-write": {"filesystem.deny_write", &s.denyWrite},
	}
	if to, ok := paths[f.Kind]; ok {
		p, m := r.path(f.Value)
		if m != nil {
			return m
		}
		p.Rule = rule(to.key)
		*to.list = append(*to.list, p)
		return nil
	}
	switch f.Kind {
	case "allow-net", "deny-net":
		if m := checkEntry(f.Value, checkHost); m != nil {
			return m
		}
		if f.Kind == "allow-net" {
			s.allowedDomains = append(s.allowedDomains, HostRule{f.Value, rule("network.allowed_domains")})
		} else {
			s.deniedDomains = append(s.deniedDomains, HostRule{f.Value, rule("network.denied_domains")})
		}
	case "allow-env", "deny-env":
		if m := checkEnvPattern(f.Value); m != nil {
			return m
		}
		if f.Kind == "allow-env" {
			s.envPass = append(s.envPass, EnvRule{f.Value, rule("environment.pass")})
		} else {
			s.envDeny = append(s.envDeny, EnvRule{f.Value, rule("environment.deny")})
		}
	case "allow-exec", "deny-exec":
		words, m := parseCommand(f.Value)
		if m != nil {
			return m
		}
		if f.Kind == "allow-exec" {
			s.commandAllow = append(s.commandAllow, CommandRule{Words: words, Rule: rule("command.allow")})
		} else {
			s.commandDeny = append(s.commandDeny, CommandRule{Words: words, Rule: rule("command.deny")})
		}
	default:
		return &mistake{msg: "unknown flag", hint: didYouMean(f.Kind, FlagKinds())}
	}
	return nil
}
