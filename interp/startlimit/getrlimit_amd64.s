#include "textflag.h"

// func getrlimit(resource int, r *rlimit) int
TEXT ·getrlimit(SB), NOSPLIT, $0-24
	MOVQ $0, DI
	MOVQ resource+0(FP), SI
	MOVQ $0, DX
	MOVQ r+8(FP), R10
	MOVQ $302, AX // prlimit64, asm/unistd_64.h
	SYSCALL
	MOVQ AX, ret+16(FP)
	RET
