package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func (c *compiler) ifClause(i *syntax.IfClause) node {
	type branch struct{ cond, then node }
	var branches []branch
	var other node
	for ; i != nil; i = i.Else {
		if len(i.Cond) == 0 {
			other = c.list(i.Then)
			break
		}
		branches = append(branches, branch{c.list(i.Cond), c.list(i.Then)})
	}
	return func(sh *shell) flow {
		for i := range branches {
			sh.noErrexit++
			f := branches[i].cond(sh)
			sh.noErrexit--
			if f != flowNext {
				return f
			}
			if sh.status == 0 {
				return branches[i].then(sh)
			}
		}
		if other != nil {
			return other(sh) // $? in it is that of the condition
		}
		sh.status = 0
		return flowNext
	}
}

// loopFlow interprets how a loop's body or condition ended: whether the loop
// ends, and with what.
func (sh *shell) loopFlow(f flow) (end bool, result flow) {
	switch f {
	case flowNext:
		return false, flowNext
	case flowBreak, flowContinue:
		if sh.levels--; sh.levels > 0 {
			return true, f
		}
		return f == flowBreak, flowNext
	}
	return true, f
}

func (c *compiler) while(w *syntax.WhileClause) node {
	cond, body, until := c.list(w.Cond), c.list(w.Do), w.Until
	return func(sh *shell) flow {
		status := 0
		sh.loopDepth++
		defer func() { sh.loopDepth-- }()
		for {
			sh.noErrexit++
			f := cond(sh)
			sh.noErrexit--
			if end, result := sh.loopFlow(f); end {
				if result < flowReturn {
					sh.status = status
				}
				return result
			}
			if f == flowNext && (sh.status == 0) == until {
				break
			}
			if f == flowContinue {
				continue
			}
			f = body(sh)
			status = sh.status
			if end, result := sh.loopFlow(f); end {
				return result
			}
		}
		sh.status = status
		return flowNext
	}
}

func (c *compiler) forClause(f *syntax.ForClause) node {
	body := c.list(f.Do)
	switch loop := f.Loop.(type) {
	case *syntax.CStyleLoop:
		return c.arithmFor(loop, body, int(f.Pos().Line()))
	case *syntax.WordIter:
		words := c.words(loop.Items)
		if !loop.InPos.IsValid() {
			words = nil
		}
		l := &forLoop{loop.Name.Value, words, !loop.InPos.IsValid(), body, int(f.Pos().Line()), f}
		if f.Select {
			return l.choose
		}
		return l.run
	}
	return c.fail(f.Pos(), "unknown loop")
}

type forLoop struct {
	name   string
	words  []*word
	params bool // no `in`: over "$@"
	body   node
	line   int
	source *syntax.ForClause
}

func (l *forLoop) items(sh *shell) ([]string, error) {
	if l.params {
		return sh.params, nil
	}
	var items []string
	var err error
	for _, w := range l.words {
		if items, err = w.fields(sh, items); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (l *forLoop) run(sh *shell) flow {
	sh.line = l.line
	items, err := l.items(sh)
	if err != nil {
		return sh.expansionFailed(err)
	}
	if !validName(l.name) {
		sh.errorf("`%s': not a valid identifier", l.name)
		sh.status = 1
		return sh.failed()
	}
	if len(items) == 0 {
		sh.status = 0
		return flowNext
	}
	sh.loopDepth++
	defer func() { sh.loopDepth-- }()
	for _, item := range items {
		sh.line = l.line
		if f, skip := sh.debug(l.source, l.line); f != flowNext {
			return f
		} else if skip {
			continue
		}
		if err := sh.setLoop(l.name, item); err != nil {
			if sh.costsLine("", err) {
				f := sh.jump
				sh.jump = flowNext
				return f
			}
			if sh.bash() {
				sh.errorf("%s", err)
				sh.status = 1
				return sh.failed()
			}
			return sh.assignmentFailed(err)
		}
		if sh.opts.on(optXtrace) && sh.bash() {
			sh.line = l.line
			sh.trace(headText(l.source))
		}
		if end, result := sh.loopFlow(l.body(sh)); end {
			return result
		}
	}
	return flowNext
}

// arithmText compiles the raw text of an arithmetic expression; nil is absent.
func (c *compiler) arithmText(x syntax.ArithmExpr) func(sh *shell) (int64, error) {
	if w, ok := x.(*syntax.Word); !ok || w == nil {
		return nil
	}
	return compileArithText(c, x).eval
}

// loopStep is one of the three expressions of for ((…)); without one it is 1.
type loopStep struct {
	eval   func(*shell) (int64, error) // nil: there is none
	text   string
	source syntax.Node
	line   int
}

func (c *compiler) loopStep(x syntax.ArithmExpr, line int) *loopStep {
	l := &loopStep{eval: c.arithmText(x), text: "1", line: line}
	if l.eval != nil {
		l.text = loopSource(x)
	}
	lit := &syntax.Lit{Value: strings.TrimLeft(l.text, " \t\n")}
	l.source = &syntax.ArithmCmd{X: &syntax.Word{Parts: []syntax.WordPart{lit}}}
	return l
}

// run evaluates the expression; if it fails, the loop ends with the flow.
func (l *loopStep) run(sh *shell) (int64, flow, bool) {
	if sh.traps.pseudo {
		if f, skip := sh.debug(l.source, l.line); skip {
			return 0, f, false
		}
	}
	if sh.opts.on(optXtrace) && (l.eval != nil || sh.rt.bash) {
		sh.trace("(( " + l.text + " ))")
	}
	if l.eval == nil {
		return 1, flowNext, true
	}
	n, err := l.eval(sh)
	if err == nil {
		return n, flowNext, true
	}
	if sh.bash() && endsBash(err) {
		return 0, sh.expansionFailed(err), false
	}
	sh.assignFailed("((", err)
	sh.status = 1
	return 0, sh.failed(), false
}

func (c *compiler) arithmFor(l *syntax.CStyleLoop, body node, line int) node {
	start, cond, next := c.loopStep(l.Init, line), c.loopStep(l.Cond, line), c.loopStep(l.Post, line)
	return func(sh *shell) flow {
		if _, f, ok := start.run(sh); !ok {
			return f
		}
		sh.status = 0
		sh.loopDepth++
		defer func() { sh.loopDepth-- }()
		for {
			if n, f, ok := cond.run(sh); !ok {
				return f
			} else if n == 0 {
				return flowNext
			}
			if sh.attn.pending.Load() != 0 {
				if f := sh.attend(); f != flowNext {
					return f
				}
			}
			if end, result := sh.loopFlow(body(sh)); end {
				return result
			}
			if _, f, ok := next.run(sh); !ok {
				return f
			}
		}
	}
}

func (c *compiler) arithmCmd(a *syntax.ArithmCmd) node {
	x := c.arithmText(a.X)
	line := int(a.Pos().Line())
	text := func(*shell) string { return "" }
	if w, ok := a.X.(*syntax.Word); ok {
		cw := compileWord(c, w)
		text = func(sh *shell) string { s, _ := cw.str(sh); return s }
	}
	return func(sh *shell) flow {
		sh.line = line
		if f, skip := sh.debug(a, line); skip {
			return f
		}
		if sh.opts.on(optXtrace) {
			sh.trace("(( " + text(sh) + " ))")
		}
		sh.pipeStatus = nil
		if x == nil {
			sh.status = 1
			return sh.failed()
		}
		n, err := x(sh)
		switch {
		case err != nil && sh.bash() && endsBash(err):
			return sh.expansionFailed(err)
		case err != nil:
			sh.assignFailed("((", err)
			sh.status = 1
		case n == 0:
			sh.status = 1
		default:
			sh.status = 0
		}
		return sh.failed()
	}
}

func (c *compiler) caseClause(cc *syntax.CaseClause) node {
	type item struct {
		patterns []*word
		body     node
		op       syntax.CaseOperator
	}
	subject := compileWord(c, cc.Word)
	items := make([]item, len(cc.Items))
	for i, it := range cc.Items {
		items[i] = item{c.words(it.Patterns), c.list(it.Stmts), it.Op}
	}
	line := int(cc.Pos().Line())
	return func(sh *shell) flow {
		sh.line = line
		if f, skip := sh.debug(cc, line); skip {
			return f
		}
		sh.substRan = false
		s, err := subject.str(sh)
		if err != nil {
			return sh.expansionFailed(err)
		}
		if sh.opts.on(optXtrace) && sh.bash() {
			sh.trace("case " + wordSource(cc.Word) + " in")
		}
		matched, resumed := false, false
		for i := 0; i < len(items); i++ {
			it := &items[i]
			if !matched {
				if matched, err = sh.matchAny(it.patterns, s); err != nil {
					return sh.expansionFailed(err)
				}
				if !matched {
					continue
				}
			}
			if f := it.body(sh); f != flowNext {
				return f
			}
			switch it.op {
			case syntax.Fallthrough:
				continue
			case syntax.Resume:
				matched, resumed = false, true
				continue
			}
			return flowNext
		}
		if !matched && !resumed {
			sh.status = 0
		}
		return flowNext
	}
}

func (sh *shell) matchAny(patterns []*word, s string) (bool, error) {
	for _, w := range patterns {
		p, err := w.pattern(sh)
		if err != nil {
			return false, err
		}
		if p.Match(s) {
			return true, nil
		}
	}
	return false, nil
}
