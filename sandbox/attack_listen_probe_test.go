package sandbox

import (
	"errors"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

func init() {
	probes["listen-exchange"] = func(a []string) error { return exchangeListeners(a[0], int(number(a[1]))) }
}

// exchangeListeners asks to listen on a number that is a unix socket, bound to own,
// and a TCP socket in turns. It is EACCES when each was asked about and only the
// first listens.
func exchangeListeners(own string, tries int) error {
	local, err := listenAt(own, 1)
	if err != nil {
		return err
	}
	port, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	number, err := unix.FcntlInt(uintptr(local), unix.F_DUPFD_CLOEXEC, 100)
	if err != nil {
		return err
	}
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			_ = unix.Dup3(port, number, unix.O_CLOEXEC)
			_ = unix.Dup3(local, number, unix.O_CLOEXEC)
		}
	}()
	defer func() { stop.Store(true); <-done }()
	listened, refused := 0, 0
	for i := 0; i < tries || listened == 0 || refused == 0; i++ {
		switch err := unix.Listen(number, 1); err {
		case nil:
			listened++
		case unix.EACCES:
			refused++
		default:
			return err
		}
		if on, err := unix.GetsockoptInt(port, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || on != 0 {
			return errors.Join(errors.New("listens on a port"), err)
		}
	}
	return unix.EACCES
}
