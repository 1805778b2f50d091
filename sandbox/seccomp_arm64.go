package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_AARCH64
	x32Bit    = 0
)

// archRows is empty: arm64 has only the calls of the common table.
var archRows []seccompRow
