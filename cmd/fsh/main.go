//go:build linux

// Fsh is a POSIX shell that runs every external command in a sandbox.
package main

import (
	"os"

	"github.com/fsh-sh/fsh/interp/plain"
	"github.com/fsh-sh/fsh/netfilter"
)

func main() {
	plain.Hidden()
	if err := runtimeFiles.err(0); err != nil {
		os.Exit(complain(exitSetup, err))
	}
	// fsh's helper processes are re-execs of this binary, told apart by
	// argv[0]; those of package sandbox run before main. Nothing is gained by
	// calling them by hand: each expects sockets and privileges that only its
	// parent can give.
	if os.Args[0] == netfilter.ProxyName {
		os.Exit(netfilter.ProxyMain(netfilter.ProxyControl))
	}
	os.Exit(start(os.Args, os.Environ()))
}
