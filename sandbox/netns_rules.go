package sandbox

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// redirect installs the guard and the NAT rules. Their order matters.
func redirect(local localPorts, reach Reach, logged bool) error {
	c, err := newRuleBatch()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: guardTable})
	guard(c.Conn, table, reach, logged)
	chain := c.AddChain(&nftables.Chain{
		Name: "output", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	for _, r := range redirectRules(local) {
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: r})
	}
	return c.commit()
}

func redirectRules(local localPorts) [][]expr.Any {
	rules := [][]expr.Any{join(isMarked(), returns())}
	for _, family := range [...]struct{ all, host []expr.Any }{
		{loopback4(), toAddress4(netip.AddrFrom4([4]byte{127, 0, 0, 1}))}, {loopback6(), loopback6()},
	} {
		lo := family.all
		for _, own := range []int{PortTransparent, PortHTTP, PortSOCKS, PortDNS} {
			rules = append(rules, join(lo, isTCP(), toPort(own), returns()))
		}
		if local.All {
			rules = append(rules, join(family.host, isTCP(), redirectTo(PortTransparent)))
		}
		for _, p := range local.Ports {
			rules = append(rules, join(family.host, isTCP(), toPort(p), redirectTo(PortTransparent)))
		}
		rules = append(rules, join(lo, returns()))
	}
	return append(rules, join(own4(), returns()), join(own6(), returns()),
		join(isProto(unix.IPPROTO_UDP), toPort(PortDNS), redirectTo(PortDNS)),
		join(isTCP(), toPort(PortDNS), redirectTo(PortDNS)),
		join(isTCP(), redirectTo(PortTransparent)))
}

func join(parts ...[]expr.Any) []expr.Any {
	var out []expr.Any
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func isProto(proto byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}},
	}
}

func isTCP() []expr.Any { return isProto(unix.IPPROTO_TCP) }

// isMarked matches packets of the proxy's own connections to servers inside.
func isMarked() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(insideMark)},
	}
}

func isFamily(f byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{f}},
	}
}

// loopback4 matches destinations in 127.0.0.0/8: offset 16 of the IPv4 header.
func loopback4() []expr.Any {
	return join(isFamily(unix.NFPROTO_IPV4), []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{127}},
	})
}

// loopback6 matches ::1.
func loopback6() []expr.Any { return toAddress6(netip.IPv6Loopback()) }

// toAddress6 matches a destination: offset 24 of the IPv6 header.
func toAddress6(a netip.Addr) []expr.Any {
	return join(isFamily(unix.NFPROTO_IPV6), []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 24, Len: 16},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: a.AsSlice()},
	})
}

// toAddress4 matches a destination: offset 16 of the IPv4 header.
func toAddress4(a netip.Addr) []expr.Any {
	return join(isFamily(unix.NFPROTO_IPV4), []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: a.AsSlice()},
	})
}

// own4 and own6 match the other addresses of the loopback.
func own4() []expr.Any { return toAddress4(ownAddress4) }

func own6() []expr.Any { return toAddress6(ownAddress6) }

// toPort matches the destination port: offset 2 of the TCP and UDP headers.
func toPort(port int) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(uint16(port))},
	}
}

func redirectTo(port int) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(uint16(port))},
		&expr.Redir{RegisterProtoMin: 1},
	}
}

func returns() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}} }
