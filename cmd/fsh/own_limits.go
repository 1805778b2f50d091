//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/sandbox"
)

// What fsh was started with may be less than it needs. The Go runtime ends a
// program that runs out of descriptors for its poller, address space or threads
// with status 2, which is that of a syntax error, at any moment; so limits that
// are too low are an error at the start. With less than about 780 MiB of address
// space the runtime does not even begin, and nothing can be done about that here.

// ownLimit is a limit of setrlimit(2) and what must be left by it.
type ownLimit struct {
	resource int
	what     string
	need     uint64
	unit     uint64 // of ulimit
	option   string
	errno    syscall.Errno
}

var (
	// runtimeFiles are standard ones, the runtime's and one to open.
	runtimeFiles = ownLimit{unix.RLIMIT_NOFILE, "open files", 12, 1, "-n", unix.EMFILE}
	sandboxNeeds = []ownLimit{
		{unix.RLIMIT_NOFILE, "open files", 64, 1, "-n", unix.EMFILE},
		{unix.RLIMIT_AS, "bytes of address space", 800 << 20, 1 << 10, "-v", unix.ENOMEM},
		{unix.RLIMIT_DATA, "bytes of memory", 80 << 20, 1 << 10, "-d", unix.ENOMEM},
		{unix.RLIMIT_FSIZE, "bytes in a file", 512, 512, "-f", unix.EFBIG},
	}
	// ownThreads are those of all processes of a session, with room.
	ownThreads = ownLimit{unix.RLIMIT_NPROC, "processes and threads", 64, 1, "-u", unix.EAGAIN}
)

// err is nil when the limit leaves enough, with used being gone.
func (l ownLimit) err(used uint64) error {
	var r unix.Rlimit
	if unix.Getrlimit(l.resource, &r) != nil {
		return nil
	}
	have := r.Cur
	if l.resource == unix.RLIMIT_NOFILE {
		have = r.Max // Go raises it
	}
	if have >= used+l.need {
		return nil
	}
	text := fmt.Sprintf("%d %s are allowed, %d are needed", have, l.what, l.need)
	if used > 0 {
		text = fmt.Sprintf("%d %s are allowed, %d are there, %d more are needed", have, l.what, used, l.need)
	}
	return &sandbox.SetupError{
		Layer: "limits", Err: fmt.Errorf("%w: %s", l.errno, text),
		Hint: fmt.Sprintf("raise the limit before fsh is started: ulimit %s %d", l.option, max(1024, (used+l.need)*2/l.unit)),
	}
}

// enoughForSandbox tells whether the sandbox can be had with the limits there are.
func enoughForSandbox() error {
	var errs []error
	for _, l := range sandboxNeeds {
		errs = append(errs, l.err(0))
	}
	for _, err := range append(errs, threadsLeft()) {
		if err != nil {
			return err
		}
	}
	return nil
}

// manyThreads is a limit that is not looked into: a user's other processes have
// to be counted, and root is not bound.
const manyThreads = 1024

func threadsLeft() error {
	var r unix.Rlimit
	uid := os.Getuid()
	if uid == 0 || unix.Getrlimit(unix.RLIMIT_NPROC, &r) != nil || r.Cur >= manyThreads {
		return nil
	}
	used := uint64(0)
	files, _ := filepath.Glob("/proc/[0-9]*/status") // the pattern is right
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if f := strings.Fields(field(string(text), "Uid:")); len(f) > 0 && f[0] == strconv.Itoa(uid) {
			n, _ := strconv.ParseUint(field(string(text), "Threads:"), 10, 32)
			used += n
		}
	}
	return ownThreads.err(used)
}

// field is the rest of the line that begins with a name.
func field(text, name string) string {
	_, rest, _ := strings.Cut(text, "\n"+name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// scarcityHint says what to do when something has run out; the error itself says
// where.
func scarcityHint(err error) string {
	switch {
	case errors.Is(err, unix.EMFILE):
		return "raise the limit of open files: ulimit -n 1024"
	case errors.Is(err, unix.ENFILE):
		return "the whole machine has too many open files: sysctl fs.file-max"
	case errors.Is(err, unix.EAGAIN):
		return "too many processes run: ulimit -u, or the container's limit"
	case errors.Is(err, unix.ENOMEM):
		return "memory is short: ulimit -v, ulimit -d, or the container's limit"
	}
	return ""
}
