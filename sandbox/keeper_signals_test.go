package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpensUnderSignals: signals to the keeper's threads, as the Go runtime sends
// them now and then, change nothing about the files that it opens for programs.
func TestOpensUnderSignals(t *testing.T) {
	dir := attackTree(t)
	p := attackPolicy(dir)
	s := newTestSession(t, p)
	rr := newRawRunner(t, s, p)
	var over atomic.Bool
	done := make(chan int)
	go func() {
		sent := 0
		for !over.Load() {
			tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", s.pid))
			for _, task := range tasks {
				if tid, err := strconv.Atoi(filepath.Base(task)); err == nil && unix.Tgkill(s.pid, tid, unix.SIGURG) == nil {
					sent++
				}
			}
		}
		done <- sent
	}()
	rr.check(check{"open-many," + dir + "/w/many,20000", "ok"})
	over.Store(true)
	if sent := <-done; sent < 1000 {
		t.Errorf("only %d signals were sent", sent)
	}
}

func init() {
	probes["open-many"] = func(a []string) error {
		for range number(a[1]) {
			fd, err := unix.Open(a[0], unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
			if err != nil {
				return err
			}
			if at, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); at != a[0] {
				return fmt.Errorf("descriptor %d is %s (%v)", fd, at, err)
			}
			unix.Close(fd)
		}
		return nil
	}
}
