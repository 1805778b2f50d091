package netfilter

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsh-sh/fsh/events"
)

// filesOf returns descriptors for doors on the loopback, in AddNamespace's
// order, and the addresses of the HTTP and DNS doors. Only the proxy may keep
// the listeners open, so the originals are closed by done.
func filesOf(t *testing.T) (files []*os.File, httpAddr string, done func()) {
	t.Helper()
	var closers []io.Closer
	tcp := func() (*os.File, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		closers = append(closers, l, f)
		return f, l.Addr().String()
	}
	trans, _ := tcp()
	web, httpAddr := tcp()
	socks, _ := tcp()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dns, err := udp.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	closers = append(closers, udp, dns)
	dnstcp, _ := tcp()
	return []*os.File{trans, nil, web, socks, dns, dnstcp}, httpAddr, func() {
		for _, c := range closers {
			c.Close()
		}
	}
}

func startProxy(t *testing.T, environ ...string) *Proxy {
	t.Helper()
	p, err := StartProxy(ProxyConfig{Exe: "/proc/self/exe", Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func proxyClient(t *testing.T, addr string) *http.Client {
	u, _ := url.Parse("http://" + addr)
	tr := &http.Transport{Proxy: http.ProxyURL(u), DisableKeepAlives: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func takeEvent(t *testing.T, p *Proxy, match func(events.Event) bool) events.Event {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e, ok := <-p.Events():
			if !ok {
				t.Fatal("events ended")
			}
			if match(e) {
				return e
			}
		case <-limit:
			t.Fatal("no such event")
		}
	}
}

func TestProxyProcess(t *testing.T) {
	web := origin(t)
	_, port, _ := net.SplitHostPort(web)
	p := startProxy(t)
	files, addr, done := filesOf(t)
	n := network{allow: []string{"site.test:*"}, hosts: map[string]string{"site.test": "127.0.0.1"}}
	if err := p.AddNamespace(1, n.policy(), files); err != nil {
		t.Fatal(err)
	}
	done()
	c := proxyClient(t, addr)
	if code, body, _ := get(t, c, "http://site.test:"+port+"/x"); code != 200 || !strings.Contains(body, "path=/x") {
		t.Errorf("allowed: %d %q", code, body)
	}
	if code, _, _ := get(t, c, "http://bad.test/"); code != 403 {
		t.Errorf("denied: %d", code)
	}
	e := takeEvent(t, p, func(e events.Event) bool { return e.Denied })
	if e.Target != "bad.test:80" || e.Rule == nil {
		t.Errorf("event %+v", e)
	}
	if err := p.SetNetwork(1, network{}.policy()); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := get(t, c, "http://site.test:"+port+"/x"); code != 403 {
		t.Errorf("after narrowing: %d", code)
	}
	if err := p.AddNamespace(1, n.policy(), nil); err == nil {
		t.Error("a namespace was added twice")
	}
	if err := p.SetNetwork(7, n.policy()); err == nil {
		t.Error("rules for an unknown namespace")
	}
	if err := p.SetNetwork(1, network{allow: []string{"a*b"}}.policy()); err == nil || !strings.Contains(err.Error(), "a*b") {
		t.Errorf("bad rule: %v", err)
	}
	if err := p.RemoveNamespace(1); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after removal: %v", err)
	}
}

// A killed proxy means no network: nobody else holds the doors.
func TestProxyKilled(t *testing.T) {
	p := startProxy(t)
	files, addr, done := filesOf(t)
	if err := p.AddNamespace(1, network{allow: []string{"*"}}.policy(), files); err != nil {
		t.Fatal(err)
	}
	done()
	if err := p.proc.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if _, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	if err := p.AddNamespace(2, network{}.policy(), nil); !errors.Is(err, ErrProxyGone) {
		t.Errorf("add: %v", err)
	}
}

// The proxy has no environment, no capabilities, no terminal and no
// descriptors of its parent, may not execute and cannot be looked at.
func TestProxyIsConfined(t *testing.T) {
	t.Setenv("FSH_SECRET", "visible")
	leak, err := os.CreateTemp(t.TempDir(), "leak")
	if err != nil {
		t.Fatal(err)
	}
	defer leak.Close()
	fd, err := syscall.Dup(int(leak.Fd())) // without close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	p := startProxy(t)
	proc := "/proc/" + strconv.Itoa(p.Pid())
	status, err := os.ReadFile(proc + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("%q is not in status", want)
		}
	}
	if os.Geteuid() == 0 && !strings.Contains(string(status), "CapPrm:\t0000000000000000") {
		t.Error("bounding set is not empty")
	}
	// A process that is not dumpable gives its /proc files to root.
	if os.Geteuid() == 0 {
		if env, err := os.ReadFile(proc + "/environ"); err != nil || len(env) != 0 {
			t.Errorf("environment %q, %v", env, err)
		}
		entries, err := os.ReadDir(proc + "/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if target, _ := os.Readlink(proc + "/fd/" + e.Name()); target == leak.Name() {
				t.Error("a descriptor of the parent is open in the proxy")
			}
		}
	} else if _, err := os.ReadFile(proc + "/environ"); err == nil {
		t.Error("the proxy can be looked at")
	}
	tasks, err := os.ReadDir(proc + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		s, err := os.ReadFile(proc + "/task/" + task.Name() + "/status")
		for _, want := range []string{"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapInh:\t0000000000000000",
			"CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"} {
			if err == nil && !strings.Contains(string(s), want) {
				t.Errorf("thread %s is not restricted: no %q", task.Name(), want)
			}
		}
	}
}

// A confined process reads what its resolver reads, on all threads, and
// signals nobody outside.
func TestConfinedFiles(t *testing.T) {
	if os.Getenv("FSH_TEST_CONFINED") == "" {
		cmd := exec.Command("/proc/self/exe", "-test.run", "^TestConfinedFiles$")
		cmd.Env = append(os.Environ(), "FSH_TEST_CONFINED=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	held, let := make(chan bool), make(chan bool)
	tried := make(chan error)
	for range 4 { // threads that are there before
		go func() {
			runtime.LockOSThread()
			held <- true
			<-let
			_, err := os.ReadFile("/etc/passwd")
			tried <- err
		}()
	}
	for range 4 {
		<-held
	}
	if _, err := os.ReadFile("/etc/passwd"); err != nil {
		t.Fatal(err)
	}
	if err := confine(3); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile("/etc/hosts"); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if err := syscall.Kill(os.Getppid(), 0); err != syscall.EPERM {
		t.Errorf("a signal to the parent: %v", err)
	}
	for range 4 {
		let <- true
		if err := <-tried; !errors.Is(err, os.ErrPermission) {
			t.Errorf("another file: %v", err)
		}
	}
}

func TestProxyRefusesUnusableUpstream(t *testing.T) {
	_, err := StartProxy(ProxyConfig{Exe: "/proc/self/exe", Environ: []string{"HTTPS_PROXY=socks5://127.0.0.1:1"}})
	if err == nil || !strings.Contains(err.Error(), "socks5") {
		t.Errorf("error %v", err)
	}
}

func TestProxyFailsToStart(t *testing.T) {
	if _, err := StartProxy(ProxyConfig{Exe: "/nonexistent"}); err == nil {
		t.Error("started nothing")
	}
	if _, err := StartProxy(ProxyConfig{Exe: "/bin/true"}); !errors.Is(err, ErrProxyGone) {
		t.Errorf("a program that is no proxy: %v", err)
	}
}
