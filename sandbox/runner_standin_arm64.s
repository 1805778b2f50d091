#include "textflag.h"

// func rawStandIn(flags, top uintptr, s *standIn) (pid, errno uintptr)
//
// clone(2) with a stack. The child has the thread's registers and TLS, which
// no function that it calls uses but to hand on.
TEXT ·rawStandIn(SB),NOSPLIT,$16-40
	MOVD	flags+0(FP), R0
	MOVD	top+8(FP), R1
	MOVD	s+16(FP), R19
	SUB	$32, R1 // the argument
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$0, R4
	MOVD	$0, R5
	MOVD	$220, R8 // SYS_clone
	SVC
	CBZ	R0, child
	CMN	$4095, R0
	BCC	ok
	MOVD	$-1, R4
	MOVD	R4, pid+24(FP)
	NEG	R0, R0
	MOVD	R0, errno+32(FP)
	RET
ok:
	MOVD	R0, pid+24(FP)
	MOVD	ZR, errno+32(FP)
	RET
child:
	MOVD	R19, 8(RSP)
	BL	·standInMain(SB)
	BRK
