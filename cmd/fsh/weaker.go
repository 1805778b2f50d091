//go:build linux

package main

import (
	"strings"
	"sync/atomic"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/sandbox"
)

// weakness is what a run does without. It is known when the sandbox has been
// made, which is when it is first needed.
type weakness struct {
	session atomic.Pointer[sandbox.Session]
	unsafe  atomic.Bool
}

func (w *weakness) layers() []string {
	if w.unsafe.Load() {
		return []string{"sandbox"}
	}
	if s := w.session.Load(); s != nil {
		return s.Weakened()
	}
	return nil
}

// mark is what comes before the prompt.
func (w *weakness) mark() string {
	if layers := w.layers(); len(layers) > 0 {
		return "[without " + strings.Join(layers, ", ") + "] "
	}
	return ""
}

// marking puts what is missing into every event.
type marking struct {
	to   events.Sink
	weak *weakness
}

// Emit implements events.Sink.
func (m *marking) Emit(e events.Event) {
	e.Weaker = m.weak.layers()
	m.to.Emit(e)
}
