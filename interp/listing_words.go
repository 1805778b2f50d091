package interp

import (
	"strings"

	"github.com/fsh-sh/fsh/interp/parse"
	"mvdan.cc/sh/v3/syntax"
)

func (l *lister) simple(c *syntax.CallExpr) {
	l.assigns(c.Assigns, "")
	for i, w := range c.Args {
		if i > 0 || len(c.Assigns) > 0 {
			l.text(" ")
		}
		l.word(w)
	}
}

// assigns writes assignments, each but the first after a blank; before comes
// in front of the first.
func (l *lister) assigns(list []*syntax.Assign, before string) {
	for _, a := range list {
		l.text(before)
		before = " "
		if a.Name != nil {
			l.text(a.Name.Value)
		}
		if a.Index != nil {
			l.text("[", arithSource(a.Index), "]")
		}
		if a.Append {
			l.text("+")
		}
		if !a.Naked {
			l.text("=")
		}
		if a.Array != nil {
			l.text("(")
			for i, e := range a.Array.Elems {
				if i > 0 {
					l.text(" ")
				}
				l.element(e)
			}
			l.text(")")
		}
		l.word(a.Value)
	}
}

// assignSource is one assignment as it stands in the script.
func assignSource(a *syntax.Assign) string {
	l := &lister{}
	l.assigns([]*syntax.Assign{a}, "")
	return l.b.String()
}

func (l *lister) element(e *syntax.ArrayElem) {
	if e.Index != nil {
		l.text("[", arithSource(e.Index), "]=")
	}
	l.word(e.Value)
}

// redirect writes a redirection as bash does: no blank after a duplication.
func (l *lister) redirect(r *syntax.Redirect) {
	n := ""
	if r.N != nil {
		n = r.N.Value
	}
	standard := map[syntax.RedirOperator]string{
		syntax.RdrIn: "0", syntax.RdrInOut: "0", syntax.Hdoc: "0", syntax.DashHdoc: "0", syntax.WordHdoc: "0", syntax.DplIn: "0",
	}[r.Op]
	if standard == "" {
		standard = "1"
	}
	switch r.Op {
	case syntax.DplIn, syntax.DplOut:
		if r.Word.Lit() == "-" { // either arrow closes; bash shows one
			if n == "" {
				n = standard
			}
			l.text(n, ">&-")
			return
		}
		if to := r.Word.Lit(); n == "" && to != "" && (to[0] == '-' || isDigits(strings.TrimSuffix(to, "-"))) {
			n = standard
		}
		l.text(n, r.Op.String())
		l.word(r.Word)
		return
	case syntax.RdrAll, syntax.AppAll:
		n = ""
	case syntax.Hdoc, syntax.DashHdoc:
		end, quoted := parse.HereEnd(r.Word)
		if quoted {
			end = quoteSingle(end)
		}
		if n == standard {
			n = ""
		}
		l.text(n, r.Op.String(), end)
		l.heredocs = append(l.heredocs, r)
		return
	}
	if n == standard {
		n = ""
	}
	if r.Op == syntax.RdrInOut { // bash takes its standard for 1
		switch n {
		case "":
			n = "0"
		case "1":
			n = ""
		}
	}
	l.text(n, r.Op.String(), " ")
	l.word(r.Word)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (l *lister) word(w *syntax.Word) {
	if w == nil {
		return
	}
	for _, p := range w.Parts {
		l.part(p, false)
	}
}

// wordSource is a word as it stands in the script.
func wordSource(w *syntax.Word) string {
	l := &lister{}
	l.word(w)
	return l.b.String()
}

func (l *lister) part(p syntax.WordPart, quoted bool) {
	switch p := p.(type) {
	case *syntax.Lit:
		l.text(p.Value)
	case *syntax.SglQuoted:
		s := p.Value
		if p.Dollar { // decoded when it is read, so also within quotes later
			s = dollarQuoted(s)
		}
		l.text(quoteSingle(s))
	case *syntax.DblQuoted:
		l.text(`"`)
		for _, q := range p.Parts {
			l.part(q, true)
		}
		l.text(`"`)
	case *syntax.ArithmExp:
		if p.Bracket {
			l.text("$[", arithSource(p.X), "]")
		} else {
			l.text("$((", arithSource(p.X), "))")
		}
	case *syntax.CmdSubst:
		if p.Backquotes {
			l.text("`", parse.Backquoted(p), "`")
		} else {
			l.text("$(", substText(p.Stmts), ")")
		}
	case *syntax.ProcSubst:
		l.text(p.Op.String(), substText(p.Stmts), ")")
	case *syntax.ParamExp:
		l.text(paramSource(p))
	default:
		l.text(printNode(&syntax.Word{Parts: []syntax.WordPart{p}}))
	}
}

// paramSource is an expansion in braces; its words are written as they are.
func paramSource(p *syntax.ParamExp) string {
	if p.Short {
		return "$" + p.Param.Value
	}
	l := &lister{}
	l.text("${")
	switch {
	case p.Length:
		l.text("#")
	case p.Excl:
		l.text("!")
	}
	l.text(p.Param.Value)
	if p.Index != nil {
		l.text("[", arithSource(p.Index), "]")
	}
	switch {
	case p.Names != 0:
		l.text(p.Names.String())
	case p.Slice != nil:
		l.text(":", arithSource(p.Slice.Offset))
		if p.Slice.Length != nil {
			l.text(":", arithSource(p.Slice.Length))
		}
	case p.Repl != nil:
		l.text("/")
		if p.Repl.All {
			l.text("/")
		}
		l.word(p.Repl.Orig)
		if p.Repl.With != nil {
			l.text("/")
			l.word(p.Repl.With)
		}
	case p.Exp != nil:
		if p.Exp.Op != syntax.OtherParamOps || p.Exp.Word.Lit()[0] != '~' {
			l.text(p.Exp.Op.String())
		}
		l.word(p.Exp.Word)
	}
	l.text("}")
	return l.b.String()
}

// arithSource is arithmetic or a subscript, which the tree keeps as text.
func arithSource(x syntax.ArithmExpr) string {
	w, ok := x.(*syntax.Word)
	if !ok || w == nil {
		return ""
	}
	l := &lister{}
	l.word(w)
	return l.b.String()
}

func (l *lister) test(x syntax.TestExpr) {
	switch x := x.(type) {
	case *syntax.Word:
		l.text("-n ")
		l.word(x)
	case *syntax.ParenTest:
		l.text("( ")
		l.test(x.X)
		l.text(" )")
	case *syntax.UnaryTest:
		l.text(x.Op.String(), " ")
		if x.Op == syntax.TsNot {
			l.test(x.X)
		} else {
			l.operand(x.X)
		}
	case *syntax.BinaryTest:
		if x.Op == syntax.AndTest || x.Op == syntax.OrTest {
			l.test(x.X)
			l.text(" ", x.Op.String(), " ")
			l.test(x.Y)
			return
		}
		l.operand(x.X)
		op := x.Op.String()
		if strings.TrimSpace(op) == "" {
			op = "="
		}
		l.text(" ", op, " ")
		l.operand(x.Y)
	}
}

// operand writes what belongs to an operator other than ! && ||.
func (l *lister) operand(x syntax.TestExpr) {
	if w, ok := x.(*syntax.Word); ok {
		l.word(w)
		return
	}
	l.test(x)
}
