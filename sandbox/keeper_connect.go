package sandbox

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"sync"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Sockets with a path lead to services of the host, whatever the mount they
// are seen on. Those that are bound when a session starts are masked. The keeper
// carries connect(2) out in the stead of the process, for sockets of every
// family: what it has read of the process once is what is looked at and what is
// done, on the socket that it looked at (keeper_connector.go). A send could name a
// path as well, in memory that no filter sees: on sockets of datagrams, which a
// command does not get before Landlock can tell them apart (datagramNotices);
// those of the other types refuse the address or ignore it, unix(7).

// pathsAreOurs tells whether Landlock leaves sockets with a path to the keeper.
func pathsAreOurs() bool {
	abi, err := ll.LandlockGetABIVersion()
	return err == nil && abi < unixABI
}

// sizeofAddress is that of struct sockaddr_storage, which no address exceeds.
const sizeofAddress = 128

// sizeofFamily is that of sa_family_t, with which every address begins.
const sizeofFamily = 2

// connect answers connect(2).
func (r *request) connect() verdict {
	addr, errno := r.address()
	if errno != 0 {
		return failed(errno)
	}
	sock, family, errno := r.socket()
	if errno != 0 {
		return failed(errno)
	}
	c, named := connection{sock: sock, addr: addr}, false
	if family == unix.AF_UNIX && len(addr) > sizeofFamily && binary.NativeEndian.Uint16(addr) == unix.AF_UNIX {
		if len(addr) > sizeofFamily+sizeofPath {
			return failed(unix.EINVAL)
		}
		if name := addr[sizeofFamily:]; name[0] == 0 {
			c.within = r.abstractName(name)
		} else {
			if errno := r.connectName(&c, name); errno != 0 {
				return failed(errno)
			}
			named = true
		}
	}
	if !named && r.foreign(sock) {
		r.s.report(r.n, deniedNote{Action: actSocket, Path: foreignSocket, Errno: "EACCES"})
		return failed(unix.EACCES)
	}
	if !r.valid() { // what was read, and the socket, may be another process's
		return failed(unix.EPERM)
	}
	if kind, err := unix.GetsockoptInt(sock, unix.SOL_SOCKET, unix.SO_TYPE); err == nil && kind == unix.SOCK_DGRAM && family != unix.AF_UNIX {
		return outcome(r.act(-1, func() error { return connectRaw(sock, addr) })) // nobody is waited for
	}
	return r.connectBy(func(r *request) error { return r.connectNow(&c) })
}

// socket is the first argument of the call, and its family.
func (r *request) socket() (sock, family int, errno unix.Errno) {
	if sock, errno = r.descriptor(int(int32(r.n.args[0]))); errno != 0 {
		return -1, 0, errno
	}
	family, err := unix.GetsockoptInt(sock, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return -1, 0, errnoOf(err)
	}
	return sock, family, 0
}

// address is a copy of the call's second argument, as long as the third says.
func (r *request) address() ([]byte, unix.Errno) {
	size := int(int32(r.n.args[2]))
	if size < 0 || size > sizeofAddress {
		return nil, unix.EINVAL
	}
	return r.memory().bytes(uintptr(r.n.args[1]), size)
}

// A socket that fsh was started with (inetd's, say) is of the host's network, and
// no rule sees where it leads. Its connection is lent; it is not aimed anew. How
// else a socket that has lost its connection can get one is fastopenRefusals'.

// foreign tells whether a socket belongs to another network than the view's.
func (r *request) foreign(sock int) bool {
	cookie, err := unix.GetsockoptUint64(sock, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	return err != nil || cookie == 0 || cookie != r.s.cookie
}

// networkCookie is that of the thread's namespace, socket(7); 0 is none's.
func networkCookie() uint64 {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return cookie
}

// fastopenRefusals are the sends that connect, refused as where
// net.ipv4.tcp_fastopen is off.
func fastopenRefusals() []bpf.Instruction {
	var prog []bpf.Instruction
	for nr, flags := range map[uintptr]int{unix.SYS_SENDTO: 3, unix.SYS_SENDMSG: 2, unix.SYS_SENDMMSG: 3} {
		prog = append(prog, notifyTests(nr, ret(unix.EOPNOTSUPP), []argTest{anyBit(flags, msgFastopen)})...)
	}
	return prog
}

// listen answers listen(2): a socket that was not bound gets a port.
func (r *request) listen() verdict {
	sock, family, errno := r.socket()
	if errno != 0 {
		return failed(errno)
	}
	if !r.valid() || family != unix.AF_UNIX && (r.foreign(sock) || !r.s.t.v.plan.Listen) {
		return failed(unix.EACCES) // judgeSocket's look may have been at another one
	}
	backlog := int(int32(r.n.args[1]))
	return r.connectBy(func(*request) error { return unix.Listen(sock, backlog) }) // who listens, others are told
}

// connectName judges a path, and holds where it leads. The address becomes one
// that leads there from hostProc.
func (r *request) connectName(c *connection, name []byte) unix.Errno {
	text, _, _ := bytes.Cut(name, []byte{0})
	from, errno := r.base(none)
	if errno != 0 {
		return errno
	}
	at, errno := r.spotFrom(from, string(text))
	if errno == 0 {
		at, _, errno = r.follow(at)
	}
	if errno != 0 {
		return errno
	}
	held, errno := r.keep(unix.Openat(at.dir, at.nameOrDot(), unix.O_PATH|unix.O_CLOEXEC, 0))
	if errno != 0 {
		return errno
	}
	own := "thread-self/fd/" + strconv.Itoa(held)
	c.addr = append(append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), own...), 0)
	var st unix.Stat_t
	if unix.Fstat(held, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return 0 // ECONNREFUSED, or a mask's errno
	}
	path, errno := r.pathOf(held)
	if errno != 0 {
		return errno
	}
	if r.s.t.k.made.bound(held) || r.s.t.v.ownSocket(path) {
		return 0
	}
	if st.Mode&0o777 == 0 && readOnly(held) { // a mask
		r.s.report(r.n, deniedNote{Action: actUnix, Path: path, Errno: "EACCES"})
		return unix.EACCES
	}
	// As for one that nobody listens on, which it may be: left by an earlier
	// session, say.
	if slices.Contains(boundSockets(r.s.t.k.base.hostProc, strconv.Itoa(r.s.t.k.shell)+"/net/unix"), path) {
		r.s.report(r.n, deniedNote{Action: actUnix, Path: path, Errno: "ECONNREFUSED"})
	}
	return unix.ECONNREFUSED
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

// abstractNames says which view bound an abstract name last. Landlock keeps
// the views apart by who connects, and that is the keeper.
type abstractNames struct {
	mu    sync.Mutex
	views map[abstractName]uint32
}

// abstractName is a name in a network namespace, where they are unique
// (unix(7)), by the key of its rules.
type abstractName struct{ net, name string }

func (r *request) abstractName(name []byte) *abstractName {
	return &abstractName{r.s.t.v.plan.Net, string(name)}
}

// bind notes a name that a view has bound. Without room it is nobody's.
func (a *abstractNames) bind(n abstractName, view uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.views == nil {
		a.views = map[abstractName]uint32{}
	}
	if _, again := a.views[n]; again || len(a.views) < maxMadeSockets {
		a.views[n] = view
	}
}

// reach is the errno with which a view may not connect to a name, or 0.
func (a *abstractNames) reach(n abstractName, view uint32) unix.Errno {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch by, known := a.views[n]; {
	case !known:
		return unix.ECONNREFUSED
	case by != view:
		return unix.EPERM // as Landlock says it
	}
	return 0
}
