package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64
	x32Bit    = 0x40000000 // __X32_SYSCALL_BIT
)

// archRows are the calls that newer architectures do not have.
var archRows = []seccompRow{
	{unix.SYS_CHMOD, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{unix.SYS_OPEN, unix.EPERM, whySetID, []argTest{anyBit(1, creating), anyBit(2, setIDBits)}},
	{unix.SYS_CREAT, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{unix.SYS_MKDIR, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{unix.SYS_MKNOD, unix.EPERM, whySetID, []argTest{anyBit(1, setIDBits)}},
	{unix.SYS_IOPL, unix.EPERM, whyKernel, nil},
	{unix.SYS_IOPERM, unix.EPERM, whyKernel, nil},
	{unix.SYS_USELIB, unix.EPERM, whyKernel, nil},
	{unix.SYS_LOOKUP_DCOOKIE, unix.EPERM, whyLeak, nil},
}

// archWatched are the calls without a directory argument.
var archWatched = []watchedCall{
	{unix.SYS_OPEN, kindOpen, -1, 0, 1},
	{unix.SYS_CREAT, kindCreate, -1, 0, -1},
	{unix.SYS_MKDIR, kindCreate, -1, 0, -1},
	{unix.SYS_MKNOD, kindCreate, -1, 0, -1},
	{unix.SYS_RENAME, kindCreate, -1, 1, -1},
	{unix.SYS_RENAMEAT, kindCreate, 2, 3, -1},
	{unix.SYS_LINK, kindCreate, -1, 1, -1},
	{unix.SYS_SYMLINK, kindCreate, -1, 1, -1},
	{unix.SYS_UNLINK, kindRemove, -1, 0, -1},
	{unix.SYS_RMDIR, kindRemove, -1, 0, -1},
	{unix.SYS_TRUNCATE, kindRemove, -1, 0, -1},
}

// archShellRows are the calls that newer architectures do not have, of shellRows.
var archShellRows = []seccompRow{
	{unix.SYS_FORK, unix.EPERM, whyShell, nil},
	{unix.SYS_VFORK, unix.EPERM, whyShell, nil},
}
