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
//
// It answers 'c' with a zero byte and reports a caught signal as its number. It dies when the socket closes, and
// of every other signal as any process.
type standIn struct {
	process
	mu      sync.Mutex // of fd
	fd      int        // -1 once the process is gone
	signals chan syscall.Signal
}

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
	st := &standIn{process: process{pid: pid, stops: c.Report&interp.ReportStops != 0}, fd: pair[0], signals: make(chan syscall.Signal, 16)}
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
	}()
	var b [1]byte
	for {
		n, err := unix.Read(st.fd, b[:])
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			close(st.signals)
			return
		}
		if b[0] != 0 {
			st.signals <- syscall.Signal(b[0])
		}
	}
}

func (st *standIn) Signals() <-chan syscall.Signal { return st.signals }

func (st *standIn) Catch(caught, ignored []syscall.Signal) error {
	if err := st.order('i', ignored); err != nil {
		return err
	}
	return st.order('c', caught)
}

func (st *standIn) End(status int) error {
	return st.send([]byte{'x', byte(status)})
}

// runStandIn is the process.
func runStandIn() int {
	notify := make(chan os.Signal, 16)
	go func() {
		for s := range notify {
			if sig, ok := s.(syscall.Signal); ok {
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
	var special []syscall.Signal
	buf := make([]byte, 128)
	for {
		n, err := unix.Read(0, buf)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return 0
		}
		switch b := buf[1:n]; buf[0] {
		case 'x':
			return int(b[0])
		case 'i':
			for _, sig := range special {
				setAction(sig, 0)
			}
			special = special[:0]
			for _, sig := range b {
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
