// Package doorbell is what the keeper and the proxy tell each other about
// connections: the keeper, which sees processes, says which one is behind a
// connection and what was refused before it reached a door; the proxy, which
// knows the rules, asks and explains. The keeper also makes the proxy sockets
// inside the namespace, to reach servers that run there.
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

	"golang.org/x/sys/unix"
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
	Flow    Flow    `json:"flow,omitzero"`
	Process Process `json:"process,omitzero"`
	// Socket asks for a socket of this family, "tcp4" or "tcp6"; the answer
	// carries it, or an error.
	Socket string `json:"socket,omitempty"`
	Error  string `json:"error,omitempty"`
	file   *os.File
}

// maxMessage is far above any message; a longer one breaks the conversation.
const maxMessage = 4 << 10

// askWait is how long a question may take. A keeper that does not answer must
// not hold up connections: the process is unknown then.
const askWait = time.Second

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
	var oob []byte
	if m.file != nil {
		oob = unix.UnixRights(int(m.file.Fd()))
	}
	_, _, err = w.c.WriteMsgUnix(text, oob, nil)
	return err
}

func (w wire) receive() (m message, err error) {
	var buf [maxMessage]byte
	var oob [64]byte // room for one descriptor
	n, oobn, _, _, err := w.c.ReadMsgUnix(buf[:], oob[:])
	if err != nil {
		return m, err
	}
	m.file = firstFile(oob[:oobn])
	if n == 0 {
		return m, net.ErrClosed
	}
	return m, json.Unmarshal(buf[:n], &m)
}

func firstFile(oob []byte) *os.File {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil && len(fds) > 0 {
			unix.CloseOnExec(fds[0])
			return os.NewFile(uintptr(fds[0]), "inside")
		}
	}
	return nil
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

// Answers is what the keeper knows and can do.
type Answers struct {
	Who func(Flow) Process
	// Socket makes an unconnected TCP socket inside, which does not block.
	Socket func(v6 bool) (*os.File, error)
}

// Serve answers questions until the proxy is gone.
func (k *Keeper) Serve(a Answers) {
	for {
		m, err := k.w.receive()
		if err != nil {
			k.w.c.Close()
			return
		}
		answer := message{ID: m.ID}
		if m.Socket == "" {
			answer.Process = a.Who(m.Flow)
		} else if answer.file, err = a.Socket(m.Socket == "tcp6"); err != nil {
			answer.Error = err.Error()
		}
		_ = k.w.c.SetWriteDeadline(time.Now().Add(askWait))
		_ = k.w.send(answer)
		if answer.file != nil {
			answer.file.Close()
		}
	}
}

// Close ends the stream behind what was said: the proxy need not wait for more.
func (k *Keeper) Close() { k.w.c.Close() }

// Proxy is the proxy's end.
type Proxy struct {
	w       wire
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan message
	gone    bool
}

// NewProxy consumes the file.
func NewProxy(f *os.File) (*Proxy, error) {
	w, err := newWire(f)
	return &Proxy{w: w, waiting: map[uint64]chan message{}}, err
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
		ch := p.waiting[m.ID]
		delete(p.waiting, m.ID)
		p.mu.Unlock()
		if ch != nil {
			ch <- m
		} else if m.file != nil {
			m.file.Close()
		}
	}
	p.w.c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	for id, ch := range p.waiting {
		delete(p.waiting, id)
		ch <- message{Error: ErrGone.Error()}
	}
}

// drainWait is for what has been said already; a keeper that is gone has
// ended the stream behind it.
const drainWait = 50 * time.Millisecond

// Drain makes Serve return when it has heard what was said so far.
func (p *Proxy) Drain() { _ = p.w.c.SetReadDeadline(time.Now().Add(drainWait)) }

// ErrGone: the keeper does not answer.
var ErrGone = errors.New("the keeper does not answer")

// maxAsking bounds the questions that wait. A program makes connections, and asks
// for names, faster than the keeper can tell who it is.
const maxAsking = 256

// Who asks for the process behind a flow. Serve must be running. It is unknown when
// too many are being asked for.
func (p *Proxy) Who(f Flow) Process { return p.ask(message{Flow: f}).Process }

// Socket asks for a TCP socket inside.
func (p *Proxy) Socket(v6 bool) (*os.File, error) {
	family := "tcp4"
	if v6 {
		family = "tcp6"
	}
	m := p.ask(message{Socket: family})
	if m.Error == "" && m.file == nil {
		m.Error = "no socket came"
	}
	if m.Error != "" {
		if m.file != nil {
			m.file.Close()
		}
		return nil, errors.New(m.Error)
	}
	return m.file, nil
}

func (p *Proxy) ask(m message) message {
	answer := make(chan message, 1)
	p.mu.Lock()
	if p.gone {
		p.mu.Unlock()
		return message{Error: ErrGone.Error()}
	}
	if m.Socket == "" && len(p.waiting) >= maxAsking {
		p.mu.Unlock()
		return message{Error: "too many questions"}
	}
	p.last++
	m.ID = p.last
	p.waiting[m.ID] = answer
	p.mu.Unlock()
	_ = p.w.c.SetWriteDeadline(time.Now().Add(askWait))
	if err := p.w.send(m); err != nil {
		p.forget(m.ID)
		return message{Error: err.Error()}
	}
	timer := time.NewTimer(askWait)
	defer timer.Stop()
	select {
	case a := <-answer:
		return a
	case <-timer.C:
		if p.forget(m.ID) {
			return message{Error: ErrGone.Error()}
		}
		return <-answer // it is on its way
	}
}

// forget tells whether no answer has been taken for a question.
func (p *Proxy) forget(id uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, waits := p.waiting[id]
	delete(p.waiting, id)
	return waits
}
