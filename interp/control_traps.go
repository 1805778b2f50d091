package interp

import (
	"maps"
	"slices"
	"strings"
	"syscall"
)

var trapBuiltins = []builtin{
	{name: "trap", special: true, run: runTrap, usage: "trap [-lp] [[arg] signal_spec ...]"},
}

func runTrap(sh *shell, args []string) int {
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "-l" {
		return sh.listSignals("trap", nil)
	}
	print := false
	if len(rest) > 0 && rest[0] == "-p" {
		print, rest = true, rest[1:]
	}
	ended := len(rest) > 0 && rest[0] == "--"
	if ended {
		rest = rest[1:]
	}
	switch {
	case print && !ended && len(rest) > 0 && isOption(rest[0]) && sh.bash():
		return sh.badOption(args[0], rest[0][:2])
	case len(rest) == 0 || print:
		return sh.showTraps(rest, print && !sh.bash())
	case !ended && len(rest[0]) > 1 && rest[0][0] == '-':
		return sh.badOption(args[0], rest[0])
	}
	action, remove := rest[0], rest[0] == "-"
	conditions := rest[1:]
	if _, ok := trapNumber(action); ok && (len(conditions) == 0 || isNumber(action)) {
		remove, conditions = true, rest
	}
	if len(conditions) == 0 {
		if sh.bash() && len(action) > 1 && action[0] == '-' {
			return sh.badOption(args[0], action)
		}
		sh.errorf("trap: %s: no condition to act on", action)
		if sh.bash() {
			return 2
		}
		return 1
	}
	status := 0
	for _, c := range conditions {
		n, ok := trapNumber(c)
		if !ok {
			sh.errorf("trap: %s: %s", c, sh.worded("bad trap", "invalid signal specification"))
			status = 1
			continue
		}
		sh.setTrap(n, action, remove)
	}
	return status
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// trapNumber is the number of a condition; the pseudo-signals of bash lie
// behind the real ones.
func trapNumber(s string) (int, bool) {
	switch strings.ToUpper(s) {
	case "EXIT", "0":
		return trapOnExit, true
	case "ERR":
		return trapOnErr, true
	case "DEBUG":
		return trapOnDebug, true
	case "RETURN":
		return trapOnReturn, true
	}
	return signalByName(s)
}

func trapName(n int, bash bool) string {
	switch n {
	case trapOnExit:
		return "EXIT"
	case trapOnErr:
		return "ERR"
	case trapOnDebug:
		return "DEBUG"
	case trapOnReturn:
		return "RETURN"
	}
	if bash {
		return "SIG" + signalName(n)
	}
	return signalName(n)
}

// showTraps is trap without operands and trap -p. With all, those that are not
// set are listed, too, so that what is written restores them (XCU trap).
func (sh *shell) showTraps(conditions []string, all bool) int {
	commands := sh.trapActions(sh.rt.bash || all)
	numbers := slices.Sorted(maps.Keys(commands))
	if all {
		numbers = allConditions()
	}
	status := 0
	if len(conditions) > 0 {
		numbers = numbers[:0]
		for _, c := range conditions {
			n, ok := trapNumber(c)
			if !ok {
				sh.errorf("trap: %s: %s", c, sh.worded("bad trap", "invalid signal specification"))
				status = 1
				continue
			}
			numbers = append(numbers, n)
		}
	}
	var b strings.Builder
	for _, n := range numbers {
		action, ok := commands[n]
		switch {
		case ok:
			action = quoteSingle(action)
		case all:
			action = "-"
		default:
			continue
		}
		b.WriteString("trap -- " + action + " " + trapName(n, sh.bash()) + "\n")
	}
	return max(status, sh.output("trap", []byte(b.String())))
}

// trapActions are the traps that trap lists: in a subshell that has set none
// those it was started with. onEntry adds the signals that are ignored without
// a trap: those that cannot be trapped, and interrupts in the background.
func (sh *shell) trapActions(onEntry bool) map[int]string {
	sh.traps.mu.RLock()
	defer sh.traps.mu.RUnlock()
	list := sh.traps.commands
	if sh.traps.inherited != nil {
		list = sh.traps.inherited
	}
	commands := maps.Clone(list)
	if !onEntry {
		maps.DeleteFunc(commands, func(n int, s string) bool { return s == "" && n < 64 && sh.traps.detached&(1<<uint(n)) != 0 })
	}
	for sig := range sh.traps.ignored {
		if _, ok := commands[int(sig)]; !ok && onEntry {
			commands[int(sig)] = ""
		}
	}
	return commands
}

// allConditions are EXIT and the signals that can be trapped, but for the
// real-time ones.
func allConditions() (list []int) {
	list = append(list, trapOnExit)
	for n := 1; n < 32; n++ {
		if sig := syscall.Signal(n); sig != syscall.SIGKILL && sig != syscall.SIGSTOP {
			list = append(list, n)
		}
	}
	return list
}

// signalText is how a shell describes what killed a command (strsignal(3)).
func signalText(sig syscall.Signal) string {
	switch sig {
	case syscall.SIGHUP:
		return "Hangup"
	case syscall.SIGINT:
		return "Interrupt"
	}
	s := sig.String()
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		s = string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
