package main_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// load is how much TestNetworkLoad does; `make load` does all that the
// network promises to carry.
type load struct {
	parallel, short int
	bulk            int64 // bytes through each door, both ways
	limit           time.Duration
}

func loadFor(t *testing.T) load {
	if os.Getenv("FSH_TEST_LOAD") == "full" {
		return load{parallel: 1000, short: 10_000, bulk: 1 << 30, limit: 20 * time.Minute}
	}
	return load{parallel: 300, short: 1000, bulk: 32 << 20, limit: 3 * time.Minute}
}

// loadClient does one kind of work per line that it reads. Connections of
// "parallel" are all open at once.
const loadClient = `
import asyncio, resource, socket, sys
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
host, port = sys.argv[1], int(sys.argv[2])
async def one(together=None):
    r, w = await asyncio.wait_for(asyncio.open_connection(host, port), 120)
    w.write(b"\x01ping"); await w.drain()
    got = await asyncio.wait_for(r.readexactly(5), 120)
    assert got == b"\x01ping", got
    if together: await asyncio.wait_for(together(), 120)
    w.close()
    try: await w.wait_closed()
    except OSError: pass
async def parallel(n):
    count = 0; all_open = asyncio.Event()
    async def together():
        nonlocal count
        count += 1
        if count == n: all_open.set()
        await all_open.wait()
    await asyncio.gather(*[one(together) for i in range(n)])
async def short(n):
    gate = asyncio.Semaphore(20)
    async def limited():
        async with gate: await one()
    await asyncio.gather(*[limited() for i in range(n)])
print("up", flush=True)
for line in sys.stdin:
    kind, n = line.split()
    if kind == "quit": break
    asyncio.run({"parallel": parallel, "short": short}[kind](int(n)))
    print("done", kind, n, flush=True)
`

// TestNetworkLoad: many connections at once and one after the other, and much
// data through every door, leave neither descriptors nor memory behind, in
// the proxy as in the shell.
func TestNetworkLoad(t *testing.T) {
	require(t, "python3")
	require(t, "curl")
	l := loadFor(t)
	dir := home(t)
	in := &internet{t: t, dir: dir, ports: map[string]int{}, asked: map[string]int{}}
	in.serve("ECHO", func(c net.Conn) { io.Copy(c, c) })
	in.bulk("WEB", l.bulk)
	in.file("load.py", []byte(loadClient))
	rules := writeRules(t, dir, "allowed_domains = [\"allowed.test:*\"]\nhosts = { \"allowed.test\" = \"127.0.0.1\" }")
	s := startConversation(t, dir, l.limit, rules, "-c", in.words(direct+`python3 -u DIR/load.py allowed.test {ECHO}
for how in '--noproxy * -4' '--noproxy * -6' '-x http://127.0.0.1:3128' '-p -x http://127.0.0.1:3128' '-x socks5h://127.0.0.1:1080'; do
	set -f; curl -sS -o /dev/null -w '%{size_download} ' $how http://allowed.test:{WEB}/
	head -c `+fmt.Sprint(l.bulk)+` /dev/zero | curl -sS $how -T - http://allowed.test:{WEB}/; echo " through $how"
done; /bin/echo end; read -r x`, "allowed.test"))
	s.expect("up")
	proxy := childNamed(t, s.cmd.Process.Pid, "fsh-proxy")
	work := func(kind string, n int) {
		t.Helper()
		fmt.Fprintf(s.in, "%s %d\n", kind, n)
		start := time.Now()
		s.expect(fmt.Sprintf("done %s %d", kind, n))
		t.Logf("%d %s: %v", n, kind, time.Since(start))
	}
	pids := map[string]int{"shell": s.cmd.Process.Pid}
	if os.Geteuid() == 0 { // nobody else may look at the proxy
		pids["proxy"] = proxy
	}
	before := map[string]use{}
	for name, pid := range pids {
		before[name] = settled(t, pid, maxInt)
	}
	work("parallel", l.parallel)
	work("short", l.short)
	fmt.Fprintln(s.in, "quit 0")
	for _, how := range []string{"--noproxy * -4", "--noproxy * -6", "-x http://127.0.0.1:3128", "-p -x http://127.0.0.1:3128", "-x socks5h://127.0.0.1:1080"} {
		start := time.Now()
		s.expect(fmt.Sprintf("%d %d through %s", l.bulk, l.bulk, how))
		t.Logf("twice %d bytes with %s: %v", l.bulk, how, time.Since(start))
	}
	s.expect("end")
	for name, pid := range pids {
		after := settled(t, pid, before[name].fds+fewFDs)
		t.Logf("%s: %+v, then %+v", name, before[name], after)
		if after.fds > before[name].fds+fewFDs || after.rss > before[name].rss+maxGrowth {
			t.Errorf("%s: %+v, after the load %+v", name, before[name], after)
		}
	}
	io.WriteString(s.in, "\n")
	if err := s.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

const (
	// maxGrowth is what the collector of a busy process may not have given back.
	maxGrowth = 32 << 20
	// fewFDs are pipes for splice(2) that are kept, and the script's own files.
	fewFDs = 16
	maxInt = int(^uint(0) >> 1)
)

type use struct {
	fds int
	rss int64
}

// settled waits until a process has no more than some number of descriptors.
func settled(t *testing.T, pid, fds int) use {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if descriptors(t, pid) <= fds {
			break
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return use{descriptors(t, pid), kib << 10}
}

// bulk serves GET with that many bytes, and counts those of PUT.
func (in *internet) bulk(name string, size int64) {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(size))
		block := make([]byte, 1<<20)
		for left := size; left > 0; left -= int64(len(block)) {
			block = block[:min(left, int64(len(block)))]
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})}
	for _, l := range in.listen(name) {
		go server.Serve(l)
	}
	in.t.Cleanup(func() { server.Close() })
}

// conversation is a running fsh that is spoken with.
type conversation struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
	err   bytes.Buffer
}

func startConversation(t *testing.T, dir string, limit time.Duration, args ...string) *conversation {
	t.Helper()
	c := &conversation{t: t, cmd: exec.Command(fshBinary(t), args...)}
	c.cmd.Dir, c.cmd.Stderr = dir, &c.err
	c.cmd.Env = []string{"HOME=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"}
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() { c.cmd.Process.Kill() })
	t.Cleanup(func() { timer.Stop(); c.cmd.Process.Kill() })
	return c
}

func (c *conversation) expect(want string) {
	c.t.Helper()
	line, err := c.lines.ReadString('\n')
	if strings.TrimSpace(line) != want {
		c.cmd.Process.Kill()
		c.cmd.Wait()
		c.t.Fatalf("%q %v, want %q\n%s", line, err, want, c.err.String())
	}
}
