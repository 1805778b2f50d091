package netfilter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/elazarl/goproxy"
	"github.com/fsh-sh/fsh/events"
	_ "github.com/fsh-sh/fsh/netfilter/internal/noauthority" // goproxy starts in no time
	"github.com/fsh-sh/fsh/policy"
)

const (
	// deniedHeader marks an answer that is ours and not the server's.
	deniedHeader  = "X-Fsh-Denied"
	headerTimeout = time.Minute
	clientIdle    = 2 * time.Minute
	// serverIdle is short: an idle connection's bytes are not yet reported.
	serverIdle = 5 * time.Second
	// maxIdle and maxAnswerHead bound what servers have the proxy hold: browsers
	// take answers with heads of 256 KiB, and no larger ones.
	maxIdle       = 256
	maxAnswerHead = 256 << 10
)

type ctxKey int

const clientKey ctxKey = iota

// httpDoor is the HTTP proxy of one server.
type httpDoor struct {
	s      *Server
	direct *http.Transport
	proxy  *goproxy.ProxyHttpServer
}

func (s *Server) serveHTTP(ctx context.Context, ln net.Listener) error {
	d := &httpDoor{s: s}
	d.direct = d.transport()
	d.proxy = d.newProxy()
	defer d.direct.CloseIdleConnections()
	srv := &http.Server{
		Handler:           http.HandlerFunc(d.serve),
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    maxHead,
		IdleTimeout:       clientIdle,
		ErrorLog:          log.New(io.Discard, "", 0),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, clientKey, clientOf(c))
		},
	}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	return srv.Serve(ln)
}

// newProxy configures goproxy. What it would take from the environment of the
// process or decide by itself is replaced.
func (d *httpDoor) newProxy() *goproxy.ProxyHttpServer {
	p := goproxy.NewProxyHttpServer()
	p.Logger = log.New(io.Discard, "", 0)
	p.Tr = d.direct
	p.ConnectDial = nil
	p.KeepAcceptEncoding = true
	p.NonproxyHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "fsh: this is a proxy; it serves no pages of its own", http.StatusBadRequest)
	})
	p.OnRequest().HandleConnectFunc(d.connect)
	p.OnRequest().DoFunc(d.request)
	p.OnResponse().DoFunc(d.response)
	return p
}

// transport connects through the decision and dial of every door. Requests
// that may use it have passed Decide before; the dial checks again.
func (d *httpDoor) transport() *http.Transport {
	return &http.Transport{
		DialContext:            d.dialDirect,
		DisableCompression:     true,
		IdleConnTimeout:        serverIdle,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: maxAnswerHead,
		TLSNextProto:           nil,
		Proxy:                  nil,
	}
}

func (d *httpDoor) dialDirect(ctx context.Context, _, addr string) (net.Conn, error) {
	t, err := ParseTarget(addr)
	if err != nil {
		return nil, err
	}
	decision := d.s.rules.Load().Decide(t)
	conn, err := d.s.dial(ctx, decision)
	if err != nil {
		return nil, err
	}
	c, _ := ctx.Value(clientKey).(client)
	return d.s.wrap(conn, decision, c, false, nil), nil
}

func (d *httpDoor) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		w = &tunnelWriter{w}
	}
	d.proxy.ServeHTTP(w, r)
}

// connect answers CONNECT. The connection to the target is made before the
// client hears 200, so that a failure is an HTTP answer and not a hang-up.
func (d *httpDoor) connect(host string, ctx *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
	reject := func(resp *http.Response) (*goproxy.ConnectAction, string) {
		resp.Close = true
		ctx.Resp = resp
		return goproxy.RejectConnect, host
	}
	c, _ := ctx.Req.Context().Value(clientKey).(client)
	t, err := ParseTarget(host)
	if err != nil {
		return reject(d.malformed(ctx.Req, c, host, err))
	}
	decision := d.s.decide(t)
	conn, err := d.s.dial(ctx.Req.Context(), decision)
	if err != nil {
		return reject(d.dialFailed(ctx.Req, c, decision, err))
	}
	return &goproxy.ConnectAction{Action: goproxy.ConnectHijack,
		Hijack: func(_ *http.Request, cl net.Conn, _ *goproxy.ProxyCtx) {
			up := d.s.wrap(conn, decision, c, true, func() { abort(cl) })
			if _, err := io.WriteString(cl, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
				abort(cl)
				up.Close()
				return
			}
			relay(cl, up)
		}}, host
}

// request judges one absolute-form request and forces its Host.
func (d *httpDoor) request(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
	c, _ := r.Context().Value(clientKey).(client)
	if r.URL.Scheme != "http" || r.URL.User != nil {
		err := errors.New("only http:// URLs without a user name; https goes through CONNECT")
		return r, d.malformed(r, c, r.URL.Host, err)
	}
	t, err := urlTarget(r.URL.Host)
	if err != nil {
		return r, d.malformed(r, c, r.URL.Host, err)
	}
	decision := d.s.decide(t)
	if !decision.Allow {
		return r, d.dialFailed(r, c, decision, &DeniedError{decision})
	}
	t = decision.Target
	r.URL.Host = t.String()
	if t.Port == 80 {
		r.URL.Host = bracket(t.Host)
	}
	r.Host = r.URL.Host
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = []string{""} // or net/http adds its own
	}
	if !mayUpgrade(strings.Join(r.Header["Upgrade"], ",")) {
		// A server need not switch (RFC 9110, 7.8), and a client of HTTP/2 could
		// then name other hosts.
		r.Header.Del("Upgrade")
		r.Header.Del("Connection")
		r.Header.Del("Http2-Settings")
	}
	p := d.s.cfg.Upstream.proxyFor(decision, d.s.rules.Load())
	if p != nil && r.Header.Get("Upgrade") == "" { // which dial sends through CONNECT
		ctx.RoundTripper = d.upstreamTrip(p, decision, c)
	}
	ctx.UserData = decision
	return r, nil
}

// response turns a failed round trip into an answer that says why.
func (d *httpDoor) response(resp *http.Response, ctx *goproxy.ProxyCtx) *http.Response {
	if resp != nil || ctx.Error == nil {
		return resp
	}
	c, _ := ctx.Req.Context().Value(clientKey).(client)
	decision, _ := ctx.UserData.(Decision)
	return d.dialFailed(ctx.Req, c, decision, ctx.Error)
}

// dialFailed reports an error and makes the answer for it: 403 when the rules
// said no, 502 otherwise.
func (d *httpDoor) dialFailed(r *http.Request, c client, decision Decision, err error) *http.Response {
	var denied *DeniedError
	if errors.As(err, &denied) {
		d.s.cfg.Emit(d.s.event(events.Connect, denied.Decision, c))
		return deniedResponse(r, denied.Decision)
	}
	d.s.failed(decision, c, err)
	return goproxy.NewResponse(r, goproxy.ContentTypeText, http.StatusBadGateway,
		fmt.Sprintf("fsh: cannot reach %s: %v\n", decision.Target, err))
}

// malformed is a denial of a target that is no host and port.
func (d *httpDoor) malformed(r *http.Request, c client, target string, err error) *http.Response {
	decision := Decision{Rule: policy.Rule{Key: keyAllow, Text: err.Error()}}
	e := d.s.event(events.Connect, decision, c)
	e.Target = clip(target)
	d.s.cfg.Emit(e)
	resp := goproxy.NewResponse(r, goproxy.ContentTypeText, http.StatusForbidden, "the request is blocked by fsh: "+err.Error()+"\n")
	resp.Header.Set(deniedHeader, "malformed target")
	return resp
}

// deniedResponse is not in the words of the event, which may be on the same terminal:
// a refusal would seem to be two.
func deniedResponse(r *http.Request, d Decision) *http.Response {
	reason := (&DeniedError{d}).Error()
	body := fmt.Sprintf("%s was not asked, the request is blocked by fsh: %s\n", d.Target, reason)
	if d.Hint != "" {
		body += "to allow it: " + d.Hint + "\n"
	}
	resp := goproxy.NewResponse(r, goproxy.ContentTypeText, http.StatusForbidden, body)
	resp.Header.Set(deniedHeader, headerText(d.Target.String()+": "+reason))
	return resp
}

// headerText keeps a header one line of ASCII.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// urlTarget reads the authority of an http URL; no port means 80.
func urlTarget(authority string) (Target, error) {
	host, port := splitHostPort(authority)
	if port == "" && !strings.HasSuffix(authority, ":") {
		h, err := ParseHost(authority)
		return Target{h, 80}, err
	}
	return ParseTarget(host + ":" + port)
}

func bracket(h Host) string {
	if a, ok := h.Addr(); ok && a.Is6() {
		return "[" + a.String() + "]"
	}
	return h.String()
}

// upstreamTrip sends a plain request to the user's own proxy in absolute form,
// because many of those allow CONNECT to port 443 only.
func (d *httpDoor) upstreamTrip(p *url.URL, decision Decision, c client) goproxy.RoundTripper {
	return goproxy.RoundTripperFunc(func(r *http.Request, _ *goproxy.ProxyCtx) (*http.Response, error) {
		tr := d.s.proxyTransport(p)
		tr.DisableKeepAlives = true
		dial := tr.DialContext
		tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return d.s.wrap(reached{conn: conn}, decision, c, false, nil), nil
		}
		resp, err := tr.RoundTrip(r)
		if err == nil {
			err = refusedByProxy(resp)
		}
		if err != nil {
			return nil, proxyError(p, err)
		}
		return resp, nil
	})
}

// tunnelWriter gives the bytes that a client sent right behind its CONNECT
// back to whoever takes the connection over.
type tunnelWriter struct{ http.ResponseWriter }

func (w *tunnelWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h, ok := w.ResponseWriter.(http.Hijacker)
	if !ok {
		return nil, nil, errors.New("connection cannot be taken over")
	}
	conn, rw, err := h.Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ := rw.Reader.Peek(n)
		return &prefixed{Conn: conn, r: io.MultiReader(strings.NewReader(string(early)), conn)}, rw, nil
	}
	return conn, rw, nil
}
