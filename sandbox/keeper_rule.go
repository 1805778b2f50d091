package sandbox

import (
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// To enter a ruleset is to copy it: rules that are added later are not the
// process's. But the keeper enters it again, with another thread for each domain
// below and for connections. So one that was entered is closed to further rules.

// Kinds of rules and the sizes of their attributes, landlock_add_rule(2).
const (
	rulePathBeneath, sizePathBeneath = 1, 12
	ruleNetPort, sizeNetPort         = 2, 16
)

// addRule answers landlock_add_rule, in the process's stead: the number could be
// another ruleset's after the look.
func (r *request) addRule() verdict {
	if len(r.s.domains) == 0 {
		return goOn
	}
	ruleset, errno := r.descriptor(int(int32(r.n.args[0])))
	if errno != 0 {
		return failed(errno)
	}
	for _, d := range r.s.domains {
		if !differ(d.rulesets[len(d.rulesets)-1], ruleset) {
			return failed(unix.EPERM)
		}
	}
	attr, errno := r.ruleAttr()
	if errno != 0 {
		return failed(errno)
	}
	_, _, errno = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), uintptr(r.n.args[1]),
		uintptr(unsafe.Pointer(&attr[0])), uintptr(r.n.args[3]), 0, 0)
	return outcome(errnoOrNothing(errno))
}

// ruleAttr is a copy of the call's third argument, with a descriptor of the
// keeper's.
func (r *request) ruleAttr() ([]byte, unix.Errno) {
	size := 0
	switch uint32(r.n.args[1]) {
	case rulePathBeneath:
		size = sizePathBeneath
	case ruleNetPort:
		size = sizeNetPort
	default:
		return nil, unix.EINVAL
	}
	attr, errno := r.memory().bytes(uintptr(r.n.args[2]), size)
	if errno != 0 || size == sizeNetPort {
		return attr, errno
	}
	dir, errno := r.descriptor(int(int32(binary.NativeEndian.Uint32(attr[8:]))))
	binary.NativeEndian.PutUint32(attr[8:], uint32(dir))
	return attr, errno
}

// differ tells whether two descriptors are known to be of two open files, kcmp(2).
func differ(a, b int) bool {
	const file = 0 // KCMP_FILE
	self := uintptr(os.Getpid())
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, self, self, file, uintptr(a), uintptr(b), 0)
	return errno == 0 && order != 0
}
