package sandbox

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What is left to the collector is closed by it: a user has only so many
// inotify descriptors, and this makes more.
func TestLeaveToCollector(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_user_instances")
	must(t, err)
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	dir := t.TempDir()
	deadline := time.Now().Add(time.Minute)
	var longest time.Duration
	for range min(2*limit, 1000) {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		for ; err == unix.EMFILE; fd, err = unix.InotifyInit1(unix.IN_CLOEXEC) {
			if time.Now().After(deadline) {
				t.Fatalf("%v: the collector has not closed those before", err)
			}
		}
		must(t, err)
		_, err = unix.InotifyAddWatch(fd, dir, watchFor)
		must(t, err)
		first, last, err := leaveToCollector(fd)
		must(t, err)
		start := time.Now()
		closeAll([]int{fd, first, last}) // in the order of an end of the process
		longest = max(longest, time.Since(start))
	}
	t.Logf("the longest close took %v", longest)
}
