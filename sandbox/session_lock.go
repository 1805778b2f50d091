package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A shell whose keeper and proxy run needs few rights: runners come from the
// keeper, connections from the proxy. It gives the others up, so that who
// takes over the interpreter through a script's text has a process that can
// neither execute nor connect, and signals nobody but itself. What is left is
// the user's files, for the policy, the script and the events.

const (
	whyShell  = "the keeper starts processes, the shell does not any more"
	whySignal = "signals are sent by runners, inside; the shell has business with itself only"
	whySocket = "the proxy has all connections; the shell keeps the sockets that it has"
)

// shellRows is what the shell gives up in addition to what commands may not do.
func shellRows(self uint32) []seccompRow {
	return []seccompRow{
		{unix.SYS_EXECVE, unix.EPERM, whyShell, nil},
		{unix.SYS_EXECVEAT, unix.EPERM, whyShell, nil},
		{unix.SYS_CLONE, unix.EPERM, whyShell, []argTest{noBit(0, unix.CLONE_THREAD)}},
		{unix.SYS_UNSHARE, unix.EPERM, whyNS, nil},
		{unix.SYS_SOCKET, unix.EPERM, whySocket, nil},
		{unix.SYS_KILL, unix.EPERM, whySignal, []argTest{other(0, self)}},
		{unix.SYS_TGKILL, unix.EPERM, whySignal, []argTest{other(0, self)}},
		{unix.SYS_TKILL, unix.EPERM, whySignal, nil},
		{unix.SYS_RT_SIGQUEUEINFO, unix.EPERM, whySignal, nil},
		{unix.SYS_RT_TGSIGQUEUEINFO, unix.EPERM, whySignal, nil},
		// One for the proxy exists, to end it when it hangs.
		{unix.SYS_PIDFD_OPEN, unix.EPERM, whySignal, nil},
	}
}

// shellProgram is the filter of the shell. Rows of the shell come first: they
// say more about the same calls.
func shellProgram(self int) ([]unix.SockFilter, error) {
	rows := shellRows(uint32(self))
	rows = append(rows, archShellRows...)
	rows = append(rows, seccompRows...)
	rows = append(rows, archRows...)
	return compileRows(rows, nil)
}

// dropRights puts the filter on all threads of this process, for good. Filter
// and no_new_privs are set on one thread and taken over by the others in one
// step (SECCOMP_FILTER_FLAG_TSYNC, seccomp(2)).
func dropRights() error {
	filter, err := shellProgram(os.Getpid())
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	prog := &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(prog)))
	runtime.KeepAlive(filter)
	switch {
	case errno != 0:
		return fmt.Errorf("filter: %w", errno)
	case thread != 0:
		return fmt.Errorf("filter: thread %d has another one", thread)
	}
	return nil
}

// lock gives up the shell's rights once its first runner and its proxy run.
func (s *Session) lock() error {
	if !s.cfg.DropRights {
		return nil
	}
	s.locked.Do(func() {
		if err := dropRights(); err != nil {
			s.lockErr = &SetupError{Layer: "seccomp", Err: fmt.Errorf("restrict the shell: %w", err),
				Hint: "the kernel needs CONFIG_SECCOMP_FILTER"}
		}
	})
	return s.lockErr
}
