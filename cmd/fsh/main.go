// Fsh is a POSIX shell that runs every external command in a sandbox.
package main

import (
	"os"
	"path/filepath"

	"github.com/fsh-sh/fsh/interp/plain"
	"github.com/fsh-sh/fsh/netfilter"
	"github.com/fsh-sh/fsh/sandbox"
)

func main() {
	plain.Hidden()
	// fsh's helper processes are re-execs of this binary, told apart by
	// argv[0]. Nothing is gained by calling them by hand: each expects
	// sockets and privileges that only its parent can give.
	if run, ok := helper(os.Args[0]); ok {
		os.Exit(run())
	}
	os.Exit(start(os.Args, os.Environ()))
}

func helper(argv0 string) (func() int, bool) {
	if argv0 == netfilter.ProxyName {
		return func() int { return netfilter.ProxyMain(netfilter.ProxyControl) }, true
	}
	return sandbox.Helper(filepath.Base(argv0))
}
