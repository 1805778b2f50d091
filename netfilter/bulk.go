package netfilter

import (
	"io"
	"time"
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

// buffers are lent to the first few quick copies; there is one for each place.
type buffers chan []byte

const quickCopies = 4

func newBuffers() buffers {
	b := make(buffers, quickCopies)
	for range quickCopies {
		b <- nil
	}
	return b
}

// copy is io.Copy.
func (b buffers) copy(dst io.Writer, src io.Reader) (total int64, err error) {
	switch held := src.(type) { // splice knows these only
	case *tcpInSlot:
		src = held.TCPConn
	case *unixInSlot:
		src = held.UnixConn
	}
	for quick := false; ; {
		start := time.Now()
		limited := &io.LimitedReader{R: src, N: round}
		n, err := b.copyRound(dst, limited, quick)
		total += n
		if err != nil || limited.N > 0 {
			return total, err
		}
		quick = time.Since(start) < quickRound
	}
}

func (b buffers) copyRound(dst io.Writer, src *io.LimitedReader, quick bool) (int64, error) {
	if !quick {
		return io.Copy(dst, src)
	}
	select {
	case buf := <-b:
		if buf == nil {
			buf = make([]byte, bufferSize)
		}
		defer func() { b <- buf }()
		// Without their other methods, which would be preferred to the buffer.
		return io.CopyBuffer(struct{ io.Writer }{dst}, struct{ io.Reader }{src}, buf)
	default:
		return io.Copy(dst, src)
	}
}
