#include "textflag.h"

// signalHandler is called by the kernel, on any thread and in any state of
// it, with the signal in R0 and a pointer to siginfo in R1. sigreturn restores
// all registers. What the system calls return does not matter.
TEXT ·signalHandler(SB),NOSPLIT|NOFRAME,$0
	MOVD	R0, R4
	MOVD	$172, R8 // SYS_getpid
	SVC
	MOVW	·signalOwner(SB), R3
	CMPW	R3, R0
	BNE	child
	CMPW	$17, R4 // SIGCHLD
	BEQ	changed
	MOVD	·signalShared(SB), R5
	LSR	R4, R5, R5
	TBZ	$0, R5, report
	MOVW	8(R1), R5 // si_code
	CMPW	$0, R5
	BGT	runtime
	MOVW	16(R1), R5 // si_pid
	CMPW	R3, R5
	BEQ	runtime
report:
	MOVD	$·signalEntered(SB), R5
again:
	LDAXRW	(R5), R6
	ADDW	$1, R6
	STLXRW	R6, (R5), R7
	CBNZ	R7, again
	MOVW	·signalPipe(SB), R0
	MOVD	$24, R2 // signalRecord
	MOVD	$64, R8 // SYS_write
	SVC
	RET
runtime:
	MOVD	R4, R0
	MOVD	·signalRuntime(SB), R5
	JMP	(R5)
changed:
	MOVW	·signalChanges(SB), R0
	MOVD	$·signalOne(SB), R1
	MOVD	$8, R2
	MOVD	$64, R8 // SYS_write
	SVC
	RET
child:
	MOVD	R0, R5
	MOVD	R4, R0
	MOVD	$·signalDefault(SB), R1
	MOVD	$0, R2
	MOVD	$8, R3
	MOVD	$134, R8 // SYS_rt_sigaction
	SVC
	MOVD	R5, R0
	MOVD	R4, R1
	MOVD	$129, R8 // SYS_kill; delivered on return, until then all is blocked
	SVC
	RET

// func signalHandlerPC() uintptr
TEXT ·signalHandlerPC(SB),NOSPLIT,$0-8
	MOVD	$·signalHandler(SB), R0
	MOVD	R0, ret+0(FP)
	RET
