package interp

import (
	"sort"
	"strings"
)

// Programmable completion as scripts see it: complete keeps specifications,
// compgen computes what one gives. No prompt asks for them.
var completeBuiltins = []builtin{
	{name: "complete", run: runComplete, usage: "complete [-abcdefgjksuv] [-pr] [-DEI] [-o option] [-A action] [-G globpat] [-W wordlist] [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [name ...]"},
	{name: "compgen", run: runCompgen, usage: "compgen [-abcdefgjksuv] [-o option] [-A action] [-G globpat] [-W wordlist] [-F function] [-C command] [-X filterpat] [-P prefix] [-S suffix] [word]"},
	{name: "compopt", run: runCompopt, usage: "compopt [-o|+o option] [-DEI] [name ...]"},
}

// compActions are the actions in the order in which complete -p shows them:
// first those with a letter, 0 for the others.
var compActions = []struct {
	letter byte
	name   string
	words  func(sh *shell, word string) []string // nil: there are none here
}{
	{'a', "alias", func(sh *shell, _ string) []string { return sh.aliasNames() }},
	{'b', "builtin", func(sh *shell, _ string) []string { return sh.builtinNames(nil) }},
	{'c', "command", (*shell).commandNames},
	{'d', "directory", (*shell).directoryNames},
	{'e', "export", func(sh *shell, _ string) []string { return sh.setNames(attrExport) }},
	{'f', "file", (*shell).fileNames},
	{'g', "group", func(sh *shell, _ string) []string { return sh.accountNames("/etc/group") }},
	{'j', "job", nil},
	{'k', "keyword", func(*shell, string) []string { return keywordNames }},
	{'s', "service", nil},
	{'u', "user", func(sh *shell, _ string) []string { return sh.accountNames("/etc/passwd") }},
	{'v', "variable", func(sh *shell, _ string) []string { return sh.setNames(0) }},
	{0, "arrayvar", func(sh *shell, _ string) []string { return sh.setNames(attrIndexed | attrAssoc) }},
	{0, "binding", nil},
	{0, "disabled", func(sh *shell, _ string) []string {
		return sh.builtinNames(func(name string) bool { return sh.disabled[name] })
	}},
	{0, "enabled", func(sh *shell, _ string) []string {
		return sh.builtinNames(func(name string) bool { return !sh.disabled[name] })
	}},
	{0, "function", func(sh *shell, _ string) []string { return sh.functionNames() }},
	{0, "helptopic", func(*shell, string) []string { return helpTopicNames() }},
	{0, "hostname", nil},
	{0, "running", nil},
	{0, "setopt", func(*shell, string) []string { return setOptionNames() }},
	{0, "shopt", func(*shell, string) []string { return shoptOptionNames() }},
	{0, "signal", func(*shell, string) []string { return allSignalNames() }},
	{0, "stopped", nil},
}

// compOptions are the arguments of -o, sorted as complete -p shows them.
var compOptions = []string{"bashdefault", "default", "dirnames", "filenames", "noquote", "nosort", "nospace", "plusdirs"}

// compSpec is a completion specification. actions and options are sets of
// indices.
type compSpec struct {
	actions, options                    uint64
	glob, words, prefix, suffix, filter *string
	command, function                   *string
}

// completions are the specifications; subshells copy before they change them.
type completions struct {
	owner *shell
	names []string // oldest first
	specs map[string]*compSpec
}

// The names of the specifications of -D, -E and -I; no command has them.
const (
	compDefault = "\x00D"
	compEmpty   = "\x00E"
	compInitial = "\x00I"
)

func (sh *shell) writableCompletions() *completions {
	old := sh.completions
	if old != nil && old.owner == sh {
		return old
	}
	c := &completions{owner: sh, specs: map[string]*compSpec{}}
	if old != nil {
		c.names = append(c.names, old.names...)
		for name, spec := range old.specs {
			c.specs[name] = spec
		}
	}
	sh.completions = c
	return c
}

func (c *completions) set(name string, spec *compSpec) {
	if c.specs[name] == nil {
		c.names = append(c.names, name)
	}
	c.specs[name] = spec
}

func (c *completions) remove(name string) {
	delete(c.specs, name)
	for i, n := range c.names {
		if n == name {
			c.names = append(c.names[:i:i], c.names[i+1:]...)
		}
	}
}

// order is that of bash's table of 512 lists, the newest first in each.
func (c *completions) order() []string {
	names := make([]string, 0, len(c.names))
	for i := len(c.names) - 1; i >= 0; i-- {
		names = append(names, c.names[i])
	}
	bucket := func(name string) uint32 { return assocHash(shownCompName(name)) & 511 }
	sort.SliceStable(names, func(i, j int) bool { return bucket(names[i]) < bucket(names[j]) })
	return names
}

func shownCompName(name string) string {
	switch name {
	case compDefault:
		return "_DefaultCmD_"
	case compEmpty:
		return "_EmptycmD_"
	case compInitial:
		return "_InitialWorD_"
	}
	return name
}

// compCall is a parsed call of complete or compgen.
type compCall struct {
	compSpec
	print, remove bool
	special       []string // of -D, -E and -I
	given         bool     // something of a specification
	rest          []string
}

const compLetters = "abcdefgjksuvo:A:G:W:P:S:X:F:C:"

func (sh *shell) parseComp(args []string, spec string) (c *compCall, status int) {
	c = &compCall{}
	opts := optionScanner{args: args[1:], spec: spec}
	for opts.next() {
		if status := c.option(sh, args[0], &opts); status != 0 {
			return nil, status
		}
	}
	if opts.err != nil {
		return nil, sh.badCall(args[0], opts.err)
	}
	c.rest = opts.rest()
	return c, 0
}

func (c *compCall) option(sh *shell, name string, opts *optionScanner) int {
	value := opts.value
	switch opts.letter {
	case 'p':
		c.print = true
		return 0
	case 'r':
		c.remove = true
		return 0
	case 'D':
		c.special = append(c.special, compDefault)
		return 0
	case 'E':
		c.special = append(c.special, compEmpty)
		return 0
	case 'I':
		c.special = append(c.special, compInitial)
		return 0
	}
	c.given = true
	switch opts.letter {
	case 'o':
		bit, ok := compOption(value)
		if !ok {
			sh.errorf("%s: %s: invalid option name", name, value)
			return 2
		}
		c.options |= bit
	case 'A':
		for i, a := range compActions {
			if a.name == value {
				c.actions |= 1 << i
				return 0
			}
		}
		sh.errorf("%s: %s: invalid action name", name, value)
		return 2
	case 'G':
		c.glob = &value
	case 'W':
		c.words = &value
	case 'P':
		c.prefix = &value
	case 'S':
		c.suffix = &value
	case 'X':
		c.filter = &value
	case 'F':
		c.function = &value
	case 'C':
		c.command = &value
	default:
		for i, a := range compActions {
			if a.letter == opts.letter {
				c.actions |= 1 << i
			}
		}
	}
	return 0
}

func compOption(name string) (bit uint64, ok bool) {
	for i, o := range compOptions {
		if o == name {
			return 1 << i, true
		}
	}
	return 0, false
}

func runComplete(sh *shell, args []string) int {
	c, status := sh.parseComp(args, "prDEI"+compLetters)
	if c == nil {
		return status
	}
	names := c.rest
	if len(c.special) > 0 {
		names = c.special[:1] // the names are ignored
	}
	switch {
	case c.remove:
		return sh.removeCompletions(args[0], names)
	case c.print || len(args) == 1:
		return sh.showCompletions(args[0], names)
	case len(names) == 0:
		return sh.usageError(args[0])
	}
	all := sh.writableCompletions()
	for _, name := range names {
		spec := c.compSpec
		all.set(name, &spec)
	}
	return 0
}

func (sh *shell) removeCompletions(builtin string, names []string) int {
	if len(names) == 0 {
		sh.completions = nil
		return 0
	}
	status := 0
	all := sh.writableCompletions()
	for _, name := range names {
		if all.specs[name] == nil {
			sh.errorf("%s: %s: no completion specification", builtin, shownCompName(name))
			status = 1
			continue
		}
		all.remove(name)
	}
	return status
}

func (sh *shell) showCompletions(builtin string, names []string) int {
	all := sh.completions
	if all == nil {
		all = &completions{}
	}
	if len(names) == 0 {
		names = all.order()
	}
	status := 0
	var b strings.Builder
	for _, name := range names {
		spec := all.specs[name]
		if spec == nil {
			sh.errorf("%s: %s: no completion specification", builtin, shownCompName(name))
			status = 1
			continue
		}
		b.WriteString("complete " + spec.text() + compNameText(name) + "\n")
	}
	return max(status, sh.output(builtin, []byte(b.String())))
}

// text are the options that make the specification again.
func (s *compSpec) text() string {
	var b strings.Builder
	b.WriteString(s.optionText("-o "))
	for i, a := range compActions {
		if s.actions&(1<<i) == 0 {
			continue
		}
		if a.letter != 0 {
			b.WriteString("-" + string(rune(a.letter)) + " ")
		} else {
			b.WriteString("-A " + a.name + " ")
		}
	}
	for _, a := range []struct {
		letter string
		value  *string
	}{{"-G", s.glob}, {"-W", s.words}, {"-P", s.prefix}, {"-S", s.suffix}, {"-X", s.filter}, {"-C", s.command}} {
		if a.value != nil {
			b.WriteString(a.letter + " " + quoteSingle(*a.value) + " ")
		}
	}
	if s.function != nil {
		b.WriteString("-F " + quoteWord(*s.function) + " ")
	}
	return b.String()
}

func (s *compSpec) optionText(flag string) (text string) {
	for i, o := range compOptions {
		if s.options&(1<<i) != 0 {
			text += flag + o + " "
		}
	}
	return text
}

func compNameText(name string) string {
	if len(name) > 1 && name[0] == 0 {
		return "-" + name[1:]
	}
	return quoteWord(name)
}

// runCompopt changes the -o options of specifications. Without a name it is
// for functions that complete, which nothing here runs for a prompt.
func runCompopt(sh *shell, args []string) int {
	rest := args[1:]
	var on, off uint64
	var names []string
	for len(rest) > 0 && len(rest[0]) > 1 && (rest[0][0] == '-' || rest[0][0] == '+') {
		a := rest[0]
		rest = rest[1:]
		if a == "--" {
			break
		}
		switch {
		case a[1:] == "o" && len(rest) > 0:
			bit, ok := compOption(rest[0])
			if !ok {
				sh.errorf("%s: %s: invalid option name", args[0], rest[0])
				return 2
			}
			if rest = rest[1:]; a[0] == '-' {
				on |= bit
			} else {
				off |= bit
			}
		case a == "-D" || a == "-E" || a == "-I":
			names = append(names, "\x00"+a[1:])
		default:
			return sh.badOption(args[0], a[:2])
		}
	}
	if names = append(names, rest...); len(names) == 0 {
		sh.errorf("%s: not currently executing completion function", args[0])
		return 1
	}
	status := 0
	all := sh.writableCompletions()
	for _, name := range names {
		old := all.specs[name]
		if old == nil {
			sh.errorf("%s: %s: no completion specification", args[0], shownCompName(name))
			status = 1
			continue
		}
		changed := *old
		changed.options = changed.options&^off | on
		all.specs[name] = &changed
		if on|off == 0 {
			sh.showCompopt(args[0], name, &changed)
		}
	}
	return status
}

// showCompopt prints the options of a specification, those that are off with +o.
func (sh *shell) showCompopt(builtin, name string, s *compSpec) {
	text := "compopt "
	for i, o := range compOptions {
		flag := "+o "
		if s.options&(1<<i) != 0 {
			flag = "-o "
		}
		text += flag + o + " "
	}
	sh.output(builtin, []byte(text+compNameText(name)+"\n"))
}
