package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
)

// The shell and a runner talk over a stream socket in frames: a header of
// fixed size, a payload, and descriptors that travel with the first byte.
// Both ends are the same binary, so numbers have the machine's order and
// structures of the kernel travel as they are. The shell treats everything a
// runner says as hostile: sizes, numbers and descriptors are checked, and what
// does not fit ends the connection.

const (
	headerSize = 16
	// inlinePayload is the longest payload sent in the stream; a longer one
	// is put in a memfd, which is the frame's last descriptor.
	inlinePayload = 128 << 10
	// maxPayload is above ARG_MAX (a quarter of the stack limit, 6 MiB at
	// most: execve(2)) with the numbers that go with it.
	maxPayload = 8 << 20
	// maxFrameFiles stays below SCM_MAX_FD, 253: unix(7).
	maxFrameFiles = 250
)

// op says what a frame is.
type op uint16

// Requests, from shell to runner.
const (
	opStart op = iota + 1
	opOpen
	opCancel // of the open with the same id; no reply of its own
	opStat
	opStatAll
	opAccess
	opReadlink
	opMkfifo
	opOpenDir
	opCloseDir // no reply
	opGetcwd
	opHome
	opKill
	opStandIn
	opCatch
	opEnd  // no reply
	opExec // as opStart; answered on failure only
	opReadDirs
	opPing // does nothing, and is answered
	opWho  // the number of a stand-in
)

// Replies, from runner to shell.
const (
	opHello    op = iota + 64 // first frame, id 0: the runner's number
	opReply                   // the only reply of a request other than a start
	opStarted                 // arg: pid
	opChanged                 // stop or continue: status and rusage
	opEnded                   // exit or death: status and rusage
	opFailed                  // arg: errno of the start
	opOrphaned                // its parent, a stand-in, has died
)

// header of a frame; arg is an errno in replies.
type header struct {
	size  uint32 // of the payload, in the stream or in the memfd
	id    uint32
	op    op
	files uint16 // descriptors, the memfd included
	arg   int32
}

// bigBit in the size says that the payload is in a memfd.
const bigBit = 1 << 31

func (h *header) put(b []byte) {
	le := binary.NativeEndian
	le.PutUint32(b, h.size)
	le.PutUint32(b[4:], h.id)
	le.PutUint16(b[8:], uint16(h.op))
	le.PutUint16(b[10:], h.files)
	le.PutUint32(b[12:], uint32(h.arg))
}

// errProtocol is what a frame that makes no sense is answered with: the end
// of the connection.
var errProtocol = errors.New("protocol violation")

func parseHeader(b []byte) (h header, big bool, err error) {
	le := binary.NativeEndian
	h.size = le.Uint32(b)
	h.id = le.Uint32(b[4:])
	h.op = op(le.Uint16(b[8:]))
	h.files = le.Uint16(b[10:])
	h.arg = int32(le.Uint32(b[12:]))
	big = h.size&bigBit != 0
	h.size &^= bigBit
	switch {
	case h.files > maxFrameFiles+1, big && h.files == 0:
		return h, big, fmt.Errorf("%w: %d descriptors", errProtocol, h.files)
	case big && h.size > maxPayload, !big && h.size > inlinePayload:
		return h, big, fmt.Errorf("%w: payload of %d bytes", errProtocol, h.size)
	}
	return h, big, nil
}

// encoder appends to a frame. The first error sticks.
type encoder struct {
	b   []byte
	fds []int
	err error
}

func (e *encoder) reset() {
	e.b, e.fds, e.err = append(e.b[:0], make([]byte, headerSize)...), e.fds[:0], nil
}

func (e *encoder) u32(v uint32) { e.b = binary.NativeEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64) { e.b = binary.NativeEndian.AppendUint64(e.b, v) }

// str appends a string as the kernel wants it, ended by NUL, which therefore
// cannot be in it.
func (e *encoder) str(s string) {
	for i := range len(s) {
		if s[i] == 0 {
			e.err = syscall.EINVAL
			return
		}
	}
	e.b = append(append(e.b, s...), 0)
}

func (e *encoder) strs(list []string) {
	e.u32(uint32(len(list)))
	for _, s := range list {
		e.str(s)
	}
}

// decoder takes values off a payload; after the first failure everything is
// zero and ok is false.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) u32() uint32 {
	if len(d.b) < 4 {
		d.bad, d.b = true, nil
		return 0
	}
	v := binary.NativeEndian.Uint32(d.b)
	d.b = d.b[4:]
	return v
}

func (d *decoder) u64() uint64 {
	if len(d.b) < 8 {
		d.bad, d.b = true, nil
		return 0
	}
	v := binary.NativeEndian.Uint64(d.b)
	d.b = d.b[8:]
	return v
}

// cstr returns a string with its NUL, in place.
func (d *decoder) cstr() []byte {
	for i, c := range d.b {
		if c == 0 {
			s := d.b[: i+1 : i+1]
			d.b = d.b[i+1:]
			return s
		}
	}
	d.bad, d.b = true, nil
	return nil
}

func (d *decoder) str() string {
	s := d.cstr()
	if len(s) == 0 {
		return ""
	}
	return string(s[:len(s)-1])
}

// count returns a number of items of at least size bytes each, so that no
// hostile count makes anybody allocate.
func (d *decoder) count(size int) int {
	n := d.u32()
	if uint64(n)*uint64(size) > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return 0
	}
	return int(n)
}

// cstrs returns pointers to n strings, ended by nil, for execve(2), in dst.
func (d *decoder) cstrs(dst []*byte) []*byte {
	n := d.count(1)
	for range n {
		s := d.cstr()
		if s == nil {
			return append(dst, nil)
		}
		dst = append(dst, &s[0])
	}
	return append(dst, nil)
}

// done is true if the payload was exactly what was asked of it.
func (d *decoder) done() bool { return !d.bad && len(d.b) == 0 }
