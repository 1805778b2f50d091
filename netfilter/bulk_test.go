package netfilter

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// pattern gives n bytes of which no two blocks are alike.
type pattern struct{ n, at int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.n {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.n-p.at)]
	for i := range b {
		at := p.at + int64(i)
		b[i] = byte(at ^ at>>8 ^ at>>20)
	}
	p.at += int64(len(b))
	return len(b), nil
}

func sum(t *testing.T, r io.Reader) string {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Error(err)
	}
	return string(h.Sum(nil))
}

func TestCopyRounds(t *testing.T) {
	for _, size := range []int64{0, 1, round - 1, round, round + 1, 2 * round, 5*round + 17} {
		b := newBuffers()
		var got bytes.Buffer
		n, err := b.copy(&got, &pattern{n: size})
		if n != size || err != nil {
			t.Errorf("%d bytes: %d, %v", size, n, err)
		}
		if sum(t, &got) != sum(t, &pattern{n: size}) {
			t.Errorf("%d bytes: other bytes came", size)
		}
	}
}

// More copies at once than there are buffers, over connections: all bytes come,
// and no buffer is used twice or lost.
func TestCopyMany(t *testing.T) {
	const size = 6*round + 4711
	b, want := newBuffers(), sum(t, &pattern{n: size})
	var all sync.WaitGroup
	for range 3 * quickCopies {
		fromServer, server := tcpPair(t)
		client, toClient := tcpPair(t)
		all.Add(3)
		go func() { defer all.Done(); io.Copy(server, &pattern{n: size}); server.Close() }()
		go func() {
			defer all.Done()
			if n, err := b.copy(toClient, fromServer); n != size || err != nil {
				t.Errorf("%d of %d bytes: %v", n, size, err)
			}
			toClient.Close()
		}()
		go func() {
			defer all.Done()
			if sum(t, client) != want {
				t.Error("other bytes came")
			}
		}()
	}
	all.Wait()
	if len(b) != 0 {
		t.Errorf("%d buffers did not come back", len(b))
	}
}

func TestCopyErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range []int64{0, round / 2, 3*round + 5} {
		b := newBuffers()
		n, err := b.copy(io.Discard, io.MultiReader(&pattern{n: size}, failing{broken}))
		if n != size || err != broken {
			t.Errorf("reading fails after %d bytes: %d, %v", size, n, err)
		}
		if _, err := b.copy(failing{broken}, &pattern{n: size + 1}); err != broken {
			t.Errorf("writing fails: %v", err)
		}
		if len(b) != 0 {
			t.Errorf("%d buffers did not come back", len(b))
		}
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error)  { return 0, f.error }
func (f failing) Write([]byte) (int, error) { return 0, f.error }

func tcpPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp4", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// What a client sends is spliced, too: a connection with a slot is one to splice.
func TestCopyFromSlot(t *testing.T) {
	client, door := tcpPair(t)
	up, server := tcpPair(t)
	go func() { io.CopyN(client, &pattern{n: 1 << 20}, 1<<20); client.Close() }()
	go io.Copy(io.Discard, server)
	slot := &tcpInSlot{door.(*net.TCPConn), &slot{free: make(chan struct{}, 1)}}
	from := &source{}
	if _, err := newBuffers().copy(reading{up.(*net.TCPConn), from}, slot); err != nil {
		t.Fatal(err)
	}
	if !from.tcp {
		t.Error("the kernel was not given the connection itself")
	}
}

// reading notes what it is asked to read from.
type reading struct {
	*net.TCPConn
	seen *source
}

type source struct{ tcp bool }

func (r reading) ReadFrom(src io.Reader) (int64, error) {
	if l, ok := src.(*io.LimitedReader); ok {
		_, r.seen.tcp = l.R.(*net.TCPConn)
	}
	return r.TCPConn.ReadFrom(src)
}
