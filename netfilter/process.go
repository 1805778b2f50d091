package netfilter

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// exitSandbox is the status of everything that cannot be set up (DESIGN §1).
const exitSandbox = 125

// proxyProcess is P: the doors of all namespaces of a session.
type proxyProcess struct {
	ch       *channel
	upstream *Upstream
	names    *nameTable
	detail   bool // events of what was allowed are wanted in full
	out      chan outgoing
	resolver *hostResolver

	mu     sync.Mutex
	spaces map[int]*space
	resolv chan message // the question for resolv.conf, if there is one
	// exposed are the ports of this machine that lead inside.
	exposed map[netip.AddrPort]*exposedPort
	lost    int // events that found the queue full
}

type space struct {
	server *Server
	expose []netip.AddrPort
	cancel context.CancelFunc
	done   chan struct{}
}

// outgoing is an event, or a request to close flushed when all before is sent.
type outgoing struct {
	event   events.Event
	flushed chan struct{}
}

// eventQueue bounds what a slow shell makes us keep.
const eventQueue = 4096

// ProxyMain is the proxy process: it restricts itself, then serves until the
// control socket, descriptor number control, ends. It returns the exit status.
func ProxyMain(control int) int {
	ch, err := newChannel(os.NewFile(uintptr(control), "control"))
	if err != nil {
		return exitSandbox
	}
	p := &proxyProcess{ch: ch, names: newNameTable(), spaces: map[int]*space{}, exposed: map[netip.AddrPort]*exposedPort{}, out: make(chan outgoing, eventQueue)}
	p.resolver = newHostResolver(p.askResolvConf)
	err = confine(control)
	hello, herr := ch.receive()
	if herr != nil || hello.Op != opHello {
		return exitSandbox
	}
	if err == nil {
		p.detail = hello.Detail
		p.upstream, err = ParseUpstream(hello.Upstream)
	}
	if p.answer(hello, err) != nil || err != nil {
		return exitSandbox
	}
	go p.sendEvents()
	for {
		m, err := ch.receive()
		if err != nil {
			return 0 // the shell is gone, and with it every reason to run
		}
		if m.Op == opResolv {
			closeFiles(m.files)
			p.resolvConf(m)
			continue
		}
		if p.answer(m, p.handle(m)) != nil {
			return 0
		}
	}
}

func (p *proxyProcess) answer(m message, err error) error {
	a := message{Op: opAnswer, Seq: m.Seq}
	if err != nil {
		a.Error = err.Error()
	}
	return p.ch.send(a)
}

// askResolvConf asks the shell for resolv.conf. The resolver asks one question
// at a time.
func (p *proxyProcess) askResolvConf(ctx context.Context) (string, error) {
	answer := make(chan message, 1)
	p.mu.Lock()
	p.resolv = answer
	p.mu.Unlock()
	if err := p.ch.send(message{Op: opResolv}); err != nil {
		return "", err
	}
	select {
	case m := <-answer:
		if m.Error != "" {
			return "", errors.New(m.Error)
		}
		return m.Text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (p *proxyProcess) resolvConf(m message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resolv != nil {
		p.resolv <- m
		p.resolv = nil
	}
}

func (p *proxyProcess) handle(m message) error {
	if m.Op != opAdd {
		closeFiles(m.files)
	}
	switch m.Op {
	case opAdd:
		return p.add(m)
	case opSet:
		return p.set(m)
	case opRemove:
		return p.remove(m.ID)
	case opPing:
		return nil
	}
	return fmt.Errorf("unknown request %q", m.Op)
}

func (p *proxyProcess) add(m message) error {
	if m.Network == nil || p.find(m.ID) != nil {
		closeFiles(m.files)
		return fmt.Errorf("namespace %d exists or has no rules", m.ID)
	}
	l, err := listen(m.Doors, m.files)
	if err != nil {
		return err
	}
	rules, err := Compile(*m.Network)
	if err != nil {
		return err
	}
	srv, err := New(Config{Rules: rules, Listeners: l, Emit: p.emit, Upstream: p.upstream, AttributeAll: p.detail, Resolve: p.resolver.resolve, names: p.names})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	sp := &space{server: srv, expose: exposedAt(m.Network.ExposePorts), cancel: cancel, done: make(chan struct{})}
	p.mu.Lock()
	err = p.expose(sp)
	if err == nil {
		p.spaces[m.ID] = sp
	}
	p.mu.Unlock()
	if err != nil {
		cancel()
		srv.closeAll()
		return err
	}
	go func() {
		defer close(sp.done)
		if err := srv.Serve(ctx); err != nil {
			p.emit(events.Event{Time: time.Now(), Kind: events.Warning, Message: "network doors closed: " + err.Error()})
		}
	}()
	return nil
}

func (p *proxyProcess) find(id int) *space {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spaces[id]
}

func (p *proxyProcess) set(m message) error {
	sp := p.find(m.ID)
	if sp == nil || m.Network == nil {
		return fmt.Errorf("no namespace %d", m.ID)
	}
	rules, err := Compile(*m.Network)
	if err != nil {
		return err
	}
	sp.server.SetRules(rules)
	return nil
}

func (p *proxyProcess) remove(id int) error {
	sp := p.find(id)
	if sp == nil {
		return fmt.Errorf("no namespace %d", id)
	}
	p.mu.Lock()
	p.unexpose(sp)
	p.mu.Unlock()
	sp.cancel()
	<-sp.done
	flushed := make(chan struct{}) // the answer comes after the last event
	p.out <- outgoing{flushed: flushed}
	<-flushed
	p.mu.Lock()
	delete(p.spaces, id)
	p.mu.Unlock()
	return nil
}

// emit never blocks a door.
func (p *proxyProcess) emit(e events.Event) {
	select {
	case p.out <- outgoing{event: e}:
	default:
		p.mu.Lock()
		p.lost++
		p.mu.Unlock()
	}
}

func (p *proxyProcess) sendEvents() {
	for o := range p.out {
		if o.flushed != nil {
			close(o.flushed)
			continue
		}
		if p.ch.send(message{Op: opEvent, Event: &o.event}) != nil {
			p.ch.conn.Close() // ends ProxyMain
			for o := range p.out {
				if o.flushed != nil {
					close(o.flushed)
				}
			}
			return
		}
		p.mu.Lock()
		lost := p.lost
		p.lost = 0
		p.mu.Unlock()
		if lost > 0 {
			w := events.Event{Time: time.Now(), Kind: events.Warning, Message: fmt.Sprintf("%d network events were lost", lost)}
			if p.ch.send(message{Op: opEvent, Event: &w}) != nil {
				return
			}
		}
	}
}

// proxyVariables picks from an environment what ParseUpstream reads.
func proxyVariables(environ []string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		switch strings.ToLower(name) {
		case "http_proxy", "https_proxy", "all_proxy", "no_proxy":
			out = append(out, kv)
		}
	}
	return out
}
