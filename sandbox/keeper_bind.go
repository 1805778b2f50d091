package sandbox

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bind(2) makes a name when the socket is a unix one. It is carried out in the
// stead of the process like the other calls that do, for sockets of every
// family: number and address could be exchanged after a look. The socket tells
// of itself the address it was bound to (getsockname(2)), and programs connect
// to that, so it has to be the process's own.

// sizeofPath is that of sun_path, unix(7).
const sizeofPath = 108

func (r *request) bind() verdict {
	sock, family, errno := r.socket()
	if errno != 0 {
		return failed(errno)
	}
	addr, errno := r.address()
	if errno != 0 {
		return failed(errno)
	}
	if family == unix.AF_UNIX && len(addr) > sizeofFamily && addr[sizeofFamily] != 0 {
		if binary.NativeEndian.Uint16(addr) != unix.AF_UNIX || len(addr) > sizeofFamily+sizeofPath {
			return failed(unix.EINVAL)
		}
		path, _, _ := bytes.Cut(addr[sizeofFamily:], []byte{0})
		return r.bindName(sock, addr, string(path))
	}
	if r.foreign(sock) {
		return failed(unix.EACCES)
	}
	if inet := family == unix.AF_INET || family == unix.AF_INET6; inet && !r.s.t.v.plan.Listen {
		// Landlock does not see who the call is made for.
		if kind, err := unix.GetsockoptInt(sock, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind == unix.SOCK_STREAM {
			return failed(unix.EACCES)
		}
	}
	return outcome(r.act(-1, func() error {
		err := bindRaw(sock, addr)
		if err == nil && family == unix.AF_UNIX {
			r.noteAbstract(sock)
		}
		return err
	}))
}

// noteAbstract remembers whose an abstract name is; the kernel may have chosen
// it (unix(7), "Autobind feature").
func (r *request) noteAbstract(sock int) {
	var addr [sizeofAddress]byte
	size := uint32(len(addr))
	_, _, errno := unix.Syscall(unix.SYS_GETSOCKNAME, uintptr(sock), uintptr(unsafe.Pointer(&addr)), uintptr(unsafe.Pointer(&size)))
	if errno == 0 && size > sizeofFamily && size <= sizeofAddress && addr[sizeofFamily] == 0 {
		r.s.t.k.abstract.bind(*r.abstractName(addr[sizeofFamily:size]), r.s.t.id)
	}
}

// bindName binds to a path.
func (r *request) bindName(sock int, addr []byte, path string) verdict {
	made := r.s.t.k.made
	made.serial.Lock()
	defer made.serial.Unlock()
	from, errno := r.base(none)
	if errno != 0 {
		return failed(errno)
	}
	to, errno := r.spotFrom(from, path)
	if errno != 0 {
		return failed(errno)
	}
	if to.isDir() {
		return failed(unix.EADDRINUSE)
	}
	if !r.mayAt(&to, true) {
		return failed(unix.EACCES)
	}
	mask, ok := r.umask()
	if !ok {
		return failed(unix.EACCES)
	}
	from, addr = bindFrom(from, addr, path, &to)
	return outcome(r.act(mask, func() error {
		if err := unix.Fchdir(from); err != nil {
			return err
		}
		err := bindRaw(sock, addr)
		if err == nil {
			made.bind(to.dir, to.last)
		}
		if back := unix.Chdir("/"); back != nil && err == nil {
			return back
		}
		return err
	}))
}

// bindFrom is where to bind, and the address from there: the process's own if
// it leads a thread of the keeper to the same directory. It goes on doing so:
// nothing inside can move a directory or make a link before serial is free. A
// link of /proc to the process's own files leads elsewhere, so what a path
// through one is bound to is the last component, from the directory that is
// held.
func bindFrom(cwd int, addr []byte, path string, to *spot) (int, []byte) {
	parent, _ := filepath.Split(path)
	from, way := cwd, "./"+parent
	if strings.HasPrefix(path, "/") {
		from, way = to.dir, parent
	}
	fd, err := unix.Openat2(from, way, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS})
	if err == nil {
		defer unix.Close(fd)
		if !to.slash && samePlace(fd, to.dir) {
			return from, addr
		}
	}
	name := append(binary.NativeEndian.AppendUint16(nil, unix.AF_UNIX), to.name()...)
	return to.dir, append(name, 0)
}

// samePlace tells whether two descriptors are of one directory on one mount.
func samePlace(a, b int) bool {
	x, okX := mountOf(a)
	y, okY := mountOf(b)
	return okX && okY && x == y && sameFile(a, b)
}

func outcome(err error) verdict {
	if err != nil {
		return failed(errnoOf(err))
	}
	return verdict{}
}

func bindRaw(sock int, addr []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_BIND, uintptr(sock), uintptr(unsafe.Pointer(unsafe.SliceData(addr))), uintptr(len(addr)))
	return errnoOrNothing(errno)
}
