package main

import (
	"os"
	"sync"

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
	next    int
	done    chan struct{} // all events have been passed on
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
			p.done = make(chan struct{})
			go p.passOn(p.process.Events())
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
func (p *proxy) AddNamespace(named map[string]*os.File, rules *policy.Policy) error {
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
	p.next++
	err := p.process.AddNamespace(p.next, rules.Network, files)
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

// close ends the proxy process after its last event.
func (p *proxy) close() {
	p.prepare.Do(func() {}) // it is too late to start one
	if p.ready != nil {
		<-p.ready
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		for id := 1; id <= p.next; id++ {
			p.process.RemoveNamespace(id) // what still runs there reports itself
		}
		p.process.Close()
		<-p.done
		p.process = nil
	}
}
