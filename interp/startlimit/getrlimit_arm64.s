#include "textflag.h"

// func getrlimit(resource int, r *rlimit) int
TEXT ·getrlimit(SB), NOSPLIT, $0-24
	MOVD $0, R0
	MOVD resource+0(FP), R1
	MOVD $0, R2
	MOVD r+8(FP), R3
	MOVD $261, R8 // prlimit64, asm-generic/unistd.h
	SVC
	MOVD R0, ret+16(FP)
	RET
