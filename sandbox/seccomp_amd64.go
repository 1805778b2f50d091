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
