package sandbox

import (
	"fmt"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Landlock is the second wall behind the mounts, and the only one for
// signals and abstract sockets. A domain belongs to a thread and is inherited
// by fork. All commands of one policy must share one domain, or they could
// not signal each other; so the domain is entered in the child that becomes
// the runner, before exec, and not by the runner on its threads.

// oldestABI is what fsh insists on: scopes for signals and abstract sockets
// (Linux 6.12). Without them a runner of one policy could signal another's.
const oldestABI = 6

// unixABI knows the right to connect to sockets with a path.
const unixABI = 9

// Rights by what they are for. Which of them a kernel knows is in abiRights.
const (
	rightsRead = ll.AccessFSExecute | ll.AccessFSReadFile | ll.AccessFSReadDir
	rightsMake = ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock | ll.AccessFSMakeFifo |
		ll.AccessFSMakeSym | ll.AccessFSMakeChar | ll.AccessFSMakeBlock
	rightsWrite  = ll.AccessFSWriteFile | ll.AccessFSTruncate
	rightsChange = rightsWrite | rightsMake | ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSRefer
	rightsDevice = ll.AccessFSIoctlDev
	// rightsOfFile are those that make sense for something not a directory.
	rightsOfFile = ll.AccessFSExecute | ll.AccessFSReadFile | rightsWrite | rightsDevice | ll.AccessFSResolveUnix
)

// grant is a Landlock rule: rights below a path of the view.
type grant struct {
	at     int // directory of a relative path; 0: none
	path   string
	rights uint64
	must   bool // the path has to exist
}

// handledRights are the file rights that the kernel's ABI can restrict.
// ABI 5 (ioctl on devices) is below oldestABI, so the only later one is
// connecting to sockets with a path (ABI 9).
func handledRights(abi int) uint64 {
	r := uint64(rightsRead | rightsChange | rightsDevice)
	if abi >= unixABI {
		r |= ll.AccessFSResolveUnix
	}
	return r
}

// landlockABI is what the kernel has, if that is enough.
func landlockABI() (int, error) {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0, &SetupError{Layer: "Landlock", Err: err,
			Hint: "boot with lsm=landlock,… or use a kernel built with CONFIG_SECURITY_LANDLOCK"}
	}
	if abi < oldestABI {
		return 0, &SetupError{Layer: "Landlock",
			Err: fmt.Errorf("this kernel has ABI %d, fsh needs %d", abi, oldestABI), Hint: "use Linux 6.12 or newer"}
	}
	return abi, nil
}

// signalRuleset restricts whom signals reach, and nothing else. A ruleset that does not
// say that files may come to other directories, by link and rename, is one that denies
// it: "LANDLOCK_ACCESS_FS_REFER" in landlock(7).
func signalRuleset() (fd int, err error) {
	if _, err = landlockABI(); err != nil {
		return -1, err
	}
	fd, err = ll.LandlockCreateRuleset(&ll.RulesetAttr{HandledAccessFS: ll.AccessFSRefer, Scoped: ll.ScopeSignal}, 0)
	if err != nil {
		return -1, setupError("Landlock", err, "")
	}
	if err = addGrant(fd, grant{path: "/", rights: ll.AccessFSRefer, must: true}, ll.AccessFSRefer); err != nil {
		unix.Close(fd)
		return -1, setupError("Landlock", err, "")
	}
	return fd, nil
}

// landlockRuleset makes a ruleset in the view that the calling thread is in.
func landlockRuleset(grants []grant, listen bool) (fd int, err error) {
	abi, err := landlockABI()
	if err != nil {
		return -1, err
	}
	handled := handledRights(abi)
	attr := ll.RulesetAttr{HandledAccessFS: handled, Scoped: ll.ScopeAbstractUnixSocket | ll.ScopeSignal}
	if !listen {
		attr.HandledAccessNet = ll.AccessNetBindTCP
	}
	fd, err = ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return -1, &SetupError{Layer: "Landlock", Err: err}
	}
	for _, g := range grants {
		if err := addGrant(fd, g, handled); err != nil {
			syscall.Close(fd)
			return -1, &SetupError{Layer: "Landlock", Err: fmt.Errorf("%s: %w", g.path, err)}
		}
	}
	return fd, nil
}

func addGrant(ruleset int, g grant, handled uint64) error {
	at := unix.AT_FDCWD
	if g.at > 0 {
		at = g.at
	}
	fd, err := unix.Openat(at, g.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		if !g.must && (err == unix.ENOENT || err == unix.EACCES || err == unix.ENOTDIR) {
			return nil
		}
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	rights := g.rights & handled
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= rightsOfFile
	}
	if rights == 0 {
		return nil
	}
	return ll.LandlockAddPathBeneathRule(ruleset, &ll.PathBeneathAttr{AllowedAccess: rights, ParentFd: fd}, 0)
}

// landlock makes the child enter the domain. It is the last but one step:
// afterwards nothing may be mounted.
func (p *childProgram) landlock(ruleset int) {
	p.add("Landlock", unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0)
}
