package sandbox

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Commands are in the terminal's session, and what the kernel groups by that
// (sched(7), "The autogroup feature") has one nice value for all, the shell that
// started fsh among them. No rule is about a file of their own in /proc where names
// are not watched, so the value is put back at the end.

const autogroupFile = "/proc/self/autogroup"

// autogroupNice is this process's, or "" without autogroups.
func autogroupNice() string {
	fd, err := unix.Open(autogroupFile, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	text, err := readWhole(fd)
	if err != nil {
		return ""
	}
	_, nice, _ := strings.Cut(strings.TrimSpace(text), " nice ")
	return nice
}

// autogroupPause is for how long the kernel refuses another change.
const autogroupPause = 110 * time.Millisecond

// restoreAutogroup puts back what the session began with.
func restoreAutogroup(nice string) {
	for range 3 {
		if now := autogroupNice(); nice == "" || now == nice {
			return
		}
		fd, err := unix.Open(autogroupFile, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		_, err = unix.Write(fd, []byte(nice))
		unix.Close(fd)
		if err != unix.EAGAIN {
			return
		}
		time.Sleep(autogroupPause)
	}
}
