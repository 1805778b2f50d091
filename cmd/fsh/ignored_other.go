//go:build linux && !startsignals

package main

import "syscall"

// ignoredOnEntry knows nothing in a build without the tag: package interp
// finds out about SIGHUP, SIGINT and the stop signals of the terminal.
func ignoredOnEntry() []syscall.Signal { return nil }
