//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

// options is what the command line asks for. The shell part follows XCU sh:
// options end at the first operand, `-c` is a flag whose string is the first
// operand, and every letter has a `+` form that switches it off.
type options struct {
	// set holds options for the shell in order, as for set(1): "-e", "+u",
	// "-o pipefail".
	set         []string
	command     bool // -c
	stdin       bool // -s
	interactive bool // -i
	bash        bool // --bash
	posix       bool // --posix
	login       bool // -l, --login

	monitor bool   // -m: explain denials
	jobs    string // -m or +m, the last one
	debug   bool   // -d: and show what was allowed
	events  string
	unsafe  bool     // --unsafe-no-sandbox
	weaker  []string // --allow-weaker

	policyFile string
	rules      []policy.Flag // --allow-*, --deny-*, in order

	help, version bool
	operands      []string
}

// usageError is a command line that cannot be understood; exit status 2.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

// shellLetters are the options of set that are one letter on the command line.
// `-m` is not among them: given to fsh it means "monitor denials", see
// jobControl.
const shellLetters = "abCefhnuvxEBTP"

// optionNames are what may follow -o and +o.
var optionNames = []string{
	"allexport", "braceexpand", "emacs", "errexit", "errtrace", "functrace", "hashall", "histexpand", "ignoreeof",
	"monitor", "noclobber", "noexec", "noglob", "nolog", "notify", "nounset", "physical", "pipefail", "posix",
	"privileged", "verbose", "vi", "xtrace",
}

// ruleKinds are the flags that add one policy rule each.
var ruleKinds = policy.FlagKinds()

// parseArgs reads the command line after argv[0].
func parseArgs(args []string) (*options, error) {
	o := &options{}
	for len(args) > 0 {
		arg := args[0]
		var err error
		used := 1
		switch {
		case arg == "--" || arg == "-":
			o.operands = args[1:]
			return o, nil
		case strings.HasPrefix(arg, "--"):
			err = o.long(arg)
		case len(arg) > 1 && (arg[0] == '-' || arg[0] == '+'):
			used, err = o.letters(args)
		default:
			o.operands = args
			return o, nil
		}
		if err != nil {
			return nil, err
		}
		args = args[used:]
	}
	return o, nil
}

// letters reads one group such as -ex or +u, and the name that follows an o.
// It returns how many arguments it used.
func (o *options) letters(args []string) (int, error) {
	sign, used := args[0][:1], 1
	for _, c := range args[0][1:] {
		switch {
		case c == 'o':
			if used >= len(args) {
				return 0, &usageError{text: sign + "o: option name expected"}
			}
			name := args[used]
			if !slices.Contains(optionNames, name) {
				return 0, &usageError{fmt.Sprintf("%so %s: unknown option", sign, events.Printable(name)), suggest(name, optionNames, "")}
			}
			o.set = append(o.set, sign+"o "+name)
			used++
		case strings.ContainsRune(shellLetters, c):
			o.set = append(o.set, sign+string(c))
		default:
			flag := o.flag(c)
			if flag == nil || sign == "+" && c == 'c' {
				return 0, &usageError{fmt.Sprintf("%s%s: unknown option", sign, events.Printable(string(c))), suggest("", nil, "")}
			}
			*flag = sign == "-"
			if c == 'm' {
				o.jobs = sign + "m"
			}
		}
	}
	return used, nil
}

// jobControl is what -m and +m say to set. -m is job control, as POSIX has it,
// where there are no denials to explain or sh is asked for; in a script it is
// switched on by `set -m` or `-o monitor` as well.
func (o *options) jobControl(name string) []string {
	switch {
	case o.jobs == "+m", o.jobs == "-m" && (o.unsafe || o.posix || name == "sh"):
		return []string{o.jobs}
	}
	return nil
}

// flag is where a letter that is not one of set's is kept.
func (o *options) flag(c rune) *bool {
	switch c {
	case 'c':
		return &o.command
	case 's':
		return &o.stdin
	case 'i':
		return &o.interactive
	case 'l':
		return &o.login
	case 'm':
		return &o.monitor
	case 'd':
		return &o.debug
	}
	return nil
}

// long reads one --name or --name=value. Values come only with '=', so that no
// operand is ever swallowed.
func (o *options) long(arg string) error {
	name, value, hasValue := strings.Cut(arg[2:], "=")
	switches := map[string]*bool{
		"help": &o.help, "version": &o.version, "bash": &o.bash, "posix": &o.posix, "login": &o.login,
		"monitor": &o.monitor, "debug": &o.debug, "unsafe-no-sandbox": &o.unsafe,
	}
	values := map[string]*string{"policy": &o.policyFile, "events": &o.events}
	if flag := switches[name]; flag != nil {
		if hasValue {
			return &usageError{text: "--" + name + ": takes no value"}
		}
		*flag = true
		return nil
	}
	if name == "allow-weaker" {
		return o.giveUp(value)
	}
	into := values[name]
	isRule := slices.Contains(ruleKinds, name)
	switch {
	case into == nil && !isRule:
		return &usageError{"--" + events.Printable(name) + ": unknown option", suggest(name, longNames(switches, values), "--")}
	case !hasValue || value == "":
		return &usageError{"--" + name + ": value expected", "write --" + name + "=VALUE"}
	case into != nil:
		*into = value
		return nil
	}
	for v := range strings.SplitSeq(value, ",") {
		if v == "" {
			return &usageError{"--" + name + ": empty value", "write --" + name + "=VALUE[,VALUE]"}
		}
		o.rules = append(o.rules, policy.Flag{Kind: name, Value: v})
	}
	return nil
}

// giveUp reads the layers of --allow-weaker.
func (o *options) giveUp(value string) error {
	for layer := range strings.SplitSeq(value, ",") {
		if !slices.Contains(sandbox.WeakerLayers(), layer) {
			return &usageError{"--allow-weaker=" + events.Printable(layer) + ": no such layer",
				"write --allow-weaker=" + strings.Join(sandbox.WeakerLayers(), "|")}
		}
		o.weaker = append(o.weaker, layer)
	}
	return nil
}

func longNames(switches map[string]*bool, values map[string]*string) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(switches)), maps.Keys(values))
	names = append(append(names, ruleKinds...), "allow-weaker")
	slices.Sort(names) // of equally near ones always the same
	return names
}

// suggest is a hint for an option that does not exist.
func suggest(word string, known []string, dashes string) string {
	if near := policy.Nearest(word, known); near != "" {
		return "did you mean " + dashes + near + "?"
	}
	return "fsh --help lists the options"
}
