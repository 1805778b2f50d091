package sandbox

import (
	"fmt"
	"io"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sendFrame writes header, payload and descriptors. The encoder's first
// headerSize bytes are room for the header. With dontWait it sends nothing
// and returns EAGAIN if the socket is full; otherwise it waits.
//
// The caller serialises senders.
func sendFrame(sock int, h header, e *encoder) error {
	if e.err != nil {
		return e.err
	}
	size := len(e.b) - headerSize
	if len(e.fds) > maxFrameFiles {
		return syscall.EMFILE
	}
	h.size, h.files = uint32(size), uint16(len(e.fds))
	if size <= inlinePayload {
		h.put(e.b)
		return sendAll(sock, e.b, e.fds)
	}
	if size > maxPayload {
		return syscall.E2BIG
	}
	memfd, err := payloadFile(e.b[headerSize:])
	if err != nil {
		return err
	}
	defer syscall.Close(memfd)
	h.size |= bigBit
	h.files++
	h.put(e.b)
	return sendAll(sock, e.b[:headerSize], append(e.fds, memfd))
}

func payloadFile(b []byte) (int, error) {
	fd, err := unix.MemfdCreate("fsh-payload", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			syscall.Close(fd)
			return -1, err
		}
		b = b[n:]
	}
	return fd, nil
}

// scmHeader is struct cmsghdr with its alignment: cmsg(3).
const scmHeader = unix.SizeofCmsghdr

// sendAll writes b whole; the descriptors go with its first byte.
func sendAll(sock int, b []byte, fds []int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	for len(b) > 0 {
		n, err := sendmsg(sock, b, oob, unix.MSG_NOSIGNAL)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b, oob = b[n:], nil
	}
	return nil
}

// sendmsg and recvmsg are the bare calls: the ones of syscall and x/sys
// allocate addresses that a connected socket does not have.
func sendmsg(sock int, b, oob []byte, flags int) (int, error) {
	iov := syscall.Iovec{Base: &b[0]}
	iov.SetLen(len(b))
	msg := syscall.Msghdr{Iov: &iov, Iovlen: 1}
	if len(oob) > 0 {
		msg.Control = &oob[0]
		msg.SetControllen(len(oob))
	}
	n, _, errno := syscall.Syscall(syscall.SYS_SENDMSG, uintptr(sock), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func recvmsg(sock int, b, oob []byte, flags int) (n, oobn, rflags int, err error) {
	iov := syscall.Iovec{Base: &b[0]}
	iov.SetLen(len(b))
	msg := syscall.Msghdr{Iov: &iov, Iovlen: 1, Control: &oob[0]}
	msg.SetControllen(len(oob))
	r, _, errno := syscall.Syscall(syscall.SYS_RECVMSG, uintptr(sock), uintptr(unsafe.Pointer(&msg)), uintptr(flags))
	if errno != 0 {
		return 0, 0, 0, errno
	}
	return int(r), int(msg.Controllen), int(msg.Flags), nil
}

// frame is one received frame. The payload is valid until the next one is
// read; the descriptors belong to the receiver.
type frame struct {
	header
	payload []byte
	fds     []int
	lost    bool // its descriptors: see frameReader.mayLose
}

func (f *frame) closeFiles() { closeAll(f.fds); f.fds = f.fds[:0] }

func closeAll(fds []int) {
	for _, fd := range fds {
		syscall.Close(fd)
	}
}

// frameReader cuts a stream into frames.
//
// The kernel ends a recvmsg behind the bytes that descriptors came with, so
// descriptors in hand belong to the last frame that has begun to arrive, or
// to one before it. Descriptors that no frame claims are an error.
type frameReader struct {
	sock     int
	buf      []byte
	from, to int   // unread bytes of buf
	files    []int // received, unclaimed
	oob      []byte
	big      []byte
	maxFiles int
	// mayLose: that this process can have no more descriptors is not the peer's
	// fault. A frame that lost some comes without any.
	mayLose, losing bool
}

func newFrameReader(sock, size, maxFiles int) *frameReader {
	return &frameReader{
		sock: sock, maxFiles: maxFiles,
		buf: make([]byte, size), oob: make([]byte, unix.CmsgSpace(4*maxFiles)),
	}
}

func (r *frameReader) close() {
	closeAll(r.files)
	r.files = nil
}

// next reads one frame into f, waiting for it. io.EOF is an end between
// frames. After an error the stream is of no use.
func (r *frameReader) next(f *frame) error {
	if err := r.need(headerSize); err != nil {
		return err
	}
	h, big, err := parseHeader(r.buf[r.from:])
	if err != nil {
		return err
	}
	r.from += headerSize
	f.header, f.payload, f.fds = h, nil, f.fds[:0]
	if !big {
		if err := r.need(int(h.size)); err != nil {
			return unexpected(err)
		}
		f.payload = r.buf[r.from : r.from+int(h.size) : r.from+int(h.size)]
		r.from += int(h.size)
	}
	n := int(h.files)
	if f.lost = n > len(r.files) && r.losing; f.lost {
		closeAll(r.files)
		r.files, n = r.files[:0], 0
	}
	r.losing = r.losing && !f.lost && r.buffered()
	if n > len(r.files) {
		return fmt.Errorf("%w: %d descriptors announced, %d came", errProtocol, n, len(r.files))
	}
	f.fds = append(f.fds, r.files[:n]...)
	r.files = r.files[:copy(r.files, r.files[n:])]
	if r.from == r.to && len(r.files) > 0 {
		f.closeFiles()
		return fmt.Errorf("%w: descriptors that nobody asked for", errProtocol)
	}
	if big {
		return r.readBig(f)
	}
	return nil
}

// buffered tells whether bytes have been received that no frame has claimed.
func (r *frameReader) buffered() bool { return r.to > r.from }

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// need waits until n bytes are in the buffer in one piece.
func (r *frameReader) need(n int) error {
	if r.to-r.from >= n {
		return nil
	}
	if n > len(r.buf) {
		return fmt.Errorf("%w: frame of %d bytes", errProtocol, n)
	}
	if r.from == r.to {
		r.from, r.to = 0, 0
	} else if r.from+n > len(r.buf) {
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	}
	for r.to-r.from < n {
		if err := r.fill(); err != nil {
			if err == io.EOF && r.to > r.from {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

func (r *frameReader) fill() error {
	n, oobn, flags, err := recvmsg(r.sock, r.buf[r.to:], r.oob, unix.MSG_CMSG_CLOEXEC)
	if err == syscall.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.collect(r.oob[:oobn]); err != nil {
		return err
	}
	if flags&unix.MSG_CTRUNC != 0 && r.mayLose && len(r.files) < r.maxFiles {
		r.losing = true // unix(7): the rest would have been above RLIMIT_NOFILE
	} else if flags&unix.MSG_CTRUNC != 0 || len(r.files) > r.maxFiles {
		return fmt.Errorf("%w: too many descriptors", errProtocol)
	}
	if n == 0 {
		return io.EOF
	}
	r.to += n
	return nil
}

// collect takes the descriptors of a control message, before anything about
// it is judged, so that none is ever lost.
func (r *frameReader) collect(oob []byte) error {
	for len(oob) >= scmHeader {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
		size := int(h.Len)
		if size < scmHeader || size > len(oob) {
			return errProtocol
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_RIGHTS {
			for data := oob[scmHeader:size]; len(data) >= 4; data = data[4:] {
				r.files = append(r.files, int(*(*int32)(unsafe.Pointer(&data[0]))))
			}
		}
		oob = oob[min(unix.CmsgSpace(size-scmHeader), len(oob)):]
	}
	return nil
}

// readBig reads a payload from the frame's last descriptor. The peer may
// still hold the file and change it: the copy is what counts.
func (r *frameReader) readBig(f *frame) error {
	last := len(f.fds) - 1
	fd := f.fds[last]
	f.fds = f.fds[:last]
	defer syscall.Close(fd)
	// Anything but a regular file might block or have side effects.
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		f.closeFiles()
		return fmt.Errorf("%w: payload is not a file", errProtocol)
	}
	size := int(f.size)
	if cap(r.big) < size {
		r.big = make([]byte, size)
	}
	b := r.big[:size]
	for got := 0; got < size; {
		n, err := syscall.Pread(fd, b[got:], int64(got))
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			f.closeFiles()
			return fmt.Errorf("%w: payload is short", errProtocol)
		}
		got += n
	}
	f.payload = b
	return nil
}

// dropBig releases the room of a large payload that has been dealt with.
func (r *frameReader) dropBig() { r.big = nil }
