package interp

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func runWait(sh *shell, args []string) int {
	defer sh.reapCoproc()
	rest := args[1:]
	any, into := false, ""
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		switch a := rest[0]; {
		case a == "--":
		case a == "-n":
			any = true
		case a == "-f":
		case a == "-p" && len(rest) > 1:
			into, rest = rest[1], rest[1:]
		case a == "-p":
			return sh.badCall(args[0], &optionError{a, true})
		default:
			return sh.badOption(args[0], a)
		}
		rest = rest[1:]
		if args[len(args)-len(rest)-1] == "--" {
			break
		}
	}
	if into != "" && !sh.validTarget(into) {
		sh.errorf("%s: `%s': not a valid identifier", args[0], into)
		return 1
	}
	if into != "" {
		refs := sh.arrayRefs
		runUnset(sh, []string{"unset", "-v", into})
		sh.arrayRefs = refs
	}
	if any {
		return sh.waitAny(rest, into)
	}
	if len(rest) == 0 {
		return sh.waitAll()
	}
	status := 0
	for _, id := range rest {
		var interrupted bool
		if status, interrupted = sh.waitOne(id, into); interrupted {
			return status
		}
	}
	return status
}

// noteWaited assigns which process it was that was waited for.
func (sh *shell) noteWaited(name string, pid int) {
	if err := sh.assignTo(name, strconv.Itoa(pid)); err != nil {
		sh.errorf("wait: %s", err)
	}
}

func (sh *shell) waitAll() int {
	for _, j := range append([]*job(nil), sh.jobs.jobs...) {
		if interrupted, status := sh.waitJob(j); interrupted {
			return status
		}
		if state, _, _ := j.look(); state == jobDone {
			sh.jobs.remove(j)
		}
	}
	if !sh.bash() {
		sh.jobs.done, sh.jobs.order = nil, nil // no process ID is known any more (XCU wait)
	}
	return 0
}

// waitJob waits until a job is done, or a signal with a trap arrives.
func (sh *shell) waitJob(j *job) (interrupted bool, status int) {
	for waited := false; ; waited = true {
		state, status, changed := j.look()
		if state == jobDone || state == jobStopped && sh.jobControl() {
			return sh.waitOver(status, waited)
		}
		sh.rt.work.rest()
		select {
		case <-changed:
			sh.rt.work.resume()
			continue
		case <-sh.attn.bell:
			sh.rt.work.resume()
		}
		if sh.bash() && sh.onlyChildren() {
			if sh.jump = sh.attend(); sh.jump != flowNext {
				return true, sh.status
			}
			continue
		}
		if interrupted, status := sh.interruption(); interrupted {
			return true, status
		}
	}
}

// interruption runs the traps that interrupt wait: its status tells which.
func (sh *shell) interruption() (bool, int) {
	sh.hold()
	if sh.attn.pending.Load() == 0 {
		return false, 0
	}
	status := sh.interruptedStatus()
	sh.jump = sh.attend()
	if sh.jump != flowNext {
		return true, sh.status
	}
	return true, status
}

// onlyChildren reports whether nothing but SIGCHLD is pending. Its trap does
// not end bash's wait outside of the POSIX mode.
func (sh *shell) onlyChildren() bool {
	return sh.attn.pending.Load() == attnSignal && sh.attn.signals.Load() == 1<<uint(syscall.SIGCHLD)
}

// childTrapDelay bounds how long SIGCHLD may take from the kernel to here
// after its process was awaited.
const childTrapDelay = 50 * time.Millisecond

// waitOver ends a wait for what has ended. In bash the trap on the SIGCHLD that
// came with it runs before that; elsewhere it has interrupted the wait, as any
// signal with a trap would (XCU 2.12), whichever of the two was seen first.
func (sh *shell) waitOver(status int, waited bool) (interrupted bool, _ int) {
	if !waited && !sh.bash() || sh.traps.disposition(syscall.SIGCHLD) != trapCommand {
		return false, status
	}
	if sh.attn.pending.Load() == 0 {
		select {
		case <-sh.attn.bell:
		case <-time.After(childTrapDelay):
		}
	}
	if !sh.onlyChildren() {
		return false, status
	}
	if !sh.bash() {
		return sh.interruption()
	}
	if sh.jump = sh.attend(); sh.jump != flowNext {
		return true, sh.status
	}
	return false, status
}

func (sh *shell) waitOne(id, into string) (status int, interrupted bool) {
	var j *job
	if strings.HasPrefix(id, "%") {
		found, err := sh.jobs.find(id)
		if err != nil {
			sh.errorf("wait: %s: %s", id, err)
			return 127, false
		}
		j = found
	} else {
		pid, err := strconv.Atoi(id)
		if err != nil || pid < 0 {
			if sh.bash() {
				sh.errorf("wait: `%s': not a pid or valid job spec", id)
				return 1, false
			}
			return sh.builtinFailed(2, "wait: %s", sh.illegal(id)), false
		}
		if j = sh.jobs.byPid(pid); j == nil {
			if status, ok := sh.jobs.done[pid]; ok {
				if !sh.bash() {
					delete(sh.jobs.done, pid)
				}
				return status, false
			}
			if sh.bash() {
				sh.errorf("wait: pid %d is not a child of this shell", pid)
			}
			return 127, false
		}
	}
	if interrupted, status := sh.waitJob(j); interrupted {
		return status, true
	}
	state, status, _ := j.look()
	if into != "" {
		sh.noteWaited(into, j.pid)
	}
	if state == jobDone { // not one that stopped
		sh.jobs.remove(j)
		if !sh.bash() {
			delete(sh.jobs.done, j.pid) // not known any more (XCU wait)
		}
	}
	return status, false
}

// waitAny is wait -n: for the first of several jobs to end.
func (sh *shell) waitAny(ids []string, into string) int {
	list := slices.DeleteFunc(sh.jobs.sorted(), (*job).overlooked)
	if len(ids) > 0 {
		list = nil
		for _, id := range ids {
			var j *job
			if pid, err := strconv.Atoi(id); err == nil {
				j = sh.jobs.byPid(pid)
			} else {
				j, _ = sh.jobs.find(id)
			}
			if j != nil && !j.overlooked() {
				list = append(list, j)
			} else if sh.bash() {
				sh.errorf("wait: %s: no such job", id)
			}
		}
	}
	if len(list) == 0 {
		return 127
	}
	done := make(chan struct{})
	defer close(done)
	ended := make(chan *job, len(list))
	for _, j := range list {
		go func() {
			for {
				state, _, changed := j.look()
				if state == jobDone {
					ended <- j
					return
				}
				select {
				case <-changed:
				case <-done:
					return
				}
			}
		}()
	}
	sh.rt.work.rest()
	defer sh.rt.work.resume()
	for {
		select {
		case j := <-ended:
			_, status, _ := j.look()
			if into != "" {
				sh.noteWaited(into, j.pid)
			}
			sh.jobs.remove(j)
			return status
		case <-sh.attn.bell:
			if interrupted, status := sh.interruption(); interrupted {
				return status
			}
		}
	}
}
