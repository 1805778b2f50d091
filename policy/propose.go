package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// markers are files by which a project shows what it is built with.
var markers = []struct{ file, preset string }{
	{"package.json", "node"}, {"go.mod", "go"}, {"Cargo.toml", "rust"},
	{"pyproject.toml", "python"}, {"requirements.txt", "python"}, {"setup.py", "python"}, {"Pipfile", "python"}, {"uv.lock", "python"},
	{"Makefile", "c"}, {"CMakeLists.txt", "c"}, {"configure", "c"}, {"configure.ac", "c"}, {"meson.build", "c"},
}

// Propose is the text of a .fsh.toml for a directory: the narrowest presets
// for what is in it, and comments on what could be added.
func Propose(dir string) string {
	var found, names []string
	for _, m := range markers {
		if info, err := os.Lstat(filepath.Join(dir, m.file)); err == nil && info.Mode().IsRegular() {
			found = append(found, m.file)
			if !slices.Contains(names, m.preset) {
				names = append(names, m.preset)
			}
		}
	}
	// A Makefile beside the files of another tool only calls that.
	if len(names) > 1 {
		names = slices.DeleteFunc(names, func(n string) bool { return n == "c" })
	}
	why := "nothing here says what it is built with, so only this directory can be written"
	if len(found) > 0 {
		why = "because of " + strings.Join(found, ", ")
	} else {
		names = []string{"base"}
	}
	denied := ""
	for _, secret := range []string{".env", ".env.local", ".npmrc", ".pypirc", "credentials.json", "service-account.json", "terraform.tfvars"} {
		if _, err := os.Lstat(filepath.Join(dir, secret)); err == nil {
			denied += fmt.Sprintf("%q, ", "./"+secret)
		}
	}
	comment := "# "
	if denied != "" {
		comment = ""
	} else {
		denied = `"./.env", `
	}
	return fmt.Sprintf(`# What programs may do here. Everything else is denied; secrets of your home,
# git's hooks and configuration, and this file are protected in any case.
# "fsh trust" puts it into effect, "fsh why write PATH" tells what a rule does.
version = 1
extends = [%s] # %s

%s[filesystem]
%sdeny_read = [%s]
# allow_write = ["../shared"]             # besides this directory; it must exist
# private_write = ["~/.cache/tool"]       # a copy for this project alone

# [network]
# allowed_domains = ["api.example.com"]   # ports 80 and 443; host:22, host:*
# allow_local_binding = true              # servers on the sandbox's own loopback
# expose_ports = [3000]                   # ... that this machine can reach
# allow_local_outbound = [5432]           # services of this machine

# [command]
# deny = ["git push"]

# [environment]
# pass = ["*", "NPM_TOKEN"]               # a secret is passed on only by its name

# [limits]
# memory = "4GiB"
`, `"`+strings.Join(names, `", "`)+`"`, why, comment, comment, strings.TrimSuffix(denied, ", "))
}
