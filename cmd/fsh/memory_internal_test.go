package main

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// TestMemoryWatch: a script ends at the ceiling; at the prompt the line is
// interrupted, once, and the shell ends when that did not help.
func TestMemoryWatch(t *testing.T) {
	for _, c := range []struct {
		name        string
		interactive bool
		live        []uint64
		want        []string
	}{
		{"below", false, []uint64{0, 100}, nil},
		{"a script", false, []uint64{50, 101}, []string{"end"}},
		{"at the prompt", true, []uint64{101, 150, 20, 200}, []string{"interrupt", "interrupt"}},
		{"it goes on", true, []uint64{150, 201}, []string{"interrupt", "end"}},
	} {
		var got []string
		w := &memoryWatch{limit: 100, interactive: c.interactive,
			interrupt: func() { got = append(got, "interrupt") }, end: func() { got = append(got, "end") }}
		for _, live := range c.live {
			w.look(live)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAfterCollections: each collection is looked at, with what it left over.
func TestAfterCollections(t *testing.T) {
	looks := make(chan uint64, 16)
	afterCollections(func(live uint64) {
		select {
		case looks <- live:
		default:
		}
	})
	held := make([]byte, 64<<20)
	for range 3 {
		runtime.GC()
		select {
		case live := <-looks:
			if live < 64<<20 {
				t.Errorf("%d bytes are live", live)
			}
		case <-time.After(time.Minute):
			t.Fatal("nobody looked")
		}
	}
	runtime.KeepAlive(held)
}
