package sandbox

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What was opened to append to, outside, is a log: `fsh script >>log`. That it is
// only appended to is a flag of the descriptor, which commands could clear, and
// nothing to who cuts the file. The keeper makes these calls, as those about
// attributes, unless the rules do not let the file be written.

var (
	callFcntl     = kernelCall{"fcntl", 72, 25}
	callFtruncate = kernelCall{"ftruncate", 77, 46}
	callFallocate = kernelCall{"fallocate", 285, 47}
	callIOSetup   = kernelCall{"io_setup", 206, 0}
)

// appendNotices are about calls by which what is there would change. To allocate
// without a mode is to make a file longer. io_submit(2) takes the flags of
// pwritev2(2), RWF_NOAPPEND among them, out of memory, where no filter sees them:
// callers of io_setup(2) do with threads where a kernel has none.
func appendNotices() []bpf.Instruction {
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	var prog []bpf.Instruction
	for _, c := range []struct {
		call  kernelCall
		tests []argTest
	}{
		{callFcntl, []argTest{equal(1, unix.F_SETFL), noBit(2, unix.O_APPEND)}},
		{callFtruncate, nil},
		{callFallocate, []argTest{nonZero(1)}},
	} {
		prog = append(prog, notifyTests(uintptr(nativeArch.number(c.call)), ask, c.tests)...)
	}
	return append(prog, notifyTests(uintptr(nativeArch.number(callIOSetup)), ret(unix.ENOSYS), nil)...)
}

// appended answers such a call; ok is false for others.
func (r *request) appended() (v verdict, ok bool) {
	args := &r.n.args
	var deed func(fd int) error
	switch int(r.n.nr) {
	case nativeArch.number(callFcntl):
		deed = func(fd int) error {
			_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, int(int32(args[2])))
			return err
		}
	case nativeArch.number(callFtruncate):
		deed = func(fd int) error {
			if !r.mayBeAsLong(int64(args[1])) {
				return unix.EFBIG
			}
			return unix.Ftruncate(fd, int64(args[1]))
		}
	case nativeArch.number(callFallocate):
		deed = func(fd int) error {
			if !r.mayBeAsLong(int64(args[2]) + int64(args[3])) {
				return unix.EFBIG
			}
			return unix.Fallocate(fd, uint32(args[1]), int64(args[2]), int64(args[3]))
		}
	default:
		return verdict{}, false
	}
	held, errno := r.openDescriptor(int(int32(args[0])))
	if errno != 0 {
		return failed(errno), true
	}
	if flags, err := unix.FcntlInt(uintptr(held), unix.F_GETFL, 0); err != nil || flags&unix.O_APPEND != 0 {
		if _, may := r.mayChange(held); !may {
			return failed(unix.EPERM), true
		}
	}
	if errno := r.do(func() error { return deed(held) }, false); errno != 0 {
		return failed(errno), true
	}
	return verdict{}, true
}
