package doorbell

import (
	"net"
	"testing"
)

func TestClientName(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range []Process{{Pid: 1, Name: "curl"}, {Pid: 4194304, Name: "a-b c-\n"}, {Pid: 7, Name: ""}, {Pid: 7, Name: ""}} {
		name := ClientName(p)
		if got := ClientOf(&net.UnixAddr{Name: name, Net: "unix"}); got != p || seen[name] || len(name) > 107 {
			t.Errorf("%q is %+v, want %+v", name, got, p)
		}
		seen[name] = true
	}
	for _, a := range []net.Addr{nil, (*net.UnixAddr)(nil), &net.UnixAddr{}, &net.UnixAddr{Name: "@"}, &net.UnixAddr{Name: "/fsh-client-1-1-1-x"},
		&net.UnixAddr{Name: clientPrefix + "1-1-x-y"}, &net.UnixAddr{Name: clientPrefix + "1-1-0-y"}, &net.UnixAddr{Name: clientPrefix + "1-1"}, &net.TCPAddr{}} {
		if got := ClientOf(a); got != (Process{}) {
			t.Errorf("%v is %+v", a, got)
		}
	}
}
