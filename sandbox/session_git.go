package sandbox

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"github.com/fsh-sh/fsh/events"
	"github.com/fsh-sh/fsh/interp"
	"golang.org/x/sys/unix"
)

// A hidden file that git tracks is a changed one to git, which has to read it for
// add -A, commit -a, stash and diff, and gives up with words about its type. It
// is an error, and nothing is recorded: neither that the file is gone nor that it
// is empty. Why it is one git cannot know; it is said when git has failed in a
// repository whose index names such a file.

const (
	maxIndex  = 8 << 20
	maxParsed = 20_000 // entries
	maxAbove  = 64     // directories above a command's
)

// explainGit looks for what git could not read, after it has failed.
func (s *Session) explainGit(c *interp.Command, ws syscall.WaitStatus) {
	if !ws.Exited() || ws == 0 || len(c.Argv) < 2 || path.Base(c.Argv[0]) != "git" {
		return
	}
	p := s.policyOf(c.Dir)
	if len(p.Filesystem.DenyRead) == 0 {
		return
	}
	root, index := s.gitIndex(c.Dir)
	if s.temp != "" && below(root, s.temp) { // the session's own, wherever that is
		return
	}
	for _, name := range indexNames(index) {
		file := filepath.Join(root, name)
		if readable, rule := p.Why("read", file); !readable {
			s.emit(events.Event{
				Kind: events.Warning, File: c.Where.File, Line: c.Where.Line, Program: "git", Action: "read", Target: file, Rule: &rule,
				Message: fmt.Sprintf("is tracked by git, which may not read it here (%s)", rule),
				Hint:    leaveOut(name),
			})
			return
		}
	}
}

// leaveOut says how to work with the rest. A name is part of what may be pasted
// into a shell only if it needs no more than quotes.
func leaveOut(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r == '\'' || r == '\\' || !unicode.IsPrint(r) }) {
		return "leave it out by a pathspec, see exclude in gitglossary(7)"
	}
	return "leave it out: git add -A -- . ':!" + name + "'; git commit; git stash push -- . ':!" + name + "'"
}

// gitIndex is the index of the repository that a directory is in, and its root.
// It is read as a command would read it.
func (s *Session) gitIndex(d interp.Dir) (root string, index []byte) {
	root = s.cfg.Dir
	if own, ok := d.(*dir); ok && own != nil {
		root = own.path
	}
	for range maxAbove {
		// Whatever the name leads to, it is not waited for.
		fd, err := s.System().Open(&interp.OpenRequest{Dir: d, Path: root + "/.git/index", Flags: unix.O_RDONLY | unix.O_NONBLOCK})
		if err == nil {
			defer unix.Close(fd)
			return root, readUpTo(fd, maxIndex)
		}
		if root == "/" {
			break
		}
		root = filepath.Dir(root)
	}
	return root, nil
}

func readUpTo(fd, limit int) []byte {
	var b bytes.Buffer
	buf := make([]byte, 64<<10)
	for b.Len() < limit {
		n, err := readRetry(fd, buf)
		if err != nil || n <= 0 {
			break
		}
		b.Write(buf[:n])
	}
	return b.Bytes()
}

// indexNames are the names in an index (gitformat-index(5)). Those of version 4,
// which are packed, and of repositories with sha256 are left alone.
func indexNames(b []byte) (names []string) {
	const fixed, extended = 62, 0x4000 // stat, object and flags; the bit for two more
	if len(b) < 12 || string(b[:4]) != "DIRC" || binary.BigEndian.Uint32(b[4:]) > 3 {
		return nil
	}
	count := min(binary.BigEndian.Uint32(b[8:]), maxParsed)
	b = b[12:]
	for range count {
		if len(b) < fixed {
			break
		}
		at := fixed
		if binary.BigEndian.Uint16(b[fixed-2:])&extended != 0 {
			at += 2
		}
		end := bytes.IndexByte(b[min(at, len(b)):], 0)
		if end <= 0 {
			break
		}
		names = append(names, string(b[at:at+end]))
		size := (at + end + 8) &^ 7 // padded with one to eight NULs
		if size > len(b) {
			break
		}
		b = b[size:]
	}
	return names
}
