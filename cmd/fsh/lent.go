//go:build linux

package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// lent says what this process was started with: a descriptor of a file that its
// user may change the attributes of, and one that was opened to append to.
type lent struct{ files, appended bool }

// startedWith is found out before main, when nothing else is open yet.
var startedWith = lookAtDescriptors()

// maxInherited is how many numbers are looked at, those that the shell takes over
// from who started it. If there can be more, there may be.
const maxInherited = 1024

func lookAtDescriptors() lent {
	fds := make([]unix.PollFd, maxInherited)
	for i := range fds {
		fds[i].Fd = int32(i)
	}
	for {
		switch _, err := unix.Poll(fds, 0); err {
		case unix.EINTR:
			continue
		case nil:
			return lentIn(fds)
		default: // more than may be open
			return lent{true, true}
		}
	}
}

func lentIn(fds []unix.PollFd) (l lent) {
	for _, p := range fds {
		fd := int(p.Fd)
		if p.Revents&unix.POLLNVAL == 0 && isInherited(fd) {
			l.files = l.files || ownFile(fd)
			l.appended = l.appended || appends(fd)
		}
	}
	return l
}

func isInherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// appends tells whether a descriptor was opened to append to a file.
func appends(fd int) bool {
	status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil && status&unix.O_APPEND == 0 {
		return false
	}
	var st unix.Stat_t
	return unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT == unix.S_IFREG
}

// ownFile tells whether a descriptor is of a file of this user's. Pipes and
// sockets have no name to be found by.
func ownFile(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return true
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFSOCK, 0:
		return isNamed(fd)
	}
	if os.Geteuid() == 0 || int(st.Uid) == os.Geteuid() {
		return true
	}
	// Opened to append to, by somebody who may, it is more than this user has.
	if status, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || status&unix.O_APPEND != 0 {
		return true
	}
	// Times and attributes called user are also those's who may write (utimensat(2),
	// xattr(7)). Of a device that is nothing to them: /dev/null is everybody's.
	return st.Mode&unix.S_IFMT != unix.S_IFCHR && unix.Access("/proc/self/fd/"+strconv.Itoa(fd), unix.W_OK) == nil
}

// isNamed tells a fifo from a pipe.
func isNamed(fd int) bool {
	var fs unix.Statfs_t
	return unix.Fstatfs(fd, &fs) != nil ||
		fs.Type != unix.PIPEFS_MAGIC && fs.Type != unix.SOCKFS_MAGIC && fs.Type != unix.ANON_INODE_FS_MAGIC
}
