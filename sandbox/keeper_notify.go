package sandbox

import (
	"crypto/sha256"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// A supervisor answers the notifications of one runner and its commands. It
// has a thread in the runner's view with the user's own rights, so that paths
// mean to it, and permit it, what they do to the process that asked.
type supervisor struct {
	t      *viewThread
	listen int
	runner *runnerProc // its own opens are reported by the shell
	calls  map[int32]watchedCall
	rules  *nameRules
	late   *latePrivate
	grants []grant        // with limits of what may be read
	policy *policy.Policy // with a monitor
	// commands has the rules about commands, when there are any.
	commands *policy.Policy
	told     map[[sha256.Size]byte]bool
	// mounts are those that the view was seen to have.
	mounts map[uint64]bool
	mask   int // umask of the thread
	// mountNS is the view's. domains are those that processes entered, by number.
	mountNS    int
	cookie     uint64 // of the network namespace
	domains    map[uint64]*domain
	entered    uint64 // how many were
	unmarked   uint64
	connecting connectors
	// masks are the umasks of processes, as of masksAt.
	masks   map[uint32]int
	masksAt time.Time
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
	return v.plan.Monitor || v.plan.Commands || len(v.late) > 0
}

func newSupervisor(t *viewThread, p *policy.Policy) *supervisor {
	late := newLatePrivate(t.v)
	s := &supervisor{t: t, calls: map[int32]watchedCall{}, rules: newNameRules(t.v, t.k.made, late), late: late,
		told: map[[sha256.Size]byte]bool{}, mounts: map[uint64]bool{}, mask: -1, masks: map[uint32]int{}, domains: map[uint64]*domain{}, unmarked: unmarked()}
	if t.v.plan.Monitor {
		s.policy = p
	}
	if t.v.plan.Commands {
		s.commands = p
	}
	names := t.v.supervises() // else for signals, sockets and attributes only
	s.watch(func(c watchedCall) bool { return names || c.aboutSockets() })
	s.cookie = networkCookie()
	if !slices.Contains(t.v.plan.Read, "/") {
		s.grants = t.v.grants()
	}
	return s
}

func (s *supervisor) watch(want func(watchedCall) bool) {
	for _, c := range watched() {
		if want(c) {
			s.calls[int32(c.nr)] = c
		}
	}
}

// take gets the listener out of the child, which waits.
func (s *supervisor) take(pid, fd, release int) error {
	var err error
	if s.runner, err = newRunnerProc(pid); err != nil {
		return err
	}
	if s.listen, err = unix.PidfdGetfd(s.runner.pidfd, fd, 0); err != nil {
		s.runner.close()
		if why := yamaRefuses(yamaScope); why != nil {
			return why
		}
		return err
	}
	// The asking process and the supervisor hand one processor to and fro.
	// Kernels before 6.6 do without.
	_ = notifySetFlags(s.listen)
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
	defer unix.Close(mountNS)
	defer s.endDomains()
	defer s.endConnectors()
	s.mountNS = mountNS
	err := s.enter(mountNS)
	for {
		var n notification
		if err := notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			if err == unix.ENOENT && !hungUp(s.listen) {
				continue // the process was killed meanwhile
			}
			return // calls fail with ENOSYS from now on
		}
		v := verdict{err: -int32(unix.EACCES)}
		if err == nil {
			r := request{s: s, n: &n}
			if back, ok := r.become(); ok {
				v = r.judge()
				back()
			}
			r.close()
			if r.sent {
				continue
			}
		}
		v.id = n.id
		_ = notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&v))
	}
}

// hungUp tells whether nobody is left who could notify. The kernel says ENOENT
// then, too, at once and each time.
func hungUp(listen int) bool {
	fds := []unix.PollFd{{Fd: int32(listen), Events: unix.POLLIN}}
	_, err := unix.Poll(fds, 0)
	return err == nil && fds[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
}

// enter takes the thread into the view and leaves it no right of the
// keeper's but those of capabilities. What it does for processes it does as
// the user.
func (s *supervisor) enter(mountNS int) error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	if err := unix.Setns(mountNS, unix.CLONE_NEWNS); err != nil {
		return err
	}
	return onlyCapabilities(s.capabilities())
}

// capabilities: to look at processes that hide from each other, to mark them
// (keeper_domain.go), and what commands have themselves.
func (s *supervisor) capabilities() []uint {
	caps := []uint{unix.CAP_SYS_PTRACE, unix.CAP_SYS_RESOURCE}
	if s.t.v.plan.Ownership {
		caps = append(caps, ownershipCaps...)
	}
	return caps
}

// onlyCapabilities leaves the calling thread those.
func onlyCapabilities(caps []uint) error { return lowerCapabilities(caps, caps) }

// lowerCapabilities has some count, and others to be had again.
func lowerCapabilities(effective, permitted []uint) error {
	hdr := unix.CapUserHeader{Version: capabilityVersion3}
	var data [2]unix.CapUserData
	for _, c := range effective {
		data[c/32].Effective |= 1 << (c % 32)
	}
	for _, c := range permitted {
		data[c/32].Permitted |= 1 << (c % 32)
	}
	return unix.Capset(&hdr, &data[0])
}

// predict reports what the kernel is about to refuse, by the policy.
func (r *request) predict(action, path string) {
	s := r.s
	if s.policy == nil || s.runner.is(r.n.pid) {
		return
	}
	if allowed, _ := s.policy.Why(action, path); allowed {
		return
	}
	errno := "EROFS"
	if readable, _ := s.policy.Why("read", path); !readable {
		errno = "EACCES"
	}
	s.report(r.n, deniedNote{Action: action, Path: path, Errno: errno})
}

// refused reports what the kernel has refused and the policy explains.
func (r *request) refused(action, path string, errno unix.Errno) {
	switch errno {
	case unix.EROFS, unix.EACCES, unix.EPERM, unix.EBUSY, unix.EXDEV:
	default:
		return
	}
	s := r.s
	if s.policy == nil || s.runner.is(r.n.pid) {
		return
	}
	if allowed, _ := s.policy.Why(action, path); !allowed {
		s.report(r.n, deniedNote{Action: action, Path: path, Errno: unix.ErrnoName(errno)})
	}
}

// report tells a thing once per program.
func (s *supervisor) report(n *notification, d deniedNote) {
	d.Program = s.hostProc(n.pid, "comm")
	if d.Action == "exec" && d.Program == s.hostProc(uint32(s.runner.pid), "comm") {
		d.Program = "" // the child that becomes the command
	}
	key := sha256.Sum256([]byte(strings.Join(append([]string{d.Program, d.Action, d.Path}, d.Argv...), "\x00")))
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

// deniedKey is what makes two refusals the same.
type deniedKey struct{ program, action, path string }

func commOf(proc int, pid uint32) string {
	return fileOfProcess(proc, strconv.Itoa(int(pid)), "comm")
}

func (s *supervisor) hostProc(pid uint32, file string) string {
	return fileOfProcess(s.t.k.base.hostProc, strconv.Itoa(int(pid)), file)
}

// fileOfProcess is the start of a small file that /proc has of a process or thread.
func fileOfProcess(proc int, pid, file string) string {
	fd, err := unix.Openat(proc, pid+"/"+file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var buf [512]byte
	n, err := readRetry(fd, buf[:])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(buf[:n]))
}
