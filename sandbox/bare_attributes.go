package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Landlock does not restrict calls that change owner, mode, times and extended
// attributes of files (landlock(7), "Current limitations"), and without
// read-only mounts nothing else does. So these calls wait for the keeper, which
// looks where they lead and makes them itself, on the file that it looked at:
// what the process does to its memory or to names meanwhile changes nothing.

// attributeCall says how a call names its file: directory and path arguments,
// or a descriptor (path < 0), and where flags are, or -1.
type attributeCall struct {
	kernelCall
	dir, path, flags int
	nofollow         bool // the call never follows a last link
	change           func(n *asked, file string) error
	// owner is the argument of the new owner, or 0.
	owner int
}

var (
	callUtimensat = kernelCall{"utimensat", 280, 88}
	callUtime     = kernelCall{"utime", 132, no}
	callFutimesat = kernelCall{"futimesat", 261, no}
)

var attributeCalls = []attributeCall{
	{kernelCall{"chmod", 90, no}, -1, 0, -1, false, changeMode(1), 0},
	{kernelCall{"fchmod", 91, 52}, 0, -1, -1, false, changeMode(1), 0},
	{kernelCall{"fchmodat", 268, 53}, 0, 1, -1, false, changeMode(2), 0},
	{kernelCall{"fchmodat2", 452, 452}, 0, 1, 3, false, changeMode(2), 0},
	{kernelCall{"chown", 92, no}, -1, 0, -1, false, changeOwner(1), 1},
	{kernelCall{"lchown", 94, no}, -1, 0, -1, true, changeOwner(1), 1},
	{kernelCall{"fchown", 93, 55}, 0, -1, -1, false, changeOwner(1), 1},
	{kernelCall{"fchownat", 260, 54}, 0, 1, 4, false, changeOwner(2), 2},
	{callUtimensat, 0, 1, 3, false, changeTimes, 0},
	{callUtime, -1, 0, -1, false, changeTimes, 0},
	{kernelCall{"utimes", 235, no}, -1, 0, -1, false, changeTimes, 0},
	{callFutimesat, 0, 1, -1, false, changeTimes, 0},
}

// attributeDenied are those that few programs need and that can do without: as on
// a file system that has none. On anything else cp -p, install and mv give up, which
// copy a list of access with the mode.
var attributeDenied = []kernelCall{
	{"setxattr", 188, 5}, {"lsetxattr", 189, 6}, {"fsetxattr", 190, 7}, {"setxattrat", 463, 463},
	{"removexattr", 197, 14}, {"lremovexattr", 198, 15}, {"fremovexattr", 199, 16}, {"removexattrat", 466, 466},
}

// attributeProgram asks the keeper about attributeCalls, sharedCalls, and with broker
// about connections.
func attributeProgram(broker, noCores bool) []bpf.Instruction {
	prog := []bpf.Instruction{bpf.LoadAbsolute{Off: offNr, Size: 4}}
	for _, c := range attributeCalls {
		if nr := nativeArch.number(c.kernelCall); nr != no {
			prog = append(prog, onCall(uint32(nr), []bpf.Instruction{bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}})...)
		}
	}
	prog = append(prog, sharedNotices()...)
	if noCores {
		prog = append(prog, coreNotices()...)
	}
	if broker {
		for _, c := range []kernelCall{callConnect, callBind, callListen} {
			prog = append(prog, notifyTests(uintptr(nativeArch.number(c)), bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}, nil)...)
		}
	}
	return append(prog, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
}

// bareSupervisor answers for one runner and its commands.
type bareSupervisor struct {
	k        *keeper
	net      *bareNet
	listen   int
	writable []string
	// temp and shared are the session's directory, and what stands for /dev/shm in it.
	temp, shared int

	view uint32
	mu   sync.Mutex
	told map[deniedKey]bool
}

func (s *bareSupervisor) memory(n *notification) processMemory {
	return processMemory{s.k.base.hostProc, int(n.pid)}
}

// report tells a thing once per program.
func (s *bareSupervisor) report(n *notification, d deniedNote) {
	d.Program = commOf(s.k.base.hostProc, n.pid)
	d.View = s.view
	s.mu.Lock()
	key := deniedKey{d.Program, d.Action, d.Path}
	known := s.told[key] || len(s.told) >= maxTold
	s.told[key] = true
	s.mu.Unlock()
	// Only now is it sure that the program was the one that asked.
	if known || notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) != nil {
		return
	}
	d.Pid = int(n.pid)
	s.k.tell(opDenied, s.view, d, nil)
}

// take gets the listener, which the child shares.
func (s *bareSupervisor) take(_, fd int) error {
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstSafeFD)
	if err != nil {
		return err
	}
	unix.Close(fd)
	s.listen = own
	go s.run()
	return nil
}

func (s *bareSupervisor) run() {
	defer unix.Close(s.listen)
	defer s.closeShared()
	for {
		var n notification
		if err := notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			if err == unix.ENOENT && !hungUp(s.listen) {
				continue // the process was killed meanwhile
			}
			return // nobody is left, or calls fail with ENOSYS from now on
		}
		if int(n.nr) == nativeArch.number(callConnect) {
			go func() {
				answer := verdict{id: n.id, err: -int32(errnoOf(s.connect(&n)))}
				_ = notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer))
			}()
			continue
		}
		answer := verdict{id: n.id, err: -int32(unix.EPERM)}
		if nr := int(n.nr); nr == nativeArch.number(callBind) || nr == nativeArch.number(callListen) {
			answer.err = -int32(errnoOf(s.refuseListening(&n)))
		}
		if c := sharedCallOf(n.nr); c != nil {
			var sent bool
			if answer, sent = s.share(&n, c); sent {
				continue
			}
			answer.id = n.id
		}
		for _, c := range attributeCalls {
			if int32(nativeArch.number(c.kernelCall)) == n.nr {
				answer.err = -int32(errnoOf(s.handle(&n, &c)))
			}
		}
		_ = notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer))
	}
}

// handle makes a call in a process's place.
func (s *bareSupervisor) handle(n *notification, c *attributeCall) error {
	fd, err := s.open(n, c)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// The process that asked still waits: what was looked at was its own.
	if err := notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)); err != nil {
		return unix.EPERM
	}
	own := "/proc/self/fd/" + strconv.Itoa(fd)
	path, err := os.Readlink(own)
	if err != nil {
		return unix.EPERM
	}
	path = strings.TrimSuffix(path, " (deleted)")
	for _, w := range s.writable {
		if below(path, w) && s.isHere(fd) {
			return c.change(&asked{n, s.memory(n)}, own)
		}
	}
	return unix.EPERM
}

// isHere tells a file from one that has the same path in another mount namespace: the
// keeper may follow the links of /proc of processes there.
func (s *bareSupervisor) isHere(fd int) bool {
	id, ok := mountOf(fd)
	return ok && hasMount(s.k.base.hostProc, id)
}

// open is the file that a call is about, as the process sees it.
func (s *bareSupervisor) open(n *notification, c *attributeCall) (int, error) {
	name, flags := "", uint64(0)
	if c.flags >= 0 {
		flags = n.args[c.flags]
	}
	dir := int32(unix.AT_FDCWD)
	if c.dir >= 0 {
		dir = int32(n.args[c.dir])
	}
	if c.path >= 0 && n.args[c.path] != 0 {
		var errno unix.Errno
		if name, errno = s.memory(n).text(uintptr(n.args[c.path])); errno != 0 {
			return -1, errno
		}
		if name == "" && flags&unix.AT_EMPTY_PATH == 0 {
			return -1, unix.ENOENT
		}
	}
	from := strconv.Itoa(int(n.pid))
	if dir == unix.AT_FDCWD {
		from += "/cwd"
	} else {
		from += "/fd/" + strconv.Itoa(int(dir))
	}
	if rest, ok := strings.CutPrefix(filepath.Clean(name), "/proc/self"); ok && (rest == "" || rest[0] == '/') {
		name = "/proc/" + strconv.Itoa(int(n.pid)) + rest
	}
	at := unix.AT_FDCWD
	if !strings.HasPrefix(name, "/") {
		fd, err := unix.Openat(s.k.base.hostProc, from, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, unix.EBADF
		}
		if name == "" {
			return fd, nil
		}
		defer unix.Close(fd)
		at = fd
	}
	how := unix.O_PATH | unix.O_CLOEXEC
	if c.nofollow || flags&unix.AT_SYMLINK_NOFOLLOW != 0 {
		how |= unix.O_NOFOLLOW
	}
	return unix.Openat(at, name, how, 0)
}

func changeMode(arg int) func(*asked, string) error {
	return func(n *asked, file string) error {
		return unix.Chmod(file, uint32(n.args[arg])&0o7777) // set-id bits are setIDRows' to refuse
	}
}

// changeOwner does what a process without capabilities may: nothing that
// makes a difference, for whoever the keeper is.
func changeOwner(arg int) func(*asked, string) error {
	return func(n *asked, file string) error {
		uid, gid := int32(n.args[arg]), int32(n.args[arg+1])
		var st unix.Stat_t
		if err := unix.Stat(file, &st); err != nil {
			return err
		}
		if uid != -1 && uint32(uid) != st.Uid || gid != -1 && uint32(gid) != st.Gid {
			return unix.EPERM
		}
		return nil
	}
}

// changeTimes reads the times in the layout of the call.
func changeTimes(n *asked, file string) error {
	at := n.args[1]
	nr := int(n.nr)
	if nr == nativeArch.number(callUtimensat) || nr == nativeArch.number(callFutimesat) {
		at = n.args[2]
	}
	now := unix.Timespec{Nsec: unix.UTIME_NOW}
	times := []unix.Timespec{now, now}
	if at != 0 {
		size := 32
		if nr == nativeArch.number(callUtime) { // utime(2): two numbers of seconds
			size = 16
		}
		var words [4]int64
		raw := unsafe.Slice((*byte)(unsafe.Pointer(&words)), size)
		if got, err := n.memory.read(uintptr(at), raw); err != nil || got != size {
			return unix.EFAULT
		}
		switch nr {
		case nativeArch.number(callUtime):
			times[0], times[1] = unix.Timespec{Sec: words[0]}, unix.Timespec{Sec: words[1]}
		case nativeArch.number(callUtimensat):
			times[0], times[1] = unix.Timespec{Sec: words[0], Nsec: words[1]}, unix.Timespec{Sec: words[2], Nsec: words[3]}
		default: // microseconds
			times[0], times[1] = unix.Timespec{Sec: words[0], Nsec: words[1] * 1000}, unix.Timespec{Sec: words[2], Nsec: words[3] * 1000}
		}
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, file, times, 0)
}
