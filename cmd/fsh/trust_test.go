package main_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// project is a directory that asks for rights, in a home.
func project(t *testing.T, text string) (home, dir string) {
	home = t.TempDir()
	dir = filepath.Join(home, "src/app")
	put(t, filepath.Join(dir, ".fsh.toml"), text, 0o644)
	return home, dir
}

// onTerminal runs fsh on a terminal of its own: what is typed ahead is there
// before fsh starts, and answer is typed when the question has been asked.
func onTerminal(t *testing.T, home, dir, ahead, answer string, args ...string) (output string, status int) {
	t.Helper()
	cmd := exec.Command(fshBinary(t), args...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + home, "PATH=/usr/bin:/bin", "TERM=dumb"}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if _, err := master.WriteString(ahead); err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	timer := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	var out bytes.Buffer
	buf := make([]byte, 4096)
	for asked := false; ; {
		n, err := master.Read(buf)
		out.Write(buf[:n])
		if s := out.String(); !asked && (strings.HasSuffix(s, "[y/N] ") || strings.HasSuffix(s, "type yes: ")) {
			asked = true
			if _, err := master.WriteString(answer); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil { // EIO: all have closed it
			break
		}
	}
	cmd.Wait()
	return strings.ReplaceAll(out.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

const modest = "version = 1\n[filesystem]\nallow_write = ['.']\ndeny_read = ['.env']\n"

// TestTrust: the way of a project's policy from asking to being edited.
func TestTrust(t *testing.T) {
	home, dir := project(t, modest)
	writes := func() bool {
		cmd := exec.Command(fshBinary(t), "-c", "true >made")
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
		return cmd.Run() == nil
	}
	if writes() {
		t.Fatal("an untrusted project writes")
	}
	out, status := onTerminal(t, home, dir, "", "y\n", "trust")
	want := "DIR/.fsh.toml asks for:\n  files that it may write:\n    + write DIR   (DIR/.fsh.toml:3)\n" +
		"trust it, until it is edited? [y/N] y\nfsh: trusted: DIR/.fsh.toml, until it is edited\n"
	if want = strings.ReplaceAll(want, "DIR", dir); status != 0 || out != want {
		t.Errorf("%d %q\nwant %q", status, out, want)
	}
	if !writes() {
		t.Error("a trusted project does not write")
	}
	// The same by another name of the directory.
	link := filepath.Join(home, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if got := fsh(t, home, "why", "--in=link", "write", "link/x"); got.status != 0 {
		t.Errorf("by a link: %+v", got)
	}
	list := fsh(t, home, "trust", "--list")
	if !strings.HasPrefix(list.stdout, "trusted ") || !strings.HasSuffix(list.stdout, dir+"/.fsh.toml\n") {
		t.Errorf("list: %+v", list)
	}
	put(t, filepath.Join(dir, ".fsh.toml"), modest+"#\n", 0o644)
	if writes() {
		t.Error("an edit does not end trust")
	}
	if list := fsh(t, home, "trust", "--list"); !strings.HasPrefix(list.stdout, "edited ") {
		t.Errorf("list: %+v", list)
	}
	put(t, filepath.Join(dir, ".fsh.toml"), modest, 0o644)
	if !writes() {
		t.Error("the file that was agreed to is not trusted")
	}
	// The same content elsewhere was not agreed to.
	put(t, filepath.Join(home, "src/other/.fsh.toml"), modest, 0o644)
	if got := fsh(t, home, "why", "--in=src/other", "write", "src/other/x"); got.status != 1 {
		t.Errorf("a copy elsewhere: %+v", got)
	}
	if got := fsh(t, home, "untrust", "src/app"); got.status != 0 || writes() {
		t.Errorf("untrust: %+v", got)
	}
	if got := fsh(t, home, "untrust", "src/app"); got.status != 1 || !strings.Contains(got.stderr, "is not trusted") {
		t.Errorf("untrust twice: %+v", got)
	}
	for _, name := range []string{"", "trust.json"} {
		info, err := os.Stat(filepath.Join(home, ".local/state/fsh", name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q: %v %v", name, info, err)
		}
	}
}

// TestTrustAnswers: only a plain yes, typed after the question, on a terminal.
func TestTrustAnswers(t *testing.T) {
	const dangerous = "version = 1\n[filesystem]\nallow_write = ['~']\n"
	for _, test := range []struct {
		name, text, ahead, answer string
		status                    int
		says                      string
	}{
		{"yes", modest, "", "yes\n", 0, "fsh: trusted"},
		{"no", modest, "", "n\n", 1, "fsh: not trusted: nothing has changed"},
		{"empty", modest, "", "\n", 1, "fsh: not trusted"},
		{"end of input", modest, "", "\x04", 1, "fsh: not trusted"},
		{"typed ahead", modest, "y\ny\ny\n", "n\n", 1, "fsh: not trusted"},
		{"y to a warning", dangerous, "", "y\n", 1, "WARNING: it can write your whole home directory"},
		{"yes to a warning", dangerous, "", "yes\n", 0, "type yes: "},
		{"broken", "version = 2\n", "", "y\n", 125, ".fsh.toml:1:11: version 2 is not known"},
		{"control characters", "version = 1\n[environment]\nset = { A = \"\\u001b[2J\\u202e\" }\n", "", "n\n", 1, `set A=\x1b[2J\u202e`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			home, dir := project(t, test.text)
			out, status := onTerminal(t, home, dir, test.ahead, test.answer, "trust")
			if status != test.status || !strings.Contains(out, test.says) {
				t.Errorf("%d %q", status, out)
			}
			list := fsh(t, home, "trust", "--list")
			if (list.stdout != "") != (test.status == 0) {
				t.Errorf("list: %+v", list)
			}
		})
	}
	home, dir := project(t, modest)
	for what, args := range map[string][]string{"no terminal": {"trust", dir}, "nothing there": {"trust", home}} {
		cmd := exec.Command(fshBinary(t), args...)
		cmd.Dir, cmd.Env = home, []string{"HOME=" + home}
		cmd.Stdin = strings.NewReader("yes\n")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "fsh: ") {
			t.Errorf("%s: %v %s", what, err, out)
		}
	}
	if got := fsh(t, home, "trust", "--list"); got.stdout != "" {
		t.Errorf("trusted without a terminal: %+v", got)
	}
}

// TestTrustScript: a script is trusted as a whole, and its extended file too.
func TestTrustScript(t *testing.T) {
	home := t.TempDir()
	script := filepath.Join(home, "s")
	const text = "#!/usr/bin/env fsh\n#: extends = ['./more.toml']\n#: network.allowed_domains = ['x.example']\necho ok >out && cat out\n"
	put(t, script, text, 0o755)
	put(t, filepath.Join(home, "more.toml"), "filesystem.allow_write = ['.']\n", 0o644)
	if got := fsh(t, home, "s"); got.status == 0 || !strings.Contains(got.stderr, "s is not trusted: only what it denies is used") {
		t.Errorf("untrusted: %+v", got)
	}
	out, status := onTerminal(t, home, home, "", "yes\n", "trust", "s")
	if status != 0 || !strings.Contains(out, "(extends "+home+"/more.toml)") || !strings.Contains(out, "+ connect to x.example") {
		t.Errorf("%d %s", status, out)
	}
	if got := fsh(t, home, "s"); got.stdout != "ok\n" || got.stderr != "" {
		t.Errorf("trusted: %+v", got)
	}
	put(t, filepath.Join(home, "more.toml"), "filesystem.allow_write = ['.', '/']\n", 0o644)
	if got := fsh(t, home, "s"); got.status == 0 {
		t.Errorf("the extended file was edited: %+v", got)
	}
	put(t, filepath.Join(home, "more.toml"), "filesystem.allow_write = ['.']\n", 0o644)
	put(t, script, text+strings.Repeat("# far below\n", 10_000), 0o755)
	if got := fsh(t, home, "s"); got.status == 0 {
		t.Errorf("the script was edited at its end: %+v", got)
	}
}

// TestTrustStoreOfOthers: a list that somebody else could write is not believed.
func TestTrustStoreOfOthers(t *testing.T) {
	home, dir := project(t, modest)
	if _, status := onTerminal(t, home, dir, "", "y\n", "trust"); status != 0 {
		t.Fatal("not trusted")
	}
	store := filepath.Join(home, ".local/state/fsh/trust.json")
	good, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	for what, damage := range map[string]func() error{
		"writable by others": func() error { return os.Chmod(store, 0o666) },
		"directory":          func() error { return os.Chmod(filepath.Dir(store), 0o777) },
		"nonsense":           func() error { return os.WriteFile(store, []byte("{"), 0o600) },
		"link": func() error {
			return errors.Join(os.Rename(store, home+"/theirs"), os.Symlink(home+"/theirs", store))
		},
		"fifo": func() error { return errors.Join(os.Remove(store), syscall.Mkfifo(store, 0o600)) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(fshBinary(t), "-c", "true >made || echo refused")
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "refused") || !strings.Contains(string(out), "fsh: warning: "+filepath.Dir(store)) {
			t.Errorf("%s: %v %s", what, err, out)
		}
		os.Chmod(filepath.Dir(store), 0o700)
		os.Remove(store)
		if err := os.WriteFile(store, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Agreements at the same time are all kept.
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		put(t, filepath.Join(home, name, ".fsh.toml"), modest, 0o644)
		wg.Go(func() { onTerminal(t, home, filepath.Join(home, name), "", "y\n", "trust") })
	}
	wg.Wait()
	if got := fsh(t, home, "trust", "--list"); strings.Count(got.stdout, "trusted ") != 5 {
		t.Errorf("list: %+v", got)
	}
	got := fsh(t, home, "-c", "cat ~/.local/state/fsh/trust.json || echo hidden; echo x >~/.local/state/fsh/trust.json || echo kept")
	if got.stdout != "hidden\nkept\n" {
		t.Errorf("from inside: %+v", got)
	}
}

// TestHeaderOfStandardInput: a script that comes by a pipe or from a file may
// narrow what it can do, and no command loses a byte of its input.
func TestHeaderOfStandardInput(t *testing.T) {
	dir := home(t)
	const script = "#!/usr/bin/env fsh\n#: filesystem.deny_read = ['public']\n#: filesystem.allow_write = ['.']\ncat public; echo x >made; read x; echo \"got $x\"\nthe rest\n"
	put(t, filepath.Join(dir, "script"), script, 0o644)
	for how, line := range map[string]string{"pipe": "cat script | FSH", "option": "cat script | FSH -s a b", "file": "FSH <script"} {
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "FSH", fshBinary(t)))
		cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		text := string(out)
		if err != nil || !strings.HasSuffix(text, "got the rest\n") || !strings.Contains(text, "cat: public: Permission denied") || !strings.Contains(text, "Read-only file system") ||
			!strings.Contains(text, "fsh: warning: standard input is not trusted: only what it denies is used\nfsh: hint: save it: a file can be trusted\n") {
			t.Errorf("%s: %v %s", how, err, text)
		}
	}
	for name, test := range map[string]struct{ text, says string }{
		"a mistake": {"#: filesystem.deny_raed = ['x']\necho ran\n", "standard input:1:15: unknown key \"deny_raed\" in [filesystem]"},
		"no header": {"echo ran\n#: nonsense\n", "ran\n"},
		"one byte":  {"#", ""},
		"empty":     {"", ""},
	} {
		cmd := exec.Command(fshBinary(t))
		cmd.Dir, cmd.Env, cmd.Stdin = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, strings.NewReader(test.text)
		out, _ := cmd.CombinedOutput()
		if !strings.Contains(string(out), test.says) || strings.Contains(string(out), "ran") != strings.Contains(test.says, "ran") {
			t.Errorf("%s: %s", name, out)
		}
	}
}
