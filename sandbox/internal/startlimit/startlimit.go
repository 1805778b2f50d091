// Package startlimit knows the limit of open files that this process was
// started with. Package syscall raises the soft limit when it is initialised
// and keeps the old value to itself, for syscall.ForkExec; whoever forks by
// other means has to ask first. A package without imports is initialised
// before all that have some and sort behind it (Go specification, "Program
// initialization"), so this one looks before syscall acts.
package startlimit

// rlimit is struct rlimit64 of prlimit(2).
type rlimit struct{ cur, max uint64 }

var nofile, nofileErrno = read()

func read() (l rlimit, errno uintptr) {
	errno = prlimitNofile(&l)
	return l, errno
}

// prlimitNofile is prlimit(0, RLIMIT_NOFILE, NULL, l).
//
//go:noescape
func prlimitNofile(l *rlimit) (errno uintptr)

// OpenFiles is the soft and hard limit at the start of the process.
func OpenFiles() (cur, max uint64, ok bool) {
	return nofile.cur, nofile.max, nofileErrno == 0
}
