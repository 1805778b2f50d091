package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits of looking for repositories below a writable tree.
const (
	repoDepth = 4
	repoDirs  = 2000
)

// skipDirs are never entered: large, and made by tools rather than people.
var skipDirs = map[string]bool{"node_modules": true, ".git": true, "target": true, "vendor": true, ".venv": true}

// repositories finds the directories with one of the names, .git among them, a
// few levels below root, breadth first, so that the nearest are found whatever
// the limit.
func repositories(root string, names map[string]bool) []string {
	var found []string
	level := []string{root}
	seen := 0
	for depth := 0; depth < repoDepth && len(level) > 0; depth++ {
		var next []string
		for _, dir := range level {
			if seen++; seen > repoDirs {
				return found
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				continue
			}
			if dir != root && (slices.ContainsFunc(entries, func(e os.DirEntry) bool { return names[e.Name()] }) || isBareRepo(dir)) {
				found = append(found, dir)
			}
			for _, e := range entries {
				if e.IsDir() && !skipDirs[e.Name()] {
					next = append(next, filepath.Join(dir, e.Name()))
				}
			}
		}
		level = next
	}
	return found
}

// collectGit seals what git's own files lead to: a .git that is a file, the
// repository it names, the directory of core.hooksPath, and what the
// configuration includes. A path that a rule grants itself is left out.
func (v *view) collectGit() error {
	i := slices.IndexFunc(v.plan.Steps, func(s Step) bool { return s.Op == OpProtect && s.Path == ".git/config" })
	if i < 0 {
		return nil
	}
	rule := v.plan.Steps[i].Rule
	for _, dir := range v.protected {
		for _, path := range gitLeads(dir) {
			at := v.host.look(path).path
			if !filepath.IsAbs(path) || slices.Contains(v.open, at) {
				continue
			}
			if err := v.collectMask(Step{Op: OpSeal, Path: filepath.Clean(path), Rule: rule}); err != nil {
				return err
			}
		}
	}
	return nil
}

// gitLeads gives the paths that git would take orders from in a directory,
// besides those that protected names cover.
func gitLeads(dir string) []string {
	var leads []string
	if isBareRepo(dir) {
		for _, name := range gitOrders {
			leads = append(leads, filepath.Join(dir, name))
		}
		leads = append(leads, configLeads(dir, dir)...)
	}
	git := filepath.Join(dir, ".git")
	st, err := os.Lstat(git)
	if err != nil {
		return leads
	}
	repo := git
	if !st.IsDir() {
		leads = append(leads, git)
		if target, ok := strings.CutPrefix(readStart(git), "gitdir:"); ok {
			repo = joinFrom(dir, strings.TrimSpace(target))
			for _, name := range gitOrders {
				if unix.Lstat(filepath.Join(repo, name), &unix.Stat_t{}) == nil {
					leads = append(leads, filepath.Join(repo, name))
				}
			}
		}
	}
	return append(leads, configLeads(repo, dir)...)
}

// configLeads gives the paths that a repository's configuration names; those
// of hooks are from the working tree.
func configLeads(repo, tree string) (leads []string) {
	text, err := readConfig(filepath.Join(repo, "config"))
	if err != nil {
		return nil
	}
	for _, o := range configOrders(text) {
		switch {
		case o.value == "" || strings.HasPrefix(o.value, "~"):
		case o.name == "core.hookspath":
			leads = append(leads, joinFrom(tree, o.value))
		case o.name == "include.path", o.name == "includeif.path":
			leads = append(leads, joinFrom(repo, o.value))
		}
	}
	return leads
}

// isBareRepo: git takes a directory with these for a repository without a
// working tree (gitrepository-layout(5)), whatever its name.
func isBareRepo(dir string) bool {
	if filepath.Base(dir) == ".git" {
		return false
	}
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if unix.Lstat(filepath.Join(dir, name), &unix.Stat_t{}) != nil {
			return false
		}
	}
	return true
}

func joinFrom(base, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}

// readStart is the beginning of a regular file.
func readStart(path string) string {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var buf [unix.PathMax + 64]byte
	n, err := readRetry(fd, buf[:])
	if err != nil {
		return ""
	}
	return string(buf[:n])
}
