package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// runnerHost is what the shell can learn about a runner, and do to it, past
// the runner: from the keeper, its parent. Signals go to the keeper's child,
// never to a number.
type runnerHost struct {
	s    *Session
	view uint32
	gone <-chan ending
	// child is a runner inside of another session, which has no keeper.
	child *nestedRunner

	once  sync.Once
	over  chan struct{} // closed with the end
	end   ending
	known bool
}

func (s *Session) hostOf(r *startedRunner) *runnerHost {
	return &runnerHost{s: s, view: r.view, gone: r.gone, child: r.child}
}

// follow has over closed at the end.
func (h *runnerHost) follow() {
	h.once.Do(func() {
		h.over = make(chan struct{})
		go func() {
			h.end, h.known = <-h.gone
			close(h.over)
		}()
	})
}

// ended waits for the end. It is not known when everything ended.
func (h *runnerHost) ended() (ending, bool) {
	h.follow()
	<-h.over
	return h.end, h.known
}

// endLimit is how long a killed runner has to end. One that waits for a disk or
// a server, as the kernel will have it, ends when that answers.
const endLimit = 2 * time.Second

// endedSoon is ended, of a runner that has been killed.
func (h *runnerHost) endedSoon() (ending, bool) {
	h.follow()
	select {
	case <-h.over:
		return h.end, h.known
	case <-time.After(endLimit):
		return ending{}, false
	}
}

// controls tells whether the keeper can be asked.
func (h *runnerHost) controls() bool { return h != nil && h.view != 0 }

func (h *runnerHost) ask(r runnerRequest) (viewReply, error) {
	r.View = h.view
	text, err := json.Marshal(r)
	if err != nil {
		return viewReply{}, err
	}
	_, a := h.s.ask(opRunner, text, nil, nil)
	closeAll(a.fds)
	return a.reply, a.err
}

// stateFrozen is the state of a runner that the keeper has stopped (freeze).
const stateFrozen = 'F'

// state is what the runner does (proc_pid_stat(5)), 0 if that is not known. The
// keeper does what it can to have it go on.
func (h *runnerHost) state() byte {
	if h != nil && h.child != nil {
		return h.child.state()
	}
	if !h.controls() {
		return 0
	}
	rep, err := h.ask(runnerRequest{Look: true})
	if err != nil || len(rep.State) != 1 {
		return 0
	}
	return rep.State[0]
}

// kill ends a runner that is of no use any more.
func (h *runnerHost) kill() {
	if h.child != nil {
		h.child.kill()
	}
	if h.controls() {
		_, _ = h.ask(runnerRequest{Signal: int(unix.SIGKILL)})
	}
}

// String says how a runner ended, in brackets; nothing when that is not known.
func (e ending) String() string {
	switch {
	case e.Status.Signaled():
		return fmt.Sprintf(" (killed by %s)", unix.SignalName(e.Status.Signal()))
	case e.Status.ExitStatus() > 0:
		return fmt.Sprintf(" (exit status %d)", e.Status.ExitStatus())
	}
	return ""
}

// parentNumber is $PPID. The shell's parent has no number inside, and that of
// the outside would be another process there, or nobody. It is init, as for any
// process whose parent is out of reach; the kernel says 0, which kill(1) would
// take for the shell's own group.
func (s *Session) parentNumber() int {
	if Inside() || s.bare != nil {
		return os.Getppid()
	}
	return 1
}

// dieKilled ends this process as one that was killed.
func dieKilled() {
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	os.Exit(128 + int(syscall.SIGKILL)) // pid 1 of a container cannot be killed from inside
}

// stopSelf returns when somebody has let this process go on. The signal is for
// the calling thread, which has it before it returns from the call; one for the
// process would be another thread's to take, later.
func stopSelf() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(os.Getpid(), unix.Gettid(), unix.SIGSTOP)
}

// stopShell stops this process because the one with its number has, and has
// that one go on afterwards. Who stopped both at once (a terminal) may have let
// both go on before the news came here; then there is nothing to do.
func (s *Session) stopShell(view uint32) {
	h := &runnerHost{s: s, view: view}
	if rep, err := h.ask(runnerRequest{}); err != nil || !rep.Stopped {
		return
	}
	stopSelf()
	_, _ = h.ask(runnerRequest{Signal: int(unix.SIGCONT)}) // it may have ended
}
