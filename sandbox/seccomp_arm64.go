package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_AARCH64
	x32Bit    = 0
)

// archRows is empty: arm64 has only the calls of the common table.
var archRows []seccompRow

var archWatched = []watchedCall{
	{unix.SYS_RENAMEAT, kindCreate, 2, 3, -1},
	{unix.SYS_TRUNCATE, kindRemove, -1, 0, -1},
}

// archShellRows are those of shellRows that only this architecture has.
var archShellRows []seccompRow
