package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Probes that enter Landlock domains of their own.

// stackDomain enters a Landlock domain that has only some rights.
func stackDomain(rights uint64) error {
	fd, err := landlockRuleset([]grant{{path: "/", rights: rights, must: true}}, true)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return enterDomain(fd)
}

// stackMany has processes enter a domain, one after the other, in which a file
// cannot be made.
func stackMany(path string, count int) error {
	fd, err := landlockRuleset([]grant{{path: "/", rights: rightsRead, must: true}}, true)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for range count {
		p := &childProgram{}
		p.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
		p.add("enter", unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(fd), 0)
		p.add("make", unix.SYS_OPENAT, ^uintptr(99), p.str(path), unix.O_CREAT|unix.O_WRONLY, 0o600) // AT_FDCWD
		var failed *layerError
		if _, err := p.start(0); !errors.As(err, &failed) || failed.what != "make" || failed.err != unix.EACCES {
			return fmt.Errorf("not refused, or too early: %v", err)
		}
	}
	return nil
}

// enterDomain enters a ruleset, and is for good on its thread.
func enterDomain(ruleset int) error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// stackLater enters a domain, and then adds to what it entered.
func stackLater() error {
	fd, err := landlockRuleset([]grant{{path: "/", rights: rightsRead, must: true}}, true)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := enterDomain(fd); err != nil {
		return err
	}
	root, err := unix.Open("/", unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	var rule [12]byte // struct landlock_path_beneath_attr
	binary.NativeEndian.PutUint64(rule[:], rightsRead|rightsChange)
	binary.NativeEndian.PutUint32(rule[8:], uint32(root))
	_, _, errno := syscall.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(fd), 1, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	return errnoOrNil(0, 0, errno)
}
