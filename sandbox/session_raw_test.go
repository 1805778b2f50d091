package sandbox

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/fsh-sh/fsh/policy"
)

// rawRun runs one command in a started runner without the client.
type rawRunner struct {
	t  *testing.T
	r  *startedRunner
	in *frameReader
	id uint32
	// self is the path of this program, when it is not at its usual place.
	self string
	// stdin is what commands get instead of /dev/null.
	stdin *os.File
}

func newRawRunner(t *testing.T, s *Session, p *policy.Policy) *rawRunner {
	t.Helper()
	r, err := s.startRunner(p)
	if err != nil {
		required(t, err)
	}
	rr := &rawRunner{t: t, r: r, in: newFrameReader(r.sock, inlinePayload+headerSize, 16)}
	var f frame
	if err := rr.in.next(&f); err != nil || f.op != opHello {
		t.Fatalf("hello: %v %v", err, f.op)
	}
	return rr
}

// run gives output and status of argv.
func (rr *rawRunner) run(argv ...string) (string, int) {
	rr.t.Helper()
	out, err := os.CreateTemp(rr.t.TempDir(), "out")
	if err != nil {
		rr.t.Fatal(err)
	}
	defer out.Close()
	rr.send(argv, out)
	var f frame
	for {
		if err := rr.in.next(&f); err != nil {
			rr.t.Fatal(err)
		}
		if f.op == opFailed {
			return fmt.Sprintf("exec: %v", syscall.Errno(f.arg)), 126
		}
		if f.op == opEnded {
			break
		}
	}
	status := *(*syscall.WaitStatus)(unsafe.Pointer(&f.payload[4]))
	b, err := os.ReadFile(out.Name())
	if err != nil {
		rr.t.Fatal(err)
	}
	code := status.ExitStatus()
	if status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return strings.TrimSpace(string(b)), code
}

// send asks for a command whose descriptors from 1 on are out.
func (rr *rawRunner) send(argv []string, out *os.File) {
	rr.t.Helper()
	null, err := os.Open("/dev/null")
	if err != nil {
		rr.t.Fatal(err)
	}
	defer null.Close()
	stdin := null
	if rr.stdin != nil {
		stdin = rr.stdin
	}
	rr.id++
	var e encoder
	e.reset()
	e.u32(0) // the runner itself is the parent
	e.u32(0)
	e.u32(0o22)
	e.u32(^uint32(0))
	e.u32(^uint32(0))
	e.u64(0)
	e.u32(0)
	e.u32(0)
	e.u32(3)
	for i := range uint32(3) {
		e.u32(i)
	}
	e.fds = []int{int(stdin.Fd()), int(out.Fd()), int(out.Fd())}
	path := argv[0]
	if path == Marker+"/fsh" && rr.self != "" {
		path = rr.self
	}
	e.strs([]string{path})
	if argv[0] == Marker+"/fsh" {
		argv = append([]string{probeName}, argv[1:]...)
	}
	e.strs(argv)
	e.strs([]string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + os.Getenv("HOME")})
	if err := sendFrame(rr.r.sock, header{op: opStart, id: rr.id}, &e); err != nil {
		rr.t.Fatal(err)
	}
}

func (rr *rawRunner) sh(script string) (string, int) { return rr.run("/bin/sh", "-c", script) }
