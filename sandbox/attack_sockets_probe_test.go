package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What attacks on sockets need besides the probes of files.

func init() {
	for name, call := range map[string]func([]string) error{
		// Addresses that change while they are looked at: own, host, tries.
		"unix-swap": func(a []string) error { return swapAddresses(a[0], a[1], int(number(a[2]))) },
		// A message to a path from a pair of datagrams, and an honest one.
		"unix-pair":        func(a []string) error { return pairOfDatagrams(a[0]) },
		"unix-pair-nobody": func([]string) error { return pairToNobody() },
		"unix-packets": func([]string) error {
			_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
			return err
		},
		"unix-sendmsg": func(a []string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Sendmsg(fd, []byte("x"), nil, &unix.SockaddrUnix{Name: a[0]}, 0)
		},
		// On what cannot be sent to an address.
		"stream-sendmsg": func(a []string) error {
			fd, err := unix.Socket(unix.AF_UNIX, int(number(a[1])), 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Sendmsg(fd, []byte("x"), nil, &unix.SockaddrUnix{Name: a[0]}, unix.MSG_NOSIGNAL)
		},
		// A server that lives on.
		"abstract-hold": func(a []string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: "@" + a[0]}), unix.Listen(fd, 5)); err != nil {
				return err
			}
			cmd := exec.Command("sleep", "1000")
			cmd.ExtraFiles = []*os.File{os.NewFile(uintptr(fd), "server")}
			return cmd.Start()
		},
		// The kernel chooses the name.
		"autobind": func([]string) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{}), unix.Listen(fd, 5)); err != nil {
				return err
			}
			own, err := unix.Getsockname(fd)
			if err != nil {
				return err
			}
			return probes["unix"]([]string{own.(*unix.SockaddrUnix).Name})
		},
		// From a Landlock domain of the process's own.
		"stacked-connect": func(a []string) error {
			if err := stackDomain(rightsRead | rightsChange); err != nil {
				return err
			}
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Connect(fd, &unix.SockaddrInet4{Port: int(number(a[0])), Addr: [4]byte{127, 0, 0, 1}})
		},
		"unix-busy": func(a []string) error { return busyServer(a[0]) },
		// As many clients at once, of a server that takes them one by one, or none.
		"unix-crowd": func(a []string) error { return crowd(a[0], int(number(a[1]))) },
		"unix-stuck": func(a []string) error { return stuckCrowd(a[0], a[1], int(number(a[2]))) },
	} {
		if probes[name] != nil {
			panic("two probes called " + name)
		}
		probes[name] = call
	}
}

// listenAt is a server that accepts for ever.
func listenAt(path string, backlog int) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	return fd, errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, backlog))
}

// swapAddresses connects to own while another thread writes host into the
// address, and says whether host was reached.
func swapAddresses(own, host string, tries int) error {
	server, err := listenAt(own, 100)
	if err != nil {
		return err
	}
	go func() {
		for {
			if fd, _, err := unix.Accept(server); err == nil {
				unix.Close(fd)
			}
		}
	}()
	var addr unix.RawSockaddrUnix
	addr.Family = unix.AF_UNIX
	var stop atomic.Bool
	write := func(path string) {
		for i := range len(addr.Path) {
			addr.Path[i] = 0
			if i < len(path) {
				addr.Path[i] = int8(path[i])
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			write(own)
			write(host)
		}
	}()
	reached := 0
	for range tries {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&addr)), unsafe.Sizeof(addr))
		if errno == 0 {
			if peer, err := unix.Getpeername(fd); err == nil && peer.(*unix.SockaddrUnix).Name == own {
				reached++
			} else {
				return errors.New("reached the host's")
			}
		}
		unix.Close(fd)
	}
	stop.Store(true)
	<-done
	if reached == 0 {
		return errors.New("never reached its own")
	}
	return nil
}

// busyServer is one that has no room for a connection until it accepts one.
func busyServer(path string) error {
	server, err := listenAt(path, 0)
	if err != nil {
		return err
	}
	connect := func(flags int, wait unix.Timeval) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|flags, 0)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait); err != nil {
			return err
		}
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if now, e := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO); e != nil || now.Nano()/1e7 != wait.Nano()/1e7 {
			return errors.Join(err, errors.New("another limit"))
		}
		return err
	}
	for {
		err := connect(unix.SOCK_NONBLOCK, unix.Timeval{})
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := connect(0, unix.Timeval{Usec: 20_000}); err != unix.EAGAIN {
		return errors.Join(errors.New("with a limit"), err)
	}
	result := make(chan error)
	go func() { result <- connect(0, unix.Timeval{}) }()
	if _, _, err := unix.Accept(server); err != nil {
		return err
	}
	return <-result
}

// pairOfDatagrams is nil when its messages reach the other end, and no path.
func pairOfDatagrams(path string) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	flags, err := unix.FcntlInt(uintptr(pair[0]), unix.F_GETFD, 0)
	if err != nil || flags != 0 {
		return errors.Join(unix.EBADF, err)
	}
	stray := &unix.SockaddrUnix{Name: path}
	for text, send := range map[string]func(b []byte) error{
		"one":   func(b []byte) error { return unix.Sendto(pair[0], b, 0, stray) },
		"two":   func(b []byte) error { return unix.Sendmsg(pair[0], b, nil, stray, 0) },
		"three": func(b []byte) error { return unix.Send(pair[0], b, 0) },
	} {
		switch err := send([]byte(text)); {
		case err == unix.EACCES && text != "three":
			continue // Landlock has looked at the address
		case err != nil:
			return err
		}
		var buf [16]byte
		if n, err := unix.Read(pair[1], buf[:]); err != nil || string(buf[:n]) != text {
			return errors.Join(unix.EBADMSG, err)
		}
	}
	if err := unix.Connect(pair[0], stray); err != unix.EISCONN && err != unix.ECONNREFUSED && err != unix.EACCES {
		return errors.Join(unix.EBADMSG, err)
	}
	return nil
}

// pairToNobody asks for pairs that cannot be, and is nil when they are not.
func pairToNobody() error {
	for _, try := range []struct {
		kind, protocol int
		numbers        uintptr
		want           unix.Errno
	}{{unix.SOCK_DGRAM, 0, 8, unix.EFAULT}, {unix.SOCK_DGRAM, 7, 0, unix.EPROTONOSUPPORT}, {unix.SOCK_DGRAM | 1<<20, 0, 0, unix.EINVAL}} {
		var pair [2]int32
		at := uintptr(unsafe.Pointer(&pair))
		if try.numbers != 0 {
			at = try.numbers
		}
		_, _, errno := unix.Syscall6(unix.SYS_SOCKETPAIR, unix.AF_UNIX, uintptr(try.kind), uintptr(try.protocol), at, 0, 0)
		if errno != try.want {
			return errors.Join(unix.EBADMSG, errno)
		}
	}
	return nil
}

// crowd has clients wait for a server, each in a thread, and gives the first error
// of one of them.
func crowd(path string, n int) error {
	server, err := listenAt(path, 0)
	if err != nil {
		return err
	}
	results := clients(path, n)
	go takeAll(server)
	for range n {
		if err := <-results; err != nil {
			return err
		}
	}
	return nil
}

// stuckCrowd has clients wait for a server that takes none, which is no reason why
// another server should not be reached, nor why they should not be served later.
func stuckCrowd(path, other string, n int) error {
	server, err := listenAt(path, 0)
	if err != nil {
		return err
	}
	stuck := clients(path, n)
	if err := crowd(other, 10); err != nil {
		return err
	}
	go takeAll(server)
	for range n {
		if err := <-stuck; err != nil {
			return errors.Join(errors.New("a client of the first"), err)
		}
	}
	return nil
}

// clients connect, each in a thread, and have begun to when it returns.
func clients(path string, n int) <-chan error {
	results := make(chan error, n)
	var begun atomic.Int32
	for range n {
		go func() {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			begun.Add(1)
			if err == nil {
				err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
			}
			results <- err
		}()
	}
	for int(begun.Load()) < n {
		runtime.Gosched()
	}
	return results
}

func takeAll(server int) {
	for {
		if fd, _, err := unix.Accept(server); err == nil {
			unix.Close(fd)
		}
	}
}
