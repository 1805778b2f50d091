package sandbox

import "golang.org/x/sys/unix"

// maxMoved and maxMovedDepth bound the look into a directory when a denial has
// wildcards; a larger or deeper one does not move. Each level takes a descriptor.
const (
	maxMoved      = 20_000
	maxMovedDepth = 100
)

// brings tells whether bad holds for anything in a directory, as if it were
// at path already, or may hold: what cannot be looked at was perhaps filled before.
func brings(dir int, name, path string, depth int, bad func(path string, dir int, name string) bool) bool {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return !absent(err) && err != unix.ELOOP // a link
	}
	defer unix.Close(fd)
	if depth == 0 {
		return true
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if n <= 0 || err != nil {
			return err != nil
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, e := range names {
			at := path + "/" + e
			if bad(at, fd, e) || brings(fd, e, at, depth-1, bad) {
				return true
			}
		}
	}
}
