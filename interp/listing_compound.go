package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Compound commands as bash lists them.

func (l *lister) ifClause(c *syntax.IfClause) {
	l.text("if ")
	l.inline(c.Cond)
	l.semicolon()
	l.text(" then\n")
	l.body(c.Then)
	if e := c.Else; e != nil {
		l.semicolon()
		l.newline("else\n")
		if len(e.Cond) > 0 {
			l.body([]*syntax.Stmt{{Cmd: e}})
		} else {
			l.body(e.Then)
		}
	}
	l.semicolon()
	l.newline("fi")
}

func (l *lister) whileClause(c *syntax.WhileClause) {
	word := "while "
	if c.Until {
		word = "until "
	}
	l.text(word)
	l.inline(c.Cond)
	l.bodies("")
	l.semicolon()
	l.text(" do\n")
	l.body(c.Do)
	l.semicolon()
	l.newline("done")
}

func (l *lister) forClause(c *syntax.ForClause) {
	switch loop := c.Loop.(type) {
	case *syntax.WordIter:
		word := "for "
		if c.Select {
			word = "select "
		}
		l.text(word, loop.Name.Value, " in")
		if !loop.InPos.IsValid() {
			l.text(` "$@"`)
		}
		for _, w := range loop.Items {
			l.text(" ")
			l.word(w)
		}
		l.text(";")
	case *syntax.CStyleLoop:
		l.text("for ((", loopSource(loop.Init), "; ", loopSource(loop.Cond), "; ", loopSource(loop.Post), "))")
	}
	l.newline("do\n")
	l.body(c.Do)
	l.semicolon()
	l.newline("done")
}

func loopSource(x syntax.ArithmExpr) string {
	if s := strings.TrimLeft(arithSource(x), " \t\n"); s != "" {
		return s
	}
	return "1"
}

func (l *lister) caseClause(c *syntax.CaseClause) {
	l.text("case ")
	l.word(c.Word)
	l.text(" in ")
	l.indent += 4
	for _, item := range c.Items {
		l.newline("")
		for i, w := range item.Patterns {
			if i > 0 {
				l.text(" | ")
			}
			l.word(w)
		}
		l.text(")\n")
		l.body(item.Stmts)
		l.newline(item.Op.String())
	}
	l.indent -= 4
	l.newline("esac")
}
