//go:build !linux

// Fsh is a POSIX shell that runs every external command in a sandbox.
package main

import (
	"fmt"
	"os"
	"runtime"
)

// main refuses: the sandbox is made of what only Linux has, and a shell that
// ran scripts without it would not be what was asked for. 125 is the status of
// a sandbox that cannot be set up.
func main() {
	fmt.Fprintf(os.Stderr, "fsh: error: %s is not supported: the sandbox needs Linux namespaces, Landlock and seccomp\n"+
		"fsh: hint: run fsh on Linux, or in a virtual machine with it\n", runtime.GOOS)
	os.Exit(125)
}
