package events

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	queued       = 1024                   // records that may wait for a slow reader
	patience     = 100 * time.Millisecond // how long a writer waits for one record
	closeTimeout = 2 * time.Second        // how long close waits for all of them
)

// queue writes records in order from a goroutine of its own, so that a reader
// that stands still (a full pipe, a stopped terminal) stops neither commands
// nor the shell. Records beyond what fits are dropped and counted.
type queue struct {
	w       io.Writer
	records chan record
	done    chan struct{}
	stuck   atomic.Bool // the last writer lost its patience

	mu      sync.Mutex
	closed  bool
	dropped int
}

type record struct {
	data    []byte
	written chan struct{} // nil: nobody waits
}

func newQueue(w io.Writer) *queue {
	q := &queue{w: w, records: make(chan record, queued), done: make(chan struct{})}
	go q.run()
	return q
}

func (q *queue) run() {
	defer close(q.done)
	for r := range q.records {
		q.w.Write(r.data) // a full disk or a closed reader must not stop the script
		q.stuck.Store(false)
		if r.written != nil {
			close(r.written)
		}
	}
}

// put queues a record. With wait it returns when the record is written, so
// that it comes before what the shell does next, or after a moment.
func (q *queue) put(data []byte, wait bool) {
	r := record{data: data}
	if wait && !q.stuck.Load() {
		r.written = make(chan struct{})
	}
	if !q.send(r) || r.written == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-r.written:
	case <-timer.C:
		q.stuck.Store(true)
	}
}

func (q *queue) send(r record) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	select {
	case q.records <- r:
		return true
	default:
		q.dropped++
		return false
	}
}

// lost is the number of records dropped so far.
func (q *queue) lost() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// close waits for what is queued, but not for ever.
func (q *queue) close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.records)
	}
	q.mu.Unlock()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
	}
}
