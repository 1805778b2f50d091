package sandbox

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// runnerStandIn is a stand-in as its runner knows it.
type runnerStandIn struct {
	pid    int
	shared *standIn
	given  uint32   // orders
	answer uint32   // of those that are over
	catch  []uint32 // requests that wait for an answer, in order
	ready  bool
	// stopped: it answers when it goes on, and nobody waits for that.
	stopped bool
	ending  bool // it was told to
	// programs are those that it starts and has started, by their requests.
	programs map[uint32]*adoption
}

// answered stands for a request in catch that nobody waits for any more.
const answered = ^uint32(0)

// standIns are the stand-ins of a runner and what they have in common.
type standIns struct {
	byID  map[uint32]*runnerStandIn
	in    int // reading end of the pipe; -1 before there is one
	out   int
	buf   [16]standInReport
	spare []*standIn // to be used again
	// lost are those that died while a child was not a program yet, which has
	// their memory.
	lost []*runnerStandIn
}

func newStandIns() standIns { return standIns{byID: map[uint32]*runnerStandIn{}, in: -1, out: -1} }

// maxSpare bounds the memory of stand-ins and of their programs that is kept for
// others: below the limit of runnerEnv nothing else would free it.
const maxSpare = 16

// neverStarted is the wait status of a stand-in that could not be.
const neverStarted = syscall.WaitStatus(126 << 8)

// startStandIn starts a stand-in; it says itself when it is ready.
func (r *runner) startStandIn(f *frame, d *decoder) error {
	p := &r.plan
	report, parent, errno := r.planStart(p, f, d)
	if errno == 0 && parent != 0 {
		errno = syscall.EPROTO
	}
	var s *runnerStandIn
	if errno == 0 {
		s, errno = r.newStandIn(f.id, p, report&reportStart == 0)
	}
	if errno != 0 {
		r.events.changed(f.id, neverStarted) // who waits does not read the other socket
		if report&reportStart == 0 {
			return nil
		}
		return r.startFailed(f.id, errno)
	}
	r.regroup(p, s.pid)
	r.standIns.byID[f.id] = s
	r.children[s.pid] = child{id: f.id, stops: report&reportStops != 0}
	return nil
}

func (r *runner) newStandIn(id uint32, p *forkPlan, quiet bool) (s *runnerStandIn, errno syscall.Errno) {
	if err := r.standIns.open(); err != nil {
		return nil, errnoOf(err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errnoOf(err)
	}
	sh := r.standIns.memory()
	sh.id, sh.runner, sh.dir, sh.wake, sh.out = id, uintptr(r.pid), -1, uintptr(wake), uintptr(r.standIns.out)
	sh.ignored, sh.quiet = p.ignored, quiet
	s = &runnerStandIn{shared: sh, programs: map[uint32]*adoption{}}
	signals, err := unix.Signalfd(-1, &unix.Sigset_t{}, unix.SFD_CLOEXEC|unix.SFD_NONBLOCK)
	sh.signals = uintptr(signals)
	if err == nil && p.dir >= 0 {
		sh.dir, err = unix.FcntlInt(uintptr(p.dir), unix.F_DUPFD_CLOEXEC, 0)
	}
	if err == nil {
		s.pid, errno = s.clone()
		err = nil
	}
	if err != nil {
		errno = errnoOf(err)
	}
	if errno == 0 {
		if errno = p.place(s.pid); errno == 0 {
			return s, 0
		}
		_ = syscall.Kill(s.pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(s.pid, nil, 0, nil)
	}
	s.release()
	return nil, errno
}

// clone starts the process, with all signals blocked.
func (s *runnerStandIn) clone() (int, syscall.Errno) {
	all, old := ^uint64(0), uint64(0)
	top := uintptr(unsafe.Pointer(&s.shared.stack)) + unsafe.Sizeof(s.shared.stack)
	rawMask(&all, &old)
	pid, errno := rawStandIn(standInFlags, top&^15, standInMain, s.shared)
	rawMask(&old, nil)
	runtime.KeepAlive(s)
	return int(pid), syscall.Errno(errno)
}

// place puts a stand-in in its group and that in the foreground, as childSetup
// does with a program: who has not executed one can be put by its parent.
func (p *forkPlan) place(pid int) syscall.Errno {
	p.regrouped = false
	if p.group >= 0 {
		err := unix.Setpgid(pid, p.group)
		if err == unix.EPERM && p.group > 0 {
			p.regrouped = true
			err = unix.Setpgid(pid, 0)
		}
		if err != nil {
			return errnoOf(err)
		}
	}
	if p.tty >= 0 {
		if pgrp, err := unix.Getpgid(pid); err == nil {
			_ = unix.IoctlSetPointerInt(p.tty, unix.TIOCSPGRP, pgrp)
		}
	}
	return 0
}

// open makes the pipe that all stand-ins write to.
func (t *standIns) open() error {
	if t.in >= 0 {
		return nil
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	t.in, t.out = p[0], p[1]
	return unix.SetNonblock(t.in, true)
}

func (t *standIns) memory() *standIn {
	n := len(t.spare)
	if n == 0 {
		return new(standIn)
	}
	s := t.spare[n-1]
	t.spare = t.spare[:n-1]
	*s = standIn{}
	return s
}

func (s *runnerStandIn) release() {
	for _, fd := range []int{int(s.shared.wake), int(s.shared.signals), s.shared.dir} {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
}

// order gives a stand-in something to do.
func (s *runnerStandIn) order(o standInOrder) syscall.Errno {
	if s.given-s.answer >= standInOrders {
		return syscall.EAGAIN
	}
	s.shared.orders[s.given%standInOrders] = o
	s.given++
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, err := unix.Write(int(s.shared.wake), one[:])
	return errnoOf(err)
}

// readReports deals with what stand-ins have said until now.
func (r *runner) readReports() {
	t := &r.standIns
	b := unsafe.Slice((*byte)(unsafe.Pointer(&t.buf)), unsafe.Sizeof(t.buf))
	for {
		n, err := unix.Read(t.in, b)
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
		for i := range n / int(standInReportSize) {
			r.report(&t.buf[i])
		}
		if n < len(b) {
			return
		}
	}
}

func (r *runner) report(m *standInReport) {
	s := r.standIns.byID[m.id]
	if s == nil {
		return
	}
	switch m.kind {
	case reportReady:
		r.standInReady(m.id, s)
	case reportCaught:
		s.answer++
		if len(s.catch) > 0 {
			r.caught(s.catch[0], 0)
			s.catch = s.catch[1:]
		}
	case reportSignal:
		r.events.signal(m.id, syscall.Signal(m.value), 0)
	case reportStarted, reportFailed:
		r.adopted(m, s)
	case reportChild:
		r.childChanged(m, s)
	}
}

// standInReady says that a stand-in has got as far as to take signals as it
// should.
func (r *runner) standInReady(id uint32, s *runnerStandIn) {
	if s.ready || s.shared.quiet {
		return
	}
	s.ready = true
	r.status.reset()
	_ = r.out.send(header{id: id, op: opStarted, arg: int32(s.pid)}, &r.status)
}

// standInChanged reports a change of state, which the shell is told like a
// signal: at once, not when it happens to wait for something.
func (r *runner) standInChanged(c child, status syscall.WaitStatus) {
	r.readReports()
	over := !status.Stopped() && !status.Continued()
	if !over {
		r.standInStops(c.id, status.Stopped())
	}
	if over || c.stops {
		r.events.changed(c.id, status)
	}
	if over {
		r.standInEnded(c.id)
	}
}

// standInStops lets nobody wait for a stand-in that is stopped, perhaps before it
// began: what it was asked for it does first when it goes on.
func (r *runner) standInStops(id uint32, stopped bool) {
	s := r.standIns.byID[id]
	s.stopped = stopped
	r.standInReady(id, s) // before the news that it has stopped or gone on
	if stopped {
		for i, request := range s.catch {
			r.caught(request, 0)
			s.catch[i] = answered
		}
	}
}

// caught answers a catch.
func (r *runner) caught(request uint32, errno syscall.Errno) {
	if request == answered {
		return
	}
	r.status.reset()
	_ = r.out.send(header{id: request, op: opReply, arg: int32(errno)}, &r.status)
}

// catch passes an order on; its answer is a report.
func (r *runner) catch(request uint32, d *decoder) error {
	id, caught, ignored := d.u32(), d.u64(), d.u64()
	errno := syscall.ESRCH
	if s := r.standIns.byID[id]; s != nil && d.done() {
		errno = s.order(standInOrder{kind: orderCatch, v: caught, w: ignored})
		switch {
		case errno == 0 && s.stopped:
			s.catch = append(s.catch, answered)
		case errno == 0:
			s.catch = append(s.catch, request)
			return nil
		}
	}
	return r.out.send(header{id: request, op: opReply, arg: int32(errno)}, &r.reply)
}

// who tells the number of a stand-in.
func (r *runner) who(id uint32) syscall.Errno {
	s := r.standIns.byID[id]
	if s == nil {
		return syscall.ESRCH
	}
	r.reply.u32(uint32(s.pid))
	return 0
}

func (r *runner) endStandIn(id, status uint32) {
	if s := r.standIns.byID[id]; s != nil {
		s.ending = s.order(standInOrder{kind: orderEnd, v: uint64(status & 0xff)}) == 0 && !s.stopped
	}
}

// reapEnding has a stand-in gone that was told to, before a signal is sent to its
// number.
func (r *runner) reapEnding(pid int) {
	if s := r.standIns.byID[r.children[pid].id]; s == nil || s.pid != pid || !s.ending {
		return
	}
	var ru syscall.Rusage
	for start := time.Now(); time.Since(start) < flushLimit; {
		var status syscall.WaitStatus
		if got, _ := syscall.Wait4(pid, &status, syscall.WNOHANG|syscall.WUNTRACED, &ru); got == pid {
			r.changed(pid, status, &ru)
			return // stopped, if not gone
		}
		_ = syscall.Nanosleep(&syscall.Timespec{Nsec: 10_000}, nil)
	}
}

// standInEnded gives back what a stand-in had that has died, and tells whose
// parent it was.
func (r *runner) standInEnded(id uint32) {
	s := r.standIns.byID[id]
	r.standInReady(id, s) // its number is no news any more, but waited for
	delete(r.standIns.byID, id)
	s.release()
	for _, request := range s.catch {
		r.caught(request, syscall.ESRCH)
	}
	for order, a := range s.programs {
		a.close()
		r.orphaned(order)
	}
	switch t := &r.standIns; {
	case s.shared.forking:
		t.lost = append(t.lost, s)
	case len(t.spare) < maxSpare:
		t.spare = append(t.spare, s.shared)
	}
}
