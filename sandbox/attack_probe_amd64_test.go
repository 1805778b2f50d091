package sandbox

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func rawCreat(path, mode uintptr) syscall.Errno {
	_, _, errno := syscall.Syscall(unix.SYS_CREAT, path, mode, 0)
	return errno
}
