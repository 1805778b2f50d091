package interp

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// In shells that fork, what runs in the background outlives the shell. Here it
// ends with the shell: lists because they are goroutines, programs because the
// sandbox does. So that `echo done &` as the last command is not lost, the end
// waits for background work that goes on by itself: until everything is
// blocked (it reads, waits, is stopped) or has ended, within limits.
const (
	// lingerLimit is for work that never blocks.
	lingerLimit = 2 * time.Second
	// lingerForList is for programs that a list waits for, asleep or not: it
	// may have more to do. A program that is a job of the main shell is a server.
	lingerForList = 500 * time.Millisecond
	// lingerForOpen is for opening files, most of which do not block.
	lingerForOpen = 100 * time.Millisecond
	lingerPause   = time.Millisecond
	// lingerLooks is how often in a row all must be found blocked: who is
	// looked at first may be woken by who is looked at last.
	lingerLooks = 3
)

// work counts what the shell and its subshells are doing.
type work struct {
	active  atomic.Int32 // goroutines that run commands and do not wait
	opening atomic.Int32 // those that wait for a file to be opened

	mu       sync.Mutex
	programs map[Process]bool // of jobs; true: a list's, which may wait for it
}

// rest is called before something that waits for others, resume after it.
func (w *work) rest()   { w.active.Add(-1) }
func (w *work) resume() { w.active.Add(1) }

// watch adds a program of a background job; the function returned removes it.
func (w *work) watch(p Process, list bool) (unwatch func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.programs == nil {
		w.programs = map[Process]bool{}
	}
	w.programs[p] = list
	return func() {
		w.mu.Lock()
		delete(w.programs, p)
		w.mu.Unlock()
	}
}

func (w *work) watched() map[Process]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.programs) == 0 {
		return nil
	}
	list := make(map[Process]bool, len(w.programs))
	for p, kind := range w.programs {
		list[p] = kind
	}
	return list
}

// waiting is called before this shell waits for a program, and the function
// returned afterwards.
func (sh *shell) waiting(p Process) (done func()) {
	unwatch := func() {}
	if sh.background() {
		unwatch = sh.rt.work.watch(p, true)
	}
	sh.rt.work.rest()
	return func() {
		sh.rt.work.resume()
		unwatch()
	}
}

// openSlowly opens what may make this shell wait: a fifo.
func (sh *shell) openSlowly(r *OpenRequest) (int, error) {
	w := &sh.rt.work
	w.opening.Add(1)
	w.rest()
	defer func() {
		w.resume()
		w.opening.Add(-1)
	}()
	return sh.rt.sys.Open(r)
}

// linger gives the background its time at the end of the main shell.
func (sh *shell) linger() {
	rt := sh.rt
	rt.work.rest()
	defer rt.work.resume()
	start := time.Now()
	for quiet := 0; quiet < lingerLooks; {
		spent := time.Since(start)
		if sh.endBy != 0 || spent > lingerLimit || rt.idle() {
			return
		}
		if sh.goesOn(spent) {
			quiet = 0
		} else {
			quiet++
		}
		select {
		case <-time.After(lingerPause):
		case <-sh.attn.bell:
		}
		if sh.attn.pending.Load()&attnCancel != 0 {
			sh.endBy = syscall.Signal(sh.attn.cancel.Load())
		}
	}
}

// idle tells that there is nothing in the background.
func (rt *runtime) idle() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return len(rt.live) == 0 && rt.work.watched() == nil
}

// goesOn tells whether something in the background does not wait, or not for
// long.
func (sh *shell) goesOn(spent time.Duration) bool {
	w := &sh.rt.work
	if w.active.Load() > 0 || w.opening.Load() > 0 && spent < lingerForOpen {
		return true
	}
	for p, list := range w.watched() {
		pid, err := p.Pid()
		if err != nil {
			continue
		}
		switch sh.processState(pid) {
		case 0, 'T', 't':
		case 'Z', 'X':
			return true // whoever waits for it is about to be told
		case 'S', 'I':
			if list && spent < lingerForList || sh.childRuns(pid, lingerDepth) {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// lingerDepth bounds the search for descendants that run.
const lingerDepth = 4

func (sh *shell) childRuns(pid, depth int) bool {
	self := strconv.Itoa(pid)
	children := sh.procFile(self + "/task/" + self + "/children")
	for _, text := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(text)
		if err != nil {
			return false
		}
		switch sh.processState(child) {
		case 'R', 'D':
			return true
		case 'S', 'I':
			if depth > 0 && sh.childRuns(child, depth-1) {
				return true
			}
		}
	}
	return false
}

// processState is the third field of proc_pid_stat(5), behind the name in
// brackets; 0 when it cannot be known.
func (sh *shell) processState(pid int) byte {
	stat := sh.procFile(strconv.Itoa(pid) + "/stat")
	if i := bytes.LastIndex(stat, []byte(") ")); i >= 0 && i+2 < len(stat) {
		return stat[i+2]
	}
	return 0
}

// procFile reads a file of /proc as commands see it.
func (sh *shell) procFile(name string) []byte {
	fd, err := sh.rt.sys.Open(&OpenRequest{
		Dir: sh.dir, Path: "/proc/" + name, Flags: syscall.O_RDONLY | syscall.O_NONBLOCK, Where: sh.where("exit"),
	})
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil
	}
	text := make([]byte, 4096)
	n, err := syscall.Read(fd, text)
	if err != nil {
		return nil
	}
	return text[:n]
}
