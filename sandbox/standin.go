package sandbox

import (
	"encoding/binary"
	"runtime"

	"golang.org/x/sys/unix"
)

// A stand-in is a process that does nothing, for a job that the shell runs
// itself: it has the number, is in the process group and takes the signals.
// It is the same binary, started by the runner with all signals blocked and a
// socket on descriptor standInSock. Uncaught signals are left to the kernel;
// caught ones are reported.

const (
	standInName = "fsh-standin"
	standInSock = 3
)

// Orders to a stand-in: 24 bytes, kind and two numbers. It answers a catch
// with 8 zero bytes, and reports a signal as its number in 8 bytes.
const (
	orderSize  = 24
	reportSize = 8
	orderCatch = 1 // sets of caught and ignored signals
	orderEnd   = 2 // exit status
)

// standInMain is the whole life of a stand-in; it returns its exit status.
func standInMain() int {
	runtime.LockOSThread()
	runtime.GOMAXPROCS(1)
	var s standIn
	var err error
	if s.signals, err = signalReader(); err != nil {
		return runnerFailed(err)
	}
	// The first order says what is ignored. Until then most is blocked.
	if status, done := s.order(); done {
		return status
	}
	none := uint64(0)
	rawMask(&none, nil)
	s.send(0)
	for {
		fds := []unix.PollFd{{Fd: standInSock, Events: unix.POLLIN}, {Fd: int32(s.signals), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil {
			continue // EINTR: a signal, which is in the pipe now
		}
		if fds[1].Revents != 0 {
			if sig, _, _, err := readSignal(s.signals); err == nil {
				s.send(uint64(sig))
			}
		}
		if fds[0].Revents != 0 {
			status, done := s.order()
			if done {
				return status
			}
			s.send(0)
		}
	}
}

type standIn struct{ signals int }

func (s *standIn) send(v uint64) {
	var b [reportSize]byte
	binary.NativeEndian.PutUint64(b[:], v)
	_ = sendAll(standInSock, b[:], nil) // its end is seen by order
}

// order reads one order; done tells to exit.
func (s *standIn) order() (status int, done bool) {
	var b [orderSize]byte
	for got := 0; got < len(b); {
		n, err := readRetry(standInSock, b[got:])
		if err != nil || n <= 0 {
			return runnerDone, true
		}
		got += n
	}
	ne := binary.NativeEndian
	v, w := ne.Uint64(b[8:]), ne.Uint64(b[16:])
	switch ne.Uint64(b[:]) {
	case orderCatch:
		setActions(v, w&^v)
	case orderEnd:
		return int(v & 0xff), true
	}
	return 0, false
}
