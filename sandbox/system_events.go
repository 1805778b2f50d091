package sandbox

import (
	"encoding/binary"
	"io"
	"syscall"
	"time"
)

// readEvents passes signals to deliver until the runner is gone, then reads
// what it still had to say and gives the sockets back.
func (rc *runnerConn) readEvents(deliver func(event)) {
	var b [eventSize]byte
	for rc.readEvent(b[:]) == nil {
		ne := binary.NativeEndian
		ev := event{id: ne.Uint32(b[:]), sig: syscall.Signal(ne.Uint32(b[4:])), sender: int(int32(ne.Uint32(b[8:])))}
		if ev.sig < 0 || ev.sig > 64 || ev.sig == 0 && ev.id == 0 {
			break
		}
		deliver(ev)
		rc.seen.Add(1)
	}
	none := &call{}
	rc.mu.Lock()
	for rc.err == nil {
		if !rc.leading {
			rc.lead(none, wantReply)
			continue
		}
		w := &waiter{wake: make(chan struct{}, 1)}
		rc.waiters = append(rc.waiters, w)
		rc.mu.Unlock()
		<-w.wake
		rc.mu.Lock()
	}
	for rc.leading { // it sees the shutdown
		w := &waiter{wake: make(chan struct{}, 1)}
		rc.waiters = append(rc.waiters, w)
		rc.mu.Unlock()
		<-w.wake
		rc.mu.Lock()
	}
	rc.mu.Unlock()
	rc.wmu.Lock() // no sender uses the number any more
	defer rc.wmu.Unlock()
	rc.in.close()
	rc.null.close()
	syscall.Close(rc.sock)
	syscall.Close(rc.events)
}

// eventsLimit bounds how long an end waits for the events before it; a runner
// may claim what it likes.
const eventsLimit = 500 * time.Millisecond

// awaitEvents returns when the events that came before an end are delivered.
func (rc *runnerConn) awaitEvents(n uint32) {
	for start := time.Now(); int32(n-rc.seen.Load()) > 0 && time.Since(start) < eventsLimit; {
		time.Sleep(20 * time.Microsecond)
	}
}

func (rc *runnerConn) readEvent(b []byte) error {
	for got := 0; got < len(b); {
		n, err := readRetry(rc.events, b[got:])
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		got += n
	}
	return nil
}
