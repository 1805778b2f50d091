package sandbox

import (
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/fsh-sh/fsh/interp"
	"github.com/fsh-sh/fsh/policy"
)

// dir is a working directory: a handle of an open directory in a runner, and
// what is needed to open it again in another one (the first has died; the
// policy of a program is another one).
type dir struct {
	sys     *system
	path    string // physical, when it was opened
	policy  *policy.Policy
	handles *dirHandles
}

// dirHandles are the handles of one dir. They outlive it just long enough to
// be closed.
type dirHandles struct {
	mu   sync.Mutex
	home *runnerConn
	in   map[*runnerConn]uint32
}

func (s *system) newDir(p string, pol *policy.Policy, rc *runnerConn, handle uint32) *dir {
	d := &dir{sys: s, path: p, policy: pol, handles: &dirHandles{home: rc, in: map[*runnerConn]uint32{rc: handle}}}
	runtime.AddCleanup(d, (*dirHandles).close, d.handles)
	return d
}

func (h *dirHandles) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for rc, handle := range h.in {
		closeHandle(rc, handle)
	}
	h.in = nil
}

func closeHandle(rc *runnerConn, handle uint32) {
	_ = rc.send(opCloseDir, nil, func(e *encoder) { e.u32(handle) }) // a dead runner has none
}

// place is the runner that a dir belongs to and its handle there. A runner
// that has died is replaced, and the directory opened again by its path.
func (d *dir) place() (*runnerConn, uint32, error) {
	h := d.handles
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.home.dead() {
		return h.home, h.in[h.home], nil
	}
	rc, err := d.sys.runnerFor(d.policy)
	if err != nil {
		return nil, 0, err
	}
	handle, _, err := openHandle(rc, 0, d.path)
	if err != nil {
		return nil, 0, err
	}
	delete(h.in, h.home)
	h.home, h.in[rc] = rc, handle
	return rc, handle, nil
}

// placeFor is the runner of another policy and a handle of the directory
// there.
func (d *dir) placeFor(pol *policy.Policy) (*runnerConn, uint32, error) {
	if pol == d.policy {
		return d.place()
	}
	rc, err := d.sys.runnerFor(pol)
	if err != nil {
		return nil, 0, err
	}
	h := d.handles
	h.mu.Lock()
	defer h.mu.Unlock()
	if handle := h.in[rc]; handle != 0 {
		return rc, handle, nil
	}
	handle, _, err := openHandle(rc, 0, d.path)
	if err != nil {
		return nil, 0, err
	}
	h.in[rc] = handle
	return rc, handle, nil
}

func (d *dir) Getcwd() (string, error) {
	var c call
	_, err := d.sys.do(d, opGetcwd, &c, func(e *encoder, handle uint32) { e.u32(handle) })
	if err != nil {
		return "", err
	}
	return cleanName(c.payload)
}

// cleanName checks a path that a runner reports.
func cleanName(b []byte) (string, error) {
	p := string(b)
	if !path.IsAbs(p) || strings.IndexByte(p, 0) >= 0 || len(p) > syscall.PathMax {
		return "", syscall.EIO
	}
	return p, nil
}

// openHandle opens a directory in a runner.
func openHandle(rc *runnerConn, at uint32, name string) (handle uint32, abs string, err error) {
	for try := 0; ; try++ {
		var c call
		err = rc.request(opOpenDir, &c, func(e *encoder) {
			e.u32(at)
			e.u32(0)
			e.str(name)
		})
		if err == syscall.EMFILE && try == 0 {
			runtime.GC() // handles of unreachable directories are closed
			continue
		}
		if err != nil {
			return 0, "", err
		}
		d := decoder{b: c.payload}
		handle = d.u32()
		if abs, err = cleanName(d.b); err != nil || d.bad || handle == 0 {
			return 0, "", syscall.EIO
		}
		return handle, abs, nil
	}
}

// startDir is the directory that the shell was started in. A runner, and the
// whole sandbox, is started when something is asked of it: a script of
// builtins needs none.
type startDir struct{ sys *system }

func (d startDir) Getcwd() (string, error) {
	own, err := d.sys.firstDir()
	if err != nil {
		return "", err
	}
	return own.Getcwd()
}

func (s *system) StartDir() (interp.Dir, error) { return startDir{s}, nil }

// StartPath is answered by the shell itself: nothing that it could be misled
// by has run, and it tells the script nothing but where it was started.
func (s *system) StartPath(inherited string) (string, error) {
	var a, b syscall.Stat_t
	if inherited != "" && syscall.Stat(inherited, &a) == nil && syscall.Stat(s.start, &b) == nil &&
		a.Dev == b.Dev && a.Ino == b.Ino {
		return inherited, nil
	}
	return filepath.EvalSymlinks(s.start)
}

// firstDir opens the start directory. Nothing can be done without it: its
// failure is told to the hook.
func (s *system) firstDir() (*dir, error) {
	s.mu.Lock()
	d := s.initial
	s.mu.Unlock()
	if d != nil {
		return d, nil
	}
	d, err := s.openFirst()
	if err != nil && s.hooks.unusable != nil {
		s.hooks.unusable(err)
	}
	return d, err
}

func (s *system) openFirst() (*dir, error) {
	pol, err := s.launcher.policyFor(s.start)
	if err != nil {
		return nil, err
	}
	rc, err := s.runnerFor(pol)
	if err != nil {
		return nil, err
	}
	handle, abs, err := openHandle(rc, 0, s.start)
	if err != nil {
		s.explain("enter", nil, s.start, err, true, interp.Where{})
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.initial == nil {
		s.initial = s.newDir(abs, pol, rc, handle)
	}
	return s.initial, nil
}

// OpenDir opens a directory for cd. What applies there may be another policy;
// the directory then belongs to that policy's runner, which must be able to
// open it by its path.
func (s *system) OpenDir(d interp.Dir, name string) (interp.Dir, error) {
	own, err := s.dirOf(d)
	if err != nil {
		return nil, err
	}
	rc, at, err := own.place()
	if err != nil {
		return nil, err
	}
	handle, abs, err := openHandle(rc, at, name)
	if err != nil {
		s.explain("enter", own, name, err, true, interp.Where{Name: "cd"})
		return nil, err
	}
	next, pol, err := s.runnerAt(abs)
	if err == nil && next != rc {
		closeHandle(rc, handle)
		rc = next
		if handle, abs, err = openHandle(rc, 0, abs); err != nil {
			s.explain("enter", own, abs, err, true, interp.Where{Name: "cd"})
			return nil, err
		}
	} else if err != nil {
		closeHandle(rc, handle)
		return nil, err
	}
	return s.newDir(abs, pol, rc, handle), nil
}

func (s *system) runnerAt(abs string) (*runnerConn, *policy.Policy, error) {
	pol, err := s.launcher.policyFor(abs)
	if err != nil {
		return nil, nil, err
	}
	rc, err := s.runnerFor(pol)
	return rc, pol, err
}

// dirOf is the dir behind the interface; nil is the start directory, too.
func (s *system) dirOf(d interp.Dir) (*dir, error) {
	if d == nil {
		return s.firstDir()
	}
	if at, ok := d.(startDir); ok && at.sys == s {
		return s.firstDir()
	}
	own, ok := d.(*dir)
	if !ok || own == nil || own.sys != s {
		return nil, syscall.EBADF
	}
	return own, nil
}

// do sends one request to the runner of a directory. A runner found dead when
// sending has not begun, so another one is asked.
func (s *system) do(d interp.Dir, o op, c *call, fill func(e *encoder, handle uint32)) (*runnerConn, error) {
	rc, err := s.begin(d, o, c, fill)
	if err != nil {
		return rc, err
	}
	if err := rc.await(c, wantReply); err != nil {
		return rc, err
	}
	rc.mu.Unlock()
	if c.errno != 0 {
		return rc, c.errno
	}
	return rc, nil
}

func (s *system) begin(d interp.Dir, o op, c *call, fill func(e *encoder, handle uint32)) (*runnerConn, error) {
	own, err := s.dirOf(d)
	if err != nil {
		return nil, err
	}
	return s.beginIn(own, own.policy, o, c, func(_ *runnerConn, e *encoder, handle uint32) { fill(e, handle) })
}

func (s *system) beginIn(own *dir, pol *policy.Policy, o op, c *call, fill func(rc *runnerConn, e *encoder, handle uint32)) (*runnerConn, error) {
	for try := 0; ; try++ {
		rc, handle, err := own.placeFor(pol)
		if err != nil {
			return nil, err
		}
		err = rc.send(o, c, func(e *encoder) { fill(rc, e, handle) })
		runtime.KeepAlive(own)
		if _, gone := err.(*GoneError); gone && try == 0 {
			continue
		}
		return rc, err
	}
}
