package interp

import (
	"strings"
	"syscall"
)

// nameKind is what a command name can be.
type nameKind uint8

const (
	kindNone nameKind = iota
	kindAlias
	kindKeyword
	kindFunction
	kindSpecial
	kindBuiltin
	kindFile
)

// typeWord is what `type -t` prints.
func (k nameKind) typeWord() string {
	switch k {
	case kindAlias:
		return "alias"
	case kindKeyword:
		return "keyword"
	case kindFunction:
		return "function"
	case kindSpecial, kindBuiltin:
		return "builtin"
	case kindFile:
		return "file"
	}
	return ""
}

// meaning is one thing that a command name stands for.
type meaning struct {
	kind   nameKind
	text   string // alias: value; file: path
	hashed bool
}

// isReserved reports whether a word is reserved (XCU 2.4, and bash's own).
func (sh *shell) isReserved(s string) bool {
	switch s {
	case "!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi",
		"for", "if", "in", "then", "until", "while":
		return true
	case "[[", "function", "select", "time": // reserved in every dialect
		return true
	case "]]", "coproc":
		return sh.rt.bash
	}
	return false
}

// lookupKinds restricts meanings.
type lookupKinds struct {
	all         bool // every meaning, not only the first
	noFunctions bool
	onlyFiles   bool
	path        string
}

// meanings lists what a name stands for, the one that wins first.
func (sh *shell) meanings(name string, want lookupKinds) []meaning {
	var found []meaning
	if !want.onlyFiles {
		if v, ok := sh.alias(name); ok && sh.expandsAliases() {
			found = append(found, meaning{kind: kindAlias, text: v})
		}
		if sh.isReserved(name) {
			found = append(found, meaning{kind: kindKeyword})
		}
		b := sh.builtin(name)
		switch {
		case b != nil && b.special:
			found = append(found, meaning{kind: kindSpecial})
		case b != nil && b.own:
			found = append(found, meaning{kind: kindBuiltin})
		}
		if f, _ := sh.funcs.get(name); f != nil && !want.noFunctions {
			found = append(found, meaning{kind: kindFunction})
		}
		if b != nil && !b.special && !b.own {
			found = append(found, meaning{kind: kindBuiltin})
		}
		if len(found) > 0 && !want.all {
			return found[:1]
		}
	}
	return append(found, sh.fileMeanings(name, want)...)
}

func (sh *shell) fileMeanings(name string, want lookupKinds) []meaning {
	if strings.Contains(name, "/") {
		if sh.executable(name) {
			return []meaning{{kind: kindFile, text: name}}
		}
		return nil
	}
	if path, ok := sh.hashed.get(name); ok && path != "" && !want.all && want.path == "" {
		sh.hit(name, 1)
		return []meaning{{kind: kindFile, text: path, hashed: true}}
	}
	path := want.path
	if path == "" {
		path = sh.path()
	}
	if !want.all {
		file, err := sh.searchPath(name, path)
		if err != nil {
			return nil
		}
		return []meaning{{kind: kindFile, text: file}}
	}
	var found []meaning
	for _, candidate := range pathCandidates(name, path) {
		if sh.executable(candidate) {
			found = append(found, meaning{kind: kindFile, text: candidate})
		}
	}
	return found
}

// pathCandidates are the files that a name without slash may mean. An empty
// entry is the working directory.
func pathCandidates(name, path string) []string {
	if name == "" {
		return nil
	}
	dirs := strings.Split(path, ":")
	for i, dir := range dirs {
		if dir == "" {
			dir = "."
		}
		dirs[i] = strings.TrimSuffix(dir, "/") + "/" + name
	}
	return dirs
}

// executable reports whether a path is a file that could be executed.
func (sh *shell) executable(path string) bool {
	var st syscall.Stat_t
	if sh.rt.sys.Stat(sh.dir, path, false, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return false
	}
	return sh.rt.sys.Access(sh.dir, path, accessExec) == nil
}

// describe is the line of `type` and `command -V`.
func (sh *shell) describe(name string, m meaning) string {
	switch m.kind {
	case kindAlias:
		if sh.bash() {
			return name + " is aliased to `" + m.text + "'"
		}
		return name + " is an alias for " + m.text
	case kindKeyword:
		return name + " is a shell keyword"
	case kindFunction:
		if f, _ := sh.funcs.get(name); sh.bash() {
			return name + " is a function\n" + strings.TrimSuffix(functionText(f.decl), "\n")
		}
		return name + " is a function"
	case kindSpecial:
		if sh.rt.bash && !sh.opts.on(optPosix) {
			return name + " is a shell builtin"
		}
		return name + " is a special shell builtin"
	case kindBuiltin:
		return name + " is a shell builtin"
	}
	switch {
	case m.hashed && sh.bash():
		return name + " is hashed (" + m.text + ")"
	case m.hashed:
		return name + " is a tracked alias for " + m.text
	}
	return name + " is " + m.text
}

// typeCall is a parsed type command.
type typeCall struct {
	want lookupKinds
	word bool // -t
	path bool // -p, -P
}

func runType(sh *shell, args []string) int {
	var c typeCall
	opts := optionScanner{args: args[1:], spec: "afptP"}
	for opts.next() {
		switch opts.letter {
		case 'a':
			c.want.all = true
		case 'f':
			c.want.noFunctions = true
		case 't':
			c.word, c.path = true, false
		case 'P':
			c.want.onlyFiles, c.word, c.path = true, false, true
		case 'p':
			c.word, c.path = false, true
		}
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	out, status := sh.scratch[:0], 0
	for _, name := range opts.rest() {
		found := sh.meanings(name, c.want)
		if len(found) == 0 {
			if !c.word && !c.path {
				sh.emit(args[0], out)
				out = sh.scratch[:0]
				sh.errorf("%s: %s: not found", args[0], name)
			}
			status = sh.notFoundStatus()
			continue
		}
		for _, m := range found {
			out = sh.appendType(out, &c, name, m)
		}
	}
	return max(status, sh.emit(args[0], out))
}

// notFoundStatus is the status of type and command -v for unknown names.
func (sh *shell) notFoundStatus() int {
	if sh.bash() {
		return 1
	}
	return 127
}

func (sh *shell) appendType(dst []byte, c *typeCall, name string, m meaning) []byte {
	switch {
	case c.word:
		return append(append(dst, m.kind.typeWord()...), '\n')
	case c.path && m.kind == kindFile:
		return append(append(dst, m.text...), '\n')
	case c.path:
		return dst
	}
	return append(append(dst, sh.describe(name, m)...), '\n')
}

// commandCall is a parsed command command.
type commandCall struct{ standard, brief, verbose bool }

// runCommand runs a command but no function, or with -v and -V says what it
// would be.
func runCommand(sh *shell, args []string) int {
	var c commandCall
	opts := optionScanner{args: args[1:], spec: "pvV"}
	for opts.next() {
		switch opts.letter {
		case 'p':
			if sh.mayNot(args[0] + ": -p") {
				return 1
			}
			c.standard = true
		case 'v':
			c.brief = true
		case 'V':
			c.verbose = true
		}
	}
	if opts.err != nil {
		return sh.badCall(args[0], opts.err)
	}
	rest := opts.rest()
	switch {
	case c.brief || c.verbose:
		return sh.commandQuery(args[0], rest, &c)
	case len(rest) == 0:
		return 0
	}
	if b := sh.builtin(rest[0]); b != nil {
		// XCU command: its errors do not end the script. Those of what eval and
		// dot read do, other than that it cannot be parsed.
		sh.special, sh.unread = false, 0
		status := sh.helpOrRun(b, rest)
		if b.special && sh.unread == sh.evalDepth+1 && sh.jump == flowExit {
			sh.jump = flowNext
		}
		return status
	}
	if !c.standard || strings.Contains(rest[0], "/") {
		return sh.runExternal(rest)
	}
	path, err := sh.searchPath(rest[0], sh.standardPath())
	if err != nil {
		return sh.execFailed(rest[0], err)
	}
	status, err := sh.startAndWait(path, rest)
	if err != nil {
		return sh.execFailed(rest[0], err)
	}
	return status
}

// standardPath is where command -p looks.
func (sh *shell) standardPath() string {
	if sh.bash() {
		return "/bin:/usr/bin"
	}
	return defaultPath
}

// commandsExec reports whether args are `command exec`, whose redirections
// stay as those of exec do.
func commandsExec(args []string) bool {
	i := 0
	for i < len(args) && (args[i] == "command" || i > 0 && (args[i] == "-p" || args[i] == "--")) {
		i++
	}
	return i > 0 && i < len(args) && args[i] == "exec"
}

// commandQuery is `command -v` and `command -V`.
func (sh *shell) commandQuery(name string, operands []string, c *commandCall) int {
	want := lookupKinds{}
	if c.standard {
		want.path = sh.standardPath()
	}
	out, status, some := sh.scratch[:0], 0, false
	for _, operand := range operands {
		found := sh.meanings(operand, want)
		if len(found) == 0 {
			if c.verbose {
				sh.errorf("%s: %s: not found", name, operand)
			}
			status = sh.notFoundStatus()
			continue
		}
		some = true
		text := operand
		switch m := found[0]; {
		case c.verbose:
			text = sh.describe(operand, m)
		case m.kind == kindAlias:
			text = "alias " + operand + "=" + quoteSingle(m.text)
		case m.kind == kindFile:
			text = m.text
		}
		out = append(append(out, text...), '\n')
	}
	if some && sh.bash() {
		status = 0 // one found name is enough for bash
	}
	return max(status, sh.emit(name, out))
}
