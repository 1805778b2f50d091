package interp

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/fsh-sh/fsh/interp/pattern"
)

// helpBuiltins are bash's alone: elsewhere the names are free for commands.
var helpBuiltins = []builtin{
	{name: "help", run: runHelp, usage: "help [-dms] [pattern ...]"},
	{name: "logout", run: runLogout, usage: "logout [n]"},
	{name: "bind", run: runBind, usage: "bind [-lpsvPSVX] [-m keymap] [-f filename] [-q name] [-u name] [-r keyseq] [-x keyseq:shell-command] [keyseq:readline-function or readline-command]"},
}

// helpless are the builtins that take --help for any other argument.
var helpless = []string{"echo", "test", "[", ":", "true", "false"}

// helpOrRun runs a builtin, or prints what help says of it where bash does.
func (sh *shell) helpOrRun(b *builtin, args []string) int {
	if len(args) > 1 && args[1] == "--help" && sh.rt.bash && !b.own && !slices.Contains(helpless, b.name) {
		runHelp(sh, []string{"help", b.name})
		return 2
	}
	return b.run(sh, args)
}

// helpTopic is what help knows. usage is "" for builtins, whose table has it.
type helpTopic struct {
	name, usage, short string
	more               []string
}

func helpTopicNames() (names []string) {
	for i := range helpTopics {
		names = append(names, helpTopics[i].name)
	}
	return names
}

// topicUsage is how a topic is written in a script.
func (sh *shell) topicUsage(t *helpTopic) string {
	if t.usage != "" {
		return t.usage
	}
	if b := sh.rt.builtins[t.name]; b != nil && b.usage != "" {
		return b.usage
	}
	return t.name
}

func runHelp(sh *shell, args []string) int {
	layout := byte('l')
	opts := optionScanner{args: args[1:], spec: "dms"}
	for opts.next() {
		layout = opts.letter
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	patterns := opts.rest()
	if len(patterns) == 0 {
		return sh.emit(args[0], sh.helpOverview())
	}
	var b strings.Builder
	if pattern.HasMeta(patterns[0], 0) {
		b.WriteString(helpKeywords(patterns))
	}
	found, status := false, 0
	for _, p := range patterns {
		topics := topicsLike(p)
		for _, t := range topics {
			sh.helpOne(&b, t, layout)
		}
		found = found || len(topics) > 0
	}
	if last := patterns[len(patterns)-1]; !found {
		sh.errorf("%s: no help topics match `%s'.  Try `help help' or `man -k %s' or `info %s'.", args[0], last, last, last)
		status = 1
	}
	return max(status, sh.emit(args[0], append(sh.scratch[:0], b.String()...)))
}

func helpKeywords(patterns []string) string {
	word := "keyword"
	if len(patterns) > 1 {
		word = "keywords"
	}
	return "Shell commands matching " + word + " `" + strings.Join(patterns, "', `") + "'\n\n"
}

// topicsLike are those of a name or pattern, or else those that begin so.
func topicsLike(text string) (found []*helpTopic) {
	match := pattern.Compile(text, 0)
	for i := range helpTopics {
		if t := &helpTopics[i]; t.name == text || match.Match(t.name) {
			found = append(found, t)
		}
	}
	if found != nil {
		return found
	}
	for i := range helpTopics {
		if t := &helpTopics[i]; strings.HasPrefix(t.name, text) {
			found = append(found, t)
		}
	}
	return found
}

func (sh *shell) helpOne(b *strings.Builder, t *helpTopic, layout byte) {
	usage := sh.topicUsage(t)
	switch layout {
	case 'd':
		b.WriteString(t.name + " - " + t.short + "\n")
		return
	case 's':
		b.WriteString(t.name + ": " + usage + "\n")
		return
	case 'm':
		b.WriteString("NAME\n    " + t.name + " - " + t.short + "\n\nSYNOPSIS\n    " + usage + "\n\nDESCRIPTION\n")
	default:
		b.WriteString(t.name + ": " + usage + "\n")
	}
	b.WriteString("    " + t.short + "\n")
	for _, line := range t.more {
		b.WriteString("    " + line + "\n")
	}
	if layout == 'm' {
		b.WriteString("\nSEE ALSO\n    fsh help, sh(1)\n\n")
	}
}

// helpOverview lists how everything is written, in two columns.
func (sh *shell) helpOverview() []byte {
	columns, err := strconv.Atoi(sh.getOr("COLUMNS", ""))
	if err != nil || columns < 20 {
		columns = 80
	}
	width := min(columns/2, 40) - 1
	topics := slices.Clone(helpTopics)
	slices.SortStableFunc(topics, func(a, b helpTopic) int {
		return cmp.Compare(sh.topicUsage(&a), sh.topicUsage(&b))
	})
	out := append(sh.scratch[:0], "fsh, the dialect of bash "+bashVersion[:3]+".\n"+
		"help NAME says more about one of these commands, help -d PATTERN what they are for.\n"+
		"A star (*) marks what enable -n has switched off.\n\n"...)
	rows := (len(topics) + 1) / 2
	for i := range rows {
		line := sh.helpCell(&topics[i], width)
		if other := i + rows; other < len(topics) {
			line += strings.Repeat(" ", max(width+1-len(line), 0)) + sh.helpCell(&topics[other], width)
		}
		out = append(append(out, strings.TrimRight(line, " ")...), '\n')
	}
	return out
}

func (sh *shell) helpCell(t *helpTopic, width int) string {
	mark := " "
	if sh.disabled[t.name] {
		mark = "*"
	}
	text := mark + sh.topicUsage(t)
	if len(text) >= width {
		text = text[:width-1] + ">"
	}
	return text
}

// runLogout is exit, for a login shell.
func runLogout(sh *shell, args []string) int {
	if !sh.rt.login {
		sh.errorf("%s: not login shell: use `exit'", args[0])
		return 1
	}
	return runExit(sh, args)
}

// runBind takes what start-up files tell the editor of bash's prompt: the one
// here has nothing that could be bound.
func runBind(sh *shell, args []string) int {
	if !sh.interactive() {
		sh.errorf("%s: warning: line editing not enabled", args[0])
	}
	opts := optionScanner{args: args[1:], spec: "lvpVPsSXf:q:u:m:r:x:"}
	file := ""
	for opts.next() {
		if opts.letter == 'f' {
			file = opts.value
		}
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	if file == "" {
		return 0
	}
	if _, err := sh.readWhole(file, args[0], maxScript); err != nil {
		sh.errorf("%s: %s: cannot read: %s", args[0], file, errText(err))
		return 1
	}
	return 0
}
