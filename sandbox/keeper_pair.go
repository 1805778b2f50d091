package sandbox

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

// A pair of sockets of unix datagrams could be sent to any path by either end,
// like every such socket (keeper_connect.go). A process that asks for one is given
// a pair of packets, SOCK_SEQPACKET: connected for good, it keeps messages apart in
// the same way, and ignores the address of a send, unix(7).

// pairs tells whether a call wants such a pair.
func (n *notification) pairs() bool {
	return n.nr == unix.SYS_SOCKETPAIR && uint32(n.args[0]) == unix.AF_UNIX
}

// pair answers socketpair(2).
func (r *request) pair() verdict {
	flags := int(int32(r.n.args[1])) &^ 0xf
	if flags&^(unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK) != 0 {
		return failed(unix.EINVAL)
	}
	if p := uint32(r.n.args[2]); p != 0 && p != unix.AF_UNIX {
		return failed(unix.EPROTONOSUPPORT)
	}
	numbers, errno := r.numbers(uintptr(r.n.args[3]))
	if errno != 0 {
		return failed(errno)
	}
	defer numbers.close()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|flags&unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return failed(errnoOf(err))
	}
	defer closeAll(fds[:])
	var given [2]int32
	for i, fd := range fds {
		h := handover{id: r.n.id, src: uint32(fd), newFDFlags: uint32(flags & unix.SOCK_CLOEXEC)}
		number, err := addNumber(r.s.listen, &h)
		if err != nil {
			return failed(errnoOf(err))
		}
		given[i] = int32(number)
	}
	return outcome(numbers.put(given))
}

// pairNumbers is where a process wants the numbers of a pair.
type pairNumbers struct {
	memory int
	at     int64
}

// numbers is the memory of the process that waits, and not one with its number by
// now. What cannot be written is an error before there are descriptors.
func (r *request) numbers(at uintptr) (pairNumbers, unix.Errno) {
	fd, err := unix.Openat(r.s.t.k.base.hostProc, strconv.Itoa(int(r.n.pid))+"/mem", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return pairNumbers{}, unix.EACCES
	}
	p := pairNumbers{fd, int64(at)}
	if !r.valid() {
		p.close()
		return p, unix.EPERM
	}
	if err := p.put([2]int32{-1, -1}); err != nil {
		p.close()
		return p, unix.EFAULT
	}
	return p, 0
}

func (p pairNumbers) put(numbers [2]int32) error {
	var buf [8]byte
	for i, n := range numbers {
		binary.NativeEndian.PutUint32(buf[4*i:], uint32(n))
	}
	n, err := unix.Pwrite(p.memory, buf[:], p.at)
	if err == nil && n != len(buf) {
		err = unix.EFAULT
	}
	return err
}

func (p pairNumbers) close() { unix.Close(p.memory) }
