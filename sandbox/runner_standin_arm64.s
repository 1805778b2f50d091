#include "textflag.h"

// func rawStandIn(flags, top uintptr, main func(*standIn), s *standIn) (pid, errno uintptr)
//
// clone(2) with a stack. The child has the thread's registers and TLS, which
// no function that it calls uses but to hand on. main is called as Go calls a
// function value (src/cmd/compile/abi-internal.md in Go's source): the symbol
// is a wrapper, which with the race detector calls that, on the stack of the
// thread that goes on.
TEXT ·rawStandIn(SB),NOSPLIT,$16-48
	MOVD	flags+0(FP), R0
	MOVD	top+8(FP), R1
	MOVD	main+16(FP), R20
	MOVD	s+24(FP), R19
	SUB	$32, R1 // where the argument may be kept
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
	MOVD	R4, pid+32(FP)
	NEG	R0, R0
	MOVD	R0, errno+40(FP)
	RET
ok:
	MOVD	R0, pid+32(FP)
	MOVD	ZR, errno+40(FP)
	RET
child:
	MOVD	R19, R0
	MOVD	R20, R26 // the context
	MOVD	(R26), R1
	BL	(R1)
	BRK
