package netfilter

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/events/doorbell"
	"github.com/fsh-sh/fsh/policy"
	"golang.org/x/sys/unix"
)

// The shell S and the proxy process P speak over one stream socket. A frame is
// a length (32 bits, big-endian) and that many bytes of JSON; descriptors
// travel with the length. Every request has an answer with the same Seq.

const (
	maxFrame = 64 << 20 // a policy with a million entries
	maxFiles = 16
)

type op string

const (
	opHello  op = "hello"  // Upstream: proxy variables of the user's environment; Detail
	opAdd    op = "add"    // ID, Network, Doors and one descriptor for each door
	opSet    op = "set"    // ID, Network: new rules for a namespace
	opRemove op = "remove" // ID
	opPing   op = "ping"   // nothing but an answer
	opAnswer op = "answer" // Seq, Error
	opEvent  op = "event"  // Event
	opResolv op = "resolv" // the proxy asks for resolv.conf; Text is the answer
)

// door names a descriptor of an add request.
type door string

// doorOrder is the order of the files of AddNamespace.
var doorOrder = [...]door{"tcp4", "tcp6", "http", "socks", "dns", "dnstcp", "bell"}

type message struct {
	Op       op              `json:"op"`
	Seq      uint64          `json:"seq,omitempty"`
	ID       int             `json:"id,omitempty"`
	Upstream []string        `json:"upstream,omitempty"`
	Detail   bool            `json:"detail,omitempty"`
	Network  *policy.Network `json:"network,omitempty"`
	Doors    []door          `json:"doors,omitempty"`
	Error    string          `json:"error,omitempty"`
	Text     string          `json:"text,omitempty"`
	Event    *events.Event   `json:"event,omitempty"`
	files    []*os.File
}

// channel sends and receives messages. Sends may be concurrent.
type channel struct {
	conn *net.UnixConn
	mu   sync.Mutex
}

func newChannel(f *os.File) (*channel, error) {
	c, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("control descriptor is not a unix socket")
	}
	return &channel{conn: u}, nil
}

func (c *channel) send(m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(body) > maxFrame || len(m.files) > maxFiles {
		return errors.New("message too large")
	}
	var oob []byte
	if len(m.files) > 0 {
		fds := make([]int, len(m.files))
		for i, f := range m.files {
			fds[i] = int(f.Fd())
		}
		oob = unix.UnixRights(fds...)
	}
	var head [4]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(body)))
	c.mu.Lock()
	defer c.mu.Unlock()
	// The socket is blocking for no one: a short write of four bytes into a
	// stream socket happens only when the peer is gone.
	if n, _, err := c.conn.WriteMsgUnix(head[:], oob, nil); err != nil || n != len(head) {
		return errors.Join(errors.New("control socket"), err)
	}
	_, err = c.conn.Write(body)
	return err
}

func (c *channel) receive() (m message, err error) {
	var head [4]byte
	oob := make([]byte, unix.CmsgSpace(maxFiles*4))
	n, oobn, _, _, err := c.conn.ReadMsgUnix(head[:], oob)
	if err != nil {
		return m, err
	}
	if n == 0 {
		return m, io.EOF
	}
	files, err := parseFiles(oob[:oobn])
	if err == nil && n < len(head) {
		_, err = io.ReadFull(c.conn, head[n:])
	}
	size := binary.BigEndian.Uint32(head[:])
	if err == nil && size > maxFrame {
		err = fmt.Errorf("frame of %d bytes", size)
	}
	if err == nil {
		body := make([]byte, size)
		if _, err = io.ReadFull(c.conn, body); err == nil {
			err = json.Unmarshal(body, &m)
		}
	}
	if err != nil {
		closeFiles(files)
		return message{}, err
	}
	m.files = files
	return m, nil
}

func parseFiles(oob []byte) (files []*os.File, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			closeFiles(files)
			return nil, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "door"))
		}
	}
	return files, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// listen turns the descriptors of an add request into Listeners. It consumes
// the files.
func listen(doors []door, files []*os.File) (l Listeners, err error) {
	defer closeFiles(files)
	if len(doors) != len(files) {
		return l, fmt.Errorf("%d doors but %d descriptors", len(doors), len(files))
	}
	for i, d := range doors {
		if d == "dns" {
			l.DNS, err = net.FilePacketConn(files[i])
			if err != nil {
				return l, err
			}
			continue
		}
		if d == "bell" {
			if l.Bell, err = doorbell.NewProxy(files[i]); err != nil {
				return l, err
			}
			continue
		}
		ln, err := net.FileListener(files[i])
		if err != nil {
			return l, err
		}
		switch d {
		case "tcp4", "tcp6":
			l.Transparent = append(l.Transparent, ln)
		case "http":
			l.HTTP = ln
		case "socks":
			l.SOCKS = ln
		case "dnstcp":
			l.DNSTCP = ln
		default:
			ln.Close()
			return l, fmt.Errorf("unknown door %q", d)
		}
	}
	return l, nil
}
