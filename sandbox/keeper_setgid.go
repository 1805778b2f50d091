package sandbox

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Programs that change the mode of a directory keep its S_ISGID (chmod(1), tar,
// rsync), by which new files get its group: nothing runs by that. Whether what is
// named is a directory that has it, no filter sees.

// modeArguments are where calls have a mode that may keep it.
var modeArguments = map[string]int{"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}

// setGroupNotices has the keeper asked about modes with S_ISGID.
func setGroupNotices() []bpf.Instruction {
	ask := bpf.RetConstant{Val: unix.SECCOMP_RET_USER_NOTIF}
	var prog []bpf.Instruction
	for _, c := range attributeCalls {
		arg, ok := modeArguments[c.name]
		if nr := nativeArch.number(c.kernelCall); ok && nr != no {
			prog = append(prog, notifyTests(uintptr(nr), ask, []argTest{anyBit(arg, unix.S_ISGID)})...)
		}
	}
	return prog
}

// makesSetGroup tells whether a call would set S_ISGID where it was not.
func (r *request) makesSetGroup(c *attributeCall, held int) bool {
	arg, ok := modeArguments[c.name]
	if !ok || r.n.args[arg]&unix.S_ISGID == 0 || r.s.t.v.plan.Ownership {
		return false
	}
	var st unix.Stat_t
	return unix.Fstat(held, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Mode&unix.S_ISGID == 0
}
