package sandbox

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxLists is how many directories are read in one round trip.
	maxLists = 256
	// listBuffer is how much of one directory is read: of a larger one the
	// shell asks for the descriptor, which costs less than copying.
	listBuffer = 32 << 10
	// listReply is when a reply is full; the shell asks again for the rest.
	listReply = inlinePayload - listBuffer - 8
	// listUnread marks a directory that was not read.
	listUnread = ^uint32(0)
)

// readDirs answers with a length and struct linux_dirent64s (getdents(2)) per
// directory, as many as fit.
func (r *runner) readDirs(d *decoder) syscall.Errno {
	dir, ok := r.dirFD(d.u32())
	if !ok {
		return syscall.EBADF
	}
	n := d.count(1)
	if n > maxLists {
		return syscall.EPROTO
	}
	for range n {
		path := d.str()
		if d.bad {
			return syscall.EPROTO
		}
		if len(r.reply.b) < listReply {
			r.readDir(dir, path)
		}
	}
	if !d.done() {
		return syscall.EPROTO
	}
	return 0
}

func (r *runner) readDir(dir int, path string) {
	at := len(r.reply.b)
	r.reply.u32(listUnread)
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	if cap(r.list) == 0 {
		r.list = make([]byte, listBuffer)
	}
	got := 0
	for {
		n, err := unix.ReadDirent(fd, r.list[got:])
		if err == unix.EINTR {
			continue
		}
		if err != nil { // EINVAL: what is left of the buffer is too small
			return
		}
		if n == 0 {
			break
		}
		got += n
	}
	binary.NativeEndian.PutUint32(r.reply.b[at:], uint32(got))
	r.reply.b = append(r.reply.b, r.list[:got]...)
}
