package sandbox

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func socketpair(t testing.TB) [2]int {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	return pair
}

// Frames arrive as they were sent, with their descriptors, however they are
// mixed in the stream.
func TestFramesRoundTrip(t *testing.T) {
	pair := socketpair(t)
	defer closeAll(pair[:])
	sizes := []int{0, 1, 100, inlinePayload, inlinePayload + 1, 1 << 20, 3}
	go func() {
		for i, size := range sizes {
			var e encoder
			e.reset()
			e.b = append(e.b, make([]byte, size)...)
			for range i % 3 {
				e.fds = append(e.fds, 0)
			}
			_ = sendFrame(pair[0], header{id: uint32(i), op: opStat, arg: int32(-i)}, &e)
		}
		_ = syscall.Shutdown(pair[0], syscall.SHUT_WR)
	}()
	r := newFrameReader(pair[1], inlinePayload+headerSize, 8)
	var f frame
	for i, size := range sizes {
		must(t, r.next(&f))
		if f.id != uint32(i) || len(f.payload) != size || len(f.fds) != i%3 || f.arg != int32(-i) {
			t.Errorf("frame %d: %+v, %d bytes, fds %v", i, f.header, len(f.payload), f.fds)
		}
		f.closeFiles()
	}
	if err := r.next(&f); err != io.EOF {
		t.Errorf("end: %v", err)
	}
}

func TestBadFrames(t *testing.T) {
	head := func(h header) []byte {
		b := make([]byte, headerSize)
		h.put(b)
		return b
	}
	for name, c := range map[string]struct {
		bytes []byte
		fds   int
		want  error
	}{
		"long":             {head(header{size: inlinePayload + 1}), 0, errProtocol},
		"very long":        {head(header{size: bigBit | maxPayload + 1, files: 1}), 1, errProtocol},
		"big without file": {head(header{size: bigBit | 5}), 0, errProtocol},
		"file is short":    {head(header{size: bigBit | 5, files: 1}), 1, errProtocol},
		"too many files":   {head(header{files: maxFrameFiles + 2}), 0, errProtocol},
		"files missing":    {head(header{files: 2}), 1, errProtocol},
		"files unasked":    {head(header{}), 1, errProtocol},
		"many unasked":     {head(header{}), 9, errProtocol},
		"half a header":    {head(header{})[:9], 0, io.ErrUnexpectedEOF},
		"half a payload":   {append(head(header{size: 3}), 1), 0, io.ErrUnexpectedEOF},
	} {
		before := count(t, "/proc/self/fd")
		pair := socketpair(t)
		null, err := os.Open(os.DevNull)
		must(t, err)
		var fds []int
		for range c.fds {
			fds = append(fds, int(null.Fd()))
		}
		must(t, sendAll(pair[0], c.bytes, fds))
		syscall.Close(pair[0])
		r := newFrameReader(pair[1], inlinePayload+headerSize, clientFiles)
		var f frame
		if err := r.next(&f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		r.close()
		null.Close()
		syscall.Close(pair[1])
		if after := count(t, "/proc/self/fd"); after > before {
			t.Errorf("%s: %d descriptors leaked", name, after-before)
		}
	}
}

// fuzzConn is a connection with one open request of each kind.
func fuzzConn(sock, events int) (*runnerConn, []*call) {
	rc := &runnerConn{sock: sock, events: events, calls: map[uint32]*call{}, in: newFrameReader(sock, inlinePayload+headerSize, clientFiles)}
	calls := []*call{{process: true}, {wantFD: true}, {}}
	for _, c := range calls {
		rc.register(c)
	}
	return rc, calls
}

// What a hostile runner says ends in an error, never in a panic or a hang,
// and leaves no descriptors behind.
func FuzzFrame(f *testing.F) {
	frame := func(h header, payload string) []byte {
		b := make([]byte, headerSize)
		h.size = uint32(len(payload))
		h.put(b)
		return append(b, payload...)
	}
	f.Add(frame(header{id: 1, op: opStarted, arg: 5}, ""), uint8(0))
	f.Add(frame(header{id: 1, op: opEnded}, string(make([]byte, 8+rusageSize))), uint8(0))
	f.Add(frame(header{id: 2, op: opReply, files: 1}, ""), uint8(1))
	f.Add(frame(header{id: 3, op: opReply}, "payload"), uint8(0))
	f.Add(frame(header{id: 9, op: opStart}, "\x01\x00\x00\x00"), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, n uint8) {
		if len(b) == 0 || len(b) > 64<<10 {
			return
		}
		pair := socketpair(t)
		events := socketpair(t)
		syscall.Close(events[1])
		var fds []int
		for range n % 6 {
			fds = append(fds, pair[1])
		}
		must(t, sendAll(pair[0], b, fds))
		syscall.Close(pair[0])
		rc, calls := fuzzConn(pair[1], events[0])
		rc.readEvents(func(event) {})
		if rc.err == nil {
			t.Fatal("the stream ended without an error")
		}
		if fd := calls[1].fd; fd > 0 {
			syscall.Close(fd)
		}
		for _, c := range calls {
			if c.process && c.pid < 0 {
				t.Errorf("pid %d", c.pid)
			}
		}
	})
}

// A runner survives requests that are nonsense, though only the shell makes
// them.
func FuzzRequest(f *testing.F) {
	f.Add(uint16(opStart), []byte("\x00\x00\x00\x00"))
	f.Add(uint16(opStat), []byte("\x00\x00\x00\x00\x00\x00\x00\x00/\x00"))
	f.Add(uint16(opStatAll), []byte("\x00\x00\x00\x00\x01\x00\x00\x00/\x00"))
	f.Add(uint16(opHome), []byte("root\x00"))
	f.Fuzz(func(t *testing.T, o uint16, b []byte) {
		r := &runner{pid: 1, dirs: map[uint32]int{}, groups: map[int]int{}, children: map[int]child{}, standIns: newStandIns()}
		r.reply.reset()
		d := decoder{b: b}
		switch op(o) {
		case opStart, opStandIn:
			var e encoder
			e.reset()
			r.planStart(&r.plan, &frame{}, &d)
			p := &r.plan
			if len(p.paths) == 0 || p.paths[len(p.paths)-1] != nil || p.argv[len(p.argv)-1] != nil {
				t.Error("lists are not ended")
			}
		case opKill, opMkfifo, opOpen, opCancel, opCatch, opEnd:
		default:
			r.answer(op(o), &d)
		}
		for _, fd := range r.dirs {
			syscall.Close(fd)
		}
	})
}

func TestPasswdHome(t *testing.T) {
	text := "root:x:0:0:root:/root:/bin/sh\nbroken:x\nempty:x:1:1:::\nuser:x:1:1:a user:/home/user:/bin/sh\nuser:x:2:2::/other:\n"
	for _, c := range []struct {
		user, home string
		ok         bool
	}{
		{"root", "/root", true}, {"user", "/home/user", true}, {"broken", "", false}, {"empty", "", false},
		{"", "", false}, {"use", "", false}, {"user:x", "", false}, {"nobody", "", false},
	} {
		if home, ok := passwdHome(text, c.user); home != c.home || ok != c.ok {
			t.Errorf("%q: %q %v", c.user, home, ok)
		}
	}
}
