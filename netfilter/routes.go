package netfilter

import (
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// leadsHere asks the kernel's routes, which have more of this machine's addresses
// than its interfaces ("ip route add local"), and those of this moment. What
// cannot be asked, or has no route, is left to the list of the interfaces, unless it
// cannot be asked for want of descriptors or memory, which programs inside may cause.
func leadsHere(a netip.Addr) bool {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return isTemporary(err)
	}
	defer c.Close()
	answers, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETROUTE, Flags: netlink.Request}, Data: routeQuestion(a.Unmap())})
	// struct rtmsg of rtnetlink(7) begins the answer, too; its type is byte 7.
	if err != nil {
		return isTemporary(err)
	}
	return len(answers) == 1 && len(answers[0].Data) >= unix.SizeofRtMsg && answers[0].Data[7] == unix.RTN_LOCAL
}

// routeQuestion is struct rtmsg and RTA_DST, rtnetlink(7).
func routeQuestion(a netip.Addr) []byte {
	q := make([]byte, unix.SizeofRtMsg, unix.SizeofRtMsg+unix.SizeofRtAttr+16)
	q[0], q[1] = unix.AF_INET6, byte(a.BitLen())
	if a.Is4() {
		q[0] = unix.AF_INET
	}
	to := a.AsSlice()
	q = binary.NativeEndian.AppendUint16(q, uint16(unix.SizeofRtAttr+len(to)))
	q = binary.NativeEndian.AppendUint16(q, unix.RTA_DST)
	return append(q, to...)
}
