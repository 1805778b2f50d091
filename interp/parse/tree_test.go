package parse

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

func walk(stmts []*syntax.Stmt) {
	for _, s := range stmts {
		syntax.Walk(s, func(n syntax.Node) bool {
			if n != nil {
				n.Pos()
				n.End()
			}
			return true
		})
	}
}

// dump writes a tree in a short form: one line per text of the table below.
func dump(stmts []*syntax.Stmt) string {
	var b strings.Builder
	for i, s := range stmts {
		if i > 0 {
			b.WriteString(" ; ")
		}
		dumpStmt(&b, s)
	}
	return b.String()
}

func dumpStmt(b *strings.Builder, s *syntax.Stmt) {
	if s.Negated {
		b.WriteString("! ")
	}
	switch c := s.Cmd.(type) {
	case nil:
	case *syntax.CallExpr:
		for _, a := range c.Assigns {
			b.WriteString("[")
			dumpAssign(b, a)
			b.WriteString("]")
		}
		for i, w := range c.Args {
			if i > 0 {
				b.WriteString(" ")
			}
			dumpWord(b, w)
		}
	case *syntax.BinaryCmd:
		b.WriteString("(")
		dumpStmt(b, c.X)
		b.WriteString(" " + c.Op.String() + " ")
		dumpStmt(b, c.Y)
		b.WriteString(")")
	case *syntax.DeclClause:
		b.WriteString("decl:" + c.Variant.Value)
		for _, a := range c.Args {
			b.WriteString("[")
			dumpAssign(b, a)
			b.WriteString("]")
		}
	case *syntax.ArithmCmd:
		b.WriteString("arith:")
		dumpArith(b, c.X)
	case *syntax.Subshell:
		b.WriteString("sub{" + dump(c.Stmts) + "}")
	case *syntax.Block:
		b.WriteString("block{" + dump(c.Stmts) + "}")
	case *syntax.IfClause:
		b.WriteString("if{" + dump(c.Cond) + "}{" + dump(c.Then) + "}")
	case *syntax.FuncDecl:
		b.WriteString("func:" + c.Name.Value + "{")
		dumpStmt(b, c.Body)
		b.WriteString("}")
	case *syntax.TestClause:
		b.WriteString("test:")
		dumpTest(b, c.X)
	default:
		fmt.Fprintf(b, "%T", c)
	}
	for _, r := range s.Redirs {
		b.WriteString(" ")
		if r.N != nil {
			b.WriteString(r.N.Value)
		}
		b.WriteString(r.Op.String())
		dumpWord(b, r.Word)
		if r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc {
			b.WriteString("=")
			dumpWord(b, r.Hdoc)
		}
	}
	if s.Background {
		b.WriteString(" &")
	}
}

func dumpAssign(b *strings.Builder, a *syntax.Assign) {
	if a.Name != nil {
		b.WriteString(a.Name.Value)
	}
	if a.Index != nil {
		b.WriteString("[")
		dumpArith(b, a.Index)
		b.WriteString("]")
	}
	if a.Append {
		b.WriteString("+")
	}
	if !a.Naked {
		b.WriteString("=")
	}
	dumpWord(b, a.Value)
	if a.Array != nil {
		b.WriteString("(")
		for _, e := range a.Array.Elems {
			if e.Index != nil {
				b.WriteString("[")
				dumpArith(b, e.Index)
				b.WriteString("]=")
			}
			dumpWord(b, e.Value)
			b.WriteString(",")
		}
		b.WriteString(")")
	}
}

func dumpTest(b *strings.Builder, x syntax.TestExpr) {
	switch x := x.(type) {
	case *syntax.Word:
		dumpWord(b, x)
	case *syntax.UnaryTest:
		b.WriteString(x.Op.String() + " ")
		dumpTest(b, x.X)
	case *syntax.ParenTest:
		dumpTest(b, x.X)
	case *syntax.BinaryTest:
		b.WriteString("(")
		dumpTest(b, x.X)
		b.WriteString(" " + x.Op.String() + " ")
		dumpTest(b, x.Y)
		b.WriteString(")")
	}
}

func dumpArith(b *strings.Builder, x syntax.ArithmExpr) {
	if x == nil {
		return
	}
	dumpWord(b, x.(*syntax.Word))
}

func dumpWord(b *strings.Builder, w *syntax.Word) {
	if w == nil {
		return
	}
	for _, p := range w.Parts {
		dumpPart(b, p)
	}
}

func dumpPart(b *strings.Builder, p syntax.WordPart) {
	switch p := p.(type) {
	case *syntax.Lit:
		fmt.Fprintf(b, "%s", strings.ReplaceAll(p.Value, "\n", "\\n"))
	case *syntax.SglQuoted:
		fmt.Fprintf(b, "<'%s'>", p.Value)
	case *syntax.DblQuoted:
		b.WriteString("<\"")
		for _, q := range p.Parts {
			dumpPart(b, q)
		}
		b.WriteString("\">")
	case *syntax.CmdSubst:
		b.WriteString("<cmd " + dump(p.Stmts) + ">")
	case *syntax.ProcSubst:
		b.WriteString("<proc " + dump(p.Stmts) + ">")
	case *syntax.ArithmExp:
		b.WriteString("<arith ")
		dumpArith(b, p.X)
		b.WriteString(">")
	case *syntax.ParamExp:
		dumpParam(b, p)
	default:
		fmt.Fprintf(b, "%T", p)
	}
}

func dumpParam(b *strings.Builder, p *syntax.ParamExp) {
	if text, bad := BadSubst(p); bad {
		b.WriteString("<bad " + text + ">")
		return
	}
	b.WriteString("<$")
	if p.Length {
		b.WriteString("length ")
	}
	if p.Excl {
		b.WriteString("excl ")
	}
	b.WriteString(p.Param.Value)
	if p.Index != nil {
		b.WriteString("[")
		dumpArith(b, p.Index)
		b.WriteString("]")
	}
	if p.Names != 0 {
		b.WriteString(" names " + p.Names.String())
	}
	if p.Slice != nil {
		b.WriteString(" slice ")
		dumpArith(b, p.Slice.Offset)
		b.WriteString("|")
		dumpArith(b, p.Slice.Length)
	}
	if p.Repl != nil {
		fmt.Fprintf(b, " repl %v ", p.Repl.All)
		dumpWord(b, p.Repl.Orig)
		b.WriteString("|")
		dumpWord(b, p.Repl.With)
	}
	if p.Exp != nil {
		b.WriteString(" " + p.Exp.Op.String() + " ")
		dumpWord(b, p.Exp.Word)
	}
	b.WriteString(">")
}

var treeRows = []struct {
	text  string
	bash  bool
	lines []string // one for each call of Next
}{
	{"echo a; echo b\necho c &\n", false, []string{"echo a ; echo b", "echo c &"}},
	{"a && b || c | d | e\n", false, []string{"((a && b) || ((c | d) | e))"}},
	{"! a | b && ! c", false, []string{"(! (a | b) && ! c)"}},
	{"! ! a; !\n", true, []string{"a ; ! "}},
	{"a=1 b= c=$x d=e", false, []string{"[a=1][b=][c=<$x>][d=e]"}},
	{"a=1 b= c=$x d e=f", false, []string{"[a=1][b=][c=<$x>]d e=f"}},
	{"a+=1", false, []string{"[a+=1]"}},
	{"a+=1", true, []string{"[a+=1]"}},
	{"a[1]=2 b[x y]+=3 c[1] d[1]=", true, []string{"[a[1]=2][b[x y]+=3]c[1] d[1]="}},
	{"a=(x \"y z\" [3]=w [k]= # c\n $v)", true, []string{"[a=(x,<\"y z\">,[3]=w,[k]=,<$v>,)]"}},
	{"declare -a a=(1) b c[2] d=$e \"f=g\" >x h", true, []string{"decl:declare[-a][a=(1,)][b][c[2]][d=<$e>][<\"f=g\">][h] >x"}},
	{"export a=$b", false, []string{"export a=<$b>"}},
	{"echo \"${x:-it's}\"", false, []string{"echo <\"<$x :- it's>\">"}},
	{"echo \"${x:-it's}\"", true, []string{"echo <\"<$x :- it's>\">"}},
	{"echo \"${x-'}'}\"", true, []string{"echo <\"<$x - '}'>\">"}},
	{"echo \"${x-'}'}\"", false, []string{"echo <\"<$x - '>'}\">"}},
	{"echo \"${x:-\"a}\"b}\" ${x:-a 'b}' \"c\"}", false, []string{"echo <\"<$x :- <\"a}\">b>\"> <$x :- a <'b}'> <\"c\">>"}},
	{"echo \"${x#'}'}\" ${x%%*\"/\"}", false, []string{"echo <\"<$x # <'}'>>\"> <$x %% *<\"/\">>"}},
	{"echo ${###1} ${##} ${#} ${#-x} ${#-} ${#x} ${#?} ${##1} ${#@}", false,
		[]string{"echo <$# ## 1> <$length #> <$#> <$# - x> <$length -> <$length x> <$length ?> <$# # 1> <$length @>"}},
	{"echo ${!x} ${!x*} ${!x@} ${!} ${!#} ${!x[@]} ${!x:-y}", true,
		[]string{"echo <$excl x> <$excl x names *> <$excl x names @> <$!> <$excl #> <$excl x[@]> <$excl x :- y>"}},
	{"echo ${x//a/b} ${x:1} ${x!y} ${} ${x[1]} ${1a} ${x////_}", false,
		[]string{"echo <$x repl true a|b> <$x slice 1|> <bad x!y> <bad > <$x[1]> <bad 1a> <$x repl true /|_>"}},
	{"echo ${x//a/b} ${x/#\\//} ${x:1} ${x: -1:y?1:2} ${x::2} ${@:1:2} ${x@Q} ${x^^[a]} ${x,}", true,
		[]string{"echo <$x repl true a|b> <$x repl false #\\/|> <$x slice 1|> <$x slice  -1|y?1:2> <$x slice |2> <$@ slice 1|2> <$x @ Q> <$x ^^ [a]> <$x , >"}},
	{"echo $((1 $op 2)) $(( (1) + \"2\" ))", false, []string{"echo <arith 1 <$op> 2> <arith  (1) + \"2\" >"}},
	{"echo $((cmd) | cmd) $( (a) )", false, []string{"echo <cmd (sub{cmd} | cmd)> <cmd sub{a}>"}},
	{"((echo a);(echo b))", true, []string{"sub{sub{echo a} ; sub{echo b}}"}},
	{"((1+2)); (( (3) ))", true, []string{"arith:1+2 ; arith: (3) "}},
	{"((1+2))", false, []string{"arith:1+2"}},
	{"((a);(b))", false, []string{"sub{sub{a} ; sub{b}}"}},
	{"f() { a; } >x; b", false, []string{"func:f{block{a} >x} ; b"}},
	{"function f (a)", true, []string{"func:f{sub{a}}"}},
	{"f() { a; } && b", false, []string{"(func:f{block{a}} && b)"}},
	{"[[ a || b && ! c ]]", true, []string{"test:(a || (b && ! c))"}},
	{"[[ a =~ ^(b c|d)\\ $e[[:alpha:]] ]]", true, []string{"test:(a =~ ^(b c|d)\\ <$e>[[:alpha:]])"}},
	{"echo @(a|b $c) !(x)y", true, []string{"echo @(a|b <$c>) !(x)y"}},
	{"!(a)", true, []string{"! sub{a}"}},
	{"cat <(a) >(b)", true, []string{"cat <proc a> <proc b>"}},
	{"a 2>&1 {fd}<x &>y", true, []string{"a 2>&1 {fd}<x &>y"}},
	{"a 2>&1 {fd}<x", false, []string{"a {fd} 2>&1 <x"}},
	{"cat <<E\na $b\nE\necho c\n", false, []string{"cat <<E=a <$b>\\n", "echo c"}},
	{"cat <<'E' <<-\"F G\"; x\n$b\nE\n\ta\n\tF G\ny", false, []string{"cat <<<'E'>=$b\\n <<-<\"F G\">=a\\n ; x", "y"}},
	{"cat <<$x\na\n$x\n", false, []string{"cat <<$x=a\\n"}},
	{"cat <<E\na\\\nE\nb\\\\\nE\n", false, []string{"cat <<E=aE\\nb\\\\\\n"}},
	{"cat <<E\na\nE\\\n\nb", false, []string{"cat <<E=a\\n", "b"}},
	{"cat <<-E\n\ta\n\t\t$b\n\tE\n", false, []string{"cat <<-E=a\\n<$b>\\n"}},
	{"cat <<E\na", false, []string{"cat <<E=a"}},
	{"echo $(cat <<E\n)\nE\n) b", false, []string{"echo <cmd cat <<E=)\\n> b"}},
	{"echo $(cat <<E) b\nx\nE\nc", false, []string{"echo <cmd cat <<E=x\\n> b", "c"}},
	{"x=$(cat <<E\na\nE) b", true, []string{"[x=<cmd cat <<E=a\\n>]b"}},
	{"cat <<E; x=$(\necho hi)\nbody\nE\n", false, []string{"cat <<E=body\\n ; [x=<cmd echo hi>]"}},
	{"cat <<E\n$(cat <<F\na\nF\n)${x:-\"b\"}\nE\n", false, []string{"cat <<E=<cmd cat <<F=a\\n><$x :- <\"b\">>\\n"}},
	{"echo `echo \\`a \\\\\\$b\\`` \"`echo \\\"a b\\\"`\"", false, []string{"echo <cmd echo <cmd a <$b>>> <\"<cmd echo <\"a b\">>\">"}},
	{"x=`echo 'a\\\nb' c\\\nd`", false, []string{"[x=<cmd echo <'ab'> cd>]"}},
	{"echo `cat <<E\na\nE` b", false, []string{"echo <cmd cat <<E=a\\n> b"}},
	{"i\\\nf a\\\nb; then \\\n c; f\\\ni &\\\n& d\\\n", false, []string{"(if{ab}{c} && d)"}},
	{"echo $\\\nx $\\\n{y\\\nz:\\\n-w} $\\\n(a) 'b\\\nc' \"d\\\ne\"", false, []string{"echo <$x> <$yz :- w> <cmd a> <'b\\\nc'> <\"de\">"}},
	{"echo a#b #c\n#d\ne", false, []string{"echo a#b", "e"}},
	{"echo a\rb \xff\r\n", false, []string{"echo a\rb \xff\r"}},
	{"echo $'a\\'b' $\"c\" \"$'\"", true, []string{"echo <'a\\'b'> <\"c\"> <\"$'\">"}},
	{"echo {1..3}a{b,c} ~x a$ $% \"$\"", true, []string{"echo {1..3}a{b,c} ~x a$ $% <\"$\">"}},
	{"let a=(1 + 2); A=1 declare a=(b $c)", true, []string{"let a=(1 + 2) ; [A=1]declare a=(b <$c>)"}},
	{"let x=1+1 'y = 2' >z", true, []string{"let x=1+1 <'y = 2'> >z"}},
}

func TestTree(t *testing.T) {
	for _, row := range treeRows {
		for _, src := range []Source{String(row.text), Reader(strings.NewReader(row.text))} {
			p := New(src, Options{Bash: row.bash})
			for i := 0; ; i++ {
				stmts, err := p.Next()
				if err == io.EOF {
					if i != len(row.lines) {
						t.Errorf("%q: %d lines, want %d", row.text, i, len(row.lines))
					}
					break
				}
				if err != nil {
					t.Errorf("%q: %v", row.text, err)
					break
				}
				walk(stmts)
				if got := dump(stmts); i >= len(row.lines) || got != row.lines[i] {
					t.Errorf("%q, line %d:\n got %s\nwant %s", row.text, i, got, row.lines[min(i, len(row.lines)-1)])
				}
			}
		}
	}
}
