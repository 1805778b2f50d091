package sandbox

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adoption is a program that a stand-in is to start or has started, with what that
// needs: the request itself is gone by then.
type adoption struct {
	child
	plan forkPlan
	text []byte
}

// close closes what the stand-in has not.
func (a *adoption) close() {
	for _, fd := range a.plan.lent {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
}

// adopt has a stand-in start a program.
func (r *runner) adopt(s *runnerStandIn, f *frame, d *decoder) error {
	a := r.spareAdoption()
	a.text = append(a.text[:0], d.b...)
	own := decoder{b: a.text}
	p := &a.plan
	report, _, errno := r.planStart(p, f, &own)
	a.child = child{id: f.id, stops: report&reportStops != 0}
	if errno == 0 && p.dir >= 0 { // the handle may be closed meanwhile
		var err error
		if p.dir, err = unix.FcntlInt(uintptr(p.dir), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			p.lent = append(p.lent, p.dir)
		}
		errno = errnoOf(err)
	}
	if errno == 0 {
		p.begin()
		p.telling = report&reportStart != 0
		p.lent = append(p.lent, f.fds...)
		if errno = s.order(standInOrder{kind: orderStart, id: f.id, plan: p}); errno != 0 {
			p.lent = p.lent[:len(p.lent)-len(f.fds)]
		}
	}
	if errno != 0 {
		a.close()
		r.keepAdoption(a)
		return r.startFailed(f.id, errno)
	}
	f.fds = f.fds[:0]
	s.programs[f.id] = a
	return nil
}

// adopted deals with the outcome of a start.
func (r *runner) adopted(m *standInReport, s *runnerStandIn) {
	a := s.programs[m.order]
	if a == nil {
		return
	}
	r.status.reset()
	if m.kind == reportFailed {
		r.adoptionOver(m.order, s)
		_ = r.out.send(header{id: m.order, op: opFailed, arg: m.value}, &r.status)
		return
	}
	r.regroup(&a.plan, int(m.pid))
	if a.plan.telling {
		_ = r.out.send(header{id: m.order, op: opStarted, arg: m.pid}, &r.status)
	}
}

func (r *runner) adoptionOver(order uint32, s *runnerStandIn) {
	r.keepAdoption(s.programs[order])
	s.answer++
	delete(s.programs, order)
}

func (r *runner) spareAdoption() *adoption {
	n := len(r.spare)
	if n == 0 {
		return &adoption{}
	}
	a := r.spare[n-1]
	r.spare = r.spare[:n-1]
	return a
}

func (r *runner) keepAdoption(a *adoption) {
	if len(r.spare) < maxSpare && cap(a.text) <= inlinePayload {
		a.plan.lent = a.plan.lent[:0]
		r.spare = append(r.spare, a)
	}
}

// childChanged passes on what became of a stand-in's child.
func (r *runner) childChanged(m *standInReport, s *runnerStandIn) {
	a := s.programs[m.order]
	if a == nil {
		return
	}
	status := syscall.WaitStatus(m.value)
	if !status.Stopped() && !status.Continued() {
		c := a.child
		r.adoptionOver(m.order, s)
		r.tell(c, int(m.pid), status, &m.rusage)
		return
	}
	r.tell(a.child, int(m.pid), status, &m.rusage)
}

// orphaned says of a program that nobody will know what becomes of it.
func (r *runner) orphaned(id uint32) {
	r.status.reset()
	_ = r.out.send(header{id: id, op: opOrphaned}, &r.status)
}

// tell reports a change of state of a program or stand-in.
func (r *runner) tell(c child, pid int, status syscall.WaitStatus, ru *syscall.Rusage) {
	o, sent := opEnded, int32(0)
	if status.Stopped() || status.Continued() {
		o = opChanged
		if !c.stops {
			return
		}
	} else {
		r.flushSignals()
		sent = int32(r.events.sent.Load())
	}
	e := &r.status
	e.reset()
	e.u32(uint32(pid))
	e.u32(uint32(status))
	e.b = append(e.b, unsafe.Slice((*byte)(unsafe.Pointer(ru)), rusageSize)...)
	_ = r.out.send(header{id: c.id, op: o, arg: sent}, e) // the next read sees the end of the socket
}
