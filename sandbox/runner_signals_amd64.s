#include "textflag.h"

// signalHandler is called by the kernel, on any thread and in any state of
// it, with a pointer to siginfo in SI. It writes the beginning to the pipe
// and returns; what the write returns does not matter.
TEXT ·signalHandler(SB),NOSPLIT|NOFRAME,$0
	MOVLQSX	·signalPipe(SB), DI
	MOVQ	$24, DX // signalRecord
	MOVQ	$1, AX  // SYS_write
	SYSCALL
	RET

// func signalHandlerPC() uintptr
TEXT ·signalHandlerPC(SB),NOSPLIT,$0-8
	MOVQ	$·signalHandler(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
