//go:build linux

package main

import (
	"os"
	"sync"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/netfilter"
	"github.com/fsh-sh/fsh/policy"
	"github.com/fsh-sh/fsh/sandbox"
)

// proxy starts the session's proxy process when the first network namespace
// needs it, and passes its events on. It implements sandbox.Proxy.
type proxy struct {
	sink events.Sink
	env  []string // the user's: an upstream proxy may be named there
	// detail: what is allowed is of interest, too.
	detail bool

	prepare sync.Once
	ready   chan struct{} // process or failed is set

	mu      sync.Mutex
	process *netfilter.Proxy
	failed  error
	ids     map[string]int // of namespaces
	done    chan struct{}  // all events have been passed on
	closing chan struct{}  // the end is wanted
}

// doors is the order in which netfilter takes the listeners.
var doors = []string{
	sandbox.DoorTCP4, sandbox.DoorTCP6, sandbox.DoorHTTP, sandbox.DoorSOCKS, sandbox.DoorDNSUDP, sandbox.DoorDNSTCP, sandbox.DoorBell,
}

// reach is what rules can name, for the guard inside the namespace.
func reach(n *policy.Network) (sandbox.Reach, error) {
	rules, err := netfilter.Compile(*n)
	if err != nil {
		return nil, err
	}
	var out sandbox.Reach
	for _, r := range rules.Reach() {
		out = append(out, sandbox.ReachEntry{Prefix: r.Prefix, Except: r.Except, Lo: r.Lo, Hi: r.Hi, Refuse: r.Refuse})
	}
	return out, nil
}

// Prepare implements sandbox.Proxy: the process starts while the keeper makes
// the namespace.
func (p *proxy) Prepare() {
	p.prepare.Do(func() {
		p.ready = make(chan struct{})
		go func() {
			defer close(p.ready)
			p.process, p.failed = netfilter.StartProxy(netfilter.ProxyConfig{Exe: "/proc/self/exe", Environ: p.env, Detail: p.detail})
			if p.failed != nil {
				return
			}
			p.ids, p.done, p.closing = map[string]int{}, make(chan struct{}), make(chan struct{})
			go p.passOn(p.process.Events())
			go p.watch(p.process)
		}()
	})
}

func (p *proxy) passOn(from <-chan events.Event) {
	defer close(p.done)
	for e := range from {
		p.sink.Emit(e)
	}
}

// AddNamespace implements sandbox.Proxy.
func (p *proxy) AddNamespace(id string, named map[string]*os.File, rules *policy.Network) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	files := make([]*os.File, len(doors))
	for i, name := range doors {
		files[i] = named[name]
	}
	p.Prepare()
	<-p.ready
	if p.failed != nil {
		closeDoors(files)
		return p.failed
	}
	number := len(p.ids) + 1
	err := p.process.AddNamespace(number, *rules, files)
	if err == nil {
		p.ids[id] = number
	}
	closeDoors(files)
	return err
}

func closeDoors(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// SetNetwork implements sandbox.Proxy.
func (p *proxy) SetNetwork(id string, rules *policy.Network) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil || p.ids[id] == 0 {
		return netfilter.ErrProxyGone
	}
	return p.process.SetNetwork(p.ids[id], *rules)
}

// pingEvery is how often the proxy process is asked for a sign of life.
const pingEvery = 5 * time.Second

// watch says when the proxy process has ended, or hangs, which ends it: its
// clients then fail instead of waiting. There is no other way out, and no
// second proxy: this process has given up the right to start one.
func (p *proxy) watch(process *netfilter.Proxy) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	text := "the network proxy has ended: the session has no network any more"
	for {
		select {
		case <-p.closing:
			return
		case <-process.Done():
			select {
			case <-p.closing:
			default:
				p.sink.Emit(events.Event{Time: time.Now(), Kind: events.Warning, Message: text,
					Hint: "everything else goes on; start fsh again for connections"})
			}
			return
		case <-tick.C:
			if process.Ping() != nil {
				text = "the network proxy did not answer and was ended: the session has no network any more"
				process.Kill()
				<-process.Done()
			}
		}
	}
}

// close ends the proxy process after its last event.
func (p *proxy) close() {
	p.prepare.Do(func() {}) // it is too late to start one
	if p.ready != nil {
		<-p.ready
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		close(p.closing)
		for _, id := range p.ids {
			p.process.RemoveNamespace(id) // what still runs there reports itself
		}
		p.process.Close()
		<-p.done
		p.process = nil
	}
}
