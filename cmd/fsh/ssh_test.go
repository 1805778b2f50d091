package main_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sshd is a real server, reached as allowed.test and by other names, one
// process per connection; what it and the clients think of users is a file of
// the test's.
type sshd struct {
	t    *testing.T
	dir  string // the user's home
	user string
	port int
	sock string // of an agent that holds the key
}

func startSSHD(t *testing.T, dir string) *sshd {
	for _, tool := range []string{"sshd", "ssh", "ssh-agent", "scp", "sftp", "git", "unshare"} {
		require(t, tool)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{t: t, dir: dir, user: me.Username, sock: filepath.Join(dir, "agent")}
	put(t, dir+"/passwd", fmt.Sprintf("%s:x:%s:%s::%s:/bin/sh\nsshd:x:65533:65534::/run/sshd:/bin/false\n", me.Username, me.Uid, me.Gid, dir), 0o644)
	put(t, dir+"/shadow", me.Username+":*:1::::::\n", 0o600)
	os.Remove(dir + "/.ssh/id_ed25519")
	for _, key := range []string{"/.ssh/id_ed25519", "/hostkey", "/otherkey"} {
		s.tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir+key)
	}
	put(t, dir+"/sshd_config", strings.ReplaceAll(`HostKey DIR/hostkey
AuthorizedKeysFile DIR/.ssh/id_ed25519.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
Subsystem sftp internal-sftp
`, "DIR", dir), 0o600)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.port = l.Addr().(*net.TCPAddr).Port
	go s.serve(l)
	s.knownHosts()
	s.agent()
	return s
}

func (s *sshd) tool(argv ...string) {
	s.t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+s.sock)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", argv, err, out)
	}
}

// knownHosts knows allowed.test, by a hash, and has another key of wrong.test.
func (s *sshd) knownHosts() {
	text := ""
	for name, key := range map[string]string{"allowed.test": "/hostkey.pub", "wrong.test": "/otherkey.pub"} {
		pub, err := os.ReadFile(s.dir + key)
		if err != nil {
			s.t.Fatal(err)
		}
		text += fmt.Sprintf("[%s]:%d %s", name, s.port, pub)
	}
	put(s.t, s.dir+"/.ssh/known_hosts", text, 0o600)
	s.tool("ssh-keygen", "-q", "-H", "-f", s.dir+"/.ssh/known_hosts")
}

func (s *sshd) agent() {
	cmd := exec.Command("ssh-agent", "-D", "-a", s.sock)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it listens
		s.t.Fatal(err)
	}
	s.tool("ssh-add", "-q", s.dir+"/.ssh/id_ed25519")
}

// within runs a command where /etc/passwd is the test's own.
func (s *sshd) within(more string, argv ...string) *exec.Cmd {
	script := `mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow && shift && ` + more
	how := []string{"-m"}
	if os.Geteuid() != 0 {
		how = []string{"-U", "--map-current-user", "--keep-caps", "-m"}
		script += "exec setpriv --inh-caps=-all --ambient-caps=-all -- "
	} else {
		script += "exec "
	}
	return exec.Command("unshare", append(append(how, "sh", "-c", script+`"$@"`, "sh", s.dir), argv...)...)
}

func (s *sshd) serve(l net.Listener) {
	path, err := exec.LookPath("sshd")
	if err != nil {
		return
	}
	more := ""
	if os.Geteuid() == 0 { // which then wants an empty directory of its own
		more = "mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && "
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		f, err := c.(*net.TCPConn).File()
		c.Close()
		if err != nil {
			return
		}
		cmd := s.within(more, path, "-i", "-f", s.dir+"/sshd_config")
		cmd.Stdin, cmd.Stdout = f, f
		if err := cmd.Start(); err == nil {
			go cmd.Wait()
		}
		f.Close()
	}
}

// run is a session in which each part of a script says what it is about.
func (s *sshd) run(rules, script string, args ...string) (map[string]string, string) {
	s.t.Helper()
	script = strings.NewReplacer("PORT", fmt.Sprint(s.port), "USER", s.user, "DIR", s.dir).Replace(script)
	cmd := s.within("", append(append([]string{fshBinary(s.t), rules}, args...), "-c", script)...)
	cmd.Dir, cmd.WaitDelay = s.dir, time.Second
	cmd.Env = []string{"HOME=" + s.dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "SSH_AUTH_SOCK=" + s.sock}
	got := outcomeOf(s.t, cmd)
	parts := map[string]string{}
	for part := range strings.SplitSeq(got.stdout, "== ") {
		name, out, _ := strings.Cut(part, "\n")
		parts[name] = out
	}
	return parts, got.stderr
}

// TestSSH: ssh and what is built upon it work with an allowed host, without a
// ProxyCommand; known_hosts is there and decides, keys are not, and the agent is
// only where its socket is granted.
func TestSSH(t *testing.T) {
	dir := home(t)
	s := startSSHD(t, dir)
	in := &internet{t: t, dir: dir}
	in.gitRepository()
	put(t, dir+"/remote.txt", "hello by copy\n", 0o644)
	network := `allowed_domains = ["allowed.test:` + fmt.Sprint(s.port) + `", "wrong.test:*", "new.test:*"]
hosts = { "allowed.test" = "127.0.0.1", "wrong.test" = "127.0.0.1", "new.test" = "127.0.0.1", "denied.test" = "127.0.0.1" }
`
	agent := network + `allow_unix_sockets = ["$SSH_AUTH_SOCK"]`
	got, stderr := s.run(writeRules(t, dir, agent), `
ssh() { command ssh -o BatchMode=yes -o ConnectTimeout=20 -p PORT "$@" 2>&1; }
echo "== login"; ssh USER@allowed.test 'echo hello by ssh; cat' </dev/null
echo "== big"; head -c 3000000 /dev/zero | ssh USER@allowed.test wc -c
echo "== status"; ssh USER@allowed.test exit 42; echo $?
echo "== clone"; git clone -q ssh://USER@allowed.test:PORTDIR/repo /tmp/c 2>&1; cat /tmp/c/file
echo "== scp"; scp -q -P PORT USER@allowed.test:DIR/remote.txt /tmp/new 2>&1; cat /tmp/new
echo "== old scp"; scp -O -q -P PORT USER@allowed.test:DIR/remote.txt /tmp/old 2>&1; cat /tmp/old
echo "== sftp"; echo "get DIR/remote.txt /tmp/sftp" | sftp -q -b - -P PORT USER@allowed.test >/dev/null 2>&1; cat /tmp/sftp
echo "== denied"; ssh USER@denied.test echo reached
echo "== wrong key"; ssh USER@wrong.test echo reached
echo "== new"; ssh USER@new.test echo reached
echo "== accept new"; ssh -o StrictHostKeyChecking=accept-new USER@new.test echo reached
echo "== known"; cat ~/.ssh/known_hosts | wc -l; echo x >>~/.ssh/known_hosts || echo not written
echo "== key"; cat ~/.ssh/id_ed25519 2>&1; ls ~/.ssh 2>&1
echo "== agent"; ssh-add -l; SSH_AUTH_SOCK= ssh USER@allowed.test echo reached`)
	for name, want := range map[string]string{
		"login": "hello by ssh\n", "big": "3000000\n", "status": "42\n", "clone": "hello from git\n", "scp": "hello by copy\n", "old scp": "hello by copy\n",
		"sftp": "hello by copy\n", "known": "2\nnot written\n",
	} {
		if got[name] != want {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	for name, want := range map[string]string{
		"denied": "Could not resolve hostname", "wrong key": "Host key verification failed", "new": "Host key verification failed",
		"accept new": "reached", "key": "No such file or directory", "agent": "Permission denied (publickey)",
	} {
		if !strings.Contains(got[name], want) || name != "accept new" && strings.Contains(got[name], "reached") {
			t.Errorf("%s: %q", name, got[name])
		}
	}
	if !strings.Contains(got["agent"], "ED25519") || strings.Contains(fmt.Sprint(got), "PRIVATE KEY") {
		t.Errorf("%q\n%s", got, stderr)
	}
	rules := writeRules(t, dir, network)
	const login = `echo "== login"; ssh -o BatchMode=yes -p PORT USER@allowed.test echo reached 2>&1; [ -e DIR/agent ] && ssh-add -l 2>&1`
	if got, _ := s.run(rules, login); strings.Contains(got["login"], "reached") || strings.Contains(got["login"], "ED25519") {
		t.Errorf("without the agent's socket: %q", got["login"])
	}
	if got, stderr := s.run(rules, login, "--allow-read=~/.ssh/id_ed25519"); !strings.HasPrefix(got["login"], "reached\n") {
		t.Errorf("with a key that may be read: %q\n%s", got["login"], stderr)
	}
}

// TestSSHConfigIncludes: root's files belong to nobody in the sandbox of an
// ordinary user, and ssh does not include those.
func TestSSHConfigIncludes(t *testing.T) {
	require(t, "ssh")
	require(t, "unshare")
	if os.Geteuid() != 0 { // the other run of scripts/test has it
		t.Skip("for root, who can become a user that is not nobody")
	}
	dir := home(t)
	if err := os.CopyFS(dir+"/d", os.DirFS("/etc/ssh/ssh_config.d")); err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/d/20-test.conf", "Host included\n  HostName name.test\n", 0o644)
	put(t, dir+"/passwd", "someone:x:4321:4321::"+dir+":/bin/sh\n", 0o644)
	binary, err := os.ReadFile(fshBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/fsh", string(binary), 0o755)
	for at := dir; at != "/tmp" && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, 4321, 4321); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-m", "sh", "-c", `mount --bind d /etc/ssh/ssh_config.d && mount --bind passwd /etc/passwd && exec setpriv --reuid 4321 --regid 4321 --clear-groups ./fsh -c '
ssh -G -F /etc/ssh/ssh_config included | grep ^hostname; echo x 2>/dev/null >/etc/ssh/ssh_config.d/new || echo read-only'`)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	if got := outcomeOf(t, cmd); got.stdout != "hostname name.test\nread-only\n" {
		t.Errorf("%+v", got)
	}
}
