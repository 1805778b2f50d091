package interp

import (
	"errors"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// In shells that fork, a subshell is the parent of what it runs. Here the shell
// is, which nobody can tell but a program that looks for its parent's number. A
// subshell that has a stand-in has that start its programs, where it costs nothing.
// Where a command says that word, the subshell gets one.

// Parent is a StandIn that can start programs as its own children.
type Parent interface {
	StandIn
	// Start is Start of System. When the stand-in dies first, Wait returns
	// ErrParentGone. What the stand-in reported before the end of a program has
	// been taken from Signals, and dealt with, before Wait tells that end.
	Start(*Command) (Process, error)
}

// ErrParentGone is what waiting for the child of a stand-in gives that has died.
var ErrParentGone = errors.New("the parent is gone")

// askingWord is what a command has in it that asks for its parent's number.
const askingWord = "PPID"

func asksForParent(argv []string) bool {
	for _, arg := range argv[1:] {
		if strings.Contains(arg, askingWord) {
			return true
		}
	}
	return false
}

// soloMark is where the only command of a subshell runs: a program there would
// have replaced the subshell, so that its parent is the shell above.
type soloMark struct {
	funcDepth, evalDepth int
	quiet                bool // its failure is that of what it is part of
}

// solo compiles the body of a subshell that may be one command. A failure of
// such a command has no ERR trap of its own if it is a member of a pipeline, or
// another subshell.
func (c *compiler) solo(stmts []*syntax.Stmt, body node, member bool) node {
	if len(stmts) != 1 || stmts[0].Negated || stmts[0].Background {
		return body
	}
	_, quiet := stmts[0].Cmd.(*syntax.Subshell)
	if _, ok := stmts[0].Cmd.(*syntax.CallExpr); ok {
		quiet = member
	} else if !quiet {
		return body
	}
	return func(sh *shell) flow {
		sh.soloAt = &soloMark{sh.funcDepth, sh.evalDepth, quiet}
		return body(sh)
	}
}

func (sh *shell) isSolo() bool {
	return sh.soloAt != nil && sh.soloAt.funcDepth == sh.funcDepth && sh.soloAt.evalDepth == sh.evalDepth
}

// parentFor is the process that is to be a program's parent, nil for the
// System's own; asked tells whether the program says so.
func (sh *shell) parentFor(cmd *Command) (p Parent, asked bool) {
	if sh.parent == nil {
		return nil, false
	}
	asked = asksForParent(cmd.Argv)
	if !asked && !sh.rt.sys.CheapStandIns() {
		return nil, false
	}
	owner := sh
	for owner.parent != nil && owner.isSolo() {
		owner = owner.parent
	}
	if owner.parent == nil {
		return nil, asked
	}
	st := owner.standIn
	switch {
	case st != nil:
	case owner.leadsAlone():
		st = owner.group.leader
	case asked:
		owner.standFor(0)
		st = owner.standIn
	}
	p, _ = st.(Parent)
	return p, asked
}

// leadsAlone reports whether the leader of the job stands for this subshell:
// the job is not made of several.
func (sh *shell) leadsAlone() bool {
	return sh.group != nil && sh.group != sh.parent.group && sh.group.size == 1
}

// startProgram starts a program of a shell that is no job's. adopted: a stand-in
// is its parent, whose death is not its own.
func (sh *shell) startProgram(cmd *Command) (p Process, adopted bool, err error) {
	parent, asked := sh.parentFor(cmd)
	// The end of the shell looks at what runs in the background, by its number.
	if sh.killed != nil && !asked || sh.background() {
		cmd.Report |= ReportStart
	}
	if parent != nil {
		if p, err := parent.Start(cmd); err == nil {
			return p, asked && !sh.isSolo(), nil
		}
	}
	p, err = sh.rt.sys.Start(cmd)
	return p, false, err
}

// orphaned waits until a subshell knows that its stand-in has died.
func (sh *shell) orphaned() {
	for owner := sh; owner != nil && owner.parent != nil; owner = owner.parent {
		if !owner.isSolo() {
			for start := time.Now(); owner.attn.pending.Load()&attnCancel == 0 && time.Since(start) < deliverLimit; {
				time.Sleep(20 * time.Microsecond)
			}
			return
		}
	}
}
