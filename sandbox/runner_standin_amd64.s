#include "textflag.h"

// func rawStandIn(flags, top uintptr, main func(*standIn), s *standIn) (pid, errno uintptr)
//
// clone(2) with a stack. The child has the thread's registers and TLS, which
// no function that it calls uses but to hand on. main is called as Go calls a
// function value (src/cmd/compile/abi-internal.md in Go's source): the symbol
// is a wrapper, which with the race detector calls that, on the stack of the
// thread that goes on.
TEXT ·rawStandIn(SB),NOSPLIT|NOFRAME,$0-48
	MOVQ	flags+0(FP), DI
	MOVQ	top+8(FP), SI
	MOVQ	main+16(FP), R13
	MOVQ	s+24(FP), R12
	SUBQ	$32, SI // where the argument may be kept
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
	MOVQ	$-1, pid+32(FP)
	NEGQ	AX
	MOVQ	AX, errno+40(FP)
	RET
ok:
	MOVQ	AX, pid+32(FP)
	MOVQ	$0, errno+40(FP)
	RET
child:
	XORPS	X15, X15
	MOVQ	R12, AX
	MOVQ	R13, DX
	MOVQ	(DX), CX
	CALL	CX
	INT	$3
