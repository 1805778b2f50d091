package interp

import (
	"fmt"
	"sort"
	"strings"
)

// shoptAccepted are bash's options that change nothing in a script here,
// with bash's defaults. They can be set, so that scripts which do it go on.
var shoptAccepted = map[string]bool{
	"assoc_expand_once": false, "autocd": false, "cdable_vars": false,
	"cdspell": false, "checkhash": false, "checkjobs": false,
	"checkwinsize": true, "cmdhist": true, "compat31": false,
	"compat32": false, "compat40": false, "compat41": false,
	"compat42": false, "compat43": false, "compat44": false,
	"complete_fullquote": true, "direxpand": false, "dirspell": false,
	"execfail": false, "extquote": true, "force_fignore": true,
	"globasciiranges": true, "gnu_errfmt": false,
	"histappend": false, "histreedit": false, "histverify": false,
	"hostcomplete": true, "huponexit": false, "interactive_comments": true,
	"lithist": false, "localvar_unset": false, "login_shell": false,
	"mailwarn": false, "no_empty_cmd_completion": false,
	"noexpand_translation": false, "patsub_replacement": true,
	"progcomp": true, "progcomp_alias": false, "promptvars": true,
	"restricted_shell": false, "shift_verbose": false,
}

// shoptCall is a parsed shopt command.
type shoptCall struct {
	set, unset, quiet, print, setO bool
}

func runShopt(sh *shell, args []string) int {
	var c shoptCall
	opts := optionScanner{args: args[1:], spec: "supqo"}
	for opts.next() {
		switch opts.letter {
		case 's':
			c.set = true
		case 'u':
			c.unset = true
		case 'p':
			c.print = true
		case 'q':
			c.quiet = true
		case 'o':
			c.setO = true
		}
	}
	switch {
	case opts.err != nil:
		return sh.badCall(args[0], opts.err)
	case c.set && c.unset:
		sh.errorf("%s: cannot set and unset shell options simultaneously", args[0])
		return 1
	}
	names := opts.rest()
	if len(names) == 0 {
		return sh.listShopts(args[0], &c)
	}
	out, status := sh.scratch[:0], 0
	for _, name := range names {
		on, ok := sh.shoptState(name, c.setO)
		switch {
		case !ok:
			sh.errorf("%s: %s: invalid %s name", args[0], name, shoptNoun(c.setO))
			status = 1
		case (c.set || c.unset) && c.setO:
			status = max(status, sh.setByName(name, c.set))
		case c.set || c.unset:
			sh.setShopt(name, c.set)
		default:
			if !c.quiet {
				out = appendShopt(out, &c, name, on)
			}
			if !on {
				status = 1
			}
		}
	}
	return max(status, sh.emit(args[0], out))
}

func shoptNoun(setO bool) string {
	if setO {
		return "option"
	}
	return "shell option"
}

func (sh *shell) shoptState(name string, setO bool) (on, ok bool) {
	if setO {
		bit, ok := optionByName(name)
		return sh.opts.on(bit), ok
	}
	for _, o := range shoptTable {
		if o.name == name {
			return sh.shopts.on(o.bit), true
		}
	}
	on, ok = shoptAccepted[name]
	if changed, has := sh.accepted[name]; has {
		on = changed
	}
	return on, ok
}

// acceptedShopt reports whether an option of shoptAccepted is on.
func (sh *shell) acceptedShopt(name string) bool {
	on, _ := sh.shoptState(name, false)
	return on && sh.rt.bash
}

// setByName is `set -o`: some options do more than to be on.
func (sh *shell) setByName(name string, on bool) int {
	sign := "+o"
	if on {
		sign = "-o"
	}
	return sh.rt.builtins["set"].run(sh, []string{"set", sign, name})
}

func (sh *shell) setShopt(name string, on bool) {
	for _, o := range shoptTable {
		if o.name == name {
			if sh.shopts &^= o.bit; on {
				sh.shopts |= o.bit
			}
			if o.bit == shoptExtdebug {
				sh.debugging(on)
			}
			return
		}
	}
	accepted := map[string]bool{name: on} // copied: subshells share the map
	for k, v := range sh.accepted {
		if k != name {
			accepted[k] = v
		}
	}
	sh.accepted = accepted
}

// debugging is what extdebug does besides.
func (sh *shell) debugging(on bool) {
	sh.opts &^= optErrtrace | optFunctrace
	if on {
		sh.opts |= optErrtrace | optFunctrace
		sh.beginArguments()
	}
}

// listShopts prints all options, or with -s and -u those that are on or off.
func (sh *shell) listShopts(name string, c *shoptCall) int {
	var names []string
	if c.setO {
		for _, o := range optionTable {
			if o.name != "" {
				names = append(names, o.name)
			}
		}
	} else {
		for _, o := range shoptTable {
			names = append(names, o.name)
		}
		for n := range shoptAccepted {
			names = append(names, n)
		}
	}
	sort.Slice(names, func(i, j int) bool { return shoptBefore(names[i], names[j]) })
	out := sh.scratch[:0]
	for _, n := range names {
		on, _ := sh.shoptState(n, c.setO)
		if c.set && !on || c.unset && on || c.quiet {
			continue
		}
		out = appendShopt(out, c, n, on)
	}
	return sh.emit(name, out)
}

// shoptBefore is the order in which bash lists its options: that of the
// alphabet, but for one.
func shoptBefore(a, b string) bool {
	if a == "autocd" || b == "autocd" {
		return a == "autocd" && b != "autocd"
	}
	return a < b
}

func appendShopt(dst []byte, c *shoptCall, name string, on bool) []byte {
	switch {
	case c.print && c.setO:
		return fmt.Appendf(dst, "set %so %s\n", map[bool]string{true: "-", false: "+"}[on], name)
	case c.print:
		return fmt.Appendf(dst, "shopt -%s %s\n", map[bool]string{true: "s", false: "u"}[on], name)
	}
	state := "off"
	if on {
		state = "on"
	}
	pad := strings.Repeat(" ", max(0, 15-len(name)))
	return append(append(dst, name...), pad+"\t"+state+"\n"...)
}

// runBuiltin runs a builtin whatever functions there are.
func runBuiltin(sh *shell, args []string) int {
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return 0
	}
	b := sh.builtin(rest[0])
	if b == nil && len(args) == len(rest)+1 && isOption(rest[0]) {
		return sh.badOption(args[0], rest[0][:2])
	}
	if b == nil {
		sh.errorf("%s: %s: not a shell builtin", args[0], rest[0])
		return 1
	}
	return sh.helpOrRun(b, rest)
}

// runCaller prints where the function or dot script being run was called.
func runCaller(sh *shell, args []string) int {
	depth, numbered := 0, len(args) > 1
	if len(sh.callStack) == 0 && sh.rt.script == "" {
		return 1
	}
	if numbered && isOption(args[1]) {
		return sh.badOption(args[0], args[1][:2])
	}
	if numbered {
		v, n := digits(args[1], 10, 6)
		if n == 0 || n != len(args[1]) {
			sh.errorf("%s: %s: invalid number", args[0], args[1])
			return sh.usageError(args[0])
		}
		depth = int(v)
	}
	at := len(sh.callStack) - 1 - depth
	if at < 0 && !numbered {
		return sh.output(args[0], []byte("0 NULL\n"))
	}
	if at < 0 || at == 0 && numbered && sh.rt.script == "" {
		return 1
	}
	site := sh.callStack[at]
	name, file := "main", sh.rt.script
	if at > 0 {
		name, file = sh.callStack[at-1].name, shownFile(sh.callStack[at-1].file)
	} else if file == "" {
		file = "NULL"
	}
	out := fmt.Appendf(sh.scratch[:0], "%d ", site.line)
	if numbered {
		out = append(append(out, name...), ' ')
	}
	return sh.emit(args[0], append(append(out, file...), '\n'))
}
