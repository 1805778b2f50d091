package sandbox

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// Programs write a file anew beside the old one and move it there although nothing in
// it has changed: git does with its configuration when a branch is deleted. Where the
// old one is protected they have what they want if the new one is removed.

// maxSame bounds what is compared.
const maxSame = 1 << 20

// already removes what is to be moved to a protected file if it is the lock that would
// become it, and of the same kind, mode, owner and contents. The process may look at
// both: what is hidden is covered, or denied.
func (r *request) already(c *watchedCall, to *spot) bool {
	if c.flags != none && r.n.args[c.flags] != 0 || to.isDir() || to.slash || !r.kept(to) {
		return false
	}
	from, errno := r.spot(c.fromAt, c.from)
	if errno != 0 || from.at != to.at || from.last != to.last+".lock" || from.slash {
		return false
	}
	old, was := r.contents(to)
	fresh, is := r.contents(&from)
	if !old || !fresh || was.mode != is.mode || was.uid != is.uid || was.gid != is.gid || !bytes.Equal(was.text, is.text) {
		return false
	}
	return r.do(func() error { return unix.Unlinkat(from.dir, from.last, 0) }, false) == 0
}

// kept tells whether a file is protected or covered, and may be read.
func (r *request) kept(sp *spot) bool {
	denied, protected := r.s.rules.forbids(sp.path(), true)
	if !denied && !protected || !r.granted(sp.path(), unix.O_RDONLY) {
		return false
	}
	on, err := isMount(sp.path())
	return protected || on && err == nil
}

// seen is what a file was when it was looked at.
type seen struct {
	mode, uid, gid uint32
	text           []byte
}

// contents reads a small regular file, as the process could.
func (r *request) contents(sp *spot) (ok bool, what seen) {
	var fd int
	errno := r.do(func() (err error) {
		fd, err = unix.Openat(sp.dir, sp.last, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		return err
	}, false)
	if errno != 0 {
		return false, what
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxSame {
		return false, what
	}
	text := make([]byte, st.Size+1)
	n := 0
	for n < len(text) {
		m, err := readRetry(fd, text[n:])
		if err != nil {
			return false, what
		}
		if m == 0 {
			return true, seen{st.Mode, st.Uid, st.Gid, text[:n]}
		}
		n += m
	}
	return false, what // it grows
}
