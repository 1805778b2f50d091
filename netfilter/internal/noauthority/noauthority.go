// Package noauthority takes goproxy's built-in certificate authority away before
// goproxy parses it: an RSA key of 4,096 bits, 3 ms at every start of a program
// that imports it, for an interception of TLS that fsh never does. What is left in
// its place is a pair of P-256 that nobody trusts and that expired in 1970.
//
// A package without imports is initialised before all that have some and sort
// behind it (Go specification, "Program initialization"); goproxy has net/http.
package noauthority

import _ "unsafe" // for go:linkname

//go:linkname certificate github.com/elazarl/goproxy.CA_CERT
var certificate []byte

//go:linkname key github.com/elazarl/goproxy.CA_KEY
var key []byte

func init() {
	certificate, key = []byte(expired), []byte(known)
}

const expired = `-----BEGIN CERTIFICATE-----
MIIBJTCBy6ADAgECAgEBMAoGCCqGSM49BAMCMBwxGjAYBgNVBAMTEXRydXN0ZWQg
Ynkgbm9ib2R5MB4XDTcwMDEwMTAwMDAwMFoXDTcwMDEwMTAwMDAwMVowHDEaMBgG
A1UEAxMRdHJ1c3RlZCBieSBub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAS748XXXV7XH6CgxLFU6mGZaC+FMssyWgJHIv2gfVWWYh0/GPX3Ri2JLRO+QhBB
6OCPXBT/BllvaDAXL+/mabeBMAoGCCqGSM49BAMCA0kAMEYCIQDQq7nzYLHRNbWF
OLEaIrAHfUeEAbS33ynNCTq2jRmefQIhAJHCgHCWm4/OEF3DbaL4jYh6A1yLSezV
ewFuu+uYJouR
-----END CERTIFICATE-----`

const known = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOMkEwZut1N82/3cfK9THMkTh9eJCd/ecwq/nP0bfS/MoAoGCCqGSM49
AwEHoUQDQgAEu+PF111e1x+goMSxVOphmWgvhTLLMloCRyL9oH1VlmIdPxj190Yt
iS0TvkIQQejgj1wU/wZZb2gwFy/v5mm3gQ==
-----END EC PRIVATE KEY-----`
