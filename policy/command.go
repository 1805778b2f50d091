package policy

import (
	"path/filepath"
	"slices"
	"strings"
)

// Command rules are guardrails. They compare programs and arguments as they
// are executed, which stops accidents and honest programs: a script that wants
// to get past them copies the program, or writes its own. What must not happen
// is for the other tables to forbid.

// valueOptions are the options before a subcommand that take the next argument
// as their value, for programs whose subcommands people make rules about. Of
// other options, and of other programs, it is not known: a denial assumes what
// matches it.
var valueOptions = map[string][]string{
	"git":       {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env", "--attr-source"},
	"npm":       {"--prefix", "-C", "-w", "--workspace", "--registry", "--cache", "--userconfig", "--loglevel", "--tag", "--otp"},
	"pnpm":      {"-C", "--dir", "--filter", "-F", "--registry", "--loglevel", "--reporter"},
	"yarn":      {"--cwd", "--registry", "--cache-folder", "--modules-folder"},
	"cargo":     {"-C", "--config", "--color", "-Z"},
	"go":        {"-C"},
	"docker":    {"--config", "-c", "--context", "-H", "--host", "-l", "--log-level", "--tlscacert", "--tlscert", "--tlskey"},
	"podman":    {"--connection", "-c", "--root", "--runroot", "--log-level", "--url", "--storage-driver"},
	"kubectl":   {"-n", "--namespace", "--context", "--cluster", "--kubeconfig", "-s", "--server", "--user", "--token", "--as"},
	"gh":        {"-R", "--repo", "--hostname"},
	"systemctl": {"-H", "--host", "-M", "--machine", "-t", "--type", "-p", "--property", "-s", "--signal", "--root"},
	"make":      {"-C", "-f", "-I", "-o", "-W", "--directory", "--file", "--makefile", "--eval"},
	"apt-get":   {"-o", "-c", "-t", "--option", "--config-file", "--target-release"},
	"apt":       {"-o", "-c", "-t", "--option", "--config-file", "--target-release"},
	"pip":       {"--log", "--proxy", "--retries", "--timeout", "--cert", "--cache-dir", "--python"},
}

// wrapper is a program that executes the command in its arguments.
type wrapper struct {
	options  []string // that take a value
	operands int      // before the command
	assigns  bool     // NAME=value words before the command
}

var wrappers = map[string]wrapper{
	"env":     {options: []string{"-u", "--unset", "-C", "--chdir", "-a", "--argv0"}, assigns: true},
	"nohup":   {},
	"setsid":  {},
	"nice":    {options: []string{"-n", "--adjustment"}},
	"ionice":  {options: []string{"-c", "--class", "-n", "--classdata"}},
	"chrt":    {options: []string{"-T", "-P", "-D"}, operands: 1},
	"stdbuf":  {options: []string{"-i", "--input", "-o", "--output", "-e", "--error"}},
	"time":    {options: []string{"-f", "--format", "-o", "--output"}},
	"timeout": {options: []string{"-s", "--signal", "-k", "--kill-after"}, operands: 1},
	"xargs": {options: []string{"-a", "--arg-file", "-d", "--delimiter", "-E", "-I", "-L", "--max-lines", "-n", "--max-args",
		"-P", "--max-procs", "-s", "--max-chars", "--process-slot-var"}},
	"sudo":    {options: []string{"-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D", "-R", "-T"}, assigns: true},
	"doas":    {options: []string{"-u", "-C"}},
	"command": {},
	// Programs in one file, told apart by their first argument.
	"busybox": {}, "toybox": {}, "coreutils": {},
}

// maxWrapped is how many wrappers within each other are looked through.
const maxWrapped = 8

// DeniedCommand tells whether a guardrail forbids a command: argv, or the
// command that argv makes a wrapper such as env, xargs or busybox run. The
// program is known by argv[0] and by files, the names under which it is
// executed.
//
// An allow entry with more words than a denial is an exception to it; one with
// the same words lifts a built-in denial only. Options may stand before each
// word of a denial ("git push" is about "git -C x push"), but not before those
// of an exception.
func (p *Policy) DeniedCommand(argv []string, files ...string) (Rule, bool) {
	for range maxWrapped {
		if len(argv) == 0 {
			break
		}
		names := append([]string{argv[0]}, files...)
		if rule, denied := p.deniedAs(names, argv[1:]); denied {
			return rule, true
		}
		argv, files = unwrap(names, argv), nil
	}
	return Rule{}, false
}

func (p *Policy) deniedAs(names, args []string) (Rule, bool) {
	var room [2]string
	bases := room[:0]
	for _, name := range names {
		bases = append(bases, filepath.Base(name))
	}
	isProgram := func(r CommandRule) bool {
		for i, name := range names {
			if r.names(name, bases[i]) {
				return true
			}
		}
		return false
	}
	for _, r := range p.Command.Deny {
		if !isProgram(r) || !matchesArgs(r.Words, args) {
			continue
		}
		if !slices.ContainsFunc(p.Command.Allow, func(a CommandRule) bool {
			if r.Rule.Origin.Layer == "system" && a.Rule.Origin.Layer != "system" {
				return false // the ceiling
			}
			exception := len(a.Words) > len(r.Words) || len(a.Words) == len(r.Words) && r.Rule.Origin.Layer == "defaults"
			return exception && isProgram(a) && len(a.Words) <= len(args)+1 && slices.Equal(a.Words[1:], args[:len(a.Words)-1])
		}) {
			return r.Rule, true
		}
	}
	return Rule{}, false
}

// names: a rule with a slash is about this path, another about every file of
// this name, the base of the path.
func (r *CommandRule) names(program, base string) bool {
	word := r.Words[0]
	return word == program || word == base && !strings.Contains(word, "/") || slices.Contains(r.Files, program)
}

// matchesArgs tells whether the rule's words lead the arguments, when options
// in between are skipped. at[i] says that the first i+1 words can have been
// found so far; an option of an unknown program leaves two possibilities, so
// skip holds those in which the next argument is its value.
func matchesArgs(words, args []string) bool {
	last := len(words) - 1
	if last == 0 {
		return true
	}
	values, known := valueOptions[filepath.Base(words[0])]
	at, skip := make([]bool, last+1), make([]bool, last+1)
	at[0] = true
	for _, arg := range args {
		option := len(arg) > 1 && arg[0] == '-'
		maybe := option && arg != "--" && !strings.Contains(arg, "=")
		next, nextSkip := make([]bool, last+1), make([]bool, last+1)
		for i := range last {
			if skip[i] {
				next[i] = true // arg was a value
			}
			if !at[i] {
				continue
			}
			if arg == words[i+1] {
				next[i+1] = true
			}
			if option {
				sure := known && i == 0
				takes := maybe && (!sure || slices.Contains(values, arg))
				next[i] = next[i] || !sure || !takes
				nextSkip[i] = takes
			}
		}
		if next[last] {
			return true
		}
		if !slices.Contains(next, true) && !slices.Contains(nextSkip, true) {
			return false
		}
		at, skip = next, nextSkip
	}
	return false
}

// unwrap is the command that a wrapper is about to run, or nil.
func unwrap(names, argv []string) []string {
	var w wrapper
	found := false
	for _, name := range names {
		if w, found = wrappers[filepath.Base(name)]; found {
			break
		}
	}
	if !found {
		return nil
	}
	args, operands := argv[1:], w.operands
	for len(args) > 0 {
		arg := args[0]
		name, _, assigns := strings.Cut(arg, "=")
		switch {
		case arg == "--":
			return args[min(1+operands, len(args)):]
		case len(arg) > 1 && arg[0] == '-':
			if slices.Contains(w.options, arg) {
				args = args[1:]
			}
		case w.assigns && assigns && isName(name):
		case operands > 0:
			operands--
		default:
			return args
		}
		args = args[min(1, len(args)):]
	}
	return nil
}

// NamesCommands tells whether a file or a flag has rules about commands, which
// are then looked at wherever a program is executed and not only by the shell.
func (p *Policy) NamesCommands() bool {
	return slices.ContainsFunc(p.Command.Deny, func(r CommandRule) bool { return r.Rule.Origin.Layer != "defaults" })
}
