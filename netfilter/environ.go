package netfilter

import "strconv"

// Environ is what tells proxy-aware programs of the doors. ALL_PROXY is the
// HTTP proxy, because clients built without SOCKS support (Python's httpx,
// gRPC) fail on a socks URL rather than ignore it; FTP needs SOCKS.
// NO_PROXY names the sandbox's own loopback only: private networks are to be
// judged by the doors like everything else. Programs differ in which spellings
// of it they know.
func Environ(httpPort, socksPort int) []string {
	http := "http://127.0.0.1:" + strconv.Itoa(httpPort)
	socks := "socks5h://127.0.0.1:" + strconv.Itoa(socksPort)
	none := "localhost,.localhost,127.0.0.1,127.0.0.0/8,::1,[::1]"
	return []string{
		"HTTP_PROXY=" + http, "http_proxy=" + http,
		"HTTPS_PROXY=" + http, "https_proxy=" + http,
		"ALL_PROXY=" + http, "all_proxy=" + http,
		"FTP_PROXY=" + socks, "ftp_proxy=" + socks,
		"NO_PROXY=" + none, "no_proxy=" + none,
	}
}
