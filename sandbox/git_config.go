package sandbox

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A configuration of git is read roughly, for what git takes orders from: a
// setting too many is better than one too few.

// maxConfig bounds what is read of one.
const maxConfig = 256 << 10

// runs are the settings of git-config(1) whose value git executes, or takes
// further orders from; by the end of the lower-case name.
var runs = []string{
	"core.fsmonitor", "core.hookspath", "core.sshcommand", "core.gitproxy", "core.editor", "core.pager", "core.askpass",
	"core.alternaterefscommand", "core.worktree", "core.attributesfile", "credential.helper", ".helper", "include.path", ".path",
	"diff.external", ".command", ".textconv", ".clean", ".smudge", ".process", ".driver", "sequence.editor", "gpg.program", ".program",
	".difffilter", ".defaultkeycommand", ".recentobjectshook", ".update", ".allow",
	"uploadpack.packobjectshook", ".uploadpack", ".receivepack", ".vcs", ".cmd", ".proxy", "pager.", "alias.",
	".tocmd", ".cccmd", ".headercmd", ".sendmailcmd", ".smtpserver", "imap.tunnel", "instaweb.httpd", ".templatedir",
}

// gitOrder is a setting in section.key form; a subsection's name is left out.
type gitOrder struct{ name, value string }

// readConfig reads a regular file that is no link, up to one byte more than
// maxConfig.
func readConfig(path string) (string, error) {
	return readRegular(path, unix.AT_SYMLINK_NOFOLLOW, unix.O_NOFOLLOW)
}

// readRegular looks before it opens: opening a device may do something.
func readRegular(path string, look, open int) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(unix.AT_FDCWD, path, &st, look); err != nil {
		return "", err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return "", unix.EINVAL
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|open, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	text := readUpTo(fd, maxConfig+1)
	return string(text[:min(len(text), maxConfig+1)]), nil
}

// configOrders gives the settings that make git run something, in the syntax of
// git-config(1).
func configOrders(text string) []gitOrder {
	var what []gitOrder
	section := ""
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		for strings.HasPrefix(line, "[") {
			head, rest := cutSection(line[1:])
			section, line = strings.ToLower(strings.Fields(head + " .")[0]), strings.TrimSpace(rest)
		}
		key, value, _ := strings.Cut(line, "=")
		name := section + "." + strings.ToLower(strings.TrimSpace(key))
		if key == "" || strings.TrimSpace(value) == "false" {
			continue
		}
		if slices.ContainsFunc(runs, func(r string) bool {
			return strings.HasSuffix(name, r) || strings.HasSuffix(r, ".") && strings.HasPrefix(name, r)
		}) {
			what = append(what, gitOrder{name, strings.Trim(strings.TrimSpace(value), "\"")})
		}
	}
	return what
}

// cutSection ends a section's name at the bracket, which may be in a quoted
// subsection, too.
func cutSection(s string) (head, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
