package doorbell

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// Without a network namespace the doors are unix sockets that only the keeper
// has a way to. It connects to them for a process, from an abstract address that
// says which.

const clientPrefix = "@fsh-client-"

var clients atomic.Uint64

// ClientName is an address for a connection that a process wants.
func ClientName(p Process) string {
	return fmt.Sprintf("%s%d-%d-%d-%s", clientPrefix, os.Getpid(), clients.Add(1), p.Pid, p.Name)
}

// ClientOf is the process that an address names; zero for other addresses.
func ClientOf(a net.Addr) Process {
	u, ok := a.(*net.UnixAddr)
	if !ok || u == nil {
		return Process{}
	}
	rest, ok := strings.CutPrefix(u.Name, clientPrefix)
	parts := strings.SplitN(rest, "-", 4)
	if !ok || len(parts) != 4 {
		return Process{}
	}
	pid, err := strconv.Atoi(parts[2])
	if err != nil || pid <= 0 {
		return Process{}
	}
	return Process{Pid: pid, Name: parts[3]}
}
