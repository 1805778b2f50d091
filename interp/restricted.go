package interp

import (
	"errors"
	"strings"
)

// The restricted shell of bash: set -r, which nothing takes back. It keeps a
// script that means no harm on its paths; against others there is the sandbox.

var errRestricted = errors.New("restricted")

// restrict protects the variables that would lead around the restrictions, in
// a shell that was started with -r; set -r does not.
func (sh *shell) restrict() {
	for _, name := range []string{"PATH", "SHELL", "ENV", "BASH_ENV", "HISTFILE"} {
		sh.setAttrs(name, attrReadonly, 0)
	}
}

// mayNot reports whether something is forbidden, and says so.
func (sh *shell) mayNot(what string) bool {
	if !sh.opts.on(optRestricted) {
		return false
	}
	sh.errorf("%s: restricted", what)
	return true
}

// mayNotName is mayNot for a name with a slash.
func (sh *shell) mayNotName(name, path string) bool {
	return strings.Contains(path, "/") && sh.mayNot(name+": "+path)
}

// mayPlace reports whether BASH_CMDS may say that a command is there: in a
// restricted shell that is a name, which PATH has to know.
func (sh *shell) mayPlace(path string) bool {
	if !sh.opts.on(optRestricted) {
		return true
	}
	if strings.Contains(path, "/") {
		sh.errorf("%s: restricted", path)
		return false
	}
	_, err := sh.searchPath(path, sh.path())
	if err != nil {
		sh.errorf("%s: not found", path)
	}
	return err == nil
}
