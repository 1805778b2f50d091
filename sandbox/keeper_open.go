package sandbox

import (
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Opens that make or change a file, carried out in the stead of the process,
// which is handed the result. It never makes the call itself: it could exchange
// the path after the look. A terminal does not become the controlling one by
// that (TIOCSCTTY does), and an open of a fifo that waits for a reader is
// interrupted by what ends the process, but not by signals that it handles.

// open is openat with flags that make or change a file.
func (r *request) open(c *watchedCall, flags int, mode uint32) verdict {
	made := r.s.t.k.made
	made.serial.Lock()
	defer made.serial.Unlock()
	at, errno := r.spot(c.at, c.path)
	if errno != 0 {
		return failed(errno)
	}
	for range maxLinks {
		v, link := r.openSpot(&at, flags, mode)
		if !link {
			return v
		}
		var magic bool
		if at, magic, errno = r.follow(at); errno != 0 {
			return failed(errno)
		}
		if magic {
			held, errno := r.keep(unix.Openat(at.dir, at.last, unix.O_PATH|unix.O_CLOEXEC, 0))
			if errno != 0 {
				return failed(errno)
			}
			if flags, errno = r.lends(&at, held, flags); errno != 0 {
				return failed(errno)
			}
			v, _ = r.openHeld("", held, flags)
			return v
		}
	}
	return failed(unix.ELOOP)
}

// openSpot opens what is there, or makes it. link: it is a link to follow, or
// has changed meanwhile.
func (r *request) openSpot(sp *spot, flags int, mode uint32) (v verdict, link bool) {
	create := flags&unix.O_CREAT != 0
	if create && (sp.slash || sp.isDir()) {
		return failed(unix.EISDIR), false
	}
	name := sp.name()
	if sp.isDir() {
		name = "."
	}
	fd, err := unix.Openat(sp.dir, name, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err == unix.ENOENT && create {
		return r.openNew(sp, flags, mode)
	}
	held, errno := r.keep(fd, err)
	if errno == unix.ENOENT {
		return failed(errno), sp.isSelf()
	}
	if errno != 0 {
		r.refused("write", sp.path(), errno)
		return failed(errno), false
	}
	if create && flags&unix.O_EXCL != 0 {
		return failed(unix.EEXIST), false
	}
	return r.openHeld(sp.path(), held, flags)
}

// unnamed is the path of a pipe, which no rule is about.
const unnamed = "pipe:"

// openHeld opens what is held, by its own link: nothing is looked up again.
// path is where it was found, or "".
func (r *request) openHeld(path string, held, flags int) (v verdict, link bool) {
	var st unix.Stat_t
	if err := unix.Fstat(held, &st); err != nil {
		return failed(errnoOf(err)), false
	}
	fifo := false
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return failed(unix.EISDIR), false
	case unix.S_IFLNK:
		return failed(unix.ELOOP), flags&unix.O_NOFOLLOW == 0
	case unix.S_IFSOCK:
		if isMask(held, &st) {
			if path != "" {
				r.refused("write", path, unix.EACCES)
			}
			return failed(unix.EACCES), false
		}
	case unix.S_IFIFO:
		fifo = true
	case unix.S_IFCHR:
		if st.Rdev == ownTerminal {
			fd, errno := r.terminal(held)
			if errno != 0 {
				return failed(errno), false
			}
			held = fd
		}
	}
	if path == "" && isPipe(held) {
		path = unnamed
	}
	if path == "" {
		var errno unix.Errno
		if path, errno = r.pathOf(held); errno != 0 {
			return failed(errno), false
		}
	}
	if isProc(held) && !r.mayOpenProc(path) {
		return failed(unix.EACCES), false
	}
	denied, protected := r.s.rules.forbids(path, true)
	if (denied || protected) && !readOnly(held) && !r.verdict(path, denied, protected) || !r.granted(path, flags) {
		return failed(unix.EACCES), false
	}
	if fifo && flags&(unix.O_ACCMODE|unix.O_NONBLOCK) == unix.O_WRONLY {
		return r.openFifo(path, held, flags), false
	}
	fd, err := r.reopen(held, flags)
	return r.give(path, "write", fd, err, flags), false
}

func (r *request) openNew(sp *spot, flags int, mode uint32) (v verdict, link bool) {
	if !r.mayAt(sp, true) {
		return failed(unix.EACCES), false
	}
	mask, ok := r.umask()
	if !ok {
		return failed(unix.EACCES), false
	}
	fd := -1
	err := r.act(mask, func() (err error) {
		fd, err = unix.Openat(sp.dir, sp.last, flags|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY, mode)
		return err
	})
	if err == unix.EEXIST {
		return failed(unix.EEXIST), flags&unix.O_EXCL == 0
	}
	if err == nil {
		r.note(kindOpen, sp)
	}
	return r.give(sp.path(), "create", fd, err, flags), false
}

// granted: what may be read is Landlock's to say, which does not see who a
// file is opened for.
func (r *request) granted(path string, flags int) bool {
	if r.s.grants == nil || flags&unix.O_ACCMODE == unix.O_WRONLY || path == unnamed {
		return true
	}
	for _, g := range r.s.grants {
		if g.rights&rightsRead != 0 && below(path, g.path) {
			return true
		}
	}
	return false
}

// give hands an open file to the process and answers its call with the number.
func (r *request) give(path, action string, fd int, err error, flags int) verdict {
	fd, errno := r.keep(fd, err)
	if errno != 0 {
		r.refused(action, path, errno)
		return failed(errno)
	}
	h := handover{id: r.n.id, flags: unix.SECCOMP_ADDFD_FLAG_SEND, src: uint32(fd), newFDFlags: uint32(flags & unix.O_CLOEXEC)}
	switch err := addFD(r.s.listen, &h); err {
	case nil, unix.ENOENT: // or it was killed
		r.sent = true
		return verdict{}
	default:
		return failed(errnoOf(err))
	}
}

// mayBeAsLong tells whether the process's own limit lets a file be so long.
func (r *request) mayBeAsLong(size int64) bool {
	var limit unix.Rlimit
	if err := unix.Prlimit(int(r.n.pid), unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		return false
	}
	return size < 0 || uint64(size) <= limit.Cur
}

// truncate is an open and a cut.
func (r *request) truncate(c *watchedCall) verdict {
	at, errno := r.spot(c.at, c.path)
	if errno != 0 {
		return failed(errno)
	}
	sp, magic, errno := r.follow(at)
	if errno != 0 {
		return failed(errno)
	}
	hold, errno := r.keep(unix.Openat(sp.dir, filepath.Join(".", sp.last), unix.O_PATH|unix.O_CLOEXEC, 0))
	if errno != 0 {
		return failed(errno)
	}
	if magic {
		const cut = unix.O_WRONLY | unix.O_TRUNC
		if may, errno := r.lends(&sp, hold, cut); errno != 0 || may != cut {
			return failed(unix.EACCES)
		}
	}
	if errno := sp.notCut(hold); errno != 0 {
		return failed(errno)
	}
	path, errno := r.pathOf(hold)
	if errno != 0 {
		return failed(errno)
	}
	if !readOnly(hold) && !r.may(path) || isProc(hold) && !r.mayOpenProc(path) {
		return failed(unix.EACCES)
	}
	if !r.mayBeAsLong(int64(r.n.args[c.mode])) {
		return failed(unix.EFBIG)
	}
	errno = r.do(func() error {
		fd, err := unix.Openat(r.s.t.k.base.hostProc, "thread-self/fd/"+strconv.Itoa(hold), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Ftruncate(fd, int64(r.n.args[c.mode]))
	}, false)
	if errno != 0 {
		r.refused("write", path, errno)
		return failed(errno)
	}
	return verdict{}
}

// notCut is why truncate(2) refuses what hold is, whoever asks.
func (sp *spot) notCut(hold int) syscall.Errno {
	var st unix.Stat_t
	if err := unix.Fstat(hold, &st); err != nil {
		return errnoOf(err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if sp.slash {
			return unix.ENOTDIR
		}
		return 0
	case unix.S_IFDIR:
		return unix.EISDIR
	case unix.S_IFSOCK:
		if isMask(hold, &st) {
			return unix.EACCES
		}
	}
	return unix.EINVAL
}

// isMask tells whether a socket stands for a hidden file, which nobody may open. To
// root who keeps its rights to files it would be a socket (ENXIO).
func isMask(held int, st *unix.Stat_t) bool { return st.Mode&0o777 == 0 && readOnly(held) }
