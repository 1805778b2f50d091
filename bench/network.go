package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// networkRows compare connections out of the sandbox with direct ones to the
// same server on the loopback. The ratio is of times: a throughput of 0.45 is
// a ratio of 2.2.
func networkRows(fsh string) ([]row, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go http.Serve(l, http.HandlerFunc(mebibytes))
	port := l.Addr().(*net.TCPAddr).Port
	rules := filepath.Join(data, "network.toml")
	text := fmt.Sprintf("version = 1\n[network]\nallowed_domains = [\"bench.test:%d\"]\nhosts = { \"bench.test\" = \"127.0.0.1\" }\n", port)
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		return nil, err
	}
	doors := func(path string) []variant {
		curl := func(options, host string) string {
			return fmt.Sprintf(`curl -sS -o /dev/null %s "http://%s:%d/%s"`, options, host, port, path)
		}
		inside := func(options string) []string {
			return []string{fsh, "--policy=" + rules, "-c", curl(options, "bench.test"), "x"}
		}
		return []variant{
			{"direct", []string{"dash", "-c", curl("--noproxy '*'", "127.0.0.1"), "x"}},
			{"transparent", inside("--noproxy '*'")},
			{"HTTP proxy", inside("--noproxy '' -x http://127.0.0.1:3128")},
			{"CONNECT", inside("--noproxy '' -p -x http://127.0.0.1:3128")},
			{"SOCKS", inside("--noproxy '' -x socks5h://127.0.0.1:1080")},
		}
	}
	return []row{
		{title: "MiB through the network", per: 512, slope: true, variants: doors("$1")},
		{title: "connections, one after the other", per: 500, slope: true, variants: doors("0?close[0-$1]")},
	}, nil
}

// mebibytes answers /N with N MiB, and closes when asked to.
func mebibytes(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(r.URL.RawQuery, "close") {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Length", strconv.Itoa(n<<20))
	block := make([]byte, 1<<20)
	for range n {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}
