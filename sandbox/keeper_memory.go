package sandbox

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// processMemory is that of a process, by its number in proc.
type processMemory struct{ proc, pid int }

// asked is a notification, with the memory that its arguments point to.
type asked struct {
	*notification
	memory processMemory
}

func (r *request) memory() processMemory {
	return processMemory{r.s.t.k.base.hostProc, int(r.n.pid)}
}

// read copies into buf what can be. Filters of containers refuse
// process_vm_readv(2), and not the file, which asks for the same right.
func (m processMemory) read(at uintptr, buf []byte) (int, error) {
	local := []unix.Iovec{{Base: &buf[0]}}
	local[0].SetLen(len(buf))
	n, err := unix.ProcessVMReadv(m.pid, local, []unix.RemoteIovec{{Base: at, Len: len(buf)}}, 0)
	if err != unix.EPERM && err != unix.ENOSYS {
		return n, err
	}
	fd, err := unix.Openat(m.proc, strconv.Itoa(m.pid)+"/mem", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return unix.Pread(fd, buf, int64(at))
}

// bytes copies so many.
func (m processMemory) bytes(at uintptr, size int) ([]byte, unix.Errno) {
	buf := make([]byte, size)
	if size == 0 {
		return buf, 0
	}
	if n, err := m.read(at, buf); err != nil || n != size {
		return nil, unix.EFAULT
	}
	return buf, 0
}

// text copies a NUL-terminated string, page by page: the one behind it may be
// missing. Of a longer one it is the beginning.
func (m processMemory) text(at uintptr) (string, unix.Errno) {
	const page = 4096
	var text []byte
	for len(text) < unix.PathMax {
		buf := make([]byte, page-at%page)
		n, err := m.read(at, buf)
		if err != nil || n <= 0 {
			return "", unix.EFAULT
		}
		if i := bytes.IndexByte(buf[:n], 0); i >= 0 {
			if text = append(text, buf[:i]...); len(text) < unix.PathMax {
				return string(text), 0
			}
			break
		}
		text, at = append(text, buf[:n]...), at+uintptr(n)
	}
	return string(text), unix.ENAMETOOLONG
}
