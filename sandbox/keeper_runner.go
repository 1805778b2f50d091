package sandbox

import (
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runnerProc is a runner as its parent, the keeper, sees it. To scripts the
// runner is the shell: SIGKILL to its number is the shell's end. What happens
// to it otherwise (the system is out of memory, a signal to everybody, somebody
// outside) is the sandbox's affair: it is replaced. One that is stopped is
// continued: the shell waits for it, and could not even be interrupted.
type runnerProc struct {
	pid   int
	pidfd int

	mu sync.Mutex
	// replaced says that a program has taken the runner's place (exec).
	replaced bool
	// killed, halted: a process inside aimed SIGKILL, SIGSTOP at it.
	killed, halted bool
	// told says that the shell has been told to stop, and has not said since
	// that it goes on.
	told bool
}

// goneNote tells the shell how a runner ended.
type goneNote struct {
	View uint32 `json:"view"`
	ending
}

// ending is how a runner ended.
type ending struct {
	Status syscall.WaitStatus `json:"status"`
	// Meant says that it was killed by a process inside, by its number.
	Meant bool `json:"meant,omitempty"`
}

// stoppedNote tells the shell that the process with its number has stopped.
type stoppedNote struct {
	View uint32 `json:"view"`
}

// runnerRequest asks about a runner; the reply says whether it is stopped.
type runnerRequest struct {
	View     uint32 `json:"view"`
	Signal   int    `json:"signal,omitempty"`
	Replaced *bool  `json:"replaced,omitempty"`
	// Look asks for the state of one that does not answer.
	Look bool `json:"look,omitempty"`
}

func newRunnerProc(pid int) (*runnerProc, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	return &runnerProc{pid: pid, pidfd: fd}, err
}

// answer tells the shell of a runner. The doors belong to the reply.
func (k *keeper) answer(id uint32, rp *runnerProc, rep viewReply, doors []int) {
	k.mu.Lock()
	k.runners[id] = rp
	k.mu.Unlock()
	k.reply(id, rep, doors)
	closeAll(doors)
}

// follow stays with a runner to its end.
func (k *keeper) follow(id uint32, rp *runnerProc) {
	k.watchRunner(id, rp)
	rp.close()
	k.wakeShell(rp) // its end may have hidden that it went on
}

// watchRunner follows a runner, or the program in its place, to its end.
func (k *keeper) watchRunner(id uint32, rp *runnerProc) {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(rp.pid, &status, syscall.WUNTRACED|syscall.WCONTINUED, nil)
		switch {
		case err == syscall.EINTR:
		case err == nil && k.freezer.on.Load() && (status.Stopped() || status.Continued()):
			// the keeper's own doing
		case err == nil && status.Stopped():
			if rp.stops() {
				k.tell(opStopped, id, stoppedNote{id}, nil)
			} else {
				_ = unix.PidfdSendSignal(rp.pidfd, unix.SIGCONT, nil, 0)
			}
		case err == nil && status.Continued():
			go k.wakeShell(rp)
		default:
			rp.mu.Lock()
			note := goneNote{id, ending{status, rp.killed}}
			rp.mu.Unlock()
			k.tell(opGone, id, note, nil)
			return
		}
	}
}

// stops tells whether a stop is one of the shell: of a program in its place, or
// by its number.
func (rp *runnerProc) stops() bool {
	rp.mu.Lock()
	defer rp.mu.Unlock()
	rp.told = rp.replaced || rp.halted
	rp.halted = false
	return rp.told
}

// wakeShell has the shell go on because somebody inside said so. It stops
// itself, and may be just about to: it is told until it asks.
func (k *keeper) wakeShell(rp *runnerProc) {
	for pause := time.Millisecond; rp.isTold(); pause = min(2*pause, 100*time.Millisecond) {
		_ = unix.Kill(k.shell, unix.SIGCONT)
		time.Sleep(pause)
	}
}

func (rp *runnerProc) isTold() bool {
	rp.mu.Lock()
	defer rp.mu.Unlock()
	return rp.told
}

// aimed notes that a process inside sends SIGKILL or SIGSTOP to the runner's
// number.
func (rp *runnerProc) aimed(sig unix.Signal) {
	rp.mu.Lock()
	defer rp.mu.Unlock()
	rp.killed = rp.killed || sig == unix.SIGKILL
	rp.halted = rp.halted || sig == unix.SIGSTOP
}

// close is for a runner that nobody follows any more.
func (rp *runnerProc) close() {
	rp.mu.Lock()
	defer rp.mu.Unlock()
	unix.Close(rp.pidfd)
	rp.pidfd = -1
}

// is tells whether a process is the runner, and no program in its place.
func (rp *runnerProc) is(pid uint32) bool {
	rp.mu.Lock()
	defer rp.mu.Unlock()
	return int(pid) == rp.pid && !rp.replaced
}

// aboutRunner answers a runnerRequest.
func (k *keeper) aboutRunner(id uint32, req runnerRequest, err error) {
	k.mu.Lock()
	rp := k.runners[req.View]
	k.mu.Unlock()
	if err == nil && rp == nil {
		err = unix.ESRCH
	}
	if err != nil {
		k.reply(id, viewReply{Error: toWire(setupError("runner", err, ""))}, nil)
		return
	}
	rp.mu.Lock()
	if req.Replaced != nil {
		rp.replaced = *req.Replaced
	}
	if req.Signal != 0 && rp.pidfd >= 0 {
		_ = unix.PidfdSendSignal(rp.pidfd, unix.Signal(req.Signal), nil, 0) // it may have ended
	}
	stopped := rp.pidfd >= 0 && k.isStopped(rp.pid)
	rp.told = rp.told && stopped && req.Signal != int(unix.SIGCONT)
	rp.mu.Unlock()
	rep := viewReply{Stopped: stopped}
	if req.Look {
		rep.State = string(rune(k.look(rp)))
	}
	k.reply(id, rep, nil)
}

// look is the state of a runner that does not answer. One that waits for a child
// to execute its program (D: vfork(2)) waits as long as that child is stopped,
// which a signal to everybody, or to numbers at random, may have done: no program
// has it yet, so nobody else would let it go on.
func (k *keeper) look(rp *runnerProc) byte {
	if k.freezer.on.Load() {
		return stateFrozen
	}
	state := k.stateOf(strconv.Itoa(rp.pid))
	if state != 'D' {
		return state
	}
	own := strconv.Itoa(rp.pid)
	name := statusOfProcess(k.base.hostProc, own, "Name")
	for _, pid := range k.descendants() {
		at := strconv.Itoa(pid)
		if k.isStopped(pid) && statusOfProcess(k.base.hostProc, at, "PPid") == own &&
			statusOfProcess(k.base.hostProc, at, "Name") == name {
			_ = unix.Kill(pid, unix.SIGCONT) // not reaped: its parent waits
		}
	}
	return state
}

func (k *keeper) isStopped(pid int) bool { return k.stateOf(strconv.Itoa(pid)) == 'T' }

// stateOf is the state of a process or thread; 0 when there is none.
func (k *keeper) stateOf(tid string) byte {
	if state := statField(fileOfProcess(k.base.hostProc, tid, "stat"), statState); state != "" {
		return state[0]
	}
	return 0
}
