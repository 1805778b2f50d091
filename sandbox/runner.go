package sandbox

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fsh-sh/fsh/sandbox/internal/startlimit"
	"golang.org/x/sys/unix"
)

// A runner executes commands and opens files for the shell. By the time
// runnerMain is called the process has no more rights than the commands.
//
// One thread, R, does the work: it takes requests, forks and opens, and says
// what became of children. A hand-over to another thread would cost as much as
// a fork. A second thread reads the signals that reach the runner's number,
// which scripts know as $$; what can block has threads of its own.

// runner is the state of the process. Fields without a lock belong to R.
type runner struct {
	pid    int
	in     *frameReader
	out    outbox
	events *eventWriter
	nofile forkLimit   // what commands start with
	limits []forkLimit // the policy's

	plan    forkPlan
	reply   encoder
	listers [2]lister // of readDirs
	dirs    map[uint32]int
	lastDir uint32
	groups  map[int]int // a group that has vanished to the one that took over

	opens slowOpens

	// forwarded of signalEntered have been reported, or need not be.
	forwarded atomic.Uint32

	changes int // eventfd: a child has changed state
	status  encoder

	children map[int]child
	standIns standIns
	spare    []*adoption
}

// child is a process that the shell asked for.
type child struct {
	id    uint32
	stops bool
}

// runnerExit values of a runner; the keeper may show them.
const (
	runnerDone   = 0 // the shell has gone
	runnerBroken = 1
)

// runnerProcs is one more than the goroutines of a runner that may be in
// system calls at a time: as long as there is an idle one, the Go scheduler
// leaves a thread in a short system call what it needs to go on, and does not
// wake up every 20 µs to look (measured: a quarter of what a command cost).
const runnerProcs = 4

// runnerEnv is for the Go runtime (package runtime), which stops the world for each
// of these if it is told later. A runner, which reuses its buffers, stays below the
// limit and needs no collector.
var runnerEnv = []string{"GOGC=off", "GOMEMLIMIT=64MiB", fmt.Sprintf("GOMAXPROCS=%d", runnerProcs)}

// runnerMain is the whole life of a runner process: requests come from the
// stream socket, signals for $$ are reported to the other socket. It returns
// the exit status. All restrictions are in force already.
func runnerMain(sock, events int) int {
	runtime.LockOSThread()
	// Modes are complete in requests. Commands set their own umask.
	syscall.Umask(0)
	r, err := newRunner(sock, events)
	if err != nil {
		return runnerFailed(err)
	}
	spareThreads(runnerProcs)
	blockHere()
	if err := r.catchSignals(); err != nil {
		return runnerFailed(err)
	}
	r.reply.reset()
	if err := r.out.send(header{op: opHello, arg: int32(r.pid)}, &r.reply); err != nil {
		return runnerFailed(err)
	}
	if err := r.serve(); err != nil {
		return runnerFailed(err)
	}
	return runnerDone
}

// spareThreads makes threads that the Go scheduler can fall back on: one that it
// cannot make, because a limit of processes is reached, is the end of a program.
func spareThreads(n int) {
	var made sync.WaitGroup
	enough := make(chan struct{})
	for range n {
		made.Add(1)
		go func() {
			runtime.LockOSThread()
			made.Done()
			<-enough
			runtime.UnlockOSThread()
		}()
	}
	made.Wait()
	close(enough)
}

func runnerFailed(err error) int {
	fmt.Fprintf(os.Stderr, "fsh: runner: %v\n", err)
	return runnerBroken
}

func newRunner(sock, events int) (*runner, error) {
	// Whatever was inherited is not for commands.
	if err := unix.CloseRange(0, ^uint(0)>>33, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, fmt.Errorf("close_range: %w", err)
	}
	r := &runner{
		pid:      os.Getpid(),
		in:       newFrameReader(sock, inlinePayload+headerSize, 2*maxFrameFiles),
		out:      outbox{sock: sock},
		events:   &eventWriter{out: outbox{sock: events}},
		dirs:     map[uint32]int{},
		groups:   map[int]int{},
		children: map[int]child{},
		standIns: newStandIns(),
	}
	return r, r.readLimits()
}

// readLimits finds what the soft limit of open files was before this program
// raised it for itself.
func (r *runner) readLimits() error {
	var err error
	if r.limits, err = parseLimits(os.Args[1:]); err != nil {
		return err
	}
	r.nofile.resource = unix.RLIMIT_NOFILE
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r.nofile.value); err != nil {
		return fmt.Errorf("getrlimit: %w", err)
	}
	if cur, _, ok := startlimit.OpenFiles(); ok {
		r.nofile.value.Cur = min(r.nofile.value.Cur, cur)
	}
	return nil
}

// serve handles requests until the shell goes away.
func (r *runner) serve() error {
	var f frame
	for {
		if err := r.awaitRequest(); err != nil {
			return err
		}
		if err := r.in.next(&f); err != nil {
			return endOfShell(err)
		}
		d := decoder{b: f.payload}
		err := r.handle(&f, &d)
		f.closeFiles()
		if err != nil {
			return endOfShell(err)
		}
		if len(r.in.big) > inlinePayload {
			r.in.dropBig()
		}
	}
}

func (r *runner) handle(f *frame, d *decoder) error {
	r.reply.reset()
	switch f.op {
	case opStart:
		return r.start(f, d)
	case opStandIn:
		return r.startStandIn(f, d)
	case opExec:
		return r.exec(f, d)
	case opCancel:
		r.opens.cancel(f.id)
		return nil
	case opCloseDir:
		r.closeDir(d.u32())
		return nil
	case opEnd:
		r.endStandIn(d.u32(), d.u32())
		return nil
	case opCatch:
		return r.catch(f.id, d)
	case opOpen:
		return r.open(f.id, d)
	}
	errno := r.answer(f.op, d)
	if errno != 0 {
		r.reply.reset()
	}
	return r.out.send(header{id: f.id, op: opReply, arg: int32(errno)}, &r.reply)
}

// answer carries out the requests that are one system call or a few, and
// leaves the result in r.reply.
func (r *runner) answer(o op, d *decoder) syscall.Errno {
	switch o {
	case opPing:
		return 0
	case opStat:
		return r.stat(d)
	case opStatAll:
		return r.statAll(d)
	case opReadDirs:
		return r.readDirs(d)
	case opAccess:
		return r.access(d)
	case opReadlink:
		return r.readlink(d)
	case opMkfifo:
		return r.mkfifo(d)
	case opOpenDir:
		return r.openDir(d)
	case opGetcwd:
		return r.getcwd(d)
	case opHome:
		return r.home(d)
	case opWho:
		return r.who(d.u32())
	case opKill:
		return r.kill(int(int32(d.u32())), syscall.Signal(d.u32()))
	}
	return syscall.ENOSYS
}

// start forks a command, or has its parent do so. Success is silent unless asked.
func (r *runner) start(f *frame, d *decoder) error {
	whole := *d
	report, parent, errno := r.planStart(&r.plan, f, d)
	if s := r.standIns.byID[parent]; s != nil && errno == 0 && len(s.programs) < standInChildren {
		return r.adopt(s, f, &whole)
	} else if s == nil && parent != 0 {
		r.orphaned(f.id)
		return nil
	}
	if errno != 0 {
		return r.startFailed(f.id, errno)
	}
	pid, errno := r.plan.fork()
	if errno != 0 {
		if pid > 0 {
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
		return r.startFailed(f.id, errno)
	}
	r.regroup(&r.plan, pid)
	r.children[pid] = child{id: f.id, stops: report&reportStops != 0}
	if report&reportStart != 0 {
		return r.out.send(header{id: f.id, op: opStarted, arg: int32(pid)}, &r.reply)
	}
	return nil
}

func (r *runner) startFailed(id uint32, errno syscall.Errno) error {
	return r.out.send(header{id: id, op: opFailed, arg: int32(errno)}, &r.reply)
}

// The report bits of a start, as interp.Report.
const (
	reportStart = 1 << iota
	reportStops
)

// planStart decodes a start request into a plan, whose strings stay where they
// are. parent is the stand-in that is to be the parent, 0 for this process.
func (r *runner) planStart(p *forkPlan, f *frame, d *decoder) (report, parent uint32, errno syscall.Errno) {
	parent = d.u32()
	dir := d.u32()
	p.umask = d.u32()
	p.group = int(int32(d.u32()))
	tty := int(int32(d.u32()))
	p.ignored = d.u64()
	report = d.u32()
	p.limits = append(append(p.limits[:0], r.nofile), r.limits...)
	for range d.count(20) {
		p.limits = append(p.limits, forkLimit{uintptr(d.u32()), unix.Rlimit{Cur: d.u64(), Max: d.u64()}})
	}
	p.src, p.dst, p.above = p.src[:0], p.dst[:0], 0
	n := d.count(4)
	for i := range n {
		to := int(d.u32() & 0xfffffff)
		if i < len(f.fds) {
			p.src, p.dst = append(p.src, f.fds[i]), append(p.dst, to)
			p.above = max(p.above, to+1)
		}
	}
	p.tty = -1
	if tty >= 0 && tty < len(f.fds) {
		p.tty = f.fds[tty]
	}
	p.paths = d.cstrs(p.paths[:0])
	p.argv = d.cstrs(p.argv[:0])
	p.envv = d.cstrs(p.envv[:0])
	p.mask = 0
	if !d.done() || n > len(f.fds) {
		return 0, 0, syscall.EPROTO
	}
	var ok bool
	if p.dir, ok = r.dirFD(dir); !ok {
		return 0, 0, syscall.EBADF
	}
	if to, ok := r.groups[p.group]; ok && p.group > 0 {
		p.group = to
	}
	return report, parent, 0
}

// regroup remembers which group a process made because the one it was to
// join had lost its last member: children are reaped at once, so the first
// program of a pipeline may be gone before the second one starts.
func (r *runner) regroup(p *forkPlan, pid int) {
	if p.group == 0 {
		delete(r.groups, pid) // a new group with an old number
	}
	if p.regrouped {
		if len(r.groups) >= maxGroups {
			clear(r.groups)
		}
		for from, to := range r.groups {
			if to == p.group {
				r.groups[from] = pid
			}
		}
		r.groups[p.group] = pid
	}
}

// maxGroups bounds the memory of vanished groups.
const maxGroups = 1024

// endOfShell says whether an error of the socket is just its end.
func endOfShell(err error) error {
	switch err {
	case io.EOF, syscall.EPIPE, syscall.ECONNRESET:
		return nil
	}
	return err
}
