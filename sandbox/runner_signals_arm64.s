#include "textflag.h"

// signalHandler is called by the kernel, on any thread and in any state of
// it, with a pointer to siginfo in R1. It writes the beginning to the pipe
// and returns; what the write returns does not matter.
TEXT ·signalHandler(SB),NOSPLIT|NOFRAME,$0
	MOVW	·signalPipe(SB), R0
	MOVD	$24, R2 // signalRecord
	MOVD	$64, R8 // SYS_write
	SVC
	RET

// func signalHandlerPC() uintptr
TEXT ·signalHandlerPC(SB),NOSPLIT,$0-8
	MOVD	$·signalHandler(SB), R0
	MOVD	R0, ret+0(FP)
	RET
