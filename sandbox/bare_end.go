package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Without a pid namespace nothing ends with its first process. What takes its place
// is one Landlock domain for all that a session starts, which no signal leaves
// (LANDLOCK_SCOPE_SIGNAL in landlock(7)): kill(2) with -1 from within it reaches that
// and nothing else, in one step, so that no fork gets past.

// signalDomain is the thread of the keeper that is in the session's domain. It makes the
// runners, whose own domains are inside of it.
type signalDomain struct{ calls chan func() }

// newSignalDomain is in the domain when it returns: shell, of the same user, is out of reach.
func newSignalDomain(shell int) (*signalDomain, error) {
	d := &signalDomain{make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: a domain cannot be left, and runners die with their thread
		err := enterSignalDomain(shell)
		entered <- err
		if err != nil {
			runtime.Goexit() // and the thread ends
		}
		for call := range d.calls {
			call()
		}
	}()
	return d, <-entered
}

// enterSignalDomain puts the calling thread in a domain that restricts signals alone.
func enterSignalDomain(shell int) error {
	ruleset, err := signalRuleset()
	if err != nil {
		return err
	}
	defer unix.Close(ruleset)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return setupError("no_new_privs", err, "")
	}
	if err := ll.LandlockRestrictSelf(ruleset, 0); err != nil {
		return setupError("Landlock", err, "")
	}
	if err := unix.Kill(shell, 0); err != unix.EPERM {
		return &SetupError{Layer: "Landlock", Err: fmt.Errorf("signals are not kept inside: %v", err)}
	}
	return nil
}

// do calls f on the thread.
func (d *signalDomain) do(f func()) {
	done := make(chan struct{})
	d.calls <- func() { defer close(done); f() }
	<-done
}

// end kills everything in the domain but this process.
func (d *signalDomain) end() {
	d.do(func() { _ = unix.Kill(-1, unix.SIGKILL) }) // ESRCH: there is nothing
}

// startBareInit makes the process that ends the session's others when the keeper is
// gone without having done so: it is in the domain, where none of them can signal it.
func (k *keeper) startBareInit() error {
	filter, err := seccompProgram(filterMode{bare: true})
	if err != nil {
		return err
	}
	end, err := k.lifeline()
	if err != nil {
		return err
	}
	defer syscall.Close(end)
	files, closeFiles, err := safeFDs(k.null, k.null, k.null, end)
	if err != nil {
		return err
	}
	defer closeFiles()
	p := &childProgram{}
	p.files(files)
	name, err := p.rename(nameInit)
	if err != nil {
		return err
	}
	defer name()
	p.dropCapsBare()
	p.outlive(filter)
	p.try("kill", unix.SYS_KILL, ^uintptr(0), uintptr(unix.SIGKILL))
	p.add("end", unix.SYS_EXIT_GROUP, 0)
	k.domain.do(func() { k.initPid, err = p.start(0) })
	return childError(err)
}

// descendants are all processes below this one that /proc shows, parents first: a
// runner that is stopped before its children does not see that they were.
func (k *keeper) descendants() []int {
	names, err := readNames(k.base.hostProc, ".")
	if err != nil {
		return nil
	}
	parent := make(map[int]int, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if above, err := strconv.Atoi(statField(fileOfProcess(k.base.hostProc, name, "stat"), statParent)); err == nil {
			parent[pid] = above
		}
	}
	depth := map[int]int{}
	var list []int
	for pid := range parent {
		at := pid
		for n := 0; at > 1 && n < len(parent); n++ {
			if at = parent[at]; at == os.Getpid() {
				list, depth[pid] = append(list, pid), n
				break
			}
		}
	}
	slices.SortFunc(list, func(a, b int) int { return depth[a] - depth[b] })
	return list
}

// tearDownBare ends everything that the session has started.
func (k *keeper) tearDownBare() {
	k.domain.end()
	for { // children that die leave theirs to the keeper
		if _, err := syscall.Wait4(-1, nil, 0, nil); err != nil && err != syscall.EINTR {
			break // ECHILD
		}
	}
	k.leaveGroups()
	for _, dir := range k.temps {
		_ = removeTree(dir)
		_ = os.Remove(filepath.Dir(dir)) // if it was the last
	}
}
