package interp

import (
	goruntime "runtime"
	"syscall"
	"unsafe"
)

// blockSignal blocks a signal in this thread until the function returned is
// called by the same goroutine.
func blockSignal(sig syscall.Signal) (unblock func()) {
	goruntime.LockOSThread()
	set, old := uint64(1)<<(uint(sig)-1), uint64(0)
	const sigBlock, sigSetMask = 0, 2 // rt_sigprocmask(2)
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigBlock,
		uintptr(unsafe.Pointer(&set)), uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	return func() {
		syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, sigSetMask,
			uintptr(unsafe.Pointer(&old)), 0, 8, 0, 0)
		goruntime.UnlockOSThread()
	}
}

// kernelSigaction is struct sigaction of rt_sigaction(2) on 64-bit Linux,
// which is not that of the C library.
type kernelSigaction struct {
	handler  uintptr // 0 is SIG_DFL
	flags    uint64
	restorer uintptr
	mask     uint64
}

const sigIgn = 1 // SIG_IGN

// resetAction gives a signal its default action. The Go runtime keeps its own
// handlers, so package signal cannot.
func resetAction(sig syscall.Signal) { setAction(sig, kernelSigaction{}) }

func setAction(sig syscall.Signal, action kernelSigaction) {
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}

func getAction(sig syscall.Signal) (action kernelSigaction) {
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0)
	return action
}
