package sandbox

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

// runnerStandIn is a stand-in as its runner knows it; runner.mu covers it.
type runnerStandIn struct {
	pid     int
	sock    int      // orders; -1 when it is gone
	catches []uint32 // requests that wait for an answer, in order; 0 is the start
	// stopped: it answers when it goes on, and nobody waits for that.
	stopped bool
}

// answered stands for a request in catches that nobody waits for any more.
const answered = ^uint32(0)

// standInProgram are the places of this binary: the very file that runs, and
// its path inside a sandbox that does not allow the first.
var standInProgram = [][]byte{[]byte("/proc/self/exe\x00"), []byte("/run/fsh/fsh\x00")}

var standInArgv = []byte(standInName + "\x00")

// planStandIn turns a decoded start into the start of a stand-in, and returns
// both ends of its socket.
func (r *runner) planStandIn() (own, its int, errno syscall.Errno) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, errnoOf(err)
	}
	p := &r.plan
	p.paths = p.paths[:0]
	for _, path := range standInProgram {
		p.paths = append(p.paths, &path[0])
	}
	p.paths = append(p.paths, nil)
	p.argv = append(p.argv[:0], &standInArgv[0], nil)
	p.envv = append(p.envv[:0], nil)
	p.src, p.dst, p.above = append(p.src[:0], pair[1]), append(p.dst[:0], standInSock), standInSock+1
	p.limits = p.limits[:1] // what limits commands would end the job's process
	p.mask = blockedSignals()
	_ = sendOrder(pair[0], orderCatch, 0, p.ignored) // an empty socket takes it
	return pair[0], pair[1], 0
}

func sendOrder(sock int, kind, v, w uint64) error {
	var b [orderSize]byte
	binary.NativeEndian.PutUint64(b[:], kind)
	binary.NativeEndian.PutUint64(b[8:], v)
	binary.NativeEndian.PutUint64(b[16:], w)
	// A stand-in that is stopped does not read: the orders of a sane shell
	// fit in the socket all the same, the rest is an error.
	n, err := sendmsg(sock, b[:], nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	if err == nil && n < len(b) {
		return syscall.EAGAIN
	}
	if err == syscall.EPIPE || err == syscall.ECONNRESET {
		return syscall.ESRCH
	}
	return err
}

// startStandIn registers a stand-in that runs.
func (r *runner) startStandIn(id uint32, pid, sock int) {
	s := &runnerStandIn{pid: pid, sock: sock, catches: []uint32{0}}
	r.mu.Lock()
	r.standIns[id] = s
	r.mu.Unlock()
	go r.readStandIn(id, s, sock)
}

// readStandIn passes on what a stand-in says until it is gone.
func (r *runner) readStandIn(id uint32, s *runnerStandIn, sock int) {
	var b [reportSize]byte
	for {
		if n, err := readRetry(sock, b[:]); err != nil || n < len(b) {
			break
		}
		sig := binary.NativeEndian.Uint64(b[:])
		if sig != 0 {
			r.events.signal(id, syscall.Signal(sig), 0)
			continue
		}
		r.mu.Lock()
		var request uint32
		if len(s.catches) > 0 {
			request, s.catches = s.catches[0], s.catches[1:]
		}
		if request == 0 {
			r.standInReady(id, s)
		}
		r.mu.Unlock()
		r.caught(request, 0)
	}
	r.mu.Lock()
	waiting := s.catches
	s.catches, s.sock = nil, -1
	delete(r.standIns, id)
	r.mu.Unlock()
	syscall.Close(sock)
	for _, request := range waiting {
		r.caught(request, syscall.ESRCH)
	}
}

// standInReady says, with r.mu held, that a stand-in has got as far as to take
// signals as it should, unless R has said already that it ended.
func (r *runner) standInReady(id uint32, s *runnerStandIn) {
	if r.children[s.pid].id != id {
		return
	}
	var e encoder
	e.reset()
	_ = r.out.send(header{id: id, op: opStarted, arg: int32(s.pid)}, &e)
}

// standInStops lets nobody wait for a stand-in that is stopped, perhaps before it
// began: what it was asked for it does first when it goes on.
func (r *runner) standInStops(id uint32, stopped bool) {
	r.mu.Lock()
	s := r.standIns[id]
	if s == nil {
		r.mu.Unlock()
		return
	}
	s.stopped = stopped
	var waiting []uint32
	for i, request := range s.catches {
		if request == 0 { // before the news that it has stopped or gone on
			r.standInReady(id, s)
		}
		if request == 0 || stopped {
			waiting = append(waiting, request)
			s.catches[i] = answered
		}
	}
	r.mu.Unlock()
	for _, request := range waiting {
		r.caught(request, 0)
	}
}

// caught answers a catch; 0 is none.
func (r *runner) caught(request uint32, errno syscall.Errno) {
	if request == 0 || request == answered {
		return
	}
	var e encoder
	e.reset()
	_ = r.out.send(header{id: request, op: opReply, arg: int32(errno)}, &e)
}

// catch passes an order on; its answer comes from readStandIn.
func (r *runner) catch(request uint32, d *decoder) error {
	id, caught, ignored := d.u32(), d.u64(), d.u64()
	errno, waits := syscall.ESRCH, false
	r.mu.Lock()
	if s := r.standIns[id]; s != nil && s.sock >= 0 && d.done() {
		errno = errnoOf(sendOrder(s.sock, orderCatch, caught, ignored))
		switch {
		case errno == 0 && s.stopped:
			s.catches = append(s.catches, answered)
		case errno == 0:
			s.catches = append(s.catches, request)
			waits = true
		}
	}
	r.mu.Unlock()
	if waits {
		return nil
	}
	return r.out.send(header{id: request, op: opReply, arg: int32(errno)}, &r.reply)
}

func (r *runner) endStandIn(id, status uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.standIns[id]; s != nil && s.sock >= 0 {
		_ = sendOrder(s.sock, orderEnd, uint64(status), 0)
	}
}
