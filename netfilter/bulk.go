package netfilter

import (
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// A copy goes in rounds. After a round that was quicker than any network, the
// next one is read and written through a large buffer: between programs of one
// machine what counts is how often they wake each other, and splice(2) moves no
// more than a few segments at a time (measured: a quarter longer). All others
// are left to splice, which needs no memory.
const (
	round      = 8 << 20
	quickRound = 40 * time.Millisecond // 200 MB/s
	bufferSize = 4 << 20
)

// buffers says how many quick copies may have one yet. It is memory of the
// kernel's, and goes back to it: a collector would keep as much again.
type buffers chan struct{}

const quickCopies = 4

func newBuffers() buffers { return make(buffers, quickCopies) }

// copy is io.Copy.
func (b buffers) copy(dst io.Writer, src io.Reader) (total int64, err error) {
	switch held := src.(type) { // splice knows these only
	case *tcpInSlot:
		src = held.TCPConn
	case *unixInSlot:
		src = held.UnixConn
	}
	var buf []byte
	defer func() { b.release(buf) }()
	for {
		start := time.Now()
		limited := &io.LimitedReader{R: src, N: round}
		n, err := copyRound(dst, limited, buf)
		total += n
		if err != nil || limited.N > 0 {
			return total, err
		}
		switch quick := time.Since(start) < quickRound; {
		case quick && buf == nil:
			buf = b.take()
		case !quick:
			b.release(buf)
			buf = nil
		}
	}
}

func copyRound(dst io.Writer, src *io.LimitedReader, buf []byte) (int64, error) {
	if buf == nil {
		return io.Copy(dst, src)
	}
	// Without their other methods, which would be preferred to the buffer.
	return io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, buf)
}

// take is nil where there are enough.
func (b buffers) take() []byte {
	select {
	case b <- struct{}{}:
	default:
		return nil
	}
	buf, err := unix.Mmap(-1, 0, bufferSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		<-b
		return nil
	}
	return buf
}

func (b buffers) release(buf []byte) {
	if buf != nil {
		_ = unix.Munmap(buf) // of what was mapped so it cannot fail
		<-b
	}
}
