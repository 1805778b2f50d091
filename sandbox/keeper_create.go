package sandbox

import (
	"slices"
	"strconv"

	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

// Calls that make or change names, carried out in the stead of the process.
// Directories are held by descriptor and last components never followed, so
// what was looked at is what is done, whatever other threads and processes do
// to memory and links meanwhile. The thread has the process's user, mounts
// and (for the call) umask, and no capabilities that count for files.

var goOn = verdict{flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}

func failed(errno unix.Errno) verdict { return verdict{err: -int32(errno)} }

// judge answers one notification.
func (r *request) judge() verdict {
	if r.s.noteSignal(r.n) {
		return goOn
	}
	if r.n.pairs() {
		return r.pair()
	}
	if v, ok := r.s.judgeSocket(r.n); ok {
		return v
	}
	if v, ok := r.appended(); ok {
		return v
	}
	if c := attributeCallOf(r.n.nr); c != nil {
		return r.attribute(c)
	}
	c, ok := r.s.calls[r.n.nr]
	if !ok {
		return failed(unix.ENOSYS)
	}
	switch c.kind {
	case kindStack:
		return r.stack()
	case kindRule:
		return r.addRule()
	case kindBind:
		return r.bind()
	case kindConnect:
		return r.connect()
	case kindListen:
		return r.listen()
	case kindExec:
		if !r.allowsExec(&c) {
			return failed(unix.EACCES)
		}
		return goOn
	case kindUmask:
		clear(r.s.masks)
		return goOn
	case kindRemove:
		if sp, errno := r.spot(c.at, c.path); errno == 0 {
			r.predict("write", sp.path())
		}
		return goOn
	case kindOpen:
		flags := int(int32(r.n.args[c.flags]))
		if flags&changing == 0 || flags&unix.O_PATH != 0 {
			if sp, errno := r.spot(c.at, c.path); errno == 0 && flags&unix.O_PATH == 0 {
				r.predict("read", sp.path())
			}
			return goOn
		}
		if flags&tmpfile != 0 {
			return goOn // without a name; linkat gives it one
		}
		return r.open(&c, flags, uint32(r.n.args[c.mode]))
	case kindCreat:
		return r.open(&c, unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, uint32(r.n.args[c.mode]))
	case kindTruncate:
		return r.truncate(&c)
	}
	return r.name(&c)
}

// may answers for one path that is to be made or changed; report says so.
func (r *request) may(path string) bool {
	denied, protected := r.s.rules.forbids(path, true)
	return r.verdict(path, denied, protected)
}

func (r *request) verdict(path string, denied, protected bool) bool {
	if !denied && !protected {
		return true
	}
	r.s.report(r.n, deniedNote{Action: "create", Path: path, Errno: "EACCES", Name: protected})
	return false
}

// readOnly tells whether a directory is on a mount that is: then the kernel
// says no, and says why.
func readOnly(dir int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(dir, &fs) == nil && fs.Flags&unix.ST_RDONLY != 0
}

// mayAt is may for something in a directory that is held. What is a mount
// there is masked, and the kernel's to refuse.
func (r *request) mayAt(sp *spot, file bool) bool {
	denied, protected := r.s.rules.forbids(sp.path(), file)
	if !denied && !protected || readOnly(sp.dir) {
		return true
	}
	if on, err := isMount(sp.path()); err == nil && on {
		return true
	}
	return r.verdict(sp.path(), denied, protected)
}

// name is the calls that make a name and give nothing back.
func (r *request) name(c *watchedCall) verdict {
	made := r.s.t.k.made
	made.serial.Lock()
	defer made.serial.Unlock()
	to, errno := r.spot(c.at, c.path)
	if errno != 0 {
		return failed(errno)
	}
	if c.kind == kindRename && r.already(c, &to) {
		return verdict{}
	}
	if file := c.kind != kindMkdir && c.kind != kindRename; !to.isDir() && !r.mayAt(&to, file) {
		return failed(unix.EACCES)
	}
	switch c.kind {
	case kindMkdir:
		errno = r.mkdir(&to, uint32(r.n.args[c.mode]))
	case kindMknod:
		errno = r.do(func() error {
			return unix.Mknodat(to.dir, to.nameOrDot(), uint32(r.n.args[c.mode]), int(r.n.args[c.mode+1]))
		}, true)
	case kindSymlink:
		var text string
		if !to.isDir() && !r.mayLead(&to) {
			return failed(unix.EACCES)
		}
		if text, errno = r.argument(c.from); errno == 0 {
			errno = r.do(func() error { return unix.Symlinkat(text, to.dir, to.nameOrDot()) }, false)
		}
	case kindLink:
		errno = r.link2(c, &to)
	case kindRename:
		errno = r.rename(c, &to)
	}
	if errno != 0 {
		r.refused("create", to.path(), errno)
		return failed(errno)
	}
	r.note(c.kind, &to)
	return verdict{}
}

// mkdir makes a directory; where a private one belongs it is covered by that
// at once.
func (r *request) mkdir(to *spot, mode uint32) unix.Errno {
	errno := r.do(func() error { return unix.Mkdirat(to.dir, to.nameOrDot(), mode) }, true)
	if path := to.path(); errno == 0 && r.s.late.wants(path) {
		r.s.t.k.lateMade(path)
		if err := r.s.late.mount(path); err != nil {
			_ = unix.Unlinkat(to.dir, to.nameOrDot(), unix.AT_REMOVEDIR)
			return unix.EACCES
		}
	}
	return errno
}

// nameOrDot is the last component for a call that needs one.
func (s *spot) nameOrDot() string {
	if s.last == "" {
		return "/" // the root: the only path without a component
	}
	return s.name()
}

// do makes a call as the process would.
func (r *request) do(call func() error, masked bool) unix.Errno {
	mask, ok := -1, true
	if masked {
		mask, ok = r.umask()
	}
	if !ok {
		return unix.EACCES
	}
	return errnoOf(r.act(mask, call))
}

// note remembers what the session made.
func (r *request) note(kind callKind, to *spot) {
	made := r.s.t.k.made
	if kind == kindMkdir {
		made.add(to.dir, to.last)
	}
	if !r.s.rules.inOpen(to.at) {
		return
	}
	switch {
	case to.last == ".git":
		made.repo(to.path())
	case to.last == "objects" && kind != kindOpen, slices.Contains(gitParts, to.last) && isGitDir(to.dir):
		made.repo(to.at)
	}
}

// link2 is linkat. A name for a protected file would be a way to change it.
func (r *request) link2(c *watchedCall, to *spot) unix.Errno {
	flags := 0
	if c.flags != none {
		flags = int(int32(r.n.args[c.flags]))
	}
	if flags&unix.AT_EMPTY_PATH != 0 {
		if b, errno := r.memory().text(uintptr(r.n.args[c.from])); errno == 0 && b == "" {
			return r.linkOpen(c, to)
		}
	}
	from, errno := r.spot(c.fromAt, c.from)
	if errno != 0 {
		return errno
	}
	magic := false
	if flags&unix.AT_SYMLINK_FOLLOW != 0 {
		if from, magic, errno = r.follow(from); errno != 0 {
			return errno
		}
	}
	if !magic && (!r.mayAt(&from, true) || isLinkAt(from.dir, from.last) && !r.mayLead(to)) {
		return unix.EACCES
	}
	if magic { // the number may be another file's by now
		held, errno := r.keep(unix.Openat(from.dir, from.last, unix.O_PATH|unix.O_CLOEXEC, 0))
		if errno != 0 {
			return errno
		}
		return r.linkHeld(held, to)
	}
	return r.do(func() error { return unix.Linkat(from.dir, from.nameOrDot(), to.dir, to.nameOrDot(), 0) }, false)
}

// linkOpen names a file that the process has open.
func (r *request) linkOpen(c *watchedCall, to *spot) unix.Errno {
	fd, errno := r.base(c.fromAt)
	if errno != 0 {
		return errno
	}
	return r.linkHeld(fd, to)
}

func (r *request) linkHeld(fd int, to *spot) unix.Errno {
	if path, errno := r.pathOf(fd); errno != 0 || !r.may(path) {
		return unix.EACCES
	}
	return r.do(func() error {
		return unix.Linkat(r.s.t.k.base.hostProc, "thread-self/fd/"+strconv.Itoa(fd), to.dir, to.nameOrDot(), unix.AT_SYMLINK_FOLLOW)
	}, false)
}

// rename is renameat2. What moves brings along what is in it, and an exchange
// moves two things.
func (r *request) rename(c *watchedCall, to *spot) unix.Errno {
	from, errno := r.spot(c.fromAt, c.from)
	if errno != 0 {
		return errno
	}
	flags := uint(0)
	if c.flags != none {
		flags = uint(r.n.args[c.flags])
	}
	if r.s.late.wants(to.path()) {
		return unix.EXDEV // as for a place that is mounted: whoever moves can copy
	}
	if !from.isDir() && !to.isDir() {
		if errno := r.look(&from); errno != 0 {
			return errno
		}
		if flags&unix.RENAME_EXCHANGE != 0 {
			if errno := r.look(to); errno != 0 {
				return errno
			}
		}
		if !r.mayLeave(&from) || !r.mayBring(&from, to) {
			return unix.EACCES
		}
		if flags&unix.RENAME_EXCHANGE != 0 && (!r.mayLeave(to) || !r.mayBring(to, &from)) {
			return unix.EACCES
		}
	}
	errno = r.do(func() error {
		return unix.Renameat2(from.dir, from.nameOrDot(), to.dir, to.nameOrDot(), flags)
	}, false)
	if errno == 0 {
		r.s.t.k.made.moved(from.path(), to.path(), flags&unix.RENAME_EXCHANGE != 0)
		if flags&unix.RENAME_EXCHANGE != 0 {
			r.note(c.kind, &from)
		}
	}
	return errno
}

// mayLeave: neither a protected name nor a directory that makes one.
func (r *request) mayLeave(from *spot) bool {
	dir := from.directory
	if !r.mayAt(from, !dir) {
		return false
	}
	if dir && r.s.rules.holdsBare(from.path()) && !readOnly(from.dir) {
		return r.verdict(from.path(), false, true)
	}
	if readOnly(from.dir) {
		return true
	}
	// Of the user's directories none may make room for a new one.
	old := dir && !r.s.t.k.made.has(from.path())
	denied, protected := r.s.rules.completes(from.path(), func(rest string) bool {
		return old || holdsAt(from.dir, from.last+"/"+rest)
	})
	if on, err := isMount(from.path()); err == nil && on {
		return true // EBUSY
	}
	return r.verdict(from.path(), denied, protected)
}

// look finds what has the name, by a descriptor: that tells of a file whatever
// may be looked at. What is absent is for the kernel to say, if it may be said.
func (r *request) look(sp *spot) unix.Errno {
	held, errno := r.keep(unix.Openat(sp.dir, sp.last, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0))
	if errno != 0 && absent(errno) {
		return 0
	}
	if errno != 0 {
		return errno
	}
	var st unix.Stat_t
	if err := unix.Fstat(held, &st); err != nil {
		return errnoOf(err)
	}
	sp.directory = st.Mode&unix.S_IFMT == unix.S_IFDIR
	return 0
}

// mayBring looks into a directory that is about to be moved.
func (r *request) mayBring(from, to *spot) bool {
	if !from.directory {
		return r.mayAt(to, true) && (!isLinkAt(from.dir, from.last) || r.mayLead(to))
	}
	denied, protected := r.s.rules.completes(to.path(), func(rest string) bool {
		return holdsAt(from.dir, from.last+"/"+rest)
	})
	if !r.verdict(to.path(), denied, protected) {
		return false
	}
	patterns := r.s.rules.patterns(from.path(), to.path())
	if len(patterns) == 0 {
		return true
	}
	left := maxMoved
	return !brings(from.dir, from.last, to.path(), maxMovedDepth, func(path string, dir int, name string) bool {
		if left--; left < 0 {
			return true
		}
		return slices.ContainsFunc(patterns, func(p policy.Path) bool {
			return p.Covers(path) || onTheWay(&p, path) && isLinkAt(dir, name)
		})
	})
}
