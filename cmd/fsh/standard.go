//go:build linux

package main

import "golang.org/x/sys/unix"

// standardFlags is how descriptors 0 to 2 were when fsh was started. They are
// open files of whoever started it: a program that sets them to not block, or to
// send signals, does so for the next reader of the terminal, too.
type standardFlags [3]struct {
	flags int
	file  unix.Stat_t
	ok    bool
}

// lasting are the flags of an open file that a program may leave behind (fcntl(2)).
const lasting = unix.O_NONBLOCK | unix.O_ASYNC

func findStandardFlags() *standardFlags {
	var s standardFlags
	for fd := range s {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		s[fd].flags, s[fd].ok = flags, err == nil && unix.Fstat(fd, &s[fd].file) == nil
	}
	return &s
}

// restore takes back what was set since. A descriptor that is another file by
// now is the script's.
func (s *standardFlags) restore() {
	for fd := range s {
		was, st := &s[fd], unix.Stat_t{}
		if !was.ok || unix.Fstat(fd, &st) != nil || st.Dev != was.file.Dev || st.Ino != was.file.Ino {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if set := flags & lasting &^ was.flags; err == nil && set != 0 {
			_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&^set)
		}
	}
}
