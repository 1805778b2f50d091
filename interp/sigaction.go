package interp

import (
	"syscall"
	"unsafe"
)

// kernelSigaction is struct sigaction of rt_sigaction(2) on 64-bit Linux,
// which is not that of the C library.
type kernelSigaction struct {
	handler  uintptr // 0 is SIG_DFL
	flags    uint64
	restorer uintptr
	mask     uint64
}

// resetAction gives a signal its default action. The Go runtime keeps its own
// handlers, so package signal cannot.
func resetAction(sig syscall.Signal) {
	var action kernelSigaction
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}
