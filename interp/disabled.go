package interp

import (
	"sort"
	"strings"
)

// builtin looks a builtin up; nil if there is none or `enable -n` hid it.
func (sh *shell) builtin(name string) *builtin {
	b := sh.rt.builtins[name]
	if b != nil && sh.disabled != nil && sh.disabled[name] {
		return nil
	}
	return b
}

// setDisabled hides or shows a builtin. Subshells share the map, so it is
// copied.
func (sh *shell) setDisabled(name string, hide bool) {
	changed := make(map[string]bool, len(sh.disabled)+1)
	for k := range sh.disabled {
		changed[k] = true
	}
	if delete(changed, name); hide {
		changed[name] = true
	}
	sh.disabled = changed
}

// runEnable lists, hides and shows builtins.
func runEnable(sh *shell, args []string) int {
	opts := optionScanner{args: args[1:], spec: "anpsf:d"}
	special, disable, all := false, false, false
	for opts.next() {
		switch opts.letter {
		case 's':
			special = true
		case 'n':
			disable = true
		case 'a':
			all = true
		case 'f':
			sh.errorf("%s: cannot open shared object %s: dynamic loading is not supported", args[0], opts.value)
			return 1
		case 'd':
			sh.errorf("%s: %s: not dynamically loaded", args[0], strings.Join(opts.rest(), " "))
			return 1
		}
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	status := 0
	for _, name := range opts.rest() {
		if sh.rt.builtins[name] == nil {
			sh.errorf("%s: %s: not a shell builtin", args[0], name)
			status = 1
			continue
		}
		sh.setDisabled(name, disable)
	}
	if len(opts.rest()) > 0 {
		return status
	}
	var names []string
	for name, b := range sh.rt.builtins {
		if (!special || b.special || b.alias) && (all || disable == sh.disabled[name]) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	out := sh.scratch[:0]
	for _, name := range names {
		word := "enable "
		if sh.disabled[name] {
			word = "enable -n "
		}
		out = append(append(append(out, word...), name...), '\n')
	}
	return sh.emit(args[0], out)
}
