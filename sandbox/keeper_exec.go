package sandbox

import (
	"encoding/binary"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// When a policy names commands, every execve inside is shown to the
// supervisor, which compares program and arguments with the rules. It is a
// guardrail: "go on" is advice only (another thread can change the words after
// they were read), and a copy of a program has another name.

// Bounds of what is read of a command's arguments: rules are about the first
// words.
const (
	maxRuleWords = 4096
	maxRuleBytes = 128 << 10
)

// allowsExec judges one execve. What cannot be read or does not exist fails by
// itself.
func (r *request) allowsExec(c *watchedCall) bool {
	memory := r.memory()
	name, errno := memory.text(uintptr(r.n.args[c.path]))
	if errno != 0 {
		return true
	}
	argv := readArgv(memory, uintptr(r.n.args[c.path+1]))
	if len(argv) == 0 {
		argv = []string{name}
	}
	file, errno := r.executed(c, name)
	if errno != 0 {
		return true
	}
	if _, denied := r.s.commands.DeniedCommand(argv, name, file); !denied {
		return true
	}
	r.s.report(r.n, deniedNote{Action: "exec", Path: file, Argv: shown(argv), Errno: "EACCES"})
	return false
}

// maxShown is how much of a command a report has.
const maxShown = 2048

// shown is what people are told of a command: the beginning of a long one.
func shown(argv []string) []string {
	left := maxShown
	for i, word := range argv {
		if len(word) >= left {
			return append(slices.Clone(argv[:i]), strings.ToValidUTF8(word[:left], "")+"…")
		}
		left -= len(word) + 1
	}
	return argv
}

// executed is the file behind the name of an execve, without links.
func (r *request) executed(c *watchedCall, name string) (string, unix.Errno) {
	if name == "" { // fexecve(3)
		fd, errno := r.base(c.at)
		if errno != 0 {
			return "", errno
		}
		return r.pathOf(fd)
	}
	sp, errno := r.spot(c.at, c.path)
	if errno == 0 {
		sp, _, errno = r.follow(sp)
	}
	if errno != 0 {
		return "", errno
	}
	fd, errno := r.keep(unix.Openat(sp.dir, sp.nameOrDot(), unix.O_PATH|unix.O_CLOEXEC, 0))
	if errno != 0 {
		return "", errno
	}
	return r.pathOf(fd)
}

// readArgv copies the words of a command out of another process, as many as
// rules can be about.
func readArgv(memory processMemory, at uintptr) []string {
	var argv []string
	size := 0
	pointers := make([]byte, 64*8)
	for at != 0 && len(argv) < maxRuleWords && size < maxRuleBytes {
		// Up to the end of a page: the next one may be missing.
		want := min(len(pointers), int(4096-at%4096)+8)
		got, err := memory.read(at, pointers[:want])
		if err != nil || got < 8 {
			return argv
		}
		for i := 0; i+8 <= got; i += 8 {
			word := uintptr(binary.NativeEndian.Uint64(pointers[i:]))
			text, ok := "", word != 0
			if ok {
				text, ok = readWord(memory, word)
			}
			if !ok {
				return argv
			}
			argv, size = append(argv, text), size+len(text)
		}
		at += uintptr(got / 8 * 8)
	}
	return argv
}

// readWord is the beginning of an argument; no rule has words of a page.
func readWord(memory processMemory, at uintptr) (string, bool) {
	text, errno := memory.text(at)
	return text, errno == 0 || errno == unix.ENAMETOOLONG
}
