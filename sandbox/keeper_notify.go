package sandbox

import (
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// A supervisor answers the notifications of one runner and its commands. It
// has a thread in the runner's view, so that paths mean to it what they mean
// to the process that asked.
type supervisor struct {
	t      *viewThread
	listen int
	runner int // host number of the runner: its own opens are reported by the shell
	calls  map[int32]watchedCall
	names  []protectedName
	began  int64          // names in directories made since then are free
	policy *policy.Policy // with a monitor
	// commands has the rules about commands, when there are any.
	commands *policy.Policy
	told     map[string]bool
}

// protectedName is a relative path that must not come to be.
type protectedName struct {
	parts  []string
	except []string
	rule   string
}

// maxTold bounds what a supervisor remembers of what it reported.
const maxTold = 10_000

// deniedNote tells the shell of a refusal.
type deniedNote struct {
	View    uint32 `json:"view"`
	Action  string `json:"action"`
	Path    string `json:"path"`
	Program string `json:"program,omitempty"`
	Pid     int    `json:"pid,omitempty"`
	Errno   string `json:"errno"`
	// Argv is the command that was to be executed.
	Argv []string `json:"argv,omitempty"`
	// Name says that a protected name was to be created.
	Name bool `json:"name,omitempty"`
}

// supervises tells whether a view needs one.
func (v *view) supervises() bool {
	for _, s := range v.plan.Steps {
		if s.Op == OpProtect && len(v.open) > 0 {
			return true
		}
	}
	return v.plan.Monitor || v.plan.Commands
}

func newSupervisor(t *viewThread, p *policy.Policy) (*supervisor, error) {
	var now unix.Timespec
	// The clock that birth times of files are taken from.
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		return nil, err
	}
	s := &supervisor{t: t, calls: map[int32]watchedCall{}, began: now.Nano(), told: map[string]bool{}}
	if t.v.plan.Monitor {
		s.policy = p
	}
	if t.v.plan.Commands {
		s.commands = p
	}
	for _, c := range watched() {
		s.calls[int32(c.nr)] = c
	}
	for _, step := range t.v.plan.Steps {
		if step.Op == OpProtect {
			s.names = append(s.names, protectedName{strings.Split(step.Path, "/"), step.Except, step.Rule})
		}
	}
	return s, nil
}

// take gets the listener out of the child, which waits.
func (s *supervisor) take(pid, fd, release int) error {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if s.listen, err = unix.PidfdGetfd(pidfd, fd, 0); err != nil {
		return err
	}
	// The asking process and the supervisor hand one processor to and fro.
	// Kernels before 6.6 do without.
	_ = notifySetFlags(s.listen)
	s.runner = pid
	_, err = unix.Write(release, []byte{1})
	return err
}

func notifySetFlags(fd int) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
	if errno != 0 {
		return errno
	}
	return nil
}

// run answers until every process of the filter is gone.
func (s *supervisor) run(mountNS int) {
	runtime.LockOSThread() // for ever: the thread is in the view
	defer unix.Close(s.listen)
	err := unix.Unshare(unix.CLONE_FS)
	if err == nil {
		err = unix.Setns(mountNS, unix.CLONE_NEWNS)
	}
	unix.Close(mountNS)
	lost := err != nil
	for {
		var n notification
		if err := notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			if err == unix.ENOENT {
				continue // the process was killed meanwhile
			}
			return // calls fail with ENOSYS from now on
		}
		answer := verdict{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if lost || !s.allows(&n) {
			answer.flags, answer.err = 0, -int32(unix.EACCES)
		}
		_ = notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer))
	}
}

// allows judges one call. What cannot be read or found fails by itself, or
// creates nothing that has a protected name.
func (s *supervisor) allows(n *notification) bool {
	c, ok := s.calls[n.nr]
	if !ok {
		return true
	}
	if c.kind == kindExec {
		return s.allowsExec(n, &c)
	}
	flags := uint64(0)
	if c.flags >= 0 {
		flags = n.args[c.flags]
	}
	path, ok := s.target(n, &c)
	if !ok {
		return true
	}
	creates := c.kind == kindCreate || c.kind == kindOpen && flags&unix.O_CREAT != 0
	if creates {
		if name := s.forbidden(path); name != nil {
			s.report(n, deniedNote{Action: "create", Path: path, Errno: "EACCES", Name: true})
			return false
		}
	}
	if s.policy != nil {
		s.predict(n, &c, path, flags, creates)
	}
	return true
}

// predict reports what the kernel is about to refuse, by the policy.
func (s *supervisor) predict(n *notification, c *watchedCall, path string, flags uint64, creates bool) {
	action := "write"
	switch {
	case creates && c.kind == kindCreate:
		// mkdir -p tries every directory on the way: EEXIST is no denial.
		if unix.Lstat(path, &unix.Stat_t{}) == nil {
			return
		}
		action = "create"
	case c.kind == kindOpen && flags&unix.O_ACCMODE == unix.O_RDONLY && !creates:
		if flags&unix.O_PATH != 0 {
			return
		}
		action = "read"
	}
	if int(n.pid) == s.runner {
		return
	}
	if allowed, _ := s.policy.Why(action, path); allowed {
		return
	}
	errno := "EROFS"
	if readable, _ := s.policy.Why("read", path); !readable {
		errno = "EACCES"
	}
	s.report(n, deniedNote{Action: action, Path: path, Errno: errno})
}

// report tells a thing once per program.
func (s *supervisor) report(n *notification, d deniedNote) {
	d.Program = s.hostProc(n.pid, "comm")
	if d.Action == "exec" && d.Program == s.hostProc(uint32(s.runner), "comm") {
		d.Program = "" // the child that becomes the command
	}
	key := strings.Join(append([]string{d.Program, d.Action, d.Path}, d.Argv...), "\x00")
	if s.told[key] || len(s.told) >= maxTold {
		return
	}
	// Only now is it sure that program and path were the same process's.
	if notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) != nil {
		return
	}
	s.told[key] = true
	d.View = s.t.id
	d.Pid, _ = s.t.k.innerPid(int(n.pid))
	s.t.k.tell(opDenied, s.t.id, d, nil)
}

func (s *supervisor) hostProc(pid uint32, file string) string {
	fd, err := unix.Openat(s.t.k.base.hostProc, strconv.Itoa(int(pid))+"/"+file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var buf [64]byte
	n, err := readRetry(fd, buf[:])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(buf[:n]))
}

// forbidden is the protected name that a path would be, in a writable tree of
// the host. One that exists is masked, and the kernel's to answer for. What
// the session itself made is free: the directory that the name is in must be
// older than the session.
func (s *supervisor) forbidden(path string) *protectedName {
	in := func(dirs []string) bool {
		for _, d := range dirs {
			if below(path, d) {
				return true
			}
		}
		return false
	}
	if !in(s.t.v.open) || in(s.t.v.private) {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i := range s.names {
		name := &s.names[i]
		if in(name.except) {
			continue
		}
		above := len(parts) - len(name.parts)
		if above < 0 || !slices.Equal(parts[above:], name.parts) {
			continue
		}
		if on, err := isMount(path); (err != nil || !on) && s.older(filepath.Dir(path)) {
			return name
		}
	}
	return nil
}

// older tells whether a directory was there before the session. One whose age
// the file system does not know counts as old; an absent one fails anyway.
func (s *supervisor) older(dir string) bool {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME, &st); err != nil {
		return false
	}
	if st.Mask&unix.STATX_BTIME == 0 {
		return true
	}
	return st.Btime.Sec*1e9+int64(st.Btime.Nsec) < s.began
}

// target is the absolute path that a call is about, without symbolic links
// but for a last one that is to be created over.
func (s *supervisor) target(n *notification, c *watchedCall) (string, bool) {
	name, ok := readString(int(n.pid), uintptr(n.args[c.path]))
	if !ok || name == "" {
		return "", false
	}
	dir := int32(unix.AT_FDCWD)
	if c.dir >= 0 {
		dir = int32(n.args[c.dir])
	}
	from := processDir(int(n.pid), dir, name)
	parent, last := filepath.Split(strings.TrimRight(name, "/"))
	if last == "." || last == ".." || last == "" {
		parent, last = name, ""
	}
	real, ok := s.realPath(from, parent, int(n.pid), unix.O_DIRECTORY)
	return filepath.Join(real, last), ok
}

// realPath opens a path as the process would, with one more flag, and asks for
// its name.
func (s *supervisor) realPath(from, dir string, pid, flag int) (string, bool) {
	at := unix.AT_FDCWD
	if from != "" {
		fd, err := unix.Openat(s.t.k.base.hostProc, from, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return "", false
		}
		defer unix.Close(fd)
		at = fd
	}
	if dir == "" {
		dir = "."
	}
	// /proc/self is the process's own.
	if rest, ok := strings.CutPrefix(dir, "/proc/self/"); ok {
		inner, err := s.t.k.innerPid(pid)
		if err != nil {
			return "", false
		}
		dir = "/proc/" + strconv.Itoa(inner) + "/" + rest
	}
	fd, err := unix.Openat(at, dir, unix.O_PATH|unix.O_CLOEXEC|flag, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(s.t.k.base.hostProc, "thread-self/fd/"+strconv.Itoa(fd), buf)
	if err != nil || n == 0 || buf[0] != '/' {
		return "", false
	}
	return string(buf[:n]), true
}

// readString copies a NUL-terminated string out of another process, page by
// page: the one behind it may be missing. Of a longer one it is the beginning,
// and false.
func readString(pid int, at uintptr) (string, bool) {
	const page = 4096
	var text []byte
	for len(text) < unix.PathMax {
		buf := make([]byte, page-at%page)
		local := []unix.Iovec{{Base: &buf[0]}}
		local[0].SetLen(len(buf))
		n, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: at, Len: len(buf)}}, 0)
		if err != nil || n <= 0 {
			return "", false
		}
		for i, b := range buf[:n] {
			if b == 0 {
				return string(append(text, buf[:i]...)), true
			}
		}
		text, at = append(text, buf[:n]...), at+uintptr(n)
	}
	return string(text), false
}
