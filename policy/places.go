package policy

import (
	"path/filepath"
	"slices"
)

// Directories of programs that are one directory under several names on many
// systems: /bin is a link to usr/bin (hier(7), "merged /usr"), /usr/sbin one to
// bin.
var programDirs = []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}

// places are the names of directories of programs, those of PATH among them, by
// where they lead. Links are followed once, when the policy is made, and only if a rule names a path.
type places struct {
	getenv func(string) string
	names  map[string][]string
}

func (p *places) of(real string) []string {
	if p.names == nil {
		p.names = map[string][]string{}
		for _, dir := range append(filepath.SplitList(p.getenv("PATH")), programDirs...) {
			if real, err := filepath.EvalSymlinks(dir); err == nil && filepath.IsAbs(dir) {
				p.names[real] = append(p.names[real], dir)
			}
		}
	}
	return p.names[real]
}

// files are the paths by which a program that a rule names by path is known,
// that one first; none for a program that is named without. The last component
// is as it is written: a link to the program is another one.
func (p *places) files(name string) []string {
	if !filepath.IsAbs(name) {
		return nil
	}
	files := []string{name}
	real, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return files
	}
	for _, dir := range append([]string{real}, p.of(real)...) {
		if file := filepath.Join(dir, filepath.Base(name)); !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	return files
}

// sameProgram tells whether two rules are about one program.
func (p *places) sameProgram(a, b string) bool {
	return a == b || slices.ContainsFunc(p.files(a), func(f string) bool { return slices.Contains(p.files(b), f) })
}
