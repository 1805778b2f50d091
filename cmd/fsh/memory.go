//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"syscall"

	"golang.org/x/sys/unix"
)

// memoryCeiling is what a script may have the shell itself hold. Other shells
// go on until malloc(3) fails; by then the machine swaps, or the kernel has
// ended something else.
const memoryCeiling = 2 << 30

// exitMemory is the status of a shell that has no room left, as dash's "Out of
// space".
const exitMemory = 2

// memoryWatch ends a script whose shell holds more than limit bytes; at the
// prompt the command line only, unless that does not help.
type memoryWatch struct {
	limit       uint64
	interactive bool
	interrupt   func() // the command line
	end         func() // the shell
	told        bool
}

// watchMemory begins to look. What a collection of garbage has left over is
// looked at after each, so that nothing is measured while little is allocated;
// between two the heap can exceed the ceiling by as much as it had.
func (in *invocation) watchMemory(restore func()) {
	w := &memoryWatch{
		limit: min(memoryCeiling, halfOfMemory()), interactive: in.prompting(),
		interrupt: func() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGINT) },
		end:       func() { restore(); os.Exit(exitMemory) },
	}
	afterCollections(w.look)
}

// afterCollections calls look after every collection of garbage: a finalizer is
// run once an object is found to be garbage, and makes it one again.
func afterCollections(look func(live uint64)) {
	type token struct{ _ [32]byte } // less would share its memory with others
	var found func(*token)
	found = func(t *token) {
		look(liveHeap())
		runtime.SetFinalizer(t, found)
	}
	runtime.SetFinalizer(&token{}, found)
}

// liveHeap is how many bytes the last collection found in use.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

func (w *memoryWatch) look(live uint64) {
	switch {
	case live <= w.limit:
		w.told = false
	case w.interactive && live <= 2*w.limit:
		if !w.told {
			w.complain()
			w.interrupt()
		}
		w.told = true
	default:
		w.complain()
		w.end()
	}
}

func (w *memoryWatch) complain() {
	fmt.Fprintf(os.Stderr, "fsh: error: the script has the shell hold more than %d MiB: ended\n"+
		"fsh: hint: keep large data in files, or give it to programs\n", w.limit>>20)
}

func halfOfMemory() uint64 {
	var si unix.Sysinfo_t
	if err := unix.Sysinfo(&si); err != nil {
		return memoryCeiling
	}
	return si.Totalram * uint64(si.Unit) / 2
}
