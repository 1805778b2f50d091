package sandbox

import (
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// programs is what is known of the programs that have a table of their own.
type programs struct {
	own      sync.Map // *policy.Policy of a table: the one whose table it is
	resolved sync.Map // *policy.Policy: the same with links followed
	claims   sync.Map // claim: whether the session could not have made it
}

// claim is a file that a policy has a table for.
type claim struct {
	of   *policy.Policy
	file string
}

// programPolicy is the policy of the file that a command executes. A file
// that the session itself could have written has no claim to the rights of
// the program whose name it bears.
func (s *Session) programPolicy(c *interp.Command, p *policy.Policy) (*policy.Policy, error) {
	if len(p.Programs) == 0 {
		return p, nil
	}
	for _, file := range c.Paths {
		file = s.fromDir(c.Dir, file)
		i := p.ProgramOf(file)
		if i < 0 {
			continue
		}
		if s.System().Access(c.Dir, file, unix.X_OK) != nil {
			continue // execve goes on to the next candidate
		}
		name := p.Programs[i].Name
		if !s.claims(c.Dir, claim{p, file}) || filepath.IsAbs(name) && !s.claims(c.Dir, claim{p, name}) {
			return p, nil
		}
		own := p.Programs[i].Policy
		s.fleet.programs.own.Store(own, p)
		return own, nil
	}
	return p, nil
}

// fromDir makes a path absolute, and not shorter: what dots lead back from may be
// a link.
func (s *Session) fromDir(d interp.Dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	at := s.cfg.Dir
	if own, ok := d.(*dir); ok {
		at = own.path
	}
	return strings.TrimSuffix(at, "/") + "/" + strings.TrimPrefix(file, "./")
}

// claims tells whether nothing that leads to a file, nor the file itself, is the
// session's to write. What once was not will not be.
func (s *Session) claims(d interp.Dir, c claim) bool {
	if writable, _ := c.of.Why("write", c.file); writable {
		return false
	}
	if good, ok := s.fleet.programs.claims.Load(c); ok {
		return good.(bool)
	}
	rules := s.followed(c.of)
	at, todo, links := "/", c.file, 0
	good := true
	for todo = strings.TrimLeft(todo, "/"); good && todo != ""; todo = strings.TrimLeft(todo, "/") {
		name, rest, _ := strings.Cut(todo, "/")
		next := filepath.Join(at, name)
		writable, _ := rules.Why("write", next)
		text, err := s.System().Readlink(d, next)
		switch {
		case err != nil && err != syscall.EINVAL:
			return false // for now
		case err != nil: // no link
			good = rest != "" || !writable
			at, todo = next, rest
			continue
		case strings.HasPrefix(text, "/"):
			at = "/"
		}
		links++
		good, todo = !writable && links <= maxLinks, text+"/"+rest
	}
	s.fleet.programs.claims.Store(c, good)
	return good
}

// followed is a policy with the links of its paths followed, as in the view.
func (s *Session) followed(p *policy.Policy) *policy.Policy {
	if q, ok := s.fleet.programs.resolved.Load(p); ok {
		return q.(*policy.Policy)
	}
	r := newResolver()
	q := p.Resolved(func(path string) string { return r.look(path).path })
	s.fleet.programs.resolved.Store(p, q)
	return q
}

// programEnv withholds what could turn a program with rights of its own.
func (s *Session) programEnv(p *policy.Policy, env []string) []string {
	if outer, own := s.fleet.programs.own.Load(p); own {
		env = p.FilterEnv(s.trustedPath(outer.(*policy.Policy), env))
	}
	return s.bareEnviron(env)
}

// trustedPath leaves in PATH what the session could not have put programs into:
// many a program is a script whose interpreter is found there. An empty one
// would mean the working directory.
func (s *Session) trustedPath(p *policy.Policy, env []string) []string {
	out := make([]string, 0, len(env))
	for _, entry := range env {
		value, is := strings.CutPrefix(entry, "PATH=")
		if !is {
			out = append(out, entry)
			continue
		}
		var dirs []string
		for _, dir := range filepath.SplitList(value) {
			inside, _ := p.Why("write", dir+"/x")
			if filepath.IsAbs(dir) && !inside && s.claims(nil, claim{p, dir}) {
				dirs = append(dirs, dir)
			}
		}
		if len(dirs) > 0 {
			out = append(out, "PATH="+strings.Join(dirs, ":"))
		}
	}
	return out
}
