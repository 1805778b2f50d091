package netfilter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Many proxies allow CONNECT to port 443 only, so what is sent to port 80
// reaches them in absolute form (RFC 9112, 3.2.2), whichever door it came
// through: plainTunnel looks like a connection to the server, and turns the
// requests on it, which the gate has judged, into requests to the proxy. What is
// no HTTP, and what switches protocols, goes through CONNECT.

// sniffTime is how long a client may keep silent before it is taken for one
// that waits for its server to speak. It is only for addresses: what is sent
// to port 80 of a name must be HTTP.
const sniffTime = 500 * time.Millisecond

// plainTunnel is the door's end. Closing it ends the request in progress.
type plainTunnel struct {
	*net.UnixConn
	cancel context.CancelFunc
}

func (t *plainTunnel) Close() error {
	t.cancel()
	return t.UnixConn.Close()
}

// LocalAddr is for SOCKS, whose answer has an address of IP.
func (t *plainTunnel) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }

func (s *Server) plainTunnel(p *url.URL, d Decision) (net.Conn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "tunnel")
		c, ferr := net.FileConn(f)
		f.Close()
		if ferr != nil {
			err = ferr
			continue
		}
		ends[i] = c.(*net.UnixConn)
	}
	if err != nil {
		for _, c := range ends {
			if c != nil {
				c.Close()
			}
		}
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &plainRequests{s: s, proxy: p, decision: d, target: d.Target, client: ends[1], in: bufio.NewReaderSize(ends[1], 16<<10)}
	go func() {
		defer ends[1].Close()
		r.serve(ctx)
	}()
	return &plainTunnel{ends[0], cancel}, nil
}

// plainRequests are the requests of one connection.
type plainRequests struct {
	s        *Server
	proxy    *url.URL
	decision Decision
	target   Target
	client   *net.UnixConn
	in       *bufio.Reader
}

func (r *plainRequests) serve(ctx context.Context) {
	if r.target.Host.Name() == "" && !r.speaksHTTP() {
		r.connect(ctx, nil)
		return
	}
	tr := r.s.proxyTransport(r.proxy)
	defer tr.CloseIdleConnections()
	for {
		_ = r.client.SetReadDeadline(time.Now().Add(clientIdle))
		req, err := http.ReadRequest(r.in)
		if err != nil {
			return
		}
		_ = r.client.SetReadDeadline(time.Time{})
		if req.Header.Get("Upgrade") != "" {
			r.connect(ctx, req)
			return
		}
		if !r.request(ctx, tr, req) {
			return
		}
	}
}

// speaksHTTP looks at what the client says first.
func (r *plainRequests) speaksHTTP() bool {
	_ = r.client.SetReadDeadline(time.Now().Add(sniffTime))
	defer r.client.SetReadDeadline(time.Time{})
	for n := 1; n <= r.in.Size(); n = r.in.Buffered() + 1 {
		if _, err := r.in.Peek(n); err != nil {
			return false
		}
		begin, _ := r.in.Peek(r.in.Buffered())
		if kind := sniff(begin); kind != needMore {
			return kind == isHTTP
		}
	}
	return false
}

// request passes one request on; it reports whether another may follow.
func (r *plainRequests) request(ctx context.Context, tr *http.Transport, req *http.Request) bool {
	last := req.Close || !req.ProtoAtLeast(1, 1)
	body := &awaitedBody{ReadCloser: req.Body}
	if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
		body.first = func() { _, _ = io.WriteString(r.client, "HTTP/1.1 100 Continue\r\n\r\n") }
		req.Header.Del("Expect")
	}
	hasBody := req.Body != http.NoBody
	if hasBody {
		req.Body = body
	}
	out := req.WithContext(ctx)
	out.RequestURI, out.URL.Scheme, out.URL.User = "", "http", nil
	out.URL.Host = bracket(r.target.Host)
	if r.target.Port != 80 {
		out.URL.Host = r.target.String()
	}
	out.Host = out.URL.Host
	dropHopHeaders(out.Header)
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = []string{""} // or net/http adds its own
	}
	resp, err := tr.RoundTrip(out)
	if err == nil {
		err = refusedByProxy(resp)
	}
	if err != nil {
		err = proxyError(r.proxy, err)
		r.s.failed(r.decision, client{}, err)
		resp = badGateway(r.target, err)
	}
	defer resp.Body.Close()
	unread := hasBody && !body.finish()
	dropHopHeaders(resp.Header)
	resp.Request = req // HEAD has no body
	resp.ProtoMajor, resp.ProtoMinor = 1, 1
	if last || unread || err != nil {
		resp.Close = true
	}
	if !req.ProtoAtLeast(1, 1) {
		resp.ProtoMinor = 0
	}
	return resp.Write(r.client) == nil && !resp.Close
}

func badGateway(t Target, err error) *http.Response {
	text := fmt.Sprintf("fsh: cannot reach %s: %v\n", t, err)
	return &http.Response{StatusCode: http.StatusBadGateway, Header: http.Header{"Content-Type": {"text/plain"}},
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}
}

// awaitedBody is a request's body, whose client may be waiting to be asked for
// it (RFC 9110, 10.1.1).
type awaitedBody struct {
	io.ReadCloser
	mu    sync.Mutex
	first func() // asks
	ended bool
}

func (b *awaitedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.first != nil {
		b.first()
		b.first = nil
	}
	b.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.mu.Lock()
		b.ended = true
		b.mu.Unlock()
	}
	return n, err
}

// finish is called before the answer; it reports whether all was read.
func (b *awaitedBody) finish() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = nil
	return b.ended
}

// connect joins the client with the server through CONNECT, after a request
// that has been read already.
func (r *plainRequests) connect(ctx context.Context, req *http.Request) {
	dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	conn, err := r.s.dialUpstream(dialCtx, r.proxy, r.target)
	cancel()
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if req != nil && req.Write(conn) != nil {
		return
	}
	join(ctx, &prefixed{Conn: r.client, r: r.in}, conn)
}

// hopHeaders are about one connection (RFC 9110, 7.6.1).
var hopHeaders = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te"}

func dropHopHeaders(h http.Header) {
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopHeaders {
		h.Del(name)
	}
}

// refusedByProxy: a 407 is between us and the proxy. To a client it would mean
// that it should ask its user for a password.
func refusedByProxy(resp *http.Response) error {
	if resp.StatusCode != http.StatusProxyAuthRequired {
		return nil
	}
	resp.Body.Close()
	return errors.New("it answered " + resp.Status + "; its user name and password belong into the URL in http_proxy")
}

// proxyTransport makes requests through a proxy.
func (s *Server) proxyTransport(p *url.URL) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyURL(p), DisableCompression: true, IdleConnTimeout: serverIdle, TLSHandshakeTimeout: attemptTimeout,
		MaxResponseHeaderBytes: maxAnswerHead,
		DialContext:            func(ctx context.Context, _, addr string) (net.Conn, error) { return s.dialProxyTCP(ctx, addr) },
	}
}
