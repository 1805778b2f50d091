package interp

// echoStyle says what echo makes of its arguments: XSI echo knows no options
// and always decodes, dash adds -n, bash has options and decodes with -e.
type echoStyle uint8

const (
	echoDash echoStyle = iota // -n first; escapes always
	echoBash                  // -n -e -E in any combination; escapes with -e
	echoXSI                   // bash in POSIX mode with xpg_echo
	echoXPG                   // bash with xpg_echo: options, escapes unless -E
)

// appendEcho appends what `echo args...` writes.
func appendEcho(dst []byte, args []string, style echoStyle) []byte {
	newline, decode := true, style != echoBash
	set := echoEscapesSh
	switch style {
	case echoDash:
		if len(args) > 0 && args[0] == "-n" {
			newline, args = false, args[1:]
		}
	case echoBash, echoXPG:
		set = echoEscapesBash
		for len(args) > 0 && echoOption(args[0], &newline, &decode) {
			args = args[1:]
		}
	}
	for i, a := range args {
		if i > 0 {
			dst = append(dst, ' ')
		}
		if !decode {
			dst = append(dst, a...)
			continue
		}
		var stop bool
		if dst, stop = appendEscaped(dst, a, set); stop {
			return dst
		}
	}
	if newline {
		dst = append(dst, '\n')
	}
	return dst
}

// echoOption applies an argument that consists of the letters n, e, E only.
func echoOption(arg string, newline, decode *bool) bool {
	if len(arg) < 2 || arg[0] != '-' {
		return false
	}
	n, d := *newline, *decode
	for i := 1; i < len(arg); i++ {
		switch arg[i] {
		case 'n':
			n = false
		case 'e':
			d = true
		case 'E':
			d = false
		default:
			return false
		}
	}
	*newline, *decode = n, d
	return true
}
