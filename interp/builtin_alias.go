package interp

import (
	"errors"
	"sort"
	"strings"
)

// nameBuiltins are the builtins about what command names mean.
var nameBuiltins = []builtin{
	{name: "alias", run: runAlias, usage: "alias [-p] [name[=value] ... ]"},
	{name: "unalias", run: runUnalias, usage: "unalias [-a] name [name ...]"},
	{name: "type", run: runType, usage: "type [-afptP] name [name ...]"},
	{name: "command", run: runCommand, usage: "command [-pVv] command [arg ...]"},
	{name: "hash", run: runHash, usage: "hash [-lr] [-p pathname] [-dt] [name ...]"},
	{name: "builtin", run: runBuiltin, usage: "builtin [shell-builtin [arg ...]]"},
	{name: "enable", run: runEnable, usage: "enable [-a] [-dnps] [-f filename] [name ...]"},
	{name: "caller", run: runCaller, usage: "caller [expr]"},
	{name: "shopt", run: runShopt, usage: "shopt [-pqsu] [-o] [optname ...]"},
	{name: "let", run: runLet, usage: "let arg [arg ...]"},
}

func runAlias(sh *shell, args []string) int {
	rest := args[1:]
	all := len(rest) == 0
	if len(rest) > 0 && (rest[0] == "-p" || rest[0] == "--") {
		all = rest[0] == "-p"
		rest = rest[1:]
	}
	if sh.bash() && len(args) > 1 && len(rest) == len(args)-1 && isOption(args[1]) {
		return sh.badOption(args[0], args[1][:2])
	}
	out := sh.scratch[:0]
	if all {
		for _, name := range sh.aliasNames() {
			out = sh.appendAlias(out, name)
		}
	}
	status := 0
	for _, a := range rest {
		name, value, assign := strings.Cut(a, "=")
		switch {
		case assign && !validAlias(name):
			sh.errorf(sh.worded("%s: %s: invalid alias name", "%s: `%s': invalid alias name"), args[0], name)
			status = 1
		case assign:
			sh.aliases.set(name, value)
		case !sh.hasAlias(a):
			sh.errorf("%s: %s%s not found", args[0], a, sh.worded("", ":"))
			status = 1
		default:
			out = sh.appendAlias(out, a)
		}
	}
	return max(status, sh.emit(args[0], out))
}

// validAlias excludes the characters that end or quote a word: such a name
// could never be used.
func validAlias(name string) bool {
	return name != "" && !strings.ContainsAny(name, " \t\n/$`=\\\"'|&;()<>")
}

// removedAlias in an overlay hides the parent's alias. No alias can have
// this value: NUL does not occur in arguments.
const removedAlias = "\x00"

func (sh *shell) alias(name string) (string, bool) {
	v, ok := sh.aliases.get(name)
	return v, ok && v != removedAlias
}

// expandsAliases: scripts for bash have to ask for aliases.
func (sh *shell) expandsAliases() bool {
	return !sh.bash() || sh.interactive() || sh.shopts.on(shoptExpandAliases)
}

func (sh *shell) hasAlias(name string) bool {
	_, ok := sh.alias(name)
	return ok
}

func (sh *shell) aliasNames() []string {
	var names []string
	sh.aliases.each(func(name, value string) {
		if value != removedAlias {
			names = append(names, name)
		}
	})
	sort.Strings(names)
	return names
}

// appendAlias prints an alias so that it can be read back.
func (sh *shell) appendAlias(dst []byte, name string) []byte {
	value, _ := sh.alias(name)
	if sh.bash() {
		dst = append(dst, "alias "...)
	}
	dst = append(append(dst, name...), '=')
	return append(append(dst, quoteSingle(value)...), '\n')
}

func runUnalias(sh *shell, args []string) int {
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "-a" {
		sh.aliases = table[string]{}
		return 0
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	} else if len(rest) > 0 && isOption(rest[0]) {
		return sh.badOption(args[0], rest[0][:2])
	}
	if len(rest) == 0 {
		return sh.usageError(args[0])
	}
	status := 0
	for _, name := range rest {
		if !sh.hasAlias(name) {
			sh.errorf("%s: %s%s not found", args[0], name, sh.worded("", ":"))
			status = 1
			continue
		}
		if sh.aliases.base == nil {
			sh.aliases.forget(name)
		} else {
			sh.aliases.set(name, removedAlias)
		}
	}
	return status
}

func runLet(sh *shell, args []string) int {
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		sh.errorf("%s: expression expected", args[0])
		return 1
	}
	value := int64(0)
	for _, expr := range rest {
		var err error
		if value, err = sh.arith(expr); err != nil {
			var unset *unsetError
			if errors.As(err, &unset) {
				sh.jump = sh.expansionFailed(err)
				return sh.status
			}
			sh.assignFailed(args[0], err)
			return 1
		}
	}
	if value == 0 {
		return 1
	}
	return 0
}
