package interp

import (
	"errors"
	"io"
	"math/bits"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var errReadTimeout = errors.New("timed out")

// input is a virtual descriptor as read and mapfile see it. From a file that
// can be moved it reads blocks and gives the rest back; in a pipe it looks
// ahead and takes what it used; from anything else it reads byte by byte,
// because what is left belongs to the next command.
type input struct {
	sh       *shell
	f        *file
	deadline time.Time // zero: none
	buf      []byte
	r, w     int
	block    int  // bytes to ask for
	peek     bool // buf[:w] is still in the pipe
}

const (
	firstBlock = 256 // most lines are shorter
	laterBlock = 16 << 10
)

func (sh *shell) openInput(fd int) (*input, error) {
	f := sh.fdFile(fd)
	if f == nil || f.cap != nil {
		return nil, syscall.EBADF
	}
	in := &input{sh: sh, f: f.hold(), block: firstBlock} // held: a trap may close it
	in.peek = !f.regular()
	return in, nil
}

func (in *input) next() (byte, error) {
	if in.r < in.w {
		in.r++
		return in.buf[in.r-1], nil
	}
	if in.peek {
		in.take()
	}
	if len(in.buf) < in.block {
		in.buf = make([]byte, in.block)
	}
	n, err := in.fill()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	if in.block >= firstBlock {
		in.block = laterBlock
	}
	in.r, in.w = 1, n
	return in.buf[0], nil
}

// fill gets more input into buf.
func (in *input) fill() (int, error) {
	if in.peek {
		n, err := in.lookAhead(in.buf[:in.block])
		if err != syscall.EINVAL {
			return n, err
		}
		in.peek, in.block = false, 1 // no pipe
	}
	return in.read(in.buf[:in.block])
}

// close leaves the descriptor behind the last byte used.
func (in *input) close() {
	switch rest := in.w - in.r; {
	case in.peek:
		in.take()
	case rest > 0:
		syscall.Seek(in.f.fd, int64(-rest), io.SeekCurrent)
	}
	in.f.drop()
}

// peekPipe is a pipe of the shell's own, always empty between uses.
type peekPipe struct{ r, w int }

func newPeekPipe() (*peekPipe, error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return nil, err
	}
	return &peekPipe{fds[0], fds[1]}, nil
}

func (p *peekPipe) close() {
	if p != nil {
		syscall.Close(p.r)
		syscall.Close(p.w)
	}
}

// lookAhead copies what is in a pipe without taking it, by tee(2). It fails
// with EINVAL for what is not a pipe.
func (in *input) lookAhead(b []byte) (int, error) {
	p := in.sh.peek
	if p == nil {
		var err error
		if p, err = newPeekPipe(); err != nil {
			return 0, syscall.EINVAL // out of descriptors: byte by byte then
		}
		in.sh.peek = p
	}
	for {
		if err := in.interrupted(); err != nil {
			return 0, err
		}
		n, err := unix.Tee(in.f.fd, p.w, len(b), unix.SPLICE_F_NONBLOCK)
		switch {
		case err == nil && n == 0:
			return 0, nil
		case err == nil:
			return syscall.Read(p.r, b[:n])
		case err == syscall.EAGAIN:
			if err := in.wait(); err != nil {
				return 0, err
			}
		case err != syscall.EINTR:
			return 0, err
		}
	}
}

// take removes from the pipe what was used of the bytes ahead. It does not
// block if another reader was faster; two readers of one pipe cannot know
// what they get anyway.
func (in *input) take() {
	for in.r > 0 {
		n, err := unix.Preadv2(in.f.fd, [][]byte{in.buf[:in.r]}, -1, unix.RWF_NOWAIT)
		if err == syscall.EOPNOTSUPP || err == syscall.ENOSYS {
			n, err = syscall.Read(in.f.fd, in.buf[:in.r]) // before Linux 6.4
		}
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		in.r -= n
	}
	in.r, in.w = 0, 0
}

// ready waits until the terminal is for this job.
func (in *input) ready() error {
	if in.sh.group == nil {
		return nil
	}
	return in.sh.group.ready(in.sh, in.f, false)
}

// read is read(2) that ends at the deadline. Traps run while it waits; it
// fails with EINTR if one of them, or a signal, ended more than itself.
func (in *input) read(b []byte) (int, error) {
	for {
		if !in.f.regular() {
			if err := in.wait(); err != nil {
				return 0, err
			}
		}
		n, err := syscall.Read(in.f.fd, b)
		switch {
		case err == nil:
			return n, nil
		case err != syscall.EINTR && err != syscall.EAGAIN:
			return 0, err
		}
	}
}

func (in *input) wait() error {
	wake := in.sh.attn.wakeup()
	fds := [2]unix.PollFd{
		{Fd: int32(in.f.fd), Events: unix.POLLIN},
		{Fd: int32(wake), Events: unix.POLLIN},
	}
	for {
		if err := in.interrupted(); err != nil {
			return err
		}
		if err := in.ready(); err != nil {
			return err
		}
		ms, err := in.remaining()
		if err != nil {
			return err
		}
		fds[0].Revents, fds[1].Revents = 0, 0
		in.sh.rt.work.rest()
		_, err = unix.Poll(fds[:], ms)
		in.sh.rt.work.resume()
		if err != nil && err != unix.EINTR {
			return err
		}
		if fds[0].Revents != 0 && in.sh.attn.pending.Load() == 0 {
			return nil
		}
	}
}

// interrupted runs pending traps. EINTR means that the shell has to do
// something else than to read on.
func (in *input) interrupted() error {
	if in.sh.attn.pending.Load() == 0 {
		return nil
	}
	if in.sh.jump = in.sh.attend(); in.sh.jump != flowNext {
		return syscall.EINTR
	}
	return nil
}

// remaining is the time for poll(2) in milliseconds, rounded up.
func (in *input) remaining() (int, error) {
	if in.deadline.IsZero() {
		return -1, nil
	}
	left := time.Until(in.deadline)
	if left <= 0 {
		return 0, errReadTimeout
	}
	const longest = 1 << 30 // about 12 days; poll(2) takes an int
	return int(min((left+time.Millisecond-1)/time.Millisecond, longest)), nil
}

// pollInput is `read -t 0`: success if a read would not block.
func (sh *shell) pollInput(fd int) int {
	f := sh.fdFile(fd)
	if f == nil || f.cap != nil {
		return 1
	}
	fds := []unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 0); err != nil || n == 0 {
		return 1
	}
	return 0
}

// prepareTerminal prompts and sets the terminal for -s, -n and -d. The
// function returned undoes it.
func (sh *shell) prepareTerminal(c *readCall, in *input) func() {
	c.line.continued = func() {}
	old, err := unix.IoctlGetTermios(in.f.fd, unix.TCGETS)
	if err != nil {
		return func() {} // not a terminal
	}
	if c.prompt != "" {
		sh.write(2, []byte(c.prompt))
	}
	if sh.interactive() {
		c.line.continued = func() { sh.write(2, []byte(sh.getOr("PS2", "> "))) }
	}
	t := *old
	if c.silent {
		t.Lflag &^= unix.ECHO
	}
	if c.line.limit >= 0 || c.line.delim != '\n' {
		t.Lflag &^= unix.ICANON
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	}
	if t == *old {
		return func() {}
	}
	unix.IoctlSetTermios(in.f.fd, unix.TCSETSW, &t)
	return func() { unix.IoctlSetTermios(in.f.fd, unix.TCSETSW, old) }
}

// interruptedStatus is the status of a builtin that a signal interrupted.
func (sh *shell) interruptedStatus() int {
	if sig := sh.attn.cancel.Load(); sig != 0 {
		return 128 + int(sig)
	}
	if raised := sh.attn.signals.Load(); raised != 0 {
		return 128 + bits.TrailingZeros64(raised)
	}
	return 1
}

// multibyte reports whether the locale's characters are UTF-8.
func (sh *shell) multibyte() bool {
	if !sh.localeKnown {
		sh.localeKnown, sh.localeUTF8 = true, sh.localeIsUTF8()
	}
	return sh.localeUTF8
}

func (sh *shell) localeIsUTF8() bool {
	for _, name := range [...]string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if s, ok := sh.getVar(name); ok && s != "" {
			s = strings.ToLower(s)
			return strings.Contains(s, "utf-8") || strings.Contains(s, "utf8")
		}
	}
	return false
}

// readWhole reads a file through the System, at most limit bytes of it.
func (sh *shell) readWhole(path, where string, limit int) ([]byte, error) {
	fd, err := sh.rt.sys.Open(&OpenRequest{
		Dir: sh.dir, Path: path,
		Flags: syscall.O_RDONLY | syscall.O_NONBLOCK, // never waits for a fifo's writer
		Where: Where{File: sh.file, Line: sh.line, Name: where},
	})
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd)
	data := make([]byte, 0, 4096)
	for {
		if len(data) >= limit {
			return nil, syscall.EFBIG
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := syscall.Read(fd, data[len(data):cap(data)])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return data, err
		}
		data = data[:len(data)+n]
	}
}
