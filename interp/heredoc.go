package interp

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeSize is what a pipe holds without a reader (pipe(7)).
const pipeSize = 64 << 10

// hereDoc makes the text readable: from a pipe when it fits, which many
// programs expect, else from a file in memory.
func (sh *shell) hereDoc(r *redir, body string, saved *savedFiles) error {
	fd, err := textFD(body)
	if err != nil {
		return &redirError{what: "here-document", err: err}
	}
	return sh.install(r, newFile(fd), saved)
}

func textFD(body string) (int, error) {
	if len(body) <= pipeSize/2 {
		var p [2]int
		if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
			return -1, err
		}
		_, err := syscall.Write(p[1], []byte(body))
		syscall.Close(p[1])
		if err != nil {
			syscall.Close(p[0])
			return -1, err
		}
		return p[0], nil
	}
	fd, err := unix.MemfdCreate("here-document", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for rest := []byte(body); len(rest) > 0; {
		n, err := syscall.Write(fd, rest)
		if err != nil && err != syscall.EINTR {
			syscall.Close(fd)
			return -1, err
		}
		rest = rest[max(n, 0):]
	}
	if _, err := syscall.Seek(fd, 0, 0); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}
