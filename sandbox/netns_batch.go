package sandbox

import (
	"encoding/binary"
	"errors"
	"syscall"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ruleBatch collects changes to the rules of the calling thread's namespace.
// The kernel takes a batch as a whole or not at all, and says what it refuses.
// The library also has every change acknowledged and echoed, one answer after
// the other, which took longer than all of the rest; it lets its socket be
// replaced by a function, so this one asks for a single answer.
type ruleBatch struct {
	*nftables.Conn
	sent bool
	err  error
}

func newRuleBatch() (*ruleBatch, error) {
	b := &ruleBatch{err: errors.New("nothing was sent")}
	var err error
	b.Conn, err = nftables.New(nftables.WithTestDial(b.exchange))
	return b, err
}

// commit makes the changes.
func (b *ruleBatch) commit() error {
	if err := b.Flush(); err != nil && !b.sent {
		return err
	}
	return b.err
}

// exchange is the library's socket. It is asked for answers without messages.
func (b *ruleBatch) exchange(messages []netlink.Message) ([]netlink.Message, error) {
	if len(messages) > 0 {
		// Begin and end of the batch are messages, too.
		b.sent, b.err = true, sendNetlink(unix.NETLINK_NETFILTER, messages, len(messages)-2)
	}
	return nil, b.err
}

// sendNetlink sends messages over a socket of its own; the kernel says whether
// it has done what the message at last says, and which others it refused.
// Everything has happened when sendto(2) is back.
func sendNetlink(protocol int, messages []netlink.Message, last int) error {
	var text []byte
	for i, m := range messages {
		m.Header.PID = 0
		m.Header.Flags &^= netlink.Acknowledge | netlink.Echo
		if i == last {
			m.Header.Flags |= netlink.Acknowledge
		}
		b, err := m.MarshalBinary()
		if err != nil {
			return err
		}
		text = append(text, b...)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, text, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	return answers(fd, messages[last].Header.Sequence)
}

// answers reads what the kernel said: struct nlmsgerr behind the header, for
// each refused message and the acknowledged one.
func answers(fd int, acknowledged uint32) error {
	const errorAt = unix.NLMSG_HDRLEN
	done := false
	buf := make([]byte, 8192)
	for {
		n, _, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN && done:
			return nil
		case err == unix.EAGAIN:
			return errors.New("the kernel did not answer")
		case err != nil:
			return err
		case n < errorAt+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR:
			return errors.New("the kernel's answer makes no sense")
		}
		if errno := int32(binary.NativeEndian.Uint32(buf[errorAt:])); errno != 0 {
			return syscall.Errno(-errno)
		}
		done = done || binary.NativeEndian.Uint32(buf[8:]) == acknowledged
	}
}
