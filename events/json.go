package events

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// JSON writes every event as one line.
type JSON struct {
	mu      sync.Mutex
	enc     *json.Encoder
	session string
}

// NewJSON makes a writer; session, if not empty, is put into every event.
func NewJSON(w io.Writer, session string) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc: enc, session: session}
}

// Emit implements Sink.
func (j *JSON) Emit(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Session = j.session
	j.mu.Lock()
	defer j.mu.Unlock()
	j.enc.Encode(e) // a full disk must not stop the script
}

// Multi passes every event to all sinks.
type Multi []Sink

// Emit implements Sink.
func (m Multi) Emit(e Event) {
	for _, s := range m {
		s.Emit(e)
	}
}
