package interp

import (
	"strconv"
	"syscall"

	"mvdan.cc/sh/v3/syntax"
)

// coprocess is a command in the background whose standard input and output
// are pipes to the shell: bash's coproc.
type coprocess struct {
	name  string
	job   *job
	fds   [2]int // to read from it and to write to it; -1: closed
	files [2]*file
}

// The descriptors of a coprocess are the first free ones from here on
// downwards, those that bash would have left.
const (
	coprocReadFD  = 63
	coprocWriteFD = 60
)

// coproc compiles `coproc [NAME] command`.
func (c *compiler) coproc(cl *syntax.CoprocClause) node {
	name := "COPROC"
	if cl.Name != nil {
		name = cl.Name.Lit()
	}
	b := c.backgroundJob(cl.Stmt)
	text := b.text
	b.text = func(sh *shell) string { return "coproc " + name + " " + text(sh) }
	return func(sh *shell) flow { return sh.startCoproc(b, name) }
}

func (sh *shell) startCoproc(b *backgroundJob, name string) flow {
	sh.reapCoproc()
	if old := sh.coproc; old != nil {
		sh.errorf("warning: execute_coproc: coproc [%d:%s] still exists", old.job.pid, old.name)
		sh.coproc = nil
	}
	var from, to [2]int
	if err := syscall.Pipe2(from[:], syscall.O_CLOEXEC); err != nil {
		return sh.coprocFailed(err)
	}
	if err := syscall.Pipe2(to[:], syscall.O_CLOEXEC); err != nil {
		syscall.Close(from[0])
		syscall.Close(from[1])
		return sh.coprocFailed(err)
	}
	co := &coprocess{name: name, files: [2]*file{newFile(from[0]), newFile(to[1])}}
	f := b.start(sh, func(sub *shell) {
		sub.setFile(0, newFile(to[0])).drop()
		sub.setFile(1, newFile(from[1])).drop()
	})
	if co.job = sh.jobs.byPid(sh.lastBg); f != flowNext || co.job == nil {
		co.files[0].drop()
		co.files[1].drop()
		return f
	}
	for i, first := range []int{coprocReadFD, coprocWriteFD} {
		n := first
		for n > 9 && sh.fdFile(n) != nil {
			n--
		}
		co.fds[i] = n
		sh.setFile(n, co.files[i]).drop()
	}
	sh.coproc = co
	sh.nameCoproc(co)
	return flowNext
}

func (sh *shell) coprocFailed(err error) flow {
	sh.errorf("cannot start a coprocess: %s", errText(err))
	sh.status = 1
	return sh.failed()
}

// nameCoproc sets NAME and NAME_PID.
func (sh *shell) nameCoproc(co *coprocess) {
	if sh.lookupVar(co.name).is(attrReadonly) || sh.lookupVar(co.name+"_PID").is(attrReadonly) {
		sh.errorf("%s: readonly variable", co.name)
		return
	}
	sh.setArray(co.name, []string{strconv.Itoa(co.fds[0]), strconv.Itoa(co.fds[1])})
	sh.setVar(co.name+"_PID", strconv.Itoa(co.job.pid))
}

// checkCoproc shows in NAME what exec closed or moved away.
func (sh *shell) checkCoproc() {
	co := sh.coproc
	if co == nil {
		return
	}
	changed := false
	for i, n := range co.fds {
		if n >= 0 && sh.fdFile(n) != co.files[i] {
			co.fds[i], changed = -1, true
		}
	}
	if changed && !sh.lookupVar(co.name).is(attrReadonly) {
		sh.setArray(co.name, []string{strconv.Itoa(co.fds[0]), strconv.Itoa(co.fds[1])})
	}
}

// reapCoproc forgets a coprocess that ended, with its descriptors and names.
func (sh *shell) reapCoproc() {
	co := sh.coproc
	if co == nil {
		return
	}
	if state, _, _ := co.job.look(); state != jobDone {
		return
	}
	sh.coproc = nil
	sh.closeCoproc(co)
	sh.unsetVar(co.name)
	sh.unsetVar(co.name + "_PID")
}

func (sh *shell) closeCoproc(co *coprocess) {
	for i, n := range co.fds {
		if n >= 0 && sh.fdFile(n) == co.files[i] {
			sh.setFile(n, nil).drop()
		}
	}
}

// ownsCoproc reports whether a descriptor is a coprocess's, which commands do
// not inherit: with it they would keep the coprocess waiting for its input.
func (sh *shell) ownsCoproc(n int, f *file) bool {
	co := sh.coproc
	return co != nil && (n == co.fds[0] && f == co.files[0] || n == co.fds[1] && f == co.files[1])
}

// leaveCoproc is for subshells but those of substitutions, which do not have
// the descriptors either.
func (sh *shell) leaveCoproc() {
	if co := sh.coproc; co != nil {
		sh.closeCoproc(co)
		sh.coproc = nil
	}
}
