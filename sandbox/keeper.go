package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

// The keeper owns the namespaces of a session. It listens to its socket and
// nothing else, and is not in the session's pid namespace, so nothing inside
// can see it. It runs no code that depends on what commands do, except where
// masks are put back.

// Messages between shell and keeper are frames of protocol.go whose payload
// is JSON, but for the plan. Both ends trust each other.
const (
	opView    op = iota + 128 // viewRequest, with the runner's descriptors
	opReach                   // reachRequest: another guard for a network
	opDone                    // viewReply or wireError
	opGone                    // goneNote: a runner ended
	opMasked                  // maskedNote: masks were put back
	opLimit                   // limitNote: a limit was reached
	opFound                   // foundNote: something that matters outside
	opDenied                  // deniedNote: a program was refused a file
	opRunner                  // runnerRequest
	opStopped                 // stoppedNote: the program in the shell's place has stopped
	opFreeze                  // freezeRequest
)

// firstSafeFD is above every descriptor number that a child is given.
const firstSafeFD = 20

// viewRequest has an encoding of its own (plan_wire.go).
type viewRequest struct {
	Plan    *Plan
	WantPid int
	// Policy explains refusals and has the rules about commands; only with a
	// monitor or such rules.
	Policy *policy.Policy
}

type viewReply struct {
	Error *wireError `json:"error,omitempty"`
	Pid   int        `json:"pid,omitempty"` // inner
	// Doors are the names of the listeners that came with the reply; empty
	// when the network already existed.
	Doors []string `json:"doors,omitempty"`
	// Stopped and State are the answer to a runnerRequest.
	Stopped bool   `json:"stopped,omitempty"`
	State   string `json:"state,omitempty"`
	// Unkept are directories that had no place for private ones.
	Unkept []string `json:"unkept,omitempty"`
}

type reachRequest struct {
	Net   string `json:"net"`
	Reach Reach  `json:"reach"`
}

type maskedNote struct {
	View  uint32   `json:"view"`
	Paths []string `json:"paths"`
}

// keeper is the state of the process.
type keeper struct {
	sock     int
	shell    int // its number
	send     sync.Mutex
	null     int
	base     *base
	initPid  int
	initSock int
	pidNS    int
	ready    chan struct{} // closed when setUp has succeeded
	// ownNet is the keeper's own network, for the first plan.
	ownNet chan begunNetwork
	// innerProc is the session's /proc, which init has mounted.
	innerProc int

	mu sync.Mutex
	// late are directories that commands made where private ones belong.
	late     map[string]dirKey
	nets     map[string]*netOnce
	abstract abstractNames
	runners  map[uint32]*runnerProc // by view
	// made is what the session made of directories and repositories.
	made *madeDirs
	// groups are the control groups of the session.
	groups  []*controlGroup
	freezer freezer
	// bare is a keeper without namespaces; temps are its temporary directories.
	bare     bool
	domain   *signalDomain
	bareNets map[string]*bareNet
	temps    []string
}

type netOnce struct {
	once  sync.Once
	net   *network
	err   error
	given bool
}

// keeperEnv is for the Go runtime, as runnerEnv. The keeper lives on a few megabytes,
// and waits in system calls that hold a processor of Go's: with no other left, what
// should be done side by side is done one after the other.
var keeperEnv = []string{"GOGC=off", "GOMEMLIMIT=32MiB", "GOMAXPROCS=6"}

// keeperMain runs on descriptor 3.
func keeperMain() int {
	if !startedByShell(3) {
		return 1
	}
	// What it makes is for processes of the user; what it makes for them has theirs.
	unix.Umask(0o022)
	swallowSignals()
	k := &keeper{sock: 3, shell: os.Getppid(), nets: map[string]*netOnce{}, runners: map[uint32]*runnerProc{}, made: newMadeDirs(), late: map[string]dirKey{}, ready: make(chan struct{})}
	joinShell(k.shell)
	unix.CloseOnExec(k.sock)
	over := make(chan struct{})
	go func() {
		defer close(over)
		k.serve()
	}()
	if err := k.setUp(); err != nil {
		k.reply(0, viewReply{Error: toWire(err)}, nil)
		return 1
	}
	close(k.ready)
	<-over
	k.tearDown()
	unix.Close(k.sock)
	return 0
}

// setUp makes what all views need: private mounts, the depot, pid 1.
func (k *keeper) setUp() error {
	var err error
	if k.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if k.null, err = unix.FcntlInt(uintptr(k.null), unix.F_DUPFD_CLOEXEC, firstSafeFD); err != nil {
		return err
	}
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return setupError("proc", err, "mount /proc")
	}
	hostProc, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return setupError("proc", err, "mount /proc")
	}
	k.ownNet = make(chan begunNetwork, 1)
	go func() { k.ownNet <- beginNetwork(hostProc) }()
	if err := os.Chdir("/"); err != nil {
		return err
	}
	// Started by hand it would cover the /proc of whoever did.
	own, err1 := os.Readlink("/proc/self/ns/mnt")
	others, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", k.shell))
	if err1 != nil || err2 == nil && own == others {
		return setupError("mounts", unix.EPERM, "the keeper is started by fsh only")
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return usernsError(err) // capabilities refused although the namespace was allowed
	}
	k.base = &base{hostProc: hostProc, exe: exe}
	if k.base.ns, err = k.base.ownMounts(); err != nil {
		return setupError("proc", err, "mount /proc")
	}
	if err := k.base.makeDepot(); err != nil {
		return setupError("mounts", err, "fsh needs Linux 6.12 or newer")
	}
	if err := k.startInit(); err != nil {
		return err
	}
	if k.innerProc, err = unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return setupError("proc", err, "")
	}
	k.pidNS, err = unix.Openat(hostProc, strconv.Itoa(k.initPid)+"/ns/pid", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return setupError("pid namespace", err, "")
}

// serve handles requests until the shell is gone. Requests are carried out
// side by side; every one is answered.
func (k *keeper) serve() {
	r := newFrameReader(k.sock, inlinePayload+headerSize, 8)
	defer r.close()
	var f frame
	for r.next(&f) == nil {
		fds := append([]int(nil), f.fds...)
		switch f.op {
		case opView:
			var req viewRequest
			if err := req.decode(f.payload); err != nil || len(fds) < 2 {
				closeAll(fds)
				k.reply(f.id, viewReply{Error: toWire(fmt.Errorf("bad request: %v", err))}, nil)
				continue
			}
			go func(id uint32) {
				<-k.ready
				if k.bare {
					k.makeBareView(id, &req, fds)
					return
				}
				k.makeView(id, &req, fds)
			}(f.id)
		case opReach:
			var req reachRequest
			err := json.Unmarshal(f.payload, &req)
			closeAll(fds)
			go k.setReach(f.id, req, err)
		case opRunner:
			var req runnerRequest
			err := json.Unmarshal(f.payload, &req)
			closeAll(fds)
			k.aboutRunner(f.id, req, err)
		case opFreeze:
			var req freezeRequest
			err := json.Unmarshal(f.payload, &req)
			closeAll(fds)
			go k.freeze(f.id, req, err)
		default:
			closeAll(fds)
			return
		}
		r.dropBig()
	}
}

func (k *keeper) tell(op op, id uint32, v any, fds []int) {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte(`{"error":{"layer":"keeper","text":"unspeakable reply"}}`)
	}
	var e encoder
	e.reset()
	e.b = append(e.b, text...)
	e.fds = append(e.fds, fds...)
	k.send.Lock()
	defer k.send.Unlock()
	_ = sendFrame(k.sock, header{op: op, id: id}, &e) // a shell that is gone is noticed by serve
}

func (k *keeper) reply(id uint32, v any, fds []int) { k.tell(opDone, id, v, fds) }

// network gives the namespace of a key, made at first need; fresh is true for
// the request that has to hand its doors to the shell.
func (k *keeper) network(pl *Plan) (n *network, fresh bool, err error) {
	k.mu.Lock()
	o := k.nets[pl.Net]
	first := len(k.nets) == 0
	if o == nil {
		o = &netOnce{}
		k.nets[pl.Net] = o
	}
	k.mu.Unlock()
	var own <-chan begunNetwork
	if first {
		own = k.ownNet
	}
	o.once.Do(func() { o.net, o.err = makeNetwork(netPlace{k.base.hostProc, k.innerProc}, own, pl) })
	k.mu.Lock()
	defer k.mu.Unlock()
	fresh = o.err == nil && !o.given
	o.given = o.given || fresh
	return o.net, fresh, o.err
}

// setReach replaces the guard of a network.
func (k *keeper) setReach(id uint32, req reachRequest, err error) {
	k.mu.Lock()
	o := k.nets[req.Net]
	k.mu.Unlock()
	if err == nil && (o == nil || o.net == nil) {
		err = errors.New("no such network")
	}
	if err == nil {
		err = o.net.inside(func() error { return setGuard(req.Reach, o.net.logged) })
	}
	var rep viewReply
	if err != nil {
		rep.Error = toWire(setupError("network", err, ""))
	}
	k.reply(id, rep, nil)
}

// tearDown ends everything inside.
func (k *keeper) tearDown() {
	_ = unix.Kill(k.initPid, unix.SIGKILL)
	for {
		_, err := syscall.Wait4(k.initPid, nil, 0, nil)
		if err != syscall.EINTR {
			break
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range k.nets {
		if o.net != nil {
			o.net.watch.settle()
			// The kernel does so after it has taken the mounts apart, 10 ms later or more.
			o.net.watch.bell.Close()
		}
	}
	k.leaveGroups()
	k.inspect()
	k.removeLate()
}

// innerPid reads the number that a process has in the session.
func (k *keeper) innerPid(pid int) (int, error) {
	fd, err := unix.Openat(k.base.hostProc, strconv.Itoa(pid)+"/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 8192)
	n, err := readRetry(fd, buf)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(buf[:n])) {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			numbers := strings.Fields(rest)
			if len(numbers) > 0 {
				return strconv.Atoi(numbers[len(numbers)-1])
			}
		}
	}
	return 0, errors.New("no NSpid in status")
}
