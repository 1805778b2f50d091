package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The parts of a sandbox are re-execs of this program, told apart by argv[0].
// They run as soon as this package is initialised, before those of the
// network filter are, which they have no use for: three of them start one
// after the other before the first command, and each saves 1.2 ms of 3.
func init() {
	if main := helper(os.Args[0]); main != nil {
		os.Exit(main())
	}
}

func helper(argv0 string) func() int {
	switch argv0 {
	case nameKeeper:
		return unlocked(keeperMain)
	case nameBareKeeper:
		return bareKeeperMain
	case nameRunner:
		return confinedRunner
	}
	return nil
}

// unlocked runs main on a goroutine of its own: that of init is tied to the
// first thread, and a hand-over to a tied goroutine is one between threads.
func unlocked(main func() int) func() int {
	return func() int {
		status := make(chan int)
		go func() { status <- main() }()
		return <-status
	}
}

// startedByShell tells whether a keeper has its socket, from the process that
// started it, and a user namespace of its own. Root could otherwise run it by
// hand, and it would mount over the machine's own /proc.
func startedByShell(sock int) bool {
	peer, err := unix.GetsockoptUcred(sock, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil || int(peer.Pid) != os.Getppid() {
		return false
	}
	var own, shells unix.Stat_t
	if unix.Stat("/proc/self/ns/user", &own) != nil {
		return false
	}
	// Whoever may not look at its parent is below it.
	err = unix.Stat("/proc/"+strconv.Itoa(os.Getppid())+"/ns/user", &shells)
	return err != nil || own.Ino != shells.Ino
}

// joinShell puts a keeper that handles signals into the process group of the
// shell, where runners belong. Until then it is in one of its own: keys of the
// terminal would end it.
func joinShell(shell int) {
	if group, err := unix.Getpgid(shell); err == nil {
		_ = unix.Setpgid(0, group) // a shell that is gone is noticed by serve
	}
}

// confinedRunner is what the keeper's child executes.
func confinedRunner() int {
	// Dumpable is a property of the executed image. Commands of the same
	// domain could otherwise read its memory and descriptors.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return 125
	}
	return runnerMain(3, 4)
}

// forkKeeper re-executes this program in new namespaces. sock becomes its
// descriptor 3.
func forkKeeper(sock int) (pid int, err error) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &SetupError{Layer: "keeper", Err: err}
	}
	defer unix.Close(null)
	attr := &syscall.ProcAttr{
		Files: []uintptr{uintptr(null), uintptr(null), 2, uintptr(sock)},
		Env:   keeperEnv,
	}
	for _, whole := range []bool{true, false} {
		sys, err := namespaces(whole)
		if err != nil {
			return 0, &SetupError{Layer: "user namespace", Err: err, Hint: "mount /proc"}
		}
		if sys == nil {
			continue
		}
		sys.Setpgid = true // until joinShell
		attr.Sys = sys
		pid, err = syscall.ForkExec("/proc/self/exe", []string{nameKeeper}, attr)
		if err == nil {
			return pid, nil
		}
		// Root of a container may not map what it was not given.
		if err != syscall.EPERM || !whole {
			return 0, usernsError(err)
		}
	}
	return 0, usernsError(syscall.EPERM)
}

// namespaces of the keeper. Root keeps the whole map it has, so that files
// keep their owners; everybody else stays the one user they are.
func namespaces(whole bool) (*syscall.SysProcAttr, error) {
	uid, gid := os.Geteuid(), os.Getegid()
	sys := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
	}
	if whole {
		if uid != 0 {
			return nil, nil
		}
		var err error
		if sys.UidMappings, err = ownMap("/proc/self/uid_map"); err != nil {
			return nil, err
		}
		if sys.GidMappings, err = ownMap("/proc/self/gid_map"); err != nil {
			return nil, err
		}
		sys.GidMappingsEnableSetgroups = true
	} else {
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	}
	last, err := lastCap()
	if err != nil {
		return nil, err
	}
	for c := range uintptr(last + 1) {
		sys.AmbientCaps = append(sys.AmbientCaps, c)
	}
	return sys, nil
}

// ownMap gives the map that shows every number of this namespace as itself.
func ownMap(path string) ([]syscall.SysProcIDMap, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseIDMap(string(text))
}

// parseIDMap reads user_namespaces(7)'s uid_map.
func parseIDMap(text string) ([]syscall.SysProcIDMap, error) {
	var ids []syscall.SysProcIDMap
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("id map: %q", line)
		}
		inside, err1 := strconv.ParseUint(f[0], 10, 32)
		size, err2 := strconv.ParseUint(f[2], 10, 32)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("id map: %q", line)
		}
		ids = append(ids, syscall.SysProcIDMap{ContainerID: int(inside), HostID: int(inside), Size: int(size)})
	}
	return ids, nil
}

func lastCap() (int, error) {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
