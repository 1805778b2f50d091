//go:build !startsignals

package main

import "syscall"

// ignoredOnEntry knows nothing without the tag, see package interp.
func ignoredOnEntry() []syscall.Signal { return nil }
