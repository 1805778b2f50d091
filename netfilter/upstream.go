package netfilter

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"
)

// Upstream is the proxy that the user's own environment names, as in corporate
// networks. Names are then resolved by that proxy, so the check of resolved
// addresses is its business; literal addresses and denied names are still ours.
type Upstream struct {
	find func(*url.URL) (*url.URL, error)
}

// ParseUpstream reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY (both cases) from
// env ("NAME=value" lines). It returns nil if none is set, and an error for a
// kind of proxy it cannot use: ignoring it would dial around a firewall.
func ParseUpstream(env []string) (*Upstream, error) {
	get := func(names ...string) string {
		for _, name := range names {
			for _, kv := range env {
				if k, v, _ := strings.Cut(kv, "="); k == name && v != "" {
					return v
				}
			}
		}
		return ""
	}
	all := get("ALL_PROXY", "all_proxy")
	first := func(v string) string {
		if v == "" {
			return all
		}
		return v
	}
	cfg := httpproxy.Config{
		HTTPProxy:  first(get("HTTP_PROXY", "http_proxy")),
		HTTPSProxy: first(get("HTTPS_PROXY", "https_proxy")),
		NoProxy:    get("NO_PROXY", "no_proxy"),
	}
	if cfg.HTTPProxy == "" && cfg.HTTPSProxy == "" {
		return nil, nil
	}
	for _, p := range []string{cfg.HTTPProxy, cfg.HTTPSProxy} {
		if err := checkUpstream(p); err != nil {
			return nil, err
		}
	}
	return &Upstream{find: cfg.ProxyFunc()}, nil
}

func checkUpstream(text string) error {
	if text == "" {
		return nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return fmt.Errorf("the proxy in the environment is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the proxy in the environment has scheme %q; only http and https are supported", u.Scheme)
	}
	return nil
}

// proxyFor returns the proxy for a target, or nil to dial directly: pinned
// names and services of this machine never go through it.
func (u *Upstream) proxyFor(d Decision, rules *Rules) *url.URL {
	if u == nil || d.Local || len(rules.Pinned(d.Target.Host)) > 0 {
		return nil
	}
	scheme := "https"
	if d.Target.Port == 80 {
		scheme = "http"
	}
	p, err := u.find(&url.URL{Scheme: scheme, Host: d.Target.String()})
	if err != nil {
		return nil
	}
	return p
}

// dialProxy connects to the proxy itself. Its address is the user's own
// setting, so no rule applies to it.
func (s *Server) dialProxy(ctx context.Context, p *url.URL) (net.Conn, error) {
	port := p.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[p.Scheme]
	}
	conn, err := s.dialProxyTCP(ctx, net.JoinHostPort(p.Hostname(), port))
	if err != nil || p.Scheme != "https" {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: p.Hostname()})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// dialProxyTCP resolves the proxy's name as every other is.
func (s *Server) dialProxyTCP(ctx context.Context, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	number, ok := parsePort(port)
	if !ok {
		return nil, fmt.Errorf("%q is not a port", port)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return s.cfg.Dial(ctx, "tcp", netip.AddrPortFrom(a, number).String())
	}
	addrs, err := s.cfg.Resolve(ctx, host)
	if err != nil || len(addrs) == 0 {
		return nil, errors.Join(fmt.Errorf("resolve %s", host), err)
	}
	v4, v6 := byFamily(addrs)
	r, err := s.race(ctx, interleave(addrs, v4, v6), number)
	return r.conn, err
}

// dialUpstream makes a tunnel to the target through a proxy.
func (s *Server) dialUpstream(ctx context.Context, p *url.URL, t Target) (net.Conn, error) {
	conn, err := s.dialProxy(ctx, p)
	if err != nil {
		return nil, proxyError(p, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	br, err := connectThrough(conn, p, t)
	if !stop() || err != nil {
		conn.Close()
		if err == nil {
			err = ctx.Err()
		}
		return nil, proxyError(p, err)
	}
	if br.Buffered() == 0 {
		return conn, nil
	}
	return &prefixed{Conn: conn, r: br}, nil
}

// proxyError names the proxy, without what is secret of its URL.
func proxyError(p *url.URL, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errors.New("no answer")
	}
	return fmt.Errorf("through the proxy %s: %w", p.Host, err)
}

func connectThrough(conn net.Conn, p *url.URL, t Target) (*bufio.Reader, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: t.String()}, Host: t.String(), Header: http.Header{}}
	if auth := proxyAuth(p); auth != "" {
		req.Header.Set("Proxy-Authorization", auth)
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	br := bufio.NewReaderSize(conn, 16<<10)
	resp, err := http.ReadResponse(br, req)
	if err != nil {
		return nil, err
	}
	if err := refusedByProxy(resp); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", resp.Status)
	}
	return br, nil
}

func proxyAuth(p *url.URL) string {
	if p.User == nil {
		return ""
	}
	password, _ := p.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User.Username()+":"+password))
}

// prefixed is a connection some of whose bytes were already read.
type prefixed struct {
	net.Conn
	r io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) { return p.r.Read(b) }

func (p *prefixed) CloseWrite() error { return closeWrite(p.Conn) }
