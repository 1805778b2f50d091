//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal.
type terminal struct{ *os.File }

// openTerminal opens the terminal to ask on. Standard input may be anything:
// it is not asked. The terminal must be the user's own, and fsh in its
// foreground, or somebody else could answer.
func openTerminal() (*terminal, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, errors.New("there is no terminal to ask on")
	}
	t := &terminal{f}
	if err := t.check(); err != nil {
		f.Close()
		return nil, err
	}
	return t, nil
}

func (t *terminal) check() error {
	fd := int(t.Fd())
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil {
		return errors.New("there is no terminal to ask on")
	}
	if group != unix.Getpgrp() {
		return errors.New("fsh is not in the foreground of the terminal")
	}
	// /dev/tty is everybody's; the device behind it has an owner.
	var st unix.Stat_t
	for _, name := range []string{"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"} {
		if path, err := os.Readlink(name); err == nil && strings.HasPrefix(path, "/dev/") && unix.Stat(path, &st) == nil && isControlling(path) {
			euid := uint32(os.Geteuid())
			if st.Uid != euid && euid != 0 {
				return fmt.Errorf("the terminal belongs to user %d", st.Uid)
			}
			return nil
		}
	}
	return errors.New("neither standard input, output nor error is the terminal")
}

// isControlling tells whether a device is this session's terminal.
func isControlling(path string) bool {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	session, err := unix.IoctlGetInt(fd, unix.TIOCGSID)
	own, errOwn := unix.Getsid(0)
	return err == nil && errOwn == nil && session == own
}

// ask shows the text and reads one line. What was typed before the question
// does not count. A dangerous request takes a whole "yes".
func (t *terminal) ask(text string, dangerous bool) (bool, error) {
	fd := int(t.Fd())
	saved, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return false, err
	}
	lines := plainLines(*saved)
	if err := unix.IoctlSetTermios(fd, unix.TCSETSW, &lines); err != nil {
		return false, err
	}
	defer unix.IoctlSetTermios(fd, unix.TCSETSW, saved)
	// The output of what ran before may have been stopped half-way (^S).
	_ = unix.IoctlSetInt(fd, unix.TCXONC, unix.TCOON) // as good as it gets
	reset := ""
	if term := os.Getenv("TERM"); term != "" && term != "dumb" {
		// Earlier output may have begun a sequence that swallows text (CAN ends
		// it), or left attributes, margins and character sets that hide a line
		// (SI, DECSTR, SCS).
		reset = "\x18\x0f\x1b[!p\x1b(B\x1b[0m\r\n"
	}
	if _, err := t.WriteString(reset + text); err != nil {
		return false, err
	}
	time.Sleep(settle)
	if err := unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH); err != nil {
		return false, err
	}
	question := "trust it, until it is edited? [y/N] "
	if dangerous {
		question = "there are warnings. To trust it all the same, until it is edited, type yes: "
	}
	if _, err := t.WriteString(question); err != nil {
		return false, err
	}
	line, err := t.readLine()
	if err != nil || !strings.HasSuffix(line, "\n") {
		_, _ = t.WriteString("\n") // for what comes next
	}
	switch answer := strings.ToLower(strings.TrimSpace(line)); {
	case err != nil || !strings.HasSuffix(line, "\n"):
		return false, nil // the end of input, ^C or ^D are no
	case dangerous:
		return answer == "yes", nil
	default:
		return answer == "y" || answer == "yes", nil
	}
}

// readLine takes what one read(2) gives: a line, or its beginning.
func (t *terminal) readLine() (string, error) {
	b := make([]byte, 256)
	n, err := t.Read(b)
	return string(b[:max(n, 0)]), err
}

// plainLines is a terminal that edits lines, whatever ran on it before. ^C ends
// the line, which is no answer then: as a signal it would reach whoever else is
// in the foreground.
func plainLines(t unix.Termios) unix.Termios {
	t.Iflag = unix.ICRNL | unix.IXON | t.Iflag&unix.IUTF8
	t.Oflag = unix.OPOST | unix.ONLCR
	t.Lflag = unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHOCTL
	const none = 0 // _POSIX_VDISABLE (termios(3))
	t.Cc[unix.VEOF], t.Cc[unix.VERASE], t.Cc[unix.VKILL] = 0x04, 0x7f, 0x15
	t.Cc[unix.VEOL], t.Cc[unix.VEOL2], t.Cc[unix.VSTART], t.Cc[unix.VSTOP] = 0x03, none, 0x11, 0x13
	return t
}
