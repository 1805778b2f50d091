package main_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// growthScript works in phases, one for each line it reads, and reports after
// each how many processes and mounts there are inside, and descriptors of a
// command.
const growthScript = `
round() {
	i=0; while [ "$i" -lt "$1" ]; do /bin/true; i=$((i+1)); done
	i=0; while [ "$i" -lt "$2" ]; do (x=$i; cd /; /bin/true); y=$(cd /usr; /bin/true; echo "$i"); i=$((i+1)); done
	i=0; while [ "$i" -lt "$3" ]; do /bin/sleep 0 & (exit 0) & i=$((i+1)); done
	wait
}
report() {
	set -- /proc/[0-9]*
	n=$#
	set -- $(/usr/bin/wc -l </proc/self/mountinfo; /bin/ls /proc/self/fd)
	m=$1; shift
	echo "$n $m $#"
}
while read -r commands subshells jobs; do round "$commands" "$subshells" "$jobs"; report; done
`

// usage is what the processes of a session hold.
type usage struct {
	inside  string // as the script reports it
	helpers int    // processes of the session outside
	files   map[string]int
	threads map[string]int
	memory  map[string]int // resident, kB
}

// TestNoGrowth: thousands of commands leave nothing in any process of a
// session. The first round fills caches and pools.
func TestNoGrowth(t *testing.T) {
	dir := home(t)
	cmd := exec.Command(fshBinary(t), "-c", growthScript)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	timer := time.AfterFunc(4*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewReader(out)
	round := func(commands, subshells, jobs int) usage {
		fmt.Fprintln(in, commands, subshells, jobs)
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%q %v", line, err)
		}
		return measure(t, cmd.Process.Pid, strings.TrimSpace(line))
	}
	round(500, 100, 200)
	before := round(500, 100, 200)
	after := round(10_000, 1_000, 200)
	// The collector closes directories, and ends what it likes, when it sees
	// fit: what is left over for good is still there some rounds later.
	bad := after.beyond(before, cmd.Process.Pid)
	for range 5 {
		if len(bad) == 0 {
			break
		}
		after = round(500, 100, 20)
		bad = after.beyond(before, cmd.Process.Pid)
	}
	for _, text := range bad {
		t.Error(text)
	}
	in.Close()
	if rest, _ := io.ReadAll(lines); len(rest) > 0 {
		t.Errorf("%q", rest)
	}
}

// beyond is what there is more of than before.
func (after usage) beyond(before usage, pid int) (bad []string) {
	shell := fmt.Sprintf("fsh %d", pid)
	if before.inside != after.inside || before.helpers != after.helpers {
		bad = append(bad, fmt.Sprintf("processes, mounts and descriptors inside: %s, before %s; helpers: %d, before %d",
			after.inside, before.inside, after.helpers, before.helpers))
	}
	compare := func(what string, before, after map[string]int, slack, ofShell int) {
		for role, n := range after {
			room := slack
			if role == shell {
				room = ofShell
			}
			if n > before[role]+room {
				bad = append(bad, fmt.Sprintf("%s of %s: %d, before %d", what, role, n, before[role]))
			}
		}
	}
	compare("descriptors", before.files, after.files, 0, 0)
	// The Go runtime starts threads when it sees fit. The shell's collector
	// lets garbage lie about; the others have none: a kilobyte for each
	// command would be ten megabytes.
	compare("threads", before.threads, after.threads, 3, 3)
	compare("memory", before.memory, after.memory, 1<<10, 16<<10)
	return bad
}

// measure looks at the shell and at its descendants that are not commands.
func measure(t *testing.T, shell int, inside string) usage {
	t.Helper()
	u := usage{inside: inside, files: map[string]int{}, threads: map[string]int{}, memory: map[string]int{}}
	ours := map[int]bool{shell: true}
	for again := true; again; {
		again = false
		stats, _ := filepath.Glob("/proc/[0-9]*/status")
		for _, path := range stats {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			parent, _ := strconv.Atoi(status(path)["PPid"])
			if !ours[pid] && ours[parent] {
				ours[pid], again = true, true
			}
		}
	}
	u.helpers = len(ours) - 1
	for pid := range ours {
		s := status(fmt.Sprintf("/proc/%d/status", pid))
		name := fmt.Sprintf("%s %d", s["Name"], pid)
		u.threads[name], _ = strconv.Atoi(s["Threads"])
		u.memory[name], _ = strconv.Atoi(strings.TrimSuffix(s["VmRSS"], " kB"))
		if files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
			u.files[name] = len(files)
		} else { // not dumpable, and we are not root: the size of its table
			u.files[name], _ = strconv.Atoi(s["FDSize"])
		}
	}
	return u
}

// status is a file of proc_pid_status(5).
func status(path string) map[string]string {
	text, _ := os.ReadFile(path)
	m := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok {
			m[k] = strings.TrimSpace(v)
		}
	}
	return m
}
