package sandbox

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

func BenchmarkTrue(b *testing.B) {
	s, _ := newTestSystem(b, systemHooks{})
	c := &interp.Command{Paths: []string{"/bin/true"}, Argv: []string{"true"}, Env: os.Environ(), Umask: 022, Group: -1, Terminal: -1,
		Files: []interp.FileMap{{Child: 0, FD: 0}, {Child: 1, FD: 1}, {Child: 2, FD: 2}}}
	for b.Loop() {
		p, err := s.Start(c)
		must(b, err)
		_, _, err = p.Wait()
		must(b, err)
	}
}

// The same 1000 times in dash: ns/op is to be divided by 1000.
func BenchmarkDash1000True(b *testing.B) {
	for b.Loop() {
		pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done"},
			&syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
		must(b, err)
		_, err = syscall.Wait4(pid, nil, 0, nil)
		must(b, err)
	}
}

func BenchmarkOpenTrunc(b *testing.B) {
	s, _ := newTestSystem(b, systemHooks{})
	q := &interp.OpenRequest{Path: filepath.Join(b.TempDir(), "f"), Flags: unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, Mode: 0o666, Cancel: make(chan struct{})}
	for b.Loop() {
		fd, err := s.Open(q)
		must(b, err)
		syscall.Close(fd)
	}
}

func BenchmarkStat(b *testing.B) {
	s, _ := newTestSystem(b, systemHooks{})
	var st syscall.Stat_t
	for b.Loop() {
		must(b, s.Stat(nil, "/bin/true", false, &st))
	}
}
