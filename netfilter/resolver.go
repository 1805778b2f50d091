package netfilter

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// resolvConf names the host's name servers, resolv.conf(5).
const resolvConf = "/etc/resolv.conf"

// maxResolvConf bounds what is taken of it, keepServers how long it is believed.
const (
	maxResolvConf = 64 << 10
	keepServers   = 5 * time.Second
)

// hostResolver resolves names as the host does. The proxy process may read
// resolv.conf as it was when the process started; when it has been replaced
// (a VPN, another wireless network) the shell is asked what it says now.
type hostResolver struct {
	readable func() error                                        // of resolv.conf
	text     func(context.Context) (string, error)               // asks the shell
	plain    func(context.Context, string) ([]netip.Addr, error) // reads resolv.conf itself

	mu      sync.Mutex
	servers []string
	at      time.Time
}

func newHostResolver(text func(context.Context) (string, error)) *hostResolver {
	return &hostResolver{text: text, plain: resolveSystem, readable: func() error {
		f, err := os.Open(resolvConf)
		if err == nil {
			f.Close()
		}
		return err
	}}
}

func (h *hostResolver) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if !errors.Is(h.readable(), fs.ErrPermission) {
		return h.plain(ctx, name)
	}
	servers, err := h.current(ctx)
	if err != nil || len(servers) == 0 {
		return h.plain(ctx, name)
	}
	// Without the file Go's resolver has two servers, one of each loopback:
	// they stand for the first two of the list.
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		server := servers[0]
		if strings.HasPrefix(address, "[") {
			server = servers[1%len(servers)]
		}
		return (&net.Dialer{Timeout: attemptTimeout}).DialContext(ctx, network, server)
	}}
	return r.LookupNetIP(ctx, "ip", absoluteName(name))
}

func (h *hostResolver) current(ctx context.Context) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) < keepServers {
		return h.servers, nil
	}
	text, err := h.text(ctx)
	if err != nil {
		return nil, err
	}
	h.servers, h.at = nameServers(text), time.Now()
	return h.servers, nil
}

// nameServers are the servers of a resolv.conf, with ports.
func nameServers(text string) (out []string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(words[1]); err == nil {
			out = append(out, netip.AddrPortFrom(addr, 53).String())
		}
	}
	return out
}

// readResolvConf is the shell's side.
func readResolvConf() (string, error) {
	f, err := os.Open(resolvConf)
	if err != nil {
		return "", err
	}
	defer f.Close()
	buf := make([]byte, maxResolvConf)
	n := 0
	for n < len(buf) {
		m, err := f.Read(buf[n:])
		n += m
		if err != nil {
			break
		}
	}
	return string(buf[:n]), nil
}
