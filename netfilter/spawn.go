package netfilter

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

const (
	// ProxyName is argv[0] of the proxy process; cmd/fsh then calls
	// ProxyMain(ProxyControl).
	ProxyName    = "fsh-proxy"
	ProxyControl = 3
	answerWait   = 10 * time.Second
	maxBacklog   = 16384 // events that nobody took yet; then the oldest go
)

// ErrProxyGone is returned once the proxy process has ended. The sandbox has
// no network then: its only ways out are listeners that died with it.
var ErrProxyGone = errors.New("the network proxy process has ended")

// Proxy is the shell's side of the proxy process.
type Proxy struct {
	proc   *os.Process
	ch     *channel
	events chan events.Event
	gone   chan struct{}

	mu      sync.Mutex
	wake    *sync.Cond
	seq     uint64
	waiting map[uint64]chan message
	backlog []events.Event
	closed  bool
}

// ProxyConfig says how to start the proxy process.
type ProxyConfig struct {
	Exe     string   // this program: /proc/self/exe or a path
	Environ []string // the user's, of which only the proxy variables are used
	// Detail: events of allowed connections name the process, too.
	Detail bool
}

// StartProxy starts the proxy process. It returns when the process has
// restricted itself.
func StartProxy(cfg ProxyConfig) (*Proxy, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	mine, theirs := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	proc, err := startProcess(cfg.Exe, theirs)
	theirs.Close()
	if err != nil {
		mine.Close()
		return nil, fmt.Errorf("start the network proxy: %w", err)
	}
	ch, err := newChannel(mine)
	if err != nil {
		proc.Kill()
		proc.Wait()
		return nil, err
	}
	p := &Proxy{proc: proc, ch: ch, events: make(chan events.Event), gone: make(chan struct{}),
		waiting: map[uint64]chan message{}}
	p.wake = sync.NewCond(&p.mu)
	go p.receive()
	go p.pump()
	if err := p.ask(message{Op: opHello, Upstream: proxyVariables(cfg.Environ), Detail: cfg.Detail}); err != nil {
		p.Close()
		return nil, fmt.Errorf("start the network proxy: %w", err)
	}
	return p, nil
}

// startProcess runs exe with nothing of this process but the control socket:
// no environment, no terminal (a session of its own, so that no key reaches
// it), no directory.
func startProcess(exe string, control *os.File) (*os.Process, error) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	return os.StartProcess(exe, []string{ProxyName}, &os.ProcAttr{
		Dir: "/", Env: []string{}, Files: []*os.File{null, null, null, control},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

// Pid is the proxy's process number, for diagnosis.
func (p *Proxy) Pid() int { return p.proc.Pid }

// Done is closed when the proxy process is gone.
func (p *Proxy) Done() <-chan struct{} { return p.gone }

// Events yields what the doors have to say. It is closed after Close, or when
// the process is gone and everything was taken.
func (p *Proxy) Events() <-chan events.Event { return p.events }

// AddNamespace hands the doors of a network namespace over. files are, in
// order: transparent TCP over IPv4, the same over IPv6, HTTP proxy, SOCKS
// proxy, DNS over UDP, DNS over TCP, doorbell; nil for one that does not exist. The
// caller keeps its own copies and must close them, in every process, or
// clients hang instead of failing when the proxy is gone.
func (p *Proxy) AddNamespace(id int, n policy.Network, files []*os.File) error {
	m := message{Op: opAdd, ID: id, Network: &n}
	if len(files) > len(doorOrder) {
		return fmt.Errorf("more than %d doors", len(doorOrder))
	}
	for i, f := range files {
		if f != nil {
			m.Doors, m.files = append(m.Doors, doorOrder[i]), append(m.files, f)
		}
	}
	return p.ask(m)
}

// SetNetwork gives a namespace new rules; connections they deny are reset.
func (p *Proxy) SetNetwork(id int, n policy.Network) error {
	return p.ask(message{Op: opSet, ID: id, Network: &n})
}

// RemoveNamespace closes the doors of a namespace.
func (p *Proxy) RemoveNamespace(id int) error {
	return p.ask(message{Op: opRemove, ID: id})
}

// Ping tells whether the process answers.
func (p *Proxy) Ping() error { return p.ask(message{Op: opPing}) }

// Kill ends a process that does not answer.
func (p *Proxy) Kill() error { return p.proc.Kill() }

// Close ends the proxy process and everything it carries.
func (p *Proxy) Close() error {
	p.ch.conn.Close()
	<-p.gone
	return nil
}

// ask sends a request and waits for its answer.
func (p *Proxy) ask(m message) error {
	answer := make(chan message, 1)
	p.mu.Lock()
	p.seq++
	m.Seq = p.seq
	p.waiting[m.Seq] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.waiting, m.Seq)
		p.mu.Unlock()
	}()
	if err := p.ch.send(m); err != nil {
		return errors.Join(ErrProxyGone, err)
	}
	timer := time.NewTimer(answerWait)
	defer timer.Stop()
	select {
	case a := <-answer:
		if a.Error != "" {
			return errors.New(a.Error)
		}
		return nil
	case <-p.gone:
		return ErrProxyGone
	case <-timer.C:
		return fmt.Errorf("the network proxy does not answer")
	}
}

// receive never waits for the taker of events, so that answers always pass.
func (p *Proxy) receive() {
	for {
		m, err := p.ch.receive()
		if err != nil {
			break
		}
		p.mu.Lock()
		switch {
		case m.Op == opAnswer && p.waiting[m.Seq] != nil:
			p.waiting[m.Seq] <- m
			delete(p.waiting, m.Seq)
		case m.Op == opResolv:
			go p.tellResolvConf()
		case m.Op == opEvent && m.Event != nil:
			if len(p.backlog) >= maxBacklog {
				p.backlog = p.backlog[1:]
			}
			p.backlog = append(p.backlog, *m.Event)
			p.wake.Signal()
		}
		closeFiles(m.files) // an answer has none
		p.mu.Unlock()
	}
	p.ch.conn.Close()
	p.proc.Kill() // it ends by itself on EOF; a hung one must not stay
	p.proc.Wait()
	p.mu.Lock()
	p.closed = true
	p.wake.Signal()
	p.mu.Unlock()
	close(p.gone)
}

func (p *Proxy) tellResolvConf() {
	m := message{Op: opResolv}
	var err error
	if m.Text, err = readResolvConf(); err != nil {
		m.Error = err.Error()
	}
	_ = p.ch.send(m) // a process that is gone needs no answer
}

// lastWords is how long events that nobody takes are offered after the end.
const lastWords = time.Second

func (p *Proxy) pump() {
	defer close(p.events)
	for {
		p.mu.Lock()
		for len(p.backlog) == 0 && !p.closed {
			p.wake.Wait()
		}
		if len(p.backlog) == 0 {
			p.mu.Unlock()
			return
		}
		e := p.backlog[0]
		p.backlog = p.backlog[1:]
		ended := p.closed
		p.mu.Unlock()
		if !p.offer(e, ended) {
			return
		}
	}
}

func (p *Proxy) offer(e events.Event, ended bool) bool {
	gone := p.gone
	if ended {
		gone = nil
	}
	select {
	case p.events <- e:
		return true
	case <-gone:
	case <-after(ended, lastWords):
		return false
	}
	select {
	case p.events <- e:
		return true
	case <-time.After(lastWords):
		return false
	}
}

func after(on bool, d time.Duration) <-chan time.Time {
	if !on {
		return nil
	}
	return time.After(d)
}
