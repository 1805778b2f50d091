package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// command is one "$" line of a README block, with the lines that continue it,
// and what is printed below.
type command struct{ text, want string }

// walk reads the console blocks of a section.
func walk(t *testing.T, section string) []command {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		text, err = os.ReadFile("../README.md") // beside the tests, see scripts/test
	}
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(text), "\n### "+section+"\n")
	if !found {
		t.Fatalf("README has no section %q", section)
	}
	if i := regexp.MustCompile(`(?m)^##`).FindStringIndex(body); i != nil {
		body = body[:i[0]]
	}
	var commands []command
	inside := false
	for line := range strings.Lines(body) {
		switch last := len(commands) - 1; {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console\n"
		case !inside:
		case strings.HasPrefix(line, "$ "):
			commands = append(commands, command{text: line[2:]})
		case strings.HasPrefix(line, "> "):
			commands[last].text += line[2:]
		default:
			commands[last].want += line
		}
	}
	if len(commands) == 0 {
		t.Fatalf("no commands in %q", section)
	}
	return commands
}

// TestReadme: a newcomer who types what two sections show sees what they show.
func TestReadme(t *testing.T) {
	for _, section := range []string{"Run something you don't trust", "Work in a cloned repo"} {
		home := visibleDir(t)
		put(t, filepath.Join(home, ".profile"), "", 0o644)
		if err := os.Mkdir(filepath.Join(home, ".local"), 0o755); err != nil {
			t.Fatal(err)
		}
		commands := walk(t, section)
		var script strings.Builder
		for i, c := range commands {
			fmt.Fprintf(&script, "echo '@@%d'\n%s", i, c.text)
		}
		outputs := strings.Split(atTerminal(t, home, script.String()), "@@")
		if len(outputs) != len(commands)+1 {
			t.Errorf("%s: %q", section, outputs)
			continue
		}
		for i, c := range commands {
			_, got, _ := strings.Cut(outputs[i+1], "\n")
			if !shows(c.want, strings.ReplaceAll(got, home, "/home/you")) {
				t.Errorf("%s: $ %s\nprints\n%s\nREADME shows\n%s", section, c.text, got, c.want)
			}
		}
	}
}

var processNumber = regexp.MustCompile(`\[[0-9]+\]`)

// shows compares output with what is printed in the README, line by line in any
// order: a program's words and fsh's about it are written by two processes. "…"
// alone in a line stands for any lines, and process numbers differ.
func shows(want, got string) bool {
	left := map[string]int{}
	for line := range strings.Lines(processNumber.ReplaceAllString(got, "[]")) {
		left[line]++
	}
	more := false
	for line := range strings.Lines(processNumber.ReplaceAllString(want, "[]")) {
		if line == "…\n" {
			more = true
		} else if left[line]--; left[line] < 0 {
			return false
		}
	}
	for _, n := range left {
		if n > 0 && !more {
			return false
		}
	}
	return true
}

// atTerminal runs a script with fsh in PATH at a terminal, and answers "y".
func atTerminal(t *testing.T, home, script string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "walk")
	put(t, file, script, 0o644)
	bin := t.TempDir()
	if err := os.Symlink(fshBinary(t), filepath.Join(bin, "fsh")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", file)
	cmd.Dir, cmd.Env = home, []string{"HOME=" + home, "PATH=" + bin + ":/usr/bin:/bin", "TERM=dumb", "LC_ALL=C"}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	var out bytes.Buffer
	buf := make([]byte, 4096)
	for asked := 0; ; {
		n, err := master.Read(buf)
		out.Write(buf[:n])
		if questions := strings.Count(out.String(), "[y/N] "); questions > asked {
			asked = questions
			if _, err := master.WriteString("y\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	cmd.Wait()
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}
