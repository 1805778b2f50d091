package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// netClient is a real program. Its script prints want when it reached HOST;
// HOST, DIR and {PORTS} are replaced.
type netClient struct {
	name, tool, script, want string
}

var netClients = []netClient{
	{"curl", "curl", `curl -sS http://HOST:{WEB}/hello`, "hello from HOST"},
	{"curl https", "curl", `curl -sS --cacert DIR/ca.pem https://HOST:{TLS}/hello`, "hello from HOST"},
	{"curl -4", "curl", `curl -4 -sS http://HOST:{WEB}/hello`, "hello from HOST"},
	{"curl -6", "curl", `curl -6 -sS --noproxy '*' http://HOST:{WEB}/hello`, "hello from HOST"},
	{"curl upload", "curl", `head -c 20000000 /dev/zero | curl -sS -T - http://HOST:{WEB}/count`, "took 20000000 <nil>"},
	{"curl socks", "curl", `curl -sS -x socks5h://127.0.0.1:1080 http://HOST:{WEB}/hello`, "hello from HOST"},
	{"wget", "wget", `wget -q -O - http://HOST:{WEB}/hello`, "hello from HOST"},
	{"wget https", "wget", `wget -q -O - --ca-certificate=DIR/ca.pem https://HOST:{TLS}/hello`, "hello from HOST"},
	{"git http", "git", `rm -rf /tmp/c; git clone -q http://HOST:{WEB}/repo /tmp/c && cat /tmp/c/file`, "hello from git"},
	{"git https", "git", `rm -rf /tmp/d; git -c http.sslCAInfo=DIR/ca.pem clone -q https://HOST:{TLS}/repo /tmp/d && cat /tmp/d/file`, "hello from git"},
	{"npm", "npm", `rm -rf /tmp/n; mkdir /tmp/n && cd /tmp/n && npm install --registry http://HOST:{WEB}/npm/ --fetch-retries=0 --no-audit --no-fund hellopkg >/dev/null 2>&1 && node -e 'console.log(require("hellopkg"))'`, "hello from npm"},
	{"pip", "pip3", `rm -rf /tmp/p; /usr/bin/python3 -m pip install -q --retries 0 --no-cache-dir --index-url http://HOST:{WEB}/pip --trusted-host HOST --target /tmp/p hellopkg >/dev/null 2>&1 && PYTHONPATH=/tmp/p /usr/bin/python3 -c 'import hellopkg'`, "hello from pip"},
	{"requests", "pip3", `/usr/bin/python3 -c 'from pip._vendor import requests; print(requests.get("http://HOST:{WEB}/hello").text)'`, "hello from HOST"},
	{"urllib", "python3", `python3 -c 'import urllib.request; print(urllib.request.urlopen("http://HOST:{WEB}/hello").read().decode())'`, "hello from HOST"},
	{"python v6 socket", "python3", `python3 -c '
import socket
a = socket.getaddrinfo("HOST", {ECHO}, socket.AF_INET6, socket.SOCK_STREAM)[0][4]
s = socket.socket(socket.AF_INET6); s.connect(a); s.sendall(b"over six"); print(s.recv(20))'`, "over six"},
	{"go", "go", `rm -rf /tmp/m; mkdir /tmp/m && cd /tmp/m && go mod init x.test/m 2>/dev/null && GOPROXY=http://HOST:{WEB}/go GOFLAGS=-modcacherw GOPATH=/tmp/gopath-HOST GOSUMDB=off GOTOOLCHAIN=local go mod download -json example.test/hi@v1.0.0`, `"Zip": "/tmp/`},
	{"node fetch", "node", `node -e 'fetch("http://HOST:{WEB}/hello").then(r => r.text()).then(console.log)'`, "hello from HOST"},
	{"node http", "node", `node -e 'require("http").get("http://HOST:{WEB}/hello", r => r.pipe(process.stdout))'`, "hello from HOST"},
	{"java", "java", `java -XX:TieredStopAtLevel=1 DIR/Get.java http://HOST:{WEB}/hello`, "hello from HOST"},
	{"openssl", "openssl", `openssl s_client -connect HOST:{TLS} -servername HOST -CAfile DIR/ca.pem -verify_return_error </dev/null`, "Verify return code: 0 (ok)"},
	{"psql", "psql", `psql "host=HOST port={PG} user=u dbname=d connect_timeout=10" -c 'select 1'`, "hello from postgres"},
	{"nc", "nc", `echo hello from nc | nc -N -w 5 HOST {ECHO}`, "hello from nc"},
	{"dig", "dig", `dig +short HOST`, "198.18."},
	{"dig AAAA", "dig", `dig +short AAAA HOST`, "100::"},
	{"dig other resolver", "dig", `dig +short @192.0.2.53 HOST; dig +tcp +short @2001:db8::53 HOST`, "198.18."},
	{"getent", "getent", `getent hosts HOST`, "HOST"},
	{"getent of one family", "getent", `getent ahostsv4 HOST && getent ahostsv6 HOST`, "100::"},
	{"ssh", "ssh", `ssh -v -F /dev/null -o BatchMode=yes -o ConnectTimeout=10 -p {SSH} u@HOST true`, "remote software version test"},
	{"git ssh", "ssh", `GIT_SSH_COMMAND='ssh -v -F /dev/null -o BatchMode=yes' git ls-remote ssh://u@HOST:{SSH}/x`, "remote software version test"},
}

const getJava = `
public class Get {
    public static void main(String[] a) throws Exception {
        System.out.println(new String(new java.net.URL(a[0]).openStream().readAllBytes()));
    }
}
`

// TestClients: programs reach an allowed name and nothing else, whether they
// know of proxies or not, over both families.
func TestClients(t *testing.T) {
	for _, c := range netClients {
		require(t, c.tool)
	}
	dir := home(t)
	in := startInternet(t, dir)
	in.gitRepository()
	in.file("Get.java", []byte(getJava))
	rules := writeRules(t, dir, `allowed_domains = ["allowed.test:*", "six.test:*"]
hosts = { "allowed.test" = "127.0.0.1", "six.test" = "::1", "denied.test" = "127.0.0.1" }`)
	for _, mode := range []struct{ name, before string }{{"proxies", ""}, {"direct", direct}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			var script strings.Builder
			script.WriteString(mode.before + "export HOME=/tmp/home; mkdir /tmp/home\n")
			hosts := []string{"allowed.test", "denied.test"}
			for _, c := range netClients {
				for _, host := range hosts {
					fmt.Fprintf(&script, "echo '== %s %s'; { %s; } 2>&1\n", c.name, host, in.words(c.script, host))
				}
			}
			script.WriteString("echo '== curl six.test'; curl -sS http://six.test:" + fmt.Sprint(in.ports["WEB"]) + "/hello\n")
			got := in.run(t, rules, script.String())
			for _, c := range netClients {
				for _, host := range hosts {
					out, found := between(got.stdout, "== "+c.name+" "+host+"\n", "\n== ")
					reached := strings.Contains(out, in.words(c.want, host))
					if c.name == "getent" && strings.TrimSpace(out) == "" {
						reached = false
					}
					if !found || reached != (host == "allowed.test") {
						t.Errorf("%s to %s:\n%s", c.name, host, out)
					}
				}
			}
			if !strings.Contains(got.stdout, "hello from six.test") {
				t.Errorf("a name with an IPv6 address: %s", got.stdout[strings.LastIndex(got.stdout, "=="):])
			}
		})
	}
	t.Cleanup(func() {
		if n := in.asked["denied.test"]; n != 0 || in.asked["allowed.test"] == 0 {
			t.Errorf("requests: %v", in.asked)
		}
	})
}

func (in *internet) words(text, host string) string {
	text = strings.NewReplacer("HOST", host, "DIR", in.dir).Replace(text)
	for name, port := range in.ports {
		text = strings.ReplaceAll(text, "{"+name+"}", fmt.Sprint(port))
	}
	return text
}

// run is fsh with a PATH on which all clients are, and with more time.
func (in *internet) run(t *testing.T, args ...string) outcome {
	t.Helper()
	args[len(args)-1] = strings.ReplaceAll(args[len(args)-1], "\t", " ")
	cmd := exec.Command(fshBinary(t), append(args[:len(args)-1:len(args)-1], "-c", args[len(args)-1])...)
	path := "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
	if tool, err := exec.LookPath("go"); err == nil {
		path += ":" + filepath.Dir(tool)
	}
	cmd.Dir, cmd.WaitDelay = in.dir, time.Second
	cmd.Env = []string{"HOME=" + in.dir, "PATH=" + path, "LC_ALL=C", "TMPDIR=/tmp"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	defer time.AfterFunc(8*time.Minute, func() { cmd.Process.Kill() }).Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{status: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

func between(text, start, end string) (string, bool) {
	_, rest, found := strings.Cut(text, start)
	out, _, _ := strings.Cut(rest, end)
	return out, found
}
