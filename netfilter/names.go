package netfilter

import (
	"encoding/binary"
	"net/netip"
	"sync"
)

// Fake addresses stand for names inside the sandbox. IPv4: 198.18.0.0/15, the
// benchmarking range (RFC 2544), never routed. IPv6: 100::/64, the discard
// range (RFC 6666): like the first it is nobody's, so no rule can mean a real
// host in it, which a random unique-local prefix (fd00::/8) cannot promise.
// With lo's source addresses RFC 6724 prefers the IPv4 one; either works,
// because the family towards the real host is chosen when dialling.
var (
	fakeRange4 = netip.MustParsePrefix("198.18.0.0/15")
	fakeRange6 = netip.MustParsePrefix("100::/64")
)

// defaultMaxNames is far above what a build or an installation asks for and
// small enough (a few MiB) that a loop over names cannot hurt the proxy. It is for
// each network, so that the commands of one policy leave those of another theirs.
const defaultMaxNames = 16384

// maxNumbers is for all: the last of the range is the sandbox's own.
const maxNumbers = 1<<17 - 3

// nameTable gives each name one number for the whole session, all of its
// networks: a program may get an address from one of another policy. Numbers are
// never reused, so an address that a program kept can never come to mean
// another name; when they run out the DNS door answers SERVFAIL.
type nameTable struct {
	mu     sync.Mutex
	number map[string]uint32
	names  []string // names[i] has number i+1
}

func newNameTable() *nameTable { return &nameTable{number: map[string]uint32{}} }

// nameQuota is how many names of patterns a network has given numbers to, for the
// table's mutex, and how many it may.
type nameQuota struct{ used, max int }

// assign returns the name's number; false when there are too many. A name that the
// rules themselves have counts for no quota (nil): there is a bound to those.
func (t *nameTable) assign(name string, quota *nameQuota) (uint32, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.number[name]; ok {
		return n, true
	}
	if len(t.names) >= maxNumbers || quota != nil && quota.used >= quota.max {
		return 0, false
	}
	if quota != nil {
		quota.used++
	}
	t.names = append(t.names, name)
	n := uint32(len(t.names))
	t.number[name] = n
	return n, true
}

func fake4(n uint32) netip.Addr {
	b := fakeRange4.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+n)
	return netip.AddrFrom4(b)
}

func fake6(n uint32) netip.Addr {
	b := fakeRange6.Addr().As16()
	binary.BigEndian.PutUint32(b[12:], n)
	return netip.AddrFrom16(b)
}

// isFake reports whether a is in a range that only this table gives out.
func isFake(a netip.Addr) bool { return fakeRange4.Contains(a) || fakeRange6.Contains(a) }

// lookup returns the name of a fake address.
func (t *nameTable) lookup(a netip.Addr) (Host, bool) {
	var n uint64
	switch {
	case fakeRange4.Contains(a):
		b, base := a.As4(), fakeRange4.Addr().As4()
		n = uint64(binary.BigEndian.Uint32(b[:]) - binary.BigEndian.Uint32(base[:]))
	case fakeRange6.Contains(a):
		b := a.As16()
		n = binary.BigEndian.Uint64(b[8:])
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n == 0 || n > uint64(len(t.names)) {
		return Host{}, false
	}
	return Host{name: t.names[n-1]}, true
}
