package interp

import (
	"sync"
	"syscall"

	"mvdan.cc/sh/v3/syntax"
)

// pipeline is a compiled a | b | c. Each member runs in a goroutine over a
// copy of the state; with lastpipe the last one runs in the shell itself.
type pipeline struct {
	members []node
	errToo  []bool        // |& after the member
	level   []bool        // of the members that are no level of BASH_SUBSHELL: ( ) and the words of a simple command
	calls   []syntax.Node // the members that are simple commands, else nil
	names   []string      // of the members that are simple commands of a constant name
	text    func(*shell) string
	line    int
}

func (c *compiler) pipeline(b *syntax.BinaryCmd) node {
	p := &pipeline{line: int(b.Pos().Line()), text: func(sh *shell) string { return sh.stmtText(&syntax.Stmt{Cmd: b}) }}
	c.pipeMembers(b, p)
	return p.run
}

func (c *compiler) pipeMembers(b *syntax.BinaryCmd, p *pipeline) {
	// The parser nests to one side or the other; both are flattened.
	for _, s := range []*syntax.Stmt{b.X, b.Y} {
		if in, ok := s.Cmd.(*syntax.BinaryCmd); ok && len(s.Redirs) == 0 && !s.Negated &&
			(in.Op == syntax.Pipe || in.Op == syntax.PipeAll) {
			c.depth++
			if c.depth > maxChain {
				c.fail(s.Pos(), "a pipeline is too long")
				return
			}
			c.pipeMembers(in, p)
			c.depth--
		} else {
			p.members = append(p.members, c.solo([]*syntax.Stmt{s}, c.stmt(s), true))
			p.names = append(p.names, constantName(s))
			var shown syntax.Node
			call, ok := s.Cmd.(*syntax.CallExpr)
			if ok {
				shown = withRedirects(call, s)
			}
			p.calls = append(p.calls, shown)
			_, sub := s.Cmd.(*syntax.Subshell)
			p.level = append(p.level, ok || sub)
		}
		if s == b.X {
			for len(p.errToo) < len(p.members)-1 {
				p.errToo = append(p.errToo, false)
			}
			p.errToo = append(p.errToo, b.Op == syntax.PipeAll)
		}
	}
}

// constantName is the name of a simple command that is known before it is
// expanded and whose other words run nothing, or "".
func constantName(s *syntax.Stmt) string {
	call, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 || s.Negated || !allPure(call, s.Redirs) {
		return ""
	}
	return call.Args[0].Lit()
}

// maxChain bounds the members of a pipeline.
const maxChain = 20_000

func (p *pipeline) run(sh *shell) flow {
	sh.line = p.line
	if f := p.debug(sh); f != flowNext {
		return f
	}
	subs := make([]*shell, len(p.members))
	last := len(p.members) - 1
	inline := sh.shopts.on(shoptLastpipe) && !sh.jobControl()
	var input *file
	for i := range p.members {
		if i == last && inline {
			break
		}
		sub := sh.subshell(false)
		subs[i] = sub
		if p.level[i] {
			sub.subLevel--
		}
		if input != nil {
			sub.setFile(0, input).drop()
			input, sub.stdin = nil, stdinPiped
		}
		if i == last {
			break
		}
		var fds [2]int
		if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
			for _, s := range subs[:i+1] {
				s.close()
			}
			sh.errorf("cannot make a pipe: %s", errText(err))
			sh.status = 2
			return sh.fatalFlow()
		}
		out := newFile(fds[1])
		input = newFile(fds[0])
		if p.errToo[i] {
			sub.setFile(2, out.hold()).drop()
		}
		sub.setFile(1, out).drop()
	}
	if sh.jobControl() {
		return p.runJob(sh, subs)
	}
	return p.runHere(sh, subs, input, inline)
}

// debug runs the DEBUG trap for the members that do not inherit it.
func (p *pipeline) debug(sh *shell) flow {
	if !sh.traps.pseudo || sh.opts.on(optFunctrace) {
		return flowNext
	}
	for _, call := range p.calls {
		if call == nil {
			continue
		}
		sh.beginCommand(call)
		if f := sh.runDebugTrap(); f != flowNext {
			return f
		}
	}
	return flowNext
}

// runHere runs the members and waits for all of them.
func (p *pipeline) runHere(sh *shell, subs []*shell, input *file, inline bool) flow {
	last := len(p.members) - 1
	var wg sync.WaitGroup
	statuses := make([]int, len(subs))
	for i := 0; i < last; i++ {
		wg.Add(1)
		sh.rt.work.resume()
		go func() {
			defer wg.Done()
			statuses[i] = subs[i].runMember(p.members[i])
			sh.rt.work.rest()
		}()
	}
	f := flowNext
	if inline {
		old := sh.setFile(0, input)
		sh.noErrexit++
		f = p.members[last](sh)
		sh.noErrexit--
		sh.setFile(0, old).drop()
		statuses[last] = sh.status
	} else {
		statuses[last] = subs[last].runMember(p.members[last])
	}
	sh.rt.work.rest()
	wg.Wait()
	sh.rt.work.resume()
	sh.pipelineStatus(statuses)
	if f != flowNext {
		return f
	}
	return sh.failed()
}

// runMember runs a subshell to its end and returns its status.
func (sh *shell) runMember(n node) int {
	sh.complete(n(sh))
	status := sh.status
	sh.close()
	return status
}

func (sh *shell) pipelineStatus(statuses []int) {
	sh.overlookJobs()
	sh.pipeStatus = statuses
	sh.status = statuses[len(statuses)-1]
	if sh.opts.on(optPipefail) {
		for i := len(statuses) - 1; i >= 0; i-- {
			if statuses[i] != 0 {
				sh.status = statuses[i]
				return
			}
		}
	}
}
