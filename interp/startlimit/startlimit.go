// Package startlimit knows the resource limits that the process was started
// with.
//
// The Go runtime raises the soft limit of open files while it initialises
// package syscall. Commands are started with the original one, so `ulimit -n`
// must show that. A package that imports nothing is initialised before
// syscall: packages that are ready are initialised in the order of their
// import paths (Go specification, "Program initialization").
package startlimit

// resources is the number of resources, RLIM_NLIMITS of asm-generic.
const resources = 16

const infinity = ^uint64(0) // RLIM_INFINITY

// rlimit is struct rlimit64 of the kernel.
type rlimit struct{ cur, max uint64 }

var atStart = read()

func read() (limits [resources]rlimit) {
	for i := range limits {
		if getrlimit(i, &limits[i]) != 0 {
			limits[i] = rlimit{infinity, infinity}
		}
	}
	return limits
}

// Get returns the soft and the hard limit of a resource, RLIM_INFINITY for
// one that does not exist.
func Get(resource int) (cur, max uint64) {
	if resource < 0 || resource >= resources {
		return infinity, infinity
	}
	return atStart[resource].cur, atStart[resource].max
}
