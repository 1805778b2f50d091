package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// nameBareKeeper is argv[0] of a keeper without namespaces.
const nameBareKeeper = "fsh-keeper-bare"

// forkBareKeeper re-executes this program as it is. sock becomes its
// descriptor 3.
func forkBareKeeper(sock int) (pid int, err error) {
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &SetupError{Layer: "keeper", Err: err}
	}
	defer unix.Close(null)
	pid, err = syscall.ForkExec("/proc/self/exe", []string{nameBareKeeper}, &syscall.ProcAttr{
		Files: []uintptr{uintptr(null), uintptr(null), 2, uintptr(sock)}, Env: keeperEnv,
		Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	return pid, setupError("keeper", err, "")
}

// bareKeeperMain runs on descriptor 3.
func bareKeeperMain() int {
	swallowSignals()
	k := &keeper{sock: 3, bare: true, shell: os.Getppid(), nets: map[string]*netOnce{}, runners: map[uint32]*runnerProc{}, made: newMadeDirs(), ready: make(chan struct{})}
	joinShell(k.shell)
	unix.CloseOnExec(k.sock)
	if err := k.setUpBare(); err != nil {
		k.reply(0, viewReply{Error: toWire(err)}, nil)
		return 1
	}
	close(k.ready)
	served := make(chan struct{})
	go func() { defer close(served); k.serve() }()
	reapOrphans(served)
	k.tearDownBare()
	unix.Close(k.sock)
	return 0
}

// reapOrphans takes what the session's orphans leave, until done. They come to the
// first thread of the process that adopts them (PR_SET_CHILD_SUBREAPER(2const)), and
// runners are children of the threads that made them. So the former alone are waited
// for here, on the main thread, which is the one that init functions run on.
func reapOrphans(done <-chan struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		for unix.Gettid() == os.Getpid() {
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WNOTHREAD, nil)
			if err != unix.EINTR && (err != nil || pid <= 0) {
				break
			}
		}
		select {
		case <-ended:
		case <-done:
			return
		}
	}
}

func (k *keeper) setUpBare() error {
	// Orphans come to the keeper, which ends them: there is no pid namespace
	// that does.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if k.null, err = unix.FcntlInt(uintptr(null), unix.F_DUPFD_CLOEXEC, firstSafeFD); err != nil {
		return err
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return setupError("proc", err, "mount /proc")
	}
	proc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return setupError("proc", err, "mount /proc")
	}
	k.base = &base{hostProc: proc, exe: exe}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if k.domain, err = newSignalDomain(k.shell); err != nil {
		return err
	}
	return k.startBareInit()
}

// statusOfProcess is a field of proc_pid_status(5).
func statusOfProcess(proc int, pid, field string) string {
	fd, err := unix.Openat(proc, pid+"/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	buf := make([]byte, 16<<10) // lists of processors and memory are long on large machines
	n, err := readRetry(fd, buf)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(buf[:n])) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// makeBareView starts a runner of Landlock and seccomp.
func (k *keeper) makeBareView(id uint32, req *viewRequest, fds []int) {
	doors, fresh, err := k.bareNetwork(req.Plan)
	if err != nil {
		closeAll(fds)
		k.reply(id, viewReply{Error: toWire(setupError("network", err, ""))}, nil)
		return
	}
	var pid int
	k.domain.do(func() { pid, err = k.startBareRunner(id, req, fds, doors) })
	var rp *runnerProc
	if err == nil {
		rp, err = newRunnerProc(pid)
	}
	if err != nil && fresh { // the shell will not get them
		k.mu.Lock()
		delete(k.bareNets, req.Plan.Net)
		k.mu.Unlock()
		closeAll(doors.doors)
	}
	closeAll(fds) // as in makeView
	if err != nil {
		k.reply(id, viewReply{Error: toWire(setupError("runner", err, ""))}, nil)
		return
	}
	rep, given := viewReply{Pid: rp.pid}, []int(nil)
	if fresh {
		rep.Doors, given = doors.names, doors.doors
	}
	k.answer(id, rp, rep, given)
	k.follow(id, rp)
}

// bareGrants are what a plan lets be done, where the machine can look after it.
func (k *keeper) bareGrants(pl *Plan) (*bareView, error) {
	if err := yamaRefuses(yamaScope); err != nil {
		return nil, err
	}
	if err := k.bareTemp(pl); err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	mounts := hostMounts(k.base.hostProc)
	if len(mounts) == 0 {
		return nil, errors.New("/proc/thread-self/mountinfo cannot be read")
	}
	return bareGrants(pl, k.base.exe, mounts)
}

func (k *keeper) startBareRunner(id uint32, req *viewRequest, fds []int, doors *bareNet) (pid int, err error) {
	pl := req.Plan
	view, err := k.bareGrants(pl)
	if err != nil {
		return 0, err
	}
	ruleset, err := landlockRuleset(view.grants, pl.BareNet && pl.Listen)
	if err != nil {
		return 0, err
	}
	defer unix.Close(ruleset)
	filter, err := seccompProgram(filterMode{bare: true, net: pl.BareNet})
	if err != nil {
		return 0, err
	}
	notify, err := assemble(attributeProgram(!pl.BareNet, pl.NoCores))
	if err != nil {
		return 0, err
	}
	stderr := k.null
	if len(fds) > 2 {
		stderr = fds[2]
	}
	files, closeFiles, err := safeFDs(k.null, k.null, stderr, fds[0], fds[1], ruleset)
	if err != nil {
		return 0, err
	}
	defer closeFiles()
	sup := &bareSupervisor{k: k, net: doors, writable: view.writable, view: id, told: map[deniedKey]bool{}}
	if err := sup.openShared(pl.Temp); err != nil {
		return 0, fmt.Errorf("directory for shared memory: %w", err)
	}
	defer func() {
		if sup.listen == 0 { // nothing came to be that it looks after
			sup.closeShared()
		}
	}()
	p := &childProgram{}
	if pl.NoCores {
		p.noCores()
	}
	p.sharedNotifier(notify, sup.take)
	p.files(files[:5])
	p.openFiles()
	p.signalQueue()
	joined, err := k.joinGroups(p, pl, id)
	if err != nil {
		return 0, err
	}
	defer joined()
	p.add("death signal", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	p.dropCapsBare()
	p.landlock(files[5])
	p.seccomp(filter)
	p.exec("/proc/self/exe", append([]string{nameRunner}, limitArgs(withoutProcesses(pl), 0)...), runnerEnv, blockedSignals())
	if pid, err = p.start(0); err != nil {
		return 0, childError(err)
	}
	return pid, nil
}

// withoutProcesses: RLIMIT_NPROC would count all processes of the user.
func withoutProcesses(pl *Plan) []planLimit {
	var out []planLimit
	for _, l := range pl.Limits {
		if l.Resource != rlimitNproc {
			out = append(out, l)
		}
	}
	return out
}

// bareTemp locks the session's temporary directory and makes the private
// directories in it.
func (k *keeper) bareTemp(pl *Plan) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.temps) == 0 {
		fd, err := unix.Open(pl.Temp, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := unix.Flock(fd, unix.LOCK_SH); err != nil { // held until the process ends
			return err
		}
		k.temps = append(k.temps, pl.Temp)
	}
	for _, s := range pl.Steps {
		if s.Op == OpPrivate {
			if err := os.MkdirAll(pl.barePrivate(s), 0o700); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropCapsBare is dropCaps without the right to do all of it. With
// no_new_privs execve gives nothing back to uid 0 either: it may only keep
// what it has, and that is nothing.
func (p *childProgram) dropCapsBare() {
	p.add("no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	p.try("securebits", unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, allSecurebits)
	p.try("ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	for c := range uintptr(highestCapabilityBit + 1) {
		p.try("bounding set", unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c)
	}
	p.add("capabilities", unix.SYS_CAPSET, addr(p, &unix.CapUserHeader{Version: capabilityVersion3}), addr(p, &[2]unix.CapUserData{}))
}
