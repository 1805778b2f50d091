package sandbox

import (
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Semaphores and shared memory of POSIX are files in /dev/shm, and tmpfile(3) asks for
// one without a name in /tmp, whatever TMPDIR says. Both places are the machine's. The
// calls by which these are made and removed are few and wait for the keeper, which
// makes the file in the session's temporary directory: where the process could make it
// itself, by its name there. All other calls go on as they are, for Landlock to judge.
// Opens that only read are not asked about (there are too many), so that such a name
// is nothing for other programs: cat finds none.

// sharedName is what names of shm_open(3) and sem_open(3) begin with.
const sharedName = "/dev/shm/"

// nameless are the directories that programs want files without a name in.
var nameless = []string{"/tmp", "/var/tmp", "/dev/shm"}

// sharedCall is a call that makes, names or removes a file: the places of its arguments,
// or none.
type sharedCall struct {
	kernelCall
	path, flags, mode int
	to                int // a second path
}

var (
	callCreat   = kernelCall{"creat", 85, no}
	sharedCalls = []sharedCall{
		{kernelCall{"open", 2, no}, 0, 1, 2, none},
		{kernelCall{"openat", 257, 56}, 1, 2, 3, none},
		{callCreat, 0, none, 1, none},
		{kernelCall{"link", 86, no}, 0, none, none, 1},
		{kernelCall{"linkat", 265, 37}, 1, 4, none, 3},
		{kernelCall{"unlink", 87, no}, 0, none, none, none},
		{kernelCall{"unlinkat", 263, 35}, 1, 2, none, none},
	}
)

func (c *sharedCall) opens() bool { return c.mode != none }

// sharedNotices has the keeper asked about sharedCalls.
func sharedNotices() []bpf.Instruction {
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	var prog []bpf.Instruction
	for _, c := range sharedCalls {
		nr := nativeArch.number(c.kernelCall)
		if nr == no {
			continue
		}
		var tests []argTest
		switch {
		case c.opens() && c.flags != none:
			tests = []argTest{anyBit(c.flags, changing|tmpfile)}
		case c.flags != none: // AT_REMOVEDIR, AT_EMPTY_PATH and their kind
			tests = []argTest{noBit(c.flags, ^uint32(0))}
		}
		prog = append(prog, notifyTests(uintptr(nr), ask, tests)...)
	}
	return prog
}

func sharedCallOf(nr int32) *sharedCall {
	for i := range sharedCalls {
		if int32(nativeArch.number(sharedCalls[i].kernelCall)) == nr {
			return &sharedCalls[i]
		}
	}
	return nil
}

// share answers a sharedCall; sent says that it is answered already.
func (s *bareSupervisor) share(n *notification, c *sharedCall) (v verdict, sent bool) {
	path, errno := s.memory(n).text(uintptr(n.args[c.path]))
	if errno != 0 {
		return goOn, false // the kernel says the same
	}
	flags := unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC // of creat
	if c.flags != none {
		flags = int(int32(n.args[c.flags]))
	}
	name, shared := sharedFile(path)
	switch {
	case c.opens() && flags&tmpfile != 0 && isNameless(path):
		return s.shareOpen(n, ".", s.temp, flags, uint32(n.args[c.mode]))
	case !shared || c.opens() && flags&(unix.O_PATH|tmpfile) != 0:
		return goOn, false
	case c.opens():
		return s.shareOpen(n, name, s.shared, flags, uint32(n.args[c.mode]))
	case c.to == none:
		return failed(errnoOf(unix.Unlinkat(s.shared, name, 0))), false
	}
	if path, errno = s.memory(n).text(uintptr(n.args[c.to])); errno != 0 {
		return goOn, false
	}
	to, shared := sharedFile(path)
	if !shared {
		return goOn, false
	}
	return failed(errnoOf(unix.Linkat(s.shared, name, s.shared, to, 0))), false
}

// sharedFile is the name of a file that is to be in /dev/shm itself.
func sharedFile(path string) (name string, ok bool) {
	name, ok = strings.CutPrefix(path, sharedName)
	name = strings.TrimLeft(name, "/")
	return name, ok && name != "" && name != "." && name != ".." && !strings.Contains(name, "/")
}

func isNameless(path string) bool {
	for _, dir := range nameless {
		if strings.TrimRight(path, "/") == dir {
			return true
		}
	}
	return false
}

// shareOpen opens or makes a regular file in dir and hands it over. It neither follows
// nor waits for what a process may have put there.
func (s *bareSupervisor) shareOpen(n *notification, name string, dir, flags int, mode uint32) (v verdict, sent bool) {
	text := statusOfProcess(s.k.base.hostProc, strconv.Itoa(int(n.pid)), "Umask")
	mask, err := strconv.ParseUint(text, 8, 32)
	if err != nil || notifyIoctl(s.listen, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) != nil {
		return failed(unix.EACCES), false
	}
	fd, err := openRegular(dir, name, flags, mode&^uint32(mask)&0o777)
	if err != nil {
		return failed(errnoOf(err)), false
	}
	defer unix.Close(fd)
	h := handover{id: n.id, flags: unix.SECCOMP_ADDFD_FLAG_SEND, src: uint32(fd), newFDFlags: uint32(flags & unix.O_CLOEXEC)}
	switch err := addFD(s.listen, &h); err {
	case nil, unix.ENOENT: // or it was killed
		return verdict{}, true
	default:
		return failed(errnoOf(err)), false
	}
}

// openRegular is openat(2) with a mode that no umask changes, for regular files only.
func openRegular(dir int, name string, flags int, mode uint32) (fd int, err error) {
	how := flags | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	made := flags&(unix.O_CREAT|tmpfile) != 0
	if flags&unix.O_CREAT != 0 {
		if fd, err = unix.Openat(dir, name, how|unix.O_EXCL, mode); err == unix.EEXIST && flags&unix.O_EXCL == 0 {
			made = false
			fd, err = unix.Openat(dir, name, how&^unix.O_CREAT, 0)
		}
	} else {
		fd, err = unix.Openat(dir, name, how, mode)
	}
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = unix.EACCES
	}
	if err == nil && made {
		err = unix.Fchmod(fd, mode)
	}
	if err == nil {
		err = unix.SetNonblock(fd, flags&unix.O_NONBLOCK != 0)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// openShared holds the directories that sharedCalls lead to.
func (s *bareSupervisor) openShared(temp string) (err error) {
	const hold = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	if s.temp, err = unix.Open(temp, hold, 0); err != nil {
		return err
	}
	if err = unix.Mkdirat(s.temp, "shm", 0o700); err == nil || err == unix.EEXIST {
		s.shared, err = unix.Open(filepath.Join(temp, "shm"), hold, 0)
	}
	if err != nil {
		unix.Close(s.temp)
	}
	return err
}

func (s *bareSupervisor) closeShared() {
	unix.Close(s.temp)
	unix.Close(s.shared)
}
