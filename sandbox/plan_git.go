package sandbox

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/fsh-sh/fsh/policy"
)

// hooksOf gives the directories that the user's and the machine's own
// configuration of git name for the hooks of every repository
// (core.hooksPath): a relative one is below each working tree.
func hooksOf(home string) []string {
	files := []string{"/etc/gitconfig"}
	if filepath.IsAbs(home) {
		files = append(files, filepath.Join(home, ".gitconfig"), filepath.Join(home, ".config", "git", "config"))
	}
	if d := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(d) {
		files = append(files, filepath.Join(d, "git", "config"))
	}
	var dirs []string
	for _, file := range files {
		for _, o := range configOrders(userConfig(file)) {
			if o.name != "core.hookspath" || o.value == "" {
				continue
			}
			if rest, ok := strings.CutPrefix(o.value, "~/"); ok && filepath.IsAbs(home) {
				o.value = filepath.Join(home, rest)
			}
			if st, err := os.Stat(o.value); filepath.IsAbs(o.value) && err == nil && !st.IsDir() {
				continue // /dev/null: no hooks at all
			}
			dirs = append(dirs, filepath.Clean(o.value))
		}
	}
	return dirs
}

// userConfig reads a file of the user's own, which may be a link to where they
// keep such files.
func userConfig(path string) string {
	text, err := readRegular(path, 0, 0)
	if err != nil {
		return ""
	}
	return text
}

// hooks protects them where git's own hooks are.
func (pl *Plan) hooks(p *policy.Policy, dirs []string) {
	for _, r := range p.Filesystem.Protected {
		if r.Pattern != ".git/hooks" {
			continue
		}
		for _, dir := range dirs {
			switch {
			case filepath.IsAbs(dir):
				pl.add(Step{Op: OpSeal, Path: dir, Rule: ruleText(r)})
			case filepath.IsLocal(dir) && dir != ".":
				pl.add(Step{Op: OpProtect, Path: dir, Except: r.Except, Rule: ruleText(r)})
			}
		}
	}
}
