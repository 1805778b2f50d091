package interp

import (
	"sync"
	"syscall"
)

// capture collects the output of a command substitution. Builtins append to
// memory; the first command that needs a descriptor turns it into a pipe that
// a goroutine reads, and from then on builtins write to the pipe as well.
type capture struct {
	mu    sync.Mutex
	buf   []byte
	max   int
	read  chan struct{} // closed when the reader of the pipe is done
	gone  chan struct{} // closed when the last writer is; nil until waited for
	ended bool
	over  bool
}

// pipe makes the pipe of a capture, once.
func (c *capture) pipe(f *file) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.fd >= 0 {
		return f.fd, nil
	}
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return -1, err
	}
	f.fd = p[1]
	c.read = make(chan struct{})
	go c.drain(p[0], c.read)
	return f.fd, nil
}

func (c *capture) drain(fd int, done chan<- struct{}) {
	defer close(done)
	defer syscall.Close(fd)
	chunk := make([]byte, 64<<10)
	for {
		n, err := syscall.Read(fd, chunk)
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
		c.append(chunk[:n])
	}
}

// append adds output up to the limit; more is counted as too much.
func (c *capture) append(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.buf)+len(b) > c.max {
		c.over = true
		return false
	}
	c.buf = append(c.buf, b...)
	return true
}

// writersGone is where the last descriptor goes away. Closing the pipe's end
// is what ends its reader.
func (c *capture) writersGone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.gone != nil {
		close(c.gone)
	}
}

// await waits for the jobs in the background that still write, as reading a
// pipe up to its end does. It reports false if the shell is to end first.
func (c *capture) await(a *attention) bool {
	c.mu.Lock()
	if !c.ended {
		c.gone = make(chan struct{})
	}
	gone := c.gone
	c.mu.Unlock()
	if gone == nil {
		return true
	}
	select {
	case <-gone:
		return true
	case <-a.interrupted():
	}
	if a.pending.Load()&attnCancel != 0 {
		return false
	}
	<-gone
	return true
}

// result waits for the pipe's end, if there is one.
func (c *capture) result() ([]byte, bool) {
	if c.read != nil {
		<-c.read
	}
	return c.buf, !c.over
}
