package interp

import (
	"sort"
	"strconv"
	"strings"
	"syscall"

	"github.com/fsh-sh/fsh/interp/parse"
	"github.com/fsh-sh/fsh/interp/pattern"
	"mvdan.cc/sh/v3/syntax"
)

// keywordNames are what compgen -k lists, in bash's order.
var keywordNames = []string{
	"if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do", "done",
	"in", "function", "time", "{", "}", "!", "[[", "]]", "coproc",
}

// runCompgen prints what a specification gives for a word.
func runCompgen(sh *shell, args []string) int {
	c, status := sh.parseComp(args, compLetters)
	if c == nil {
		return status
	}
	if len(args) == 1 {
		return 0
	}
	word := ""
	if len(c.rest) > 0 {
		word = c.rest[0]
	}
	list, err := c.candidates(sh, word)
	if err != nil {
		sh.errorf("%s: %s", args[0], err)
		return 1
	}
	if len(list) == 0 {
		return 1
	}
	return sh.output(args[0], []byte(strings.Join(list, "\n")+"\n"))
}

func (s *compSpec) candidates(sh *shell, word string) ([]string, error) {
	var list []string
	for i, a := range compActions {
		if s.actions&(1<<i) != 0 && a.words != nil {
			list = append(list, startingWith(a.words(sh, word), word)...)
		}
	}
	if s.glob != nil {
		found, err := sh.glob(nil, *s.glob, "")
		if err != nil {
			return nil, err
		}
		list = append(list, startingWith(found, "")...)
	}
	if s.words != nil {
		words, err := sh.splitWordList(*s.words)
		if err != nil {
			return nil, err
		}
		list = append(list, startingWith(words, word)...)
	}
	if s.function != nil {
		list = append(list, sh.callCompletion(*s.function, word)...)
	}
	if s.command != nil {
		out, err := sh.captureText(*s.command + " compgen " + quoteSingle(word) + " ''")
		if err != nil {
			return nil, err
		}
		if out != "" {
			list = append(list, strings.Split(out, "\n")...)
		}
	}
	if s.filter != nil {
		list = s.filtered(sh, list, word)
	}
	return s.decorated(list), nil
}

// filtered removes what the pattern of -X matches, or with ! does not match.
// An & in it is the word.
func (s *compSpec) filtered(sh *shell, list []string, word string) []string {
	src, keep := strings.CutPrefix(*s.filter, "!")
	var b strings.Builder
	for i := 0; i < len(src); i++ {
		switch {
		case src[i] == '\\' && i+1 < len(src) && src[i+1] == '&':
			i++
			b.WriteByte('&')
		case src[i] == '&':
			b.WriteString(word)
		default:
			b.WriteByte(src[i])
		}
	}
	p := pattern.Compile(b.String(), sh.globFlags()|pattern.Extglob)
	kept := list[:0]
	for _, w := range list {
		if p.Match(w) == keep {
			kept = append(kept, w)
		}
	}
	return kept
}

func (s *compSpec) decorated(list []string) []string {
	for i := range list {
		if s.prefix != nil {
			list[i] = *s.prefix + list[i]
		}
		if s.suffix != nil {
			list[i] += *s.suffix
		}
	}
	return list
}

func startingWith(words []string, prefix string) (found []string) {
	for _, w := range words {
		if w != "" && strings.HasPrefix(w, prefix) {
			found = append(found, w)
		}
	}
	return found
}

// callCompletion runs the function of -F; its words are in COMPREPLY.
func (sh *shell) callCompletion(name, word string) []string {
	fn, _ := sh.funcs.get(name)
	if fn == nil {
		sh.errorf("compgen: warning: -F option may not work as you expect")
		return nil
	}
	status := sh.status
	if f := sh.call(fn, []string{name, "compgen", word, ""}); f != flowNext {
		sh.jump = f
		return nil
	}
	sh.status = status
	v := sh.lookupVar("COMPREPLY")
	if v == nil {
		return nil
	}
	list := append([]string(nil), v.elements().vals...)
	sh.unsetVar("COMPREPLY")
	return list
}

// captureText is the output of commands known as text.
func (sh *shell) captureText(text string) (string, error) {
	p := parse.New(parse.String(text), sh.parseOptions("compgen", sh.line))
	c := &compiler{file: sh.file}
	var all []*syntax.Stmt
	for {
		stmts, err := p.Next()
		if err != nil {
			break
		}
		all = append(all, stmts...)
	}
	body := c.list(all)
	if c.err != nil {
		return "", c.err
	}
	return sh.commandSubst(body)
}

// splitWordList cuts the list of -W at the characters of IFS that are not
// quoted, and expands each word.
func (sh *shell) splitWordList(text string) (words []string, err error) {
	ifs := sh.getOr("IFS", " \t\n")
	for _, w := range cutQuoted(text, ifs) {
		switch {
		case !strings.ContainsAny(w, "$`\\'\""):
			words = append(words, w)
		case !strings.ContainsAny(w, "\\'\""):
			words = append(words, strings.FieldsFunc(sh.expandPrompt(w), func(r rune) bool {
				return strings.ContainsRune(ifs, r)
			})...)
		default:
			more, err := sh.expandWords(w)
			if err != nil {
				return nil, err
			}
			words = append(words, more...)
		}
	}
	return words, nil
}

// cutQuoted splits at any of the characters outside of quotes and substitutions.
func cutQuoted(text, at string) (parts []string) {
	start, depth := -1, 0
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		if quote == 0 && depth == 0 && strings.IndexByte(at, c) >= 0 {
			if start >= 0 {
				parts = append(parts, text[start:i])
			}
			start = -1
			continue
		}
		if start < 0 {
			start = i
		}
		switch {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '$' && i+1 < len(text) && (text[i+1] == '(' || text[i+1] == '{'):
			depth++
			i++
		case depth > 0 && (c == '(' || c == '{'):
			depth++
		case depth > 0 && (c == ')' || c == '}'):
			depth--
		}
	}
	if start >= 0 {
		parts = append(parts, text[start:])
	}
	return parts
}

// expandWords expands text as the words of a command, but for path names.
func (sh *shell) expandWords(text string) (words []string, err error) {
	p := parse.New(parse.String("_=("+text+")"), parse.Options{Bash: true})
	stmts, err := p.Next()
	if err != nil || len(stmts) != 1 {
		return []string{text}, nil
	}
	call, ok := stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Assigns) != 1 || call.Assigns[0].Array == nil {
		return []string{text}, nil
	}
	opts := sh.opts
	sh.opts |= optNoglob
	defer func() { sh.opts = opts }()
	c := &compiler{file: sh.file}
	for _, e := range call.Assigns[0].Array.Elems {
		if e.Value == nil {
			continue
		}
		if words, err = compileWord(c, e.Value).fields(sh, words); err != nil {
			return nil, err
		}
	}
	return words, nil
}

func (sh *shell) builtinNames(accept func(string) bool) (names []string) {
	for name := range sh.rt.builtins {
		if accept == nil || accept(name) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func (sh *shell) functionNames() (names []string) {
	sh.funcs.each(func(name string, fn *function) {
		if fn != nil {
			names = append(names, name)
		}
	})
	sort.Strings(names)
	return names
}

func (sh *shell) setNames(with attr) []string {
	return sh.variableNames(func(v *variable) bool {
		return (v.is(attrSet) || v.array != nil || v.assoc != nil) && (with == 0 || v.is(with))
	})
}

// fileNames are the paths that begin with the word.
func (sh *shell) fileNames(word string) []string {
	paths, err := sh.glob(nil, escapePattern(word)+"*", "")
	if err != nil {
		return nil
	}
	return paths
}

func (sh *shell) directoryNames(word string) (dirs []string) {
	for _, path := range sh.fileNames(word) {
		var st syscall.Stat_t
		if sh.rt.sys.Stat(sh.dir, path, false, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFDIR {
			dirs = append(dirs, path)
		}
	}
	return dirs
}

// commandNames are words that can begin a command.
func (sh *shell) commandNames(word string) []string {
	names := append(sh.aliasNames(), keywordNames...)
	names = append(append(names, sh.functionNames()...), sh.builtinNames(nil)...)
	if strings.Contains(word, "/") {
		return append(names, sh.fileNames(word)...)
	}
	for _, dir := range strings.Split(sh.path(), ":") {
		if dir == "" {
			dir = "."
		}
		for _, path := range sh.fileNames(dir + "/" + word) {
			if sh.rt.sys.Access(sh.dir, path, accessExec) == nil {
				names = append(names, path[len(dir)+1:])
			}
		}
	}
	return names
}

// accountNames are the names at the start of the lines of a file such as
// /etc/passwd.
func (sh *shell) accountNames(path string) (names []string) {
	text, err := sh.readScript(path, "compgen")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			names = append(names, name)
		}
	}
	return names
}

func setOptionNames() (names []string) {
	for _, o := range optionTable {
		if o.name != "" {
			names = append(names, o.name)
		}
	}
	sort.Strings(names)
	return names
}

func shoptOptionNames() (names []string) {
	for _, o := range shoptTable {
		names = append(names, o.name)
	}
	for name := range shoptAccepted {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// allSignalNames are the conditions of trap in bash's order; it names the two
// signals that the C library keeps for itself.
func allSignalNames() []string {
	names := []string{"EXIT"}
	for n := 1; n <= signalRTMax; n++ {
		if name := signalName(n); name == strconv.Itoa(n) {
			names = append(names, "SIGJUNK("+name+")")
		} else {
			names = append(names, "SIG"+name)
		}
	}
	return append(names, "DEBUG", "ERR", "RETURN")
}

// escapePattern quotes what has a meaning in patterns.
func escapePattern(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`\*?[]()|!+@`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
