#include "textflag.h"

// signalHandler is called by the kernel, on any thread and in any state of
// it, with the signal in DI and a pointer to siginfo in SI. sigreturn restores
// all registers. What the system calls return does not matter.
TEXT ·signalHandler(SB),NOSPLIT|NOFRAME,$0
	MOVQ	$39, AX // SYS_getpid
	SYSCALL
	CMPL	AX, ·signalOwner(SB)
	JNE	child
	CMPL	DI, $17 // SIGCHLD
	JEQ	changed
	MOVQ	·signalShared(SB), R8
	MOVL	DI, R9
	BTQ	R9, R8
	JCC	report
	CMPL	8(SI), $0 // si_code
	JGT	runtime
	MOVL	16(SI), R9 // si_pid
	CMPL	R9, ·signalOwner(SB)
	JEQ	runtime
report:
	LOCK
	INCL	·signalEntered(SB)
	MOVLQSX	·signalPipe(SB), DI
	MOVQ	$24, DX // signalRecord
	MOVQ	$1, AX  // SYS_write
	SYSCALL
	RET
runtime:
	MOVQ	·signalRuntime(SB), AX
	JMP	AX
changed:
	MOVLQSX	·signalChanges(SB), DI
	LEAQ	·signalOne(SB), SI
	MOVQ	$8, DX
	MOVQ	$1, AX // SYS_write
	SYSCALL
	RET
child:
	MOVL	DI, R12
	MOVL	AX, R13
	LEAQ	·signalDefault(SB), SI
	MOVQ	$0, DX
	MOVQ	$8, R10
	MOVQ	$13, AX // SYS_rt_sigaction
	SYSCALL
	MOVL	R13, DI
	MOVL	R12, SI
	MOVQ	$62, AX // SYS_kill; delivered on return, until then all is blocked
	SYSCALL
	RET

// func signalHandlerPC() uintptr
TEXT ·signalHandlerPC(SB),NOSPLIT,$0-8
	MOVQ	$·signalHandler(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
