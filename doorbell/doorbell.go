// Package doorbell is what the keeper and the proxy tell each other about
// connections: the keeper, which sees processes, says which one is behind a
// connection and what was refused before it reached a door; the proxy, which
// knows the rules, asks and explains.
//
// It is a package of its own because neither of the two may import the other.
package doorbell

import (
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Flow is a connection as its client sees it. To is where the client meant to
// go, before any redirection.
type Flow struct {
	Proto string         `json:"proto"` // "tcp" or "udp"
	From  netip.AddrPort `json:"from"`
	To    netip.AddrPort `json:"to"`
}

// Process is who made a flow. The zero value means that nobody knows: the
// process was gone when it was looked for.
type Process struct {
	Pid  int    `json:"pid,omitempty"` // inner number
	Name string `json:"name,omitempty"`
}

type message struct {
	// ID is the number of a question, in its answer too; 0 is a refusal.
	ID      uint64  `json:"id,omitempty"`
	Flow    Flow    `json:"flow"`
	Process Process `json:"process"`
}

// maxMessage is far above any message; a longer one breaks the conversation.
const maxMessage = 4 << 10

// askWait is how long a question may take. A keeper that does not answer must
// not hold up connections: the process is unknown then.
const askWait = 500 * time.Millisecond

type wire struct{ c *net.UnixConn }

// newWire takes a SOCK_SEQPACKET socket and consumes the file.
func newWire(f *os.File) (wire, error) {
	c, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return wire{}, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return wire{}, errors.New("doorbell: not a unix socket")
	}
	return wire{u}, nil
}

func (w wire) send(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.c.Write(text)
	return err
}

func (w wire) receive() (m message, err error) {
	var buf [maxMessage]byte
	n, err := w.c.Read(buf[:])
	if err != nil {
		return m, err
	}
	if n == 0 {
		return m, net.ErrClosed
	}
	return m, json.Unmarshal(buf[:n], &m)
}

// Keeper is the keeper's end.
type Keeper struct{ w wire }

// NewKeeper consumes the file.
func NewKeeper(f *os.File) (*Keeper, error) {
	w, err := newWire(f)
	return &Keeper{w}, err
}

// refusedWait bounds what a proxy that stands still costs the keeper.
const refusedWait = 10 * time.Millisecond

// Refused tells of a flow that went nowhere. What a stalled proxy has no room
// for is lost: the refusal itself has happened.
func (k *Keeper) Refused(f Flow, p Process) {
	_ = k.w.c.SetWriteDeadline(time.Now().Add(refusedWait))
	_ = k.w.send(message{Flow: f, Process: p})
}

// Serve answers questions until the proxy is gone.
func (k *Keeper) Serve(who func(Flow) Process) {
	for {
		m, err := k.w.receive()
		if err != nil {
			k.w.c.Close()
			return
		}
		_ = k.w.c.SetWriteDeadline(time.Now().Add(askWait))
		_ = k.w.send(message{ID: m.ID, Process: who(m.Flow)})
	}
}

// Proxy is the proxy's end.
type Proxy struct {
	w       wire
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan Process
	gone    bool
}

// NewProxy consumes the file.
func NewProxy(f *os.File) (*Proxy, error) {
	w, err := newWire(f)
	return &Proxy{w: w, waiting: map[uint64]chan Process{}}, err
}

// Serve hands refused flows on until the keeper is gone or after Drain.
func (p *Proxy) Serve(refused func(Flow, Process)) {
	for {
		m, err := p.w.receive()
		if err != nil {
			break
		}
		if m.ID == 0 {
			refused(m.Flow, m.Process)
			continue
		}
		p.mu.Lock()
		if ch := p.waiting[m.ID]; ch != nil {
			delete(p.waiting, m.ID)
			ch <- m.Process
		}
		p.mu.Unlock()
	}
	p.w.c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	for id, ch := range p.waiting {
		delete(p.waiting, id)
		ch <- Process{}
	}
}

// drainWait is for what has been said already; a keeper that is gone has
// ended the stream behind it.
const drainWait = 50 * time.Millisecond

// Drain makes Serve return when it has heard what was said so far.
func (p *Proxy) Drain() { _ = p.w.c.SetReadDeadline(time.Now().Add(drainWait)) }

// Who asks for the process behind a flow. Serve must be running.
func (p *Proxy) Who(f Flow) Process {
	answer := make(chan Process, 1)
	p.mu.Lock()
	if p.gone {
		p.mu.Unlock()
		return Process{}
	}
	p.last++
	id := p.last
	p.waiting[id] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.waiting, id)
		p.mu.Unlock()
	}()
	_ = p.w.c.SetWriteDeadline(time.Now().Add(askWait))
	if p.w.send(message{ID: id, Flow: f}) != nil {
		return Process{}
	}
	timer := time.NewTimer(askWait)
	defer timer.Stop()
	select {
	case who := <-answer:
		return who
	case <-timer.C:
		return Process{}
	}
}
