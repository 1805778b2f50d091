#include "textflag.h"

// func rawStandIn(flags, top uintptr, s *standIn) (pid, errno uintptr)
//
// clone(2) with a stack. The child has the thread's registers and TLS, which
// no function that it calls uses but to hand on.
TEXT ·rawStandIn(SB),NOSPLIT|NOFRAME,$0-40
	MOVQ	flags+0(FP), DI
	MOVQ	top+8(FP), SI
	MOVQ	s+16(FP), R12
	SUBQ	$32, SI // the argument
	MOVQ	$0, DX
	MOVQ	$0, R10
	MOVQ	$0, R8
	MOVQ	$0, R9
	MOVQ	$56, AX // SYS_clone
	SYSCALL
	TESTQ	AX, AX
	JEQ	child
	CMPQ	AX, $0xfffffffffffff001
	JLS	ok
	MOVQ	$-1, pid+24(FP)
	NEGQ	AX
	MOVQ	AX, errno+32(FP)
	RET
ok:
	MOVQ	AX, pid+24(FP)
	MOVQ	$0, errno+32(FP)
	RET
child:
	MOVQ	R12, 0(SP)
	CALL	·standInMain(SB)
	INT	$3
