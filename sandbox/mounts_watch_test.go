package sandbox

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What is left to the collector is closed by it: there are 8 inotify descriptors
// here, of which 64 are made and closed in the order of a process's end.
func TestLeaveToCollector(t *testing.T) {
	if !inOwnUserNamespace(t) {
		return
	}
	must(t, os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("8"), 0))
	dir := t.TempDir()
	deadline := time.Now().Add(time.Minute)
	for range 64 {
		fd, err := newInotify()
		for ; err == unix.EMFILE && time.Now().Before(deadline); fd, err = newInotify() {
		}
		must(t, err)
		_, err = unix.InotifyAddWatch(fd, dir, watchFor)
		must(t, err)
		first, last, err := leaveToCollector(fd)
		must(t, err)
		closeAll([]int{fd, first, last})
	}
}

// A session waits for a descriptor that comes free soon, and not for ever.
func TestInotifyComesFree(t *testing.T) {
	if !inOwnUserNamespace(t) {
		return
	}
	must(t, os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("1"), 0))
	held, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	must(t, err)
	if fd, err := newInotify(); err != unix.EMFILE {
		t.Fatalf("a second one: %d %v, want EMFILE", fd, err)
	}
	timer := time.AfterFunc(inotifyPatience/4, func() { unix.Close(held) })
	defer timer.Stop()
	_, err = newInotify()
	must(t, err)
}

// inOwnUserNamespace runs the test again in one, where it is true.
func inOwnUserNamespace(t *testing.T) bool {
	const inside = "FSH_TEST_OWN_USER_NAMESPACE"
	if os.Getenv(inside) != "" {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	return false
}
