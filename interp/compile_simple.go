package interp

import (
	"errors"

	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// simple is a compiled simple command (XCU 2.9.1).
type simple struct {
	assigns []assign
	words   []*word
	redirs  []redir
	line    int
	source  syntax.Node
	refs    []bool  // of builtins that take elements of arrays: the words that are such
	keyword *simple // the same with set -k; nil when that makes no difference
}

func (c *compiler) words(ws []*syntax.Word) []*word {
	words := make([]*word, len(ws))
	for i, w := range ws {
		words[i] = compileWord(c, w)
	}
	return words
}

func (c *compiler) simple(call *syntax.CallExpr, s *syntax.Stmt) node {
	cmd := &simple{
		assigns: c.assigns(call.Assigns),
		words:   c.commandWords(call.Args),
		redirs:  c.redirects(s.Redirs),
		line:    int(s.Pos().Line()),
		source:  withRedirects(call, s),
	}
	if len(call.Args) == 0 && len(cmd.redirs) == 0 {
		return cmd.assignOnly
	}
	if len(call.Args) > 0 && elementBuiltins[call.Args[0].Lit()] {
		for _, w := range call.Args {
			cmd.refs = append(cmd.refs, isElement(w))
		}
	}
	if args, assigns := keywords(call.Args); len(assigns) > 0 {
		k := *cmd
		k.words = c.commandWords(args)
		k.assigns = append(k.assigns[:len(k.assigns):len(k.assigns)], c.assigns(assigns)...)
		cmd.keyword = &k
	}
	return cmd.run
}

// elementBuiltins take elements of arrays as arguments.
var elementBuiltins = map[string]bool{"unset": true, "read": true, "printf": true, "wait": true}

// isElement reports whether a word has the form name[subscript].
func isElement(w *syntax.Word) bool {
	first, ok1 := w.Parts[0].(*syntax.Lit)
	last, ok2 := w.Parts[len(w.Parts)-1].(*syntax.Lit)
	if !ok1 || !ok2 || !strings.HasSuffix(last.Value, "]") {
		return false
	}
	name, _, found := strings.Cut(first.Value, "[")
	return found && validName(name)
}

// keywords takes the arguments that have the form of assignments out, which
// set -k makes assignments.
func keywords(args []*syntax.Word) (rest []*syntax.Word, assigns []*syntax.Assign) {
	for i, w := range args {
		if i == 0 || !isAssignment(w) {
			rest = append(rest, w)
			continue
		}
		first := *w.Parts[0].(*syntax.Lit)
		name, value, _ := strings.Cut(first.Value, "=")
		first.Value = value
		a := &syntax.Assign{Name: &syntax.Lit{Value: strings.TrimSuffix(name, "+")}, Append: strings.HasSuffix(name, "+")}
		parts := w.Parts[1:]
		if value != "" {
			parts = append([]syntax.WordPart{&first}, parts...)
		}
		if len(parts) > 0 {
			a.Value = &syntax.Word{Parts: parts}
		}
		assigns = append(assigns, a)
	}
	return rest, assigns
}

// assignOnly is a command of assignments alone.
func (s *simple) assignOnly(sh *shell) flow {
	sh.line = s.line
	if sh.traps.pseudo {
		sh.beginCommand(s.source)
		if f, skip := sh.beforeCommand(); skip {
			return f
		}
	}
	sh.pipeStatus = nil
	sh.substRan, sh.lastArg = false, ""
	if err := s.assign(sh); err != nil {
		return sh.assignmentFailed(err)
	}
	if !sh.substRan {
		sh.status = 0
		return flowNext
	}
	sh.status = sh.substStatus
	return sh.failed()
}

// assign makes the assignments of a command without a name, which -x of other
// shells than bash then shows in one line.
func (s *simple) assign(sh *shell) error {
	line := ""
	for i := range s.assigns {
		a := &s.assigns[i]
		if err := a.shown(sh); err != nil {
			return err
		}
		if sh.opts.on(optXtrace) && !sh.rt.bash {
			line += " " + a.traced(sh)
		}
	}
	if line != "" {
		sh.trace(line[1:])
	}
	return nil
}

func (s *simple) run(sh *shell) flow {
	if s.keyword != nil && sh.opts.on(optKeyword) {
		s = s.keyword
	}
	sh.line = s.line
	if sh.opts.on(optNoexec) && !sh.interactive() {
		return flowNext
	}
	sh.beginCommand(s.source)
	if f, skip := sh.beforeCommand(); skip {
		return f
	}
	sh.substRan = false
	args := make([]string, 0, len(s.words)+2)
	var err error
	var elements []string
	for i, w := range s.words {
		n := len(args)
		if args, err = w.fields(sh, args); err != nil {
			return sh.expansionFailed(err)
		}
		if s.refs != nil && i < len(s.refs) && s.refs[i] && len(args) == n+1 {
			elements = append(elements, args[n])
		}
	}
	sh.arrayRefs = elements
	if len(args) == 0 {
		return s.nothing(sh)
	}
	f := s.command(sh, args)
	sh.lastArg = args[len(args)-1]
	sh.pipeStatus = nil
	if sh.traps.pseudo {
		sh.line = s.line // that of the ERR trap, not of what a function ran last
	}
	if f == flowNext && sh.attn.pending.Load() != 0 {
		f = sh.attend() // here, not before the next command: that may be the caller's
	}
	if f != flowNext {
		return f
	}
	return sh.failed()
}

// debug is beforeCommand for what is no simple command.
func (sh *shell) debug(c syntax.Node, line int) (f flow, skip bool) {
	if !sh.traps.pseudo {
		return flowNext, false
	}
	sh.line = line
	sh.beginCommand(c)
	return sh.beforeCommand()
}

// beginCommand notes the command for BASH_COMMAND, which in a trap stays the
// one that the trap interrupted.
func (sh *shell) beginCommand(c syntax.Node) {
	if sh.entered == nil {
		sh.current = c
	}
}

// nothing runs a command whose words expanded to nothing: redirections and
// assignments in the current environment.
func (s *simple) nothing(sh *shell) flow {
	subst := sh.substRan
	sh.lastArg = ""
	if len(s.redirs) > 0 {
		var saved savedFiles
		err := sh.redirect(s.redirs, &saved)
		sh.undo(&saved)
		if err != nil {
			if f := sh.redirectFailed(err); f != flowNext {
				return f
			}
			return sh.failed()
		}
	}
	if err := s.assign(sh); err != nil {
		return sh.assignmentFailed(err)
	}
	sh.status = 0
	if subst || sh.substRan {
		sh.status = sh.substStatus
	}
	return sh.failed()
}

// command runs the command that args name.
func (s *simple) command(sh *shell, args []string) flow {
	fn, b := sh.findInternal(args[0])
	switch {
	case fn != nil:
		return s.callFunction(sh, fn, args)
	case b != nil:
		return s.callBuiltin(sh, b, args)
	}
	return s.external(sh, args)
}

// findInternal looks a name up among special builtins, functions and other
// builtins, in the order of the dialect.
func (sh *shell) findInternal(name string) (*function, *builtin) {
	b := sh.builtin(name)
	if b != nil && (b.special && !sh.bash() || b.own) {
		return nil, b
	}
	if fn, _ := sh.funcs.get(name); fn != nil {
		return fn, nil
	}
	return nil, b
}

// prefix performs redirections and then assignments in a new frame. If it
// fails, everything is undone but the frame and saved, which the caller ends.
func (s *simple) prefix(sh *shell, saved *savedFiles, f *frame, args []string) (flow, bool) {
	if err := sh.redirect(s.redirs, saved); err != nil {
		return sh.redirectFailed(err), false
	}
	for i := range s.assigns {
		a := &s.assigns[i]
		if a.index != nil && sh.rt.bash { // the command runs all the same
			sh.errorf("`%s': not a valid identifier", a.target())
			continue
		}
		if f != nil {
			sh.save(f, a.name)
		} else if sh.rt.bash {
			sh.keep(a.name)
		}
		if f != nil && sh.rt.bash && !a.add {
			sh.plainPrefix(a.name)
		}
		err := a.run(sh)
		if f != nil && sh.rt.bash {
			sh.plainPrefix(a.name) // += has used them
		}
		if err == nil && (f != nil || sh.rt.bash || args[0] == "exec" && len(args) > 1) {
			err = sh.setAttrs(a.name, attrExport, 0)
		}
		var name *nameError
		if errors.As(err, &name) && sh.bash() { // the command runs all the same
			sh.errorf("%s", err)
			continue
		}
		if err != nil {
			return sh.assignmentFailed(err), false
		}
	}
	return flowNext, true
}

// plainPrefix makes an assignment before a command that of a variable of its
// own: bash applies no attributes to it, but for those of an array or reference.
func (sh *shell) plainPrefix(name string) {
	const converting = attrInteger | attrLower | attrUpper | attrCapital
	if v, _ := sh.vars.get(name); v.is(converting) {
		v = cloneVariable(v)
		v.attrs &^= converting
		sh.vars.set(name, v)
	}
}

// traceBefore writes -x output before redirections take effect.
func (sh *shell) traceBefore(s *simple, args []string) {
	if sh.opts.on(optXtrace) && len(s.assigns) == 0 {
		sh.trace(sh.joinTraced(args))
	} else if sh.opts.on(optXtrace) {
		s.traceAssigned(sh, args)
	}
}

// traceAssigned shows prefix assignments with the values they will have.
func (s *simple) traceAssigned(sh *shell, args []string) {
	line := ""
	for i := range s.assigns {
		a := &s.assigns[i]
		if a.value == nil || !a.pure {
			continue
		}
		text, _ := a.value.str(sh)
		if !sh.rt.bash {
			line += a.name + "=" + quoteWord(text) + " "
			continue
		}
		if a.add {
			text = sh.getOr(a.name, "") + text
		}
		sh.trace(a.name + "=" + quoteTracedBash(text))
	}
	sh.trace(line + sh.joinTraced(args))
}

// compileFunction defines a function when it is run.
func (c *compiler) function(d *syntax.FuncDecl, s *syntax.Stmt) node {
	if d.Name == nil {
		return c.fail(d.Pos(), "a function needs a name")
	}
	body := d.Body
	fn := &function{
		name: d.Name.Value,
		body: c.stmt(body),
		decl: d,
		file: c.file,
		line: int(d.Pos().Line()), bodyLine: int(body.Pos().Line()),
	}
	line := int(s.Pos().Line())
	return func(sh *shell) flow {
		sh.line = line
		if b := sh.rt.builtins[fn.name]; b != nil && b.special && !sh.bash() {
			sh.errorf("%s: is a special builtin", fn.name)
			sh.status = 2
			return sh.fatalFlow()
		}
		if old, _ := sh.funcs.get(fn.name); old != nil && old.readonly {
			sh.errorf("%s: readonly function", fn.name)
			sh.status = 1
			return sh.failed()
		}
		if old, _ := sh.funcs.get(fn.name); old != nil && (old.exported || old.traced) {
			c := *fn // the attributes stay
			c.exported, c.traced = old.exported, old.traced
			sh.funcs.set(fn.name, &c)
			sh.env = nil
		} else {
			sh.funcs.set(fn.name, fn)
		}
		sh.status = 0
		return flowNext
	}
}

// let compiles the reserved form of let: its operands are not split.
func (c *compiler) let(l *syntax.LetClause, s *syntax.Stmt) node {
	args := make([]*syntax.Word, 0, len(l.Exprs)+1)
	args = append(args, &syntax.Word{Parts: []syntax.WordPart{&syntax.Lit{Value: "let"}}})
	for _, x := range l.Exprs {
		if w, ok := x.(*syntax.Word); ok {
			args = append(args, w)
		}
	}
	return c.simple(&syntax.CallExpr{Args: args}, s)
}
