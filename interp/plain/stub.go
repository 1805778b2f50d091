package plain

import (
	"bytes"
	"encoding/json"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// argv[0] of re-executions. Nobody but this package uses these names; a
// program that is called so runs nothing that its caller could not run.
const (
	stubName    = "fsh: start"
	standInName = "fsh: job"
)

// Hidden takes over when this process is a re-execution. It does not return
// then. It must be called before anything else happens in main.
func Hidden() {
	if len(os.Args) == 0 {
		return
	}
	switch os.Args[0] {
	case stubName:
		os.Exit(runStub(os.Args[1:]))
	case standInName:
		os.Exit(runStandIn())
	}
}

// stub is what a child sets in itself before it executes the program.
type stub struct {
	Ignored []int
	Default []int
	Limits  []interp.Limit
}

// newStub returns nil when a plain fork and exec does: when the signals that
// this process ignores, which a child inherits, are the ones wanted.
func newStub(c *interp.Command) *stub {
	want := map[syscall.Signal]bool{}
	p := &stub{Limits: c.Limits}
	for _, sig := range c.Ignored {
		want[sig] = true
		// What is ignored behind the runtime's back has a handler as far as it
		// knows, and gets its default action in a child.
		if !ignores(sig) || !signal.Ignored(sig) {
			p.Ignored = append(p.Ignored, int(sig))
		}
	}
	for sig := syscall.Signal(1); sig < 65; sig++ {
		if !want[sig] && signal.Ignored(sig) {
			p.Default = append(p.Default, int(sig))
		}
	}
	if len(p.Ignored) == 0 && len(p.Default) == 0 && len(p.Limits) == 0 {
		return nil
	}
	p.Ignored = p.Ignored[:0] // all: the runtime of the stub takes over what it inherits
	for _, sig := range c.Ignored {
		p.Ignored = append(p.Ignored, int(sig))
	}
	return p
}

// forkStub starts the stub and waits until it executed the program: its
// errno comes back through a pipe that exec closes.
func (s *System) forkStub(umask uint32, attr *syscall.ProcAttr, path string, argv []string, p *stub) (int, error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return 0, err
	}
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return 0, err
	}
	defer syscall.Close(pipe[0])
	report := len(attr.Files)
	attr.Files = append(attr.Files, uintptr(pipe[1]))
	args := append([]string{stubName, string(plan), strconv.Itoa(report), path}, argv...)
	pid, err := s.locked(umask, func() (int, error) { return syscall.ForkExec(s.self, args, attr) })
	syscall.Close(pipe[1])
	if err != nil {
		return 0, err
	}
	var no [8]byte
	n, _ := syscall.Read(pipe[0], no[:])
	if n == 0 {
		return pid, nil
	}
	var ws syscall.WaitStatus
	syscall.Wait4(pid, &ws, 0, nil)
	code, err := strconv.Atoi(string(no[:max(n, 0)]))
	if err != nil {
		return 0, syscall.EIO
	}
	return 0, syscall.Errno(code)
}

// runStub is the child: args are the plan, the descriptor to report an error
// on, the path and argv.
func runStub(args []string) int {
	if len(args) < 3 {
		return 127
	}
	var p stub
	if json.NewDecoder(bytes.NewBufferString(args[0])).Decode(&p) != nil {
		return 127
	}
	report, err := strconv.Atoi(args[1])
	if err != nil {
		return 127
	}
	unix.CloseOnExec(report)
	for _, sig := range p.Default {
		setAction(syscall.Signal(sig), 0)
	}
	for _, sig := range p.Ignored {
		setAction(syscall.Signal(sig), 1)
	}
	for _, l := range p.Limits {
		unix.Setrlimit(l.Resource, &unix.Rlimit{Cur: l.Cur, Max: l.Max})
	}
	err = syscall.Exec(args[2], args[3:], os.Environ())
	if no, ok := err.(syscall.Errno); ok {
		syscall.Write(report, []byte(strconv.Itoa(int(no))))
	}
	return 126
}

// action is struct sigaction of rt_sigaction(2) on 64-bit Linux.
type action struct {
	handler  uintptr // 0 is SIG_DFL, 1 SIG_IGN
	flags    uint64
	restorer uintptr
	mask     uint64
}

// setAction sets SIG_DFL (0) or SIG_IGN (1) behind the Go runtime's back, and
// returns what was set before.
func setAction(sig syscall.Signal, handler uintptr) (old action) {
	next := action{handler: handler}
	swapAction(sig, &next, &old)
	return old
}

// ignores reports whether this process ignores a signal. The runtime's word is
// not enough: it keeps its handlers of those by which it learns of errors.
func ignores(sig syscall.Signal) bool {
	var now action
	swapAction(sig, nil, &now)
	return now.handler == 1
}

func swapAction(sig syscall.Signal, next, old *action) {
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig),
		uintptr(unsafe.Pointer(next)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
}
