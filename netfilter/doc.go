// Package netfilter decides which hosts a sandbox may reach and stands at the
// four doors where that is asked: the transparent TCP interceptor, the DNS
// server, the HTTP proxy and the SOCKS5 proxy.
//
// A host is parsed once, by ParseHost, to a canonical value; Rules.Decide
// judges that value; the dialler resolves it, checks every address it gets and
// connects to the address that was checked. No door has a rule of its own.
package netfilter
