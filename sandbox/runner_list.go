package sandbox

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxLists is how many directories are read in one round trip.
	maxLists = 128
	// listBuffer is how much of one directory is read: of a larger one the
	// shell asks for the descriptor, which costs less than copying.
	listBuffer = 32 << 10
	// listReply is when a reply is full; the shell asks again for the rest.
	listReply = inlinePayload - listBuffer - 8
	// listUnread marks a directory that was not read.
	listUnread = ^uint32(0)
)

// sharedLists is from how many directories on a second thread reads half of
// them: to wake one takes as long as to read five.
const sharedLists = 32

// lister reads directories one after the other.
type lister struct {
	out []byte // a length and struct linux_dirent64s (getdents(2)) per directory
	buf []byte
}

// readDirs answers with the directories that fit, in their order.
func (r *runner) readDirs(d *decoder) syscall.Errno {
	dir, ok := r.dirFD(d.u32())
	if !ok {
		return syscall.EBADF
	}
	n := d.count(1)
	if n > maxLists {
		return syscall.EPROTO
	}
	paths := make([]string, n)
	for i := range paths {
		paths[i] = d.str()
	}
	if !d.done() {
		return syscall.EPROTO
	}
	mine, others := paths, []string(nil)
	done := make(chan struct{})
	if n >= sharedLists {
		mine, others = paths[:n/2], paths[n/2:]
		go func() {
			defer close(done)
			r.listers[1].read(dir, others)
		}()
	}
	// The answer's own buffer has its header already.
	first := &r.listers[0]
	first.out = r.reply.b
	whole := first.readOn(dir, mine)
	r.reply.b = first.out
	if others == nil {
		return 0
	}
	<-done
	for rest := r.listers[1].out; whole && len(rest) > 0 && len(r.reply.b) < listReply; {
		size := 4
		if n := binary.NativeEndian.Uint32(rest); n != listUnread {
			size += int(n)
		}
		r.reply.b = append(r.reply.b, rest[:size]...)
		rest = rest[size:]
	}
	return 0
}

func (l *lister) read(dir int, paths []string) {
	l.out = l.out[:0]
	l.readOn(dir, paths)
}

// readOn tells whether it got to the end.
func (l *lister) readOn(dir int, paths []string) (whole bool) {
	for _, path := range paths {
		if len(l.out) >= listReply {
			return false
		}
		l.readDir(dir, path)
	}
	return true
}

func (l *lister) readDir(dir int, path string) {
	at := len(l.out)
	l.out = binary.NativeEndian.AppendUint32(l.out, listUnread)
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	if cap(l.buf) == 0 {
		l.buf = make([]byte, listBuffer)
	}
	got := 0
	for {
		n, err := unix.ReadDirent(fd, l.buf[got:])
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
	binary.NativeEndian.PutUint32(l.out[at:], uint32(got))
	l.out = append(l.out, l.buf[:got]...)
}
