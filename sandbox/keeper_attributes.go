package sandbox

import (
	"maps"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Mode, owner, times and extended attributes of a file are its owner's to
// change by any descriptor, whatever that was opened for, and one from outside
// is on a mount of the machine's, which is not read-only: the mounts of the view
// say nothing about it. So the calls wait for the keeper, which looks at the
// file and makes them itself: a number could be given another file after a look.

// xattrCalls are those about extended attributes. Those with a directory have
// arguments in memory; callers do without (xattr(7)).
var xattrCalls = []attributeCall{
	{kernelCall{"setxattr", 188, 5}, none, 0, none, false, setAttribute, 0},
	{kernelCall{"lsetxattr", 189, 6}, none, 0, none, true, setAttribute, 0},
	{kernelCall{"fsetxattr", 190, 7}, 0, none, none, false, setAttribute, 0},
	{kernelCall{"removexattr", 197, 14}, none, 0, none, false, removeAttribute, 0},
	{kernelCall{"lremovexattr", 198, 15}, none, 0, none, true, removeAttribute, 0},
	{kernelCall{"fremovexattr", 199, 16}, 0, none, none, false, removeAttribute, 0},
}

var xattrAtCalls = []kernelCall{{"setxattrat", 463, 463}, {"removexattrat", 466, 466}}

var callIoctl = attributeCall{kernelCall{"ioctl", 16, 29}, 0, none, none, false, nil, 0}

// flagIoctls set flags of an inode (ioctl_fs(2const)), by the size of their
// argument. One that would have the file never change again is refused.
var flagIoctls = map[uint32]int{
	unix.FS_IOC_SETFLAGS: 4,
	0x401c5820:           28, // FS_IOC_FSSETXATTR: _IOW('X', 32, struct fsxattr)
	0x40087602:           8,  // FS_IOC_SETVERSION: _IOW('v', 2, long)
	0x40086604:           8,  // EXT4_IOC_SETVERSION_OLD: _IOW('f', 4, long)
	0x40047211:           4,  // FAT_IOCTL_SET_ATTRIBUTES: _IOW('r', 0x11, __u32)
}

// refusedIoctls are of no use to programs that fallocate(2) has not served since
// Linux 2.6.23, and change what is there through a descriptor that only appends.
var refusedIoctls = []argTest{
	equal(1, unix.FS_IOC_ENABLE_VERITY), equal(1, unix.FS_IOC_SET_ENCRYPTION_POLICY),
	// FS_IOC_RESVSP, _UNRESVSP and the same with 64, FS_IOC_ZERO_RANGE: linux/falloc.h.
	{arg: 1, mask: 0xfffffffc, value: 0x40305828}, equal(1, 0x40305839),
	equal(1, 0xc028660f), // EXT4_IOC_MOVE_EXT exchanges the blocks of two files
	equal(1, 0xc0c0586d), // XFS_IOC_SWAPEXT, likewise
	equal(1, 0x4008941a), // BTRFS_IOC_SUBVOL_SETFLAGS makes a subvolume read-only
	equal(1, 0xc0c89425), // BTRFS_IOC_SET_RECEIVED_SUBVOL
	// F2FS_IOCTL_MAGIC, linux/f2fs.h: to move ranges between files, to wipe them.
	{arg: 1, mask: 0x0000ff00, value: 0xf500},
}

// attributeRequests are all of them. They ask for no descriptor that was opened to
// write, so that Landlock does not see them.
func attributeRequests() []argTest {
	tests := slices.Clone(refusedIoctls)
	for _, request := range slices.Sorted(maps.Keys(flagIoctls)) {
		tests = append(tests, equal(1, request))
	}
	return tests
}

var attributesByNumber = func() map[int32]*attributeCall {
	m := map[int32]*attributeCall{}
	for _, c := range append(slices.Concat(attributeCalls, xattrCalls), callIoctl) {
		if nr := nativeArch.number(c.kernelCall); nr != no {
			m[int32(nr)] = &c
		}
	}
	return m
}()

func attributeCallOf(nr int32) *attributeCall { return attributesByNumber[nr] }

// attributeNotices has the keeper asked about all of them.
func attributeNotices() []bpf.Instruction {
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	var prog []bpf.Instruction
	for _, c := range slices.Concat(attributeCalls, xattrCalls) {
		if nr := nativeArch.number(c.kernelCall); nr != no {
			prog = append(prog, notifyTests(uintptr(nr), ask, nil)...)
		}
	}
	for _, c := range xattrAtCalls {
		prog = append(prog, notifyTests(uintptr(nativeArch.number(c)), ret(unix.ENOSYS), nil)...)
	}
	ioctl := uintptr(nativeArch.number(callIoctl.kernelCall))
	for _, request := range refusedIoctls {
		prog = append(prog, notifyTests(ioctl, ret(unix.EOPNOTSUPP), []argTest{request})...)
	}
	for request := range flagIoctls {
		prog = append(prog, notifyTests(ioctl, ask, []argTest{equal(1, request)})...)
	}
	return prog
}

// attribute makes such a call for a process.
func (r *request) attribute(c *attributeCall) verdict {
	held, errno := r.attributed(c)
	if errno != 0 {
		return failed(errno)
	}
	made := r.s.t.k.made
	made.serial.Lock()
	defer made.serial.Unlock()
	path, ok := r.mayChange(held)
	if !ok {
		return failed(unix.EACCES)
	}
	if r.makesSetGroup(c, held) {
		return failed(unix.EPERM)
	}
	errno = r.do(func() error {
		if c.change == nil {
			return r.setFlags(held)
		}
		if err := unix.Fchdir(r.s.t.k.base.hostProc); err != nil {
			return err
		}
		err := r.change(c, "thread-self/fd/"+strconv.Itoa(held))
		if back := unix.Chdir("/"); back != nil && err == nil {
			return back
		}
		return err
	}, false)
	if errno != 0 {
		r.refused("write", path, errno)
		return failed(errno)
	}
	return verdict{}
}

func (r *request) change(c *attributeCall, file string) error {
	if c.owner > 0 {
		return unix.Chown(file, int(int32(r.n.args[c.owner])), int(int32(r.n.args[c.owner+1])))
	}
	return c.change(&asked{r.n, r.memory()}, file)
}

// attributed holds the file that a call is about.
func (r *request) attributed(c *attributeCall) (int, unix.Errno) {
	flags := 0
	if c.flags >= 0 {
		flags = int(int32(r.n.args[c.flags]))
	}
	if flags&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return -1, unix.EINVAL
	}
	if c.path < 0 {
		return r.openDescriptor(int(int32(r.n.args[c.dir])))
	}
	byNumber := c.dir >= 0 && int32(r.n.args[c.dir]) != unix.AT_FDCWD
	if r.n.args[c.path] == 0 && byNumber { // futimens(3)
		return r.openDescriptor(int(int32(r.n.args[c.dir])))
	}
	if flags&unix.AT_EMPTY_PATH != 0 {
		if text, errno := r.memory().text(uintptr(r.n.args[c.path])); errno == 0 && text == "" {
			return r.base(c.dir)
		}
	}
	at, errno := r.spot(c.dir, c.path)
	if errno != 0 {
		return -1, errno
	}
	return r.attributedAt(at, !c.nofollow && flags&unix.AT_SYMLINK_NOFOLLOW == 0 || at.slash)
}

// attributedAt holds what a path leads to. Most are no links. One that is a link
// after it was followed was exchanged.
func (r *request) attributedAt(at spot, follow bool) (int, unix.Errno) {
	held, errno := r.hold(&at, unix.O_NOFOLLOW)
	if !(errno == unix.ENOENT && at.isSelf()) && !(errno == 0 && follow && isLink(held)) {
		return held, errno
	}
	at, magic, errno := r.follow(at)
	switch {
	case errno != 0:
		return -1, errno
	case magic:
		return r.hold(&at, 0)
	}
	return r.hold(&at, unix.O_NOFOLLOW)
}

// hold takes hold of what is at a place, whatever it is.
func (r *request) hold(at *spot, flags int) (int, unix.Errno) {
	name := at.name()
	if at.last == "" {
		name = "."
	}
	return r.keep(unix.Openat(at.dir, name, unix.O_PATH|unix.O_CLOEXEC|flags, 0))
}

func isLink(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK
}

// openDescriptor is one of the process's that was opened, and not only found.
func (r *request) openDescriptor(number int) (int, unix.Errno) {
	fd, errno := r.descriptor(number)
	if errno != 0 {
		return -1, errno
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_PATH != 0 {
		return -1, unix.EBADF
	}
	return fd, 0
}

// mayChange tells whether the attributes of a file may be changed: on a mount of
// the view as that and the rules about names say, elsewhere if the rules let the
// file be written. What has no name is the business of those who have it open.
func (r *request) mayChange(held int) (path string, ok bool) {
	var st unix.Stat_t
	path, errno := readLink(r.s.t.k.base.hostProc, "thread-self/fd/"+strconv.Itoa(held))
	if errno != 0 || unix.Fstat(held, &st) != nil {
		return "", false
	}
	if path[0] != '/' || st.Nlink == 0 {
		return path, true
	}
	if denied, protected := r.s.rules.forbids(path, st.Mode&unix.S_IFMT != unix.S_IFDIR); denied || protected {
		return path, readOnly(held) || r.verdict(path, denied, protected)
	}
	if r.inView(held) || r.s.rules.inOpen(path) || sessionMemory(st.Dev) {
		return path, true
	}
	r.s.report(r.n, deniedNote{Action: "write", Path: path, Errno: "EACCES"})
	return path, false
}

// inView remembers what was found. A mount that the view gives up makes its
// number another's, but not that of one from outside: those were there before.
func (r *request) inView(held int) bool {
	id, ok := mountOf(held)
	if !ok {
		return false
	}
	if !r.s.mounts[id] {
		r.s.mounts[id] = r.s.hasMount(id)
	}
	return r.s.mounts[id]
}

// sessionMemory tells whether a device is a private place's, in any view.
func sessionMemory(dev uint64) bool {
	return slices.ContainsFunc(privatePlaces, func(place string) bool {
		var st, root unix.Stat_t
		return unix.Stat(place, &st) == nil && unix.Stat("/", &root) == nil && st.Dev == dev && dev != root.Dev
	})
}

// Limits of xattr(7).
const (
	maxXattrName  = 255
	maxXattrValue = 64 << 10
)

func xattrName(n *asked) (string, error) {
	name, errno := n.memory.text(uintptr(n.args[1]))
	switch {
	case errno == 0 && (name == "" || len(name) > maxXattrName), errno == unix.ENAMETOOLONG:
		return "", unix.ERANGE
	case errno != 0:
		return "", errno
	}
	return name, nil
}

func setAttribute(n *asked, file string) error {
	name, err := xattrName(n)
	if err != nil {
		return err
	}
	if n.args[3] > maxXattrValue {
		return unix.E2BIG
	}
	value, errno := n.memory.bytes(uintptr(n.args[2]), int(n.args[3]))
	if errno != 0 {
		return errno
	}
	return unix.Setxattr(file, name, value, int(int32(n.args[4])))
}

func removeAttribute(n *asked, file string) error {
	name, err := xattrName(n)
	if err != nil {
		return err
	}
	return unix.Removexattr(file, name)
}

// setFlags is an ioctl of flagIoctls.
func (r *request) setFlags(fd int) error {
	request := uint32(r.n.args[1])
	value, errno := r.memory().bytes(uintptr(r.n.args[2]), flagIoctls[request])
	if errno != 0 {
		return errno
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&value[0]))); errno != 0 {
		return errno
	}
	return nil
}
