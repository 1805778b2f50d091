package plain

import (
	"runtime"
	"sort"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// process is a child. It was executed when Start returned: ForkExec waits
// for that, so an error is kept for Wait.
type process struct {
	pid   int
	err   error
	stops bool
}

func (p *process) Pid() (int, error) { return p.pid, p.err }

func (p *process) Wait() (syscall.WaitStatus, *syscall.Rusage, error) {
	if p.err != nil {
		return 0, nil, p.err
	}
	options := 0
	if p.stops {
		options = syscall.WUNTRACED | syscall.WCONTINUED
	}
	var ws syscall.WaitStatus
	var ru syscall.Rusage
	for {
		_, err := syscall.Wait4(p.pid, &ws, options, &ru)
		if err == syscall.EINTR {
			continue
		}
		return ws, &ru, err
	}
}

func (s *System) Start(c *interp.Command) (interp.Process, error) {
	pid, err := s.start(c)
	return &process{pid: pid, err: err, stops: c.Report&interp.ReportStops != 0}, nil
}

// start tries the candidates as execvp(3) does.
func (s *System) start(c *interp.Command) (int, error) {
	defer runtime.KeepAlive(c.Dir)
	var denied error
	err := error(syscall.ENOENT)
	for _, path := range c.Paths {
		var pid int
		if pid, err = s.forkExec(c, path); err == nil {
			return pid, nil
		}
		switch err {
		case syscall.EACCES:
			denied = err
		case syscall.ENOENT, syscall.ENOTDIR:
		default:
			return 0, err
		}
	}
	if denied != nil {
		err = denied
	}
	return 0, err
}

// forkExec starts one candidate, through a re-execution of this program when
// the child needs what cannot be said to the Go runtime.
func (s *System) forkExec(c *interp.Command, path string) (int, error) {
	files, err := fileTable(c.Files)
	if err != nil {
		return 0, err
	}
	attr := &syscall.ProcAttr{Env: c.Env, Files: files, Sys: &syscall.SysProcAttr{}}
	if d, ok := c.Dir.(*dir); ok {
		attr.Dir = procPath(d.fd)
	}
	if c.Group >= 0 {
		attr.Sys.Setpgid, attr.Sys.Pgid = true, c.Group
	}
	if c.Terminal >= 0 {
		// Ctty is a descriptor of this process; Foreground implies Setpgid.
		attr.Sys.Foreground, attr.Sys.Ctty = true, c.Terminal
		attr.Sys.Pgid = max(c.Group, 0)
	}
	argv := c.Argv
	if plan := newStub(c); plan != nil {
		if err := unix.Faccessat(at(c.Dir), path, unix.X_OK, unix.AT_EACCESS); err != nil {
			return 0, err
		}
		return s.forkStub(c.Umask, attr, path, argv, plan)
	}
	return s.locked(c.Umask, func() (int, error) { return syscall.ForkExec(path, argv, attr) })
}

// locked runs f, which forks, under a umask.
func (s *System) locked(umask uint32, f func() (int, error)) (int, error) {
	s.umask.Lock()
	defer s.umask.Unlock()
	if s.current != umask {
		unix.Umask(int(umask))
		s.current = umask
	}
	pid, err := f()
	return pid, bare(err)
}

// closed marks descriptors that the child shall not have.
const closed = ^uintptr(0)

// fileTable turns the map into what ForkExec wants: a list by number.
func fileTable(files []interp.FileMap) ([]uintptr, error) {
	size := 0
	for _, f := range files {
		size = max(size, f.Child+1)
	}
	table := make([]uintptr, size)
	for i := range table {
		table[i] = closed
	}
	for _, f := range files {
		if f.Child < 0 || f.FD < 0 {
			return nil, syscall.EBADF
		}
		table[f.Child] = uintptr(f.FD)
	}
	return table, nil
}

// Exec replaces this process. It returns only if the program could not be
// executed; descriptors are changed only where the kernel cannot fail any
// more for lack of a file.
func (s *System) Exec(c *interp.Command) (syscall.WaitStatus, error) {
	defer runtime.KeepAlive(c.Dir)
	path, err := s.executable(c)
	if err != nil {
		return 0, err
	}
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	s.umask.Lock()
	defer s.umask.Unlock()
	undo, err := placeFiles(c.Files)
	if err != nil {
		return 0, err
	}
	if d, ok := c.Dir.(*dir); ok {
		unix.Fchdir(d.fd)
	}
	old := unix.Umask(int(c.Umask))
	for _, l := range c.Limits {
		unix.Setrlimit(l.Resource, &unix.Rlimit{Cur: l.Cur, Max: l.Max})
	}
	was := map[syscall.Signal]action{}
	for _, sig := range c.Ignored {
		was[sig] = setAction(sig, 1)
	}
	err = syscall.Exec(path, c.Argv, c.Env)
	for sig, old := range was {
		swapAction(sig, &old, nil)
	}
	unix.Umask(old)
	undo()
	return 0, bare(err)
}

// executable is the first candidate that can be executed.
func (s *System) executable(c *interp.Command) (string, error) {
	err := error(syscall.ENOENT)
	for _, path := range c.Paths {
		e := unix.Faccessat(at(c.Dir), path, unix.X_OK, unix.AT_EACCESS)
		if e == nil {
			return path, nil
		}
		if err != syscall.EACCES {
			err = e
		}
	}
	return "", err
}

// placeFiles moves descriptors to the numbers of the new program. Sources
// are copied out of the way first, so that no order matters; undo closes what
// the copies left, for a shell that goes on.
func placeFiles(files []interp.FileMap) (undo func(), err error) {
	top := 0
	for _, f := range files {
		top = max(top, f.Child, f.FD)
	}
	type move struct{ child, copy, keep int }
	var moves []move
	undo = func() {
		for _, m := range moves {
			if m.keep >= 0 {
				unix.Dup3(m.keep, m.child, unix.O_CLOEXEC)
				unix.Close(m.keep)
			} else {
				unix.Close(m.child)
			}
		}
	}
	var copies []int
	defer func() {
		for _, fd := range copies {
			unix.Close(fd)
		}
	}()
	sort.Slice(files, func(a, b int) bool { return files[a].Child < files[b].Child })
	for _, f := range files {
		fd, err := unix.FcntlInt(uintptr(f.FD), unix.F_DUPFD_CLOEXEC, top+1)
		if err != nil {
			return nil, err
		}
		copies = append(copies, fd)
	}
	for i, f := range files {
		keep, err := unix.FcntlInt(uintptr(f.Child), unix.F_DUPFD_CLOEXEC, top+1)
		if err != nil {
			keep = -1
		}
		if err := unix.Dup2(copies[i], f.Child); err != nil {
			return nil, err
		}
		moves = append(moves, move{f.Child, copies[i], keep})
	}
	return undo, nil
}
