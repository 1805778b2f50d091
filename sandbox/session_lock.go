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

var (
	whyShell  = &reason{"the keeper starts processes, the shell does not any more", "DESIGN §2; execve(2)"}
	whySignal = &reason{"signals are sent by runners, inside; the shell has business with itself only", "DESIGN §2; kill(2)"}
	whySocket = &reason{"the proxy has all connections; the shell keeps the sockets that it has", "DESIGN §2; socket(2)"}
)

// shellRows is what the shell gives up in addition to what commands may not do.
func shellRows(self uint32) []seccompRow {
	return []seccompRow{
		{kernelCall{"execve", 59, 221}, unix.EPERM, whyShell, nil},
		{kernelCall{"execveat", 322, 281}, unix.EPERM, whyShell, nil},
		{kernelCall{"fork", 57, no}, unix.EPERM, whyShell, nil},
		{kernelCall{"vfork", 58, no}, unix.EPERM, whyShell, nil},
		{kernelCall{"clone", 56, 220}, unix.EPERM, whyShell, []argTest{noBit(0, unix.CLONE_THREAD)}},
		{kernelCall{"unshare", 272, 97}, unix.EPERM, whyNS, nil},
		{callSocket, unix.EPERM, whySocket, nil},
		{kernelCall{"kill", 62, 129}, unix.EPERM, whySignal, []argTest{other(0, self)}},
		{kernelCall{"tgkill", 234, 131}, unix.EPERM, whySignal, []argTest{other(0, self)}},
		{kernelCall{"tkill", 200, 130}, unix.EPERM, whySignal, nil},
		{kernelCall{"rt_sigqueueinfo", 129, 138}, unix.EPERM, whySignal, nil},
		{kernelCall{"rt_tgsigqueueinfo", 297, 240}, unix.EPERM, whySignal, nil},
		// One for the proxy exists, to end it when it hangs.
		{kernelCall{"pidfd_open", 434, 434}, unix.EPERM, whySignal, nil},
	}
}

// dropRights puts the filter on all threads of this process, for good. Filter
// and no_new_privs are set on one thread and taken over by the others in one
// step (SECCOMP_FILTER_FLAG_TSYNC, seccomp(2)).
func dropRights() error {
	filter, err := seccompProgram(filterMode{shell: uint32(os.Getpid())})
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
