#include "textflag.h"

// func prlimitNofile(l *rlimit) (errno uintptr)
TEXT ·prlimitNofile(SB),NOSPLIT,$0-16
	MOVD	$0, R0
	MOVD	$7, R1 // RLIMIT_NOFILE
	MOVD	$0, R2
	MOVD	l+0(FP), R3
	MOVD	$261, R8 // SYS_prlimit64
	SVC
	NEG	R0, R0
	MOVD	R0, errno+8(FP)
	RET
