package plain

import (
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// A stand-in is a process that waits for orders on a socket, its descriptor 0:
//
//	'i' sig…    ignore these, all others as usual
//	'c' sig…    report these
//	'x' status  exit
//	'f'         start the program that comes with it, see request
//
// It answers 'c' with a zero byte and reports a caught signal as its number, and
// events of its children. It dies when the socket closes, and of every other signal
// as any process.
type standIn struct {
	process
	mu       sync.Mutex // of what follows
	fd       int        // -1 once the process is gone
	children map[uint32]*child
	last     uint32              // number of a child
	signals  chan syscall.Signal // unbuffered: a signal was dealt with when the next is taken

	catching sync.Mutex    // held while an answer is awaited
	answers  chan struct{} // closed once the process is gone
}

var _ interp.Parent = (*standIn)(nil)

// CheapStandIns: one is a program of its own.
func (s *System) CheapStandIns() bool { return false }

func (s *System) StandIn(c *interp.Command) (interp.StandIn, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	attr := &syscall.ProcAttr{Env: []string{"GOMAXPROCS=1"}, Files: []uintptr{uintptr(pair[1])}, Sys: &syscall.SysProcAttr{}}
	if c.Group >= 0 {
		attr.Sys.Setpgid, attr.Sys.Pgid = true, c.Group
	}
	if c.Terminal >= 0 {
		attr.Sys.Foreground, attr.Sys.Ctty, attr.Sys.Pgid = true, c.Terminal, max(c.Group, 0)
	}
	pid, err := s.locked(c.Umask, func() (int, error) {
		return syscall.ForkExec(s.self, []string{standInName}, attr)
	})
	unix.Close(pair[1])
	if err != nil {
		unix.Close(pair[0])
		return nil, err
	}
	st := &standIn{process: process{pid: pid, stops: c.Report&interp.ReportStops != 0}, fd: pair[0], signals: make(chan syscall.Signal),
		answers: make(chan struct{}, 1)}
	var ignored []syscall.Signal
	ignored = append(ignored, c.Ignored...)
	err = st.order('i', ignored)
	if err == nil {
		err = st.order('c', nil)
	}
	if err != nil {
		unix.Close(pair[0])
		return nil, err
	}
	// It is ready when it answers: a signal sent to $! at once finds its
	// dispositions in place.
	var ack [1]byte
	if n, err := unix.Read(pair[0], ack[:]); n != 1 || err != nil {
		unix.Close(pair[0])
		return nil, syscall.EIO
	}
	go st.listen()
	return st, nil
}

func (st *standIn) order(kind byte, signals []syscall.Signal) error {
	b := []byte{kind}
	for _, sig := range signals {
		b = append(b, byte(sig))
	}
	return st.send(b)
}

func (st *standIn) send(b []byte) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.fd < 0 {
		return syscall.ESRCH
	}
	_, err := unix.SendmsgN(st.fd, b, nil, nil, unix.MSG_NOSIGNAL)
	return err
}

// listen passes on reports until the process is gone. A process that died
// of a signal is reported as that signal, so that its job ends.
func (st *standIn) listen() {
	defer func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		unix.Close(st.fd)
		st.fd = -1
		st.abandon()
	}()
	var b [childEvent]byte
	for {
		n, err := unix.Read(st.fd, b[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			close(st.signals)
			close(st.answers)
			return
		}
		if n == childEvent {
			st.childSaid(b[:])
			continue
		}
		if b[0] != 0 {
			st.signals <- syscall.Signal(b[0])
		} else {
			st.answers <- struct{}{}
		}
	}
}

func (st *standIn) Signals() <-chan syscall.Signal { return st.signals }

// Catch returns when it is so. One that is stopped answers when it goes on.
func (st *standIn) Catch(caught, ignored []syscall.Signal) error {
	st.catching.Lock()
	defer st.catching.Unlock()
	if err := st.order('i', ignored); err != nil {
		return err
	}
	if err := st.order('c', caught); err != nil {
		return err
	}
	if _, ok := <-st.answers; !ok {
		return syscall.ESRCH
	}
	return nil
}

func (st *standIn) End(status int) error {
	return st.send([]byte{'x', byte(status)})
}

// runStandIn is the process.
func runStandIn() int {
	notify := make(chan os.Signal, 16)
	passed := make(chan struct{})
	go func() {
		for s := range notify {
			if s == barrierSignal {
				passed <- struct{}{}
			} else if sig, ok := s.(syscall.Signal); ok {
				unix.Write(0, []byte{byte(sig)})
			}
		}
	}()
	// The Go runtime does not die of every signal that others die of: all get
	// their default action, and its handlers are put back for those to report.
	var handlers [65]action
	for sig := syscall.Signal(1); sig < 65; sig++ {
		if sig != syscall.SIGKILL && sig != syscall.SIGSTOP && sig != syscall.SIGURG {
			handlers[sig] = setAction(sig, 0)
		}
	}
	children := parentSide{sys: New("/proc/self/exe"), barrier: barrier(&handlers[barrierSignal], notify, passed)}
	var special []syscall.Signal
	buf, oob := make([]byte, 128), make([]byte, 2048)
	for {
		n, rights, _, _, err := unix.Recvmsg(0, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return 0
		}
		switch b := buf[1:n]; buf[0] {
		case 'x':
			return int(b[0])
		case 'f':
			children.start(oob[:rights])
		case 'i':
			for _, sig := range special {
				setAction(sig, 0)
			}
			special = special[:0]
			for _, sig := range b {
				if syscall.Signal(sig) == syscall.SIGCHLD {
					continue // it would take the statuses of children (wait(2))
				}
				setAction(syscall.Signal(sig), 1)
				special = append(special, syscall.Signal(sig))
			}
		case 'c':
			for _, n := range b {
				sig := syscall.Signal(n)
				if sig == syscall.SIGKILL || sig == syscall.SIGSTOP || n >= 65 {
					continue
				}
				swapAction(sig, &handlers[sig], nil)
				signal.Notify(notify, sig)
				special = append(special, sig)
			}
			unix.Write(0, []byte{0})
		}
	}
}

// barrierSignal is the last real-time signal: the kernel hands out pending signals
// in the order of their numbers (signal(7)).
const barrierSignal = syscall.Signal(64)

// barrier makes what waits until the signals sent so far have been reported.
func barrier(handler *action, notify chan os.Signal, passed <-chan struct{}) func() {
	var mu sync.Mutex
	return func() {
		mu.Lock()
		defer mu.Unlock()
		swapAction(barrierSignal, handler, nil)
		signal.Notify(notify, barrierSignal)
		if syscall.Kill(syscall.Getpid(), barrierSignal) == nil {
			<-passed
		}
	}
}
