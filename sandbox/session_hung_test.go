package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// TestAttackStoppedChildren: a command that stops whatever is new stops children
// of the runner before they are programs, and stand-ins before they can speak. It
// gets stopped programs; the shell goes on.
func TestAttackStoppedChildren(t *testing.T) {
	p := testPolicy(t.TempDir())
	s := newTestSession(t, p)
	sys := s.System()
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	must(t, err)
	defer null.Close()
	command := func(argv ...string) *interp.Command {
		c := shCommand("", int(null.Fd()))
		c.Paths, c.Argv, c.Report = []string{argv[0]}, argv, interp.ReportStart|interp.ReportStops
		return c
	}
	storm := command(Marker + "/fsh")
	storm.Argv = []string{probeName, "stop-new"}
	first, err := sys.Start(storm)
	if err != nil {
		required(t, err)
	}
	_, err = first.Pid()
	must(t, err)
	within(t, func() {
		stopped := 0
		for range 100 {
			for _, start := range []func() (interp.Process, error){
				func() (interp.Process, error) { return sys.Start(command("/bin/sleep", "0.02")) },
				func() (interp.Process, error) { return sys.StandIn(command("/bin/true")) },
			} {
				p, err := start()
				must(t, err)
				pid, err := p.Pid()
				must(t, err)
				if st, ok := p.(interp.StandIn); ok {
					if err := st.Catch([]syscall.Signal{syscall.SIGUSR1}, nil); err != nil && err != syscall.ESRCH {
						t.Error(err)
					}
					_ = st.End(0)
				}
				_ = sys.Kill(pid, syscall.SIGCONT)
				if ws, _, err := p.Wait(); err == nil && (ws.Stopped() || ws.Continued()) {
					stopped++
				}
			}
		}
		var st syscall.Stat_t
		must(t, sys.Stat(nil, "/etc", false, &st))
		if stopped == 0 {
			t.Log("nothing was stopped in time")
		}
	})
}

func init() {
	// Stops every process that gets one of the next numbers.
	probes["stop-new"] = func([]string) error {
		for last := os.Getpid(); ; {
			for pid := last + 1; pid < last+6; pid++ {
				if unix.Kill(pid, unix.SIGSTOP) == nil {
					last = pid
				}
			}
		}
	}
}

// deadServer mounts a file system whose server never answers. The device must
// be opened in the user namespace that mounts (fuse_fill_super), so that nobody
// can hand it over: where it is root's alone, FSH_TEST_FUSE names another node.
func deadServer(dir string) error {
	fd, err := unix.Open(cmp.Or(os.Getenv("FSH_TEST_FUSE"), "/dev/fuse"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Mount("dead", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Geteuid(), os.Getegid()))
}

// inOwnMounts runs the test again where it can mount, and there gives it a
// directory; "" means that this has been done.
func inOwnMounts(t *testing.T) string {
	t.Helper()
	const variable = "FSH_TEST_OWN_MOUNTS"
	if dir := os.Getenv(variable); dir != "" {
		must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		return dir
	}
	t.Setenv(variable, outside(t))
	cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWNS | unix.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}},
			AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("%s", out)
	}
	return ""
}

// TestDeadServer: names on a file system that does not answer are errors, for
// the shell too, and what has nothing to do with it works. The keeper kills the
// runner, whose wait no other signal would end.
func TestDeadServer(t *testing.T) {
	dir := inOwnMounts(t)
	if dir == "" {
		return
	}
	if err := deadServer(dir); err != nil {
		if os.Getenv("FSH_REQUIRE") == "all" {
			t.Fatal("FUSE: ", err, "; this needs a /dev/fuse that the user can open, or such a node in FSH_TEST_FUSE")
		}
		t.Skip("FUSE: ", err) // /dev/fuse is root's on some machines, or absent
	}
	s := newTestSession(t, testPolicy("/"))
	sys := s.System()
	var st syscall.Stat_t
	if err := sys.Stat(nil, "/etc", false, &st); err != nil {
		required(t, err)
	}
	rc := s.fleet.first
	hurry(rc)
	background, err := sys.Start(shCommand("sleep 1000", 2))
	must(t, err)
	within(t, func() {
		if err := sys.Stat(nil, dir+"/x", false, &st); err == nil || !strings.Contains(err.Error(), "did not answer for") {
			t.Errorf("stat: %v", err)
		}
		if end, ok := rc.host.ended(); !ok || end.Status.Signal() != syscall.SIGKILL || end.Meant {
			t.Errorf("the runner ended with %v %v", end, ok)
		}
		if _, _, err := background.Wait(); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("its command: %v", err)
		}
		must(t, sys.Stat(nil, "/etc", false, &st))
	})
	deadServerNested(t, dir)
}

// deadServerNested: inside of another session there is no keeper, and the shell
// kills the runner itself.
func deadServerNested(t *testing.T, dir string) {
	p := testPolicy("/")
	s := newTestSession(t, p)
	r, err := s.startNested(p)
	must(t, err)
	rc, err := newRunnerConn(r.sock, r.events)
	must(t, err)
	rc.host = s.hostOf(r)
	s.fleet.first, s.fleet.firstPolicy = rc, p
	var st syscall.Stat_t
	must(t, s.System().Stat(nil, "/etc", false, &st))
	hurry(rc)
	within(t, func() {
		if err := s.System().Stat(nil, dir+"/x", false, &st); err == nil || !strings.Contains(err.Error(), "did not answer for") {
			t.Errorf("stat: %v", err)
		}
		if end, ok := rc.host.ended(); !ok || end.Status.Signal() != syscall.SIGKILL {
			t.Errorf("the nested runner ended with %v %v", end, ok)
		}
		must(t, s.System().Stat(nil, "/etc", false, &st)) // by another one
	})
}
