// Package plain is the System without a sandbox: commands are children of
// this process and paths are opened as the process itself may. It serves
// --unsafe-no-sandbox and the tests of the interpreter.
//
// A program that uses it calls [Hidden] first thing in main: stand-ins and
// commands that need more than fork(2) can give (ignored signals, limits) are
// started through a re-execution of the program.
package plain

import (
	"bufio"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

var _ interp.System = (*System)(nil)

// System implements interp.System.
type System struct {
	self string // this program, for re-execution
	pid  int

	// umask is process-wide: held for reading by those who create files,
	// for writing by those who start commands, which inherit it.
	umask   sync.RWMutex
	current uint32

	signals chan syscall.Signal // to the shell itself, see Kill
}

// New returns the System. self is the path of a program that calls Hidden,
// usually /proc/self/exe.
func New(self string) *System {
	s := &System{self: self, pid: os.Getpid(), signals: make(chan syscall.Signal, 1)}
	s.current = uint32(unix.Umask(0))
	unix.Umask(int(s.current))
	return s
}

func (s *System) Pid() int  { return s.pid }
func (s *System) Ppid() int { return os.Getppid() }

// Signals delivers what Kill keeps; all else that is sent to $$ reaches this process.
func (s *System) Signals() <-chan syscall.Signal { return s.signals }

// Kill is kill(2). What the shell sends itself of SIGCHLD and SIGURG it gets
// through Signals: the kernel's are about processes that interp knows nothing of,
// and from the Go runtime. Those from other processes are lost.
func (s *System) Kill(pid int, sig syscall.Signal) error {
	if (sig == syscall.SIGCHLD || sig == syscall.SIGURG) && pid == syscall.Getpid() {
		select {
		case s.signals <- sig:
		default: // others are pending
		}
		return nil
	}
	return bare(syscall.Kill(pid, sig))
}

// HomeOf reads /etc/passwd, which is where users are without cgo.
func (s *System) HomeOf(user string) (string, bool) {
	f, err := os.Open("/etc/passwd")
	if err != nil {
		return "", false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// passwd(5): name:password:uid:gid:gecos:home:shell
		if fields := strings.Split(lines.Text(), ":"); len(fields) >= 6 && fields[0] == user {
			return fields[5], true
		}
	}
	return "", false
}

func (s *System) ChildTimes() (user, system syscall.Timeval) {
	var ru syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &ru) != nil {
		return
	}
	return ru.Utime, ru.Stime
}

// bare strips an error down to its errno.
func bare(err error) error {
	if err == nil {
		return nil
	}
	if no, ok := err.(syscall.Errno); ok {
		return no
	}
	if pe, ok := err.(*os.PathError); ok {
		return bare(pe.Err)
	}
	return err
}
