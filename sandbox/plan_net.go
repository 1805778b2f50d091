package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"golang.org/x/sys/unix"

	"github.com/fsh-sh/fsh/policy"
)

const (
	rlimitCPU    = unix.RLIMIT_CPU
	rlimitData   = unix.RLIMIT_DATA
	rlimitFsize  = unix.RLIMIT_FSIZE
	rlimitNofile = unix.RLIMIT_NOFILE
	rlimitNproc  = unix.RLIMIT_NPROC
)

// netKey is equal for network rules that mean the same to a network
// namespace and its proxy: what is written, not where it is written.
func netKey(n *policy.Network) string {
	key := struct {
		Allowed, Denied []string
		Local           string
		Ports           []int
		Expose          []policy.Exposed
		Hosts           [][2]string
	}{Local: n.LocalOutbound.Mode, Ports: n.LocalOutbound.Ports, Expose: n.ExposePorts}
	for _, h := range n.AllowedDomains {
		key.Allowed = append(key.Allowed, h.Entry)
	}
	for _, h := range n.DeniedDomains {
		key.Denied = append(key.Denied, h.Entry)
	}
	for _, h := range n.Hosts {
		key.Hosts = append(key.Hosts, [2]string{h.Name, h.Addr})
	}
	text, err := json.Marshal(key)
	if err != nil { // strings and numbers always marshal
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
