package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// The throughput row has a server here and a client that is this program once
// more, directly and inside a sandbox. The sandbox's policy gives the server a
// name, so that the connection goes through the transparent interceptor.

const (
	// megabytes are sent in one run.
	megabytes  = 512
	serverName = "bench.test"
)

const cdCount = 200

// cdLoop changes between directories of different policies.
const cdLoop = `cd "$DATA/plain"; cd "$DATA/narrow"; cd "$DATA/plain"; i=0
while [ "$i" -lt "$1" ]; do cd "$DATA/narrow"; cd "$DATA/plain"; i=$((i+1)); done`

// makeNarrow makes the directories of cdLoop.
func makeNarrow(dir string) error {
	for _, d := range []string{"plain", "narrow"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "narrow", ".fsh.toml"), []byte("version = 1\n[filesystem]\ndeny_read = [\"./secret\"]\n"), 0o644)
}

// throughput makes the row and starts its server; errors show when it runs.
func throughput(fsh string) row {
	r := row{title: "transparent connection, MB", per: megabytes, slope: true,
		targets: []target{{variant: "fsh", of: "direct", ratio: 1 / 0.45}}}
	self := filepath.Join(data, "client")
	rules := filepath.Join(data, "throughput.toml")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err == nil {
		go serve(l)
		port := l.Addr().(*net.TCPAddr).Port
		text := fmt.Sprintf("version = 1\n[network]\nallowed_domains = [\"%s:%d\"]\nhosts = { \"%[1]s\" = \"127.0.0.1\" }\n", serverName, port)
		err = os.WriteFile(rules, []byte(text), 0o644)
		r.variants = []variant{
			{"direct", []string{self, "-drain", fmt.Sprintf("127.0.0.1:%d", port)}},
			{"fsh", []string{fsh, "--policy=" + rules, "-c", fmt.Sprintf(`"$0" -drain %s:%d "$1"`, serverName, port), self}},
		}
	}
	if err == nil {
		err = copySelf(self)
	}
	if err != nil {
		r.variants = []variant{{"direct", []string{"false", err.Error()}}, {"fsh", []string{"false"}}}
	}
	return r
}

// copySelf: go run keeps this program in /tmp, which is another one inside.
func copySelf(to string) error {
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

// serve sends as many megabytes as a client asks for.
func serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			var n int
			if _, err := fmt.Fscanln(c, &n); err != nil {
				return
			}
			block := make([]byte, 1<<20)
			for range n {
				if _, err := c.Write(block); err != nil {
					return
				}
			}
		}()
	}
}

func drain(server, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	c, err := net.DialTimeout("tcp", server, 10*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := fmt.Fprintln(c, n); err != nil {
		return err
	}
	got, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 256<<10))
	if err == nil && got != int64(n)<<20 {
		err = fmt.Errorf("%d bytes came, not %d MB", got, n)
	}
	return err
}
