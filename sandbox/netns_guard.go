package sandbox

import (
	"errors"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The guard refuses what no rule can allow before it is redirected, so that
// connect(2) itself fails: a door can only accept and then reset, which many
// programs take for success. It decides nothing that the proxy would decide
// otherwise; what it lets pass the proxy judges as ever.

// Reach says which addresses and ports rules can name. The first entry that
// matches counts; what none matches is refused.
type Reach []ReachEntry

// ReachEntry is a range of addresses and ports.
type ReachEntry struct {
	Prefix netip.Prefix   `json:"prefix"`
	Except []netip.Prefix `json:"except,omitempty"` // parts of Prefix that the entry is not about
	Lo     uint16         `json:"lo"`
	Hi     uint16         `json:"hi"`
	Refuse bool           `json:"refuse,omitempty"`
}

// maxReach bounds the rules in the kernel, which looks at them one by one.
// With more, the guard lets everything pass to the proxy.
const maxReach = 256

const (
	guardTable = "fsh"
	guardChain = "guard"
	// guardGroup is the nfnetlink_log group of what was refused; the number
	// is the namespace's own.
	guardGroup = 1
	// guardSnap holds an IPv6 and a TCP header with options.
	guardSnap = 128
)

// guard writes the chain. logged says that somebody reads the log and answers
// refused connections; otherwise the kernel resets them, and nobody can say
// whose they were: their sockets are gone before anybody could look.
//
// The priority is before destination NAT, which rewrites where they go.
func guard(c *nftables.Conn, table *nftables.Table, reach Reach, logged bool) {
	chain := c.AddChain(&nftables.Chain{
		Name: guardChain, Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityMangle,
	})
	c.FlushChain(chain)
	for _, r := range guardRules(reach, logged) {
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: r})
	}
}

// setGuard replaces the guard of the calling thread's namespace.
func setGuard(reach Reach, logged bool) error {
	c, err := newRuleBatch()
	if err != nil {
		return err
	}
	guard(c.Conn, &nftables.Table{Family: nftables.TableFamilyINet, Name: guardTable}, reach, logged)
	return c.commit()
}

func guardRules(reach Reach, logged bool) [][]expr.Any {
	udp := isProto(unix.IPPROTO_UDP)
	rules := [][]expr.Any{
		join(isTCP(), flags(expr.CmpOpNeq), returns()), // nearly all packets
		join(loopback4(), returns()),
		join(loopback6(), returns()),
		join(own4(), returns()),
		join(own6(), returns()),
		join(udp, toPort(PortDNS), returns()),
		join(udp, fromPort(PortDNS), returns()), // the answers of our own server
	}
	// send(2) of a datagram that is rejected on its way out fails with EPERM.
	refuseUDP := rejects(unix.NFT_REJECT_ICMPX_UNREACH, unix.NFT_REJECT_ICMPX_PORT_UNREACH)
	refuseTCP := rejects(unix.NFT_REJECT_TCP_RST, 0)
	if logged {
		refuseUDP = join(logs(), refuseUDP)
		refuseTCP = join(logs(), drops()) // the keeper answers with the reset
	}
	rules = append(rules, join(udp, refuseUDP),
		join(isTCP(), toPort(PortDNS), returns()))
	if len(reach) > maxReach {
		return rules
	}
	for _, e := range reach {
		verdict := returns()
		if e.Refuse {
			verdict = refuseTCP
		}
		rules = append(rules, join(isTCP(), e.match(), verdict))
	}
	return append(rules, join(isTCP(), refuseTCP))
}

func (e ReachEntry) match() []expr.Any {
	out := inPrefix(e.Prefix, expr.CmpOpEq)
	for _, x := range e.Except {
		out = append(out, inPrefix(x, expr.CmpOpNeq)...)
	}
	if e.Lo <= 1 && e.Hi == 65535 {
		return out
	}
	return append(out,
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Range{Op: expr.CmpOpEq, Register: 1,
			FromData: binaryutil.BigEndian.PutUint16(e.Lo), ToData: binaryutil.BigEndian.PutUint16(e.Hi)})
}

// inPrefix compares the destination: offset 16 of the IPv4 header, 24 of the
// IPv6 header.
func inPrefix(p netip.Prefix, op expr.CmpOp) []expr.Any {
	family, offset := byte(unix.NFPROTO_IPV4), uint32(16)
	if p.Addr().Is6() {
		family, offset = unix.NFPROTO_IPV6, 24
	}
	out := isFamily(family)
	if p.Bits() == 0 && op == expr.CmpOpEq {
		return out
	}
	size := p.Addr().BitLen() / 8
	mask := make([]byte, size)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return append(out,
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(size)},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(size), Mask: mask, Xor: make([]byte, size)},
		&expr.Cmp{Op: op, Register: 1, Data: p.Masked().Addr().AsSlice()})
}

const (
	tcpFIN = 0x01
	tcpSYN = 0x02
	tcpRST = 0x04
	tcpACK = 0x10
)

// flags compares a packet with the first of a TCP connection; the guard is
// about no other, and the reset that answers it must not be answered itself.
// Flags are byte 13 of the header.
func flags(op expr.CmpOp) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{tcpFIN | tcpSYN | tcpRST | tcpACK}, Xor: []byte{0}},
		&expr.Cmp{Op: op, Register: 1, Data: []byte{tcpSYN}},
	}
}

// fromPort matches the source port: offset 0 of the TCP and UDP headers.
func fromPort(port int) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(uint16(port))},
	}
}

func logs() []expr.Any {
	return []expr.Any{&expr.Log{
		Key:   1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_SNAPLEN | 1<<unix.NFTA_LOG_QTHRESHOLD,
		Group: guardGroup, Snaplen: guardSnap, QThreshold: 1,
	}}
}

func drops() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}} }

func rejects(kind uint32, code uint8) []expr.Any {
	return []expr.Any{&expr.Reject{Type: kind, Code: code}}
}

// lacksExpression: what nf_tables answers when a kernel was built without a
// part of it.
func lacksExpression(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT)
}
