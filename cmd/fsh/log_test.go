package main_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsh-sh/fsh/events"
)

// TestEventsAndLog: what a run writes is one event a line, and fsh log shows
// the denials among them.
func TestEventsAndLog(t *testing.T) {
	require(t, "reboot")
	dir := home(t)
	script := "ls public >/dev/null; true <~/.ssh/id_ed25519; reboot; reboot; exit 3"
	got := fsh(t, dir, "--events=log.jsonl", "-c", script)
	if got.status != 3 {
		t.Fatalf("%+v", got)
	}
	data, err := os.ReadFile(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[events.Kind]int{}
	for line := range strings.Lines(string(data)) {
		var e events.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Session == "" || e.Time.IsZero() {
			t.Errorf("%v: %s", err, line)
		}
		kinds[e.Kind]++
		if e.Denied && (e.Rule == nil || e.Hint == "" || e.Target == "" || e.Errno == "") {
			t.Errorf("an unexplained denial: %s", line)
		}
	}
	if kinds[events.Exit] == 0 || kinds[events.Open] != 1 || kinds[events.Exec] != 2 {
		t.Errorf("%v\n%s", kinds, data)
	}
	log := fsh(t, dir, "log", "log.jsonl")
	for _, want := range []string{"read " + dir + "/.ssh/id_ed25519\nfsh: rule: filesystem.deny_read \"~/.ssh\" (defaults)\nfsh: hint: ", "fsh exec reboot\n", "fsh: blocked 2 times"} {
		if !strings.Contains(log.stdout, want) {
			t.Errorf("no %q in\n%s", want, log.stdout)
		}
	}
	if log.status != 0 || log.stderr != "" || strings.Contains(log.stdout, "ran: ") {
		t.Errorf("%+v", log)
	}
	if all := fsh(t, dir, "log", "--all", "log.jsonl"); !strings.Contains(all.stdout, "ran: -c:1: ls public") {
		t.Errorf("--all: %+v", all)
	}
	if js := fsh(t, dir, "log", "--json", "log.jsonl"); strings.Count(js.stdout, "\n") != 3 || strings.Count(js.stdout, `"denied":true`) != 3 {
		t.Errorf("--json: %+v", js)
	}
	put(t, filepath.Join(dir, "bad.jsonl"), "{\n"+string(data)+"\x1b[2J\n", 0o644)
	if bad := fsh(t, dir, "log", "bad.jsonl"); bad.status != 1 || !strings.HasPrefix(bad.stderr, "fsh: bad.jsonl:1: no event\n") || !strings.Contains(bad.stdout, "reboot") {
		t.Errorf("bad: %+v", bad)
	}
	if none := fsh(t, dir, "log", "gone"); none.status != 1 || none.stderr != "fsh: gone: cannot read it: no such file or directory\nfsh: hint: fsh --events=FILE writes one\n" {
		t.Errorf("gone: %+v", none)
	}
}

// TestEventsToDescriptor: a descriptor number takes the lines as well, and a
// reader of a growing file sees them.
func TestEventsToDescriptor(t *testing.T) {
	require(t, "reboot")
	dir := home(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(fshBinary(t), "--events=3", "--deny-exec=ls", "-c", "ls; [ -e /proc/self/fd/3 ] && echo leaked")
	cmd.Dir, cmd.Env, cmd.ExtraFiles = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, []*os.File{w}
	out, _ := cmd.Output()
	w.Close()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil || !json.Valid([]byte(line)) || strings.Contains(string(out), "leaked") {
		t.Errorf("%v %q %q", err, line, out)
	}
	for bad, want := range map[string]string{"77": "fsh: --events: descriptor 77 is not open\n", "/nowhere/x": "fsh: --events: open /nowhere/x: no such file or directory\n"} {
		if got := fsh(t, dir, "--events="+bad, "-c", "echo ran"); got.status != 125 || got.stdout != "" || got.stderr != want {
			t.Errorf("%s: %+v", bad, got)
		}
	}
	put(t, filepath.Join(dir, "rc"), "mine", 0o644)
	if err := os.Symlink("rc", filepath.Join(dir, "planted")); err != nil {
		t.Fatal(err)
	}
	got := fsh(t, dir, "--events=planted", "-c", "echo ran")
	if text, err := os.ReadFile(filepath.Join(dir, "rc")); got.status != 125 || got.stdout != "" || err != nil || string(text) != "mine" {
		t.Errorf("through a link: %+v, %q %v", got, text, err)
	}
	if got := fsh(t, dir, "--events=/dev/stdout", "-c", "/bin/true"); got.status != 0 || !strings.Contains(got.stdout, "/bin/true") {
		t.Errorf("/dev/stdout: %+v", got)
	}
	put(t, filepath.Join(dir, "grow"), "", 0o644)
	follow := exec.Command(fshBinary(t), "log", "--follow", "grow")
	follow.Dir = dir
	shown, err := follow.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	defer follow.Wait()
	defer follow.Process.Kill()
	if got := fsh(t, dir, "--events=grow", "-c", "reboot"); got.status != 126 {
		t.Errorf("%+v", got)
	}
	if first, err := bufio.NewReader(shown).ReadString('\n'); err != nil || !strings.Contains(first, "exec reboot") {
		t.Errorf("followed: %q %v", first, err)
	}
}
