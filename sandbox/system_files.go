package sandbox

import (
	"syscall"
	"unsafe"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// Open is openat(2), by the runner of the directory.
func (s *system) Open(q *interp.OpenRequest) (int, error) {
	null := s.nullFor(q)
	if null != nil {
		if fd, ok := null.duplicate(q.Flags); ok {
			return fd, nil
		}
	}
	c := call{wantFD: true}
	rc, err := s.begin(q.Dir, opOpen, &c, func(e *encoder, handle uint32) {
		e.u32(handle)
		e.u32(uint32(q.Flags))
		e.u32(q.Mode & 07777 &^ q.Umask)
		e.str(q.Path)
	})
	if err == nil {
		err = s.awaitOpen(rc, &c, q.Cancel)
	}
	if err != nil {
		action := "read"
		if q.Flags&(unix.O_ACCMODE|unix.O_CREAT|unix.O_TRUNC) != unix.O_RDONLY {
			action = "write"
		}
		s.explain(action, q.Dir, q.Path, err, true, q.Where)
		return -1, err
	}
	if null != nil {
		null.keep(q.Flags, c.fd)
	}
	return c.fd, nil
}

func (s *system) awaitOpen(rc *runnerConn, c *call, cancel <-chan struct{}) error {
	if cancel != nil {
		done := make(chan struct{})
		defer close(done)
		go func() {
			select {
			case <-done:
			case <-cancel:
				rc.cancel(c)
			}
		}()
	}
	if err := rc.await(c, wantReply); err != nil {
		return err
	}
	rc.mu.Unlock()
	if c.errno != 0 {
		return c.errno
	}
	return nil
}

// cancel asks for the end of a request that may wait. Its reply comes in any
// case.
func (rc *runnerConn) cancel(c *call) {
	rc.wmu.Lock()
	defer rc.wmu.Unlock()
	rc.mu.Lock()
	over := rc.err != nil || rc.calls[c.id] != c
	rc.mu.Unlock()
	if over {
		return
	}
	rc.enc.reset()
	_ = sendFrame(rc.sock, header{id: c.id, op: opCancel}, &rc.enc) // the reader sees a dead runner
}

func (s *system) Stat(d interp.Dir, name string, nofollow bool, st *syscall.Stat_t) error {
	var c call
	_, err := s.do(d, opStat, &c, func(e *encoder, handle uint32) {
		e.u32(handle)
		e.u32(flag(nofollow))
		e.str(name)
	})
	if err != nil {
		s.explain("stat", d, name, err, false, interp.Where{})
		return err
	}
	if len(c.payload) != statSize {
		return syscall.EIO
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(st)), statSize), c.payload)
	return nil
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// StatAll asks in batches whose answers fit in a frame.
func (s *system) StatAll(d interp.Dir, paths []string) ([]syscall.Stat_t, []error) {
	sts, errs := make([]syscall.Stat_t, len(paths)), make([]error, len(paths))
	for from := 0; from < len(paths); from += maxStats {
		to := min(from+maxStats, len(paths))
		err := s.statSome(d, paths[from:to], sts[from:to], errs[from:to])
		for i := from; err != nil && i < to; i++ {
			errs[i] = err
		}
	}
	return sts, errs
}

func (s *system) statSome(d interp.Dir, paths []string, sts []syscall.Stat_t, errs []error) error {
	var c call
	_, err := s.do(d, opStatAll, &c, func(e *encoder, handle uint32) {
		e.u32(handle)
		e.strs(paths)
	})
	if err != nil {
		return err
	}
	if len(c.payload) != len(paths)*(4+statSize) {
		return syscall.EIO
	}
	dec := decoder{b: c.payload}
	for i := range paths {
		if errno := dec.u32(); errno != 0 {
			errs[i] = syscall.Errno(errno & maxErrno)
		}
		copy(statBytes(&sts[i]), dec.b[:statSize])
		dec.b = dec.b[statSize:]
	}
	return nil
}

// listsAhead is how many requests for directories are on their way at a time:
// the runner reads on while the shell looks at what has come.
const listsAhead = 4

// ReadDirs asks in batches, and again for what did not fit in an answer.
func (s *system) ReadDirs(d interp.Dir, paths []string) [][]byte {
	texts := make([][]byte, len(paths))
	var asked []*lists
	for from := 0; from < len(paths); from += maxLists {
		to := min(from+maxLists, len(paths))
		if len(asked) == listsAhead {
			s.finish(d, asked[0])
			asked = asked[1:]
		}
		asked = append(asked, s.ask(d, paths[from:to], texts[from:to]))
	}
	for _, l := range asked {
		s.finish(d, l)
	}
	return texts
}

// lists is a request for directories. Those without an answer are left to the
// caller, whom opening them will tell what is wrong.
type lists struct {
	call  call
	conn  *runnerConn // nil if it was not sent
	paths []string
	texts [][]byte
}

func (s *system) ask(d interp.Dir, paths []string, texts [][]byte) *lists {
	l := &lists{paths: paths, texts: texts}
	conn, err := s.begin(d, opReadDirs, &l.call, func(e *encoder, handle uint32) {
		e.u32(handle)
		e.strs(paths)
	})
	if err == nil {
		l.conn = conn
	}
	return l
}

// finish takes the answer, and asks again for what was not in it.
func (s *system) finish(d interp.Dir, l *lists) {
	for l.conn != nil {
		if l.conn.await(&l.call, wantReply) != nil {
			return
		}
		l.conn.mu.Unlock()
		if l.call.errno != 0 {
			return
		}
		n := l.take()
		if n == 0 || n == len(l.paths) {
			return
		}
		l = s.ask(d, l.paths[n:], l.texts[n:])
	}
}

// take returns how many directories the answer is about.
func (l *lists) take() int {
	dec := decoder{b: l.call.payload}
	n := 0
	for ; n < len(l.paths) && len(dec.b) > 0; n++ {
		size := dec.u32()
		if size == listUnread {
			continue
		}
		if uint64(size) > uint64(len(dec.b)) {
			break
		}
		l.texts[n] = dec.b[:size:size]
		dec.b = dec.b[size:]
	}
	return n
}

func (s *system) Access(d interp.Dir, name string, mode uint32) error {
	var c call
	_, err := s.do(d, opAccess, &c, func(e *encoder, handle uint32) {
		e.u32(handle)
		e.u32(mode)
		e.str(name)
	})
	return err
}

func (s *system) Readlink(d interp.Dir, name string) (string, error) {
	var c call
	_, err := s.do(d, opReadlink, &c, func(e *encoder, handle uint32) {
		e.u32(handle)
		e.u32(0)
		e.str(name)
	})
	if err != nil {
		return "", err
	}
	return string(c.payload), nil
}

func (s *system) Mkfifo(d interp.Dir, name string, mode, umask uint32) error {
	var c call
	_, err := s.do(d, opMkfifo, &c, func(e *encoder, handle uint32) {
		e.u32(handle)
		e.u32(mode & 0777 &^ umask)
		e.str(name)
	})
	if err != nil {
		s.explain("write", d, name, err, false, interp.Where{})
	}
	return err
}
