package sandbox

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What the keeper opens in the stead of a process is judged by mounts, which
// say nothing about two kinds of files: those that a descriptor from outside
// leads to, which are on the machine's own mounts, and other processes' in
// /proc, which the keeper may look into and the process may not.

// lends looks at a link of /proc to an open file, which held is, that is to
// be opened with flags, and gives those that it may be opened with: on a mount
// that is not the view's, no others than the process has it open with.
func (r *request) lends(at *spot, held, flags int) (int, unix.Errno) {
	mount, ok := mountOf(held)
	if !ok {
		return 0, unix.EACCES
	}
	if isPipe(held) || r.s.hasMount(mount) {
		return flags, 0
	}
	number, err := strconv.Atoi(at.last)
	if err != nil {
		return 0, unix.EACCES
	}
	own, errno := r.descriptor(number)
	if errno != 0 {
		return 0, errno
	}
	if again, ok := mountOf(own); !ok || again != mount || !sameFile(own, held) {
		return 0, unix.EACCES // it was exchanged meanwhile
	}
	has, err := unix.FcntlInt(uintptr(own), unix.F_GETFL, 0)
	if err != nil {
		return 0, errnoOf(err)
	}
	want := flags & unix.O_ACCMODE
	if flags&unix.O_TRUNC != 0 && want == unix.O_RDONLY {
		want = unix.O_WRONLY
	}
	if has&unix.O_PATH != 0 || has&unix.O_ACCMODE != unix.O_RDWR && has&unix.O_ACCMODE != want {
		return 0, unix.EACCES
	}
	if has&unix.O_APPEND != 0 {
		flags = flags&^unix.O_TRUNC | unix.O_APPEND
	}
	return flags, 0
}

func sameFile(a, b int) bool {
	var x, y unix.Stat_t
	return unix.Fstat(a, &x) == nil && unix.Fstat(b, &y) == nil && x.Dev == y.Dev && x.Ino == y.Ino
}

// mountOf is the number of the mount that something held is on.
func mountOf(fd int) (id uint64, ok bool) {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st)
	return st.Mnt_id, err == nil && st.Mask&unix.STATX_MNT_ID != 0
}

// hasMount tells whether the view has a mount.
func (s *supervisor) hasMount(id uint64) bool { return hasMount(s.t.k.base.hostProc, id) }

// hasMount tells whether the thread's namespace has a mount: the first field of
// proc_pid_mountinfo(5).
func hasMount(proc int, id uint64) bool {
	fd, err := unix.Openat(proc, "thread-self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	text, err := readWhole(fd)
	if err != nil {
		return false
	}
	want := strconv.FormatUint(id, 10) + " "
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, want) {
			return true
		}
	}
	return false
}

func readWhole(fd int) (string, error) {
	var text []byte
	for {
		text = slices.Grow(text, 32<<10)
		n, err := readRetry(fd, text[len(text):cap(text)])
		if n <= 0 || err != nil {
			return string(text), err
		}
		text = text[:len(text)+n]
	}
}

// harmlessOfOthers, below /proc/N, are settings of a process that its user may
// change without the right to trace it.
var harmlessOfOthers = []string{"oom_score_adj", "oom_adj", "comm", "coredump_filter", "sched"}

// isPipe tells whether something held is a pipe without a name.
func isPipe(fd int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(fd, &fs) == nil && fs.Type == unix.PIPEFS_MAGIC
}

// isProc tells whether something held is in /proc.
func isProc(fd int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(fd, &fs) != nil || fs.Type == unix.PROC_SUPER_MAGIC
}

// mayOpenProc tells whether a process may open a file of /proc to change it:
// all of its own, and of other commands under the same policy what is harmless.
// The kernel knows whom a file belongs to, but not who it is opened for.
func (r *request) mayOpenProc(path string) bool {
	rest, in := strings.CutPrefix(path, "/proc/")
	if !in {
		return false
	}
	parts := strings.Split(rest, "/")
	pid, err := strconv.Atoi(parts[0])
	if err != nil {
		return true // no process's: mounts are the wall
	}
	last := parts[len(parts)-1]
	if last == "autogroup" { // of everybody in the terminal's session, outside too
		return false
	}
	if st := r.status(); !st.unreadable && (parts[0] == st.tgid || parts[0] == st.tid) {
		return true
	}
	return slices.Contains(harmlessOfOthers, last) && r.s.started(pid)
}

// maxParents bounds the way from a process to the runner.
const maxParents = 1000

// started tells whether the supervisor's own runner, by its number inside, has
// started a process, and is still in the line of its parents.
func (s *supervisor) started(pid int) bool {
	runner, err := s.t.k.innerPid(s.runner.pid)
	if err != nil || pid == runner {
		return false
	}
	for range maxParents {
		if pid = parentOf(pid); pid == runner {
			return true
		}
		if pid <= 1 {
			return false
		}
	}
	return false
}

// parentOf is the parent of a process that the view shows, or 0.
func parentOf(pid int) int {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	text, err := readWhole(fd)
	if err != nil {
		return 0
	}
	parent, err := strconv.Atoi(statField(text, statParent))
	if err != nil {
		return 0
	}
	return parent
}
