package sandbox

import (
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// One request per kind of redirection is made of the runner, however often it
// is repeated, and each answer is a descriptor of its own that works as the
// kind says.
func TestNullDeviceIsAskedForOnce(t *testing.T) {
	s, _ := newTestSystem(t, systemHooks{})
	for _, c := range []struct {
		name        string
		flags       int
		write, read error
	}{
		{">", unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, nil, syscall.EBADF},
		{">>", unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND, nil, syscall.EBADF},
		{"<", unix.O_RDONLY, syscall.EBADF, nil},
		{"<>", unix.O_RDWR | unix.O_CREAT, nil, nil},
	} {
		var last uint32
		seen := map[int]bool{}
		for i := range 5 {
			fd, err := s.Open(&interp.OpenRequest{Path: "/dev/null", Flags: c.flags, Mode: 0o666})
			if err != nil || seen[fd] {
				t.Fatalf("%s: descriptor %d: %v", c.name, fd, err)
			}
			seen[fd] = true
			defer syscall.Close(fd)
			if i > 0 && lastRequest(s) != last {
				t.Errorf("%s: the runner was asked again", c.name)
			}
			last = lastRequest(s)
			if _, err := syscall.Write(fd, []byte("x")); err != c.write && !(err == nil && c.write == nil) {
				t.Errorf("%s: write: %v, want %v", c.name, err, c.write)
			}
			if n, err := syscall.Read(fd, make([]byte, 1)); n > 0 || err != c.read && !(err == nil && c.read == nil) {
				t.Errorf("%s: read: %d %v, want %v", c.name, n, err, c.read)
			}
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("%s: not close-on-exec", c.name)
			}
		}
	}
	if _, err := s.Open(&interp.OpenRequest{Path: "/dev/null", Flags: unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL}); err != syscall.EEXIST {
		t.Errorf("noclobber: %v", err)
	}
}

func lastRequest(s *system) uint32 {
	rc := s.conns[0]
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return rc.lastID
}
