//go:build linux

package main

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// peekHeader is the policy header of a script on a descriptor, from which
// nothing is read: the script's commands share it. Of a pipe it is what has
// arrived when the first of it has; who sends the header later, or over a
// socket, goes without its own restrictions.
func peekHeader(fd int) string {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return ""
	}
	b := make([]byte, scriptHead)
	n := 0
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		at, err := unix.Seek(fd, 0, unix.SEEK_CUR)
		if err != nil || at != 0 {
			return ""
		}
		n, _ = unix.Pread(fd, b, 0)
	case unix.S_IFIFO:
		n = teeInto(fd, b)
	}
	head := string(b[:max(n, 0)])
	if end := strings.LastIndexByte(head, '\n'); end >= 0 && policy.HasHeader(head[:end+1]) {
		return head[:end+1]
	}
	return ""
}

// teeInto copies what is in a pipe without taking it: tee(2).
func teeInto(fd int, b []byte) int {
	var pipe [2]int
	if unix.Pipe2(pipe[:], unix.O_CLOEXEC) != nil {
		return 0
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	for {
		// Who made the pipe may have made it not to block.
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		n, err := unix.Tee(fd, pipe[1], len(b), 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return 0
		}
		got, _ := unix.Read(pipe[0], b[:n])
		return got
	}
}
