package main_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSignalsDuringStart: what a terminal sends to the whole group does not end
// the sandbox, not even in the first moments of a runner.
func TestSignalsDuringStart(t *testing.T) {
	// /bin/kill ends the runner, so that the next command needs a new one.
	const script = `trap : INT TERM HUP QUIT; /bin/true; echo go
		for i in 1 2 3 4 5; do /bin/kill -9 -1; /bin/true; done; /bin/true; echo ok; trap - EXIT`
	dir := home(t)
	cmd := exec.Command(fshBinary(t), "-c", script)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setsid: true}
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "go\n" {
		t.Fatalf("%q %v; %s", line, err, &stderr)
	}
	done := make(chan string)
	go func() {
		line, _ := lines.ReadString('\n')
		done <- line
	}()
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case line := <-done:
			if line != "ok\n" {
				t.Errorf("%q; %s", line, &stderr)
			}
			io.Copy(io.Discard, lines)
			cmd.Wait() // perhaps by one of the signals, after its last word
			return
		case <-tick.C:
			_ = unix.Kill(-cmd.Process.Pid, signals[i%len(signals)])
		}
	}
}

// TestDescriptors: a command has exactly the shell's descriptors, and none that
// leads to a directory outside.
func TestDescriptors(t *testing.T) {
	dir := home(t)
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	root, err := os.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	fd, err := unix.Open(dir+"/.ssh/id_ed25519", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	pathOnly := os.NewFile(uintptr(fd), "path")
	defer pathOnly.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	datagrams := os.NewFile(uintptr(pair[0]), "datagrams")
	defer datagrams.Close()
	var inherited []string // by these tests, from whoever runs them
	for n := range 1024 {
		if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err == nil && n > 6 && flags&unix.FD_CLOEXEC == 0 {
			inherited = append(inherited, strconv.Itoa(n))
		}
	}
	const list = `/bin/sh -c 'for f in /proc/self/fd/*; do n=${f##*/}; [ -e /proc/$$/fd/$n ] && echo $n; done; :'`
	for _, test := range []struct {
		script string
		want   string // besides 0, 1 and 2
	}{
		{list, "3"},
		{`exec 8</etc/passwd 9>/tmp/f; ` + list, "3 8 9"},
		{`exec 3<&-; ` + list, ""},
		{`{ ` + list + `; } 8</etc/passwd; :`, "3 8"},
		{`exec 8</etc/passwd; ` + list + ` 8<&-`, "3"},
		{`exec 8<.; ` + list, "3 8"}, // opened inside, where it may be
		{`x=$(` + list + `); echo "$x"`, "3"},
		{list + ` | cat`, "3"},
		{`exec 8</etc/passwd; exec ` + list, "3 8"},
		{list + ` & wait`, "3"},
	} {
		cmd := exec.Command(fshBinary(t), "-c", test.script)
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
		cmd.ExtraFiles = []*os.File{null, root, pathOnly, datagrams} // 3 to 6
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", test.script, err)
		}
		want := append(strings.Fields("0 1 2 "+test.want), inherited...)
		got := strings.Fields(string(out))
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("%s: %q, want %q", test.script, got, want)
		}
	}
}
