package interp

import (
	"fmt"

	"mvdan.cc/sh/v3/syntax"
)

// compiler turns one complete command into closures. What can change at run
// time (options, functions, IFS) is not decided here.
type compiler struct {
	file  string
	depth int
	err   error
	// procSubsts counts the process substitutions compiled so far.
	procSubsts int
}

// maxNesting bounds the nesting of compiled commands, as the parser does.
const maxNesting = 4000

type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return e.text }

// compile compiles a complete command.
func compile(file string, stmts []*syntax.Stmt) (node, error) {
	c := &compiler{file: file}
	n := c.list(stmts)
	return n, c.err
}

func (c *compiler) fail(pos syntax.Pos, format string, args ...any) node {
	if c.err == nil {
		c.err = &syntaxError{int(pos.Line()), fmt.Sprintf(format, args...)}
	}
	return nop
}

func nop(sh *shell) flow {
	sh.status = 0
	return flowNext
}

// list compiles statements to be run one after another.
func (c *compiler) list(stmts []*syntax.Stmt) node {
	nodes := make([]node, len(stmts))
	for i, s := range stmts {
		nodes[i] = c.stmt(s)
	}
	switch len(nodes) {
	case 0:
		return nop
	case 1:
		return nodes[0]
	}
	return func(sh *shell) flow {
		for _, n := range nodes {
			if f := n(sh); f != flowNext {
				return f
			}
		}
		return flowNext
	}
}

// stmt compiles one statement. Pending signals are looked at before it.
func (c *compiler) stmt(s *syntax.Stmt) node {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxNesting {
		return c.fail(s.Pos(), "commands are nested too deeply")
	}
	if s.Coprocess || s.Disown {
		return c.fail(s.Pos(), "coprocesses are not supported this way")
	}
	if s.Background {
		return attentive(c.background(s))
	}
	substs := c.procSubsts
	n := c.command(s)
	if c.procSubsts > substs {
		n = closingSubsts(n)
	}
	if s.Negated {
		n = negate(n)
	}
	return attentive(n)
}

// attentive makes a command deal with signals first.
func attentive(n node) node {
	return func(sh *shell) flow {
		if sh.attn.pending.Load() != 0 {
			if f := sh.attend(); f != flowNext {
				return f
			}
		}
		return n(sh)
	}
}

// negatedStatus is PIPESTATUS after ! of commands with the commonest statuses.
var negatedStatus = [...][]int{{0}, {1}, {2}}

func negate(n node) node {
	return func(sh *shell) flow {
		sh.noErrexit++
		f := n(sh)
		sh.noErrexit--
		if f != flowNext {
			return f
		}
		if sh.pipeStatus == nil && sh.status < len(negatedStatus) {
			sh.pipeStatus = negatedStatus[sh.status]
		}
		if sh.status == 0 {
			sh.status = 1
		} else {
			sh.status = 0
		}
		return flowNext
	}
}

// command compiles a statement's command with its redirections.
func (c *compiler) command(s *syntax.Stmt) node {
	switch cmd := s.Cmd.(type) {
	case nil:
		return c.simple(&syntax.CallExpr{}, s)
	case *syntax.CallExpr:
		return c.simple(cmd, s)
	case *syntax.DeclClause:
		return c.declaration(cmd, s)
	case *syntax.LetClause:
		return c.let(cmd, s)
	case *syntax.FuncDecl:
		return c.function(cmd, s)
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll {
			return c.pipeline(cmd)
		}
		return c.andOr(cmd)
	}
	n := c.compound(s.Cmd)
	in, isSubshell := s.Cmd.(*syntax.Subshell)
	switch {
	case isSubshell && len(s.Redirs) > 0:
		return judged(s, redirected(c.redirects(s.Redirs), n, func(*shell) flow { return flowNext }))
	case isSubshell:
		return judged(&syntax.Stmt{Cmd: in, Position: s.Position}, ownInput(n))
	case len(s.Redirs) > 0:
		return redirected(c.redirects(s.Redirs), n, (*shell).failed)
	}
	return n
}

// withRedirects is what BASH_COMMAND shows of a command in a statement.
func withRedirects(c syntax.Command, s *syntax.Stmt) syntax.Node {
	if len(s.Redirs) > 0 {
		return s
	}
	return c
}

func (c *compiler) compound(cmd syntax.Command) node {
	switch cmd := cmd.(type) {
	case *syntax.Block:
		return c.list(cmd.Stmts)
	case *syntax.Subshell:
		return c.subshell(cmd)
	case *syntax.IfClause:
		return c.ifClause(cmd)
	case *syntax.WhileClause:
		return c.while(cmd)
	case *syntax.ForClause:
		return c.forClause(cmd)
	case *syntax.CaseClause:
		return c.caseClause(cmd)
	case *syntax.ArithmCmd:
		return c.arithmCmd(cmd)
	case *syntax.TestClause:
		return c.testClause(cmd)
	case *syntax.TimeClause:
		return c.time(cmd)
	case *syntax.CoprocClause:
		return c.coproc(cmd)
	}
	return c.fail(cmd.Pos(), "unknown command")
}

// failed is called after every command whose failure -e and the ERR trap look
// at: simple commands, pipelines, subshells.
func (sh *shell) failed() flow {
	if f := sh.jump; f != flowNext {
		sh.jump = flowNext // left by a trap while a redirection waited
		return f
	}
	if sh.status == 0 || sh.noErrexit > 0 {
		return flowNext
	}
	if quiet := sh.isSolo() && sh.soloAt.quiet && sh.rt.bash; !quiet {
		if f := sh.runErrTrap(); f != flowNext {
			return f
		}
	}
	if sh.opts.on(optErrexit) {
		return flowExit
	}
	return flowNext
}

func (c *compiler) andOr(b *syntax.BinaryCmd) node {
	// The parser nests a && b || c to the left, as deep as the chain is long.
	type link struct {
		or  bool
		cmd node
	}
	var links []link
	left := syntax.Command(b)
	var first *syntax.Stmt
	for {
		bin, ok := left.(*syntax.BinaryCmd)
		if !ok || bin.Op == syntax.Pipe || bin.Op == syntax.PipeAll {
			break
		}
		links = append(links, link{bin.Op == syntax.OrStmt, c.stmt(bin.Y)})
		first = bin.X
		if first.Negated || first.Background || len(first.Redirs) > 0 {
			break
		}
		left = first.Cmd
	}
	head := c.stmt(first)
	for i, j := 0, len(links)-1; i < j; i, j = i+1, j-1 {
		links[i], links[j] = links[j], links[i]
	}
	return func(sh *shell) flow {
		sh.noErrexit++
		f := head(sh)
		for i := range links {
			if f != flowNext {
				break
			}
			if (sh.status == 0) == links[i].or {
				continue
			}
			if i == len(links)-1 {
				sh.noErrexit--
				return links[i].cmd(sh)
			}
			f = links[i].cmd(sh)
		}
		sh.noErrexit--
		return f
	}
}

// subshell runs in this goroutine: the shell waits for it anyway. Its status is
// for judged to act on.
func (c *compiler) subshell(s *syntax.Subshell) node {
	body := c.solo(s.Stmts, c.list(s.Stmts), false)
	alone := &pipeline{members: []node{body}, text: func(sh *shell) string { return sh.stmtText(&syntax.Stmt{Cmd: s}) }}
	return func(sh *shell) flow {
		sub := sh.subshell(false)
		sub.leaveCoproc()
		if sh.jobControl() {
			return alone.runJob(sh, []*shell{sub})
		}
		sub.complete(body(sub))
		sh.status = sub.status
		sub.close()
		sh.announceSignal(sub.endBy, "")
		return flowNext
	}
}

// judged acts on the status of a subshell, outside of its redirections. It is
// the BASH_COMMAND of the ERR trap then, and the line is that of its end.
func judged(source *syntax.Stmt, n node) node {
	line := int(source.End().Line())
	return func(sh *shell) flow {
		if sh.traps.pseudo {
			sh.beginCommand(source)
		}
		if f := n(sh); f != flowNext {
			return f
		}
		if sh.traps.pseudo {
			sh.line = line
		}
		return sh.failed()
	}
}

// complete ends a subshell: its EXIT trap, and its death by a signal.
func (sh *shell) complete(f flow) {
	sh.finish(f)
	if sh.endBy != 0 {
		sh.status = 128 + int(sh.endBy)
	}
}

func (c *compiler) time(t *syntax.TimeClause) node {
	body, posix := nop, t.PosixFormat
	for { // time time is one
		in := t.Stmt
		if in == nil || in.Negated || len(in.Redirs) > 0 {
			break
		}
		inner, ok := in.Cmd.(*syntax.TimeClause)
		if !ok {
			break
		}
		t, posix = inner, posix || inner.PosixFormat
	}
	if t.Stmt != nil {
		body = c.stmt(t.Stmt)
	}
	return func(sh *shell) flow {
		start := sh.clock()
		f := body(sh)
		sh.reportTimes(start, posix)
		return f
	}
}
