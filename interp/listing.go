package interp

import (
	"strings"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

// lister writes commands the way bash's declare -f and type do, which scripts
// store, compare and eval again.
type lister struct {
	b      strings.Builder
	indent int
	// lines is set inside of functions: there commands stand on lines of
	// their own, elsewhere on one line.
	lines    bool
	flush    bool               // the next command follows text on its line
	subst    bool               // within $(…), where ends of lines are kept
	heredocs []*syntax.Redirect // whose bodies are still to be written
	wasDoc   bool               // a body was written: no separator is needed
	exported bool               // for the environment: one blank is all a margin has
}

// functionText is a function's source.
func functionText(d *syntax.FuncDecl) string {
	var l lister
	l.function(d, "")
	return l.b.String() + "\n"
}

// exportedText is a function's body, as it stands in the environment.
func exportedText(d *syntax.FuncDecl) string {
	l := lister{exported: true}
	l.function(d, "")
	_, body, _ := strings.Cut(l.b.String(), "\n")
	return "() {  " + strings.TrimLeft(strings.TrimPrefix(body, "{"), " \n")
}

// inlineText is a list of commands on one line.
func inlineText(stmts ...*syntax.Stmt) string {
	l := lister{flush: true}
	l.list(stmts)
	l.bodies("")
	return l.b.String()
}

// substText is what stands within $( and ).
func substText(stmts []*syntax.Stmt) string {
	l := lister{flush: true, subst: true}
	if len(stmts) > 0 && beginsWithSubshell(stmts[0]) {
		l.text(" ") // $(( is arithmetic
	}
	l.list(stmts)
	l.bodies("")
	return l.b.String()
}

func beginsWithSubshell(s *syntax.Stmt) bool {
	if s.Negated {
		return false
	}
	switch c := s.Cmd.(type) {
	case *syntax.Subshell:
		return true
	case *syntax.BinaryCmd:
		return beginsWithSubshell(c.X)
	}
	return false
}

// headText is what BASH_COMMAND has of a command: of loops and case only the
// words they begin with.
func headText(n syntax.Node) string {
	s, ok := n.(*syntax.Stmt)
	if c, isCommand := n.(syntax.Command); isCommand {
		s, ok = &syntax.Stmt{Cmd: c}, true
	}
	if !ok {
		return ""
	}
	plain := *s
	plain.Negated, plain.Background = false, false
	text := inlineText(&plain)
	switch s.Cmd.(type) {
	case *syntax.ForClause:
		text, _, _ = strings.Cut(text, ";")
	case *syntax.CaseClause:
		text, _, _ = strings.Cut(text, "\n")
	}
	return text
}

func (l *lister) text(parts ...string) {
	for _, s := range parts {
		l.b.WriteString(s)
	}
}

func (l *lister) margin() {
	if l.flush {
		l.flush = false
		return
	}
	if l.exported {
		l.text(strings.Repeat(" ", min(l.indent, 1)))
		return
	}
	l.text(strings.Repeat(" ", l.indent))
}

// newline begins a line with s.
func (l *lister) newline(s string) {
	l.text("\n")
	l.flush = false
	l.margin()
	l.text(s)
}

// semicolon ends a command, unless something else did.
func (l *lister) semicolon() {
	if s := l.b.String(); s != "" && s[len(s)-1] != '&' && s[len(s)-1] != '\n' {
		l.text(";")
	}
}

// bodies writes pending here-documents, after what is left of their line.
func (l *lister) bodies(before string) {
	if len(l.heredocs) == 0 {
		return
	}
	docs := l.heredocs
	l.heredocs = nil
	l.text(before, "\n")
	for _, r := range docs {
		if r.Hdoc != nil {
			for _, p := range r.Hdoc.Parts {
				l.part(p, false)
			}
		}
		end, _ := parse.HereEnd(r.Word)
		l.text(end, "\n")
	}
	l.wasDoc = true
}

// list writes commands in sequence.
func (l *lister) list(stmts []*syntax.Stmt) {
	for i, s := range stmts {
		l.stmt(s)
		if i == len(stmts)-1 {
			return
		}
		switch {
		case s.Background:
			l.text(" ")
			l.flush = true
			continue
		case len(l.heredocs) > 0:
			l.bodies(map[bool]string{true: "", false: ";"}[l.lines])
			l.wasDoc = i == 0 && l.lines // of the first, it takes a later separator
		case l.subst && !s.Semicolon.IsValid():
			l.text("\n")
			l.flush = true
			continue
		case l.wasDoc:
			l.wasDoc = false
		default:
			l.text(";")
		}
		if l.lines {
			l.text("\n")
		} else {
			l.text(" ")
			l.flush = true
		}
	}
}

// body writes commands on lines of their own, further in.
func (l *lister) body(stmts []*syntax.Stmt) {
	l.indent += 4
	l.flush = false
	l.list(stmts)
	l.bodies("")
	l.indent -= 4
}

// inline writes commands that continue the line.
func (l *lister) inline(stmts []*syntax.Stmt) {
	l.flush = true
	l.list(stmts)
}

func (l *lister) stmt(s *syntax.Stmt) {
	l.margin()
	if s.Negated {
		l.text("! ")
	}
	if s.Cmd != nil {
		l.command(s.Cmd)
	}
	for i, r := range s.Redirs {
		if i > 0 || s.Cmd != nil {
			l.text(" ")
		}
		l.redirect(r)
		l.wasDoc = false
	}
	if s.Background {
		if len(l.heredocs) > 0 {
			l.bodies(" &")
			l.text(" ")
		} else {
			l.text(" &")
		}
	}
}

func (l *lister) command(c syntax.Command) {
	switch c := c.(type) {
	case *syntax.CallExpr:
		l.simple(c)
	case *syntax.BinaryCmd:
		l.binary(c)
	case *syntax.Block:
		l.block(c.Stmts)
	case *syntax.Subshell:
		l.text("( ")
		l.inline(c.Stmts)
		l.bodies("")
		l.text(" )")
	case *syntax.IfClause:
		l.ifClause(c)
	case *syntax.WhileClause:
		l.whileClause(c)
	case *syntax.ForClause:
		l.forClause(c)
	case *syntax.CaseClause:
		l.caseClause(c)
	case *syntax.ArithmCmd:
		l.text("((", arithSource(c.X), "))")
	case *syntax.TestClause:
		l.text("[[ ")
		l.test(c.X)
		l.text(" ]]")
	case *syntax.FuncDecl:
		l.function(c, "function ")
	case *syntax.DeclClause:
		l.text(c.Variant.Value)
		l.assigns(c.Args, " ")
	case *syntax.LetClause:
		l.text("let")
		for _, x := range c.Exprs {
			l.text(" ", arithSource(x))
		}
	case *syntax.TimeClause:
		l.timeClause(c)
	case *syntax.CoprocClause:
		name := "COPROC"
		if c.Name != nil {
			name = c.Name.Lit()
		}
		l.text("coproc ", name, " ")
		l.inline([]*syntax.Stmt{c.Stmt})
	default:
		l.text(printNode(&syntax.Stmt{Cmd: c}))
	}
}

func (l *lister) timeClause(c *syntax.TimeClause) {
	l.text("time ")
	if c.PosixFormat {
		l.text("-p ")
	}
	if c.Stmt != nil {
		l.inline([]*syntax.Stmt{c.Stmt})
	}
}

func (l *lister) binary(c *syntax.BinaryCmd) {
	l.inline([]*syntax.Stmt{c.X})
	op := " " + c.Op.String() + " "
	if c.Op == syntax.PipeAll {
		op = " 2>&1 | "
	}
	if len(l.heredocs) > 0 {
		switch c.Op {
		case syntax.Pipe, syntax.PipeAll:
			l.bodies(strings.TrimSuffix(op, " "))
			op = "  "
		default:
			l.bodies(op)
			op = " "
		}
	}
	l.text(op)
	l.inline([]*syntax.Stmt{c.Y})
}

func (l *lister) block(stmts []*syntax.Stmt) {
	l.text("{ ")
	if !l.lines {
		l.inline(stmts)
		l.bodies("")
		l.semicolon()
		l.text(" }")
		return
	}
	l.text("\n")
	l.body(stmts)
	l.newline("}")
}

func (l *lister) function(d *syntax.FuncDecl, word string) {
	l.text(word, d.Name.Value, " () \n")
	l.flush = false
	l.margin()
	was := l.lines
	l.lines = true
	body := []*syntax.Stmt{d.Body}
	if b, ok := d.Body.Cmd.(*syntax.Block); ok {
		body = b.Stmts
	}
	l.text("{ \n")
	l.body(body)
	l.newline("}")
	if _, ok := d.Body.Cmd.(*syntax.Block); ok {
		for _, r := range d.Body.Redirs {
			l.text(" ")
			l.redirect(r)
		}
	}
	l.lines, l.wasDoc = was, false
}
