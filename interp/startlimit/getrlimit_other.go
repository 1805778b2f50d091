//go:build !amd64 && !arm64

package startlimit

import "syscall"

// getrlimit runs after the runtime raised the soft limit of open files here,
// which `ulimit -n` then shows.
func getrlimit(resource int, r *rlimit) int {
	var l syscall.Rlimit
	if syscall.Getrlimit(resource, &l) != nil {
		return -1
	}
	r.cur, r.max = uint64(l.Cur), uint64(l.Max)
	return 0
}
