package sandbox

import (
	"strconv"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// With file_ownership processes may become other users, or give capabilities
// up. What the keeper does in the stead of such a one it does as that user.

// owner is who a process is to the file system.
type owner struct {
	uid, gid int
	groups   []uint32
	caps     uint64
	known    bool
}

func (o *owner) plain() bool {
	all := uint64(0)
	for _, c := range ownershipCaps {
		all |= 1 << c
	}
	return o.known && o.uid == 0 && o.gid == 0 && o.caps&all == all && len(o.groups) == 0
}

// line takes one of /proc/N/status (proc_pid_status(5)).
func (o *owner) line(key string, fields []string) {
	number := func(text string) int {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return -1
		}
		return int(n)
	}
	switch key {
	case "Uid": // real, effective, saved, for files
		o.uid = number(fields[len(fields)-1])
	case "Gid":
		o.gid = number(fields[len(fields)-1])
	case "Groups":
		for _, f := range fields {
			o.groups = append(o.groups, uint32(number(f)))
		}
	case "CapEff":
		caps, err := strconv.ParseUint(fields[0], 16, 64)
		o.caps, o.known = caps, err == nil && o.uid >= 0 && o.gid >= 0
	}
}

// become gives the calling thread the process's rights to files and back
// returns what it had. Only a supervisor with the capabilities can.
func (r *request) become() (back func(), ok bool) {
	if !r.s.t.v.plan.Ownership {
		return func() {}, true
	}
	o := &r.status().owner
	switch {
	case !o.known:
		return nil, false
	case o.plain():
		return func() {}, true
	}
	back = func() {
		_ = onlyCapabilities(r.s.capabilities()) // it may not have had those that the rest needs
		setFileUser(0, 0, nil)
	}
	if !setFileUser(o.uid, o.gid, o.groups) {
		back()
		return nil, false
	}
	keep := []uint{unix.CAP_SYS_PTRACE, unix.CAP_SYS_RESOURCE}
	for _, c := range ownershipCaps {
		if o.caps&(1<<c) != 0 {
			keep = append(keep, c)
		}
	}
	if lowerCapabilities(keep, r.s.capabilities()) != nil {
		back()
		return nil, false
	}
	return back, true
}

// becomePeer is become for what tells others who it is (SO_PEERCRED), and that
// is the effective user.
func (r *request) becomePeer() (back func(), ok bool) {
	if !r.s.t.v.plan.Ownership || r.status().owner.plain() {
		return r.become()
	}
	o := &r.status().owner
	if !setEffective(o.uid, o.gid) {
		return nil, false
	}
	_ = onlyCapabilities(r.s.capabilities()) // none is in effect after such a change
	root := func() {
		setEffective(0, 0)
		_ = onlyCapabilities(r.s.capabilities())
	}
	files, ok := r.become()
	if !ok {
		root()
		return nil, false
	}
	return func() { files(); root() }, true
}

// setEffective is for the thread alone, as setFileUser is.
func setEffective(uid, gid int) bool {
	const same = ^uintptr(0)
	_, _, group := unix.RawSyscall(unix.SYS_SETRESGID, same, uintptr(gid), same)
	_, _, user := unix.RawSyscall(unix.SYS_SETRESUID, same, uintptr(uid), same)
	return group == 0 && user == 0
}

// setFileUser is for the thread alone: the library's calls are for all.
func setFileUser(uid, gid int, groups []uint32) bool {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0); errno != 0 {
		return false
	}
	// Both give the old number, whether they work or not; asked again they say
	// what it is now.
	unix.RawSyscall(unix.SYS_SETFSGID, uintptr(gid), 0, 0)
	unix.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0)
	const none = ^uintptr(0)
	nowGID, _, _ := unix.RawSyscall(unix.SYS_SETFSGID, none, 0, 0)
	nowUID, _, _ := unix.RawSyscall(unix.SYS_SETFSUID, none, 0, 0)
	return int(int32(nowGID)) == gid && int(int32(nowUID)) == uid
}

// ownerRefusals refuse an ordinary user what chown(2) refuses one outside, with the
// same error: the namespace knows no other numbers (EINVAL), and programs such as
// fakeroot go on after EPERM only.
func ownerRefusals(uid, gid uint32) []bpf.Instruction {
	const same = ^uint32(0) // -1
	var prog []bpf.Instruction
	for _, c := range attributeCalls {
		nr := nativeArch.number(c.kernelCall)
		if c.owner == 0 || nr == no {
			continue
		}
		for _, tests := range [][]argTest{{other(c.owner, same), other(c.owner, uid)}, {other(c.owner+1, same), other(c.owner+1, gid)}} {
			prog = append(prog, notifyTests(uintptr(nr), ret(unix.EPERM), tests)...)
		}
	}
	return prog
}
