package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/netfilter"
	"github.com/fsh-sh/fsh/policy"
)

// Names under which the test binary is run inside.
const probeName, deployName, toolName = "fsh-why-probe", "deploy", "tool"

func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case probeName:
		probeMain()
	case deployName, toolName:
		fmt.Println("ran")
	default:
		os.Exit(m.Run())
	}
}

// question is one action that is asked about and then tried.
type question struct {
	Action string
	Words  []string
	Shell  bool // by a redirection of the shell, not by a program
}

// probeMain tries the questions of standard input and prints one digit each.
func probeMain() {
	var qs []question
	if err := json.NewDecoder(os.Stdin).Decode(&qs); err != nil {
		fmt.Println(err)
		return
	}
	for i, q := range qs {
		fmt.Println("p", i, map[bool]int{true: 1}[try(q)])
	}
}

func try(q question) bool {
	target := q.Words[0]
	open := func(flag int) bool {
		f, err := os.OpenFile(target, flag, 0o644)
		if err != nil {
			return false
		}
		defer f.Close()
		if flag == os.O_RDONLY {
			_, err = f.Read(make([]byte, 1))
		}
		return err == nil || err == io.EOF || errors.Is(err, syscall.EISDIR)
	}
	switch q.Action {
	case "read":
		return open(os.O_RDONLY)
	case "write":
		return open(os.O_WRONLY | os.O_APPEND)
	case "create":
		made := open(os.O_WRONLY | os.O_CREATE | os.O_EXCL)
		if made {
			os.Remove(target)
		}
		return made
	case "env":
		_, ok := os.LookupEnv(target)
		return ok
	case "exec":
		out, _ := exec.Command(target, q.Words[1:]...).Output()
		return string(out) == "ran\n"
	}
	c, err := net.DialTimeout("tcp", target, 10*time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	line, _ := bufio.NewReader(c).ReadString('\n')
	return line == "ok\n"
}

// reality is a home with a project, and two services of the host.
type reality struct {
	home, dir string
	ports     [2]string
	env       []string
}

func newReality(t *testing.T) *reality {
	w := &reality{home: publicDir(t)}
	w.dir = w.home + "/src/app"
	for _, name := range []string{"pub/f", "pub/g", ".npm/theirs", "bin/x", ".ssh/id", ".profile", ".netrc", "src/f", "src/app/f", "src/app/a/f", "src/app/a/b/f", "src/app/b/f",
		"src/app/.git/config", "src/app/.git/hooks/h", "src/app/.git/index", "src/app/a/.envrc", "src/app/b/.vscode/tasks.json"} {
		path := filepath.Join(w.home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "../../pub", "lf": "a/f", "b/up": "../a", "out": "/etc/shadow"} {
		if err := os.Symlink(to, filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.home+"/bin/"+probeName, data, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{deployName, toolName} {
		if err := os.Link(w.home+"/bin/"+probeName, w.home+"/bin/"+name); err != nil {
			t.Fatal(err)
		}
	}
	for i := range w.ports {
		w.ports[i] = service(t)
	}
	w.env = []string{"HOME=" + w.home, "PATH=" + w.home + "/bin:/usr/bin:/bin", "CI=1", "PLAIN=1", "X_TOKEN=1", "AWS_X=1", "SET=0"}
	return w
}

// publicDir is a directory that no private place hides.
func publicDir(t *testing.T) string {
	for _, parent := range []string{os.TempDir(), "/var/lib", os.Getenv("HOME"), "."} {
		parent, err := filepath.Abs(parent)
		if err != nil || strings.HasPrefix(parent+"/", "/tmp/") || strings.HasPrefix(parent+"/", "/var/tmp/") {
			continue
		}
		if dir, err := os.MkdirTemp(parent, "fsh-why"); err == nil {
			t.Cleanup(func() { os.RemoveAll(dir) })
			return dir
		}
	}
	t.Fatal("no writable directory but private places: set TMPDIR")
	return ""
}

// service says ok on a port of the loopback, which it returns.
func service(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "ok\n")
			c.Close()
		}
	}()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// policyText is a random policy. What it grants exists.
func (w *reality) policyText(r *rand.Rand) string {
	some := func(n int, of ...string) string {
		r.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return `"` + strings.Join(of[:1+r.IntN(n)], `", "`) + `"`
	}
	p1, p2 := w.ports[0], w.ports[1]
	var b strings.Builder
	line := func(chance int, format string, args ...any) {
		if r.IntN(chance) == 0 {
			fmt.Fprintf(&b, format+"\n", args...)
		}
	}
	places := []string{".", "a", "a/b", "b", "~/pub", "~/pub/f", "a/f", "a/*", "link", "*/b", ".git/hooks", "~/src"}
	b.WriteString("version = 1\n[filesystem]\n")
	line(3, `allow_read = ["/usr", "~/bin", %s]`, some(3, append(slices.Clone(places), "/", "**/f")...))
	line(2, `deny_read = [%s]`, some(2, append(slices.Clone(places[1:len(places)-1]), "**/f", "~/.npm")...))
	line(1, `allow_write = [%s]`, some(3, append(slices.Clone(places), "~", "~/.profile", "/", ".git/config")...))
	line(2, `deny_write = [%s]`, some(2, append(slices.Clone(places), "**/f", "~")...))
	b.WriteString("[network]\n" + `hosts = { "p1.test" = "127.0.0.1", "p2.test" = "127.0.0.1", "x.sub.test" = "127.0.0.1" }` + "\n")
	line(1, `allowed_domains = [%s]`, some(3, "p1.test:"+p1, "p1.test:*", "*.sub.test:"+p2, "p2.test", "**.test:"+p1, "127.0.0.1:"+p2, "p2.test:1-65535"))
	line(2, `denied_domains = [%s]`, some(2, "p1.test:*", "*.test:"+p2, "x.sub.test:"+p1, "127.0.0.0/8:"+p1))
	line(2, `allow_local_outbound = %s`, []string{"true", "false", "[" + p1 + "]"}[r.IntN(3)])
	b.WriteString("[command]\n")
	line(2, `deny = [%s]`, some(3, "deploy push", "tool", "deploy", "deploy push docs"))
	line(3, `allow = [%s]`, some(2, "deploy push docs", "tool x"))
	b.WriteString("[environment]\n")
	line(3, `pass = ["PATH", "HOME", %s]`, some(3, "*", "PLAIN", "X_*", "X_TOKEN", "CI"))
	line(3, `deny = [%s]`, some(2, "C*", "PLAIN", "X_*"))
	line(4, `set = { SET = "1" }`)
	return b.String()
}

func (w *reality) questions() []question {
	var qs []question
	for _, path := range []string{"f", "a/f", "a/b/f", "b/f", "lf", "link/g", "b/up/f", "out", ".git/config", ".git/hooks/h", ".git/index", "a/.envrc", "b/.vscode/tasks.json",
		"../f", "../../pub/f", "../../pub/g", "../../.ssh/id", "../../.profile", "../../.netrc", "/etc/passwd", "/usr/lib/os-release",
		"/proc/version", "/proc/sys/kernel/ostype", "/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/self/comm", "/proc/fs", "/proc/bus",
		"/sys/kernel/notes", "/sys/kernel/profiling", "/sys/firmware", "/sys/kernel/debug", "/sys/kernel/mm/transparent_hugepage/enabled",
		"/dev/null", "/dev/full", "/dev/kmsg", "/dev/mem", "/run", "/run/fsh/fsh", "/run/lock", "/tmp", "/var/tmp"} {
		for _, action := range []string{"read", "write"} {
			qs = append(qs, question{Action: action, Words: []string{path}}, question{Action: action, Words: []string{path}, Shell: true})
		}
	}
	for _, path := range []string{"new", "a/new", "a/b/new", "b/.envrc", "a/.fsh.toml", "link/new", "b/up/new", "../new", "../../new", "../../pub/new", "../../.bashrc",
		"/tmp/new", "/dev/shm/new", "/etc/fsh-new", "../../.npm/new", "/run/new", "/run/fsh/new", "/dev/new", "/proc/new", "/sys/new", "/var/tmp/new", ".git/hooks/new", "a/.idea", ".git/new"} {
		qs = append(qs, question{Action: "create", Words: []string{path}}, question{Action: "create", Words: []string{path}, Shell: true})
	}
	for _, words := range []string{"deploy push", "deploy -x push", "deploy push docs", "deploy", "tool", "tool x", "env deploy push", "env tool"} {
		qs = append(qs, question{Action: "exec", Words: strings.Fields(words)}, question{Action: "exec", Words: strings.Fields(words), Shell: true})
	}
	for _, name := range []string{"CI", "PLAIN", "X_TOKEN", "AWS_X", "SET"} {
		qs = append(qs, question{Action: "env", Words: []string{name}})
	}
	for _, host := range []string{"p1.test", "p2.test", "x.sub.test", "127.0.0.1"} {
		for _, port := range w.ports {
			qs = append(qs, question{Action: "net", Words: []string{host + ":" + port}})
		}
	}
	return slices.DeleteFunc(qs, func(q question) bool {
		// What the system's files allow is not the policy's alone, and there is no
		// writing to directories, nor reading of a trigger.
		target := q.Words[0]
		system := slices.ContainsFunc([]string{"/etc/", "/usr/", "/proc/", "/sys/"}, func(dir string) bool { return strings.HasPrefix(target, dir) })
		info, err := os.Stat(target)
		switch {
		case !filepath.IsAbs(target):
			return false
		case q.Action == "read":
			return strings.HasSuffix(target, "-trigger")
		case q.Action == "write" && (target == "/proc/version" || target == "/sys/kernel/notes"):
			return true // its mode
		case q.Action == "write" && (err != nil && system || err == nil && info.IsDir()):
			return true
		}
		return system && os.Geteuid() != 0
	})
}

// script asks the shell and the probe. The descriptors of the answers are
// opened before anything can be denied.
func (w *reality) script(qs []question) string {
	var b strings.Builder
	asked, _ := json.Marshal(qs) // strings and booleans
	fmt.Fprintf(&b, "%s/bin/%s <<'EOF'\n%s\nEOF\n", w.home, probeName, asked)
	for i, q := range qs {
		target := q.Words[0]
		switch {
		case !q.Shell:
			continue
		case q.Action == "read":
			fmt.Fprintf(&b, "true <%s", target)
		case q.Action == "write":
			fmt.Fprintf(&b, "true >>%s", target)
		case q.Action == "create":
			fmt.Fprintf(&b, "true >%s && rm -f %s", target, target)
		case q.Action == "exec":
			fmt.Fprintf(&b, `[ "$(%s)" = ran ]`, strings.Join(q.Words, " "))
		}
		fmt.Fprintf(&b, " && echo s %d 1 || echo s %d 0\n", i, i)
	}
	return b.String()
}

// TestWhyAgreesWithReality: the answer of fsh why is what the sandbox does.
func TestWhyAgreesWithReality(t *testing.T) {
	w := newReality(t)
	binary, err := filepath.Abs(cmp.Or(os.Getenv("FSH_TEST_BINARY"), "../../build/fsh"))
	if err != nil {
		t.Fatal(err)
	}
	qs := w.questions()
	script := w.script(qs)
	pairs, allowed := 0, 0
	for seed := range 14 {
		text := w.policyText(rand.New(rand.NewPCG(uint64(seed), 6)))
		file := w.home + "/policy.toml"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(binary, "--policy="+file, "-c", script)
		cmd.Dir, cmd.Env = w.dir, w.env
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		real := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			if key, ok := strings.CutSuffix(strings.TrimSpace(line), " 1"); ok {
				real[key] = true
			} else if key, ok := strings.CutSuffix(strings.TrimSpace(line), " 0"); ok {
				real[key] = false
			}
		}
		rules := w.load(t, file)
		c := &call{env: w.env, errout: io.Discard}
		for i, q := range qs {
			v, err := c.verdict(rules, q.Action, q.Words)
			if err != nil {
				t.Fatal(err)
			}
			key := map[bool]string{false: "p ", true: "s "}[q.Shell] + strconv.Itoa(i)
			got, answered := real[key]
			if !answered || got != v.Allowed {
				t.Errorf("seed %d: %+v: why says %v by %s, reality says %v (answered %v)", seed, q, v.Allowed, v.Rule, got, answered)
			}
			pairs++
			allowed += map[bool]int{true: 1}[got]
		}
		if t.Failed() {
			t.Fatalf("%v\n%s\n%s", err, text, stderr.String())
		}
	}
	if pairs < 500 || allowed < pairs/5 || allowed > pairs*4/5 {
		t.Errorf("%d pairs, %d allowed: the matrix is lopsided", pairs, allowed)
	}
	t.Logf("%d pairs, %d allowed", pairs, allowed)
}

func (w *reality) load(t *testing.T, file string) *policy.Policy {
	rules, _, err := policy.Load(policy.Options{Dir: w.dir, Home: w.home, PolicyFile: file, CheckHost: netfilter.CheckEntry,
		Getenv: func(name string) string {
			value, _ := lookup(w.env, name)
			return value
		}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}
