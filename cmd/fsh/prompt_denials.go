//go:build linux

package main

import (
	"os"
	"sync"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/policy"
)

// promptDenials keeps what the commands of one line were refused, and shows it
// before the next prompt if the line has failed: what worked all the same needs
// no explanation. Hints say how to allow something at the prompt.
type promptDenials struct {
	events.Sink
	keep bool // false: the sink shows denials itself, as they come

	mu   sync.Mutex
	kept []events.Event
}

const (
	// maxKept is what is explained of one line.
	maxKept = 20
	// lastWords is how long is waited for denials of a line that has failed:
	// those of the network come from another process.
	lastWords = 20 * time.Millisecond
)

// Emit implements events.Sink.
func (d *promptDenials) Emit(e events.Event) {
	e.Hint = policy.SessionHint(e.Hint)
	d.Sink.Emit(e)
	// The others are always shown.
	if !d.keep || !e.Denied || e.Kind == events.Exec || e.Kind == events.Limit {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) < maxKept {
		d.kept = append(d.kept, e)
	}
}

// show is called when a line has ended.
func (d *promptDenials) show(status int) {
	for end := time.Now().Add(lastWords); d.keep && status != 0 && !d.some() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	d.mu.Lock()
	kept := d.kept
	d.kept = nil
	d.mu.Unlock()
	if status == 0 || len(kept) == 0 {
		return
	}
	text := events.NewText(os.Stderr, events.TextOptions{Monitor: true})
	defer text.Close()
	for _, e := range kept {
		text.Emit(e)
	}
}

func (d *promptDenials) some() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.kept) > 0
}
