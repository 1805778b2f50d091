package interp

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// promptText is a prompt ready to be shown. POSIX has parameter expansion and
// in PS1 an exclamation mark for the number in the history; bash has escapes.
func (sh *shell) promptText(name, text string) string {
	if sh.bash() {
		if sh.history != nil && name == "PS1" {
			sh.history.added = false // the number is that of the next command
		}
		return sh.prompt(text)
	}
	text = sh.expandPrompt(text)
	if name != "PS1" || strings.IndexByte(text, '!') < 0 || !sh.interactive() {
		return text
	}
	number := strconv.Itoa(sh.historyNumber())
	text = strings.ReplaceAll(text, "!!", "\x00")
	return strings.ReplaceAll(strings.ReplaceAll(text, "!", number), "\x00", "!")
}

// prompt expands a prompt string as bash does PS1, and ${x@P}: backslash
// escapes first, then parameters, commands and arithmetic.
func (sh *shell) prompt(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if text[i] == 'D' && i+1 < len(text) && text[i+1] == '{' {
			if n := strings.IndexByte(text[i:], '}'); n > 0 {
				format := text[i+2 : i+n]
				if format == "" {
					format = "%X"
				}
				b.Write(strftimeText(nil, format, time.Now()))
				i += n
				continue
			}
		}
		if v, n := digits(text[i:min(i+3, len(text))], 8, 3); n == 3 {
			b.WriteByte(byte(v))
			i += n - 1
			continue
		}
		b.WriteString(sh.promptEscape(text[i]))
	}
	if !sh.acceptedShopt("promptvars") && sh.rt.bash {
		return promptPlain(b.String())
	}
	return sh.expandPrompt(b.String())
}

// promptPlain takes the backslashes from a prompt that is not to be expanded.
func promptPlain(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\$`, "$", "\\`", "`").Replace(s)
}

// promptEscape is what \c stands for. What names could contain is escaped
// from the expansions that follow.
func (sh *shell) promptEscape(c byte) string {
	now := time.Now()
	switch c {
	case 'a':
		return "\a"
	case 'e':
		return "\033"
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case '[', ']': // what the terminal does not show; here it is not counted
		return ""
	case '\\':
		return `\\`
	case '$':
		if os.Geteuid() == 0 {
			return "#"
		}
		return `\$`
	case 'd':
		return now.Format("Mon Jan 02")
	case 't':
		return now.Format("15:04:05")
	case 'T':
		return now.Format("03:04:05")
	case '@':
		return now.Format("03:04 PM")
	case 'A':
		return now.Format("15:04")
	case 'h', 'H':
		var uts unix.Utsname
		unix.Uname(&uts)
		host := unix.ByteSliceToString(uts.Nodename[:])
		if c == 'h' {
			host, _, _ = strings.Cut(host, ".")
		}
		return promptQuote(host)
	case 'j':
		return strconv.Itoa(len(sh.jobs.sorted()))
	case 'l':
		return "tty"
	case 's':
		return promptQuote(sh.name[strings.LastIndexByte(sh.name, '/')+1:])
	case 'u':
		return promptQuote(sh.userName())
	case 'v':
		return bashVersion[:3]
	case 'V':
		return bashVersion[:5]
	case 'w', 'W':
		return promptQuote(sh.promptDir(c == 'W'))
	case '!', '#':
		return strconv.Itoa(sh.historyNumber())
	}
	return `\\` + string(c)
}

func promptQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`").Replace(s)
}

func (sh *shell) userName() string {
	if name := sh.getOr("USER", ""); name != "" {
		return name
	}
	if os.Geteuid() == 0 {
		return "root"
	}
	return strconv.Itoa(syscall.Geteuid())
}

// promptDir is the working directory, with ~ for HOME.
func (sh *shell) promptDir(last bool) string {
	dir, home := sh.cwd, sh.getOr("HOME", "")
	if home != "" && home != "/" && (dir == home || strings.HasPrefix(dir, home+"/")) {
		dir = "~" + dir[len(home):]
	}
	i := strings.LastIndexByte(dir, '/')
	switch {
	case !last:
		return sh.trimPrompt(dir)
	case i >= 0 && dir != "/":
		dir = dir[i+1:]
	}
	return dir
}

// trimPrompt keeps as many directories at the end as PROMPT_DIRTRIM says.
func (sh *shell) trimPrompt(dir string) string {
	keep, err := strconv.Atoi(sh.getOr("PROMPT_DIRTRIM", ""))
	if err != nil || keep <= 0 || !sh.rt.bash {
		return dir
	}
	start := 0
	if dir[0] == '~' {
		start = max(strings.IndexByte(dir, '/'), 0)
	}
	end := len(dir)
	for range keep {
		if end = strings.LastIndexByte(dir[:end], '/'); end <= start {
			return dir
		}
	}
	trimmed := dir[:start] + map[bool]string{true: "/"}[start > 0] + "..." + dir[end:]
	if len(trimmed) >= len(dir) {
		return dir
	}
	return trimmed
}
