package sandbox

import (
	"os"
	"path/filepath"
	"slices"
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
			if dir != root && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return names[e.Name()] }) {
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
