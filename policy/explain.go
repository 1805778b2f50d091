package policy

import (
	"path/filepath"
	"strings"
)

// Verdict is the answer to what a policy makes of an action, and why.
type Verdict struct {
	Action  string `json:"action"`
	Target  string `json:"target"`
	Allowed bool   `json:"allowed"`
	Rule    Rule   `json:"rule"` // that decides
	// Losing are the other entries that are about the target.
	Losing []Rule `json:"losing,omitempty"`
	// Hint is the smallest change that would allow it.
	Hint string `json:"hint,omitempty"`
	// Note says what else there is to know about the answer.
	Note string `json:"note,omitempty"`
}

// Explain is Why with all entries that took part. It decides about "read",
// "write", "create", "env" and "exec"; see Why.
func (p *Policy) Explain(action, target string) Verdict {
	v := Verdict{Action: action, Target: target}
	v.Allowed, v.Rule = p.Why(action, target)
	for _, r := range p.about(action, target) {
		if r != v.Rule {
			v.Losing = append(v.Losing, r)
		}
	}
	if !v.Allowed {
		v.Hint = p.Hint(action, target)
	}
	if v.Allowed && action != "env" && action != "exec" {
		v.Note = p.elsewhere(p.absolute(target))
	}
	return v
}

func (p *Policy) absolute(target string) string {
	if !filepath.IsAbs(target) {
		target = filepath.Join(p.Dir, target)
	}
	return filepath.Clean(target)
}

// about lists the entries that match a target, denials first.
func (p *Policy) about(action, target string) []Rule {
	var rules []Rule
	switch action {
	case "read", "write", "create":
		fs, path := &p.Filesystem, p.absolute(target)
		lists := [][]Path{fs.DenyRead, fs.PrivateWrite, fs.AllowWrite}
		if action == "read" {
			lists = append(lists, fs.AllowRead)
		} else {
			lists = [][]Path{fs.DenyRead, fs.DenyWrite, fs.PrivateWrite, fs.AllowWrite}
			if r, ok := p.ProtectedName(path); ok {
				rules = append(rules, r)
			}
		}
		for _, list := range lists {
			for _, entry := range list {
				if entry.Covers(path) {
					rules = append(rules, entry.Rule)
				}
			}
		}
	case "env":
		for _, list := range [][]EnvRule{p.Environment.Deny, p.Environment.Pass} {
			for _, e := range list {
				if e.covers(target) {
					rules = append(rules, e.Rule)
				}
			}
		}
	case "exec":
		argv := strings.Fields(target)
		for _, list := range [][]CommandRule{p.Command.Deny, p.Command.Allow} {
			for _, c := range list {
				if len(argv) > 0 && c.names(argv[0], filepath.Base(argv[0])) && matchesArgs(c.Words, argv[1:]) {
					rules = append(rules, c.Rule)
				}
			}
		}
	}
	return rules
}

// elsewhere says that an allowed path is not the host's.
func (p *Policy) elsewhere(path string) string {
	if rule, ok := p.given(path); ok && rule.Text == privateText {
		return "the session has a fresh directory there: files of the host are not in it"
	}
	if private := covering(p.Filesystem.PrivateWrite, path); private != nil && covering(p.Filesystem.DenyRead, path) == nil {
		return "this project has a directory of its own there: the host's is not touched"
	}
	return ""
}

// Resolved is the policy with symbolic links in the fixed parts of its paths
// followed by resolve, as the sandbox does when it starts.
func (p *Policy) Resolved(resolve func(path string) string) *Policy {
	q := *p
	follow := func(list []Path) []Path {
		out := make([]Path, 0, len(list))
		for _, entry := range list {
			out = append(out, entry)
			if real := entry.resolved(resolve); real.Pattern != entry.Pattern {
				out = append(out, real)
			}
		}
		return out
	}
	fs := &q.Filesystem
	fs.AllowRead, fs.AllowWrite, fs.PrivateWrite = follow(fs.AllowRead), follow(fs.AllowWrite), follow(fs.PrivateWrite)
	fs.DenyRead, fs.DenyWrite = follow(fs.DenyRead), follow(fs.DenyWrite)
	q.Network.UnixSockets = follow(q.Network.UnixSockets)
	return &q
}

func (entry Path) resolved(resolve func(string) string) Path {
	if !entry.Glob {
		entry.Pattern = resolve(entry.Pattern)
		return entry
	}
	parts := split(entry.Pattern)
	n := fixedParts(parts)
	fixed := "/" + unquoteGlob(strings.Join(parts[:n], "/"))
	entry.Pattern = strings.TrimSuffix(quoteGlob(resolve(fixed)), "/") + "/" + strings.Join(parts[n:], "/")
	return entry
}

// fixedParts is how many components come before the first wildcard.
func fixedParts(parts []string) int {
	n := 0
	for n < len(parts) && !hasMeta(parts[n]) {
		n++
	}
	return n
}
