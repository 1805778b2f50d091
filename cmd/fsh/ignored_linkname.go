//go:build linux && startsignals

package main

import (
	"syscall"
	_ "unsafe" // for go:linkname
)

// fwdSig is what the runtime found when it installed its handlers: 1 is
// SIG_IGN. Nothing else knows any more. The linker lets nobody look at it
// without -checklinkname=0, hence the build tag; see the Makefile.
//
//go:linkname fwdSig runtime.fwdSig
var fwdSig [65]uintptr

// ignoredOnEntry are the signals that were ignored when this process started,
// which a script cannot trap (XCU trap).
func ignoredOnEntry() (list []syscall.Signal) {
	for n, handler := range fwdSig {
		if n > 0 && handler == 1 {
			list = append(list, syscall.Signal(n))
		}
	}
	return list
}
