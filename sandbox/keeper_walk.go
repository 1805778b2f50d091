package sandbox

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Paths of a process that asked, found as it would find them. The kernel
// finds directories; what means something else to another process (/proc/self
// and the links below it) is walked by hand.

// spot is a directory, held, and the last component of a path in it.
type spot struct {
	dir  int
	at   string // the directory's path
	last string // "" or dots: the directory itself
	// slash: something followed the last component, so it is a directory.
	slash bool
	// directory: it is one, see look.
	directory bool
}

func (s *spot) path() string { return filepath.Join(s.at, s.last) }

// name is what the kernel is given.
func (s *spot) name() string {
	if s.slash {
		return s.last + "/"
	}
	return s.last
}

// isDir says that the path ends with no name of its own.
func (s *spot) isDir() bool { return s.last == "" || s.last == "." || s.last == ".." }

// isSelf says that it is a link of /proc to whoever looks, which leads nowhere for
// the keeper.
func (s *spot) isSelf() bool { return s.at == "/proc" && (s.last == "self" || s.last == "thread-self") }

// maxLinks is the kernel's limit, path_resolution(7).
const maxLinks = 40

// request is one notification while it is answered.
type request struct {
	s    *supervisor
	n    *notification
	sent bool
	fds  []int
	// cwd is the process's working directory, once it was asked for.
	cwd int
	// proc is what status says of the process.
	proc *procStatus
}

func (r *request) close() { closeAll(r.fds) }

func (r *request) keep(fd int, err error) (int, unix.Errno) {
	if err != nil {
		return -1, errnoOf(err)
	}
	r.fds = append(r.fds, fd)
	return fd, 0
}

// procStatus is the part of /proc/N/status that counts (proc_pid_status(5)).
type procStatus struct {
	umask      int
	tgid, tid  string // inner
	unreadable bool
	owner      owner
}

func (r *request) status() *procStatus {
	if r.proc != nil {
		return r.proc
	}
	r.proc = &procStatus{unreadable: true}
	fd, err := unix.Openat(r.s.t.k.base.hostProc, strconv.Itoa(int(r.n.pid))+"/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return r.proc
	}
	defer unix.Close(fd)
	var buf [4096]byte
	n, err := readRetry(fd, buf[:])
	if err != nil {
		return r.proc
	}
	for line := range strings.Lines(string(buf[:n])) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		r.proc.owner.line(key, fields)
		switch last := fields[len(fields)-1]; key {
		case "Umask":
			mask, err := strconv.ParseUint(last, 8, 32)
			r.proc.umask, r.proc.unreadable = int(mask), err != nil
		case "NStgid":
			r.proc.tgid = last
		case "NSpid":
			r.proc.tid = last
		}
	}
	return r.proc
}

// umask is the process's. Reading it costs more than the call it is for, so
// it is kept a little while for each thread, unless one of them changes its own.
func (r *request) umask() (int, bool) {
	s := r.s
	if time.Since(s.masksAt) > keepUmasks {
		clear(s.masks)
		s.masksAt = time.Now()
	}
	mask, ok := s.masks[r.n.pid]
	if !ok {
		st := r.status()
		if st.unreadable {
			return 0, false
		}
		mask = st.umask
		s.masks[r.n.pid] = mask
	}
	return mask, true
}

// keepUmasks is far below the time in which numbers of processes come again.
const keepUmasks = 500 * time.Millisecond

// argument reads a path out of the process.
func (r *request) argument(i int) (string, unix.Errno) {
	text, errno := r.memory().text(uintptr(r.n.args[i]))
	if errno == 0 && text == "" {
		errno = unix.ENOENT
	}
	return text, errno
}

// base is the directory that a relative path starts from.
func (r *request) base(at int) (int, unix.Errno) {
	if at != none && int32(r.n.args[at]) != unix.AT_FDCWD {
		return r.descriptor(int(int32(r.n.args[at])))
	}
	if r.cwd > 0 {
		return r.cwd, 0
	}
	fd, errno := r.keep(unix.Openat(r.s.t.k.base.hostProc, strconv.Itoa(int(r.n.pid))+"/cwd", unix.O_PATH|unix.O_CLOEXEC, 0))
	if errno == 0 {
		r.cwd = fd
	}
	return fd, errno
}

// descriptor is a copy of one of the process's. Those of a process that is not
// dumpable, such as the runner, are root's in /proc, but not for
// pidfd_getfd(2), which asks as ptrace does.
func (r *request) descriptor(fd int) (int, unix.Errno) {
	pidfd, errno := r.keep(unix.PidfdOpen(int(r.n.pid), unix.PIDFD_THREAD))
	if errno != 0 {
		return -1, errno
	}
	return r.keep(unix.PidfdGetfd(pidfd, fd, 0))
}

// spot finds where a path leads: the arguments at and path.
func (r *request) spot(at, path int) (spot, unix.Errno) {
	text, errno := r.argument(path)
	if errno != 0 {
		return spot{}, errno
	}
	from := -1
	if !strings.HasPrefix(text, "/") {
		if from, errno = r.base(at); errno != 0 {
			return spot{}, errno
		}
	}
	return r.spotFrom(from, text)
}

func (r *request) spotFrom(from int, text string) (spot, unix.Errno) {
	trimmed := strings.TrimRight(text, "/")
	parent, last := filepath.Split(trimmed)
	sp := spot{last: last, slash: len(trimmed) < len(text)}
	var errno unix.Errno
	if sp.dir, errno = r.directory(from, parent, strings.HasPrefix(text, "/")); errno != 0 {
		return sp, errno
	}
	sp.at, errno = r.pathOf(sp.dir)
	return sp, errno
}

// directory opens one to hold it; "" is from itself, or the root.
func (r *request) directory(from int, dir string, rooted bool) (int, unix.Errno) {
	if rooted {
		from = unix.AT_FDCWD
		dir = "/" + dir
	} else if dir == "" {
		dir = "."
	}
	fd, err := unix.Openat2(from, dir, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS})
	if err == unix.ELOOP || err == unix.ENOENT {
		return r.walk(from, dir)
	}
	return r.keep(fd, err)
}

// walk goes component by component. It gives up what the kernel would.
func (r *request) walk(from int, dir string) (int, unix.Errno) {
	const hold = unix.O_PATH | unix.O_CLOEXEC
	todo, cur, links := dir, from, 0
	var errno unix.Errno
	if strings.HasPrefix(todo, "/") {
		if cur, errno = r.keep(unix.Open("/", hold, 0)); errno != 0 {
			return -1, errno
		}
	}
	for {
		todo = strings.TrimLeft(todo, "/")
		if todo == "" {
			return r.keep(unix.Openat(cur, ".", hold|unix.O_DIRECTORY, 0))
		}
		name, rest, _ := strings.Cut(todo, "/")
		todo = rest
		text, next, errno := r.step(cur, name)
		switch {
		case errno != 0:
			return -1, errno
		case text == "":
			cur = next
			continue
		}
		if links++; links > maxLinks {
			return -1, unix.ELOOP
		}
		if strings.HasPrefix(text, "/") {
			if cur, errno = r.keep(unix.Open("/", hold, 0)); errno != 0 {
				return -1, errno
			}
		}
		todo = text + "/" + rest
	}
}

// step opens one component, or gives the text of a symbolic link.
func (r *request) step(cur int, name string) (text string, next int, errno unix.Errno) {
	text, magic, errno := r.link(cur, name)
	switch {
	case errno == unix.EINVAL: // no link
		next, errno = r.keep(unix.Openat(cur, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0))
	case errno == 0 && magic:
		text = ""
		next, errno = r.keep(unix.Openat(cur, name, unix.O_PATH|unix.O_CLOEXEC, 0))
	}
	return text, next, errno
}

// link reads a symbolic link as the process would see it. One that leads to
// an open file rather than to a path is magic, and only the process's own are
// followed for it: whose others it may follow is not ours to judge.
func (r *request) link(dir int, name string) (text string, magic bool, errno unix.Errno) {
	if name == ".." || name == "." || name == "" {
		return "", false, unix.EINVAL
	}
	// The link of /proc for "self" is ENOENT for who is not in the session.
	text, errno = readLink(dir, name)
	if errno != 0 && errno != unix.ENOENT {
		return "", false, errno
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(dir, &fs); err != nil {
		return "", false, errnoOf(err)
	}
	if fs.Type == unix.PROC_SUPER_MAGIC {
		return r.procLink(dir, name)
	}
	return text, false, errno
}

func (r *request) procLink(dir int, name string) (text string, magic bool, errno unix.Errno) {
	at, errno := r.pathOf(dir)
	if errno != 0 {
		return "", false, errno
	}
	st := r.status()
	if at == "/proc" {
		switch name {
		case "self":
			return st.tgid, false, 0
		case "thread-self":
			return st.tgid + "/task/" + st.tid, false, 0
		}
		text, errno = readLink(dir, name)
		return text, false, errno
	}
	if text, errno = readLink(dir, name); errno != 0 {
		return "", false, errno
	}
	rest, _ := strings.CutPrefix(at, "/proc/")
	pid, _, _ := strings.Cut(rest, "/")
	if _, err := strconv.Atoi(pid); err != nil {
		return text, false, 0
	}
	if pid != st.tgid && pid != st.tid || st.unreadable {
		return "", false, unix.EACCES
	}
	return text, true, 0
}

func readLink(dir int, name string) (string, unix.Errno) {
	var buf [unix.PathMax]byte
	n, err := unix.Readlinkat(dir, name, buf[:])
	if err != nil {
		return "", errnoOf(err)
	}
	if n == 0 {
		return "", unix.ENOENT
	}
	return string(buf[:n]), 0
}

// pathOf is the path of something held, in the view.
func (r *request) pathOf(fd int) (string, unix.Errno) {
	text, errno := readLink(r.s.t.k.base.hostProc, "thread-self/fd/"+strconv.Itoa(fd))
	if errno == 0 && text[0] != '/' {
		return "", unix.ENOENT
	}
	return text, errno
}

// follow goes on while the last component is a symbolic link. magic says that
// it ended at a link to an open file.
func (r *request) follow(sp spot) (at spot, magic bool, errno unix.Errno) {
	for range maxLinks {
		if sp.isDir() {
			return sp, false, 0
		}
		text, magic, errno := r.link(sp.dir, sp.last)
		switch {
		case errno == unix.EINVAL || errno == unix.ENOENT:
			return sp, false, 0
		case errno != 0 || magic:
			return sp, magic, errno
		}
		slash := sp.slash
		if sp, errno = r.spotFrom(sp.dir, text); errno != 0 {
			return sp, false, errno
		}
		sp.slash = sp.slash || slash
	}
	return sp, false, unix.ELOOP
}
