package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// JSON writes every event as one line.
type JSON struct {
	q       *queue
	session string
}

// NewJSON makes a writer; session, if not empty, is put into every event. The
// caller closes w after Close.
func NewJSON(w io.Writer, session string) *JSON {
	return &JSON{q: newQueue(w), session: session}
}

// Emit implements Sink.
func (j *JSON) Emit(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Session = j.session
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return // only a time outside of the years 0 to 9999 (RFC 3339)
	}
	j.q.put(visibleJSON(b.Bytes()), false)
}

// Close waits for a while until all is written. If a reader was too slow, the
// last record says how many are missing.
func (j *JSON) Close() {
	if n := j.q.lost(); n > 0 {
		j.Emit(Event{Kind: Warning, Message: fmt.Sprintf("%d events were dropped: the reader is too slow", n)})
	}
	j.q.close()
}

// visibleJSON writes invisible characters, which are within strings only, as
// escapes, so that a terminal may show the lines.
func visibleJSON(line []byte) []byte {
	out := make([]byte, 0, len(line))
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		switch {
		case r == '\n' || r == utf8.RuneError || shown(r):
			out = append(out, line[i:i+n]...)
		case r > 0xFFFF:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// Multi passes every event to all sinks.
type Multi []Sink

// Emit implements Sink.
func (m Multi) Emit(e Event) {
	for _, s := range m {
		s.Emit(e)
	}
}
