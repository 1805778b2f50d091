//go:build amd64 || arm64

package startlimit

// getrlimit is prlimit64(2) for the process itself; not zero is an error.
//
//go:noescape
func getrlimit(resource int, r *rlimit) int
