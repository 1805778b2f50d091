package policy

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// NarrowedIn is p with the denials that the project files between p.Dir and
// dir add: what a script may do after cd, for which the policy at the start is
// a ceiling. It establishes that the result allows nothing that p does not.
// Without further project files it is p itself.
func (p *Policy) NarrowedIn(dir string, o Options) (*Policy, error) {
	if !hasProjectFile(dir, p.Dir) {
		return p, nil
	}
	o.Dir = dir
	inner, _, err := Load(o)
	if err != nil {
		return nil, err
	}
	q := *p
	q.Filesystem.AllowRead = common(p.Filesystem.AllowRead, inner.Filesystem.AllowRead)
	q.Filesystem.DenyRead = union(p.Filesystem.DenyRead, inner.Filesystem.DenyRead)
	q.Filesystem.DenyWrite = union(p.Filesystem.DenyWrite, inner.Filesystem.DenyWrite)
	q.Filesystem.Protected = union(p.Filesystem.Protected, inner.Filesystem.Protected)
	q.Network.DeniedDomains = union(p.Network.DeniedDomains, inner.Network.DeniedDomains)
	q.Command.Deny = union(p.Command.Deny, inner.Command.Deny)
	q.Environment.Deny = union(p.Environment.Deny, inner.Environment.Deny)
	q.Network.LocalBinding = p.Network.LocalBinding && inner.Network.LocalBinding
	if inner.Network.LocalOutbound.Mode == "none" {
		q.Network.LocalOutbound = inner.Network.LocalOutbound
	}
	q.Privileges.FileOwnership = p.Privileges.FileOwnership && inner.Privileges.FileOwnership
	q.Limits = p.Limits.least(inner.Limits)
	q.Settings = union(p.Settings, inner.Settings)
	q.Programs = nil
	for _, prog := range p.Programs {
		narrow, err := prog.Policy.NarrowedIn(dir, o)
		if err != nil {
			return nil, err
		}
		q.Programs = append(q.Programs, Program{Name: prog.Name, Files: prog.Files, Policy: narrow})
	}
	return &q, nil
}

// common is what both lists allow, as far as it can be told.
func common(outer, inner []Path) []Path {
	both := []Path{}
	for _, a := range outer {
		for _, b := range inner {
			switch {
			case coversPath(a, b):
				both = append(both, b)
			case coversPath(b, a):
				both = append(both, a)
			}
		}
	}
	return both
}

// hasProjectFile tells whether a project file lies on the way up from dir
// that is not on the way up from start.
func hasProjectFile(dir, start string) bool {
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if d == "/" || d == start || strings.HasPrefix(start, d+"/") {
			return false
		}
		if _, err := os.Lstat(filepath.Join(d, ProjectFile)); err == nil {
			return true
		}
	}
}

func union[T any](outer, inner []T) []T {
	out := slices.Clone(outer)
	for _, x := range inner {
		if !slices.ContainsFunc(out, func(y T) bool { return reflect.DeepEqual(x, y) }) {
			out = append(out, x)
		}
	}
	return out
}
