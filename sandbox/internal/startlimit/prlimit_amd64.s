#include "textflag.h"

// func prlimitNofile(l *rlimit) (errno uintptr)
TEXT ·prlimitNofile(SB),NOSPLIT,$0-16
	MOVQ	$0, DI
	MOVQ	$7, SI // RLIMIT_NOFILE
	MOVQ	$0, DX
	MOVQ	l+0(FP), R10
	MOVQ	$302, AX // SYS_prlimit64
	SYSCALL
	NEGQ	AX
	MOVQ	AX, errno+8(FP)
	RET
