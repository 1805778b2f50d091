package plain

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// What a stand-in says of its children: a byte for the event, the number that the
// request gave the child, and a value.
const (
	childStarted = 'p' // its process
	childFailed  = 'e' // errno
	childChanged = 'w' // wait status
	childEvent   = 9   // bytes
)

// maxRights is SCM_MAX_FD of the kernel, less those that are no file of the child.
const maxRights = 253 - 3

// request is one program to start, as it goes to a stand-in: in a memfd that is the
// first of the descriptors, then the directory, the terminal if there is one, and
// the files in the order of Children.
type request struct {
	ID       uint32
	Paths    []string
	Argv     []string
	Env      []string
	Umask    uint32
	Ignored  []syscall.Signal
	Limits   []interp.Limit
	Group    int
	Terminal bool
	Report   interp.Report
	Children []int
}

// child is a program whose parent is a stand-in.
type child struct {
	started chan struct{} // closed when pid and err are known
	pid     int
	err     error
	changes chan syscall.WaitStatus // closed when the stand-in is gone
}

func (c *child) Pid() (int, error) {
	<-c.started
	return c.pid, c.err
}

func (c *child) Wait() (syscall.WaitStatus, *syscall.Rusage, error) {
	<-c.started
	if c.err != nil {
		return 0, nil, c.err
	}
	ws, ok := <-c.changes
	if !ok {
		return 0, nil, interp.ErrParentGone
	}
	return ws, &syscall.Rusage{}, nil
}

// Start has the stand-in start a program.
func (st *standIn) Start(c *interp.Command) (interp.Process, error) {
	d, ok := c.Dir.(*dir)
	if !ok || len(c.Files) > maxRights {
		return nil, syscall.E2BIG
	}
	r := request{
		Paths: c.Paths, Argv: c.Argv, Env: c.Env, Umask: c.Umask, Ignored: c.Ignored, Limits: c.Limits,
		Group: c.Group, Terminal: c.Terminal >= 0, Report: c.Report,
	}
	fds := []int{-1, d.fd}
	if r.Terminal {
		fds = append(fds, c.Terminal)
	}
	for _, f := range c.Files {
		r.Children = append(r.Children, f.Child)
		fds = append(fds, f.FD)
	}
	p := &child{started: make(chan struct{}), changes: make(chan syscall.WaitStatus, 16)}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.fd < 0 {
		return nil, syscall.ESRCH
	}
	st.last++
	r.ID = st.last
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if fds[0], err = memory(text); err != nil {
		return nil, err
	}
	defer unix.Close(fds[0])
	if _, err := unix.SendmsgN(st.fd, []byte{'f'}, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL); err != nil {
		return nil, err
	}
	if st.children == nil {
		st.children = map[uint32]*child{}
	}
	st.children[r.ID] = p
	return p, nil
}

// memory is a memfd that holds a text.
func memory(text []byte) (int, error) {
	fd, err := unix.MemfdCreate("start", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for off := 0; off < len(text); {
		n, err := unix.Pwrite(fd, text[off:], int64(off))
		if err != nil {
			unix.Close(fd)
			return -1, err
		}
		off += n
	}
	return fd, nil
}

// childSaid passes on an event of a child.
func (st *standIn) childSaid(b []byte) {
	value := int32(binary.LittleEndian.Uint32(b[5:]))
	id := binary.LittleEndian.Uint32(b[1:])
	st.mu.Lock()
	p := st.children[id]
	st.mu.Unlock()
	if p == nil {
		return
	}
	switch b[0] {
	case childStarted:
		p.pid = int(value)
		close(p.started)
		return
	case childFailed:
		p.err = syscall.Errno(value)
		close(p.started)
	case childChanged:
		st.signals <- 0 // taken when those before have been dealt with
		ws := syscall.WaitStatus(value)
		p.changes <- ws
		if ws.Stopped() || ws.Continued() {
			return
		}
	}
	st.mu.Lock()
	delete(st.children, id)
	st.mu.Unlock()
}

// abandon tells those who wait for children that nobody will know of them.
func (st *standIn) abandon() {
	for _, p := range st.children {
		select {
		case <-p.started:
		default:
			p.err = interp.ErrParentGone
			close(p.started)
		}
		close(p.changes)
	}
	st.children = nil
}

// parentSide starts programs in the stand-in itself.
type parentSide struct {
	sys     *System
	barrier func() // returns when the signals sent so far have been reported
}

func (p *parentSide) start(oob []byte) {
	fds := rights(oob)
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	if len(fds) < 2 {
		return
	}
	var r request
	text := os.NewFile(uintptr(fds[0]), "request")
	err := json.NewDecoder(text).Decode(&r)
	text.Close()
	fds = fds[1:]
	if err != nil {
		return
	}
	c := &interp.Command{
		Paths: r.Paths, Argv: r.Argv, Env: r.Env, Dir: &dir{fds[0]}, Umask: r.Umask, Ignored: r.Ignored,
		Limits: r.Limits, Group: r.Group, Terminal: -1, Report: r.Report,
	}
	files := fds[1:]
	if r.Terminal && len(files) > 0 {
		c.Terminal, files = files[0], files[1:]
	}
	for i, n := range r.Children {
		if i < len(files) {
			c.Files = append(c.Files, interp.FileMap{Child: n, FD: files[i]})
		}
	}
	proc, _ := p.sys.Start(c)
	pid, err := proc.Pid()
	if no, ok := err.(syscall.Errno); ok {
		say(childFailed, r.ID, int32(no))
		return
	} else if err != nil {
		say(childFailed, r.ID, int32(syscall.EIO))
		return
	}
	say(childStarted, r.ID, int32(pid))
	go p.follow(r.ID, proc)
}

// follow reports what happens to a child, after the signals that it sent.
func (p *parentSide) follow(id uint32, proc interp.Process) {
	for {
		ws, _, err := proc.Wait()
		if err != nil {
			return
		}
		p.barrier()
		say(childChanged, id, int32(ws))
		if !ws.Stopped() && !ws.Continued() {
			return
		}
	}
}

func say(event byte, id uint32, value int32) {
	b := make([]byte, 0, childEvent)
	b = binary.LittleEndian.AppendUint32(append(b, event), id)
	b = binary.LittleEndian.AppendUint32(b, uint32(value))
	unix.Write(0, b)
}

func rights(oob []byte) []int {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return nil
	}
	fds, _ := unix.ParseUnixRights(&messages[0])
	return fds
}
