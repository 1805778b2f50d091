package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A hidden file is in a directory's list still, as what it is on the disk, so
// git add -A takes it for a file to add and gives up. In repositories with
// something hidden git therefore sees a copy of info/exclude (gitignore(5))
// that names the hidden paths as well. A file that git tracks already it has
// to read; there is no help for that.

// maxExclude is the size of an info/exclude that is copied.
const maxExclude = 256 << 10

// excludeHidden covers info/exclude. A repository without the file is left as
// it is: nothing is made in the user's tree.
func (v *view) excludeHidden() error {
	for _, root := range v.workTrees() {
		lines := v.hiddenIn(root)
		file := excludeFile(root)
		st, err := os.Lstat(file)
		if len(lines) == 0 || err != nil || !st.Mode().IsRegular() || st.Size() > maxExclude || !v.writable(file) {
			continue
		}
		if on, err := isMount(file); err != nil || on {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		v.base.mu.Lock()
		v.base.excludes++
		name := fmt.Sprint(depotExclude, v.base.excludes)
		v.base.mu.Unlock()
		all := string(text) + "\n# hidden in this session\n" + strings.Join(lines, "\n") + "\n"
		if err := writeAt(v.base.depot, name, all, 0o444); err != nil {
			return err
		}
		if err := v.fromDepot(name, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// workTrees are the directories with a .git in and above which something is
// hidden.
func (v *view) workTrees() []string {
	dirs := slices.Clone(v.protected)
	for _, m := range v.masks {
		for d := filepath.Dir(m.path); m.hide && v.writable(d) && d != "/"; d = filepath.Dir(d) {
			dirs = append(dirs, d)
		}
	}
	slices.Sort(dirs)
	return slices.DeleteFunc(slices.Compact(dirs), func(d string) bool {
		_, err := os.Lstat(filepath.Join(d, ".git"))
		return err != nil
	})
}

// excludeFile is where git looks: in the repository that all worktrees share.
func excludeFile(root string) string {
	repo := filepath.Join(root, ".git")
	if target, ok := strings.CutPrefix(readStart(repo), "gitdir:"); ok {
		repo = joinFrom(root, strings.TrimSpace(target))
		if common := strings.TrimSpace(readStart(filepath.Join(repo, "commondir"))); common != "" {
			repo = joinFrom(repo, common)
		}
	}
	return filepath.Join(repo, "info", "exclude")
}

// hiddenIn gives patterns for what is hidden below a directory, or may come
// to be.
func (v *view) hiddenIn(root string) []string {
	var lines []string
	add := func(path string, glob bool) {
		rest, inside := strings.CutPrefix(path, root+"/")
		if !inside || strings.Contains(rest, "\n") {
			return
		}
		if !glob {
			rest = escapeIgnored(rest)
		}
		if line := "/" + rest; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	for _, s := range v.plan.Steps {
		if s.Op == OpHide && len(s.Except) == 0 {
			add(s.Path, s.Glob)
		}
	}
	for _, m := range v.masks {
		if m.hide {
			add(m.path, false)
		}
	}
	return lines
}

// escapeIgnored makes a pattern of gitignore(5) that matches one name only.
func escapeIgnored(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(`\*?[ `, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}
