//go:build linux

package main

import (
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// controllingTerminal opens the terminal of job control and waits until this
// process is in its foreground. It returns -1 if there is none, or if the
// process cannot get there: its group is an orphan.
func controllingTerminal() int {
	tty, err := syscall.Open("/dev/tty", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	// Low numbers are for what scripts name.
	fd, err := unix.FcntlInt(uintptr(tty), unix.F_DUPFD_CLOEXEC, 64)
	syscall.Close(tty)
	if err != nil {
		return -1
	}
	const attempts = 16 // an orphan is not stopped (setpgid(2))
	for range attempts {
		group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		switch {
		case err != nil:
		case group == unix.Getpgrp():
			return fd
		case !signal.Ignored(syscall.SIGTTIN):
			_ = syscall.Kill(0, syscall.SIGTTIN) // until somebody says fg
			continue
		}
		break
	}
	syscall.Close(fd)
	return -1
}

// leadTerminal makes the process of an interactive shell the leader of a
// process group in the foreground. It has to happen before the sandbox starts,
// whose processes are to be in the same group. The function returned gives the
// terminal back to the group it was taken from.
func leadTerminal() (tty int, restore func()) {
	tty = controllingTerminal()
	was := unix.Getpgrp()
	if tty < 0 || was == unix.Getpid() || syscall.Setpgid(0, 0) != nil {
		return tty, func() {}
	}
	setForeground(tty, unix.Getpgrp())
	return tty, func() { setForeground(tty, was) }
}

// setForeground is tcsetpgrp(3) from any group: SIGTTOU has to be ignored.
func setForeground(tty, group int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set, old unix.Sigset_t
	set.Val[0] = 1 << (uint(syscall.SIGTTOU) - 1)
	if unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old) != nil {
		return
	}
	_ = unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, group) // or the terminal is gone
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}
