package sandbox

import (
	"encoding/binary"
	"path/filepath"
	"strconv"

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
func (s *supervisor) allowsExec(n *notification, c *watchedCall) bool {
	pid := int(n.pid)
	name, ok := readString(pid, uintptr(n.args[c.path]))
	if !ok {
		return true
	}
	argv := readArgv(pid, uintptr(n.args[c.path+1]))
	if len(argv) == 0 {
		argv = []string{name}
	}
	file, ok := s.executed(n, c, name)
	if !ok {
		return true
	}
	if _, denied := s.commands.DeniedCommand(argv, name, file); !denied {
		return true
	}
	s.report(n, deniedNote{Action: "exec", Path: file, Argv: argv, Errno: "EACCES"})
	return false
}

// executed is the file behind the name of an execve, without links.
func (s *supervisor) executed(n *notification, c *watchedCall, name string) (string, bool) {
	pid := int(n.pid)
	if name == "" { // fexecve(3)
		fd := "/fd/" + strconv.Itoa(int(int32(n.args[max(c.dir, 0)])))
		buf := make([]byte, unix.PathMax)
		size, err := unix.Readlinkat(s.t.k.base.hostProc, strconv.Itoa(pid)+fd, buf)
		return string(buf[:max(size, 0)]), err == nil
	}
	dir := int32(unix.AT_FDCWD)
	if c.dir >= 0 {
		dir = int32(n.args[c.dir])
	}
	return s.realPath(processDir(pid, dir, name), name, pid, 0)
}

// readArgv copies the words of a command out of another process, as many as
// rules can be about.
func readArgv(pid int, at uintptr) []string {
	var argv []string
	size := 0
	pointers := make([]byte, 64*8)
	for at != 0 && len(argv) < maxRuleWords && size < maxRuleBytes {
		local := []unix.Iovec{{Base: &pointers[0]}}
		// Up to the end of a page: the next one may be missing.
		want := min(len(pointers), int(4096-at%4096)+8)
		local[0].SetLen(want)
		got, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: at, Len: want}}, 0)
		if err != nil || got < 8 {
			return argv
		}
		for i := 0; i+8 <= got; i += 8 {
			word := uintptr(binary.NativeEndian.Uint64(pointers[i:]))
			text, ok := "", word != 0
			if ok {
				text, ok = readWord(pid, word)
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
func readWord(pid int, at uintptr) (string, bool) {
	text, ok := readString(pid, at)
	return text, ok || text != ""
}

// processDir is where below /proc a process's relative name begins.
func processDir(pid int, dir int32, name string) string {
	switch {
	case filepath.IsAbs(name):
		return ""
	case dir == unix.AT_FDCWD:
		return strconv.Itoa(pid) + "/cwd"
	}
	return strconv.Itoa(pid) + "/fd/" + strconv.Itoa(int(dir))
}
