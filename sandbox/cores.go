package sandbox

import (
	"os"
	"strings"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// When a process crashes and core_pattern says so, the kernel starts a program
// outside of every sandbox, as root, which is given the memory and keeps what it
// likes of it (core(5), "Piping core dumps to a program"). A limit of 0 does not
// stop that, but one of 1 does: by it the kernel knows a crash of that very
// program (do_coredump; format_corename). A file of one byte is not made either.
// So that is every command's limit, and nobody lowers it.

const corePattern = "/proc/sys/kernel/core_pattern"

// leavesCores tells whether crashes are somebody else's business: '|' is a
// program, '@' a socket.
func leavesCores(file string) bool {
	text, err := os.ReadFile(file)
	return err != nil || strings.HasPrefix(string(text), "|") || strings.HasPrefix(string(text), "@")
}

// coreLimit is the one that says what crashes here are none of anybody's.
const coreLimit = 1

// noCores has a child, and all that it starts, leave none. Where the limit was
// lowered for good before, that cannot be had.
func (p *childProgram) noCores() {
	p.try("limit", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CORE, addr(p, &unix.Rlimit{Cur: coreLimit, Max: coreLimit}), 0)
}

// coreNotices: who sets the limit wants no cores, most often, and is told that
// there will be none.
func coreNotices() []bpf.Instruction {
	var prog []bpf.Instruction
	for _, c := range []struct {
		call  kernelCall
		tests []argTest
	}{
		{kernelCall{"prlimit64", 302, 261}, []argTest{equal(1, unix.RLIMIT_CORE), nonZero(2)}},
		{kernelCall{"prlimit64", 302, 261}, []argTest{equal(1, unix.RLIMIT_CORE), highBits(2)}},
		{kernelCall{"setrlimit", 160, 164}, []argTest{equal(0, unix.RLIMIT_CORE)}},
	} {
		prog = append(prog, notifyTests(uintptr(nativeArch.number(c.call)), ret(0), c.tests)...)
	}
	return prog
}
