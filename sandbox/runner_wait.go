package sandbox

import (
	"runtime"
	"syscall"
	"unsafe"
)

// rusageSize is the size of struct rusage, which travels as it is.
const rusageSize = int(unsafe.Sizeof(syscall.Rusage{}))

// waitLoop is thread W.
func (r *runner) waitLoop() {
	runtime.LockOSThread()
	blockHere()
	var (
		status syscall.WaitStatus
		ru     syscall.Rusage
		e      encoder
	)
	for {
		pid, err := syscall.Wait4(-1, &status, syscall.WUNTRACED|syscall.WCONTINUED, &ru)
		switch err {
		case nil:
			r.changed(pid, status, &ru, &e)
		case syscall.ECHILD:
			r.mu.Lock()
			for len(r.children) == 0 {
				r.forked.Wait()
			}
			r.mu.Unlock()
		}
	}
}

// changed reports a change of state. A number that is not registered is a
// child that failed to execute, which R has reported.
func (r *runner) changed(pid int, status syscall.WaitStatus, ru *syscall.Rusage, e *encoder) {
	o := opEnded
	if status.Stopped() || status.Continued() {
		o = opChanged
	}
	r.mu.Lock()
	c, known := r.children[pid]
	if known && o == opEnded {
		delete(r.children, pid)
	}
	r.mu.Unlock()
	if !known || o == opChanged && !c.stops {
		return
	}
	e.reset()
	e.u32(uint32(pid))
	e.u32(uint32(status))
	e.b = append(e.b, unsafe.Slice((*byte)(unsafe.Pointer(ru)), rusageSize)...)
	_ = r.out.send(header{id: c.id, op: o}, e) // R sees the end of the socket
}
