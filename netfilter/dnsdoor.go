package netfilter

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/events/doorbell"
	"github.com/fsh-sh/fsh/policy"
	"github.com/miekg/dns"
)

const (
	// fakeTTL is long: a number belongs to its name for the whole session.
	fakeTTL = 3600
	// dnsIdle closes TCP connections of resolvers that say nothing.
	dnsIdle = 10 * time.Second
	// dnsTCPQueries per connection; a new connection costs a client nothing.
	dnsTCPQueries = 1024
)

// dnsServers returns the functions that serve DNS. There is always one for the
// TCP connections that the transparent door hands over.
func (s *Server) dnsServers(ctx context.Context) []func() error {
	l := s.cfg.Listeners
	var list []*dns.Server
	if l.DNS != nil {
		list = append(list, &dns.Server{PacketConn: l.DNS, UDPSize: 4096})
	}
	tcp := []net.Listener{s.dnsIn} // whose connections have their slots
	if l.DNSTCP != nil {
		tcp = append(tcp, s.limit(l.DNSTCP))
	}
	for _, ln := range tcp {
		list = append(list, &dns.Server{Listener: ln, MaxTCPQueries: dnsTCPQueries,
			IdleTimeout: func() time.Duration { return dnsIdle }})
	}
	var run []func() error
	for _, srv := range list {
		srv.Handler = dns.HandlerFunc(s.serveDNS)
		srv.MsgAcceptFunc = acceptDNS
		run = append(run, func() error {
			defer context.AfterFunc(ctx, func() { srv.Shutdown() })()
			return srv.ActivateAndServe()
		})
	}
	return run
}

// acceptDNS drops answers (two servers must never talk to each other) and
// refuses what is not one plain question before anything is parsed.
func acceptDNS(h dns.Header) dns.MsgAcceptAction {
	const response, opcode = 1 << 15, 0xf
	switch {
	case h.Bits&response != 0:
		return dns.MsgIgnore
	case h.Bits>>11&opcode != dns.OpcodeQuery:
		return dns.MsgRejectNotImplemented
	case h.Qdcount != 1 || h.Ancount > 0 || h.Nscount > 0 || h.Arcount > 2:
		return dns.MsgReject
	}
	return dns.MsgAccept
}

func (s *Server) serveDNS(w dns.ResponseWriter, q *dns.Msg) {
	_, udp := w.RemoteAddr().(*net.UDPAddr)
	c := client{flow: doorbell.Flow{Proto: "tcp", From: addrPort(w.RemoteAddr()), To: addrPort(w.LocalAddr())}}
	if udp {
		c.flow.Proto = "udp"
	}
	m := s.answerDNS(q, c)
	if udp {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
		}
		m.Truncate(size)
	}
	w.WriteMsg(m)
}

// answerDNS answers from the rules and the name table alone. Nothing is ever
// asked upstream here, so a question carries nothing out of the machine.
func (s *Server) answerDNS(q *dns.Msg, c client) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if q.IsEdns0() != nil {
		m.SetEdns0(dns.DefaultMsgSize, false)
	}
	if len(q.Question) != 1 || q.Question[0].Qclass != dns.ClassINET {
		m.Rcode = dns.RcodeRefused
		return m
	}
	question := q.Question[0]
	if arpa := strings.ToLower(question.Name); strings.HasSuffix(arpa, ".arpa.") {
		s.answerReverse(m, question, arpa)
		return m
	}
	host, ok := questionHost(question.Name)
	if !ok {
		m.Rcode = dns.RcodeNameError
		return m
	}
	if host.IsLocalhost() {
		answerAddr(m, question, loopbackAddrs[0], loopbackAddrs[1])
		return m
	}
	d := s.rules.Load().DecideName(host)
	if !d.Allow {
		m.Rcode = refusal(q)
		s.denyName(d, c)
		return m
	}
	if question.Qtype != dns.TypeA && question.Qtype != dns.TypeAAAA {
		return m // the name exists, this type does not: no HTTPS keys, no TXT
	}
	quota := &s.quota
	if s.rules.Load().spells(host) {
		quota = nil
	}
	n, ok := s.names.assign(host.Name(), quota)
	if !ok {
		m.Rcode = dns.RcodeServerFailure
		d.Allow, d.Hint = false, ""
		d.Rule = policy.Rule{Key: keyAllow, Text: "too many different names in this session (" + strconv.Itoa(s.cfg.MaxNames) + ")"}
		s.denyName(d, c)
		return m
	}
	answerAddr(m, question, fake4(n), fake6(n))
	return m
}

// refusal is how a denied name is refused. REFUSED says what happened, but
// musl ignores it and waits for a time-out; its questions set AD and have no
// EDNS part, which glibc, Go and c-ares never do, and get NXDOMAIN.
func refusal(q *dns.Msg) int {
	if q.AuthenticatedData && q.IsEdns0() == nil {
		return dns.RcodeNameError
	}
	return dns.RcodeRefused
}

func (s *Server) denyName(d Decision, c client) {
	if s.sayOnce(d.Target.Host.String(), time.Now()) {
		s.cfg.Emit(s.event(events.Resolve, d, c))
	}
}

// questionHost turns a question's name, in presentation format, into a Host.
// Escapes (\032, \.) mean bytes that no host name has.
func questionHost(name string) (Host, bool) {
	if strings.Contains(name, "\\") {
		return Host{}, false
	}
	h, err := ParseHost(name)
	return h, err == nil && h.Name() != ""
}

func answerAddr(m *dns.Msg, q dns.Question, v4, v6 netip.Addr) {
	header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: fakeTTL}
	switch q.Qtype {
	case dns.TypeA:
		m.Answer = append(m.Answer, &dns.A{Hdr: header, A: v4.AsSlice()})
	case dns.TypeAAAA:
		m.Answer = append(m.Answer, &dns.AAAA{Hdr: header, AAAA: v6.AsSlice()})
	}
}

// answerReverse names the loopback and fake addresses of names that may be
// known here; every other address has no name.
func (s *Server) answerReverse(m *dns.Msg, q dns.Question, arpa string) {
	addr, ok := parseArpa(arpa)
	if !ok {
		m.Rcode = dns.RcodeNameError
		return
	}
	name := ""
	if h, ok := s.names.lookup(addr); ok && s.rules.Load().DecideName(h).Allow {
		name = h.Name()
	} else if addr.IsLoopback() {
		name = "localhost"
	}
	if name == "" {
		m.Rcode = dns.RcodeNameError
		return
	}
	if q.Qtype == dns.TypePTR {
		m.Answer = append(m.Answer, &dns.PTR{
			Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: fakeTTL},
			Ptr: dns.Fqdn(name)})
	}
}

// parseArpa reads d.c.b.a.in-addr.arpa. and 32 nibbles.ip6.arpa.
func parseArpa(name string) (netip.Addr, bool) {
	if digits, ok := strings.CutSuffix(name, ".in-addr.arpa."); ok {
		parts := strings.Split(digits, ".")
		if len(parts) != 4 {
			return netip.Addr{}, false
		}
		a, err := netip.ParseAddr(parts[3] + "." + parts[2] + "." + parts[1] + "." + parts[0])
		return a, err == nil
	}
	digits, ok := strings.CutSuffix(name, ".ip6.arpa.")
	parts := strings.Split(digits, ".")
	if !ok || len(parts) != 32 {
		return netip.Addr{}, false
	}
	var b [16]byte
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 16, 4)
		if err != nil || len(p) != 1 {
			return netip.Addr{}, false
		}
		at := 31 - i
		b[at/2] |= byte(n) << (4 * (1 - at%2))
	}
	return netip.AddrFrom16(b), true
}
