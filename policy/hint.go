package policy

import (
	"path/filepath"
	"strings"
)

// Hint says how to allow one thing and nothing more. It names what exists:
// flags for one run, keys of the policy file for always. Empty: no idea.
func Hint(action, target string) string {
	flag, key := "", ""
	switch action {
	case "read":
		flag, key = "--allow-read=", "filesystem.allow_read"
	case "write", "create":
		flag, key = "--allow-write=", "filesystem.allow_write"
	case "connect", "net", "resolve":
		flag, key = "--allow-net=", "network.allowed_domains"
	case "env":
		flag, key = "--allow-env=", "environment.pass"
	case "exec":
		flag, key = "--allow-exec=", "command.allow"
	default:
		return ""
	}
	if target == "" {
		return ""
	}
	return flag + shellQuote(target) + forOneRun + key + " in ~/.config/fsh/policy.toml"
}

const forOneRun = " for one run, or "

// Hint is the hint for this policy: empty where no entry could help, and for a
// built-in secret the name that lifts it.
func (p *Policy) Hint(action, target string) string {
	switch action {
	case "read", "write", "create", "exec", "env":
	default:
		return Hint(action, target)
	}
	allowed, rule := p.Why(action, target)
	if allowed {
		return ""
	}
	return p.HintFor(action, target, rule)
}

// SessionHint is a hint for who sits at fsh's prompt, where rights can be had
// for the rest of the session. It gives other hints back as they are.
func SessionHint(hint string) string {
	flag, ok := strings.CutPrefix(hint, "--allow-")
	kind, target, found := strings.Cut(flag, "=")
	if !ok || !found {
		return hint
	}
	if i := strings.LastIndex(target, forOneRun); i >= 0 {
		target = target[:i]
	}
	return "fsh allow " + kind + " " + target + "   (this session)"
}

// HintFor is the hint when this rule denies.
func (p *Policy) HintFor(action, target string, rule Rule) string {
	switch {
	case rule.Key == "":
		return ""
	case rule.Value == "" && action == "create":
		// What does not exist cannot be granted: its directory can.
		return Hint(action, filepath.Dir(p.absolute(target)))
	case rule.Value == "":
		return Hint(action, target)
	case rule.FromSession():
		return strings.Replace(rule.Origin.File, " deny ", " allow ", 1) + " " + shellQuote(rule.Value) + " takes it back"
	case rule.Origin.Layer == "flag":
		return "leave out " + rule.Origin.File + "=" + shellQuote(rule.Value)
	case rule.Origin.Layer != "defaults":
		return "remove the entry at " + at(rule.Origin)
	case action == "exec":
		return Hint(action, rule.Value)
	case action == "env" && rule.Text != "":
		return ""
	case action == "env":
		return Hint(action, target)
	}
	if path := p.lifting(action, target); path != "" {
		return Hint(action, path)
	}
	return "fsh protects this itself: change it outside of fsh"
}

// lifting is the path at or above target that lifts the built-in denial.
func (p *Policy) lifting(action, target string) string {
	builtin := builtinDenials(p.Home)
	for path := target; strings.HasPrefix(path, "/") && path != "/"; path = path[:max(strings.LastIndexByte(path, '/'), 1)] {
		lists := [][]Path{builtin.denyRead}
		if action != "read" {
			lists = append(lists, builtin.denyWrite)
		}
		for _, list := range lists {
			for _, d := range list {
				if d.Matches(path) {
					return path
				}
			}
		}
		for _, d := range builtin.protected {
			if action != "read" && strings.HasSuffix(path, "/"+d.Pattern) {
				return path
			}
		}
	}
	return ""
}

// shellQuote makes one word of s for a shell. What must not reach a terminal
// is for the writer of the message to escape.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("%+,-./:=@_[]", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 && !strings.ContainsAny(s, "[]") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
