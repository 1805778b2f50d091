package sandbox

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Sockets with a path lead to services of the host, whatever the mount they
// are seen on. Those that are bound when a session starts are masked; for later
// ones the calls that name a path are looked at before Landlock can (ABI 9).
// The kernel reads the path again: a thread that exchanges it in time gets
// through, and so does sendmsg(2) on a datagram socket, which is not looked at.

// connectsAreJudged tells whether the kernel leaves such sockets to the keeper.
func connectsAreJudged() bool {
	abi, err := ll.LandlockGetABIVersion()
	return err == nil && abi < unixABI
}

// connect answers connect(2), and sendto(2) with an address.
func (r *request) connect(c *watchedCall) verdict {
	const familySize = 2
	size := int(int32(r.n.args[c.mode]))
	if size <= familySize || size > unix.SizeofSockaddrAny+16 {
		return goOn
	}
	addr, errno := readMemory(int(r.n.pid), uintptr(r.n.args[c.path]), size)
	if errno != 0 || binary.NativeEndian.Uint16(addr) != unix.AF_UNIX || addr[familySize] == 0 {
		return goOn
	}
	text, _, _ := bytes.Cut(addr[familySize:], []byte{0})
	from, errno := r.base(none)
	if errno != 0 {
		return failed(errno)
	}
	at, errno := r.spotFrom(from, string(text))
	if errno == 0 {
		at, _, errno = r.follow(at)
	}
	if errno != 0 {
		return failed(errno)
	}
	held, errno := r.keep(unix.Openat(at.dir, at.nameOrDot(), unix.O_PATH|unix.O_CLOEXEC, 0))
	if errno != 0 {
		return failed(errno)
	}
	var st unix.Stat_t
	if unix.Fstat(held, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return goOn // ECONNREFUSED, or a mask's errno
	}
	path, errno := r.pathOf(held)
	if errno != 0 {
		return failed(errno)
	}
	if r.s.t.k.made.bound(held) || r.s.t.v.ownSocket(path) {
		return goOn
	}
	if st.Mode&0o777 == 0 && readOnly(held) { // a mask
		r.s.report(r.n, deniedNote{Action: actUnix, Path: path, Errno: "EACCES"})
		return failed(unix.EACCES)
	}
	// As for one that nobody listens on, which it may be: left by an earlier
	// session, say.
	if slices.Contains(boundSockets(r.s.t.k.base.hostProc, strconv.Itoa(r.s.t.k.shell)+"/net/unix"), path) {
		r.s.report(r.n, deniedNote{Action: actUnix, Path: path, Errno: "ECONNREFUSED"})
	}
	return failed(unix.ECONNREFUSED)
}

// ownSocket tells whether a socket at path is no service of the host: it is in
// a place of the session's own, or granted.
func (v *view) ownSocket(path string) bool {
	for _, c := range v.clones {
		if c.socket && c.path == path {
			return true
		}
	}
	if slices.ContainsFunc(v.private, func(p string) bool { return below(path, p) }) ||
		slices.ContainsFunc(v.late, func(c clone) bool { return below(path, c.path) }) {
		return true
	}
	place := v.hiddenBy(path)
	return place != "" && !slices.ContainsFunc(v.clones, func(c clone) bool {
		return !c.private && below(path, c.path) && below(c.path, place)
	})
}

// bind notes a socket that the session has bound.
func (m *madeDirs) bind(dir int, name string) {
	key, ok := keyOf(dir, name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if ok && len(m.sockets) < maxMadeSockets {
		m.sockets[key] = struct{}{}
	}
}

// bound tells whether a socket that is held was bound by the session.
func (m *madeDirs) bound(held int) bool {
	key, ok := keyOfHeld(held)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, own := m.sockets[key]
	return own && ok
}
