package sandbox

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Landlock only allows, and what it allows for a directory holds for all that
// is below it. So a secret is kept by allowing every neighbour of it and of the
// directories on the way to it, and not these directories. What is made in one
// of them later cannot be read before the next session.

// bareHidden are the places that the full sandbox replaces or covers.
var bareHidden = []string{"/dev", "/run", "/tmp", "/var/tmp"}

// bareReadable are parts of hidden places that programs are started from.
var bareReadable = []string{"/run/current-system", "/run/opengl-driver", "/run/wrappers", "/proc"}

// bareDevices are the nodes of /dev that may be opened. There is no ptmx: the
// other ends of all terminals of the user would be in one directory.
var bareDevices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}

// bareView is what a bare runner may reach.
type bareView struct {
	plan   *Plan
	host   *resolver
	hidden []string // resolved, of what exists
	grants []grant
	// writable are resolved trees in which attributes may be changed.
	writable []string
	rules    int
	err      error
}

// maxBareRules bounds the rules: each costs some microseconds at the start of
// a runner.
const maxBareRules = 20_000

// bareGrants are the rules of a plan as Landlock can have them.
func bareGrants(pl *Plan, exe string, mounts []hostMount) (*bareView, error) {
	v := &bareView{plan: pl, host: newResolver()}
	v.hidden = append(v.hidden, bareHidden...)
	for _, s := range pl.Steps {
		if s.Op != OpHide || below(s.Path, "/proc") { // processes come and go in /proc
			continue
		}
		paths := []string{s.Path}
		if s.Glob {
			var err error
			if paths, err = v.host.expand(s.Path); err != nil {
				return nil, err
			}
		}
		for _, p := range paths {
			at := v.host.look(p)
			if at.found && !slices.ContainsFunc(s.Except, func(e string) bool { return below(p, e) }) {
				v.hidden = append(v.hidden, at.path)
			}
		}
	}
	v.hideElsewhere(mounts)
	reads := slices.Clone(pl.Read)
	for _, g := range pl.ReadGlobs {
		found, err := v.host.expand(g)
		if err != nil {
			return nil, err
		}
		reads = append(reads, found...)
	}
	v.add("/", ll.AccessFSReadDir)
	v.add(exe, rightsRead)
	for _, r := range reads {
		v.tree(v.host.look(r).path)
	}
	for _, r := range bareReadable {
		v.add(r, rightsRead)
	}
	v.places()
	return v, v.err
}

// hideElsewhere hides what is hidden wherever it is mounted, covered or not: a rule
// is about the directory itself, so that one for a directory above, by whatever
// path, would be one for all of it by every path.
func (v *bareView) hideElsewhere(mounts []hostMount) {
	for _, h := range slices.Clone(v.hidden) {
		again, parts := places(mounts, h)
		v.hidden = append(v.hidden, again...)
		if !slices.Contains(bareHidden, h) { // mounts of parts of those have their own rules
			v.hidden = slices.AppendSeq(v.hidden, maps.Keys(parts))
		}
	}
}

func (v *bareView) add(path string, rights uint64) {
	if v.rules++; v.rules > maxBareRules {
		v.err = errTooMany
		return
	}
	v.grants = append(v.grants, grant{path: path, rights: rights})
}

// tree allows reading of path, but for what is hidden below it.
func (v *bareView) tree(path string) {
	if slices.ContainsFunc(v.hidden, func(h string) bool { return below(path, h) }) {
		return
	}
	if !slices.ContainsFunc(v.hidden, func(h string) bool { return below(h, path) }) {
		v.add(path, rightsRead)
		return
	}
	for _, e := range v.host.readDir(path, false) {
		if v.err != nil {
			return
		}
		// A link gives no right: where it leads has its own rules.
		if e.Type()&os.ModeSymlink == 0 {
			v.tree(filepath.Join(path, e.Name()))
		}
	}
}

// places allows what the plan keeps, replaces or makes writable.
func (v *bareView) places() {
	for _, d := range bareDevices {
		v.add(d, rightsRead|rightsWrite|rightsDevice)
	}
	v.write(v.plan.Temp)
	for _, s := range v.plan.Steps {
		switch s.Op {
		case OpKeep: // below a hidden place; the rest is readable already
			if at := v.host.look(s.Path); at.found && slices.ContainsFunc(bareHidden, func(h string) bool { return below(at.path, h) }) {
				v.kept(at.path)
			}
		case OpWrite:
			paths := []string{s.Path}
			if s.Glob {
				paths, v.err = v.host.expand(s.Path)
			}
			for _, p := range paths {
				if at := v.host.look(p); at.found {
					v.write(at.path)
				}
			}
		case OpPrivate:
			v.write(v.plan.barePrivate(s))
		case OpDevices:
			if s.From != "" {
				v.add(s.From, rightsRead|rightsWrite|rightsDevice)
			}
		}
	}
}

// kept allows reading below one of the hidden places itself.
func (v *bareView) kept(path string) {
	own := v.hidden
	v.hidden = slices.DeleteFunc(slices.Clone(own), func(h string) bool { return slices.Contains(bareHidden, h) && below(path, h) })
	v.tree(path)
	v.hidden = own
}

func (v *bareView) write(path string) {
	v.add(path, rightsRead|rightsChange)
	v.writable = append(v.writable, path)
}
