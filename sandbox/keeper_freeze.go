package sandbox

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A question to the user is asked while nothing inside runs: no process can
// write into it, read the answer, or take the terminal. The keeper stops all of
// them, for it sees every one and may signal it, which no process inside may.

// freezeRequest asks to stop everything inside, or to let it go on.
type freezeRequest struct {
	On bool `json:"on"`
}

// freezePatience bounds how long processes are stopped that make new ones
// faster than they are found.
const freezePatience = 3 * time.Second

// freezer is what the keeper knows of processes that it has stopped.
type freezer struct {
	mu   sync.Mutex
	on   atomic.Bool
	ours []int // that are to go on afterwards: not those stopped before
	// switches are the context switches of each thread when all had stopped.
	switches map[string]string
	over     chan struct{} // closed to end the watch
	watched  chan struct{} // closed when it has
}

// freeze stops every process below the keeper but pid 1, which does nothing,
// or lets them go on. Then the reply tells whether all of them stood still: a
// process can have the kernel send it SIGCONT, by a timer or when something can
// be read (timer_create(2), F_SETSIG in fcntl(2)).
func (k *keeper) freeze(id uint32, req freezeRequest, err error) {
	f := &k.freezer
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
	case req.On == f.on.Load():
		err = unix.EALREADY
	case req.On:
		f.on.Store(true)
		if err = k.stopAll(); err != nil {
			k.goOn()
			break
		}
		f.switches = k.contextSwitches()
		f.over, f.watched = make(chan struct{}), make(chan struct{})
		go k.keepStopped(f.over, f.watched)
	default:
		close(f.over)
		<-f.watched
		if !k.stoodStill() {
			err = errors.New("a process woke up meanwhile")
		}
		k.goOn()
	}
	var rep viewReply
	if err != nil {
		rep.Error = toWire(setupError("freeze", err, "end what runs in the background"))
	}
	k.reply(id, rep, nil)
}

// stopAll is done when a look at all processes finds none that could run.
func (k *keeper) stopAll() error {
	k.freezer.ours = nil
	sent := map[int]bool{}
	for end := time.Now().Add(freezePatience); time.Now().Before(end); {
		calm := true
		for _, pid := range k.descendants() {
			if pid == k.initPid || k.rests(pid, sent[pid]) {
				continue
			}
			calm = false
			// Again and again: SIGCONT takes back a SIGSTOP that is pending.
			if unix.Kill(pid, unix.SIGSTOP) == nil && !sent[pid] {
				k.freezer.ours = append(k.freezer.ours, pid)
			}
			sent[pid] = true
		}
		if calm {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("not everything that runs inside can be stopped")
}

// restopEvery bounds how long a process runs that has itself woken up.
const restopEvery = 20 * time.Millisecond

// keepStopped stops again what wakes up.
func (k *keeper) keepStopped(over, watched chan struct{}) {
	defer close(watched)
	tick := time.NewTicker(restopEvery)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		for _, pid := range k.descendants() {
			if pid != k.initPid && !k.rests(pid, true) {
				_ = unix.Kill(pid, unix.SIGSTOP)
			}
		}
	}
}

// rests tells whether no thread of a process can get back to its program: it
// is stopped or dead, or in a call that a SIGSTOP is behind, if one was sent (D:
// of the parent in vfork(2), for example).
func (k *keeper) rests(pid int, sent bool) bool {
	return !slices.ContainsFunc(k.threads(pid), func(tid string) bool {
		switch k.stateOf(tid) {
		case 'R', 'S', 'I':
			return true
		case 'D':
			return !sent
		}
		return false
	})
}

// threads are the directories of a process's threads in /proc.
func (k *keeper) threads(pid int) []string {
	dir := strconv.Itoa(pid) + "/task"
	names, err := readNames(k.base.hostProc, dir)
	if err != nil {
		return nil // it has ended
	}
	for i, name := range names {
		names[i] = dir + "/" + name
	}
	return names
}

// contextSwitches are how often each thread got the processor; of one that
// waits in the kernel it is not known yet.
func (k *keeper) contextSwitches() map[string]string {
	m := map[string]string{}
	for _, pid := range k.descendants() {
		if pid == k.initPid {
			continue
		}
		for _, tid := range k.threads(pid) {
			if state := k.stateOf(tid); state == 'D' {
				m[tid] = ""
			} else if state != 0 && state != 'Z' && state != 'X' {
				m[tid] = statusOfProcess(k.base.hostProc, tid, "voluntary_ctxt_switches") + " " +
					statusOfProcess(k.base.hostProc, tid, "nonvoluntary_ctxt_switches")
			}
		}
	}
	return m
}

// stoodStill tells whether no thread has run since the freeze, or is about to,
// and none is new.
func (k *keeper) stoodStill() bool {
	for _, pid := range k.descendants() {
		if pid != k.initPid && !k.rests(pid, true) {
			return false
		}
	}
	for tid, now := range k.contextSwitches() {
		was, known := k.freezer.switches[tid]
		if !known || was != "" && now != "" && now != was {
			return false
		}
	}
	return true
}

// goOn lets what freeze stopped go on, children first: a parent that waits for
// changes never sees that they were stopped.
func (k *keeper) goOn() {
	f := &k.freezer
	depth := map[int]int{}
	for _, pid := range f.ours {
		for at := pid; at > 1 && depth[pid] < maxAncestors; depth[pid]++ {
			at, _ = strconv.Atoi(statusOfProcess(k.base.hostProc, strconv.Itoa(at), "PPid"))
		}
	}
	slices.SortFunc(f.ours, func(a, b int) int { return depth[b] - depth[a] })
	for _, pid := range f.ours {
		_ = unix.Kill(pid, unix.SIGCONT)
	}
	f.ours = nil
	f.on.Store(false)
}

// maxAncestors is more than a chain of processes has.
const maxAncestors = 1 << 16
