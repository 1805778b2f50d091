package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// Config says what a session is.
type Config struct {
	// Policy is the effective policy at the start.
	Policy *policy.Policy
	// PolicyFor is the policy in a directory, asked when it is opened: for the
	// start, and by cd. Nil: Policy.
	PolicyFor func(dir string) (*policy.Policy, error)
	Sink      events.Sink
	Script    string // path of the script file, which stays readable; or ""
	Dir       string // absolute; where the session starts
	// Proxy takes the listeners of every network namespace. Nil: connections
	// are accepted by nobody and wait; only for tests.
	Proxy Proxy
	// Reach says what network rules can name, so that everything else is
	// refused at once. Nil: nothing.
	Reach func(*policy.Network) (Reach, error)
	// Monitor reports files that programs were refused.
	Monitor bool
	// Weaker are the layers (WeakerLayers) that a session on a machine without
	// user namespaces may do without.
	Weaker []string
	// Log is where runners write when they crash; nil: nowhere.
	Log *os.File
	// Unusable is told why the session cannot start. Nothing has run, and
	// nothing will: it may end the process. Nil: whoever asked is told.
	Unusable func(error)
	// NoFiles says that none of the descriptors that commands will get is of a
	// file of this user's that the session has not opened itself. Then nobody
	// needs to look at what they do to attributes.
	NoFiles bool
	// NoAppended says that none of them was opened to append to a file.
	NoAppended bool
	// DropRights restricts this whole process once the first runner and the
	// proxy run: see shellRows.
	DropRights bool
}

// Proxy is the part of the network filter that a session needs.
type Proxy interface {
	// Prepare tells, without waiting for anything, that AddNamespace will soon
	// be called.
	Prepare()
	// AddNamespace takes the listeners made in a new namespace, by the names
	// Door…, and from then on decides by n. The files belong to the callee.
	// id names the namespace from then on.
	AddNamespace(id string, doors map[string]*os.File, n *policy.Network) error
	// SetNetwork gives a namespace new rules; connections they deny end.
	SetNetwork(id string, n *policy.Network) error
}

// Session is one sandbox: a keeper, started when first needed, and its
// runners.
type Session struct {
	cfg Config

	start    sync.Once
	startErr error
	pid      int // the keeper's
	sock     int
	private  *privateStore

	send sync.Mutex
	mu   sync.Mutex
	next uint32
	// waiting are the requests without an answer, gone the runners alive.
	waiting map[uint32]chan answer
	gone    map[uint32]chan ending
	fates   map[uint32]<-chan ending  // of runners that startRunner has not taken up yet
	rules   map[uint32]*policy.Policy // of views
	refused error                     // why the keeper could not set itself up
	lost    error                     // why the keeper is no more
	ended   chan struct{}
	// shellView is the view whose runner has the number $$.
	shellView uint32
	number    int
	fleet     fleet
	nets      sessionNets
	locked    sync.Once
	lockErr   error
	// bare is why the session has no namespaces, nil if it has.
	bare error
	weak weakened
	// strict forbids falling back, onlyBare is nothing else: see Layers.
	strict, onlyBare bool
	// noCores is for tests, on machines whose cores are files.
	noCores bool
	changed atomic.Pointer[policy.Policy]
	temp    string // TMPDIR of a bare session
	// bareEnv leads to places that stand for others, see bareEnviron.
	bareEnv  []string
	homeless sync.Once
	// autogroup is the nice value from before there were commands.
	autogroup string
}

type answer struct {
	reply viewReply
	fds   []int
	err   error
}

// New makes a session. Nothing is started and nothing is checked yet but the
// configuration itself.
func New(cfg Config) (*Session, error) {
	if cfg.Policy == nil || !filepath.IsAbs(cfg.Dir) {
		return nil, errors.New("sandbox: a session needs a policy and an absolute directory")
	}
	return &Session{
		cfg: cfg, sock: -1, ended: make(chan struct{}),
		waiting: map[uint32]chan answer{}, gone: map[uint32]chan ending{}, fates: map[uint32]<-chan ending{},
		rules: map[uint32]*policy.Policy{},
	}, nil
}

// ensure starts the keeper. Requests may be sent at once: it reads them while
// it sets itself up, and if it cannot, they fail with the reason.
func (s *Session) ensure() error {
	s.start.Do(func() { s.startErr = s.startKeeper() })
	return s.startErr
}

func (s *Session) startKeeper() error {
	s.autogroup = autogroupNice()
	if s.onlyBare {
		return s.fallBack(errors.New("not asked for"))
	}
	err := s.startKeeperBy(forkKeeper)
	if refusedNamespaces(err) && !s.strict {
		return s.fallBack(err)
	}
	return err
}

func (s *Session) startKeeperBy(fork func(sock int) (pid int, err error)) error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return &SetupError{Layer: "keeper", Err: err}
	}
	s.pid, err = fork(pair[1])
	syscall.Close(pair[1])
	if err != nil {
		syscall.Close(pair[0])
		return err
	}
	s.sock = pair[0]
	go s.read()
	return nil
}

// read takes the keeper's messages until it is gone.
func (s *Session) read() {
	r := newFrameReader(s.sock, inlinePayload+headerSize, 16)
	var f frame
	var err error
	for {
		if err = r.next(&f); err != nil {
			break
		}
		switch f.op {
		case opDone:
			s.answered(&f)
		case opGone:
			var n goneNote
			if json.Unmarshal(f.payload, &n) == nil {
				s.runnerGone(n)
			}
		case opStopped:
			var n stoppedNote
			if json.Unmarshal(f.payload, &n) == nil {
				go s.stopShell(n.View)
			}
		case opLimit:
			var n limitNote
			if json.Unmarshal(f.payload, &n) == nil {
				s.limited(n)
			}
		case opDenied:
			var n deniedNote
			if json.Unmarshal(f.payload, &n) == nil {
				s.denied(n)
			}
		case opFound:
			var n foundNote
			if json.Unmarshal(f.payload, &n) == nil {
				s.found(n)
			}
		case opMasked:
			var n maskedNote
			if json.Unmarshal(f.payload, &n) == nil {
				s.masked(n)
			}
		}
	}
	r.close()
	s.keeperGone(err)
}

func (s *Session) answered(f *frame) {
	a := answer{fds: append([]int(nil), f.fds...)}
	if err := json.Unmarshal(f.payload, &a.reply); err != nil {
		a.err = &SetupError{Layer: "keeper", Err: err}
	} else if a.reply.Error != nil {
		a.err = a.reply.Error.err()
	}
	s.mu.Lock()
	ch := s.waiting[f.id]
	delete(s.waiting, f.id)
	if f.id == 0 && a.err != nil {
		s.refused = explainDynamic(a.err)
	}
	s.mu.Unlock()
	if ch == nil {
		closeAll(a.fds)
		return
	}
	ch <- a
}

func (s *Session) runnerGone(n goneNote) {
	s.mu.Lock()
	ch := s.gone[n.View]
	delete(s.gone, n.View)
	s.mu.Unlock()
	if ch != nil {
		ch <- n.ending
	}
}

// masked tells people that somebody outside touched a protected path.
func (s *Session) masked(n maskedNote) {
	if n.Paths == nil {
		s.emit(events.Event{Kind: events.Warning, Message: "protected paths are not watched: inotify is refused"})
	}
	for _, p := range n.Paths {
		s.emit(events.Event{Kind: events.Warning, Action: "mask", Target: p,
			Message: "was replaced from outside the sandbox, and is protected again"})
	}
}

// found tells people what the session leaves behind, or somebody made meanwhile.
func (s *Session) found(n foundNote) {
	e := events.Event{Kind: events.Warning, Action: n.What, Target: n.Path}
	switch n.What {
	case "moved":
		e.Message = "was made inside the sandbox in spite of its rules, and is in quarantine"
		e.Hint = "fsh quarantine show " + n.Where
	case "appeared":
		e.Message = "appeared while the sandbox ran, and is protected now; if you did not make it, look at it"
	case "repository":
		e.Message = "was made inside the sandbox, and git will run what it says: " + n.Detail
		e.Hint = "look at it before you use git there"
	}
	s.emit(e)
}

// keeperGone fails everything that waits: the kernel has ended the sandbox.
func (s *Session) keeperGone(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = s.refused
	if s.lost == nil {
		s.lost = &SetupError{Layer: "keeper", Err: fmt.Errorf("the sandbox ended: %w", cause)}
	}
	for id, ch := range s.waiting {
		delete(s.waiting, id)
		ch <- answer{err: s.lost}
	}
	for id, ch := range s.gone {
		delete(s.gone, id)
		close(ch)
	}
	close(s.ended)
}

// ask sends an encoded request and waits for its answer. p is the policy of a
// view.
func (s *Session) ask(op op, text []byte, p *policy.Policy, fds []int) (id uint32, a answer) {
	ch := make(chan answer, 1)
	s.mu.Lock()
	if s.lost != nil {
		defer s.mu.Unlock()
		return 0, answer{err: s.lost}
	}
	s.next++
	id = s.next
	s.waiting[id] = ch
	if op == opView {
		s.gone[id] = make(chan ending, 1)
		s.fates[id] = s.gone[id]
		s.rules[id] = p
	}
	s.mu.Unlock()
	var e encoder
	e.reset()
	e.b, e.fds = append(e.b, text...), append(e.fds, fds...)
	s.send.Lock()
	err := sendFrame(s.sock, header{op: op, id: id}, &e)
	s.send.Unlock()
	switch err {
	case nil, syscall.EPIPE, syscall.ECONNRESET: // the reader learns why it is gone
		return id, <-ch
	}
	s.mu.Lock()
	delete(s.waiting, id)
	s.mu.Unlock()
	return id, answer{err: &SetupError{Layer: "keeper", Err: err}}
}

// Close ends everything inside and waits until it is gone.
func (s *Session) Close() error {
	s.start.Do(func() { s.startErr = errors.New("sandbox: session is closed") })
	if s.sock < 0 {
		return nil
	}
	s.closeRunners()
	s.endKeeper()
	return nil
}

func (s *Session) endKeeper() {
	s.reapKeeper()
	s.private.close()
	restoreAutogroup(s.autogroup)
}

func (s *Session) reapKeeper() {
	// The keeper answers the end of the stream with its own, once everything
	// inside is dead and the host's directories are tidy. What the kernel
	// still does to take down its namespaces nobody needs to wait for.
	_ = unix.Shutdown(s.sock, unix.SHUT_WR)
	<-s.ended
	go func() {
		for {
			if _, err := syscall.Wait4(s.pid, nil, 0, nil); err != syscall.EINTR {
				return
			}
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sock >= 0 {
		syscall.Close(s.sock)
		s.sock = -1
	}
}
